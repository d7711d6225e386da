//! URLs of Unix sockets: `http+unix://%2Frun%2Fapp.sock/path`. The path of the socket, percent-encoded,
//! stands in the place of the host.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use url::Url;

use crate::scenario::model::ScenarioText;

/// The scheme of such a URL.
pub const SCHEME: &str = "http+unix";

/// The largest length of a socket's path, in bytes: `sun_path` of unix(7) without its NUL.
pub(crate) const MAX_SOCKET_PATH_LEN: usize = 107;

/// The path of the socket in a URL; `None` if the URL has another scheme. A path that is not absolute is
/// relative to the scenario's folder.
#[must_use]
pub fn socket_path(url: &Url) -> Option<PathBuf> {
    (url.scheme() == SCHEME).then(|| {
        let bytes: Vec<u8> = percent_decode_str(url.host_str().unwrap_or_default()).collect();
        PathBuf::from(OsString::from_vec(bytes))
    })
}

/// The characters that a folder may hold as they are in the place of a host.
const ENCODED_IN_HOST: &AsciiSet = &NON_ALPHANUMERIC.remove(b'.').remove(b'-').remove(b'_');

/// The URL of a file in `folder`, as seen from the scenario's folder: the path of a socket is relative to
/// the file that names it. Other URLs stay as they are.
pub(crate) fn url_in_folder(url: ScenarioText, folder: &Path) -> ScenarioText {
    let start = SCHEME.len() + "://".len();
    let is_relative = |text: &str| {
        let host = text.strip_prefix(SCHEME).and_then(|rest| rest.strip_prefix("://"))?;
        let first = percent_decode_str(host.split(['/', '?', '#']).next()?).next()?;
        Some(first != b'/')
    };
    if folder.as_os_str().is_empty()
        || is_relative(url.reveal()) != Some(true)
        || is_relative(url.display_text()) != Some(true)
    {
        return url;
    }
    let folder = format!("{}/", folder.to_string_lossy());
    url.with_inserted(start, &utf8_percent_encode(&folder, ENCODED_IN_HOST).to_string())
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

    #[test]
    fn a_relative_socket_is_in_the_folder_of_its_file() {
        let seen = |url: &str| url_in_folder(ScenarioText::plain(url), Path::new("in c")).reveal().to_owned();
        assert_eq!(seen("http+unix://app.sock/x"), "http+unix://in%20c%2Fapp.sock/x");
        assert_eq!(seen("http+unix://%2Frun%2Fapp.sock/x"), "http+unix://%2Frun%2Fapp.sock/x");
        assert_eq!(seen("http://app.sock/x"), "http://app.sock/x");
        let late = ScenarioText::plain("http+unix://app.sock/");
        assert_eq!(url_in_folder(late.clone(), Path::new("")), late);
        let mut secret = late;
        secret.push(&ScenarioText::secret("hunter2", "[redacted]"));
        secret.push(&ScenarioText::capture_gap("x"));
        let seen = url_in_folder(secret, Path::new("a"));
        assert_eq!(seen.display_with_gaps(), "http+unix://a%2Fapp.sock/[redacted]${x}");
        assert_eq!(seen.reveal(), "http+unix://a%2Fapp.sock/hunter2");
    }
}
