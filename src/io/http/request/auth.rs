//! What a request's `Authorization` says, for a job that says who it is. Sends nothing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::header::HeaderValue;

use scenario_core::scenario::model::Auth;
use scenario_log::event::FetchFault;

use crate::io::http::error::Fault;

/// The value of the header. A redirect to another origin drops it, as any `Authorization`.
pub(crate) fn authorization(auth: &Auth) -> Result<HeaderValue, Fault> {
    match auth {
        Auth::Basic { user, password } => {
            basic(format!("{}:{}", user.reveal(), password.reveal()).as_bytes())
        }
        Auth::Bearer(token) => HeaderValue::from_str(&format!("Bearer {}", token.reveal())).ok(),
    }
    .map(|mut value| {
        value.set_sensitive(true);
        value
    })
    .ok_or_else(|| {
        let words = "the token of `auth` holds a character that no header may hold";
        Fault::lasting(FetchFault::Protocol, words)
    })
}

/// A user and a password with a colon between them (RFC 7617).
pub(crate) fn basic(pair: &[u8]) -> Option<HeaderValue> {
    HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(pair))).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use scenario_core::scenario::model::Text;

    #[test]
    fn it_is_what_the_rfcs_say() {
        let text = |text: &str| Text::secret(text, "[redacted]");
        // The example of RFC 7617, section 2.
        let basic = Auth::Basic { user: Text::plain("Aladdin"), password: text("open sesame") };
        let value = authorization(&basic).unwrap();
        assert_eq!(value, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert!(value.is_sensitive());
        assert_eq!(authorization(&Auth::Bearer(text("mF_9.B5f-4.1JqM"))).unwrap(), "Bearer mF_9.B5f-4.1JqM");
        let words = authorization(&Auth::Bearer(text("a\nb"))).unwrap_err().words;
        assert!(words.contains("`auth`"), "{words}");
    }
}
