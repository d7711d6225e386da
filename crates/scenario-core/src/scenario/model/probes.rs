//! Probes of the model: how the runner finds out that a program is ready, and that it is still alive.

use super::{ScenarioText, StatusRange, StatusRule};
use scenario_log::time::Span;

/// The condition on which a program counts as ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadinessRule {
    /// The sign by which it is recognized.
    pub test: ReadinessTest,
    /// The longest time until it is ready, from its start.
    pub timeout: Span,
    /// The pause between two probes; a line is not probed for.
    pub poll: Span,
    /// The longest time of one probe.
    pub try_timeout: Span,
}

/// The sign that a program is ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadinessTest {
    /// Lines of its output that match a regular expression.
    Line {
        /// A regular expression, which is valid with any `${instance}`.
        regex: ScenarioText,
        /// The number of such lines that must come; at least 1.
        times: u32,
    },
    /// A probe that succeeds.
    Probe(ProbeTest),
}

impl ReadinessRule {
    /// The probe, unless it is ready by a line.
    #[must_use]
    pub fn probe(&self) -> Option<&ProbeTest> {
        match &self.test {
            ReadinessTest::Line { .. } => None,
            ReadinessTest::Probe(test) => Some(test),
        }
    }
}

/// The probes that a program must answer while it runs, from its readiness on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LivenessRule {
    /// One probe.
    pub test: ProbeTest,
    /// The time from the start of a probe to the start of the next.
    pub every: Span,
    /// The number of probes that must fail one after the other for the program to have failed; at least 1.
    pub failures: u32,
    /// The longest time of one probe.
    pub try_timeout: Span,
}

/// The question of a probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProbeTest {
    /// A connection to this address, which [`parse_host_port`](crate::scenario::host_port::parse_host_port) reads.
    Tcp(ScenarioText),
    /// An answer to a request.
    Http(HttpProbe),
    /// The exit 0 of this program with its arguments; at least the program.
    Command(Vec<ScenarioText>),
}

/// A request whose answer shows that a program is ready or alive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpProbe {
    /// A valid `http`, `https` or `http+unix` URL.
    pub url: ScenarioText,
    /// The statuses that are good.
    pub status: StatusRule,
    /// The headers of the request, sorted by name.
    pub headers: Vec<(String, ScenarioText)>,
}

impl ProbeTest {
    /// The request, if it is one.
    #[must_use]
    pub fn http(&self) -> Option<&HttpProbe> {
        match self {
            ProbeTest::Http(http) => Some(http),
            ProbeTest::Tcp(_) | ProbeTest::Command(_) => None,
        }
    }

    /// The failure of all probes of some time, in words: `127.0.0.1:80 took no connection`.
    #[must_use]
    pub fn describe_failure(&self) -> String {
        match self {
            ProbeTest::Tcp(address) => format!("{} took no connection", address.display_text()),
            ProbeTest::Http(HttpProbe { url, status, .. }) => match status {
                StatusRule::Any => format!("{} gave no answer", url.display_text()),
                StatusRule::OneOf(ranges) => {
                    let ranges: Vec<String> = ranges.iter().map(StatusRange::to_string).collect();
                    format!("{} gave no answer {}", url.display_text(), ranges.join(" or "))
                }
            },
            ProbeTest::Command(argv) => {
                let program = argv.first().map_or("", ScenarioText::display_text);
                format!("`{program}` did not exit with 0")
            }
        }
    }
}
