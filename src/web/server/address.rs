//! Binds the server's address.

use std::error::Error;
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, ToSocketAddrs};

use rustix::net::sockopt::set_socket_send_buffer_size;

/// How many connections may wait to be accepted.
const BACKLOG: i32 = 1024;

/// How much the system buffers for a client that does not read, in bytes. Events beyond that are kept
/// here, once for all clients.
const SEND_BUFFER_LEN: usize = 32 << 10;

/// Why the server cannot listen at an address: the message.
#[derive(Debug, PartialEq, Eq)]
pub struct BindError(String);

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for BindError {}

/// Listens at `HOST:PORT`, or at `PORT` of this machine.
///
/// # Errors
/// When it is not an address, cannot be had, or other machines could ask there and have no name for it.
pub(super) fn bind_address(text: &str, has_names: bool) -> Result<(TcpListener, SocketAddr), BindError> {
    let addresses = resolve_address(text)?;
    if let Some(open) = addresses.iter().find(|address| !address.ip().is_loopback())
        && !has_names
    {
        return Err(BindError(format!(
            "other machines can reach {open}: give the name that they use (`--serve-host NAME`), or serve at \
             127.0.0.1:{}",
            open.port()
        )));
    }
    let cannot =
        |error: io::Error| BindError(format!("cannot serve at {text}: {}", bind_error_reason(&error)));
    let listener = TcpListener::bind(&addresses[..]).map_err(cannot)?;
    let address = listener.local_addr().map_err(cannot)?;
    rustix::net::listen(&listener, BACKLOG).map_err(|errno| cannot(errno.into()))?;
    // Accepted connections inherit it.
    set_socket_send_buffer_size(&listener, SEND_BUFFER_LEN).map_err(|errno| cannot(errno.into()))?;
    Ok((listener, address))
}

fn resolve_address(text: &str) -> Result<Vec<SocketAddr>, BindError> {
    let port = text.strip_prefix(':').unwrap_or(text);
    if let Ok(port) = port.parse() {
        return Ok(vec![SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)]);
    }
    let written = "write it as HOST:PORT, like 127.0.0.1:8080";
    if !text.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(BindError(format!("`{port}` is not a port: the last is 65535")));
    }
    let (host, port) =
        text.rsplit_once(':').ok_or_else(|| BindError(format!("`{text}` is not an address: {written}")))?;
    let Ok(port) = port.parse::<u16>() else {
        return Err(BindError(format!("`{port}` is not a port: {written}")));
    };
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let found = (host, port)
        .to_socket_addrs()
        .map_err(|error| BindError(format!("cannot serve at {text}: {error}")))?;
    let found: Vec<_> = found.collect();
    if found.is_empty() {
        return Err(BindError(format!("cannot serve at {text}: the name has no address")));
    }
    Ok(found)
}

fn bind_error_reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => "the port is in use".to_owned(),
        io::ErrorKind::PermissionDenied => "ports below 1024 need a privilege".to_owned(),
        io::ErrorKind::AddrNotAvailable => "this machine has no such address".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_host_and_a_port_or_a_port_of_this_machine() {
        for text in ["127.0.0.1:0", "localhost:0", "0", ":0"] {
            let (_, address) = bind_address(text, false).unwrap();
            assert!(address.ip().is_loopback() && address.port() != 0, "{text}");
        }
        for text in ["", "localhost", "127.0.0.1:x", "127.0.0.1:65536", "http://127.0.0.1:8080/"] {
            assert!(bind_address(text, false).is_err(), "{text}");
        }
    }

    #[test]
    fn other_machines_need_a_name() {
        for text in ["0.0.0.0:0", "[::]:0"] {
            let refused = bind_address(text, false).unwrap_err().to_string();
            assert!(refused.contains("--serve-host"), "{refused}");
        }
        bind_address("0.0.0.0:0", true).unwrap();
    }

    #[test]
    fn a_port_in_use_is_reported() {
        let (_held, address) = bind_address("0", false).unwrap();
        let refused = bind_address(&address.to_string(), false).unwrap_err().to_string();
        assert_eq!(refused, format!("cannot serve at {address}: the port is in use"));
    }
}
