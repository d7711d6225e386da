//! Connections: from a URL to a stream that speaks HTTP, new or kept from an earlier request. Decides
//! nothing about requests and answers.

mod client_cert;
pub(crate) mod connection;
pub(crate) mod connector;
pub(crate) mod endpoint;
pub(crate) mod hyper_error;
pub(crate) mod pool;
mod proxy;
pub(crate) mod stream;
mod tcp;
mod tls;
mod tls_error;
mod unix;
mod verifier;
