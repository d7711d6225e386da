//! Tables of rows: their files, what a log keeps of them, and their errors beside those of the golden files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use scenario_core::scenario::model::{DataTable, RowOrder, Scenario};
use scenario_core::scenario::write::draft::ScenarioDraft;
use scenario_core::scenario::write::resolved::{to_json, to_toml};
use scenario_core::scenario::{LoadedScenario, ScenarioError, load_scenario};

use crate::check::common::{Memory, options, said_of};

/// Loads `dir/s.toml` of these files.
fn load(files: &[(&str, &str)]) -> Result<LoadedScenario, ScenarioError> {
    let files = files.iter().map(|(name, text)| (PathBuf::from(name), (*text).into()));
    load_scenario(Path::new("dir/s.toml"), &Memory(files.collect::<BTreeMap<_, _>>()), &options())
}

fn loaded(files: &[(&str, &str)]) -> Scenario {
    let loaded = load(files);
    assert_eq!(said_of(&loaded), "");
    loaded.expect("it has no errors").scenario
}

fn cells(table: &DataTable) -> Vec<&str> {
    let rows = table.rows.as_deref().expect("the rows are there");
    let cells =
        (0..table.row_count).flat_map(|row| (0..table.columns.len()).map(move |column| (row, column)));
    cells.filter_map(|(row, column)| rows.value(row, column)).collect()
}

const WITH_FILES: [(&str, &str); 4] = [
    (
        "dir/s.toml",
        "include = ['more/m.toml']\n[vars]\nkind = 'people'\n[data.a]\nfile = '${kind}.csv'\ntake = 'once'\n\
         [[timeline]]\nmark = 'x'\n",
    ),
    ("dir/people.csv", "user,city\nann,Bern\n\"b,o\",\n"),
    ("dir/more/m.toml", "[data.b]\nfile = 'ids.NDJSON'\n"),
    ("dir/more/ids.NDJSON", "{\"id\": 7}\n{\"id\": \"x\"}\n{\"id\": true}\n"),
];

#[test]
fn files_are_read_beside_the_file_that_names_them() {
    let scenario = loaded(&WITH_FILES);
    let [a, b] = &scenario.data[..] else { panic!("two tables: {:?}", scenario.data) };
    assert_eq!((cells(a), a.take), (vec!["ann", "Bern", "b,o", ""], RowOrder::Once));
    assert_eq!((cells(b), &*b.columns), (vec!["7", "x", "true"], &["id".to_owned()][..]));
    let paths: Vec<_> = scenario.input_files().into_iter().map(|path| path.to_string_lossy()).collect();
    assert_eq!(paths, ["people.csv", "more/ids.NDJSON"]);
}

#[test]
fn a_log_has_the_size_of_a_file_and_not_its_rows() {
    let scenario = loaded(&WITH_FILES);
    let json = to_json(&scenario);
    assert!(json.contains(r#""read":{"columns":["user","city"],"rows":2}"#), "{json}");
    assert!(!json.contains("ann") && !json.contains("Bern"), "{json}");
    let draft = ScenarioDraft::from_json(&json).expect("a log needs no file");
    let table = &draft.scenario().data[0];
    assert_eq!((table.row_count, table.columns.len(), table.rows.is_none()), (2, 2, true));
    let without_vars = json.replace(r#""vars":{"kind":"people"}"#, r#""vars":{}"#);
    assert_eq!(to_json(draft.scenario()), without_vars);
    assert!(draft.depends_on_folder());
    let extracted = draft.to_toml(&[], &[], &[]);
    assert!(extracted.contains("file = \"people.csv\"") && !extracted.contains("read"), "{extracted}");
}

#[test]
fn a_file_is_read_anew_whatever_a_log_says() {
    let toml = to_toml(&loaded(&WITH_FILES));
    let again = load(&[("dir/s.toml", &toml), WITH_FILES[1], ("dir/more/ids.NDJSON", "{\"id\": 1}\n")]);
    let said = said_of(&again);
    assert_eq!(said.matches("warning: `read` is for logs").count(), 2, "{said}");
    let scenario = again.expect("these are warnings").scenario;
    assert_eq!(scenario.data[1].row_count, 1);
}

#[test]
fn a_table_given_twice_names_both_places() {
    let said = said_of(&load(&[
        ("dir/s.toml", "include = ['m.toml']\n[data.a]\nrows = [{ x = 1 }]\n[[timeline]]\nmark = 'x'\n"),
        ("dir/m.toml", "[data.a]\nrows = [{ x = 1 }]\n"),
    ]));
    assert!(
        said.contains("the table of rows `a` is given twice") && said.contains("dir/s.toml:2:7"),
        "{said}"
    );
}

#[test]
fn a_million_rows_are_read_soon() {
    let rows = "user-1234567,secret-1234567\n".repeat(1_000_000);
    let text = format!("user,password\n{rows}");
    let scenario = loaded(&[
        ("dir/s.toml", "[data.a]\nfile = 'a.csv'\n[[timeline]]\nmark = 'x'\n"),
        ("dir/a.csv", &text),
    ]);
    assert_eq!(scenario.data[0].row_count, 1_000_000);
    assert!(to_json(&scenario).len() < 2_000);
}
