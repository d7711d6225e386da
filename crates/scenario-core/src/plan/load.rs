//! Loads in a plan: one row for each, with how many requests and until when; their bounds.

use crate::scenario::model::{Action, Arrivals, FetchJob, Load, Pace, Scenario};
use crate::scenario::rate::{Area, Ramp};
use scenario_log::time::Span;

/// The job with one request in the place of its load.
pub(super) fn stand_in(job: &mut FetchJob) {
    if job.load.take().is_some() {
        job.urls.truncate(1);
    }
}

/// What an action does that begins a load, in words.
pub(super) fn of(scenario: &Scenario, action: &Action) -> Option<String> {
    let Action::Fetch(job) = action else { return None };
    let job = &scenario.fetches[*job];
    job.load.as_ref().map(|load| words(job, load))
}

/// What a load does, in words: `forms: 5000 requests at 500/s, the last 9s 998ms after the first`.
pub(super) fn words(job: &FetchJob, load: &Load) -> String {
    let name = &job.name;
    let within = load.within.map(|within| format!(" for {}", within.human())).unwrap_or_default();
    match &load.pace {
        Pace::Closed { connections } => {
            let requests = load.requests.map(|requests| format!("{requests} requests, ")).unwrap_or_default();
            format!("{name}: {requests}{connections} at a time{within}")
        }
        Pace::Open { rate, arrivals, .. } => {
            let about = if *arrivals == Arrivals::Poisson { "about " } else { "" };
            let requests = planned(load, rate);
            let last = last(load, rate)
                .map(|last| format!(", the last {} after the first", milliseconds(last).human()));
            format!("{name}: {about}{requests} requests {}{}", pace(rate), last.unwrap_or_default())
        }
    }
}

fn pace(rate: &Ramp) -> String {
    match (rate.as_constant(), rate.points()) {
        (Some(rate), _) => format!("at {}", rate.written()),
        (None, [first, .., last]) => {
            format!("from {} to {} in {}", first.to.written(), last.to.written(), last.at.human())
        }
        (None, points) => points.first().map_or_else(String::new, |only| format!("at {}", only.to.written())),
    }
}

/// How many requests an open loop plans; by chance, on average.
fn planned(load: &Load, rate: &Ramp) -> u64 {
    let within = load.within.map(|within| rate.requests_before(within));
    let ends = [within, load.requests, rate.requests_in_all()];
    ends.into_iter().flatten().min().unwrap_or(u64::MAX)
}

/// The planned moment of the last of them.
fn last(load: &Load, rate: &Ramp) -> Option<Span> {
    rate.moment(Area::requests(planned(load, rate).checked_sub(1)?))
}

fn milliseconds(span: Span) -> Span {
    Span(span.0 / 1_000_000 * 1_000_000)
}

/// How long a load lasts, at least and at most. What retries and waits for a free connection add is
/// bounded by the time limits of its requests.
pub(super) fn bounds(job: &FetchJob, load: &Load) -> (Span, Option<Span>) {
    let timeout = |turns: u64| (job.retries == 0).then(|| Span(job.timeout.0.saturating_mul(turns)));
    let most = |start: Option<Span>, turns: u64| Some(Span(start?.0.saturating_add(timeout(turns)?.0)));
    match &load.pace {
        Pace::Closed { connections } => {
            let by_time = load.within.and_then(|within| most(Some(within), 1));
            let turns = load.requests.map(|requests| requests.div_ceil(u64::from(*connections)));
            let by_count = turns.and_then(timeout);
            (Span::ZERO, [by_time, by_count].into_iter().flatten().min())
        }
        Pace::Open { rate, arrivals, most: at_once } => {
            let is_drawn = *arrivals == Arrivals::Poisson;
            let last = last(load, rate).filter(|_| !is_drawn);
            let turns = load.requests.map_or(1, |requests| requests.div_ceil(u64::from(*at_once)));
            // What is held at the end of `for` never starts.
            let at_most = load.within.map_or_else(|| most(last, turns), |within| most(Some(within), 1));
            (last.unwrap_or_default(), at_most)
        }
    }
}
