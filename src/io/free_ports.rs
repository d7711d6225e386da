//! Free ports of this machine, by name, for `${port:NAME}`. Each one is kept bound until all of them are known,
//! so that no two names get the same.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, TcpListener};

/// The ports that have been drawn. They become free when this is dropped: before the run starts.
#[derive(Debug, Default)]
pub struct FreePorts(RefCell<BTreeMap<String, TcpListener>>);

impl FreePorts {
    /// The port of a name.
    ///
    /// # Errors
    /// The reason why the system gives none.
    pub fn port(&self, name: &str) -> Result<u16, String> {
        let mut held = self.0.borrow_mut();
        let listener = match held.remove(name) {
            Some(listener) => listener,
            None => TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|error| error.to_string())?,
        };
        let port = listener.local_addr().map_err(|error| error.to_string())?.port();
        held.insert(name.to_owned(), listener);
        Ok(port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_its_port_and_others_get_others() {
        let ports = FreePorts::default();
        let (a, b) = (ports.port("a").unwrap(), ports.port("b").unwrap());
        assert_ne!(a, b);
        assert_eq!(ports.port("a").unwrap(), a);
        drop(ports);
        TcpListener::bind((Ipv4Addr::LOCALHOST, a)).unwrap();
    }
}
