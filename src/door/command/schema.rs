//! `scenario schema`: the JSON Schemas that the program goes by, as in the folder `schema/`.

use crate::door::cli::{Schema, SchemaOf};
use crate::door::command::print;
use crate::paper::log::schema::event_schema;
use crate::scenario::schema::scenario_schema;
use crate::words::exit_code::ExitCode;

pub(super) fn schema(arguments: &Schema) -> ExitCode {
    print(&match arguments.of {
        SchemaOf::Scenario => scenario_schema(),
        SchemaOf::Event => event_schema(),
    })
}
