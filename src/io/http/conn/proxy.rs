//! The HTTP proxy that a job names: its address, its credentials, and the tunnel through it. Does not
//! read the proxy variables of the environment.

use hyper::header::HeaderValue;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use url::Url;

use scenario_log::event::FetchErrorKind;

use crate::io::http::error::FetchError;
use crate::io::http::request::auth;

/// The longest head of a proxy's answer.
const MAX_HEAD_LEN: usize = 16 << 10;

/// A proxy that a job names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct HttpProxy {
    /// As in a URL: an IPv6 address has brackets.
    pub(super) host: String,
    pub(super) port: u16,
    /// The `Proxy-Authorization`, from the user and password of its URL.
    pub(super) authorization: Option<HeaderValue>,
}

impl HttpProxy {
    /// `None` if this is not the URL of a proxy.
    pub(super) fn from_url(url: &str) -> Option<HttpProxy> {
        let mut url = Url::parse(url).ok()?;
        let authorization = auth::take_credentials(&mut url);
        let (host, port) = (url.host_str()?.to_owned(), url.port_or_known_default()?);
        Some(HttpProxy { host, port, authorization })
    }

    /// Asks the proxy at the other end of `tcp` to connect it to `host:port`.
    pub(super) async fn tunnel(
        &self,
        mut tcp: TcpStream,
        host: &str,
        port: u16,
    ) -> Result<TcpStream, FetchError> {
        let mut request = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n").into_bytes();
        if let Some(authorization) = &self.authorization {
            request.extend_from_slice(b"Proxy-Authorization: ");
            request.extend_from_slice(authorization.as_bytes());
            request.extend_from_slice(b"\r\n");
        }
        request.extend_from_slice(b"\r\n");
        let to = format!("{host}:{port}");
        let broken =
            |error: std::io::Error| self.tunnel_error(&to, &format!("the connection broke: {error}"), true);
        tcp.write_all(&request).await.map_err(broken)?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            if head.len() > MAX_HEAD_LEN {
                return Err(self.tunnel_error(&to, "its answer's head is too large", false));
            }
            if tcp.read_buf(&mut head).await.map_err(broken)? == 0 {
                return Err(self.tunnel_error(&to, "it closed the connection", true));
            }
        }
        match parse_status_line(&head) {
            Some((200..=299, _)) => Ok(tcp),
            Some((status, line)) => {
                let is_transient = matches!(status, 502..=504);
                Err(self.tunnel_error(&to, &format!("it answered {line}"), is_transient))
            }
            None => Err(self.tunnel_error(&to, "its answer is not HTTP", false)),
        }
    }

    fn tunnel_error(&self, to: &str, reason: &str, is_transient: bool) -> FetchError {
        let HttpProxy { host, port, .. } = self;
        let message = format!("the proxy {host}:{port} gave no connection to {to}: {reason}");
        FetchError { kind: FetchErrorKind::Connect, message, is_transient, first_bytes: None }
    }
}

/// The failure of the connection to the proxy itself.
pub(super) fn unreachable_error(error: FetchError) -> FetchError {
    FetchError { message: format!("the proxy: {}", error.message), ..error }
}

/// The status of an answer, and its first line after the version.
fn parse_status_line(head: &[u8]) -> Option<(u16, String)> {
    let line = head.split(|byte| *byte == b'\r').next()?;
    let line = String::from_utf8_lossy(line).into_owned();
    let rest = line.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..))?;
    Some((rest.get(..3)?.parse().ok()?, rest.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_by_its_first_line() {
        assert_eq!(parse_status_line(b"HTTP/1.1 200 OK\r\nA: b\r\n\r\n"), Some((200, "200 OK".to_owned())));
        assert_eq!(parse_status_line(b"HTTP/1.0 407\r\n\r\n"), Some((407, "407".to_owned())));
        for none in [&b"HTTP/2 200\r\n\r\n"[..], b"HTTP/1.1\r\n\r\n", b"\r\n\r\n", b"HTTP/1.1 ok\r\n\r\n"] {
            assert_eq!(parse_status_line(none), None);
        }
    }

    #[test]
    fn a_proxy_does_not_show_its_password() {
        let proxy = HttpProxy::from_url("http://me:canary@[::1]:3128").unwrap();
        assert_eq!((&*proxy.host, proxy.port), ("[::1]", 3128));
        assert!(!format!("{proxy:?}").contains("Y2FuYXJ5"), "{proxy:?}");
    }
}
