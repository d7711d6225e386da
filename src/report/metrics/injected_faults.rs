//! The faults that the run put on its links and programs itself, each from its start to its end.

use std::collections::BTreeMap;

use crate::report::link_words::change_words;
use scenario_log::event::Event;
use scenario_log::signal::Signal;
use scenario_log::time::Moment;

/// How many are kept at most.
const MAX_KEPT: usize = 1_000;

/// A fault that held for some time, or happened at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InjectedFault {
    /// When it began.
    pub start: Moment,
    /// When it ended; none if it held until the end of the run.
    pub end: Option<Moment>,
    /// The line of the log, counted from 1.
    pub line: u64,
    /// The link or the program, and what was wrong with it.
    pub text: String,
}

/// All such faults of a run, in the order of their starts.
#[derive(Clone, Debug, Default)]
pub struct InjectedFaults {
    /// Those that are kept: the first ones.
    pub kept: Vec<InjectedFault>,
    /// How many there was no room for.
    pub omitted: u64,
    /// The one that holds now, by the link or the program.
    open: BTreeMap<String, Option<usize>>,
}

impl InjectedFaults {
    #[expect(clippy::wildcard_enum_match_arm, reason = "these events alone cause or end a fault")]
    pub(super) fn on_event(&mut self, t: Moment, line: u64, event: &Event<'_>) {
        match *event {
            Event::LinkChanged { link, latency, bandwidth, cut, limit, slice, refuse, reset, .. } => {
                let what = format!("link {link}");
                self.end(&what, t);
                let words = change_words(event).unwrap_or_default();
                let words = words.strip_prefix("still ").unwrap_or(&words);
                let text = format!("{what}: {words}");
                let holds = refuse || [latency, bandwidth, cut, limit, slice].iter().any(Option::is_some);
                match (holds, reset) {
                    (true, _) => self.begin(what, (t, line), text),
                    (false, true) => drop(self.push((t, line), Some(t), text)),
                    (false, false) => {}
                }
            }
            Event::Signalled { source: Some(source), signal: Signal::STOP, .. } => {
                self.end(&source.to_string(), t);
                self.begin(source.to_string(), (t, line), format!("{source} stands still"));
            }
            Event::Signalled { source: Some(source), signal: Signal::CONT, .. }
            | Event::SpawnResumed { source }
            | Event::SpawnExited { source, .. } => {
                self.end(&source.to_string(), t);
            }
            Event::Signalled { source: Some(source), signal: Signal::KILL, .. } => {
                self.push((t, line), Some(t), format!("{source} killed"));
            }
            _ => {}
        }
    }

    fn begin(&mut self, what: String, at: (Moment, u64), text: String) {
        let index = self.push(at, None, text);
        self.open.insert(what, index);
    }

    fn end(&mut self, what: &str, t: Moment) {
        let open = self.open.remove(what).flatten();
        if let Some(fault) = open.and_then(|index| self.kept.get_mut(index)) {
            fault.end = Some(t);
        }
    }

    fn push(&mut self, (start, line): (Moment, u64), end: Option<Moment>, text: String) -> Option<usize> {
        if self.kept.len() == MAX_KEPT {
            self.omitted += 1;
            return None;
        }
        self.kept.push(InjectedFault { start, end, line, text });
        Some(self.kept.len() - 1)
    }
}
