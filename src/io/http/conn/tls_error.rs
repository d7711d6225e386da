//! Messages for failures of TLS: one cause each, and the scenario's key that would allow it.

use std::io;

use tokio_rustls::rustls::{AlertDescription, CertificateError, Error, InvalidMessage, OtherError};

use scenario_log::event::FetchErrorKind;

use super::verifier::SelfSignedError;
use crate::io::http::error::FetchError;

/// The key that accepts any certificate.
const INSECURE_HINT: &str = "`insecure = true` would accept it";

/// The keys that accept an unknown authority.
const CA_HINT: &str = "`ca = \"FILE.pem\"` would trust the one it names, `insecure = true` anyone";

/// The failure of a job's TLS settings, before any handshake.
pub(super) fn config_error(message: impl Into<String>) -> FetchError {
    FetchError::permanent(FetchErrorKind::Tls, message)
}

/// The failure that an error of the handshake means.
pub(super) fn handshake_error(error: &io::Error, host: &str) -> FetchError {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        Some(error) => FetchError::permanent(FetchErrorKind::Tls, rustls_message(error, host)),
        None if error.kind() == io::ErrorKind::UnexpectedEof => FetchError::transient(
            FetchErrorKind::Tls,
            "the server closed the connection within the TLS handshake",
        ),
        None => FetchError::transient(
            FetchErrorKind::Tls,
            format!("the connection broke within the TLS handshake: {error}"),
        ),
    }
}

fn rustls_message(error: &Error, host: &str) -> String {
    match error {
        Error::InvalidCertificate(error) => certificate_message(error, host),
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            "the server does not speak TLS here: the URL of this port may have to begin with http://"
                .to_owned()
        }
        Error::NoApplicationProtocol | Error::AlertReceived(AlertDescription::NoApplicationProtocol) => {
            "the server does not speak the requested protocol; `http2 = \"auto\"` requests either".to_owned()
        }
        Error::PeerIncompatible(_) | Error::AlertReceived(AlertDescription::HandshakeFailure) => {
            "the server and this program have no encryption in common: this program speaks TLS 1.3, and TLS 1.2 with ECDHE and AES-GCM or ChaCha20".to_owned()
        }
        Error::AlertReceived(AlertDescription::ProtocolVersion) => {
            "the server speaks neither TLS 1.2 nor TLS 1.3, and this program nothing older".to_owned()
        }
        Error::AlertReceived(alert) => match alert_message(*alert) {
            Some(message) => message.to_owned(),
            None => format!("the server ended the TLS handshake with the alert {alert:?}"),
        },
        error => format!("the TLS handshake failed: {error}"),
    }
}

/// The message for an alert in which the server refuses the client's certificate; `None` for other errors.
pub(super) fn client_cert_message(error: &io::Error) -> Option<String> {
    match error.get_ref()?.downcast_ref::<Error>()? {
        // The signature is wrong, or the authority has a known one's name but not its key.
        Error::AlertReceived(AlertDescription::DecryptError) => Some(CLIENT_CERT_REFUSED.to_owned()),
        Error::AlertReceived(alert) => alert_message(*alert).map(str::to_owned),
        _ => None,
    }
}

const CLIENT_CERT_REFUSED: &str = "the server does not accept the client's certificate, `cert`";

fn alert_message(alert: AlertDescription) -> Option<&'static str> {
    use AlertDescription as A;
    Some(match alert {
        A::CertificateRequired | A::NoCertificate => {
            "the server asks for a client's certificate: `cert` and `key` name one"
        }
        A::UnknownCA => "the server does not know the authority of the client's certificate, `cert`",
        A::CertificateExpired => "the server says that the client's certificate, `cert`, has expired",
        A::CertificateRevoked => "the server says that the client's certificate, `cert`, was revoked",
        A::BadCertificate | A::UnsupportedCertificate | A::CertificateUnknown | A::AccessDenied => {
            CLIENT_CERT_REFUSED
        }
        _ => return None,
    })
}

fn certificate_message(error: &CertificateError, host: &str) -> String {
    use CertificateError as E;
    match error {
        E::ExpiredContext { time, not_after } => {
            let ago = time.as_secs().saturating_sub(not_after.as_secs());
            format!("the certificate expired {} ago; {INSECURE_HINT}", format_seconds(ago))
        }
        E::Expired => format!("the certificate has expired; {INSECURE_HINT}"),
        E::NotValidYetContext { time, not_before } => {
            let left = not_before.as_secs().saturating_sub(time.as_secs());
            format!("the certificate becomes valid only in {}; {INSECURE_HINT}", format_seconds(left))
        }
        E::NotValidYet => format!("the certificate is not valid yet; {INSECURE_HINT}"),
        E::NotValidForNameContext { presented, .. } if !presented.is_empty() => {
            format!(
                "the certificate is not for {host} but for {}; {INSECURE_HINT}",
                format_cert_names(presented)
            )
        }
        E::NotValidForName | E::NotValidForNameContext { .. } => {
            format!("the certificate is not for {host}; {INSECURE_HINT}")
        }
        E::UnknownIssuer => format!("the certificate's authority is unknown; {CA_HINT}"),
        E::BadSignature => {
            format!(
                "the certificate's authority is unknown: it has a known one's name but not its key; {CA_HINT}"
            )
        }
        E::Other(OtherError(error)) if error.is::<SelfSignedError>() => {
            format!("the certificate is self-signed; {CA_HINT}")
        }
        E::Other(OtherError(error)) => format!("the certificate is not accepted: {error}; {INSECURE_HINT}"),
        error => format!("the certificate is not accepted: {error:?}; {INSECURE_HINT}"),
    }
}

/// A time in whole days; less than a day, to the second.
fn format_seconds(seconds: u64) -> String {
    const DAY: u64 = 24 * 3600;
    let seconds = if seconds >= DAY { seconds - seconds % DAY } else { seconds };
    humantime::format_duration(std::time::Duration::from_secs(seconds)).to_string()
}

/// The names in a certificate: rustls has them as `DnsName("a.example")`.
fn format_cert_names(presented: &[String]) -> String {
    const SHOWN: usize = 5;
    let bare = |name: &String| match name.split_once("(\"").and_then(|(_, name)| name.strip_suffix("\")")) {
        Some(bare) => bare.to_owned(),
        None => name.clone(),
    };
    let mut shown: Vec<String> = presented.iter().take(SHOWN).map(bare).collect();
    if presented.len() > SHOWN {
        shown.push(format!("{} more", presented.len() - SHOWN));
    }
    shown.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_shown_bare_and_not_all() {
        assert_eq!(
            format_cert_names(&["DnsName(\"a\")".to_owned(), "IpAddress(1.2.3.4)".to_owned()]),
            "a, IpAddress(1.2.3.4)"
        );
        assert_eq!(format_cert_names(&vec!["x".to_owned(); 9]), "x, x, x, x, x, 4 more");
    }
}
