//! The spawns that have one place one after the other: each takes the place of the one before it. Counts their
//! ends for the restart policy of their preset.

use std::collections::VecDeque;

use crate::scenario::model::RestartPolicy;
use scenario_log::time::Moment;

/// The place of a spawn among those of its preset, and the ends that were answered with a restart.
#[derive(Clone, Debug, Default)]
pub(crate) struct SpawnLineage {
    /// The number of the place, from 1.
    instance: u64,
    /// The restarts by the policy so far.
    restarts: u64,
    /// The ends before them that still count.
    recent_ends: VecDeque<Moment>,
}

/// The answer of a restart policy to an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RestartVerdict {
    /// The program is started again: the `n`th restart in all, from 1.
    Again {
        /// The number of the restart.
        n: u64,
    },
    /// There have been too many ends.
    GivesUp {
        /// The number of the ends that count, this one included.
        ends: u64,
    },
}

impl SpawnLineage {
    /// The place with this number.
    pub(crate) fn new(instance: u64) -> SpawnLineage {
        SpawnLineage { instance, ..SpawnLineage::default() }
    }

    /// The number of the place among those of its preset, from 1. A spawn that takes the place of another keeps it.
    pub(crate) fn instance(&self) -> u64 {
        self.instance
    }

    /// Decides whether a policy allows another restart after an end at this moment, and counts it.
    pub(crate) fn judge_end(&mut self, policy: &RestartPolicy, now: Moment) -> RestartVerdict {
        let before = match policy.within {
            None => self.restarts,
            Some(within) => {
                while self.recent_ends.front().is_some_and(|end| end.saturating_add(within) <= now) {
                    self.recent_ends.pop_front();
                }
                self.recent_ends.len() as u64
            }
        };
        if before >= policy.times {
            return RestartVerdict::GivesUp { ends: before + 1 };
        }
        if policy.within.is_some() {
            self.recent_ends.push_back(now);
        }
        self.restarts += 1;
        RestartVerdict::Again { n: self.restarts }
    }
}

/// Why a policy gives up, in words that follow those for the end: ` for the 6th time within 1m; its `restart`
/// gives up after 5`.
pub(crate) fn describe_giving_up(policy: &RestartPolicy, ends: u64) -> String {
    let suffix = match (ends % 10, ends % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    let within = policy.within.map(|within| format!(" within {}", within.format_human()));
    let within = within.unwrap_or_default();
    format!(" for the {ends}{suffix} time{within}; its `restart` gives up after {}", policy.times)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::interval::Interval;
    use crate::scenario::model::RestartCause;
    use scenario_log::time::Span;

    fn policy(times: u64, within: Option<u64>) -> RestartPolicy {
        let within = within.map(Span::from_secs);
        RestartPolicy { on: RestartCause::Failure, times, wait: Interval::Constant(Span::ZERO), within }
    }

    #[test]
    fn without_a_window_all_ends_count() {
        let mut lineage = SpawnLineage::new(1);
        let policy = policy(2, None);
        let mut judge =
            |second| lineage.judge_end(&policy, Moment::ZERO.saturating_add(Span::from_secs(second)));
        assert_eq!(judge(0), RestartVerdict::Again { n: 1 });
        assert_eq!(judge(1_000), RestartVerdict::Again { n: 2 });
        assert_eq!(judge(100_000), RestartVerdict::GivesUp { ends: 3 });
    }

    #[test]
    fn a_window_slides() {
        let mut lineage = SpawnLineage::new(1);
        let policy = policy(2, Some(10));
        let mut judge =
            |second| lineage.judge_end(&policy, Moment::ZERO.saturating_add(Span::from_secs(second)));
        assert_eq!(judge(0), RestartVerdict::Again { n: 1 });
        assert_eq!(judge(6), RestartVerdict::Again { n: 2 });
        assert_eq!(judge(10), RestartVerdict::Again { n: 3 }, "the first end no longer counts");
        assert_eq!(judge(15), RestartVerdict::GivesUp { ends: 3 });
        assert_eq!(judge(16), RestartVerdict::Again { n: 4 });
    }

    #[test]
    fn it_is_told_how_often_it_ended() {
        for (ends, wanted) in [(2, "2nd"), (3, "3rd"), (6, "6th"), (11, "11th"), (21, "21st"), (112, "112th")]
        {
            let said = describe_giving_up(&policy(5, Some(60)), ends);
            assert_eq!(said, format!(" for the {wanted} time within 1m; its `restart` gives up after 5"));
        }
        assert_eq!(
            describe_giving_up(&policy(1, None), 2),
            " for the 2nd time; its `restart` gives up after 1"
        );
    }
}
