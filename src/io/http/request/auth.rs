//! What a request's `Authorization` says, for a job that says who it is. Sends nothing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::header::HeaderValue;

use scenario_core::scenario::model::FetchAuth;
use scenario_log::event::FetchErrorKind;

use crate::io::http::error::FetchError;

/// The value of the header. A redirect to another origin drops it, as any `Authorization`.
pub(crate) fn authorization(auth: &FetchAuth) -> Result<HeaderValue, FetchError> {
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
        let words = "the token of `auth` holds a character that no header may hold";
        FetchError::permanent(FetchErrorKind::Protocol, words)
    })
}

/// A user and a password with a colon between them (RFC 7617).
pub(crate) fn basic_authorization(pair: &[u8]) -> Option<HeaderValue> {
    HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(pair))).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use scenario_core::scenario::model::ScenarioText;

    #[test]
    fn it_is_what_the_rfcs_say() {
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
        let words = authorization(&FetchAuth::Bearer(text("a\nb"))).unwrap_err().message;
        assert!(words.contains("`auth`"), "{words}");
    }
}
