//! Reads files of variables of the environment (`env_file`).

use std::path::Path;

use super::FileProvider;
use super::diagnostics::Diagnostics;
use super::toml;
use super::vars::env_file::parse_env_file;
use crate::diagnostic::{Diagnostic, FilePlace, SourceFiles, quoted};
use scenario_log::sanitize::sanitize;

/// The parts that are needed to read a file.
pub(super) struct EnvFileReader<'a> {
    pub(super) files: &'a dyn FileProvider,
    /// The folder of the scenario.
    pub(super) folder: &'a Path,
    /// Receives a file that has errors.
    pub(super) sources: &'a mut SourceFiles,
}

impl EnvFileReader<'_> {
    /// The variables of a file, whose path starts at the folder of the scenario; `None` if it cannot be read,
    /// which is reported.
    pub(super) fn read(
        &mut self,
        path: &Path,
        place: FilePlace,
        found: &mut Diagnostics,
    ) -> Option<Vec<(String, String)>> {
        let full = match self.folder == Path::new(".") {
            true => path.to_owned(),
            false => self.folder.join(path),
        };
        let shown = full.to_string_lossy().into_owned();
        let content = match self.files.read(&full) {
            Ok(content) => content,
            Err(fault) => {
                let message = format!("cannot read {}: {}", quoted(&shown), sanitize(&fault.0));
                found.add(Diagnostic::error(place, message));
                return None;
            }
        };
        let file = u32::try_from(self.sources.files().len()).unwrap_or(u32::MAX);
        let (source, faults) = toml::decode_utf8(&shown, content.bytes, file);
        let errors = match (faults.is_empty(), parse_env_file(&source.text)) {
            (true, Ok(values)) => return Some(values),
            (true, Err(errors)) => errors,
            (false, _) => Vec::new(),
        };
        self.sources.add(source);
        faults.into_iter().for_each(|fault| found.add(fault));
        for error in errors {
            let byte = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
            let place = FilePlace { file, start: byte(error.at.start), end: byte(error.at.end) };
            found.add(Diagnostic::error(place, error.message));
        }
        None
    }
}
