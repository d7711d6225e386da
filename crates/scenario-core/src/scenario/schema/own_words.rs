//! The value to write in the place of a wrong one, made of the user's own words, for the help of a message.
//! A text that nobody can guess the meaning of has none. Nothing here decides whether a value is right.

use super::span_text::parse_span;
use crate::scenario::format::{SIZE_UNITS, format_size, format_span};
use crate::scenario::toml::{TomlNode, TomlValue};
use crate::scenario::write::json::Json;
use crate::scenario::write::toml_writer::to_inline_toml;
use scenario_log::signal::Signal;
use scenario_log::time::{NANOS_PER_SECOND, Span};

/// The longest value that a help repeats, in bytes.
pub(crate) const MAX_REPEATED: usize = 200;

/// A text as a TOML string.
pub(crate) fn toml_string(text: &str) -> String {
    to_inline_toml(&Json::from(text))
}

/// A value that stands where a list should, as the list of this one value; `None` if it is long, or no value of
/// the list could be meant. `from_text` makes the list of a string.
pub(crate) fn as_list(
    node: &TomlNode,
    source: &str,
    from_text: fn(&str) -> Option<String>,
) -> Option<String> {
    let written = node.at.slice(source);
    let list = match &node.value {
        TomlValue::String(text) => from_text(text.as_str(source))?,
        // The header of a table: `[timeline]`.
        TomlValue::Table(_) if written.starts_with('[') && !written.starts_with("[[") => {
            format!("[{written}]")
        }
        TomlValue::Table(_) if written.starts_with('{') => format!("[{written}]"),
        _ => return None,
    };
    (list.len() <= MAX_REPEATED && !list.contains('\n')).then_some(list)
}

/// A program and its arguments of one text, as a list.
pub(crate) fn command_list(text: &str) -> Option<String> {
    let words = match text.contains(['|', '&', ';', '<', '>', '`', '*', '\n']) || text.contains("$(") {
        true => vec!["sh".to_owned(), "-c".to_owned(), text.to_owned()],
        false => shell_words(text)?,
    };
    (!words.is_empty()).then(|| to_inline_toml(&words.iter().map(String::as_str).collect()))
}

/// The words of a command line, without their quotes; `None` if a quote is open.
pub(crate) fn shell_words(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None | Some('"'), '\\') => word.get_or_insert_default().extend(chars.next()),
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

/// A text that stands where a table with these keys should, as the table that it probably means.
pub(crate) fn as_table(keys: &[&str], text: &str) -> Option<String> {
    let has = |all: &[&str]| all.iter().all(|key| keys.contains(key));
    let table = if has(&["line", "tcp", "http"]) {
        let key = match () {
            () if text.starts_with("http://") || text.starts_with("https://") => "http",
            () if is_address(text) => "tcp",
            () => "line",
        };
        format!("{{ {key} = {} }}", toml_string(text))
    } else if has(&["signal", "grace"]) {
        let key = match () {
            () if Signal::from_name(text).is_some() => "signal",
            () if parse_span(text).is_ok() => "grace",
            () => return None,
        };
        format!("{{ {key} = {} }}", toml_string(text))
    } else if has(&["to", "name", "for"]) {
        let name = Signal::from_name(text).map_or_else(|| "HUP".to_owned(), |signal| signal.to_string());
        let to = if Signal::from_name(text).is_some() { "ID" } else { text };
        format!("{{ to = {}, name = \"{name}\" }}", toml_string(to))
    } else if has(&["to", "text"]) {
        format!("{{ to = \"ID\", text = {} }}", toml_string(text))
    } else {
        return None;
    };
    (table.len() <= MAX_REPEATED).then_some(table)
}

/// Whether a text is `host:port`.
fn is_address(text: &str) -> bool {
    text.rsplit_once(':').is_some_and(|(host, port)| {
        !host.is_empty()
            && !host.contains([' ', '/'])
            && (port.parse::<u16>().is_ok() || port.starts_with("${"))
    })
}

/// Items like `A=b` of a list that stands where a table should, as that table.
pub(crate) fn assignments_as_table(node: &TomlNode, source: &str) -> Option<String> {
    let TomlValue::Array(items) = &node.value else { return None };
    let pairs: Option<Vec<String>> = items
        .iter()
        .map(|item| {
            let TomlValue::String(text) = &item.value else { return None };
            let (key, value) = text.as_str(source).split_once('=')?;
            let is_bare =
                !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b));
            is_bare.then(|| format!("{key} = {}", toml_string(value)))
        })
        .collect();
    let table = format!("{{ {} }}", pairs?.join(", "));
    (!items.is_empty() && table.len() <= MAX_REPEATED).then_some(table)
}

