//! Redacts a text that comes in parts, such as a very long line.

use super::{Secrets, merge, replace};

/// Redacts one text that comes in parts. The end of a part in which a secret may begin waits for the next
/// part, so that no part has a piece of a secret.
#[derive(Clone, Debug, Default)]
pub struct PartRedactor {
    held: Vec<u8>,
}

impl PartRedactor {
    /// Redacts the next part in place. If the text goes on, the part may end earlier than it did, and the
    /// next one begins with the rest.
    pub fn redact(&mut self, secrets: &Secrets, part: &mut Vec<u8>, goes_on: bool) {
        if !self.held.is_empty() {
            let rest = std::mem::replace(part, std::mem::take(&mut self.held));
            part.extend_from_slice(&rest);
        }
        if secrets.is_empty() {
            return;
        }
        if !goes_on {
            return secrets.mask(part);
        }
        let mut places = merge(secrets.places(part));
        let mut open = secrets.open_from(part);
        while let Some(last) = places.pop_if(|place| place.end > open) {
            open = open.min(last.start);
        }
        self.held = part.split_off(open);
        if !places.is_empty() {
            *part = replace(part, &places);
        }
    }

    /// The bytes that wait for the next part.
    #[must_use]
    pub fn held_len(&self) -> usize {
        self.held.len()
    }
}
