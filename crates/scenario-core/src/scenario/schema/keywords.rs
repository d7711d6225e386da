//! Types that are one of a few words in a file.

use super::encode::TomlEncode;
use super::strings::or_variable_schema;
use super::{DecodeContext, TomlSchema};
use crate::diagnostic::{Diagnostic, quoted};
use crate::scenario::model::expect_parts::GroupKey;
use crate::scenario::model::steps::ChannelOrder;
use crate::scenario::model::{
    ArrivalProcess, FetchMode, Http2Mode, Isolation, LinkCut, OnExit, OnFailure, RestartCause, RowOrder,
    WorldEdges,
};
use crate::scenario::toml::TomlNode;
use crate::scenario::write::json::{Json, object};
use scenario_log::signal::Signal;

/// Decodes one of a few words, each with its meaning.
fn decode_keyword<T: Copy>(
    cx: &mut DecodeContext<'_>,
    node: TomlNode,
    what: &str,
    words: &[(&str, T)],
) -> Option<T> {
    let at = node.at;
    let names: Vec<String> = words.iter().map(|(word, _)| format!("{word:?}")).collect();
    let written = cx.decode_public_text(node, &format!("one of {}", names.join(", ")), &names[0])?;
    if let Some((_, meaning)) = words.iter().find(|(word, _)| *word == written) {
        return Some(*meaning);
    }
    let fault = Diagnostic::error(cx.place(at), format!("{} is not {what}", quoted(&written)));
    let fault = match cx.diagnostics.closest_name(&written, words.iter().map(|(word, _)| *word)) {
        Some(word) => fault.with_help(format!("did you mean {word:?}?")),
        None => fault,
    };
    cx.diagnostics.add(fault.with_help(format!("the words are {}", names.join(", "))));
    None
}

const fn first_keyword<const N: usize>(words: [&'static str; N]) -> &'static str {
    words[0]
}

macro_rules! keywords {
    ($type:ty, $what:literal, [$($word:literal => $meaning:expr),+ $(,)?]) => {
        impl TomlSchema for $type {
            const EXAMPLE: &'static str = first_keyword([$(concat!("\"", $word, "\"")),+]);

            fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<Self> {
                decode_keyword(cx, node, $what, &[$(($word, $meaning)),+])
            }

            fn schema() -> Json {
                or_variable_schema(object([("enum", Json::from([$($word),+]))]))
            }
        }

        impl TomlEncode for $type {
            fn encode(self) -> Option<Json> {
                let words = [$(($word, $meaning)),+];
                words.into_iter().find(|(_, meaning)| *meaning == self).map(|(word, _)| word.into())
            }
        }
    };
}

keywords!(FetchMode, "a mode", ["concurrent" => FetchMode::Concurrent, "sequential" => FetchMode::Sequential]);
keywords!(ArrivalProcess, "a kind of arrivals", ["constant" => ArrivalProcess::Constant, "poisson" => ArrivalProcess::Poisson]);
keywords!(Http2Mode, "a mode of HTTP/2", ["auto" => Http2Mode::Auto, "always" => Http2Mode::Always, "never" => Http2Mode::Never]);
keywords!(RowOrder, "an order of rows", ["in order" => RowOrder::InOrder, "by chance" => RowOrder::ByChance, "once" => RowOrder::Once]);
keywords!(ChannelOrder, "an order of messages", ["fifo" => ChannelOrder::Fifo, "any" => ChannelOrder::Any]);
keywords!(OnFailure, "a way to go on", ["end" => OnFailure::End, "go on" => OnFailure::GoOn, "again" => OnFailure::Again]);
keywords!(GroupKey, "a key by which events are divided", ["url" => GroupKey::Url, "step" => GroupKey::Step, "status" => GroupKey::Status, "entry" => GroupKey::Entry, "preset" => GroupKey::Preset, "job" => GroupKey::Job, "player" => GroupKey::Player, "source" => GroupKey::Source]);
keywords!(WorldEdges, "a kind of edges", ["wrap" => WorldEdges::Wrap, "stop" => WorldEdges::Stop]);
keywords!(Isolation, "a kind of isolation", ["task" => Isolation::Task, "process" => Isolation::Process]);
keywords!(OnExit, "a consequence of an end", ["go on" => OnExit::GoOn, "stop" => OnExit::Stop]);
keywords!(RestartCause, "a cause of a restart", ["failure" => RestartCause::Failure, "always" => RestartCause::Always]);

keywords!(LinkCut, "a way that is cut", ["both" => LinkCut::Both, "to" => LinkCut::To, "from" => LinkCut::From]);

impl TomlSchema for Signal {
    fn decode(cx: &mut DecodeContext<'_>, node: TomlNode) -> Option<Signal> {
        let at = node.at;
        let name = cx.decode_public_text(node, "a signal's name", "\"TERM\"")?;
        if let Some(signal) = Signal::from_name(&name) {
            return Some(signal);
        }
        let fault = Diagnostic::error(cx.place(at), format!("{} is not a signal", quoted(&name)));
        let upper = name.to_ascii_uppercase();
        let fault = match cx.diagnostics.closest_name(&upper, Signal::names()) {
            Some(nearest) => fault.with_help(format!("did you mean {nearest:?}?")),
            None => fault,
        };
        cx.diagnostics.add(fault.with_help("for example \"TERM\", \"INT\", \"HUP\", \"KILL\""));
        None
    }

    fn schema() -> Json {
        // The case does not matter, nor does the prefix SIG.
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
        super::strings::words_or_pattern_schema(Signal::names(), &pattern)
    }
}
