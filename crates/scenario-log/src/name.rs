//! The names that a preset, a fetch, an entry or a cell may have, those of players, which may be any text,
//! and the words of directions. Nothing here decides which thing has which name.

use crate::sanitize::{is_unsafe_char, sanitize};

/// The length of the longest name, in characters.
pub const MAX_NAME_LEN: usize = 64;

/// Why `name` is not a valid name, as a sentence for people; `None` if it is valid (`[A-Za-z0-9_.-]`, 1 to
/// 64 characters).
#[must_use]
pub fn name_error(name: &str) -> Option<String> {
    if name.is_empty() {
        return Some("a name has at least one character".to_owned());
    }
    if let Some(bad) = name.chars().find(|c| !(c.is_ascii_alphanumeric() || "_.-".contains(*c))) {
        return Some(format!(
            "a name is made of letters, digits, `_`, `.` and `-`; {} is none of these",
            describe_char(bad)
        ));
    }
    length_error("a name", name)
}

/// Why `label` is not a valid name of a step in figures, as a sentence for people; `None` if it is valid: any text
/// of 1 to 64 characters, none of them a control character.
#[must_use]
pub fn step_label_error(label: &str) -> Option<String> {
    text_error("the name of a step", label)
}

/// Why `name` is not a valid name of a player, as a sentence for people; `None` if it is valid: any text of 1
/// to 64 characters, none of them a control character.
#[must_use]
pub fn player_name_error(name: &str) -> Option<String> {
    text_error("a player's name", name)
}

/// Why a text is not one of 1 to 64 characters without control characters; `what` says what it is.
fn text_error(what: &str, text: &str) -> Option<String> {
    if text.is_empty() {
        return Some(format!("{what} has at least one character"));
    }
    if let Some(bad) = text.chars().find(|c| c.is_control()) {
        return Some(format!("{what} has no control characters; this one has {}", describe_char(bad)));
    }
    length_error(what, text)
}

/// Why `word` is not a valid direction of a move, as a sentence for people; `None` if it is valid: a word of 1
/// to 64 visible characters.
#[must_use]
pub fn direction_error(word: &str) -> Option<String> {
    if word.is_empty() {
        return Some("a direction has at least one character".to_owned());
    }
    if let Some(bad) = word.chars().find(|c| c.is_whitespace() || is_unsafe_char(*c)) {
        return Some(format!(
            "a direction is one word of visible characters; this one has {}",
            describe_char(bad)
        ));
    }
    length_error("a direction", word)
}

fn length_error(what: &str, name: &str) -> Option<String> {
    let count = name.chars().count();
    (count > MAX_NAME_LEN)
        .then(|| format!("{what} has at most {MAX_NAME_LEN} characters; this one has {count}"))
}

/// A character in a message: the character in backquotes, or its code point if it cannot be shown.
fn describe_char(c: char) -> String {
    if c == ' ' {
        "a space".to_owned()
    } else if c.is_control() || !(c.is_ascii_graphic() || c.is_alphanumeric()) {
        format!("U+{:04X}", u32::from(c))
    } else {
        format!("`{c}`")
    }
}

/// The name of one player, or the pattern of the names of `count` of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamePattern {
    /// The part before the number, or the whole name.
    pub prefix: String,
    /// The part after the number.
    pub suffix: String,
    /// Whether the name has a number.
    pub numbered: bool,
}

impl NamePattern {
    /// Reads `name` for `count` players. The number stands in the place of `{n}`. Without `{n}`, and with
    /// more than one player, `-1` to `-count` is appended.
    #[must_use]
    pub fn new(name: &str, count: u32) -> NamePattern {
        match name.split_once("{n}") {
            Some((prefix, suffix)) => {
                NamePattern { prefix: prefix.to_owned(), suffix: suffix.to_owned(), numbered: true }
            }
            None if count > 1 => {
                NamePattern { prefix: format!("{name}-"), suffix: String::new(), numbered: true }
            }
            None => NamePattern { prefix: name.to_owned(), suffix: String::new(), numbered: false },
        }
    }

