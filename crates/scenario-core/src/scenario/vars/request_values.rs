//! Values that a request gets when it starts: of its row, of its player, its number, and draws from the seed.
//! Here are their names; `engine::request_values` has the values.

use std::ops::RangeInclusive;

/// The length of a drawn text, from 1 to this.
const MAX_TEXT_LEN: u16 = 1_000;

/// The forms of a draw, for messages.
pub(crate) const DRAW_FORMS: &str = "`${draw:1..100}`, `${draw:uuid}` and `${draw:text:8}`";

/// A value that a request gets when it starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RequestValue<'t> {
    /// `${row.NAME}`: the value of this name in its row.
    Row(&'t str),
    /// `${n}`: its number.
    Number,
    /// `${player}`: the name of its player.
    Player,
    /// `${draw:…}`.
    Draw(DrawForm),
}

/// A draw from the seed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum DrawForm {
    /// A whole number, both ends included.
    Integer(RangeInclusive<i64>),
    /// A UUID of version 4.
    Uuid,
    /// A text of this number of small letters and digits.
    Text(u16),
}

impl<'t> RequestValue<'t> {
    /// The value that the text between the braces names, or the reason why the draw is none; `None` if it is
    /// another name.
    pub(crate) fn parse(name: &'t str) -> Option<Result<RequestValue<'t>, String>> {
        match name {
            "n" => Some(Ok(RequestValue::Number)),
            "player" => Some(Ok(RequestValue::Player)),
            _ => match (name.strip_prefix("row."), name.strip_prefix("draw:")) {
                (Some(column), _) => Some(Ok(RequestValue::Row(column))),
                (_, Some(form)) => Some(parse_draw(form).map(RequestValue::Draw)),
                (None, None) => None,
            },
        }
    }
}

fn parse_draw(form: &str) -> Result<DrawForm, String> {
    if form == "uuid" {
        return Ok(DrawForm::Uuid);
    }
    if let Some(length) = form.strip_prefix("text:") {
        let length = Some(length).filter(|length| length.bytes().all(|byte| byte.is_ascii_digit()));
        let length = length.and_then(|length| length.parse::<u16>().ok());
        let length = length.filter(|length| (1..=MAX_TEXT_LEN).contains(length));
        return length.map(DrawForm::Text).ok_or_else(|| format!("its length is from 1 to {MAX_TEXT_LEN}"));
    }
    let (from, to) = form.split_once("..").ok_or("it is not one of the forms")?;
    let number = |text: &str| text.trim().parse::<i64>().map_err(|_| "its ends are whole numbers".to_owned());
    let (from, to) = (number(from)?, number(to)?);
    if from > to {
        return Err("its first number is the larger one".to_owned());
    }
    Ok(DrawForm::Integer(from..=to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_forms_are_told_apart() {
        let value = |name| RequestValue::parse(name).map(|value| value.map_err(|_| ()));
        assert_eq!(value("row.first name"), Some(Ok(RequestValue::Row("first name"))));
        assert_eq!(value("n"), Some(Ok(RequestValue::Number)));
        assert_eq!(value("player"), Some(Ok(RequestValue::Player)));
        assert_eq!(value("draw:uuid"), Some(Ok(RequestValue::Draw(DrawForm::Uuid))));
        assert_eq!(value("draw:-5 .. 5"), Some(Ok(RequestValue::Draw(DrawForm::Integer(-5..=5)))));
        assert_eq!(value("draw:text:8"), Some(Ok(RequestValue::Draw(DrawForm::Text(8)))));
        for wrong in
            ["draw:", "draw:5..1", "draw:1", "draw:text:0", "draw:text:+1", "draw:text:1001", "draw:UUID"]
        {
            assert_eq!(value(wrong), Some(Err(())), "{wrong}");
        }
        assert_eq!((value("rows.x"), value("number"), value("")), (None, None, None));
    }
}
