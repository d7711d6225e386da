//! Shortens what a server sent for messages. The secrets are taken out before a text is cut or quoted: a
//! piece of a secret, or one with other escapes, would not be found any more.

use scenario_log::secrets::Secrets;

/// The longest excerpt, in characters.
const MAX_SHOWN_CHARS: usize = 200;

/// The beginning of a body.
pub(super) fn body_excerpt(body: &[u8], secrets: &Secrets) -> String {
    if body.is_empty() {
        return "it is empty".to_owned();
    }
    format!("it begins with {:?}", secrets.excerpt(body, MAX_SHOWN_CHARS))
}

/// The beginning of a value.
pub(super) fn value_excerpt(text: &str, secrets: &Secrets) -> String {
    secrets.excerpt(text.as_bytes(), MAX_SHOWN_CHARS)
}
