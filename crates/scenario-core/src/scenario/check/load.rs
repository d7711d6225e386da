//! Builds the load of a fetch, and checks its rate against its number of requests and its time. The rules
//! of the table check which keys go together.

use crate::diagnostic::{Diagnostic, FilePlace};
use crate::scenario::diagnostics::Diagnostics;
use crate::scenario::file::{MAX_LOAD_REQUESTS, RawFetchJob};
use crate::scenario::format::format_span;
use crate::scenario::model::{ArrivalProcess, LoadModel, LoadProfile};
use crate::scenario::rate::{Ramp, RampArea};
use crate::scenario::schema::{KeySlot, Located};
use scenario_log::time::{MAX_SPAN, Span};

/// Builds the load of a fetch; `None` if the fetch is not a load, or if the load is wrong, which has been
/// reported.
pub(super) fn build_load(raw: &mut RawFetchJob, found: &mut Diagnostics) -> Option<LoadProfile> {
    let requests = take_count(std::mem::take(&mut raw.requests));
    let within =
        std::mem::take(&mut raw.within).into_given().map(|Located { value, place }| (value.0, place));
    let arrivals = raw.arrivals.or_default();
    let most = u32::try_from(raw.max_connections.or_default().0).unwrap_or(u32::MAX);
    let connections = take_count(std::mem::take(&mut raw.connections));
    let pace = match (std::mem::take(&mut raw.rate), connections) {
        (KeySlot::Given(rate), None) => {
            check_rate_bounds(&LOAD_WORDS, &rate.value, arrivals, requests, within, found);
            LoadModel::Open { rate: rate.value, arrivals, max_connections: most }
        }
        (_, Some((connections, _))) => LoadModel::Closed { connections: saturate_to_u32(connections) },
        _ => return None,
    };
    let (requests, within) = (requests.map(|(requests, _)| requests), within.map(|(within, _)| within));
    Some(LoadProfile { model: pace, max_requests: requests, duration: within })
}

fn take_count<const LEAST: i64, const MOST: i64>(
    slot: KeySlot<crate::scenario::schema::numbers::BoundedInt<LEAST, MOST>>,
) -> Option<(u64, FilePlace)> {
    slot.into_given().map(|Located { value, place }| (u64::try_from(value.0).unwrap_or_default(), place))
}

fn saturate_to_u32(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// The words for what has a rate.
pub(super) struct RateWords {
    /// The fetch or the entry that has the rate.
    owner: &'static str,
    /// The things that start at this rate.
    one: &'static str,
    many: &'static str,
}

const LOAD_WORDS: RateWords = RateWords { owner: "a load", one: "request", many: "requests" };

pub(super) const ENTRY_WORDS: RateWords = RateWords { owner: "an entry", one: "spawn", many: "spawns" };

/// Reports a rate that does not fit the other keys: it lets too few requests or spawns start, more than can be
/// counted, or the last one too late.
pub(super) fn check_rate_bounds(
    RateWords { owner, one, many }: &RateWords,
    rate: &Ramp,
    arrivals: ArrivalProcess,
    requests: Option<(u64, FilePlace)>,
    within: Option<(Span, FilePlace)>,
    found: &mut Diagnostics,
) {
    match (requests, within) {
        (Some((requests, place)), None) => {
            let about = if arrivals == ArrivalProcess::Poisson { "about " } else { "" };
            if let Some(all) = rate.total_requests().filter(|all| *all < requests) {
                let words =
                    format!("this number is never reached: the rate ends at 0, after {about}{all} {many}");
                found.add(
                    Diagnostic::error(place, words)
                        .with_help("add `for`, or end `rate` with a point of more than \"0/s\""),
                );
            } else if rate
                .time_of_area(RampArea::from_requests(requests - 1))
                .is_none_or(|last| last > MAX_SPAN)
            {
                let longest = format_span(MAX_SPAN);
                let words =
                    format!("at this rate the last {one} would start more than {longest} after the first");
                found.add(
                    Diagnostic::error(place, words).with_help(format!("{owner} lasts at most that long")),
                );
            }
        }
        (None, Some((within, place))) => {
            let all = rate.requests_before(within);
            if all > MAX_LOAD_REQUESTS.unsigned_abs() {
                let words = format!("at this rate there are {all} {many}, more than {MAX_LOAD_REQUESTS}");
                found
                    .add(Diagnostic::error(place, words).with_help(format!("{owner} has at most that many")));
            }
            if all == 0 {
                let words = format!("no {one} starts within this time");
                found.add(Diagnostic::error(place, words).with_help("the rate is 0 until after it"));
            }
        }
        _ => {}
    }
}