/// The probable meaning of a text that is not a duration, for a help: `write "9s"`.
pub(crate) fn duration_help(text: &str) -> Option<String> {
    let text = text.trim();
    if text.contains(':') {
        return clock_help(text);
    }
    let lower = text.to_ascii_lowercase();
    let candidates = [
        iso_8601(text),
        Some(text.replace(',', ".")),
        Some(lower.clone()),
        Some(lower.replace([',', '_'], " ")),
        Some(text.replace('_', "")),
        Some(text.trim_start_matches('+').to_owned()),
        text.starts_with('.').then(|| format!("0{text}")),
        Some(lower.replace(" and ", " ").replace('.', "")),
        with_last_unit(&lower),
    ];
    let meant = candidates
        .into_iter()
        .flatten()
        .find(|one| parse_span(one).is_ok_and(|(_, doubt)| doubt.is_none()))?;
    Some(format!("write {}", toml_string(meant.trim())))
}

/// `1:30` and `0:01:30` as durations.
fn clock_help(text: &str) -> Option<String> {
    let (whole, fraction) = text.split_once(['.', ',']).unwrap_or((text, ""));
    let is_number = |part: &str| part.len() <= 6 && part.bytes().all(|byte| byte.is_ascii_digit());
    let parts: Vec<&str> = whole.split(':').collect();
    if !parts.iter().all(|part| is_number(part) && !part.is_empty())
        || fraction.len() > 9
        || !is_number_or_empty(fraction)
    {
        return None;
    }
    let parts: Vec<u64> = parts.iter().filter_map(|part| part.parse().ok()).collect();
    let nanos: u64 = format!("{fraction:0<9}").parse().ok()?;
    let write = |seconds: u64| toml_string(&format_span(Span(seconds * NANOS_PER_SECOND + nanos)));
    match parts[..] {
        [hours, minutes, seconds] => Some(format!("write {}", write(hours * 3_600 + minutes * 60 + seconds))),
        [minutes, seconds] if nanos > 0 => Some(format!("write {}", write(minutes * 60 + seconds))),
        [first, second] => Some(format!(
            "write {} if these are minutes and seconds, or {} if they are hours and minutes",
            write(first * 60 + second),
            write(first * 3_600 + second * 60)
        )),
        _ => None,
    }
}

fn is_number_or_empty(part: &str) -> bool {
    part.bytes().all(|byte| byte.is_ascii_digit())
}

/// `PT1M30S` (ISO 8601) as `1m 30s`.
fn iso_8601(text: &str) -> Option<String> {
    let rest = text.strip_prefix(['P', 'p'])?;
    let (days, time) = rest.split_once(['T', 't']).unwrap_or((rest, ""));
    let spaced = |text: &str| text.to_ascii_lowercase().replace(',', ".");
    Some(format!("{}{}", spaced(days), spaced(time)))
}

/// `1h30` as `1h30m`: the last number gets the next smaller unit.
fn with_last_unit(text: &str) -> Option<String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_digit());
    if digits.len() == text.len() {
        return None;
    }
    let unit = match digits.trim_end().chars().next_back()? {
        'd' => "h",
        'h' => "m",
        'm' => "s",
        's' => "ms",
        _ => return None,
    };
    Some(format!("{text}{unit}"))
}

/// The probable meaning of a text that is not a size, for a help: `64 kb` is `"64kB"`.
pub(crate) fn size_help(text: &str) -> Option<String> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && !"._,".contains(c)).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let unit = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" | "byte" | "bytes" => "B",
        "k" | "ki" | "kib" => "KiB",
        "kb" => "kB",
        "m" | "mi" | "mib" => "MiB",
        "mb" => "MB",
        "g" | "gi" | "gib" => "GiB",
        "gb" => "GB",
        _ => return None,
    };
    let bytes = SIZE_UNITS.iter().find(|(name, _)| *name == unit)?.1;
    let number = number.replace('_', "").replace(',', ".");
    if let Ok(whole) = number.parse::<u64>() {
        return Some(format!("write \"{whole}{unit}\""));
    }
    let (whole, decimals) = number.split_once('.')?;
    let tenths = decimals.parse::<u64>().ok().filter(|_| decimals.len() == 1)?;
    let bytes =
        whole.parse::<u64>().ok()?.checked_mul(bytes)?.checked_add(tenths.checked_mul(bytes)? / 10)?;
    Some(format!("write \"{}\"", format_size(bytes)))
}

/// The probable meaning of a text that is not an interval, for a help: `0-800ms` is `"0ms..800ms"`.
pub(crate) fn interval_help(text: &str) -> Option<String> {
    let (from, to) = ["...", "..", "…", " to ", "–", "-"].iter().find_map(|sign| text.split_once(sign))?;
    let (from, to) = (from.trim(), to.trim().trim_start_matches('='));
    parse_span(to).ok()?;
    let unit = to.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.').trim();
    let from =
        if is_number_or_empty(from) && !from.is_empty() { format!("{from}{unit}") } else { from.to_owned() };
    parse_span(&from).ok()?;
    Some(format!("write {}", toml_string(&format!("{from}..{to}"))))
}

