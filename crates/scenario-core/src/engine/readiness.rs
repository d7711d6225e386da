//! The ways in which a spawn can show that it is ready. Knows no time and no spawn.

use std::collections::BTreeMap;
use std::rc::Rc;

use regex::bytes::Regex;

use crate::engine::lifecycle::RunFailure;
use crate::scenario::model::{ReadinessRule, ReadinessTest};
use scenario_log::event::{OutputStream, last_try_words};

/// The sign that would show that a spawn is ready.
#[derive(Clone, Debug)]
pub(crate) enum ReadinessWait {
    /// Lines of its output.
    Line(LineSign),
    /// A probe, which the driver makes, and what the last one came to.
    Probe { last_try: Option<String> },
}

/// The lines that would show that a spawn is ready.
#[derive(Clone, Debug)]
pub(crate) struct LineSign {
    pub(crate) regex: Rc<Regex>,
    /// The number of such lines that must still come; at least 1.
    left: u32,
    /// Whether the line that each stream is in has been counted, by its start.
    counted_stdout: bool,
    counted_stderr: bool,
}

impl LineSign {
    fn counted(&mut self, stream: OutputStream) -> &mut bool {
        match stream {
            OutputStream::Stdout => &mut self.counted_stdout,
            OutputStream::Stderr => &mut self.counted_stderr,
        }
    }

    /// Counts a line that matches, once though more of it may come; whether it is the last one.
    pub(crate) fn count(&mut self, stream: OutputStream) -> bool {
        if !std::mem::replace(self.counted(stream), true) {
            self.left = self.left.saturating_sub(1);
        }
        self.left == 0
    }

    /// Notes that a line has ended.
    pub(crate) fn end_line(&mut self, stream: OutputStream) {
        *self.counted(stream) = false;
    }
}

/// The regular expressions of the presets with `ready.line`: one for all spawns of a preset, of which
/// there may be thousands.
#[derive(Clone, Default)]
pub(crate) struct ReadyRegexes {
    by_preset: BTreeMap<usize, Rc<Regex>>,
}

impl ReadyRegexes {
    /// The wait of a spawn of this preset, with its number among them.
    pub(crate) fn wait_for(
        &mut self,
        preset: usize,
        instance: u64,
        test: &ReadinessTest,
    ) -> Result<ReadinessWait, RunFailure> {
        let ReadinessTest::Line { regex, times } = test else {
            return Ok(ReadinessWait::Probe { last_try: None });
        };
        let compiled = match self.by_preset.get(&preset) {
            Some(compiled) => Rc::clone(compiled),
            None => {
                let is_same_for_all = regex.capture_names().next().is_none();
                let regex = regex.for_instance(instance);
                let regex = regex.reveal();
                let compiled = Regex::new(regex)
                    .map_err(|error| RunFailure(format!("the regex /{regex}/ is not one: {error}")))?;
                let compiled = Rc::new(compiled);
                if is_same_for_all {
                    self.by_preset.insert(preset, Rc::clone(&compiled));
                }
                compiled
            }
        };
        let sign = LineSign { regex: compiled, left: *times, counted_stdout: false, counted_stderr: false };
        Ok(ReadinessWait::Line(sign))
    }
}

/// Why a spawn did not become ready in time. Logs of older releases do not have the last try.
pub(crate) fn format_never_ready(ready: &ReadinessRule, last_try: Option<&str>) -> String {
    let within = ready.timeout.format_human();
    let mut why = match &ready.test {
        ReadinessTest::Line { regex, times: 1 } => {
            let regex = regex.display_text();
            format!("never became ready: no line like /{regex}/ came within {within}")
        }
        ReadinessTest::Line { regex, times } => {
            let regex = regex.display_text();
            format!("never became ready: fewer than {times} lines like /{regex}/ came within {within}")
        }
        ReadinessTest::Probe(test) => {
            format!("never became ready: {} within {within}", test.describe_failure())
        }
    };
    if let Some(last_try) = last_try {
        why.push_str(&last_try_words(last_try));
    }
    why
}