    /// The name of the `n`th player, counted from 1. It does not allocate.
    #[must_use]
    pub fn nth(&self, n: u32) -> PlayerName<'_> {
        PlayerName { prefix: &self.prefix, number: self.numbered.then_some(n), suffix: &self.suffix }
    }
}

/// A player's name in its three parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlayerName<'a> {
    /// The part before the number, or the whole name.
    pub prefix: &'a str,
    /// The number, if the name has one.
    pub number: Option<u32>,
    /// The part after the number.
    pub suffix: &'a str,
}

impl<'a> PlayerName<'a> {
    /// A player's name that needs no number.
    #[must_use]
    pub fn from_full_name(name: &'a str) -> PlayerName<'a> {
        PlayerName { prefix: name, number: None, suffix: "" }
    }

    /// The name for a screen: it displays an escape for each [unsafe](crate::sanitize::is_unsafe_char)
    /// character.
    #[must_use]
    pub fn shown(self) -> ShownName<'a> {
        ShownName(self)
    }
}

/// A player's name, displayed for a screen.
#[derive(Clone, Copy, Debug)]
pub struct ShownName<'a>(PlayerName<'a>);

impl std::fmt::Display for ShownName<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let is_plain = |part: &str| part.bytes().all(|byte| (b' '..0x7f).contains(&byte) && byte != b'[');
        if is_plain(self.0.prefix) && is_plain(self.0.suffix) {
            self.0.fmt(f)
        } else {
            f.write_str(&sanitize(&self.0.to_string()))
        }
    }
}

impl std::fmt::Display for PlayerName<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.prefix)?;
        if let Some(number) = self.number {
            write!(f, "{number}")?;
        }
        f.write_str(self.suffix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_ascii_words() {
        assert_eq!(name_error("wave-2.b_C"), None);
        assert!(name_error("").is_some());
        assert!(name_error("a b").is_some_and(|m| m.contains("a space is none")));
        assert!(name_error("né").is_some_and(|m| m.contains("`é`")));
        assert_eq!(name_error(&"a".repeat(64)), None);
        assert!(name_error(&"a".repeat(65)).is_some());
    }

    #[test]
    fn a_player_may_have_any_name_without_control_characters() {
        let longest = "é".repeat(64);
        for name in ["Čeda", "Miss Emma", "\"O\\'Hara\"", "🦊", " ", "##[error]", &longest] {
            assert_eq!(player_name_error(name), None, "{name}");
        }
        for name in ["", "a\tb", "a\nb", "\u{85}", "\u{7f}", &format!("{longest}x")] {
            assert!(player_name_error(name).is_some(), "{name:?}");
        }
        assert!(player_name_error("a\tb").is_some_and(|m| m.contains("U+0009")));
    }

    #[test]
    fn a_direction_is_one_visible_word() {
        for word in ["serve", "rest", "北", "N-E", "↑"] {
            assert_eq!(direction_error(word), None, "{word}");
        }
        for word in ["", "a b", "a\u{a0}b", "a\u{202e}b", "\t", &"x".repeat(65)] {
            assert!(direction_error(word).is_some(), "{word:?}");
        }
    }

    #[test]
    fn a_shown_name_has_no_character_that_acts() {
        let shown = |name: &str| PlayerName::from_full_name(name).shown().to_string();
        assert_eq!(shown("Miss Emma"), "Miss Emma");
        assert_eq!(shown("Čeda \u{202e}x"), "Čeda \\u{202e}x");
        assert_eq!(shown("##vso[x]"), "##vso\\x5bx]");
        let numbered = PlayerName { prefix: "č", number: Some(2), suffix: "]" };
        assert_eq!(numbered.shown().to_string(), "č2]");
    }

    #[test]
    fn many_players_are_numbered() {
        assert_eq!(NamePattern::new("john", 1).nth(1).to_string(), "john");
        assert_eq!(NamePattern::new("john", 3).nth(2).to_string(), "john-2");
        assert_eq!(NamePattern::new("p{n}x", 3).nth(3).to_string(), "p3x");
    }
}
