//! Text from outside, made safe to show: control characters, bidirectional marks and what is not
//! UTF-8 become visible escapes, so that nothing but letters ever reaches a terminal.

use std::borrow::Cow;
use std::fmt::Write;

/// Whether a character would do something to a terminal, or to how text beside it is read, instead
/// of being seen: controls (C0, DEL, C1), line and paragraph separators, bidirectional and
/// zero-width marks, tags, private interlinear marks.
#[must_use]
pub fn is_unsafe_char(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
        || matches!(c, '\u{061c}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
        // No characters at all (Unicode, section 23.7), which XML forbids.
        || matches!(c, '\u{fdd0}'..='\u{fdef}') || u32::from(c) & 0xfffe == 0xfffe
}

/// Appends `text`, with what [`acts`] as an escape: `\t`, `\x1b`, `\u{202e}`.
pub fn push_sanitized(out: &mut String, text: &str) {
    for c in text.chars() {
        push_sanitized_char(out, c);
    }
}

/// The same for one character.
pub fn push_sanitized_char(out: &mut String, c: char) {
    if is_unsafe_char(c) || (c == '[' && ends_like_ci_command(out)) {
        push_escape(out, c);
    } else {
        out.push(c);
    }
}

/// Whether a `[` would make a command for the log of a CI service of what stands there, wherever it
/// stands in its line: `##[error]` (GitHub), `##vso[` (Azure), `##teamcity[`.
fn ends_like_ci_command(before: &str) -> bool {
    before.trim_end_matches(|c: char| c.is_ascii_lowercase()).ends_with("##")
}

/// A JSON text that says the same in one line, with all that [`acts`] written as an escape, and no
/// command for a CI service in it: but for white space, such characters stand in its strings only.
#[must_use]
pub fn sanitize_json(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            // Between the tokens of what another program has written.
            '\t' | '\n' | '\r' => out.push(' '),
            c if is_unsafe_char(c) || (c == '[' && ends_like_ci_command(&out)) => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let written = write!(out, "\\u{unit:04x}");
                    debug_assert!(written.is_ok(), "writing to a string cannot fail");
                }
            }
            c => out.push(c),
        }
    }
    out
}

fn push_escape(out: &mut String, c: char) {
    let written = match c {
        '\t' => write!(out, "\\t"),
        '\n' => write!(out, "\\n"),
        '\r' => write!(out, "\\r"),
        c if u32::from(c) < 0x80 => write!(out, "\\x{:02x}", u32::from(c)),
        c => write!(out, "\\u{{{:x}}}", u32::from(c)),
    };
    debug_assert!(written.is_ok(), "writing to a string cannot fail");
}

/// The same for bytes that may not be UTF-8: what is not is shown as `\xff`.
pub fn push_sanitized_bytes(out: &mut String, bytes: &[u8]) {
    for chunk in bytes.utf8_chunks() {
        push_sanitized(out, chunk.valid());
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
}

/// `text` made visible.
#[must_use]
pub fn sanitize(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    push_sanitized(&mut out, text);
    out
}

/// `text` made visible but for its line breaks.
#[must_use]
pub fn sanitize_lines(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|c| c != '\n' && is_unsafe_char(c)) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.split('\n').map(sanitize).collect::<Vec<String>>().join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_is_shown_as_an_escape() {
        assert_eq!(sanitize("a\tb\x1b[31m\u{202e}é世"), "a\\tb\\x1b[31m\\u{202e}é世");
        let mut out = String::new();
        push_sanitized_bytes(&mut out, b"ok\xff\xc3\xa9\r");
        assert_eq!(out, "ok\\xffé\\r");
    }

    #[test]
    fn nothing_is_a_command_for_a_ci_service() {
        assert_eq!(
            sanitize("x ##[error]y ##vso[a] #[b] ##B[c]"),
            "x ##\\x5berror]y ##vso\\x5ba] #[b] ##B[c]"
        );
        let json = "[\"##[error]\u{202e}\u{10ffff}\u{7f}\"]";
        let shown = sanitize_json(json);
        assert_eq!(shown, "[\"##\\u005berror]\\u202e\\udbff\\udfff\\u007f\"]");
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&shown).unwrap(),
            serde_json::from_str::<serde_json::Value>(json).unwrap()
        );
    }

    proptest::proptest! {
        #[test]
        fn nothing_that_acts_comes_through(bytes: Vec<u8>) {
            let mut out = String::new();
            push_sanitized_bytes(&mut out, &bytes);
            proptest::prop_assert!(!out.chars().any(is_unsafe_char));
        }
    }
}
