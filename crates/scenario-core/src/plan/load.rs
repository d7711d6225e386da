//! Loads in a plan: each is one row with the number of requests and the moment of the last; and the bounds of
//! its duration.

use crate::scenario::model::{ArrivalProcess, EntryAction, FetchJob, LoadModel, LoadProfile, Scenario};
use crate::scenario::rate::{Ramp, RampArea};
use scenario_log::time::Span;

/// Replaces the load of a job by one request.
pub(super) fn replace_with_one_request(job: &mut FetchJob) {
    if job.load.take().is_some() {
        job.urls.truncate(1);
    }
}

/// Describes an action that starts a load; none if the action starts no load.
pub(super) fn describe_load_action(scenario: &Scenario, action: &EntryAction) -> Option<String> {
    let EntryAction::Fetch(job) = action else { return None };
    let job = &scenario.fetches[*job];
    job.load.as_ref().map(|load| describe_load(job, load))
}

/// Describes a load: `forms: 5000 requests at 500/s, the last 9s 998ms after the first`.
pub(super) fn describe_load(job: &FetchJob, load: &LoadProfile) -> String {
    let name = &job.name;
    let within = load.duration.map(|within| format!(" for {}", within.format_human())).unwrap_or_default();
    match &load.model {
        LoadModel::Closed { connections } => {
            let requests =
                load.max_requests.map(|requests| format!("{requests} requests, ")).unwrap_or_default();
            format!("{name}: {requests}{} at a time{within}", job.requests_at_once(*connections))
        }
        LoadModel::Open { rate, arrivals, .. } => {
            let about = if *arrivals == ArrivalProcess::Poisson { "about " } else { "" };
            let requests = planned_requests(load, rate);
            let last = last_request_at(load, rate).map(|last| {
                format!(", the last {} after the first", truncate_to_millis(last).format_human())
            });
            format!("{name}: {about}{requests} requests {}{}", describe_rate(rate), last.unwrap_or_default())
        }
    }
}

fn describe_rate(rate: &Ramp) -> String {
    match (rate.as_constant(), rate.points()) {
        (Some(rate), _) => format!("at {}", rate.to_file_text()),
        (None, [first, .., last]) => {
            format!(
                "from {} to {} in {}",
                first.rate.to_file_text(),
                last.rate.to_file_text(),
                last.at.format_human()
            )
        }
        (None, points) => {
            points.first().map_or_else(String::new, |only| format!("at {}", only.rate.to_file_text()))
        }
    }
}

/// The number of requests that an open loop plans; the average if they come by chance.
fn planned_requests(load: &LoadProfile, rate: &Ramp) -> u64 {
    let within = load.duration.map(|within| rate.requests_before(within));
    let ends = [within, load.max_requests, rate.total_requests()];
    ends.into_iter().flatten().min().unwrap_or(u64::MAX)
}

/// The planned moment of the last of these requests.
fn last_request_at(load: &LoadProfile, rate: &Ramp) -> Option<Span> {
    rate.time_of_area(RampArea::from_requests(planned_requests(load, rate).checked_sub(1)?))
}

fn truncate_to_millis(span: Span) -> Span {
    Span(span.0 / 1_000_000 * 1_000_000)
}

/// The shortest and the longest duration of a load. The time limits of its requests bound what retries and
/// waits for a free connection add.
pub(super) fn load_bounds(job: &FetchJob, load: &LoadProfile) -> (Span, Option<Span>) {
    let timeout = |turns: u64| (job.retries == 0).then(|| Span(job.timeout.0.saturating_mul(turns)));
    let most = |start: Option<Span>, turns: u64| Some(Span(start?.0.saturating_add(timeout(turns)?.0)));
    match &load.model {
        LoadModel::Closed { connections } => {
            let by_time = load.duration.and_then(|within| most(Some(within), 1));
            let at_once = u64::from(job.requests_at_once(*connections));
            let turns = load.max_requests.map(|requests| requests.div_ceil(at_once));
            let by_count = turns.and_then(timeout);
            (Span::ZERO, [by_time, by_count].into_iter().flatten().min())
        }
        LoadModel::Open { rate, arrivals, max_connections: at_once } => {
            let is_drawn = *arrivals == ArrivalProcess::Poisson;
            let last = last_request_at(load, rate).filter(|_| !is_drawn);
            let turns = load.max_requests.map_or(1, |requests| requests.div_ceil(u64::from(*at_once)));
            // A request that is held at the end of `for` never starts.
            let at_most = load.duration.map_or_else(|| most(last, turns), |within| most(Some(within), 1));
            (last.unwrap_or_default(), at_most)
        }
    }
}
