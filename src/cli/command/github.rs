//! `--github`: annotations for the runner of GitHub Actions, where there is one.

use std::path::{Path, PathBuf};

use crate::cli::command::tell;
use crate::report::github::{Annotation, commands, push_command};
use scenario_core::diagnostic::{Diagnostic, Position, Severity, Sources};

/// The runner that takes annotations.
#[derive(Debug)]
pub(super) struct GitHub {
    /// The folder of the repository, whose paths annotations have.
    workspace: Option<PathBuf>,
}

impl GitHub {
    /// The runner, if it is asked for and is there.
    pub(super) fn asked(is_asked: bool) -> Option<GitHub> {
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let is_there = variable("GITHUB_ACTIONS").is_some_and(|value| value != "false");
        (is_asked && is_there).then(|| GitHub {
            workspace: variable("GITHUB_WORKSPACE").and_then(|path| Path::new(&path).canonicalize().ok()),
        })
    }

    /// Tells annotations of these files.
    pub(super) fn tell(&self, sources: &Sources, annotations: &[Annotation]) {
        tell(&commands(annotations, sources, &|name| self.path(name)));
    }

    /// Tells diagnostics.
    pub(super) fn diagnostics(&self, sources: &Sources, diagnostics: &[Diagnostic]) {
        self.tell(sources, &diagnostics.iter().map(Annotation::of_diagnostic).collect::<Vec<_>>());
    }

    /// Tells something of a line of another file.
    pub(super) fn of_line(&self, file: &str, line: u64, (title, message): (&str, &str)) {
        let line = usize::try_from(line).unwrap_or(usize::MAX);
        let at = self.path(file).map(|path| (path, Position { line, column: 1 }));
        let mut out = String::new();
        push_command(&mut out, Severity::Error, at, title, message);
        tell(&out);
    }

    /// A path as the repository has it; none of what is no file.
    fn path(&self, name: &str) -> Option<String> {
        let file = Path::new(name).canonicalize().ok()?;
        let inside = self.workspace.as_deref().and_then(|workspace| file.strip_prefix(workspace).ok());
        Some(inside.map_or_else(|| name.to_owned(), |path| path.to_string_lossy().into_owned()))
    }
}
