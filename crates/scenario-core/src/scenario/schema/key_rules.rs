//! Rules for names that stand as keys.

use scenario_log::name;

/// A rule for names that stand as keys.
pub(crate) trait KeyRule {
    /// Why a key is not allowed.
    fn key_error(key: &str) -> Option<String>;
    /// The same as a regular expression of JSON Schema.
    const PATTERN: &'static str;
}

/// The name of a variable.
#[derive(Debug)]
pub(crate) struct VarNameRule;

impl KeyRule for VarNameRule {
    fn key_error(key: &str) -> Option<String> {
        name::name_error(key)
    }
    const PATTERN: &'static str = "^[A-Za-z0-9_.-]{1,64}$";
}

/// The name of a preset or a fetch.
#[derive(Debug)]
pub(crate) struct JobNameRule;

impl KeyRule for JobNameRule {
    fn key_error(key: &str) -> Option<String> {
        name::name_error(key)
            .or_else(|| key.contains('.').then(|| "the name of a preset or a fetch has no dot".to_owned()))
    }
    const PATTERN: &'static str = "^[A-Za-z0-9_-]{1,64}$";
}

/// The name of an environment variable.
#[derive(Debug)]
pub(crate) struct EnvNameRule;

impl KeyRule for EnvNameRule {
    fn key_error(key: &str) -> Option<String> {
        let wrong = key.is_empty() || key.contains(['=', '\0']);
        wrong.then(|| "the name of an environment variable is not empty and has no `=` and no NUL".to_owned())
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

/// Whether a text is a token of RFC 9110.
pub(super) fn is_token(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(allowed)
}
