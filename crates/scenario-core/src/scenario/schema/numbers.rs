//! Integers of a range, booleans, and sizes.

use super::lone_variable::or_lone_variable_schema;
use super::{DecodeContext, TomlSchema, own_words};
use crate::diagnostic::quoted;
use crate::scenario::format::SIZE_UNITS;
use crate::scenario::toml::{ByteRange, TomlNode, TomlValue};
use crate::scenario::write::json::{Json, object};

/// An integer from `LEAST` to `MOST`, both included.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BoundedInt<const LEAST: i64, const MOST: i64>(pub(crate) i64);

impl<const LEAST: i64, const MOST: i64> TomlSchema for BoundedInt<LEAST, MOST> {
    fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<Self> {
        let node = cx.resolve_lone(node)?;
        match node.value {
            TomlValue::Integer(Some(number)) if (LEAST..=MOST).contains(&number) => Some(BoundedInt(number)),
            TomlValue::Integer(_) => {
                report_out_of_range(cx, node.at, LEAST, MOST);
                None
            }
            _ => {
                let wanted = format!("an integer from {LEAST} to {MOST}");
                // The number may stand in quotes, or have decimals that say nothing.
                let written = match &node.value {
                    TomlValue::String(text) => text.as_str(&cx.source).to_owned(),
                    _ => cx.written(node.at).to_owned(),
                };
                let whole = written.trim().trim_end_matches('0').trim_end_matches('.');
                let number =
                    if written.contains('.') { whole.parse() } else { written.trim().parse::<i64>() };
                match number.ok().filter(|number| (LEAST..=MOST).contains(number)) {
                    Some(number) => {
                        cx.report_wrong_type_with_help(&node, &wanted, format!("write {number}"));
                    }
                    None => cx.report_wrong_type(&node, &wanted, &LEAST.max(1).min(MOST).to_string()),
                }
                None
            }
        }
    }

    fn schema() -> Json {
        // For JSON Schema a float such as 1.0 is an integer; the decoding tells TOML's floats from integers
        // itself.
        or_lone_variable_schema(integer_schema(LEAST, MOST))
    }
}

/// The schema of an integer of a range.
pub(crate) fn integer_schema(least: i64, most: i64) -> Json {
    object([("type", "integer".into()), ("minimum", Json::Int(least)), ("maximum", Json::Int(most))])
}

/// Reports an integer that is out of its range.
pub(crate) fn report_out_of_range(cx: &mut DecodeContext<'_>, at: ByteRange, least: i64, most: i64) {
    let written = cx.describe_written(at);
    cx.error(at, format!("{written} is out of range: it must be an integer from {least} to {most}"));
}

impl TomlSchema for bool {
    fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<bool> {
        let node = cx.resolve_lone(node)?;
        match node.value {
            TomlValue::Boolean(value) => Some(value),
            _ => {
                let written = match &node.value {
                    TomlValue::String(text) => text.as_str(&cx.source).to_ascii_lowercase(),
                    _ => cx.written(node.at).to_owned(),
                };
                let help = match written.as_str() {
                    "true" | "yes" | "on" | "y" | "1" => "write true",
                    "false" | "no" | "off" | "n" | "0" => "write false",
                    _ => "for example true",
                };
                cx.report_wrong_type_with_help(&node, "`true` or `false`", help.to_owned());
                None
            }
        }
    }

    fn schema() -> Json {
        or_lone_variable_schema(object([("type", "boolean".into())]))
    }
}

/// A number of bytes, at least `LEAST`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ByteSize<const LEAST: i64>(pub(crate) u64);

impl<const LEAST: i64> TomlSchema for ByteSize<LEAST> {
    fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<Self> {
        let at = node.at;
        if let TomlValue::Integer(_) = node.value {
            let source = std::rc::Rc::clone(&cx.source);
            let help = format!(
                "write \"{}\" for bytes, or for example \"64KiB\"",
                at.slice(&source).trim_start_matches('+')
            );
            cx.error_with_help(at, "a size is a string with a unit, not a bare number", help);
            return None;
        }
        let text = cx.decode_text(node, "a size", r#""64KiB""#)?;
        match parse_size(text.reveal()) {
            Ok(bytes) if i64::try_from(bytes).is_ok_and(|bytes| bytes >= LEAST) => Some(ByteSize(bytes)),
            Ok(_) => {
                cx.error(at, format!("a size here must be from {LEAST} to {} bytes", i64::MAX));
                None
            }
            Err(fault) => {
                let help = own_words::size_help(text.reveal()).filter(|_| !text.is_secret());
                let fault = if text.is_secret() { "this value is not a size".to_owned() } else { fault };
                let example = || r#"for example "64KiB", "1GB" or "100""#.to_owned();
                cx.error_with_help(at, fault, help.unwrap_or_else(example));
                None
            }
        }
    }

    fn schema() -> Json {
        let units: Vec<&str> =
            SIZE_UNITS.iter().map(|(unit, _)| *unit).filter(|unit| !unit.is_empty()).collect();
        let digits = if LEAST > 0 { "0*[1-9][0-9]{0,17}" } else { "[0-9]{1,18}" };
        super::strings::pattern_schema(&format!("^{digits} ?({})?$", units.join("|")))
            .with("examples", Json::from(["64KiB", "1GB"]))
    }
}

/// Reads a size, in bytes; the error is a message.
pub(crate) fn parse_size(text: &str) -> Result<u64, String> {
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(split);
    let unit = unit.strip_prefix(' ').unwrap_or(unit);
    if digits.is_empty() {
        return Err(format!("{} is not a size: a size begins with a whole number", quoted(text)));
    }
    let Some((_, bytes)) = SIZE_UNITS.iter().find(|(name, _)| *name == unit) else {
        let meant = SIZE_UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit));
        return Err(match meant {
            Some((name, _)) => format!("{} is not a unit of size; did you mean `{name}`?", quoted(unit)),
            None => {
                format!(
                    "{} is not a unit of size; the units are B, kB, MB, GB, TB, KiB, MiB, GiB, TiB",
                    quoted(unit)
                )
            }
        });
    };
    let number: Option<u64> = digits.parse().ok();
    number
        .and_then(|number| number.checked_mul(*bytes))
        .ok_or_else(|| format!("{} is more than {} bytes", quoted(text), i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::format::format_size;

    #[test]
    fn sizes_read_back_as_they_are_written() {
        for bytes in [1, 100, 65_536, 65_537, 1 << 30, 3 << 40, 1_000_000_000] {
            assert_eq!(parse_size(&format_size(bytes)), Ok(bytes));
        }
        assert_eq!(parse_size("1GB"), Ok(1_000_000_000));
        assert_eq!(parse_size("64 KiB"), Ok(65_536));
        assert!(parse_size("64kib").is_err_and(|fault| fault.contains("`KiB`")));
        for wrong in ["", "KiB", "-1", "1.5GB", "99999999999TB", "1 2"] {
            assert!(parse_size(wrong).is_err(), "{wrong}");
        }
    }
}
