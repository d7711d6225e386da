//! TODO(doc)

pub mod diagnostic;
pub mod engine;
pub mod plan;
pub mod scenario;
