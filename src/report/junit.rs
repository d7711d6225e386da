//! A JUnit report of anything: suites of cases as XML that is valid whatever was said.
//!
//! It has what the schema of Jenkins (`junit-10.xsd` of its xUnit plugin) knows, and no more; all
//! other readers take that too.

use std::io;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use crate::terminal::event_lines::push_expected;
use scenario_log::event::Expected;
use scenario_log::sanitize::{visible, visible_lines};
use scenario_log::time::Span;

/// How a case ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// As expected.
    Passed,
    /// Not as expected.
    Failed(Words),
    /// It could not be brought to an end that can be judged.
    Broken(Words),
    /// Nobody knows, for this reason.
    Skipped(String),
}

/// What is said of a case that did not pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// In a word.
    pub kind: &'static str,
    /// In a line.
    pub message: String,
    /// In some lines.
    pub more: Option<String>,
}

/// One case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// Its name within the suite.
    pub name: String,
    /// What it is of.
    pub class: Option<String>,
    /// How it ended.
    pub status: Status,
    /// How long it took, where that is known.
    pub took: Option<Span>,
    /// What there is to know beside.
    pub output: Option<String>,
}

impl Case {
    /// An expectation.
    pub(crate) fn of_expected(name: String, class: Option<String>, expected: &Expected) -> Case {
        let mut said = String::new();
        push_expected(&mut said, expected);
        let (status, output) = if expected.ok {
            (Status::Passed, Some(said))
        } else {
            (Status::Failed(Words { kind: "missed", message: said, more: None }), None)
        };
        Case { name, class, status, took: None, output }
    }
}

/// The report of these suites, as XML.
///
/// # Errors
/// In words, why it cannot be made.
pub fn xml(name: &str, suites: impl IntoIterator<Item = (String, Vec<Case>)>) -> Result<String, String> {
    let suites: Vec<_> = suites.into_iter().collect();
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 4);
    write_report(&mut writer, name, &suites).map_err(|error| error.to_string())?;
    let mut bytes = writer.into_inner();
    bytes.push(b'\n');
    String::from_utf8(bytes).map_err(|error| error.to_string())
}

/// How many cases there are, how many of them failed, were broken, and were skipped.
fn counts<'a>(cases: impl Iterator<Item = &'a Case>) -> [(&'static str, usize); 4] {
    let [mut all, mut failed, mut broken, mut skipped] = [0; 4];
    for case in cases {
        all += 1;
        match case.status {
            Status::Passed => {}
            Status::Failed(_) => failed += 1,
            Status::Broken(_) => broken += 1,
            Status::Skipped(_) => skipped += 1,
        }
    }
    [("tests", all), ("failures", failed), ("errors", broken), ("skipped", skipped)]
}

fn write_report(writer: &mut Writer<Vec<u8>>, name: &str, suites: &[(String, Vec<Case>)]) -> io::Result<()> {
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let mut element = writer.create_element("testsuites").with_attribute(("name", &*visible(name)));
    // The skipped of all suites together have no place in the schema.
    for (key, count) in &counts(suites.iter().flat_map(|(_, cases)| cases))[..3] {
        element = element.with_attribute((*key, &*count.to_string()));
    }
    element.write_inner_content(|writer| suites.iter().try_for_each(|suite| write_suite(writer, suite)))?;
    Ok(())
}

fn write_suite(writer: &mut Writer<Vec<u8>>, (name, cases): &(String, Vec<Case>)) -> io::Result<()> {
    let mut element = writer.create_element("testsuite").with_attribute(("name", &*visible(name)));
    for (key, count) in counts(cases.iter()) {
        element = element.with_attribute((key, &*count.to_string()));
    }
    element.write_inner_content(|writer| cases.iter().try_for_each(|case| write_case(writer, case)))?;
    Ok(())
}

fn write_case(writer: &mut Writer<Vec<u8>>, case: &Case) -> io::Result<()> {
    let mut element = writer.create_element("testcase").with_attribute(("name", &*visible(&case.name)));
    if let Some(class) = &case.class {
        element = element.with_attribute(("classname", &*visible(class)));
    }
    if let Some(took) = case.took {
        element = element.with_attribute(("time", &*format!("{:.3}", took.to_std().as_secs_f64())));
    }
    if case.status == Status::Passed && case.output.is_none() {
        element.write_empty()?;
        return Ok(());
    }
    element.write_inner_content(|writer| {
        write_status(writer, &case.status)?;
        if let Some(output) = &case.output {
            writer.create_element("system-out").write_text_content(BytesText::new(&visible_lines(output)))?;
        }
        Ok(())
    })?;
    Ok(())
}

fn write_status(writer: &mut Writer<Vec<u8>>, status: &Status) -> io::Result<()> {
    let (tag, words) = match status {
        Status::Passed => return Ok(()),
        Status::Failed(words) => ("failure", words),
        Status::Broken(words) => ("error", words),
        Status::Skipped(why) => {
            writer.create_element("skipped").with_attribute(("message", &*visible(why))).write_empty()?;
            return Ok(());
        }
    };
    let element = writer.create_element(tag);
    let element =
        element.with_attribute(("message", &*visible(&words.message))).with_attribute(("type", words.kind));
    match &words.more {
        Some(more) => element.write_text_content(BytesText::new(&visible_lines(more)))?,
        None => element.write_empty()?,
    };
    Ok(())
}
