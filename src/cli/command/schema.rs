//! `scenario schema`: prints the JSON Schemas of this release, the same as in the folder `schema/`.

use crate::cli::args::{SchemaArgs, SchemaKind};
use crate::cli::command::print_stdout;
use crate::cli::exit_code::ExitCode;
use scenario_core::scenario::json_schema::scenario_schema;
use scenario_log::schema::event_schema;

pub(super) fn schema(arguments: &SchemaArgs) -> ExitCode {
    print_stdout(&match arguments.of {
        SchemaKind::Scenario => scenario_schema(),
        SchemaKind::Event => event_schema(),
    })
}
