//! Builds a program with its arguments: of a preset, or of a command that asks about the program or stops it.

use std::path::Path;

use crate::diagnostic::{Diagnostic, quoted};
use crate::scenario::diagnostics::Diagnostics;
use crate::scenario::model::ScenarioText;
use crate::scenario::schema::Located;
use crate::scenario::schema::collections::ListOf;
use crate::scenario::schema::own_words;
use crate::scenario::schema::strings::NulFreeText;

/// Builds the program and its arguments; `None` if the program has no name, which has been reported.
pub(super) fn build_argv(
    argv: ListOf<NulFreeText, 1>,
    folder: &Path,
    found: &mut Diagnostics,
) -> Option<Vec<ScenarioText>> {
    let program = argv.0.first()?;
    if program.value.0.reveal().is_empty() {
        found.add(
            Diagnostic::error(program.place, "the program's name is empty")
                .with_help("the first item is the program, for example [\"echo\", \"hello\"]"),
        );
        return None;
    }
    warn_of_command_line(&argv.0, found);
    Some(in_folder(argv.0.into_iter().map(|argument| argument.value.0), folder))
}

/// The program and its arguments. A program that is named with a slash is in the folder of the file that
/// names it.
fn in_folder(argv: impl Iterator<Item = ScenarioText>, folder: &Path) -> Vec<ScenarioText> {
    let mut argv: Vec<ScenarioText> = argv.collect();
    if let Some(program) = argv.first_mut()
        && program.reveal().contains('/')
        && !program.reveal().starts_with('/')
        && !folder.as_os_str().is_empty()
    {
        *program = std::mem::take(program).with_inserted(0, &format!("{}/", folder.to_string_lossy()));
    }
    argv
}

/// Warns of a program whose name looks like a whole command line: `["redis-server --port 1"]`.
fn warn_of_command_line(argv: &[Located<NulFreeText>], found: &mut Diagnostics) {
    let [program] = argv else { return };
    let text = &program.value.0;
    let words = own_words::shell_words(text.reveal()).unwrap_or_default();
    let looks_like_line =
        words.iter().skip(1).any(|word| word.starts_with('-')) || !text.reveal().contains('/');
    if words.len() < 2 || !looks_like_line || text.is_secret() {
        return;
    }
    let message = format!("the program {} has spaces in its name", quoted(text.reveal()));
    let warning = Diagnostic::warning(program.place, message);
    found.add(match own_words::command_list(text.reveal()) {
        Some(list) => warning.with_help(format!("if these are its arguments, write command = {list}")),
        None => warning,
    });
}
