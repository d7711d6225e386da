//! A JUnit report of anything: suites of cases as XML that is valid whatever the texts contain.
//!
//! It uses only what Jenkins' schema (`junit-10.xsd` of its xUnit plugin) allows; all other readers accept
//! that too.

use std::collections::{HashMap, HashSet};
use std::io;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use crate::report::format::push_expectation;
use scenario_log::event::ExpectationResult;
use scenario_log::sanitize::{sanitize, sanitize_lines};
use scenario_log::time::Span;

/// How a case ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TestStatus {
    /// As expected.
    Passed,
    /// Not as expected.
    Failed(TestMessage),
    /// It did not reach an end that can be judged.
    Error(TestMessage),
    /// Its result is not known, for this reason.
    Skipped(String),
}

/// The message of a case that did not pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestMessage {
    /// One word.
    pub kind: &'static str,
    /// One line.
    pub message: String,
    /// Some lines.
    pub details: Option<String>,
}

/// A test case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestCase {
    /// Its name within the suite.
    pub name: String,
    /// Its class: the run or suite that it belongs to.
    pub class: Option<String>,
    /// How it ended.
    pub status: TestStatus,
    /// How long it took, if that is known.
    pub took: Option<Span>,
    /// Additional text, for `system-out`.
    pub output: Option<String>,
    /// The last lines of programs that failed, for `system-err`.
    pub error_output: Option<String>,
}

impl TestCase {
    /// A case of which no more is known.
    #[must_use]
    pub fn new(name: String, class: Option<String>, status: TestStatus) -> TestCase {
        TestCase { name, class, status, took: None, output: None, error_output: None }
    }

    /// The case of an expectation.
    pub(crate) fn from_expectation(
        name: String,
        class: Option<String>,
        expected: &ExpectationResult,
    ) -> TestCase {
        let mut message = String::new();
        push_expectation(&mut message, expected);
        let (status, output) = if expected.ok {
            (TestStatus::Passed, Some(message))
        } else {
            (TestStatus::Failed(TestMessage { kind: "missed", message, details: None }), None)
        };
        TestCase { output, ..TestCase::new(name, class, status) }
    }
}

/// The report of these suites, as XML.
///
/// # Errors
/// If the XML writer refuses.
pub fn render_xml(
    name: &str,
    suites: impl IntoIterator<Item = (String, Vec<TestCase>)>,
) -> io::Result<String> {
    let mut suites: Vec<_> = suites.into_iter().collect();
    make_names_unique(&mut suites);
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 4);
    write_report(&mut writer, name, &suites)?;
    let mut bytes = writer.into_inner();
    bytes.push(b'\n');
    String::from_utf8(bytes).map_err(io::Error::other)
}

/// Readers know a case by its class and its name, and keep one of two with the same. So a case whose name is
/// taken gets a number: `name (2)`. The names count as they are written, without control characters.
fn make_names_unique(suites: &mut [(String, Vec<TestCase>)]) {
    let key = |case: &TestCase, name: String| (case.class.as_deref().map(sanitize), sanitize(&name));
    let cases = || suites.iter().flat_map(|(_, cases)| cases);
    // A name that a case has by itself is not free for another one.
    let own: HashSet<_> = cases().map(|case| key(case, case.name.clone())).collect();
    if own.len() == cases().count() {
        return;
    }
    let mut written = HashSet::new();
    let mut next_numbers: HashMap<_, u64> = HashMap::new();
    for case in suites.iter_mut().flat_map(|(_, cases)| cases) {
        let own_key = key(case, case.name.clone());
        if written.insert(own_key.clone()) {
            continue;
        }
        let number = next_numbers.entry(own_key).or_insert(2);
        let name = loop {
            let name = format!("{} ({number})", case.name);
            *number += 1;
            let key = key(case, name.clone());
            if !own.contains(&key) && written.insert(key) {
                break name;
            }
        };
        case.name = name;
    }
}

/// The numbers of cases: all, failed, with an error, and skipped.
fn counts<'a>(cases: impl Iterator<Item = &'a TestCase>) -> [(&'static str, usize); 4] {
    let [mut all, mut failed, mut broken, mut skipped] = [0; 4];
    for case in cases {
        all += 1;
        match case.status {
            TestStatus::Passed => {}
            TestStatus::Failed(_) => failed += 1,
            TestStatus::Error(_) => broken += 1,
            TestStatus::Skipped(_) => skipped += 1,
        }
    }
    [("tests", all), ("failures", failed), ("errors", broken), ("skipped", skipped)]
}

fn write_report(
    writer: &mut Writer<Vec<u8>>,
    name: &str,
    suites: &[(String, Vec<TestCase>)],
) -> io::Result<()> {
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let mut element = writer.create_element("testsuites").with_attribute(("name", &*sanitize(name)));
    // The schema has no attribute for the skipped cases of all suites.
    for (key, count) in &counts(suites.iter().flat_map(|(_, cases)| cases))[..3] {
        element = element.with_attribute((*key, &*count.to_string()));
    }
    element.write_inner_content(|writer| suites.iter().try_for_each(|suite| write_suite(writer, suite)))?;
    Ok(())
}

fn write_suite(writer: &mut Writer<Vec<u8>>, (name, cases): &(String, Vec<TestCase>)) -> io::Result<()> {
    let mut element = writer.create_element("testsuite").with_attribute(("name", &*sanitize(name)));
    for (key, count) in counts(cases.iter()) {
        element = element.with_attribute((key, &*count.to_string()));
    }
    element.write_inner_content(|writer| cases.iter().try_for_each(|case| write_case(writer, case)))?;
    Ok(())
}

fn write_case(writer: &mut Writer<Vec<u8>>, case: &TestCase) -> io::Result<()> {
    let mut element = writer.create_element("testcase").with_attribute(("name", &*sanitize(&case.name)));
    if let Some(class) = &case.class {
        element = element.with_attribute(("classname", &*sanitize(class)));
    }
    if let Some(took) = case.took {
        element = element.with_attribute(("time", &*format!("{:.3}", took.to_std().as_secs_f64())));
    }
    if case.status == TestStatus::Passed && case.output.is_none() && case.error_output.is_none() {
        element.write_empty()?;
        return Ok(());
    }
    element.write_inner_content(|writer| {
        write_status(writer, &case.status)?;
        for (element, output) in [("system-out", &case.output), ("system-err", &case.error_output)] {
            if let Some(output) = output {
                let text = sanitize_lines(output);
                writer.create_element(element).write_text_content(BytesText::new(&text))?;
            }
        }
        Ok(())
    })?;
    Ok(())
}

fn write_status(writer: &mut Writer<Vec<u8>>, status: &TestStatus) -> io::Result<()> {
    let (tag, words) = match status {
        TestStatus::Passed => return Ok(()),
        TestStatus::Failed(words) => ("failure", words),
        TestStatus::Error(words) => ("error", words),
        TestStatus::Skipped(why) => {
            writer.create_element("skipped").with_attribute(("message", &*sanitize(why))).write_empty()?;
            return Ok(());
        }
    };
    let element = writer.create_element(tag);
    let element =
        element.with_attribute(("message", &*sanitize(&words.message))).with_attribute(("type", words.kind));
    match &words.details {
        Some(more) => element.write_text_content(BytesText::new(&sanitize_lines(more)))?,
        None => element.write_empty()?,
    };
    Ok(())
}
