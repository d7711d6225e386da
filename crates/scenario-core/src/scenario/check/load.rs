//! Loads: how many requests of a fetch start when, as far as a schema cannot say it. Which keys go
//! together is said by the table's rules.

use crate::diagnostic::{Diagnostic, Place};
use crate::scenario::file::{MOST_REQUESTS, RawFetch};
use crate::scenario::findings::Findings;
use crate::scenario::model::{Arrivals, Load, Pace};
use crate::scenario::rate::{Area, Ramp};
use crate::scenario::schema::times::human;
use crate::scenario::schema::{Slot, Sp};
use scenario_log::time::{LONGEST, Span};

/// The most requests of a rate at once, unless the file says otherwise.
const MOST_AT_ONCE: u32 = 1_000;

/// The load of a fetch; `None` if it is none, or lacks what has been asked for already.
pub(super) fn load(raw: &mut RawFetch, found: &mut Findings) -> Option<Load> {
    let requests = count(std::mem::take(&mut raw.requests));
    let within = std::mem::take(&mut raw.within).given().map(|Sp { value, place }| (value.0, place));
    let arrivals = std::mem::take(&mut raw.arrivals).value().unwrap_or_default();
    let most = count(std::mem::take(&mut raw.max_connections)).map_or(MOST_AT_ONCE, |(most, _)| small(most));
    let connections = count(std::mem::take(&mut raw.connections));
    let pace = match (std::mem::take(&mut raw.rate), connections) {
        (Slot::Given(rate), None) => {
            can_be(&rate.value, arrivals, requests, within, found);
            Pace::Open { rate: rate.value, arrivals, most }
        }
        (_, Some((connections, _))) => Pace::Closed { connections: small(connections) },
        _ => return None,
    };
    let (requests, within) = (requests.map(|(requests, _)| requests), within.map(|(within, _)| within));
    Some(Load { pace, requests, within })
}

fn count<const LEAST: i64, const MOST: i64>(
    slot: Slot<crate::scenario::schema::numbers::Int<LEAST, MOST>>,
) -> Option<(u64, Place)> {
    slot.given().map(|Sp { value, place }| (u64::try_from(value.0).unwrap_or_default(), place))
}

fn small(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Tells what a rate cannot keep: more requests than it lets start, or than are counted, or too late.
fn can_be(
    rate: &Ramp,
    arrivals: Arrivals,
    requests: Option<(u64, Place)>,
    within: Option<(Span, Place)>,
    found: &mut Findings,
) {
    match (requests, within) {
        (Some((requests, place)), None) => {
            let about = if arrivals == Arrivals::Poisson { "about " } else { "" };
            if let Some(all) = rate.requests_in_all().filter(|all| *all < requests) {
                let words = format!(
                    "this is never reached: the rate ends in 0, and lets {about}{all} requests start before"
                );
                found.add(
                    Diagnostic::error(place, words)
                        .help("add `for`, or let the last point of `rate` be more than \"0/s\""),
                );
            } else if rate.moment(Area::requests(requests - 1)).is_none_or(|last| last > LONGEST) {
                let longest = human(LONGEST);
                let words = format!("at this rate the last of them would start more than {longest} later");
                found.add(Diagnostic::error(place, words).help("a load lasts at most that long"));
            }
        }
        (None, Some((within, place))) => {
            let all = rate.requests_before(within);
            if all > MOST_REQUESTS.unsigned_abs() {
                let words = format!("at this rate these are {all} requests: more than {MOST_REQUESTS}");
                found.add(Diagnostic::error(place, words).help("a load has at most that many"));
            }
            if all == 0 {
                let words = "within this time the rate lets no request start";
                found.add(Diagnostic::error(place, words).help("the rate is 0 until later"));
            }
        }
        _ => {}
    }
}
