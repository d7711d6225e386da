//! The JSON Schema of a line of the log, from one table of all events and their keys.

use serde_json::{Map, Value, json};

use crate::event::{FORMAT, FetchFault};
use crate::signal::Signal;

/// What a key's value is.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Count,
    /// A list of them.
    Counts,
    Seconds,
    /// A signed 64-bit number.
    Signed,
    /// Signed numbers by name.
    Cells,
    Text,
    Boolean,
    /// One of these words.
    Words(&'static [&'static str]),
    Source,
    Spawn,
    Request,
    /// Who moves: a spawn or a guest.
    Mover,
    Guest,
    Place,
    /// Places by name.
    Places,
    /// The resolved scenario.
    Scenario,
    /// Texts by name: header values, what was captured.
    Texts,
    Timings,
    Lateness,
    /// What loads came to, by name.
    Fetches,
    /// Lower-case hexadecimal digits.
    Hex(u32),
    Signal,
    FetchFault,
}

/// One key of an event.
struct Key {
    name: &'static str,
    kind: Kind,
    is_required: bool,
}

const fn must(name: &'static str, kind: Kind) -> Key {
    Key { name, kind, is_required: true }
}

const fn may(name: &'static str, kind: Kind) -> Key {
    Key { name, kind, is_required: false }
}

use Kind::{
    Boolean, Cells, Count, Counts, Fetches, Guest, Hex, Lateness, Mover, Place, Places, Request, Scenario,
    Seconds, Signed, Source, Spawn, Text, Texts, Timings, Words,
};

