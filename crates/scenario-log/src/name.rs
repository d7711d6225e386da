//! The names that a preset, a fetch, an entry, a player or a cell may have, and the numbered names of
//! players. Nothing here decides which thing has which name.

/// The length of the longest name, in characters (all of them ASCII).
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
    (name.len() > MAX_NAME_LEN)
        .then(|| format!("a name has at most {MAX_NAME_LEN} characters; this one has {}", name.len()))
}

/// A character in a message: the character in backquotes, or its code point if it cannot be shown.
fn describe_char(c: char) -> String {
    if c.is_control() || !(c.is_ascii_graphic() || c.is_alphanumeric()) {
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
        assert!(name_error("a b").is_some_and(|m| m.contains("U+0020")));
        assert!(name_error("né").is_some_and(|m| m.contains("`é`")));
        assert_eq!(name_error(&"a".repeat(64)), None);
        assert!(name_error(&"a".repeat(65)).is_some());
    }

    #[test]
    fn many_players_are_numbered() {
        assert_eq!(NamePattern::new("john", 1).nth(1).to_string(), "john");
        assert_eq!(NamePattern::new("john", 3).nth(2).to_string(), "john-2");
        assert_eq!(NamePattern::new("p{n}x", 3).nth(3).to_string(), "p3x");
    }
}
