//! The parts of a URL that a request writes: the authority, and the path with its query. Sends nothing.

use std::borrow::Cow;

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

#[cfg(test)]
mod tests {
    use super::*;

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
