//! Shortens what a server sent for messages. Masks nothing.

/// The longest excerpt, in characters.
const MAX_SHOWN_CHARS: usize = 200;

/// The beginning of a body.
pub(super) fn body_excerpt(body: &[u8]) -> String {
    if body.is_empty() {
        return "it is empty".to_owned();
    }
    let first = &body[..body.len().min(4 * MAX_SHOWN_CHARS)];
    format!("it begins with {:?}", truncate_value(&String::from_utf8_lossy(first)))
}

/// A text, cut after [`MAX_SHOWN_CHARS`] characters.
pub(super) fn truncate_value(text: &str) -> String {
    let mut shown: String = text.chars().take(MAX_SHOWN_CHARS).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}
