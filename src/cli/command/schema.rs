//! `scenario schema`: the JSON Schemas that the program goes by, as in the folder `schema/`.

use crate::cli::args::{Schema, SchemaOf};
use crate::cli::command::print;
use crate::cli::exit_code::ExitCode;
use scenario_core::scenario::json_schema::scenario_schema;
use scenario_log::schema::event_schema;

pub(super) fn schema(arguments: &Schema) -> ExitCode {
    print(&match arguments.of {
        SchemaOf::Scenario => scenario_schema(),
        SchemaOf::Event => event_schema(),
    })
}
