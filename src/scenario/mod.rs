//! The scenario as data: from the file as written to the checked model that everything runs on.

pub mod interval;
pub mod model;
use std::path::{Path,PathBuf};
pub struct Options<'a> { pub vars: &'a [(String,String)], pub env: &'a dyn Fn(&str)->Option<String>, pub clock: crate::words::event::ClockKind }
pub struct Sources; pub struct Diag;
pub struct Loaded { pub scenario: model::Scenario, pub folder: PathBuf, pub secrets: crate::words::secrets::Secrets, pub sources: Sources, pub warnings: Vec<Diag> }
pub struct Failure { pub sources: Sources, pub diagnostics: Vec<Diag> }
pub fn load(_:&Path, _:&crate::paper::files::Disk, _:&Options<'_>) -> Result<Loaded, Failure> { loop {} }
pub mod resolved { use super::model::Scenario; pub fn to_json(_:&Scenario)->String { String::new() } pub fn preset_toml(_:&Scenario,_:usize)->String { String::new() } }
pub mod schema { pub fn scenario_schema()->String { String::new() } }
