//! `host:port` as a text, taken apart. Asks no name service, and connects to nothing.

use url::Host;

/// The host (an IPv6 address in its brackets) and the port of `host:port`.
///
/// # Errors
///
/// What is wrong with it, in words.
pub fn parse_host_port(text: &str) -> Result<(&str, u16), String> {
    let Some((host, port)) = text.rsplit_once(':').filter(|(host, _)| !host.is_empty()) else {
        return Err("it is no `host:port`".to_owned());
    };
    // The brackets tell the colons of an address from the one before the port.
    if host.contains(':') && !(host.starts_with('[') && host.ends_with(']')) {
        return Err("an IPv6 address stands in brackets".to_owned());
    }
    if let Err(error) = Host::parse(host) {
        return Err(format!("its host is none: {error}"));
    }
    let is_number = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    match port.parse() {
        Ok(0) => Err("nothing can listen on port 0".to_owned()),
        Ok(port) if is_number => Ok((host, port)),
        _ => Err("its port is no number from 1 to 65535".to_owned()),
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
            ("", "no `host:port`"),
            ("localhost", "no `host:port`"),
            (":80", "no `host:port`"),
            ("::1:80", "brackets"),
            ("[::1:80", "brackets"),
            ("[::g]:80", "its host is none"),
            ("a b:80", "its host is none"),
            ("http://h:80", "brackets"),
            ("h:0", "port 0"),
            ("h:", "no number"),
            ("h:+80", "no number"),
            ("h:65536", "no number"),
            ("h:80/x", "no number"),
        ] {
            let fault = parse_host_port(text).unwrap_err();
            assert!(fault.contains(why), "{text}: {fault}");
        }
    }
}
