//! The JSON Schema of a line of the log, from one table of all events and their keys.

use serde_json::{Map, Value, json};

use crate::event::{FetchErrorKind, LOG_FORMAT};
use crate::signal::Signal;

/// What a key's value is.
#[derive(Clone, Copy, Debug)]
enum SchemaType {
    Count,
    /// A list of them.
    CountList,
    Seconds,
    /// A signed 64-bit number.
    Signed,
    /// Signed numbers by name.
    IntegerMap,
    Text,
    Boolean,
    /// One of these words.
    OneOf(&'static [&'static str]),
    SpawnOrRequest,
    Spawn,
    Request,
    /// Who moves: a spawn or a guest.
    SpawnOrGuest,
    Guest,
    Position,
    /// Places by name.
    Positions,
    /// The resolved scenario.
    Scenario,
    /// Texts by name: header values, what was captured.
    TextMap,
    Timings,
    Lateness,
    /// What loads came to, by name.
    LoadMetricsMap,
    /// Lower-case hexadecimal digits.
    Hex(u32),
    Signal,
    FetchErrorKind,
}

/// One key of an event.
struct SchemaKey {
    name: &'static str,
    kind: SchemaType,
    is_required: bool,
}

const fn required(name: &'static str, kind: SchemaType) -> SchemaKey {
    SchemaKey { name, kind, is_required: true }
}

const fn optional(name: &'static str, kind: SchemaType) -> SchemaKey {
    SchemaKey { name, kind, is_required: false }
}

use SchemaType::{
    Boolean, Count, CountList, Guest, Hex, IntegerMap, Lateness, LoadMetricsMap, OneOf, Position, Positions,
    Request, Scenario, Seconds, Signed, Spawn, SpawnOrGuest, SpawnOrRequest, Text, TextMap, Timings,
};

