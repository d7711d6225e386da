//! Paper: what is written and shown. Reads and writes files; decides nothing of a run.

pub mod journal;
pub mod log;
pub mod report;
pub mod files { pub struct Disk; }
pub mod diagnostics { use crate::scenario::*; pub fn human(_:&Sources,_:&[Diag],_:bool)->String {String::new()} pub fn json(_:&Sources,_:&[Diag])->String {String::new()} }
