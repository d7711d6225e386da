//! `--github`: annotations for the runner of GitHub Actions, if the program runs there.

use std::path::{Path, PathBuf};

use crate::cli::command::write_stderr;
use crate::report::github_annotations::{GitHubAnnotation, push_command, render_commands};
use scenario_core::diagnostic::{Diagnostic, LineColumn, Severity, SourceFiles};

/// Writes annotations for GitHub's runner.
#[derive(Debug)]
pub(super) struct GitHubAnnotator {
    /// The folder of the repository. Annotations have paths relative to it.
    workspace: Option<PathBuf>,
}

impl GitHubAnnotator {
    /// An annotator, if `--github` is given and the runner is there.
    pub(super) fn detect(is_wanted: bool) -> Option<GitHubAnnotator> {
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let is_there = variable("GITHUB_ACTIONS").is_some_and(|value| value != "false");
        (is_wanted && is_there).then(|| GitHubAnnotator {
            workspace: variable("GITHUB_WORKSPACE").and_then(|path| Path::new(&path).canonicalize().ok()),
        })
    }

    /// Writes annotations of these files to standard error.
    pub(super) fn write_annotations(&self, sources: &SourceFiles, annotations: &[GitHubAnnotation]) {
        write_stderr(&render_commands(annotations, sources, &|name| self.repository_path(name)));
    }

    /// Writes an annotation for each diagnostic.
    pub(super) fn write_diagnostics(&self, sources: &SourceFiles, diagnostics: &[Diagnostic]) {
        self.write_annotations(
            sources,
            &diagnostics.iter().map(GitHubAnnotation::from_diagnostic).collect::<Vec<_>>(),
        );
    }

    /// Writes an error at a line of any file.
    pub(super) fn write_line_error(&self, file: &str, line: u64, (title, message): (&str, &str)) {
        let line = usize::try_from(line).unwrap_or(usize::MAX);
        let at = self.repository_path(file).map(|path| (path, LineColumn { line, column: 1 }));
        let mut out = String::new();
        push_command(&mut out, Severity::Error, at, title, message);
        write_stderr(&out);
    }

    /// A path as the repository has it; none if there is no such file.
    fn repository_path(&self, name: &str) -> Option<String> {
        let file = Path::new(name).canonicalize().ok()?;
        let inside = self.workspace.as_deref().and_then(|workspace| file.strip_prefix(workspace).ok());
        Some(inside.map_or_else(|| name.to_owned(), |path| path.to_string_lossy().into_owned()))
    }
}
