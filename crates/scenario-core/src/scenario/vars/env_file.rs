//! Files of variables of the environment, such as `.env`: `NAME=value`, quotes, `export` and comments.

use std::ops::Range;

/// An error at a place of the file, in bytes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct EnvFileError {
    pub(crate) at: Range<usize>,
    pub(crate) message: String,
}

/// Reads a file: names and values in its order. All errors are reported.
pub(crate) fn parse_env_file(text: &str) -> Result<Vec<(String, String)>, Vec<EnvFileError>> {
    let mut values = Vec::new();
    let mut errors = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let end = text[at..].find('\n').map_or(text.len(), |line| at + line);
        let line = text[at..end].trim_end_matches('\r');
        let trimmed = line.trim_start();
        let start = at + line.len() - trimmed.len();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            at = end + 1;
            continue;
        }
        match parse_assignment(text, start, start + trimmed.len()) {
            Ok((name, value, after)) => {
                values.push((name, value));
                at = text[after..].find('\n').map_or(text.len(), |line| after + line + 1);
            }
            Err(error) => {
                errors.push(error);
                at = end + 1;
            }
        }
    }
    if errors.is_empty() { Ok(values) } else { Err(errors) }
}

/// Reads one assignment; also gives the place behind its value.
fn parse_assignment(
    text: &str,
    start: usize,
    line_end: usize,
) -> Result<(String, String, usize), EnvFileError> {
    let error = |at: Range<usize>, message: &str| EnvFileError { at, message: message.to_owned() };
    let mut from = start;
    if let Some(rest) = text[start..line_end].strip_prefix("export")
        && rest.starts_with([' ', '\t'])
    {
        from = line_end - rest.trim_start().len();
    }
    let Some(equals) = text[from..line_end].find('=').map(|at| from + at) else {
        return Err(error(start..line_end, "this line has no `=`: write NAME=value, or begin it with `#`"));
    };
    let name = text[from..equals].trim_end();
    let is_name = !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.' || byte == b'-');
    if !is_name {
        return Err(error(from..equals.max(from + 1), "this is not the name of a variable"));
    }
    let rest = &text[equals + 1..line_end];
    let value_start = line_end - rest.trim_start_matches([' ', '\t']).len();
    let quote = text[value_start..].chars().next().filter(|c| *c == '"' || *c == '\'');
    let (value, after) = match quote {
        Some(quote) => read_quoted(text, value_start, line_end, quote)?,
        None => (plain_value(&text[value_start..line_end]).to_owned(), line_end),
    };
    if value.contains('\0') {
        return Err(error(value_start..after, "a value cannot have a NUL character"));
    }
    Ok((name.to_owned(), value, after))
}

/// A value without quotes: a `#` behind a space begins a comment.
fn plain_value(text: &str) -> &str {
    let comment = [" #", "\t#"].iter().filter_map(|start| text.find(start)).min();
    let text = if text.starts_with('#') { "" } else { text };
    text[..comment.unwrap_or(text.len()).min(text.len())].trim_end()
}

/// A value in quotes, which may go on over several lines. In `"…"` a backslash escapes.
fn read_quoted(
    text: &str,
    start: usize,
    line_end: usize,
    quote: char,
) -> Result<(String, usize), EnvFileError> {
    let mut value = String::new();
    let mut chars = text[start + 1..].char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            c if c == quote => {
                let after = start + 1 + at + 1;
                let rest = text[after..].split('\n').next().unwrap_or_default().trim();
                if !rest.is_empty() && !rest.starts_with('#') {
                    let message = "there is more behind the closing quote".to_owned();
                    let next = text[after..].chars().next().map_or(0, char::len_utf8);
                    return Err(EnvFileError { at: after..after + next, message });
                }
                return Ok((value, after));
            }
            '\\' if quote == '"' => match chars.next().map(|(_, c)| c) {
                Some('n') => value.push('\n'),
                Some('r') => value.push('\r'),
                Some('t') => value.push('\t'),
                Some(c @ ('"' | '\\' | '$' | '`' | '\'')) => value.push(c),
                Some('\n') => {}
                Some(c) => value.extend(['\\', c]),
                None => {}
            },
            c => value.push(c),
        }
    }
    Err(EnvFileError { at: start..line_end, message: format!("this value has no closing {quote}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_of_other_tools_are_read() {
        let text = "# a comment\n\nA=1\nexport B = two words # a comment\r\nC=\"x\\n\\\"y\\\" #\" # more\n  D='$a \\n'\nE=\n\
                    F=a#b\nG=\"two\nlines\"\nH=#none\nexported=5\nI=é=é";
        let values = parse_env_file(text).unwrap();
        let values: Vec<(&str, &str)> = values.iter().map(|(name, value)| (&**name, &**value)).collect();
        assert_eq!(
            values,
            [
                ("A", "1"),
                ("B", "two words"),
                ("C", "x\n\"y\" #"),
                ("D", "$a \\n"),
                ("E", ""),
                ("F", "a#b"),
                ("G", "two\nlines"),
                ("H", ""),
                ("exported", "5"),
                ("I", "é=é"),
            ]
        );
    }

    #[test]
    fn errors_have_their_places() {
        let text = "A=1\nnothing\n1B=2\nC=\"open\nD='x' y\nexport =5\n";
        let errors = parse_env_file(text).unwrap_err();
        let places: Vec<&str> = errors.iter().map(|error| &text[error.at.clone()]).collect();
        assert_eq!(places, ["nothing", "1B", "\"open", " ", "="]);
        let errors = parse_env_file("a=''é").unwrap_err();
        assert_eq!(errors[0].at, 4..6);
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "[a='\"\\\\#\n é\t]{0,20}") {
            if let Err(errors) = parse_env_file(&text) {
                for error in errors {
                    proptest::prop_assert!(text.get(error.at.clone()).is_some(), "{:?}", error);
                }
            }
        }
    }
}
