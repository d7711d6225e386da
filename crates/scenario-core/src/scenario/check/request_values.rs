//! Checks the values that requests get when they start: a fetch takes rows of a table that exists, and names
//! values of its rows.

use std::collections::BTreeSet;

use super::DefinitionsByName;
use crate::diagnostic::{Diagnostic, FilePlace, quoted};
use crate::scenario::diagnostics::Diagnostics;
use crate::scenario::model::{DataTable, FetchJob, RowSource};
use crate::scenario::schema::strings::PublicString;
use crate::scenario::schema::{KeySlot, Located};
use crate::scenario::vars::fill::job_texts;
use crate::scenario::vars::request_values::RequestValue;

/// The table that a fetch takes its rows from; `None` if it takes none. A name that no table has is reported.
pub(super) fn build_row_source(
    data: KeySlot<PublicString>,
    tables: &DefinitionsByName<DataTable>,
    found: &mut Diagnostics,
) -> Option<RowSource> {
    let given = match data {
        KeySlot::Absent => return None,
        KeySlot::Invalid => return Some(RowSource::default()),
        KeySlot::Given(given) => given,
    };
    let name = Located { value: given.value.0, place: given.place };
    let table = tables.names().position(|table| table == name.value);
    if table.is_none() && !found.count_if_full() {
        let message = format!("there is no table of rows {}", quoted(&name.value));
        let fault = Diagnostic::error(name.place, message);
        let fault = found.did_you_mean(fault, &name.value, tables.names(), "tables of rows");
        found.add(fault.with_help("`data` names a table `[data.NAME]`; what a request sends is its `body`"));
    }
    Some(RowSource { table: table.unwrap_or_default(), name: name.value })
}

/// Checks the `${row.NAME}` and `${player}` of all fetches. Those of a fetch that players make are the
/// player's own: `is_of_players` says which fetches these are.
pub(super) fn check_request_values(
    fetches: &DefinitionsByName<FetchJob>,
    tables: &DefinitionsByName<DataTable>,
    is_of_players: impl Fn(&str) -> bool,
    found: &mut Diagnostics,
) {
    let captured: BTreeSet<&str> =
        fetches.bodies().flat_map(|job| &job.captures).map(|capture| &*capture.name).collect();
    for job in fetches.bodies() {
        let is_of_player = is_of_players(&job.name);
        for (name, place) in job_texts(job).flat_map(|text| text.gap_places()) {
            if captured.contains(name) {
                continue;
            }
            let place = place.unwrap_or(job.place);
            match RequestValue::parse(name) {
                Some(Ok(RequestValue::Row(column))) => {
                    check_column(column, place, job, tables, is_of_player, found);
                }
                Some(Ok(RequestValue::Player)) if !is_of_player => {
                    let message = format!("no player makes the requests of {}", quoted(&job.name));
                    let help = "`${player}` is the name of a player that has this fetch among its `steps`";
                    found.add(Diagnostic::error(place, message).with_help(help));
                }
                _ => {}
            }
        }
    }
}

fn check_column(
    column: &str,
    place: FilePlace,
    job: &FetchJob,
    tables: &DefinitionsByName<DataTable>,
    is_of_player: bool,
    found: &mut Diagnostics,
) {
    let Some(source) = &job.data else {
        if !is_of_player {
            let message = format!("the fetch {} takes no rows", quoted(&job.name));
            let table = tables.names().next().unwrap_or("people");
            let help = format!("add data = \"{table}\" to it, for the rows of [data.{table}]");
            found.add(Diagnostic::error(place, message).with_help(help));
        }
        return;
    };
    // A table that is wrong, or that does not exist, has been reported.
    let Some(Some(table)) = tables.get(&source.name) else { return };
    if table.column(column).is_none() && !found.count_if_full() {
        let message = format!("the rows of {} have no value {}", quoted(&source.name), quoted(column));
        let columns = table.columns.iter().map(String::as_str);
        let fault = found.did_you_mean(Diagnostic::error(place, message), column, columns, "values");
        found.add(fault);
    }
}
