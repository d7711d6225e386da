//! Makes text from outside safe to show: control characters, bidirectional marks and bytes that are not
//! UTF-8 become visible escapes, so that only visible characters reach a terminal. Nothing here prints.

use std::borrow::Cow;
use std::fmt::Write;

/// Whether a character is unsafe to show: instead of being visible, it would change the terminal, or how
/// the text beside it is read. These are controls (C0, DEL, C1), line and paragraph separators,
/// bidirectional and zero-width marks, tags and interlinear annotation marks.
#[must_use]
pub fn is_unsafe_char(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
        || matches!(c, '\u{061c}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
        // Noncharacters (Unicode, section 23.7), which XML forbids.
        || matches!(c, '\u{fdd0}'..='\u{fdef}') || u32::from(c) & 0xfffe == 0xfffe
}

/// Appends `text`, with an escape for each [unsafe](is_unsafe_char) character: `\t`, `\x1b`, `\u{202e}`. A
/// text that would be a command for a CI service at the beginning of a line (`::error::`) gets an escape, too.
pub fn push_sanitized(out: &mut String, text: &str) {
    let mut rest = text;
    if begins_like_ci_command(text)
        && let Some((space, command)) = text.split_once(':')
    {
        out.push_str(space);
        push_escape(out, ':');
        rest = command;
    }
    for c in rest.chars() {
        push_sanitized_char(out, c);
    }
}

/// Appends one character, as [`push_sanitized`] does.
pub fn push_sanitized_char(out: &mut String, c: char) {
    if is_unsafe_char(c) || (c == '[' && ends_like_ci_command(out)) {
        push_escape(out, c);
    } else {
        out.push(c);
    }
}

/// Whether a `[` after this text would make a command for the log of a CI service. Such a command works at
/// any place of a line: `##[error]` (GitHub), `##vso[` (Azure), `##teamcity[`.
#[must_use]
pub fn ends_like_ci_command(before: &str) -> bool {
    before.trim_end_matches(|c: char| c.is_ascii_alphabetic()).ends_with("##")
}

/// Whether a text is a command for the log of GitHub, if a line begins with it: `::NAME …::…`. White space
/// before it does not count. (An address of IPv6 may look so; its escape does no harm.)
fn begins_like_ci_command(text: &str) -> bool {
    let command = text.trim_start().strip_prefix("::");
    command.is_some_and(|command| command.starts_with(|c: char| c.is_ascii_alphabetic()))
}

/// The same JSON value in one line, with an escape for each [unsafe](is_unsafe_char) character and without
/// a command for a CI service. Except for white space, such characters occur only in its strings.
#[must_use]
pub fn sanitize_json(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            // White space between the tokens, from another program.
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

/// Appends bytes, as [`push_sanitized`] does. A byte that is not UTF-8 becomes `\xff`.
pub fn push_sanitized_bytes(out: &mut String, bytes: &[u8]) {
    for chunk in bytes.utf8_chunks() {
        push_sanitized(out, chunk.valid());
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
}

/// `text` with an escape for each [unsafe](is_unsafe_char) character.
#[must_use]
pub fn sanitize(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    push_sanitized(&mut out, text);
    out
}

/// Each line of `text` as [`sanitize`] gives it. Line breaks stay: nobody but the program itself may have
/// put them there.
#[must_use]
pub fn sanitize_lines(text: &str) -> Cow<'_, str> {
    if !text.contains("##") && !text.contains("::") && !text.chars().any(|c| c != '\n' && is_unsafe_char(c)) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.split('\n').map(sanitize).collect::<Vec<String>>().join("\n"))
}

/// Each line of a JSON document as [`sanitize_json`] gives it.
#[must_use]
pub fn sanitize_json_lines(json: &str) -> String {
    json.split('\n').map(sanitize_json).collect::<Vec<String>>().join("\n")
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
            "x ##\\x5berror]y ##vso\\x5ba] #[b] ##B\\x5bc]"
        );
        assert_eq!(sanitize(" \u{a0}::error x::y"), " \u{a0}\\x3a:error x::y");
        assert_eq!(sanitize("::1 a::b :: ::c"), "::1 a::b :: ::c");
        assert_eq!(sanitize_lines("a\n::b::\n##[c"), "a\n\\x3a:b::\n##\\x5bc");
        assert_eq!(sanitize_json_lines("[\n \"##x[\"\n]"), "[\n \"##x\\u005b\"\n]");
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
