//! Who was asked to end and has not: since when, and what comes next. For people; decides nothing.

use std::fmt;
use std::time::{Duration, Instant};

use crate::io::process::registry::{End, Table};
use scenario_log::event::Source;
use scenario_log::signal::Signal;

/// A process that was asked to end and has not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lingering {
    /// The spawn.
    pub source: Source,
    /// The last signal that it was sent, and how long ago.
    sent: (Signal, Duration),
    /// How long it will be until KILL, if that has not been sent.
    left: Option<Duration>,
}

impl Lingering {
    fn of(source: Source, end: End, now: Instant) -> Option<Lingering> {
        let since = |moment: Instant| now.saturating_duration_since(moment);
        let (sent, left) = match end {
            End::Unasked(_) => return None,
            End::Forced(at) => ((Signal::KILL, since(at)), None),
            End::Asked(stop, at) => match stop.grace.to_std().checked_sub(since(at)) {
                Some(left) => ((stop.signal, since(at)), Some(left)),
                None => ((Signal::KILL, since(at) - stop.grace.to_std()), None),
            },
        };
        Some(Lingering { source, sent, left })
    }
}

impl fmt::Display for Lingering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (signal, ago) = self.sent;
        write!(f, "has not ended, {} s after {signal}", ago.as_secs())?;
        match self.left {
            Some(left) => write!(f, "; KILL in {} s", left.as_millis().div_ceil(1_000)),
            None => Ok(()),
        }
    }
}

impl Table {
    /// Those that were asked to end by now and have not, in their order.
    pub(super) fn lingering(&self, now: Instant) -> Vec<Lingering> {
        let running = self.running.borrow();
        running.iter().filter_map(|(source, process)| Lingering::of(*source, process.end, now)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use scenario_core::scenario::model::Stop;
    use scenario_log::time::Span;

    #[test]
    fn what_was_sent_and_what_comes_next_is_told() {
        let asked = Instant::now();
        let stop = Stop { signal: Signal::INT, grace: Span::from_std(Duration::from_secs(5)) };
        let told = |end, seconds| {
            let now = asked + Duration::from_millis(seconds);
            Lingering::of(Source::Spawn(3), end, now).map(|lingering| lingering.to_string())
        };
        assert_eq!(told(End::Unasked(stop), 1_000), None);
        let end = End::Asked(stop, asked);
        assert_eq!(told(end, 2_010).as_deref(), Some("has not ended, 2 s after INT; KILL in 3 s"));
        assert_eq!(told(end, 6_010).as_deref(), Some("has not ended, 1 s after KILL"));
        assert_eq!(told(End::Forced(asked), 2_010).as_deref(), Some("has not ended, 2 s after KILL"));
    }
}