/// Every event with what it says and its keys behind `seq`, `t` and `event`, in their order.
const EVENTS: &[(&str, &str, &[Key])] = &[
    (
        "run.started",
        "The first line: the format, and all that decides what the run does by itself.",
        &[
            must("format", Count),
            must("generator", Text),
            must("name", Text),
            must("seed", Count),
            must("clock", Words(&["real", "virtual"])),
            may("started_at", Text),
            may("schedule", Counts),
            must("scenario", Scenario),
        ],
    ),
    ("clock.tick", "The clock has ticked.", &[must("due", Seconds), must("n", Count)]),
    (
        "spawn.started",
        "A spawn runs. Without `entry` it was typed; without `pid` the runner plays it.",
        &[
            must("due", Seconds),
            must("source", Spawn),
            must("preset", Text),
            may("entry", Text),
            may("pid", Count),
        ],
    ),
    ("spawn.ready", "A program is ready, as its preset says.", &[must("source", Spawn)]),
    (
        "spawn.suspended",
        "A process was stopped by a signal, and does not go on for now.",
        &[must("source", Spawn), must("signal", Kind::Signal)],
    ),
    ("spawn.resumed", "A process that was stopped goes on.", &[must("source", Spawn)]),
    (
        "move",
        "A player has moved. Without `due` a process says so, or it is a guest's.",
        &[
            may("due", Seconds),
            must("source", Mover),
            must("player", Text),
            must("direction", Words(&["N", "S", "E", "W"])),
        ],
    ),
    (
        "step",
        "A player has taken one of its steps; `register` is what its register holds behind it.",
        &[
            must("due", Seconds),
            must("source", Spawn),
            must("player", Text),
            must("step", Text),
            must("register", Signed),
        ],
    ),
    (
        "line",
        "A line of a process, without its newline: `text`, or `base64` where it is not UTF-8.",
        &[
            must("source", Spawn),
            must("stream", Words(&["stdout", "stderr"])),
            may("text", Text),
            may("base64", Text),
            may("partial", Boolean),
        ],
    ),
    (
        "spawn.exited",
        "A spawn has ended, by itself with a code or by a signal. With `held`, what it started still held its output; `skipped` is how many states of the world it read too slowly to be sent.",
        &[
            must("source", Spawn),
            may("code", Count),
            may("signal", Kind::Signal),
            must("ok", Boolean),
            must("running", Count),
            may("held", Boolean),
            may("skipped", Count),
        ],
    ),
    (
        "spawn.failed",
        "A spawn could not start, or one that runs never became ready.",
        &[must("source", Spawn), must("error", Text), must("running", Count)],
    ),
    (
        "fetch.started",
        "A request is sent. Without `entry` it was typed.",
        &[
            must("due", Seconds),
            must("source", Request),
            must("job", Text),
            may("entry", Text),
            must("method", Text),
            must("url", Text),
        ],
    ),
    (
        "fetch.responded",
        "The head of an answer has come.",
        &[must("source", Request), must("status", Count), must("version", Text), must("headers", Texts)],
    ),
    (
        "fetch.line",
        "A line of an answer's body, counted from 1.",
        &[must("source", Request), must("n", Count), may("text", Text), may("base64", Text)],
    ),
    (
        "fetch.finished",
        "An answer is whole. `check` says what of it is not as the fetch wants it, `captured` what was taken out of it.",
        &[
            must("source", Request),
            must("status", Count),
            must("bytes", Count),
            must("sha256", Hex(64)),
            must("ok", Boolean),
            must("took", Seconds),
            must("timings", Timings),
            may("reused", Boolean),
            may("check", Text),
            may("captured", Texts),
        ],
    ),
    (
        "fetch.failed",
        "A request has failed, or was given up.",
        &[
            must("source", Request),
            must("kind", Kind::FetchFault),
            must("error", Text),
            must("took", Seconds),
        ],
    ),
    ("input", "A line was typed.", &[must("text", Text), must("accepted", Boolean), may("error", Text)]),
    (
        "mark",
        "A text of the timeline, or one that was typed.",
        &[must("due", Seconds), may("entry", Text), must("text", Text)],
    ),
    (
        "sent",
        "A line was sent to a process, or could not be.",
        &[
            may("due", Seconds),
            may("source", Spawn),
            may("entry", Text),
            may("text", Text),
            may("error", Text),
        ],
    ),
    (
        "stopping",
        "A source is asked to stop; without `source`, the whole run is.",
        &[
            may("due", Seconds),
            may("source", Source),
            may("entry", Text),
            may("signal", Kind::Signal),
            may("reason", Text),
            may("error", Text),
        ],
    ),
    ("run.paused", "Everything stands still from here on, the run's clock too.", &[]),
    (
        "run.resumed",
        "Everything goes on. `took` is how long it stood still by the machine's clock.",
        &[must("took", Seconds)],
    ),
    (
        "player.joined",
        "A guest has come over the network with its player. `called` is its name in the world where somebody else has it, `place` where it is.",
        &[must("source", Guest), must("player", Text), may("called", Text), may("place", Place)],
    ),
    ("player.left", "A guest has gone, and its player.", &[must("source", Guest)]),
    (
        "world.state",
        "Where every player is that is in the world, by name: `[x, y]`. Without `due` it stands behind a move from outside.",
        &[may("due", Seconds), must("players", Places)],
    ),
    (
        "deadlock",
        "Every player that is left waits for a lock; `waiting` is which player for which.",
        &[must("waiting", Texts)],
    ),
    (
        "expect",
        "What came of an expectation. Without `got` there was nothing to measure; `events` are the `seq` of those that decided it.",
        &[
            must("name", Text),
            must("ok", Boolean),
            must("wanted", Text),
            may("got", Text),
            may("events", Counts),
        ],
    ),
    (
        "run.finished",
        "The last line. `crc32c` is that of all bytes before it.",
        &[
            must("outcome", Words(&["passed", "failed", "interrupted"])),
            may("reason", Text),
            must("spawned", Count),
            must("exited", Count),
            must("fetched", Count),
            must("moves", Count),
            must("lines", Count),
            must("lateness", Lateness),
            may("fetches", Fetches),
            may("shared", Cells),
            must("took", Seconds),
            must("crc32c", Hex(8)),
        ],
    ),
];

/// Whether there is an event of this name.
#[must_use]
pub fn is_event(name: &str) -> bool {
    EVENTS.iter().any(|(event, _, _)| *event == name)
}

/// The names of all keys that events have of their own, those of most first and else in the order of
/// the table.
pub fn keys() -> Vec<&'static str> {
    let mut keys = vec!["due", "source", "entry"];
    for key in EVENTS.iter().flat_map(|(_, _, keys)| *keys) {
        if !keys.contains(&key.name) {
            keys.push(key.name);
        }
    }
    keys
}

/// Whether an event can have this key.
#[must_use]
pub fn is_key(event: &str, key: &str) -> bool {
    let keys = EVENTS.iter().find(|(name, _, _)| *name == event).map_or(&[][..], |(_, _, keys)| keys);
    matches!(key, "seq" | "t" | "event") || keys.iter().any(|known| known.name == key)
}

/// The schema of one line of the log, as pretty JSON with a newline at its end; the file
/// `schema/event.schema.json`.
#[must_use]
pub fn event_schema() -> String {
    let events: Vec<Value> = EVENTS.iter().map(|(name, says, keys)| event(name, says, keys)).collect();
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A line of a scenario log",
        "description": format!("Format {FORMAT}. Moments and durations are seconds with nine decimals."),
        "oneOf": events,
    });
    format!("{schema:#}\n")
}

