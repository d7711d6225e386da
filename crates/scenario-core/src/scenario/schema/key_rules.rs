//! Rules for names that are the keys of a table.

use scenario_log::name;

/// A rule for names that are the keys of a table.
pub(crate) trait KeyRule {
    /// The reason why a key is not allowed, if it is not.
    fn key_error(key: &str) -> Option<String>;
    /// The rule as a regular expression of JSON Schema.
    const PATTERN: &'static str;
}

#[derive(Debug)]
pub(crate) struct VarNameRule;

impl KeyRule for VarNameRule {
    fn key_error(key: &str) -> Option<String> {
        name::name_error(key)
    }
    const PATTERN: &'static str = "^[A-Za-z0-9_.-]{1,64}$";
}

/// The name of a preset or a fetch, which has no dot.
#[derive(Debug)]
pub(crate) struct JobNameRule;

impl KeyRule for JobNameRule {
    fn key_error(key: &str) -> Option<String> {
        name::name_error(key).or_else(|| {
            key.contains('.')
                .then(|| "the name of a preset, a fetch or a table must not have a dot".to_owned())
        })
    }
    const PATTERN: &'static str = "^[A-Za-z0-9_-]{1,64}$";
}

/// The name of a value of a row, which stands between the braces of `${row.NAME}`.
#[derive(Debug)]
pub(crate) struct ColumnNameRule;

impl KeyRule for ColumnNameRule {
    fn key_error(key: &str) -> Option<String> {
        if key.is_empty() {
            return Some("the name of a value of a row must not be empty".to_owned());
        }
        let wrong = key.chars().any(|c| c.is_control() || c == '{' || c == '}') || key.chars().count() > 64;
        wrong.then(|| {
            "the name of a value of a row has at most 64 characters, and no `{`, `}` or control character"
                .to_owned()
        })
    }
    const PATTERN: &'static str = r"^[^{}\u0000-\u001f\u007f-\u009f]{1,64}$";
}

#[derive(Debug)]
pub(crate) struct EnvNameRule;

impl KeyRule for EnvNameRule {
    fn key_error(key: &str) -> Option<String> {
        let wrong = key.is_empty() || key.contains(['=', '\0']);
        wrong.then(|| {
            "the name of an environment variable must not be empty and must not have `=` or NUL".to_owned()
        })
    }
    const PATTERN: &'static str = r"^[^=\u0000]+$";
}

/// The name of an HTTP header (RFC 9110, 5.6.2: a token).
#[derive(Debug)]
pub(crate) struct HeaderNameRule;

impl KeyRule for HeaderNameRule {
    fn key_error(key: &str) -> Option<String> {
        (!is_token(key)).then(|| "the name of a header is made of letters, digits and `-`".to_owned())
    }
    const PATTERN: &'static str = "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$";
}

/// Whether a text is a token (RFC 9110, 5.6.2).
pub(super) fn is_token(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(allowed)
}