/// Every event with what it says and its keys behind `seq`, `t` and `event`, in their order.
const EVENT_SCHEMAS: &[(&str, &str, &[SchemaKey])] = &[
    (
        "run.started",
        "The first line: the format, and all that decides what the run does by itself.",
        &[
            required("format", Count),
            required("generator", Text),
            required("name", Text),
            required("seed", Count),
            required("clock", OneOf(&["real", "virtual"])),
            optional("started_at", Text),
            optional("schedule", CountList),
            required("scenario", Scenario),
        ],
    ),
    ("clock.tick", "The clock has ticked.", &[required("due", Seconds), required("n", Count)]),
    (
        "spawn.started",
        "A spawn runs. Without `entry` it was typed; without `pid` the runner plays it.",
        &[
            required("due", Seconds),
            required("source", Spawn),
            required("preset", Text),
            optional("entry", Text),
            optional("pid", Count),
        ],
    ),
    ("spawn.ready", "A program is ready, as its preset says.", &[required("source", Spawn)]),
    (
        "spawn.suspended",
        "A process was stopped by a signal, and does not go on for now.",
        &[required("source", Spawn), required("signal", SchemaType::Signal)],
    ),
    ("spawn.resumed", "A process that was stopped goes on.", &[required("source", Spawn)]),
    (
        "move",
        "A player has moved. Without `due` a process says so, or it is a guest's.",
        &[
            optional("due", Seconds),
            required("source", SpawnOrGuest),
            required("player", Text),
            required("direction", OneOf(&["N", "S", "E", "W"])),
        ],
    ),
    (
        "step",
        "A player has taken one of its steps; `register` is what its register holds behind it.",
        &[
            required("due", Seconds),
            required("source", Spawn),
            required("player", Text),
            required("step", Text),
            required("register", Signed),
        ],
    ),
    (
        "line",
        "A line of a process, without its newline: `text`, or `base64` where it is not UTF-8.",
        &[
            required("source", Spawn),
            required("stream", OneOf(&["stdout", "stderr"])),
            optional("text", Text),
            optional("base64", Text),
            optional("partial", Boolean),
        ],
    ),
    (
        "spawn.exited",
        "A spawn has ended, by itself with a code or by a signal. With `held`, what it started still held its output; `skipped` is how many states of the world it read too slowly to be sent.",
        &[
            required("source", Spawn),
            optional("code", Count),
            optional("signal", SchemaType::Signal),
            required("ok", Boolean),
            required("running", Count),
            optional("held", Boolean),
            optional("skipped", Count),
        ],
    ),
    (
        "spawn.failed",
        "A spawn could not start, or one that runs never became ready.",
        &[required("source", Spawn), required("error", Text), required("running", Count)],
    ),
    (
        "fetch.started",
        "A request is sent. Without `entry` it was typed.",
        &[
            required("due", Seconds),
            required("source", Request),
            required("job", Text),
            optional("entry", Text),
            required("method", Text),
            required("url", Text),
        ],
    ),
    (
        "fetch.responded",
        "The head of an answer has come.",
        &[
            required("source", Request),
            required("status", Count),
            required("version", Text),
            required("headers", TextMap),
        ],
    ),
    (
        "fetch.line",
        "A line of an answer's body, counted from 1.",
        &[
            required("source", Request),
            required("n", Count),
            optional("text", Text),
            optional("base64", Text),
        ],
    ),
    (
        "fetch.finished",
        "An answer is whole. `check` says what of it is not as the fetch wants it, `captured` what was taken out of it.",
        &[
            required("source", Request),
            required("status", Count),
            required("bytes", Count),
            required("sha256", Hex(64)),
            required("ok", Boolean),
            required("took", Seconds),
            required("timings", Timings),
            optional("reused", Boolean),
            optional("check", Text),
            optional("captured", TextMap),
        ],
    ),
    (
        "fetch.failed",
        "A request has failed, or was given up.",
        &[
            required("source", Request),
            required("kind", SchemaType::FetchErrorKind),
            required("error", Text),
            required("took", Seconds),
        ],
    ),
    (
        "input",
        "A line was typed.",
        &[required("text", Text), required("accepted", Boolean), optional("error", Text)],
    ),
    (
        "mark",
        "A text of the timeline, or one that was typed.",
        &[required("due", Seconds), optional("entry", Text), required("text", Text)],
    ),
    (
        "sent",
        "A line was sent to a process, or could not be.",
        &[
            optional("due", Seconds),
            optional("source", Spawn),
            optional("entry", Text),
            optional("text", Text),
            optional("error", Text),
        ],
    ),
    (
        "stopping",
        "A source is asked to stop; without `source`, the whole run is.",
        &[
            optional("due", Seconds),
            optional("source", SpawnOrRequest),
            optional("entry", Text),
            optional("signal", SchemaType::Signal),
            optional("reason", Text),
            optional("error", Text),
        ],
    ),
    ("run.paused", "Everything stands still from here on, the run's clock too.", &[]),
    (
        "run.resumed",
        "Everything goes on. `took` is how long it stood still by the machine's clock.",
        &[required("took", Seconds)],
    ),
    (
        "player.joined",
        "A guest has come over the network with its player. `called` is its name in the world where somebody else has it, `place` where it is.",
        &[
            required("source", Guest),
            required("player", Text),
            optional("called", Text),
            optional("place", Position),
        ],
    ),
    ("player.left", "A guest has gone, and its player.", &[required("source", Guest)]),
    (
        "world.state",
        "Where every player is that is in the world, by name: `[x, y]`. Without `due` it stands behind a move from outside.",
        &[optional("due", Seconds), required("players", Positions)],
    ),
    (
        "deadlock",
        "Every player that is left waits for a lock; `waiting` is which player for which.",
        &[required("waiting", TextMap)],
    ),
    (
        "expect",
        "What came of an expectation. Without `got` there was nothing to measure; `events` are the `seq` of those that decided it.",
        &[
            required("name", Text),
            required("ok", Boolean),
            required("wanted", Text),
            optional("got", Text),
            optional("events", CountList),
        ],
    ),
    (
        "run.finished",
        "The last line. `crc32c` is that of all bytes before it.",
        &[
            required("outcome", OneOf(&["passed", "failed", "interrupted"])),
            optional("reason", Text),
            required("spawned", Count),
            required("exited", Count),
            required("fetched", Count),
            required("moves", Count),
            required("lines", Count),
            required("lateness", Lateness),
            optional("fetches", LoadMetricsMap),
            optional("shared", IntegerMap),
            required("took", Seconds),
            required("crc32c", Hex(8)),
        ],
    ),
];

/// Whether there is an event of this name.
#[must_use]
pub fn is_event(name: &str) -> bool {
    EVENT_SCHEMAS.iter().any(|(event, _, _)| *event == name)
}

