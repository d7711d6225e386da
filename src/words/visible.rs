//! Text from outside, made safe to show: control characters, bidirectional marks and what is not
//! UTF-8 become visible escapes, so that nothing but letters ever reaches a terminal.

use std::borrow::Cow;
use std::fmt::Write;

/// Whether a character would do something to a terminal, or to how text beside it is read, instead
/// of being seen: controls (C0, DEL, C1), line and paragraph separators, bidirectional and
/// zero-width marks, tags, private interlinear marks.
#[must_use]
pub fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
        || matches!(c, '\u{061c}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Appends `text`, with what [`acts`] as an escape: `\t`, `\x1b`, `\u{202e}`.
pub fn push_visible(out: &mut String, text: &str) {
    for c in text.chars() {
        push_visible_char(out, c);
    }
}

/// The same for one character.
pub fn push_visible_char(out: &mut String, c: char) {
    if acts(c) {
        push_escape(out, c);
    } else {
        out.push(c);
    }
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
pub fn push_visible_bytes(out: &mut String, bytes: &[u8]) {
    for chunk in bytes.utf8_chunks() {
        push_visible(out, chunk.valid());
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
}

/// `text` made visible.
#[must_use]
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    push_visible(&mut out, text);
    out
}

/// `text` made visible but for its line breaks.
#[must_use]
pub fn visible_lines(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|c| c != '\n' && acts(c)) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.split('\n').map(visible).collect::<Vec<String>>().join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_is_shown_as_an_escape() {
        assert_eq!(visible("a\tb\x1b[31m\u{202e}é世"), "a\\tb\\x1b[31m\\u{202e}é世");
        let mut out = String::new();
        push_visible_bytes(&mut out, b"ok\xff\xc3\xa9\r");
        assert_eq!(out, "ok\\xffé\\r");
    }

    proptest::proptest! {
        #[test]
        fn nothing_that_acts_comes_through(bytes: Vec<u8>) {
            let mut out = String::new();
            push_visible_bytes(&mut out, &bytes);
            proptest::prop_assert!(!out.chars().any(acts));
        }
    }
}
