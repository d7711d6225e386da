//! Addresses and names of servers, as they are written.

use url::Host;

use super::key_rules::KeyRule;
use super::strings::pattern_schema;
use super::{DecodeContext, TomlSchema};
use crate::diagnostic::quoted;
use crate::scenario::host_port::parse_host_port;
use crate::scenario::toml::TomlNode;
use crate::scenario::write::json::Json;

/// An address `host:port`.
#[derive(Debug)]
pub(crate) struct HostPortText(pub(crate) String);

impl TomlSchema for HostPortText {
    fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<HostPortText> {
        let at = node.at;
        let text = cx.decode_public_text(node, "an address", r#""127.0.0.1:8443""#)?;
        if let Err(fault) = parse_host_port(&text) {
            let help = "for example \"127.0.0.1:8443\" or \"[::1]:8443\"";
            cx.error_with_help(at, format!("{} cannot be connected to: {fault}", quoted(&text)), help);
            return None;
        }
        Some(HostPortText(text))
    }

    fn schema() -> Json {
        pattern_schema(HostPortRule::PATTERN)
    }
}

/// An address `host:port`, as a key.
#[derive(Debug)]
pub(crate) struct HostPortRule;

impl KeyRule for HostPortRule {
    fn key_error(key: &str) -> Option<String> {
        parse_host_port(key).err().map(|fault| format!("this is no address: {fault}"))
    }
    const PATTERN: &'static str = "^.+:[0-9]+$";
}

/// The host and the port of an address as URLs have them: in small letters, and encoded.
pub(crate) fn normalized(address: &str) -> String {
    let parsed = parse_host_port(address).ok().and_then(|(host, port)| Some((Host::parse(host).ok()?, port)));
    parsed.map_or_else(|| address.to_owned(), |(host, port)| format!("{host}:{port}"))
}

/// The name of a server: a host without a port.
#[derive(Debug)]
pub(crate) struct ServerNameText(pub(crate) String);

impl TomlSchema for ServerNameText {
    fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<ServerNameText> {
        let at = node.at;
        let text = cx.decode_public_text(node, "the name of a server", r#""shop.example""#)?;
        if let Err(fault) = Host::parse(&text) {
            let message = format!("{} is not the name of a server: {fault}", quoted(&text));
            cx.error_with_help(at, message, "for example \"shop.example\"");
            return None;
        }
        Some(ServerNameText(text))
    }

    fn schema() -> Json {
        pattern_schema("^[^/?#@: ]+$|^\\[.*\\]$")
    }
}
