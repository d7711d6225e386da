//! A request as the bytes of HTTP/1.1. It writes what hyper would write, and sends nothing.

use hyper::http::request::Parts;

/// The bytes of a request, as hyper would write them. `names`: the names of the scenario's headers as they
/// are to be written, in the order of their values.
pub(super) fn encode_request(parts: &Parts, names: &[String], body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("{} {} HTTP/1.1\r\n", parts.method, parts.uri).into_bytes();
    for name in parts.headers.keys() {
        let mut written = names.iter().filter(|written| written.eq_ignore_ascii_case(name.as_str()));
        for value in parts.headers.get_all(name) {
            match written.next() {
                Some(written) => bytes.extend_from_slice(written.as_bytes()),
                None => bytes.extend_from_slice(title_case(name.as_str()).as_bytes()),
            }
            bytes.extend_from_slice(b": ");
            bytes.extend_from_slice(value.as_bytes());
            bytes.extend_from_slice(b"\r\n");
        }
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(body);
    bytes
}

/// A header's name, given in small letters, with a capital at the beginning of each word.
pub(super) fn title_case(name: &str) -> String {
    let mut is_word_start = true;
    let letters = name.chars().map(|letter| {
        let written = if is_word_start { letter.to_ascii_uppercase() } else { letter };
        is_word_start = letter == '-';
        written
    });
    letters.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_names_are_written_as_in_the_scenario_or_in_title_case() {
        let parts = hyper::Request::post("/a?b")
            .header("host", "h:1")
            .header("x-own-name", "v")
            .header("soapaction", "s")
            .header("content-length", "2")
            .body(())
            .unwrap()
            .into_parts()
            .0;
        let wanted = "POST /a?b HTTP/1.1\r\nHost: h:1\r\nX-Own-Name: v\r\nSOAPAction: s\r\nContent-Length: 2\r\n\r\nhi";
        let bytes = encode_request(&parts, &["SOAPAction".to_owned()], b"hi");
        assert_eq!(String::from_utf8(bytes).unwrap(), wanted);
    }
}