fn event(name: &str, says: &str, keys: &[Key]) -> Value {
    let mut properties = Map::new();
    let count = json!({ "type": "integer", "minimum": 0 });
    properties.insert("seq".to_owned(), count);
    properties.insert("t".to_owned(), kind(Seconds));
    properties.insert("event".to_owned(), json!({ "const": name }));
    properties.extend(keys.iter().map(|key| (key.name.to_owned(), kind(key.kind))));
    let required: Vec<&str> = ["seq", "t", "event"]
        .into_iter()
        .chain(keys.iter().filter(|key| key.is_required).map(|key| key.name))
        .collect();
    json!({
        "title": name,
        "description": says,
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

/// What a load came to.
fn load() -> Value {
    let count = || json!({ "type": "integer", "minimum": 0 });
    let seconds = || json!({ "type": "number", "minimum": 0 });
    let names = ["p50", "p90", "p99", "p99.9", "max"];
    let properties: Map<String, Value> = names.iter().map(|name| ((*name).to_owned(), seconds())).collect();
    let quantiles = json!({ "type": "object", "properties": properties, "required": names, "additionalProperties": false });
    let mut keys = Map::new();
    keys.insert("requests".to_owned(), count());
    let status = json!({
        "type": "object",
        "properties": { "requests": count(), "latency": quantiles },
        "required": ["requests", "latency"],
        "additionalProperties": false,
    });
    keys.insert("statuses".to_owned(), json!({ "type": "object", "additionalProperties": status }));
    let kinds = json!({ "enum": FetchFault::ALL.map(FetchFault::name) });
    let failures = json!({ "type": "object", "propertyNames": kinds, "additionalProperties": count() });
    keys.insert("failures".to_owned(), failures);
    for name in ["given_up", "bytes", "opened", "reused", "delayed", "unsent"] {
        keys.insert(name.to_owned(), count());
    }
    keys.insert("latency".to_owned(), quantiles.clone());
    keys.insert("from_start".to_owned(), quantiles);
    keys.insert("took".to_owned(), seconds());
    let required: Vec<String> = keys.keys().cloned().collect();
    json!({ "type": "object", "properties": keys, "required": required, "additionalProperties": false })
}

fn kind(kind: Kind) -> Value {
    let seconds = json!({ "type": "number", "minimum": 0 });
    let of_seconds = |names: &[&str], required: bool| {
        let properties: Map<String, Value> =
            names.iter().map(|name| ((*name).to_owned(), seconds.clone())).collect();
        let required = if required { names.to_vec() } else { Vec::new() };
        json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
    };
    match kind {
        Counts => json!({ "type": "array", "items": { "type": "integer", "minimum": 0 } }),
        Count => json!({ "type": "integer", "minimum": 0 }),
        Seconds => seconds,
        Signed => json!({ "type": "integer" }),
        Cells => json!({ "type": "object", "additionalProperties": { "type": "integer" } }),
        Text => json!({ "type": "string" }),
        Boolean => json!({ "type": "boolean" }),
        Words(words) => json!({ "enum": words }),
        Source => json!({ "type": "string", "pattern": "^(ps|get)#[1-9][0-9]*$" }),
        Spawn => json!({ "type": "string", "pattern": "^ps#[1-9][0-9]*$" }),
        Request => json!({ "type": "string", "pattern": "^get#[1-9][0-9]*$" }),
        Scenario => json!({ "type": "object" }),
        Place => {
            let number = json!({ "type": "integer", "minimum": 0 });
            json!({ "type": "array", "items": number, "minItems": 2, "maxItems": 2 })
        }
        Places => json!({ "type": "object", "additionalProperties": self::kind(Place) }),
        Mover => json!({ "type": "string", "pattern": "^(ps|net)#[1-9][0-9]*$" }),
        Guest => json!({ "type": "string", "pattern": "^net#[1-9][0-9]*$" }),
        Texts => json!({ "type": "object", "additionalProperties": { "type": "string" } }),
        Timings => of_seconds(&["dns", "connect", "tls", "first_byte", "body"], false),
        Lateness => of_seconds(&["p50", "p99", "max"], true),
        Fetches => json!({ "type": "object", "additionalProperties": load() }),
        Hex(digits) => json!({ "type": "string", "pattern": format!("^[0-9a-f]{{{digits}}}$") }),
        Kind::Signal => {
            let names: Vec<&str> = Signal::names().collect();
            json!({ "type": "string", "examples": names })
        }
        Kind::FetchFault => json!({ "enum": FetchFault::ALL.map(FetchFault::name) }),
    }
}
