//! The live page: its server, and the page that it serves.

pub mod page;
pub mod server;
