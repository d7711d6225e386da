use super::*;

fn rows(kind: DataFileKind, text: &str) -> (Vec<String>, Vec<String>) {
    let FileRows { columns, rows } = parse_rows(kind, text).unwrap_or_else(|errors| panic!("{errors:?}"));
    let width = columns.len();
    let cell = |n: usize| rows.value((n / width) as u32, n % width).unwrap_or_default().to_owned();
    (columns, (0..rows.row_count() * width).map(cell).collect())
}

/// The place and the message of each error.
fn errors(kind: DataFileKind, text: &str) -> Vec<(String, String)> {
    let errors = parse_rows(kind, text).err().unwrap_or_default();
    let at = |range: Range<usize>| text.get(range).unwrap_or("?").to_owned();
    errors.into_iter().map(|error| (at(error.at), error.message)).collect()
}

fn wrong(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(at, message)| ((*at).to_owned(), (*message).to_owned())).collect()
}

#[test]
fn csv_has_quotes_empty_lines_and_both_line_ends() {
    let text = "user,city\r\nann,Bern\r\n\r\n\"b,\"\"o\"\"\nb\",\n x , y \n";
    let (columns, values) = rows(DataFileKind::Csv, text);
    assert_eq!(columns, ["user", "city"]);
    assert_eq!(values, ["ann", "Bern", "b,\"o\"\nb", "", " x ", " y "]);
}

#[test]
fn csv_errors_have_their_places() {
    let csv = |text| errors(DataFileKind::Csv, text);
    assert_eq!(
        csv("a,b\n1,2\n\n3\n4,5,6\n"),
        wrong(&[
            ("3", "this row has 1 value, and the first line 2 names"),
            ("4,5,6", "this row has 3 values, and the first line 2 names"),
        ])
    );
    assert_eq!(
        csv("a,,a\n1,2,3\n"),
        wrong(&[
            ("", "the name of a value of a row must not be empty"),
            ("a", "two values have the name `a`"),
        ])
    );
    assert_eq!(csv(""), wrong(&[("", "this file is empty")]));
    assert_eq!(csv("a,b\n"), wrong(&[("", "this file has no rows, only names")]));
    let many = format!("a,b\n{}", "1\n".repeat(100));
    assert_eq!(csv(&many).len(), MAX_ERRORS);
}

#[test]
fn json_lines_hold_strings_numbers_and_booleans() {
    let text =
        "{\"user\": \"a\\n\\u00e9\", \"n\": 1.50, \"ok\": true}\n\n{\"ok\":false,\"n\":-2e3,\"user\":\"\"}";
    let (columns, values) = rows(DataFileKind::JsonLines, text);
    assert_eq!(columns, ["user", "n", "ok"]);
    assert_eq!(values, ["a\né", "1.50", "true", "", "-2e3", "false"]);
}

#[test]
fn json_lines_errors_have_their_places() {
    let lines = |text| errors(DataFileKind::JsonLines, text);
    let text = "{\"a\":1}\n{\"a\":null}\n{\"b\":1}\n{}\n{\"a\":1,\"a\":2}\n[1]\n{\"a\":\n";
    assert_eq!(
        lines(text),
        wrong(&[
            ("null", "the value `a` is not a string, a number or a boolean"),
            ("{\"b\":1}", "this row has a value `b`, and the first row has none"),
            ("{}", "this row has no value `a`, and the first row has one"),
            ("{\"a\":1,\"a\":2}", "two values have the name `a`"),
            ("[", "this is not a row: invalid type: sequence, expected an object"),
            (":", "this is not a row: EOF while parsing a value"),
        ])
    );
    assert_eq!(lines("\n\n"), wrong(&[("", "this file is empty")]));
    assert_eq!(lines("{}\n"), wrong(&[("{}", "this row has no values")]));
}

#[test]
fn a_byte_order_mark_is_no_text() {
    assert_eq!(decode_text("\u{feff}a".into()).ok().as_deref(), Some("a"));
    let (shown, error) = decode_text(b"\xef\xbb\xbfab\xffc".to_vec()).expect_err("it is not UTF-8");
    assert_eq!((shown.as_str(), error.at), ("ab\u{fffd}c", 2..5));
}

proptest::proptest! {
    #[test]
    fn no_text_panics(text in "[ab,\"\n\r{}:é1]{0,40}") {
        for kind in [DataFileKind::Csv, DataFileKind::JsonLines] {
            for error in parse_rows(kind, &text).err().unwrap_or_default() {
                proptest::prop_assert!(error.at.start <= error.at.end && error.at.end <= text.len() + 1, "{error:?}");
            }
        }
    }

    #[test]
    fn written_rows_are_read(values in proptest::collection::vec("[ab,\"\n ]{0,6}", 1..20)) {
        let quoted = |value: &String| format!("\"{}\"", value.replace('"', "\"\""));
        let text = format!("x\n{}\n", values.iter().map(quoted).collect::<Vec<_>>().join("\n"));
        proptest::prop_assert_eq!(rows(DataFileKind::Csv, &text).1, values);
    }
}
