//! The tries of one request, until one is final: the time limit of each, the pauses between them,
//! and the words in the end. Only the last try's answer is told.
//!
//! Another try follows failures that may pass (no name, no connection, a connection that broke, no
//! time left) and the statuses 408, 429, 500, 502, 503 and 504 where the job does not expect them.

use std::time::{Duration, Instant};

use crate::io::inbox::Seen;
use scenario_core::scenario::model::FetchJob;
use scenario_core::scenario::vars::fill;
use scenario_log::captured::Captured;
use scenario_log::event::{FetchFault, Fetched, Source};
use scenario_log::time::Span;

use super::Shared;
use crate::io::http::attempt::{Answer, Try};
use crate::io::http::error::Fault;
use crate::io::http::response::redact;
use crate::io::http::timing::Progress;

/// The first pause; each next one is twice as long …
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// … up to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Fetches a URL of a job, with these captured values. What comes back is the request's account.
pub(crate) async fn fetch(
    shared: &Shared,
    source: Source,
    (index, url, captured): (usize, usize, Vec<Captured>),
    started: Instant,
) -> Seen {
    let job: &FetchJob = &shared.context.scenario.fetches[index];
    let filled = match fill::filled(job, url, captured) {
        Ok(filled) => filled,
        Err(words) => {
            let error = short(redact::text(&words, &shared.context.secrets));
            let took = Span::from_std(started.elapsed());
            return Seen::FetchFailed { source, kind: FetchFault::Capture, error, took };
        }
    };
    let job = filled.as_ref().unwrap_or(job);
    let mut done = 0_u32;
    loop {
        let progress = Progress::default();
        let last = done >= job.retries;
        let url = &job.urls[url];
        let outcome = match shared.judges.of(index, job) {
            Ok(judge) => {
                let judge = judge.as_deref();
                let this = Try { shared, source, job, url, judge, last, progress: &progress };
                let outcome = shared.inbox.pauses().limit(job.timeout.to_std(), this.run()).await;
                outcome.unwrap_or_else(|| Err(progress.timed_out(job.timeout)))
            }
            Err(fault) => Err(fault),
        };
        done = done.saturating_add(1);
        match outcome {
            Ok(Answer::Again) => {}
            Ok(Answer::Whole { status, received, found, head }) => {
                if let Some(head) = head {
                    shared.inbox.put(head);
                }
                let (bytes, sha256) = (received.bytes, received.sha256);
                let took = Span::from_std(started.elapsed());
                let check = found.amiss.map(|words| short(redact::text(&words, &shared.context.secrets)));
                let (timings, reused) = (progress.timings(), Some(progress.reused()));
                let fetched =
                    Fetched { status, bytes, sha256, took, timings, reused, check, captured: found.captured };
                return Seen::Fetched { source, fetched: Box::new(fetched) };
            }
            Err(fault) if !last && fault.passing && !progress.told() => {}
            Err(fault) => return failed(shared, source, (&fault, &progress, done), started),
        }
        shared.inbox.pauses().sleep(pause(done)).await;
    }
}

/// The pause after this many tries.
fn pause(done: u32) -> Duration {
    let doublings = done.saturating_sub(1).min(10);
    (FIRST_PAUSE * (1 << doublings)).min(LONGEST_PAUSE)
}

/// The account of a request that failed.
pub(crate) fn failed(
    shared: &Shared,
    source: Source,
    (fault, progress, done): (&Fault, &Progress, u32),
    started: Instant,
) -> Seen {
    let error = short(redact::text(&words(fault, progress, done), &shared.context.secrets));
    Seen::FetchFailed { source, kind: fault.kind, error, took: Span::from_std(started.elapsed()) }
}

/// The last words: what happened, on which way, and how often it was tried.
fn words(fault: &Fault, progress: &Progress, done: u32) -> String {
    let mut words = fault.words.clone();
    if progress.followed() > 0 && fault.kind != FetchFault::Redirects {
        words = format!("{words} (redirected: {})", progress.chain());
    }
    if done > 1 {
        words = format!("{words} (the last of {done} tries)");
    }
    words
}

/// The longest words: a server may send a `Location` of any length.
const LONGEST_WORDS: usize = 4096;

/// Cuts words that a server made long.
fn short(mut words: String) -> String {
    if words.len() > LONGEST_WORDS {
        words.truncate(words.floor_char_boundary(LONGEST_WORDS));
        words.push('…');
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_have_an_end() {
        assert_eq!(short("é".repeat(2048)), "é".repeat(2048));
        assert_eq!(short(format!("x{}", "é".repeat(2048))), format!("x{}…", "é".repeat(2047)));
    }

    #[test]
    fn pauses_grow_to_two_seconds() {
        let pauses: Vec<u128> = [1, 2, 3, 5, 6, 7, u32::MAX].map(|done| pause(done).as_millis()).to_vec();
        assert_eq!(pauses, [100, 200, 400, 1600, 2000, 2000, 2000]);
    }
}