/// The probable meaning of a text that is not a rate, for a help: `500 per second` is `"500/s"`.
pub(crate) fn rate_help(text: &str) -> Option<String> {
    let lower = text.trim().to_ascii_lowercase();
    let end = lower.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(lower.len());
    let (number, unit) = lower.split_at(end);
    number.parse::<f64>().ok()?;
    let unit = match unit.trim().trim_start_matches(['/', ' ']).trim_start_matches("per ").trim() {
        "" | "s" | "sec" | "secs" | "second" | "seconds" | "rps" | "hz" | "qps" | "req/s" | "requests/s"
        | "1s" => "s",
        "m" | "min" | "mins" | "minute" | "minutes" | "rpm" | "1m" => "m",
        "h" | "hr" | "hour" | "hours" | "1h" => "h",
        _ => return None,
    };
    Some(format!("write \"{number}/{unit}\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_guessed() {
        for (text, wanted) in [
            ("0:09", r#"write "9s" if these are minutes and seconds, or "9m" if they are hours and minutes"#),
            ("00:01:30", r#"write "1m 30s""#),
            ("1:02.5", r#"write "1m 2s 500ms""#),
            ("1,5s", r#"write "1.5s""#),
            ("5S", r#"write "5s""#),
            ("500 MS", r#"write "500 ms""#),
            ("PT1M30S", r#"write "1m30s""#),
            ("P1DT2H", r#"write "1d2h""#),
            ("+5s", r#"write "5s""#),
            (".5s", r#"write "0.5s""#),
            ("1_000ms", r#"write "1000ms""#),
            ("1h30", r#"write "1h30m""#),
            ("1m, 30s", r#"write "1m  30s""#),
            ("1 minute and 5 seconds", r#"write "1 minute 5 seconds""#),
        ] {
            assert_eq!(duration_help(text).as_deref(), Some(wanted), "{text}");
        }
        for text in ["", "soon", "::", "1:2:3:4", "99999999:00", "5 x", "-1s"] {
            assert_eq!(duration_help(text), None, "{text}");
        }
    }

    #[test]
    fn intervals_and_rates_are_guessed() {
        for (text, wanted) in [
            ("0-800ms", "0ms..800ms"),
            ("0..800ms", "0ms..800ms"),
            ("1s - 2s", "1s..2s"),
            ("1s to 2s", "1s..2s"),
            ("1s...2s", "1s..2s"),
            ("1s..=2s", "1s..2s"),
        ] {
            assert_eq!(interval_help(text), Some(format!("write \"{wanted}\"")), "{text}");
        }
        assert_eq!(interval_help("a-b"), None);
        for (text, wanted) in
            [("500", "500/s"), ("2.5 per minute", "2.5/m"), ("40 rps", "40/s"), ("9/sec", "9/s")]
        {
            assert_eq!(rate_help(text), Some(format!("write \"{wanted}\"")), "{text}");
        }
        assert_eq!(rate_help("fast"), None);
        for (text, wanted) in
            [("64k", "64KiB"), ("64 kb", "64kB"), ("1.5 GiB", "1536MiB"), ("1_000", "1000B")]
        {
            assert_eq!(size_help(text), Some(format!("write \"{wanted}\"")), "{text}");
        }
        assert_eq!(size_help("big"), None);
    }

    #[test]
    fn command_lines_become_lists() {
        for (text, wanted) in [
            ("redis-server --port 1", r#"["redis-server", "--port", "1"]"#),
            ("echo 'a b' \"c d\"", r#"["echo", "a b", "c d"]"#),
            ("echo ${port}", r#"["echo", "${port}"]"#),
            ("a | b", r#"["sh", "-c", "a | b"]"#),
        ] {
            assert_eq!(command_list(text).as_deref(), Some(wanted), "{text}");
        }
        assert_eq!(command_list(""), None);
        assert_eq!(command_list("echo 'open"), None);
    }

    #[test]
    fn texts_become_tables() {
        let ready = ["line", "tcp", "http", "timeout"];
        assert_eq!(as_table(&ready, "listening").as_deref(), Some(r#"{ line = "listening" }"#));
        assert_eq!(as_table(&ready, "http://h/a").as_deref(), Some(r#"{ http = "http://h/a" }"#));
        assert_eq!(as_table(&ready, "localhost:80").as_deref(), Some(r#"{ tcp = "localhost:80" }"#));
        let stop = ["signal", "grace"];
        assert_eq!(as_table(&stop, "INT").as_deref(), Some(r#"{ signal = "INT" }"#));
        assert_eq!(as_table(&stop, "9s").as_deref(), Some(r#"{ grace = "9s" }"#));
        assert_eq!(as_table(&stop, "soon"), None);
        assert_eq!(as_table(&["a"], "x"), None);
    }
}
