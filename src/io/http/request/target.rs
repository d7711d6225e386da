//! The parts of a URL that a request writes: the authority, and the path with its query. Sends nothing.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use url::{Position, Url};

use scenario_core::scenario::unix_socket;

/// The `Host` of a request over a Unix socket: a server there has no name of its own.
pub(super) const SOCKET_HOST: &str = "localhost";

/// `host:port`; the port only if it is not the default of the URL's scheme.
pub(super) fn url_authority(url: &Url) -> String {
    if url.scheme() == unix_socket::SCHEME {
        return SOCKET_HOST.to_owned();
    }
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// The path and the query.
pub(super) fn path_and_query(url: &Url) -> Cow<'_, str> {
    match &url[Position::BeforePath..Position::AfterQuery] {
        target if target.starts_with('/') => Cow::Borrowed(target),
        // The URL of a socket may have no path.
        target => Cow::Owned(format!("/{target}")),
    }
}

/// The characters of a path that the `url` crate encodes, too.
const PATH_ESCAPES: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'}');

/// The path and the query of `text`, the text of `url`, if the path has segments `.` or `..`: a `Url` has lost
/// them, and the log shows them. `None` if there are none.
pub(super) fn path_with_dots(text: &str, url: &Url) -> Option<String> {
    let authority = text.find("://")? + 3;
    let begin = authority + text[authority..].find(['/', '?', '#', '\\'])?;
    let path = text[begin..].split(['?', '#']).next().filter(|path| path.starts_with('/'))?;
    let is_dots = |segment: &str| {
        let plain = segment.to_ascii_lowercase().replace("%2e", ".");
        plain == "." || plain == ".."
    };
    if path.contains('\\') || !path.split('/').any(is_dots) {
        return None;
    }
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    Some(format!("{}{query}", utf8_percent_encode(path, PATH_ESCAPES)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_are_kept() {
        for (text, wanted) in [
            ("http://h/a/../b?c/../d#e/../f", Some("/a/../b?c/../d")),
            ("http://h/.", Some("/.")),
            ("http://h/%2E%2e/ä<", Some("/%2E%2e/%C3%A4%3C")),
            ("http://h/a/b", None),
            ("http://h/..a/b.", None),
            ("http://h/a?b/../c", None),
            ("http://h?/../c", None),
            ("http://h", None),
        ] {
            let url = Url::parse(text).unwrap();
            assert_eq!(path_with_dots(text, &url).as_deref(), wanted, "{text}");
        }
    }

    #[test]
    fn host_and_target_are_those_of_the_url() {
        let url = Url::parse("http://[::1]:81/a b?c=d e#f").unwrap();
        assert_eq!(url_authority(&url), "[::1]:81");
        assert_eq!(path_and_query(&url), "/a%20b?c=d%20e");
        assert_eq!(url_authority(&Url::parse("https://h:443").unwrap()), "h");
        for (url, target) in
            [("http+unix://%2Fa", "/"), ("http+unix://%2Fa?b", "/?b"), ("http+unix://%2Fa/b?c", "/b?c")]
        {
            let url = Url::parse(url).unwrap();
            assert_eq!((&*url_authority(&url), &*path_and_query(&url)), ("localhost", target));
        }
    }
}
