//! Makes an answer and messages fit for the log: without the values of headers that carry credentials,
//! without the passwords of URLs, and without the run's secrets. Does not change what is sent.

use hyper::HeaderMap;
use hyper::header::HeaderName;

use scenario_log::event::{HttpHeader, REDACTED};
use scenario_log::secrets::Secrets;

/// The headers whose values are never logged.
const SECRET_HEADERS: [&str; 4] = ["authorization", "cookie", "set-cookie", "proxy-authorization"];

/// The headers of an answer, fit for the log.
pub(crate) fn redact_headers(headers: &HeaderMap, secrets: &Secrets) -> Vec<HttpHeader> {
    headers
        .iter()
        .map(|(name, value)| {
            let value = if is_secret_header(name) {
                REDACTED.to_owned()
            } else {
                redact_value(value.as_bytes(), secrets)
            };
            HttpHeader { name: name.as_str().to_owned(), value }
        })
        .collect()
}

/// Whether the value of a header is never logged.
pub(super) fn is_secret_header(name: &HeaderName) -> bool {
    SECRET_HEADERS.contains(&name.as_str())
}

/// The value of a header. It may be a URL as a whole, in which quotes and spaces are no end.
fn redact_value(value: &[u8], secrets: &Secrets) -> String {
    secrets.redact_url(&String::from_utf8_lossy(value))
}

#[cfg(test)]
mod tests {
    use super::*;

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
