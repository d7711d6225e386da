//! The tries of one request, until one is final: the time limit of each, the pauses between them,
//! and the words in the end. Only the last try's answer is told.
//!
//! Another try follows failures that may pass (no name, no connection, a connection that broke, no
//! time left) and the statuses 408, 429, 500, 502, 503 and 504 where the job does not expect them.

use std::time::{Duration, Instant};

use crate::io::inbox::Input;
use scenario_core::scenario::model::FetchJob;
use scenario_core::scenario::vars::fill;
use scenario_log::captured_value::CapturedValue;
use scenario_log::event::{FetchErrorKind, FetchedResponse, Source};
use scenario_log::time::Span;

use super::FetchContext;
use crate::io::http::attempt::{AttemptOutcome, FetchAttempt};
use crate::io::http::error::FetchError;
use crate::io::http::response::redact;
use crate::io::http::timing::AttemptProgress;

/// The first pause; each next one is twice as long …
const FIRST_RETRY_DELAY: Duration = Duration::from_millis(100);

/// … up to this.
const MAX_RETRY_DELAY: Duration = Duration::from_secs(2);

/// Fetches a URL of a job, with these captured values. What comes back is the request's account.
pub(crate) async fn fetch_with_retries(
    shared: &FetchContext,
    source: Source,
    (index, url, captured): (usize, usize, Vec<CapturedValue>),
    started: Instant,
) -> Input {
    let job: &FetchJob = &shared.run_context.scenario.fetches[index];
    let filled = match fill::fill_captures(job, url, captured) {
        Ok(filled) => filled,
        Err(words) => {
            let error = truncate_message(redact::redact_text(&words, &shared.run_context.secrets));
            let took = Span::from_std(started.elapsed());
            return Input::FetchFailed { source, kind: FetchErrorKind::Capture, error, took };
        }
    };
    let job = filled.as_ref().unwrap_or(job);
    let mut done = 0_u32;
    loop {
        let progress = AttemptProgress::default();
        let last = done >= job.retries;
        let url = &job.urls[url];
        let outcome = match shared.checkers.for_job(index, job) {
            Ok(judge) => {
                let judge = judge.as_deref();
                let this = FetchAttempt {
                    context: shared,
                    source,
                    job,
                    url,
                    checker: judge,
                    is_last: last,
                    progress: &progress,
                };
                let outcome =
                    shared.inbox.paused_time().timeout_unpaused(job.timeout.to_std(), this.run()).await;
                outcome.unwrap_or_else(|| Err(progress.timeout_error(job.timeout)))
            }
            Err(fault) => Err(fault),
        };
        done = done.saturating_add(1);
        match outcome {
            Ok(AttemptOutcome::Retry) => {}
            Ok(AttemptOutcome::Complete { status, received, found, head }) => {
                if let Some(head) = head {
                    shared.inbox.push(head);
                }
                let (bytes, sha256) = (received.bytes, received.sha256);
                let took = Span::from_std(started.elapsed());
                let check = found
                    .mismatch
                    .map(|words| truncate_message(redact::redact_text(&words, &shared.run_context.secrets)));
                let (timings, reused) = (progress.timings(), Some(progress.is_reused()));
                let fetched = FetchedResponse {
                    status,
                    bytes,
                    sha256,
                    took,
                    timings,
                    reused,
                    check,
                    captured: found.captured,
                };
                return Input::FetchFinished { source, fetched: Box::new(fetched) };
            }
            Err(fault) if !last && fault.is_transient && !progress.has_emitted() => {}
            Err(fault) => return failed_input(shared, source, (&fault, &progress, done), started),
        }
        shared.inbox.paused_time().sleep_unpaused(retry_delay(done)).await;
    }
}

/// The pause after this many tries.
fn retry_delay(done: u32) -> Duration {
    let doublings = done.saturating_sub(1).min(10);
    (FIRST_RETRY_DELAY * (1 << doublings)).min(MAX_RETRY_DELAY)
}

/// The account of a request that failed.
pub(crate) fn failed_input(
    shared: &FetchContext,
    source: Source,
    (fault, progress, done): (&FetchError, &AttemptProgress, u32),
    started: Instant,
) -> Input {
    let error = truncate_message(redact::redact_text(
        &failure_message(fault, progress, done),
        &shared.run_context.secrets,
    ));
    Input::FetchFailed { source, kind: fault.kind, error, took: Span::from_std(started.elapsed()) }
}

/// The last words: what happened, on which way, and how often it was tried.
fn failure_message(fault: &FetchError, progress: &AttemptProgress, done: u32) -> String {
    let mut words = fault.message.clone();
    if progress.redirect_count() > 0 && fault.kind != FetchErrorKind::Redirects {
        words = format!("{words} (redirected: {})", progress.url_chain());
    }
    if done > 1 {
        words = format!("{words} (the last of {done} tries)");
    }
    words
}

/// The longest words: a server may send a `Location` of any length.
const MAX_MESSAGE_LEN: usize = 4096;

/// Cuts words that a server made long.
fn truncate_message(mut words: String) -> String {
    if words.len() > MAX_MESSAGE_LEN {
        words.truncate(words.floor_char_boundary(MAX_MESSAGE_LEN));
        words.push('…');
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_have_an_end() {
        assert_eq!(truncate_message("é".repeat(2048)), "é".repeat(2048));
        assert_eq!(truncate_message(format!("x{}", "é".repeat(2048))), format!("x{}…", "é".repeat(2047)));
    }

    #[test]
    fn pauses_grow_to_two_seconds() {
        let pauses: Vec<u128> =
            [1, 2, 3, 5, 6, 7, u32::MAX].map(|done| retry_delay(done).as_millis()).to_vec();
        assert_eq!(pauses, [100, 200, 400, 1600, 2000, 2000, 2000]);
    }
}
