//! The attempts of one request until one is final: the time limit of each, the delays between them, and the
//! outcome for the inbox. Only the answer of the last attempt is logged.
//!
//! Another attempt follows failures that may pass (no name, no connection, a broken connection, no time
//! left) and the statuses 408, 429, 500, 502, 503 and 504, if the job does not expect them. The server may ask
//! for a longer pause by `Retry-After`.

use std::rc::Rc;
use std::time::{Duration, Instant};

use scenario_core::engine::input::Input;
use scenario_core::scenario::model::FetchJob;
use scenario_core::scenario::vars::fill;
use scenario_log::captured_value::CapturedValue;
use scenario_log::event::{FetchErrorKind, FetchedResponse, SendCounts, Source};
use scenario_log::secrets::Secrets;
use scenario_log::time::Span;

use super::FetchContext;
use super::attempt::{AttemptOutcome, FetchAttempt};
use super::error::FetchError;
use super::timing::{AttemptProgress, SendCounter};

/// The first delay. Each further delay is twice as long …
const FIRST_RETRY_DELAY: Duration = Duration::from_millis(100);

/// … up to this one.
const MAX_RETRY_DELAY: Duration = Duration::from_secs(2);

/// The longest message: a server may send a `Location` of any length.
const MAX_MESSAGE_LEN: usize = 4096;

/// Fetches a URL of a job, with these captured values. Returns the request's last input for the engine.
pub(super) async fn fetch_with_retries(
    context: &FetchContext,
    (source, sent, session): (Source, SendCounter, Option<u32>),
    (index, url, captured): (usize, usize, Vec<CapturedValue>),
    started: Instant,
) -> Input {
    let job: &FetchJob = &context.run_context.scenario.fetches[index];
    let filled = match fill::fill_captures(job, url, captured) {
        Ok(filled) => filled,
        Err(error) => {
            let error = loggable_message(context, &error.to_string());
            let took = Span::from_std(started.elapsed());
            return Input::FetchFailed {
                source,
                kind: FetchErrorKind::Capture,
                error,
                took,
                sent: sent.get(),
            };
        }
    };
    let job = filled.as_ref().unwrap_or(job);
    let checker = match context.checkers.for_job(index, job) {
        Ok(checker) => checker,
        Err(error) => {
            return failed_input(context, source, (&error, &AttemptProgress::new(sent), 1), started);
        }
    };
    let mut attempts = 0_u32;
    loop {
        let progress = AttemptProgress::new(Rc::clone(&sent));
        let is_last = attempts >= job.retries;
        let attempt = FetchAttempt {
            context,
            source,
            job,
            url: &job.urls[url],
            checker: checker.as_deref(),
            is_last,
            session,
            progress: &progress,
        };
        let paused_time = context.inbox.paused_time();
        let mut asked_pause = Duration::ZERO;
        let outcome = paused_time.timeout_unpaused(job.timeout.to_std(), attempt.run()).await;
        attempts = attempts.saturating_add(1);
        match outcome.unwrap_or_else(|| Err(progress.timeout_error(job.timeout))) {
            Ok(AttemptOutcome::Retry(pause)) => asked_pause = pause,
            Ok(AttemptOutcome::Complete { status, received, found, head }) => {
                if let Some(head) = head {
                    context.inbox.push(head);
                }
                let took = Span::from_std(started.elapsed());
                let found = found.in_time(took);
                let fetched = FetchedResponse {
                    status,
                    bytes: received.bytes,
                    sha256: received.sha256,
                    took,
                    timings: progress.timings(),
                    reused: Some(progress.is_reused()),
                    sent: progress.answered_counts(),
                    check: found.mismatch.map(|message| loggable_message(context, &message)),
                    captured: found.captured,
                };
                return Input::FetchFinished { source, fetched: Box::new(fetched) };
            }
            Err(error) if !is_last && error.is_transient && !progress.has_emitted() => {}
            Err(error) => return failed_input(context, source, (&error, &progress, attempts), started),
        }
        sent.set(SendCounts { retried: u64::from(attempts), ..sent.get() });
        paused_time.sleep_unpaused(retry_delay(attempts).max(asked_pause)).await;
    }
}

/// The delay after this many attempts.
fn retry_delay(attempts: u32) -> Duration {
    let doublings = attempts.saturating_sub(1).min(10);
    (FIRST_RETRY_DELAY * (1 << doublings)).min(MAX_RETRY_DELAY)
}

/// The last input of a request that failed.
pub(super) fn failed_input(
    context: &FetchContext,
    source: Source,
    (error, progress, attempts): (&FetchError, &AttemptProgress, u32),
    started: Instant,
) -> Input {
    let secrets = &context.run_context.secrets;
    let message = loggable_message(context, &failure_message(error, progress, attempts, secrets));
    let took = Span::from_std(started.elapsed());
    Input::FetchFailed { source, kind: error.kind, error: message, took, sent: progress.sent_counts() }
}

/// The failure, its redirects and the number of attempts.
fn failure_message(
    error: &FetchError,
    progress: &AttemptProgress,
    attempts: u32,
    secrets: &Secrets,
) -> String {
    let mut message = error.message.clone();
    if let Some(bytes) = &error.first_bytes {
        // They are few, so that a secret may be cut: it is redacted before they become a text.
        let begins = secrets.mask_beginning(bytes);
        message = format!("{message}; it begins with \"{}\"", begins.escape_ascii());
    }
    if progress.redirect_count() > 0 && error.kind != FetchErrorKind::Redirects {
        message = format!("{message} (redirected: {})", progress.url_chain());
    }
    match progress.sent_counts().resent {
        0 => {}
        1 => message.push_str(" (sent again once)"),
        resent => message.push_str(&format!(" (sent again {resent} times)")),
    }
    if attempts > 1 {
        message = format!("{message} (the last of {attempts} tries)");
    }
    message
}

/// A message without secrets, and not too long.
pub(super) fn loggable_message(context: &FetchContext, message: &str) -> String {
    truncate_message(context.run_context.secrets.redact(message))
}

fn truncate_message(mut message: String) -> String {
    if message.len() > MAX_MESSAGE_LEN {
        message.truncate(message.floor_char_boundary(MAX_MESSAGE_LEN));
        message.push('…');
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_message_is_cut() {
        assert_eq!(truncate_message("é".repeat(2048)), "é".repeat(2048));
        assert_eq!(truncate_message(format!("x{}", "é".repeat(2048))), format!("x{}…", "é".repeat(2047)));
    }

    #[test]
    fn delays_grow_to_two_seconds() {
        let delays: Vec<u128> =
            [1, 2, 3, 5, 6, 7, u32::MAX].map(|attempts| retry_delay(attempts).as_millis()).to_vec();
        assert_eq!(delays, [100, 200, 400, 1600, 2000, 2000, 2000]);
    }
}
