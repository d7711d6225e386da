//! A request as the bytes of HTTP/1.1. It writes what hyper would write, and sends nothing.

use hyper::http::request::Parts;

/// The bytes of a request, as hyper would write them.
pub(super) fn encode_request(parts: &Parts, body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("{} {} HTTP/1.1\r\n", parts.method, parts.uri).into_bytes();
    for (name, value) in &parts.headers {
        let mut is_word_start = true;
        bytes.extend(name.as_str().bytes().map(|byte| {
            let letter = if is_word_start { byte.to_ascii_uppercase() } else { byte };
            is_word_start = byte == b'-';
            letter
        }));
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(body);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_names_are_written_in_title_case() {
        let parts = hyper::Request::post("/a?b")
            .header("host", "h:1")
            .header("x-own-name", "v")
            .header("content-length", "2")
            .body(())
            .unwrap()
            .into_parts()
            .0;
        let wanted = "POST /a?b HTTP/1.1\r\nHost: h:1\r\nX-Own-Name: v\r\nContent-Length: 2\r\n\r\nhi";
        assert_eq!(String::from_utf8(encode_request(&parts, b"hi")).unwrap(), wanted);
    }
}