/// The names of all keys that events have of their own, those of most first and else in the order of
/// the table.
pub fn all_keys() -> Vec<&'static str> {
    let mut keys = vec!["due", "source", "entry"];
    for key in EVENT_SCHEMAS.iter().flat_map(|(_, _, keys)| *keys) {
        if !keys.contains(&key.name) {
            keys.push(key.name);
        }
    }
    keys
}

/// Whether an event can have this key.
#[must_use]
pub fn is_key(event: &str, key: &str) -> bool {
    let keys = EVENT_SCHEMAS.iter().find(|(name, _, _)| *name == event).map_or(&[][..], |(_, _, keys)| keys);
    matches!(key, "seq" | "t" | "event") || keys.iter().any(|known| known.name == key)
}

/// The schema of one line of the log, as pretty JSON with a newline at its end; the file
/// `schema/event.schema.json`.
#[must_use]
pub fn event_schema() -> String {
    let events: Vec<Value> =
        EVENT_SCHEMAS.iter().map(|(name, says, keys)| event_object(name, says, keys)).collect();
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A line of a scenario log",
        "description": format!("Format {LOG_FORMAT}. Moments and durations are seconds with nine decimals."),
        "oneOf": events,
    });
    format!("{schema:#}\n")
}

fn event_object(name: &str, says: &str, keys: &[SchemaKey]) -> Value {
    let mut properties = Map::new();
    let count = json!({ "type": "integer", "minimum": 0 });
    properties.insert("seq".to_owned(), count);
    properties.insert("t".to_owned(), type_schema(Seconds));
    properties.insert("event".to_owned(), json!({ "const": name }));
    properties.extend(keys.iter().map(|key| (key.name.to_owned(), type_schema(key.kind))));
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
fn load_metrics_object() -> Value {
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
    let kinds = json!({ "enum": FetchErrorKind::ALL.map(FetchErrorKind::name) });
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

fn type_schema(kind: SchemaType) -> Value {
    let seconds = json!({ "type": "number", "minimum": 0 });
    let of_seconds = |names: &[&str], required: bool| {
        let properties: Map<String, Value> =
            names.iter().map(|name| ((*name).to_owned(), seconds.clone())).collect();
        let required = if required { names.to_vec() } else { Vec::new() };
        json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
    };
    match kind {
        CountList => json!({ "type": "array", "items": { "type": "integer", "minimum": 0 } }),
        Count => json!({ "type": "integer", "minimum": 0 }),
        Seconds => seconds,
        Signed => json!({ "type": "integer" }),
        IntegerMap => json!({ "type": "object", "additionalProperties": { "type": "integer" } }),
        Text => json!({ "type": "string" }),
        Boolean => json!({ "type": "boolean" }),
        OneOf(words) => json!({ "enum": words }),
        SpawnOrRequest => json!({ "type": "string", "pattern": "^(ps|get)#[1-9][0-9]*$" }),
        Spawn => json!({ "type": "string", "pattern": "^ps#[1-9][0-9]*$" }),
        Request => json!({ "type": "string", "pattern": "^get#[1-9][0-9]*$" }),
        Scenario => json!({ "type": "object" }),
        Position => {
            let number = json!({ "type": "integer", "minimum": 0 });
            json!({ "type": "array", "items": number, "minItems": 2, "maxItems": 2 })
        }
        Positions => json!({ "type": "object", "additionalProperties": self::type_schema(Position) }),
        SpawnOrGuest => json!({ "type": "string", "pattern": "^(ps|net)#[1-9][0-9]*$" }),
        Guest => json!({ "type": "string", "pattern": "^net#[1-9][0-9]*$" }),
        TextMap => json!({ "type": "object", "additionalProperties": { "type": "string" } }),
        Timings => of_seconds(&["dns", "connect", "tls", "first_byte", "body"], false),
        Lateness => of_seconds(&["p50", "p99", "max"], true),
        LoadMetricsMap => json!({ "type": "object", "additionalProperties": load_metrics_object() }),
        Hex(digits) => json!({ "type": "string", "pattern": format!("^[0-9a-f]{{{digits}}}$") }),
        SchemaType::Signal => {
            let names: Vec<&str> = Signal::names().collect();
            json!({ "type": "string", "examples": names })
        }
        SchemaType::FetchErrorKind => json!({ "enum": FetchErrorKind::ALL.map(FetchErrorKind::name) }),
    }
}
