//! Connections: from a URL to a stream that speaks HTTP.

pub(crate) mod client_cert;
pub(crate) mod connection;
pub(crate) mod pool;
pub(crate) mod proxy;
pub(crate) mod route;
pub(crate) mod stream;
pub(crate) mod tcp;
pub(crate) mod tls;
pub(crate) mod tls_error;
pub(crate) mod verifier;
