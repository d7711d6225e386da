//! The names by which other machines ask for the page (`--serve-host`), and the hosts that requests name.

use std::fmt;
use std::net::IpAddr;

use url::Host;

/// The name of a host as a browser sends it: in lower case, without a port, and without a dot at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostName(String);

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl HostName {
    /// Reads a name or an address that was given, with or without a port.
    ///
    /// # Errors
    /// When no browser asks by such a name; the message completes "it is".
    pub fn parse(text: &str) -> Result<HostName, String> {
        let example = "write a name or an address alone, like game.example or 192.0.2.7";
        if text.contains('*') {
            return Err(format!(
                "a pattern, and no request names one; {example}, and repeat the option for more names"
            ));
        }
        if text.parse::<IpAddr>().is_ok_and(|address| address.is_ipv6()) {
            return HostName::parse(&format!("[{text}]"));
        }
        let name = without_port(text);
        let name = name.strip_suffix('.').unwrap_or(name);
        let is_plain = |name: &str| {
            name.split('.').all(|part| {
                !part.is_empty()
                    && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
            })
        };
        match Host::parse(name) {
            // A browser sends such a name in ASCII too.
            Ok(Host::Domain(name)) if is_plain(&name) => Ok(HostName(name.to_ascii_lowercase())),
            Ok(Host::Ipv4(address)) => Ok(HostName(address.to_string())),
            Ok(Host::Ipv6(address)) => Ok(HostName(format!("[{address}]"))),
            _ => Err(format!("not the name of a host; {example}")),
        }
    }

    /// Whether the host of a request is this one.
    pub(super) fn is_named_by(&self, host: &str) -> bool {
        let host = without_port(host);
        host.strip_suffix('.').unwrap_or(host).eq_ignore_ascii_case(&self.0)
    }
}

/// Whether the host of a request is this machine by a name or an address of its own.
pub(super) fn is_this_machine(host: &str) -> bool {
    let host = without_port(host);
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host.eq_ignore_ascii_case("localhost")
        || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// A host without its port.
fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !name.ends_with(':') => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_what_a_browser_sends() {
        for (text, name) in [
            ("game.example", "game.example"),
            ("Game.Example:8080", "game.example"),
            ("game.example.", "game.example"),
            ("my_box", "my_box"),
            ("spiel.b\u{fc}cher", "spiel.xn--bcher-kva"),
            ("192.0.2.7", "192.0.2.7"),
            ("::1", "[::1]"),
            ("[2001:DB8::1]:80", "[2001:db8::1]"),
        ] {
            assert_eq!(HostName::parse(text).map(|name| name.to_string()), Ok(name.to_owned()), "{text}");
        }
    }

    #[test]
    fn a_text_that_matches_no_request_is_refused() {
        for text in [
            "",
            "*",
            "*.example",
            "a b",
            "http://game.example",
            "game.example/x",
            "a..b",
            ".",
            ":80",
            "a@b",
            "a,b",
        ] {
            assert!(HostName::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_request_names_a_host_with_or_without_a_port() {
        let name = HostName::parse("game.example").unwrap();
        assert!(
            ["game.example", "GAME.example:443", "game.example."].iter().all(|host| name.is_named_by(host))
        );
        assert!(!["game.example.evil", "evil", ""].iter().any(|host| name.is_named_by(host)));
        assert!(
            ["localhost:1", "127.0.0.1", "127.9.9.9:80", "[::1]:80"].iter().all(|host| is_this_machine(host))
        );
        assert!(
            !["localhost.evil", "10.0.0.1", "127.0.0.1.evil", ""].iter().any(|host| is_this_machine(host))
        );
    }
}
