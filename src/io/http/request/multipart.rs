//! A body as `multipart/form-data` (RFC 7578): its pieces, in the order in which they are sent. Reads no file.

use std::path::{Path, PathBuf};

use hyper::body::Bytes;
use sha2::{Digest as _, Sha256};

use scenario_core::scenario::model::{MultipartPart, PartContent};

/// A piece of a body.
pub(super) enum BodySegment {
    Bytes(Bytes),
    /// A file, and its path as messages show it.
    File {
        path: PathBuf,
        shown: String,
    },
}

/// The `Content-Type` of a body with these parts.
pub(super) fn content_type(parts: &[MultipartPart]) -> String {
    format!("multipart/form-data; boundary={}", boundary(parts))
}

/// The pieces of the body. Its files are relative to `folder`.
pub(super) fn segments(parts: &[MultipartPart], folder: &Path) -> Vec<BodySegment> {
    let boundary = boundary(parts);
    let mut segments = Vec::new();
    let mut text = String::new();
    for part in parts {
        text.push_str(&part_head(part, &boundary));
        match &part.content {
            PartContent::Text(value) => text.push_str(value.reveal()),
            PartContent::File(path) => {
                segments.push(BodySegment::Bytes(Bytes::from(std::mem::take(&mut text))));
                segments
                    .push(BodySegment::File { path: folder.join(path), shown: path.display().to_string() });
            }
        }
        text.push_str("\r\n");
    }
    text.push_str(&format!("--{boundary}--\r\n"));
    segments.push(BodySegment::Bytes(Bytes::from(text)));
    segments
}

/// The text between the parts. It comes from the parts themselves, so that it is the same in every run, and
/// nobody can know it without them.
fn boundary(parts: &[MultipartPart]) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        let content = match &part.content {
            PartContent::Text(text) => text.reveal().as_bytes().to_vec(),
            PartContent::File(path) => path.as_os_str().as_encoded_bytes().to_vec(),
        };
        for piece in [part.name.as_bytes(), &content] {
            digest.update((piece.len() as u64).to_le_bytes());
            digest.update(piece);
        }
    }
    let digits: String = digest.finalize()[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("scenario-{digits}")
}

fn part_head(part: &MultipartPart, boundary: &str) -> String {
    let (own_name, own_type) = match &part.content {
        PartContent::Text(_) => (None, None),
        PartContent::File(path) => {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
            (Some(name.unwrap_or_default()), Some("application/octet-stream"))
        }
    };
    let mut head = format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{}\"", escape(&part.name));
    if let Some(name) = part.file_name.as_ref().or(own_name.as_ref()) {
        head.push_str(&format!("; filename=\"{}\"", escape(name)));
    }
    if let Some(media_type) = part.media_type.as_deref().or(own_type) {
        head.push_str(&format!("\r\nContent-Type: {media_type}"));
    }
    head.push_str("\r\n\r\n");
    head
}

/// A name as browsers write it (HTML, 4.10.21.8).
fn escape(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}
