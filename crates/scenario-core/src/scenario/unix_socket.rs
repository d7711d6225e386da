//! URLs of Unix sockets: `http+unix://%2Frun%2Fapp.sock/path`. The path of the socket, percent-encoded,
//! stands in the place of the host.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;

use percent_encoding::percent_decode_str;
use url::Url;

/// The scheme of such a URL.
pub const SCHEME: &str = "http+unix";

/// The largest length of a socket's path, in bytes: `sun_path` of unix(7) without its NUL.
const MAX_SOCKET_PATH_LEN: usize = 107;

/// The path of the socket in a URL; `None` if the URL has another scheme. A path that is not absolute is
/// relative to the scenario's folder.
#[must_use]
pub fn socket_path(url: &Url) -> Option<PathBuf> {
    (url.scheme() == SCHEME).then(|| {
        let bytes: Vec<u8> = percent_decode_str(url.host_str().unwrap_or_default()).collect();
        PathBuf::from(OsString::from_vec(bytes))
    })
}

/// The error of the URL of a socket, if it has one, as a message.
pub(crate) fn socket_url_error(url: &Url) -> Option<String> {
    let path = socket_path(url)?.into_os_string().into_vec();
    if path.is_empty() {
        return Some(
            "it has no socket: the path of the socket stands, percent-encoded, in the place of the host"
                .to_owned(),
        );
    }
    if url.port().is_some() {
        return Some("a socket has no port".to_owned());
    }
    if path.contains(&0) {
        return Some("the path of a socket must not have a NUL character".to_owned());
    }
    (path.len() > MAX_SOCKET_PATH_LEN)
        .then(|| format!("the path of a socket has at most {MAX_SOCKET_PATH_LEN} bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_stands_where_a_host_would() {
        let path = |url: &str| socket_path(&Url::parse(url).unwrap());
        assert_eq!(path("http+unix://%2Frun%2Fa%20b.sock/x?y"), Some(PathBuf::from("/run/a b.sock")));
        assert_eq!(path("http+unix://app.sock"), Some(PathBuf::from("app.sock")));
        assert_eq!(path("http://run/x"), None);
    }
}
