//! The values of `Authorization` and `Proxy-Authorization`: from a job's `auth`, or from the user and
//! password of a URL. Sends nothing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::header::HeaderValue;
use percent_encoding::percent_decode_str;
use url::Url;

use scenario_core::scenario::model::FetchAuth;
use scenario_log::event::FetchErrorKind;

use crate::io::http::error::FetchError;

/// The value for a job's `auth`. A redirect to another origin drops it, like any `Authorization`.
pub(super) fn authorization(auth: &FetchAuth) -> Result<HeaderValue, FetchError> {
    match auth {
        FetchAuth::Basic { user, password } => {
            basic_authorization(format!("{}:{}", user.reveal(), password.reveal()).as_bytes())
        }
        FetchAuth::Bearer(token) => HeaderValue::from_str(&format!("Bearer {}", token.reveal())).ok(),
    }
    .map(|mut value| {
        value.set_sensitive(true);
        value
    })
    .ok_or_else(|| {
        let message = "the token of `auth` contains a character that a header cannot contain";
        FetchError::permanent(FetchErrorKind::Protocol, message)
    })
}

/// Removes the user and the password from a URL and returns them as a header's value.
pub(crate) fn take_credentials(url: &mut Url) -> Option<HeaderValue> {
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let mut pair: Vec<u8> = percent_decode_str(url.username()).collect();
    pair.push(b':');
    pair.extend(percent_decode_str(url.password().unwrap_or_default()));
    // Both fail only on URLs without a host, and http and https URLs have one.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    let mut value = basic_authorization(&pair)?;
    value.set_sensitive(true);
    Some(value)
}

/// The value for `user:password` (RFC 7617).
fn basic_authorization(pair: &[u8]) -> Option<HeaderValue> {
    HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(pair))).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use scenario_core::scenario::model::ScenarioText;

    #[test]
    fn values_follow_the_rfcs() {
        let text = |text: &str| ScenarioText::secret(text, "[redacted]");
        // The example of RFC 7617, section 2.
        let basic = FetchAuth::Basic { user: ScenarioText::plain("Aladdin"), password: text("open sesame") };
        let value = authorization(&basic).unwrap();
        assert_eq!(value, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert!(value.is_sensitive());
        assert_eq!(
            authorization(&FetchAuth::Bearer(text("mF_9.B5f-4.1JqM"))).unwrap(),
            "Bearer mF_9.B5f-4.1JqM"
        );
        let message = authorization(&FetchAuth::Bearer(text("a\nb"))).unwrap_err().message;
        assert!(message.contains("`auth`"), "{message}");
    }

    #[test]
    fn credentials_of_a_url_become_a_header() {
        let mut url = Url::parse("http://us%40er:p%3Aw@host/").unwrap();
        let value = take_credentials(&mut url).unwrap();
        assert_eq!(value, "Basic dXNAZXI6cDp3");
        assert!(value.is_sensitive());
        assert_eq!(url.as_str(), "http://host/");
        assert_eq!(take_credentials(&mut url), None);
    }
}
