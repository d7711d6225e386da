//! Numbers for people: counts with grouped digits, sizes and moments.

use scenario_log::time::{Moment, NANOS_PER_SECOND};

/// From this moment on, in seconds, moments are shown as a clock shows them.
const MIN_CLOCK_SECONDS: u64 = 1_000;

/// A moment of the run to the millisecond: `1.500 s`, `0:16:40.000`, `10 d 3:25:01.500`.
pub(crate) fn format_moment(t: Moment) -> String {
    let (seconds, milliseconds) = (t.0 / NANOS_PER_SECOND, t.0 / 1_000_000 % 1_000);
    match seconds {
        ..MIN_CLOCK_SECONDS => format!("{seconds}.{milliseconds:03} s"),
        _ => format!("{}.{milliseconds:03}", format_clock(seconds)),
    }
}

/// A moment to the millisecond, without zeros at its end: `6 s`, `1.5 s`, `0:16:40`.
pub(crate) fn format_moment_briefly(t: Moment) -> String {
    let exact = format_moment(t);
    let (number, unit) = exact.strip_suffix(" s").map_or((&*exact, ""), |number| (number, " s"));
    format!("{}{unit}", number.trim_end_matches('0').trim_end_matches('.'))
}

/// A moment with one decimal, cut and not rounded: no moment is shown before it has come. From 1,000
/// seconds on, without a decimal: `12.3 s`, `0:16:40`.
pub(crate) fn format_tenths(t: Moment) -> String {
    let (seconds, tenths) = (t.0 / NANOS_PER_SECOND, t.0 / 100_000_000 % 10);
    match seconds {
        ..MIN_CLOCK_SECONDS => format!("{seconds}.{tenths} s"),
        _ => format_clock(seconds),
    }
}

/// Seconds as a clock shows them: `0:16:40`, `10 d 3:25:01`.
fn format_clock(seconds: u64) -> String {
    let (days, hours) = (seconds / 86_400, seconds / 3_600 % 24);
    let clock = format!("{hours}:{:02}:{:02}", seconds / 60 % 60, seconds % 60);
    if days == 0 { clock } else { format!("{days} d {clock}") }
}

/// A size to about three figures.
pub(crate) fn format_bytes(count: u64) -> String {
    let units = ["kB", "MB", "GB", "TB", "PB", "EB"];
    if count < 1_000 {
        return format!("{count} B");
    }
    let mut value = count as f64 / 1e3;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < units.len() {
        value /= 1e3;
        unit += 1;
    }
    let decimals = if value < 9.995 {
        2
    } else if value < 99.95 {
        1
    } else {
        0
    };
    format!("{value:.decimals$} {}", units[unit])
}

/// A count with its digits in groups of three.
pub(crate) fn group_digits(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 event`, `1,234 events`.
pub(crate) fn format_count(count: u64, what: &str) -> String {
    format!("{} {what}{}", group_digits(count), if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn late_moments_are_those_of_a_clock() {
        let moments = [0, 1_500, 999_999, 1_000_000, 12_301_050, 86_400_000, 876_301_500];
        let moments = moments.map(|milliseconds| Moment(milliseconds * 1_000_000));
        let wanted = [
            "0.000 s",
            "1.500 s",
            "999.999 s",
            "0:16:40.000",
            "3:25:01.050",
            "1 d 0:00:00.000",
            "10 d 3:25:01.500",
        ];
        assert_eq!(moments.map(format_moment), wanted);
        let wanted = ["0.0 s", "1.5 s", "999.9 s", "0:16:40", "3:25:01", "1 d 0:00:00", "10 d 3:25:01"];
        assert_eq!(moments.map(format_tenths), wanted);
        let wanted = ["0 s", "1.5 s", "999.999 s", "0:16:40", "3:25:01.05", "1 d 0:00:00", "10 d 3:25:01.5"];
        assert_eq!(moments.map(format_moment_briefly), wanted);
    }

    #[test]
    fn digits_stand_in_groups() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(group_digits), ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn sizes_have_three_figures() {
        let sizes = [0, 999, 1_000, 9_994, 99_940, 999_499, 999_500, u64::MAX];
        let wanted = ["0 B", "999 B", "1.00 kB", "9.99 kB", "99.9 kB", "999 kB", "1.00 MB", "18.4 EB"];
        assert_eq!(sizes.map(format_bytes), wanted);
    }
}
