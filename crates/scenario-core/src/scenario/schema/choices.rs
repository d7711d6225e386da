//! Strings of which there are only a few.

use super::text::or_variable;
use super::{Cx, Shape};
use crate::diagnostic::{Diagnostic, quoted};
use crate::scenario::model::{Arrivals, Edges, FetchMode, Http2, Isolation};
use crate::scenario::toml::Node;
use crate::scenario::write::json::{Json, object};
use scenario_log::event::Direction;
use scenario_log::signal::Signal;

/// One of a few words, each with its meaning.
fn choose<T: Copy>(cx: &mut Cx<'_>, node: Node, what: &str, words: &[(&str, T)]) -> Option<T> {
    let at = node.at;
    let names: Vec<String> = words.iter().map(|(word, _)| format!("{word:?}")).collect();
    let written = cx.open_text(node, &format!("one of {}", names.join(", ")), &names[0])?;
    if let Some((_, meaning)) = words.iter().find(|(word, _)| *word == written) {
        return Some(*meaning);
    }
    let fault = Diagnostic::error(cx.place(at), format!("{} is no {what}", quoted(&written)));
    let fault = match cx.found.nearest(&written, words.iter().map(|(word, _)| *word)) {
        Some(word) => fault.help(format!("did you mean {word:?}?")),
        None => fault,
    };
    cx.found.add(fault.help(format!("there is {}", names.join(", "))));
    None
}

/// The first of some words.
const fn first<const N: usize>(words: [&'static str; N]) -> &'static str {
    words[0]
}

macro_rules! words {
    ($type:ty, $what:literal, [$($word:literal => $meaning:expr),+ $(,)?]) => {
        impl Shape for $type {
            const EXAMPLE: &'static str = first([$(concat!("\"", $word, "\"")),+]);

            fn decode(cx: &mut Cx<'_>, node: Node) -> Option<Self> {
                choose(cx, node, $what, &[$(($word, $meaning)),+])
            }

            fn schema() -> Json {
                or_variable(object([("enum", Json::from([$($word),+]))]))
            }
        }
    };
}

words!(FetchMode, "mode", ["concurrent" => FetchMode::Concurrent, "sequential" => FetchMode::Sequential]);
words!(Arrivals, "kind of arrivals", ["constant" => Arrivals::Constant, "poisson" => Arrivals::Poisson]);
words!(Http2, "answer here", ["auto" => Http2::Auto, "always" => Http2::Always, "never" => Http2::Never]);
words!(Edges, "kind of edges", ["wrap" => Edges::Wrap, "stop" => Edges::Stop]);
words!(Isolation, "isolation", ["task" => Isolation::Task, "process" => Isolation::Process]);
words!(Direction, "direction", [
    "N" => Direction::N,
    "E" => Direction::E,
    "S" => Direction::S,
    "W" => Direction::W,
]);

impl Shape for Signal {
    fn decode(cx: &mut Cx<'_>, node: Node) -> Option<Signal> {
        let at = node.at;
        let name = cx.open_text(node, "a signal's name", "\"TERM\"")?;
        if let Some(signal) = Signal::from_name(&name) {
            return Some(signal);
        }
        let fault = Diagnostic::error(cx.place(at), format!("{} is no signal", quoted(&name)));
        let upper = name.to_ascii_uppercase();
        let fault = match cx.found.nearest(&upper, Signal::names()) {
            Some(nearest) => fault.help(format!("did you mean {nearest:?}?")),
            None => fault,
        };
        cx.found.add(fault.help("for example \"TERM\", \"INT\", \"HUP\", \"KILL\""));
        None
    }

    fn schema() -> Json {
        // Capitals or not, with SIG or without.
        let letters = |name: &str| {
            name.chars()
                .map(|c| match c.to_ascii_lowercase() {
                    lower if lower == c => c.to_string(),
                    lower => format!("[{c}{lower}]"),
                })
                .collect::<String>()
        };
        let names: Vec<String> = Signal::names().map(letters).collect();
        let pattern = format!("^([Ss][Ii][Gg])?({}|3[2-9]|[45][0-9]|6[0-4])$", names.join("|"));
        super::text::pattern(&pattern)
    }
}
