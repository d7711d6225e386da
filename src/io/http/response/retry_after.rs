//! `Retry-After`: how long a server wants a client to wait (RFC 9110, section 10.2.3). Waits for nothing.

use std::time::{Duration, SystemTime};

use hyper::HeaderMap;
use hyper::header::RETRY_AFTER;

/// The longest time that is waited for. A server that wants more gets no other attempt.
const MAX_WAIT: Duration = Duration::from_secs(300);

/// How long the next attempt has to wait at least; `None` if that is too long to wait for. A value that is
/// neither a number of seconds nor a date counts as none.
pub(crate) fn retry_pause(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()).unwrap_or_default().trim();
    let is_number = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    let pause = match httpdate::parse_http_date(value) {
        // A number that is too large for us is too long to wait for.
        _ if is_number => Duration::from_secs(value.parse().unwrap_or(u64::MAX)),
        Ok(date) => date.duration_since(now).unwrap_or_default(),
        Err(_) => Duration::ZERO,
    };
    (pause <= MAX_WAIT).then_some(pause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_dates_are_understood() {
        let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        for (value, seconds) in [
            ("2", Some(2)),
            (" 0 ", Some(0)),
            ("300", Some(300)),
            ("301", None),
            ("99999999999999999999999", None),
            ("Sun, 06 Nov 1994 08:49:41 GMT", Some(4)),
            ("Sunday, 06-Nov-94 08:49:41 GMT", Some(4)),
            ("Sun Nov  6 08:49:41 1994", Some(4)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("Sun, 06 Nov 1994 09:49:41 GMT", None),
            ("soon", Some(0)),
            ("-1", Some(0)),
            ("1.5", Some(0)),
            ("", Some(0)),
        ] {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, value.parse().unwrap())]);
            assert_eq!(retry_pause(&headers, now), seconds.map(Duration::from_secs), "{value:?}");
        }
        assert_eq!(retry_pause(&HeaderMap::new(), now), Some(Duration::ZERO));
    }
}
