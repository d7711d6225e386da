//! The page of a run that takes no time: a table of its steps in place of a timeline.

use crate::common::Folder;

const SCENARIO: &str = r#"
seed = 4
tick = "0s"
[shared]
count = 5
[presets.adders]
players = [{ name = "ann", steps = ["load count", "add 1", "store count"] }, { name = "bob", steps = ["load count", "mul 2", "store count"] }]
[[timeline]]
spawn = "adders"
"#;

/// The cells of each row of the table of steps.
fn rows(page: &str) -> Vec<Vec<String>> {
    let table = page.split("Every step, in its order</caption>").nth(1).unwrap();
    let table = table.split("</table>").next().unwrap();
    let cells = |row: &str, tag: &str| -> Vec<String> {
        let start = format!("<{tag}");
        let cells = row.split(&start).skip(1);
        cells.map(|cell| cell.split_once('>').unwrap().1.split('<').next().unwrap().to_owned()).collect()
    };
    let body = table.split("<tbody>").nth(1).unwrap();
    [cells(table.split("</thead>").next().unwrap(), "th ")]
        .into_iter()
        .chain(body.split("<tr").skip(1).map(|row| cells(row, "td")))
        .collect()
}

#[test]
fn each_step_has_a_row_with_the_register_and_the_cells_after_it() {
    let folder = Folder::new();
    folder.file("s.toml", SCENARIO);
    folder.scenario(&["run", "--clock", "virtual", "--quiet", "--log", "l.jsonl", "s.toml"]).end().expect(0);
    folder.scenario(&["report", "-o", "page.html", "l.jsonl"]).end().expect(0);
    let page = std::fs::read_to_string(folder.path().join("page.html")).unwrap();
    // The log says what the register was; the cell follows from the steps.
    let log = std::fs::read_to_string(folder.path().join("l.jsonl")).unwrap();
    let steps: Vec<serde_json::Value> = log
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .filter(|line| line["event"] == "step")
        .collect();
    let rows = rows(&page);
    // The seed decides who goes first, and so has the first column.
    let first = steps[0]["player"].as_str().unwrap();
    let second = if first == "ann" { "bob" } else { "ann" };
    assert_eq!(rows[0], ["line", first, second, "register", "count"].map(str::to_owned));
    assert_eq!(rows.len(), 7, "{rows:?}");
    let mut count = 5;
    for (row, step) in rows[1..].iter().zip(&steps) {
        let text = step["step"].as_str().unwrap();
        if text.starts_with("store") {
            count = step["register"].as_i64().unwrap();
        }
        let column = if step["player"] == first { 1 } else { 2 };
        assert_eq!((&*row[column], &*row[3 - column]), (text, ""), "{row:?}");
        assert_eq!(row[3], step["register"].to_string());
        assert_eq!(row[4], count.to_string(), "{row:?}");
    }
    assert!(page.contains("<h2>Steps</h2>") && !page.contains("<h2>Timeline</h2>"));
    assert!(!page.contains("id=\"canvas\""), "there is no axis of a time that does not pass");
}

#[test]
fn steps_that_take_time_have_a_timeline() {
    let folder = Folder::new();
    folder.file("s.toml", SCENARIO.replace("\"add 1\"", "\"pause 1s\", \"add 1\""));
    folder.scenario(&["run", "--clock", "virtual", "--quiet", "--log", "l.jsonl", "s.toml"]).end().expect(0);
    folder.scenario(&["report", "-o", "page.html", "l.jsonl"]).end().expect(0);
    let page = std::fs::read_to_string(folder.path().join("page.html")).unwrap();
    assert!(page.contains("<h2>Timeline</h2>") && !page.contains("<h2>Steps</h2>"));
}
