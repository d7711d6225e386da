//! The values of links: their addresses, and bandwidths.

use std::path::PathBuf;

use super::encode::TomlEncode;
use super::numbers::parse_size;
use super::strings::pattern_schema;
use super::{DecodeContext, TomlSchema};
use crate::diagnostic::quoted;
use crate::scenario::host_port::parse_host_port;
use crate::scenario::model::{LinkAddress, format_bandwidth};
use crate::scenario::toml::{TomlNode, TomlValue};
use crate::scenario::unix_socket::MAX_SOCKET_PATH_LEN;
use crate::scenario::write::json::Json;

/// The scheme of the address of a Unix socket.
const UNIX: &str = "unix:";

const ADDRESS_HELP: &str = "the forms are \"127.0.0.1:5432\", \"[::1]:5432\" and \"unix:/run/db.sock\"";

impl TomlSchema for LinkAddress {
    const EXAMPLE: &'static str = "\"127.0.0.1:5432\"";

    fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<LinkAddress> {
        let at = node.at;
        let text = cx.decode_public_text(node, "an address", Self::EXAMPLE)?;
        match parse_address(&text) {
            Ok(LinkAddress::Unix(path)) => {
                let path = if path.is_absolute() { path } else { cx.folder.join(path) };
                Some(LinkAddress::Unix(path))
            }
            Ok(address) => Some(address),
            Err(fault) => {
                cx.error_with_help(at, format!("{} is not an address: {fault}", quoted(&text)), ADDRESS_HELP);
                None
            }
        }
    }

    fn schema() -> Json {
        pattern_schema("^unix:.+$|^.+:[0-9]+$")
            .with("examples", Json::from(["127.0.0.1:5432", "unix:/run/db.sock"]))
    }
}

impl TomlEncode for &LinkAddress {
    fn encode(self) -> Option<Json> {
        self.to_string().encode()
    }
}

fn parse_address(text: &str) -> Result<LinkAddress, String> {
    let Some(path) = text.strip_prefix(UNIX) else {
        if text.starts_with('/') || text.starts_with("./") {
            return Err(format!("the path of a socket stands behind `{UNIX}`"));
        }
        let text = text.strip_prefix("tcp://").unwrap_or(text);
        return parse_host_port(text)
            .map(|(host, port)| LinkAddress::Tcp(host.to_owned(), port))
            .map_err(|fault| fault.to_string());
    };
    match path {
        "" => Err("it has no path".to_owned()),
        path if path.contains('\0') => Err("a path must not have a NUL character".to_owned()),
        path if path.len() > MAX_SOCKET_PATH_LEN => {
            Err(format!("the path of a socket has at most {MAX_SOCKET_PATH_LEN} bytes"))
        }
        path => Ok(LinkAddress::Unix(PathBuf::from(path))),
    }
}

/// Bytes in a second, at least 1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bandwidth(pub(crate) u64);

impl TomlSchema for Bandwidth {
    const EXAMPLE: &'static str = "\"1MB/s\"";

    fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<Bandwidth> {
        let at = node.at;
        let help = "for example \"1MB/s\" or \"64KiB/s\"";
        if let TomlValue::Integer(_) = node.value {
            cx.error_with_help(at, "a bandwidth is a string with a unit, not a bare number", help);
            return None;
        }
        let text = cx.decode_public_text(node, "a bandwidth", Self::EXAMPLE)?;
        let size = text.strip_suffix("/s").map(str::trim_end);
        let fault = match size.map(parse_size) {
            Some(Ok(0)) => "it lets nothing pass; `cut` does that".to_owned(),
            Some(Ok(bytes)) if i64::try_from(bytes).is_ok() => return Some(Bandwidth(bytes)),
            Some(Ok(_)) => "it is too large".to_owned(),
            Some(Err(fault)) => fault,
            None => "it does not end in `/s`".to_owned(),
        };
        cx.error_with_help(at, format!("{} is not a bandwidth: {fault}", quoted(&text)), help);
        None
    }

    fn schema() -> Json {
        pattern_schema("^[0-9]{1,18} ?(B|[kKMGT]B|[KMGT]iB)? ?/s$")
            .with("examples", Json::from(["1MB/s", "64KiB/s"]))
    }
}

impl TomlEncode for Bandwidth {
    fn encode(self) -> Option<Json> {
        Some(format_bandwidth(self.0).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        assert_eq!(parse_address("localhost:80"), Ok(LinkAddress::Tcp("localhost".to_owned(), 80)));
        assert_eq!(parse_address("[::1]:80"), Ok(LinkAddress::Tcp("[::1]".to_owned(), 80)));
        assert_eq!(parse_address("unix:/run/x"), Ok(LinkAddress::Unix(PathBuf::from("/run/x"))));
        for (text, why) in [
            ("/run/x", "`unix:`"),
            ("unix:", "no path"),
            ("::1:80", "brackets"),
            ("localhost", "host:port"),
            ("h:0", "port 0"),
        ] {
            let fault = parse_address(text).unwrap_err();
            assert!(fault.contains(why), "{text}: {fault}");
        }
    }
}
