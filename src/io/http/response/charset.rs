//! Decodes the text of a body by the charset that its `Content-Type` names. Guesses nothing from the content
//! but a byte order mark.

use std::borrow::Cow;

use encoding_rs::{Decoder, Encoding, UTF_8};
use hyper::HeaderMap;
use hyper::header::CONTENT_TYPE;

/// The text of a whole body as UTF-8, without a byte order mark. Bytes of UTF-8 stay as they are, also those
/// that are wrong; a wrong byte of another charset becomes U+FFFD.
pub(crate) fn decode_text<'b>(body: &'b [u8], headers: &HeaderMap) -> Cow<'b, [u8]> {
    match Encoding::for_bom(body) {
        Some((encoding, len)) if encoding == UTF_8 => Cow::Borrowed(&body[len..]),
        Some((encoding, len)) => into_bytes(encoding.decode_without_bom_handling(&body[len..]).0),
        None => match other_charset(headers) {
            Some(encoding) => into_bytes(encoding.decode_without_bom_handling(body).0),
            None => Cow::Borrowed(body),
        },
    }
}

fn into_bytes(text: Cow<'_, str>) -> Cow<'_, [u8]> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    }
}

/// The charset that the headers name, if it is known and not UTF-8.
fn other_charset(headers: &HeaderMap) -> Option<&'static Encoding> {
    let content_type = headers.get(CONTENT_TYPE)?.as_bytes();
    let parameters = content_type.split(|byte| *byte == b';').skip(1);
    let charset = parameters.into_iter().find_map(|parameter| {
        let equals = parameter.iter().position(|byte| *byte == b'=')?;
        let (name, value) = (parameter[..equals].trim_ascii(), parameter[equals + 1..].trim_ascii());
        name.eq_ignore_ascii_case(b"charset").then_some(value)
    })?;
    let charset = charset.strip_prefix(b"\"").unwrap_or(charset);
    let charset = charset.strip_suffix(b"\"").unwrap_or(charset);
    Encoding::for_label(charset).filter(|encoding| *encoding != UTF_8)
}

/// Decodes the text of a body that comes in pieces.
pub(crate) struct TextDecoder(Decoder);

impl TextDecoder {
    /// A decoder, if the headers name another charset than UTF-8.
    pub(crate) fn for_headers(headers: &HeaderMap) -> Option<TextDecoder> {
        other_charset(headers).map(|encoding| TextDecoder(encoding.new_decoder()))
    }

    /// The text of the next piece.
    pub(crate) fn decode(&mut self, piece: &[u8], is_last: bool) -> String {
        let mut text = String::new();
        let mut rest = piece;
        loop {
            // The most that it can need; the standard says how much that is.
            text.reserve(self.0.max_utf8_buffer_length(rest.len()).unwrap_or(4 * rest.len() + 16));
            let (result, read, _) = self.0.decode_to_string(rest, &mut text, is_last);
            rest = &rest[read..];
            if result == encoding_rs::CoderResult::InputEmpty {
                return text;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(content_type: &str, body: &[u8]) -> String {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, content_type.parse().unwrap())]);
        let text = String::from_utf8_lossy(&decode_text(body, &headers)).into_owned();
        if let Some(mut decoder) = TextDecoder::for_headers(&headers) {
            let mut pieces: String = body.iter().map(|byte| decoder.decode(&[*byte], false)).collect();
            pieces += &decoder.decode(b"", true);
            assert_eq!(pieces, text);
        }
        text
    }

    #[test]
    fn the_content_type_names_the_charset() {
        let utf16 = b"h\0\xe9\0\x3d\xd8\x00\xde";
        for (content_type, body, text) in [
            ("text/plain; charset=ISO-8859-1", &b"caf\xe9 \x80"[..], "café €"),
            ("text/html;x=y;CharSet = \"windows-1251\" ; z", b"\xcf\xf0", "Пр"),
            ("text/plain; charset=utf-16le", utf16, "hé😀"),
            ("application/json; charset=shift_jis", b"\x93\xfa", "日"),
            ("text/plain; charset=utf-8", "é".as_bytes(), "é"),
            ("text/plain; charset=unknown", "é".as_bytes(), "é"),
            ("text/plain", b"\xef\xbb\xbfx", "x"),
            ("text/plain", b"\xff\xfex\0", "x"),
            ("text/plain; charset=gbk", b"\xff", "\u{fffd}"),
        ] {
            assert_eq!(decoded(content_type, body), text, "{content_type}");
        }
    }
}
