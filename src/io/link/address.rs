//! The ends of a link: listening on an address, and connecting to one.

use std::io;
use std::net::{TcpListener, ToSocketAddrs as _};
use std::os::unix::fs::FileTypeExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use tokio::net;

use crate::io::link::stream::LinkStream;
use scenario_core::scenario::model::LinkAddress;

/// A socket that listens.
#[derive(Debug)]
pub(super) enum BoundListener {
    Tcp(TcpListener),
    Unix(UnixListener, SocketFile),
}

impl BoundListener {
    pub(super) fn bind(address: &LinkAddress, folder: &Path) -> io::Result<BoundListener> {
        match address {
            LinkAddress::Tcp(host, port) => {
                let host = bare_host(host);
                let listener = match (host, *port).to_socket_addrs()?.next() {
                    Some(address) => TcpListener::bind(address)?,
                    None => return Err(io::Error::other("the name has no address")),
                };
                listener.set_nonblocking(true)?;
                Ok(BoundListener::Tcp(listener))
            }
            LinkAddress::Unix(path) => {
                let file = SocketFile(folder.join(path));
                Ok(BoundListener::Unix(file.listen()?, file))
            }
        }
    }
}

/// The file of a Unix socket on which a link listens. It is removed when the link ends.
#[derive(Debug)]
pub(super) struct SocketFile(PathBuf);

impl SocketFile {
    /// Listens. A socket that somebody left behind is in the way of nobody.
    pub(super) fn listen(&self) -> io::Result<UnixListener> {
        let path = &self.0;
        let is_socket = std::fs::symlink_metadata(path).is_ok_and(|meta| meta.file_type().is_socket());
        if is_socket {
            match UnixStream::connect(path) {
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => std::fs::remove_file(path)?,
                _ => {}
            }
        }
        let listener = UnixListener::bind(path)?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // If it cannot be removed, the next run takes it over.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Connects to an address.
pub(super) async fn connect(address: &LinkAddress, folder: &Path) -> io::Result<LinkStream> {
    Ok(match address {
        LinkAddress::Tcp(host, port) => {
            let tcp = net::TcpStream::connect((bare_host(host), *port)).await?;
            LinkStream::from_tcp(tcp)
        }
        LinkAddress::Unix(path) => LinkStream::Unix(net::UnixStream::connect(folder.join(path)).await?),
    })
}

/// A host without the brackets of an IPv6 address.
fn bare_host(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}
