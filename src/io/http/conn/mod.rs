//! Connections: from a URL to a stream that speaks HTTP, new or kept from an earlier request. Decides
//! nothing about requests and answers.

pub(crate) mod answer_head;
pub(crate) mod answer_reader;
mod client_cert;
pub(crate) mod connection;
pub(crate) mod connector;
pub(crate) mod endpoint;
mod h2_words;
pub(crate) mod hyper_error;
pub(crate) mod pool;
mod proxy;
pub(crate) mod socket;
pub(crate) mod stream;
mod tcp;
mod tls;
mod tls_error;
mod unix;
mod verifier;
