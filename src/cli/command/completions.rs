//! `scenario completions` and `scenario man`: the files that a packager installs with the binary.

use std::io::Write;

use clap::{Command, CommandFactory};
use clap_mangen::Man;

use crate::cli::args::{Cli, CompletionsArgs};
use crate::cli::command::{print_stdout, report_error};
use crate::cli::exit_code::ExitCode;

pub(super) fn print_completions(arguments: &CompletionsArgs) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut visible_cli(), "scenario", &mut script);
    print_stdout(&String::from_utf8_lossy(&script))
}

/// The command line without the hidden commands: clap hides them in the help, but not here.
fn visible_cli() -> Command {
    let all = Cli::command();
    let parts: Vec<Command> = all.get_subcommands().filter(|part| !part.is_hide_set()).cloned().collect();
    let about = all.get_about().cloned().unwrap_or_default();
    let after = all.get_after_help().cloned().unwrap_or_default();
    let shown = Command::new("scenario").about(about).version(env!("CARGO_PKG_VERSION")).after_help(after);
    shown.subcommand_required(true).subcommands(parts)
}

pub(super) fn print_man() -> ExitCode {
    let mut page = Vec::new();
    if let Err(error) = write_man_page(&mut page) {
        report_error(format_args!("cannot make the manual page: {error}"));
        return ExitCode::Refused;
    }
    print_stdout(&String::from_utf8_lossy(&page))
}

/// Writes one page for all commands. With one page for each, as clap_mangen makes them, users would not find
/// the pages of the commands.
fn write_man_page(page: &mut Vec<u8>) -> std::io::Result<()> {
    let mut command = visible_cli().disable_help_subcommand(true);
    command.build();
    let main = Man::new(command.clone());
    main.render_title(page)?;
    main.render_name_section(page)?;
    main.render_synopsis_section(page)?;
    main.render_description_section(page)?;
    for part in command.get_subcommands() {
        let name = part.get_name();
        let man = Man::new(part.clone());
        writeln!(page, ".SH \"{}\"", format!("scenario {name}").to_uppercase())?;
        if let Some(about) = part.get_about() {
            writeln!(page, "{about}.")?;
        }
        let mut sections = Vec::new();
        man.render_synopsis_section(&mut sections)?;
        man.render_options_section(&mut sections)?;
        page.extend(String::from_utf8_lossy(&sections).replace(".SH ", ".SS ").bytes());
    }
    main.render_extra_section(page)?;
    main.render_version_section(page)
}
