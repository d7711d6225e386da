//! Addresses `host:port` as texts. Nothing is resolved or connected here.

use std::fmt;

use url::Host;

/// The reason why a text is not an address `host:port`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostPortError {
    /// There is no colon, or no host before it.
    NoHostOrPort,
    /// The host has colons but no brackets.
    NoBrackets,
    /// The host is neither a name nor an address.
    InvalidHost(url::ParseError),
    /// The port is 0, on which nothing can listen.
    PortZero,
    /// The port is not a number of 16 bits.
    InvalidPort,
}

impl fmt::Display for HostPortError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HostPortError::NoHostOrPort => f.write_str("it is not `host:port`"),
            HostPortError::NoBrackets => f.write_str("an IPv6 address must stand in brackets"),
            HostPortError::InvalidHost(error) => write!(f, "its host is not valid: {error}"),
            HostPortError::PortZero => f.write_str("nothing can listen on port 0"),
            HostPortError::InvalidPort => f.write_str("its port is not a number from 1 to 65535"),
        }
    }
}

impl std::error::Error for HostPortError {}

/// Splits `host:port` into the host (an IPv6 address in its brackets) and the port.
///
/// # Errors
///
/// The text is not an address `host:port`.
pub fn parse_host_port(text: &str) -> Result<(&str, u16), HostPortError> {
    let Some((host, port)) = text.rsplit_once(':').filter(|(host, _)| !host.is_empty()) else {
        return Err(HostPortError::NoHostOrPort);
    };
    // The brackets distinguish the colons of an address from the one before the port.
    if host.contains(':') && !(host.starts_with('[') && host.ends_with(']')) {
        return Err(HostPortError::NoBrackets);
    }
    if let Err(error) = Host::parse(host) {
        return Err(HostPortError::InvalidHost(error));
    }
    let is_number = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    match port.parse() {
        Ok(0) => Err(HostPortError::PortZero),
        Ok(port) if is_number => Ok((host, port)),
        _ => Err(HostPortError::InvalidPort),
    }
}

#[cfg(test)]
mod tests {
    use super::parse_host_port;

    #[test]
    fn a_host_may_be_a_name_or_an_address() {
        assert_eq!(parse_host_port("localhost:80"), Ok(("localhost", 80)));
        assert_eq!(parse_host_port("127.0.0.1:65535"), Ok(("127.0.0.1", 65535)));
        assert_eq!(parse_host_port("[::1]:5432"), Ok(("[::1]", 5432)));
    }

    #[test]
    fn what_is_none_is_told_why() {
        for (text, why) in [
            ("", "not `host:port`"),
            ("localhost", "not `host:port`"),
            (":80", "not `host:port`"),
            ("::1:80", "brackets"),
            ("[::1:80", "brackets"),
            ("[::g]:80", "its host is not valid"),
            ("a b:80", "its host is not valid"),
            ("http://h:80", "brackets"),
            ("h:0", "port 0"),
            ("h:", "not a number"),
            ("h:+80", "not a number"),
            ("h:65536", "not a number"),
            ("h:80/x", "not a number"),
        ] {
            let fault = parse_host_port(text).unwrap_err().to_string();
            assert!(fault.contains(why), "{text}: {fault}");
        }
    }
}
