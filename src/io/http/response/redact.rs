//! Makes an answer and messages fit for the log: without the values of headers that carry credentials,
//! without the passwords of URLs, and without the run's secrets. Does not change what is sent.

use hyper::HeaderMap;

use scenario_log::event::{HttpHeader, REDACTED};
use scenario_log::secrets::Secrets;

/// The headers whose values are never logged.
const SECRET_HEADERS: [&str; 4] = ["authorization", "cookie", "set-cookie", "proxy-authorization"];

/// The headers of an answer, fit for the log.
pub(crate) fn redact_headers(headers: &HeaderMap, secrets: &Secrets) -> Vec<HttpHeader> {
    headers
        .iter()
        .map(|(name, value)| {
            let name = name.as_str().to_owned();
            let value = if SECRET_HEADERS.contains(&name.as_str()) {
                REDACTED.to_owned()
            } else {
                redact_text(&String::from_utf8_lossy(value.as_bytes()), secrets)
            };
            HttpHeader { name, value }
        })
        .collect()
}

/// A text without the passwords of URLs and without secrets.
pub(crate) fn redact_text(text: &str, secrets: &Secrets) -> String {
    let text = redact_passwords(text);
    if secrets.is_empty() { text } else { secrets.mask_text(&text) }
}

/// Replaces the password of every `//user:PASSWORD@` with `[redacted]`.
fn redact_passwords(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("//") {
        let (before, authority) = rest.split_at(at + 2);
        shown.push_str(before);
        let end = authority
            .find(|c: char| c.is_whitespace() || c.is_control() || "/?#\"<>".contains(c))
            .unwrap_or(authority.len());
        let (authority, after) = authority.split_at(end);
        match authority.rsplit_once('@').map(|(user, host)| (user.split_once(':'), host)) {
            Some((Some((user, _)), host)) => shown.extend([user, ":", REDACTED, "@", host]),
            _ => shown.push_str(authority),
        }
        rest = after;
    }
    shown.push_str(rest);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_taken_out_of_urls() {
        let cases = [
            ("http://u:p@h/x", "http://u:[redacted]@h/x"),
            ("a //u:p:q@r@h b https://h//u:p@h", "a //u:[redacted]@h b https://h//u:[redacted]@h"),
            ("http://u@h:80/ http://h/a:b@c", "http://u@h:80/ http://h/a:b@c"),
            ("<//:p@h>; rel=x", "<//:[redacted]@h>; rel=x"),
            ("////", "////"),
        ];
        for (given, shown) in cases {
            assert_eq!(redact_passwords(given), shown);
        }
    }

    #[test]
    fn headers_with_credentials_have_no_value() {
        let mut map = HeaderMap::new();
        map.append("Set-Cookie", "a=b".parse().unwrap());
        map.append("location", "http://u:p@h/".parse().unwrap());
        map.append("x", "canary-canary".parse().unwrap());
        let shown = redact_headers(&map, &Secrets::new(["canary-canary"]));
        let shown: Vec<_> = shown.iter().map(|header| header.value.as_str()).collect();
        assert_eq!(shown, ["[redacted]", "http://u:[redacted]@h/", "[redacted]"]);
    }
}
