//! Finds the process that listens on a port or a Unix socket of this machine, from /proc (proc(5)). A process of
//! another user may not be found: its descriptors cannot be read.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

use rustix::process::{Pid, getpid};

use scenario_log::sanitize::sanitize;

/// The state of a socket that listens, as /proc/net/tcp has it.
const LISTEN: &str = "0A";

/// The flag of a socket that listens, as /proc/net/unix has it.
const ACCEPTS: &str = "00010000";

/// A process that listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PortHolder {
    pub(super) pid: Pid,
    name: String,
}

impl fmt::Display for PortHolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.pid == getpid() {
            return f.write_str("`scenario` itself");
        }
        write!(f, "`{}` (process {})", self.name, self.pid.as_raw_nonzero())
    }
}

/// The process that listens on a port of an address of this machine.
pub(super) fn of_port(address: SocketAddr) -> Option<PortHolder> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].into_iter();
    let tables = tables.filter_map(|table| std::fs::read_to_string(table).ok());
    let inodes = tables.filter_map(|table| table.lines().find_map(|line| tcp_inode(line, address)));
    inodes.map(|inode| holder_of(&inode)).find(Option::is_some).flatten()
}

/// The process that listens on a Unix socket at this path.
pub(super) fn of_socket(path: &Path) -> Option<PortHolder> {
    let table = std::fs::read_to_string("/proc/net/unix").ok()?;
    let path = path.to_str()?;
    let inode = table.lines().find_map(|line| {
        let columns: Vec<&str> = line.split_ascii_whitespace().collect();
        let [_, _, _, flags, _, _, inode, bound, ..] = columns[..] else { return None };
        // A program may have bound a path relative to its own folder.
        let is_same = bound == path || !bound.starts_with('/') && path.ends_with(&format!("/{bound}"));
        (flags == ACCEPTS && is_same).then(|| inode.to_owned())
    })?;
    holder_of(&inode)
}

/// The inode of the socket of a line of /proc/net/tcp or tcp6, if that listens on this address or on all.
fn tcp_inode(line: &str, address: SocketAddr) -> Option<String> {
    let mut columns = line.split_ascii_whitespace();
    let (local, state) = (columns.nth(1)?, columns.nth(1)?);
    let (ip, port) = local.split_once(':')?;
    let is_port = u16::from_str_radix(port, 16) == Ok(address.port());
    let is_ip = parse_ip(ip).is_some_and(|ip| ip.is_unspecified() || ip == address.ip().to_canonical());
    (state == LISTEN && is_port && is_ip).then(|| columns.nth(5).map(str::to_owned))?
}

/// An address as these files have it: 32-bit words in the byte order of the machine.
fn parse_ip(hex: &str) -> Option<IpAddr> {
    let word = |at: usize| {
        let word = hex.get(at * 8..at * 8 + 8)?;
        u32::from_str_radix(word, 16).ok().map(u32::to_ne_bytes)
    };
    match hex.len() {
        8 => Some(IpAddr::V4(Ipv4Addr::from(word(0)?))),
        32 => {
            let words = [word(0)?, word(1)?, word(2)?, word(3)?];
            let bytes: [u8; 16] = words.concat().try_into().ok()?;
            Some(IpAddr::V6(Ipv6Addr::from(bytes)).to_canonical())
        }
        _ => None,
    }
}

/// The first process with a descriptor of this socket.
fn holder_of(inode: &str) -> Option<PortHolder> {
    let link = format!("socket:[{inode}]");
    let processes = std::fs::read_dir("/proc").ok()?.flatten();
    let numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    numbers.filter_map(Pid::from_raw).find(|pid| has_descriptor(*pid, &link)).map(|pid| {
        let name =
            std::fs::read_to_string(format!("/proc/{}/comm", pid.as_raw_nonzero())).unwrap_or_default();
        PortHolder { pid, name: sanitize(name.trim_end()) }
    })
}

fn has_descriptor(pid: Pid, link: &str) -> bool {
    let Ok(descriptors) = std::fs::read_dir(format!("/proc/{}/fd", pid.as_raw_nonzero())) else {
        return false;
    };
    descriptors
        .flatten()
        .any(|entry| std::fs::read_link(entry.path()).is_ok_and(|target| target == Path::new(link)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_table_is_read() {
        let line = "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0";
        let inode = |line: &str, address: &str| tcp_inode(line, address.parse().ok()?);
        if cfg!(target_endian = "little") {
            assert_eq!(inode(line, "127.0.0.1:8080").as_deref(), Some("4711"));
        }
        assert_eq!(inode(line, "127.0.0.1:8081"), None);
        assert_eq!(inode(line, "127.0.0.2:8080"), None);
        assert_eq!(inode(&line.replace(" 0A ", " 01 "), "127.0.0.1:8080"), None);
        let all = line.replace("0100007F", "00000000");
        assert_eq!(inode(&all, "127.0.0.2:8080").as_deref(), Some("4711"));
        let six = line.replace("0100007F", &"0".repeat(32));
        assert_eq!(inode(&six, "[::1]:8080").as_deref(), Some("4711"));
        assert_eq!(inode("sl local_address rem_address", "127.0.0.1:8080"), None);
    }

    #[test]
    fn the_process_that_listens_is_found() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let holder = of_port(listener.local_addr().expect("an address")).expect("this process");
        assert_eq!((holder.pid, holder.to_string().as_str()), (getpid(), "`scenario` itself"));
    }
}
