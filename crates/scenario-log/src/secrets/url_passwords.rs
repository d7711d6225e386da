//! The passwords in URLs. A URL is read as the URL standard reads it (<https://url.spec.whatwg.org>): after
//! `http:` any number of slashes and backslashes may stand, also none.

use std::ops::Range;

/// The schemes whose URLs always have a host, whatever slashes they are written with.
const SPECIAL_SCHEMES: [&str; 5] = ["http", "https", "ws", "wss", "ftp"];

/// The user, the password, the host and the port in a text that is one URL, or a reference that begins with
/// two slashes.
#[must_use]
pub fn authority_range(url: &str) -> Option<Range<usize>> {
    let bytes = url.as_bytes();
    let from = url.len() - url.trim_start_matches(|c: char| c <= ' ').len();
    let (start, is_special) = match scheme_end(bytes, from) {
        Some((scheme, end)) => {
            let is_special = SPECIAL_SCHEMES.contains(&&*scheme);
            let (start, slashes) = skip_slashes(bytes, end, is_special);
            (is_special || slashes >= 2).then_some((start, is_special))?
        }
        None => {
            let (start, slashes) = skip_slashes(bytes, from, true);
            (slashes >= 2).then_some((start, true))?
        }
    };
    let ends = |byte: &u8| matches!(byte, b'/' | b'?' | b'#') || is_special && *byte == b'\\';
    let end = bytes[start..].iter().position(ends).map_or(bytes.len(), |len| start + len);
    Some(start..end)
}

/// The password in a text that is one URL, if it is not empty.
#[must_use]
pub fn password_range(url: &str) -> Option<Range<usize>> {
    password_in(url, authority_range(url)?)
}

/// The passwords of all URLs in a text.
pub(super) fn all_passwords(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut from = 0;
    while from < bytes.len() {
        let Some((start, next)) = next_authority(bytes, from) else { break };
        let ends = |byte: &u8| b"/\\?#\"<> ".contains(byte) || (byte.is_ascii_control() && *byte != b'\t');
        let end = bytes[start..].iter().position(ends).map_or(bytes.len(), |len| start + len);
        found.extend(password_in(text, start..end));
        from = next;
    }
    found
}

/// Where the next authority may begin, and where the search for the one after it goes on.
fn next_authority(bytes: &[u8], from: usize) -> Option<(usize, usize)> {
    let is_slash = |byte: Option<&u8>| matches!(byte, Some(b'/' | b'\\'));
    (from..bytes.len()).find_map(|at| match bytes[at] {
        b'/' | b'\\' if is_slash(bytes.get(at + 1)) => {
            let (start, _) = skip_slashes(bytes, at, true);
            Some((start, start))
        }
        b':' if SPECIAL_SCHEMES.iter().any(|scheme| ends_with_word(&bytes[..at], scheme)) => {
            let (start, _) = skip_slashes(bytes, at + 1, true);
            Some((start, start))
        }
        _ => None,
    })
}

fn ends_with_word(bytes: &[u8], word: &str) -> bool {
    let Some(start) = bytes.len().checked_sub(word.len()) else { return false };
    bytes[start..].eq_ignore_ascii_case(word.as_bytes())
        && !start.checked_sub(1).is_some_and(|before| bytes[before].is_ascii_alphanumeric())
}

/// The password in these bytes of a text, which are the authority of a URL.
fn password_in(text: &str, authority: Range<usize>) -> Option<Range<usize>> {
    let start = authority.start;
    let at = start + text[authority].rfind('@')?;
    let colon = start + text[start..at].find(':')?;
    (colon + 1 < at).then_some(colon + 1..at)
}

/// The scheme that begins at `from`, in lower case, and the end of its colon. Tabs and line breaks count
/// for nothing in a URL.
fn scheme_end(bytes: &[u8], from: usize) -> Option<(String, usize)> {
    let mut scheme = String::new();
    for (at, byte) in bytes.iter().enumerate().skip(from) {
        match byte {
            b':' if !scheme.is_empty() => return Some((scheme, at + 1)),
            b'a'..=b'z' | b'A'..=b'Z' => scheme.push(char::from(byte.to_ascii_lowercase())),
            b'0'..=b'9' | b'+' | b'-' | b'.' if !scheme.is_empty() => scheme.push(char::from(*byte)),
            b'\t' | b'\n' | b'\r' => {}
            _ => return None,
        }
    }
    None
}

/// The end of the slashes from here on, and their number.
fn skip_slashes(bytes: &[u8], from: usize, is_special: bool) -> (usize, usize) {
    let mut slashes = 0;
    for (at, byte) in bytes.iter().enumerate().skip(from) {
        match byte {
            b'/' if is_special || slashes < 2 => slashes += 1,
            b'\\' if is_special => slashes += 1,
            b'\t' | b'\n' | b'\r' => {}
            _ => return (at, slashes),
        }
    }
    (bytes.len(), slashes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_found_however_a_url_is_written() {
        for url in [
            "http://u:PW@h/",
            "http:u:PW@h",
            "HTTP:/u:PW@h?x",
            "http:\\\\u:PW@h\\",
            "https:///\\u:PW@h#",
            " ht\ttp:/\t/u:PW@h",
            "//u:PW@h/",
            "\\/u:PW@h/",
            "http+unix://u:PW@h/",
            "http://:PW@h",
        ] {
            assert_eq!(password_range(url).map(|range| &url[range]), Some("PW"), "{url:?}");
        }
        for url in ["http://u@h:80/a:b@c", "http+unix:u:PW@h", "/u:PW@h", "u:PW@h", "http://h?u:PW@h", ""] {
            assert_eq!(password_range(url), None, "{url:?}");
        }
    }

    #[test]
    fn all_passwords_of_a_text_are_found() {
        let found = |text: &'static str| -> Vec<&str> {
            all_passwords(text).into_iter().map(|range| &text[range]).collect()
        };
        assert_eq!(found("a //u:p:q@r@h b https://h//u:p@h"), ["p:q@r", "p"]);
        assert_eq!(found("to http:u:p@h, then <\\\\v:q@h>; \"HTTPS:/w:r@h\""), ["p", "q", "r"]);
        assert_eq!(found("http://u@h:80/ http://h/a:b@c xhttp:u:p@h ////"), [""; 0]);
    }
}
