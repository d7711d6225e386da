//! Texts for the page: made visible, cut, and how much they take there.

use scenario_log::sanitize::{push_sanitized_char, sanitize};

/// How many characters of a text the page shows.
pub(super) const MAX_TEXT_CHARS: usize = 200;

/// The first characters of a text, made visible.
pub(crate) fn truncate_text(text: &str, longest: usize) -> String {
    truncate_bytes(text.as_bytes(), longest)
}

/// The same of bytes that may not be UTF-8.
pub(crate) fn truncate_bytes(bytes: &[u8], longest: usize) -> String {
    // A character has at most 4 bytes; a few more, so that there is something to cut.
    let start = &bytes[..bytes.len().min(4 * longest + 4)];
    let mut out = String::new();
    let mut count = 0;
    for chunk in start.utf8_chunks() {
        for c in chunk.valid().chars() {
            if count == longest {
                out.push('…');
                return out;
            }
            push_sanitized_char(&mut out, c);
            count += 1;
        }
        for byte in chunk.invalid() {
            if count == longest {
                out.push('…');
                return out;
            }
            out.push_str(&format!("\\x{byte:02x}"));
            count += 1;
        }
    }
    out
}

/// How many bytes a text takes on the page at most, as JSON or as HTML, with what is escaped there.
pub(super) fn escaped_size(text: &str) -> usize {
    let of = |byte: u8| match byte {
        b'<' | b'>' | b'&' | b'"' | b'\'' => 6,
        b'\\' => 2,
        _ => 1,
    };
    text.bytes().map(of).sum::<usize>() + 2
}

/// A file's name as a word of a command line, made visible.
pub(super) fn shell_word(name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-+,=@%/".contains(c);
    let name = sanitize(name);
    if !name.is_empty() && !name.starts_with('-') && name.chars().all(is_plain) {
        return name;
    }
    let before = if name.starts_with('-') { "./" } else { "" };
    format!("'{before}{}'", name.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_and_seen() {
        assert_eq!(truncate_text("abc", 3), "abc");
        assert_eq!(truncate_text("abcd\x1b", 3), "abc…");
        assert_eq!(truncate_text("\x1b\u{202e}é", 3), "\\x1b\\u{202e}é");
        assert_eq!(truncate_bytes(b"a\xff\xfeb", 3), "a\\xff\\xfe…");
        assert_eq!(truncate_text(&"世".repeat(9), 8), format!("{}…", "世".repeat(8)));
    }

    #[test]
    fn a_word_for_a_shell() {
        assert_eq!(shell_word("a.jsonl"), "a.jsonl");
        assert_eq!(shell_word("it's mine"), r"'it'\''s mine'");
        assert_eq!(shell_word("-x"), "'./-x'");
    }
}
