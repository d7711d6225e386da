//! The resolved scenario: included files merged, variables put in, defaults filled in, secrets as
//! `[redacted]`. Written as one line of JSON for the log, and as TOML that [`load`](crate::scenario::load()) reads
//! back. The keys are those of the file, in the order in which the README has them.
//!
//! Both are written from one tree, so that they cannot differ. A literal `${` is written `$${`.

mod expect;

use std::path::Path;

use crate::scenario::interval::Interval;
use crate::scenario::model::{
    Action, After, Arrivals, Auth, Body, Capture, CaptureFrom, Check, Command, Edges, Entry, Exits, FetchJob,
    FetchMode, Http2, Isolation, Load, Pace, Part, Players, Preset, PresetKind, Ready, ReadyBy, Scenario,
    StatusRule, Stdin, Text, Var, World,
};
use crate::scenario::rate::Ramp;
use crate::scenario::schema::numbers::written;
use crate::scenario::schema::times::human;
use crate::scenario::vars::template::{escaped, unescaped};
use crate::scenario::write::json::{Json, object};
use crate::scenario::write::toml_text::toml;
use scenario_log::time::Span;

/// The scenario as one line of JSON.
#[must_use]
pub fn to_json(scenario: &Scenario) -> String {
    tree(scenario, |_| true).line()
}

/// The scenario as a TOML file.
#[must_use]
pub fn to_toml(scenario: &Scenario) -> String {
    toml(tree(scenario, |_| true))
}

/// A scenario of [`to_json`] as the TOML file of [`to_toml`], which [`load`](crate::scenario::load()) reads: the way
/// back from a log. Where a secret was, `[redacted]` stands.
///
/// # Errors
///
/// If it is no JSON.
pub fn json_to_toml(json: &str) -> Result<String, serde_json::Error> {
    Json::parse(json).map(toml)
}

/// The scenario with nothing but one preset and an empty timeline, as a TOML file: what a sub-process
/// needs that plays it.
#[must_use]
pub fn preset_to_toml(scenario: &Scenario, preset: usize) -> String {
    let mut alone = Scenario { timeline: Vec::new(), fetches: Vec::new(), ..scenario.clone() };
    alone.vars.clear();
    alone.expect.clear();
    alone.world = None;
    toml(tree(&alone, |index| index == preset))
}

fn tree(scenario: &Scenario, keep: impl Fn(usize) -> bool) -> Json {
    let mut items = Items::default();
    items.put("name", escaped(&scenario.name));
    items.put_some("description", scenario.description.as_deref().map(escaped));
    items.put_some("seed", scenario.seed);
    items.put("tick", human(scenario.tick.unwrap_or_default()));
    items.put_some("time_limit", scenario.time_limit.map(human));
    items.put(
        "vars",
        Json::Object(scenario.vars.iter().map(|(name, var)| (name.clone(), variable(var))).collect()),
    );
    let presets = scenario.presets.iter().enumerate().filter(|(index, _)| keep(*index));
    items.put("presets", Json::Object(presets.map(|(_, one)| (one.name.clone(), preset(one))).collect()));
    items.put(
        "fetches",
        Json::Object(scenario.fetches.iter().map(|one| (one.name.clone(), fetch(one))).collect()),
    );
    items.put("timeline", Json::List(scenario.timeline.iter().map(|one| entry(scenario, one)).collect()));
    let expected: Vec<Json> = scenario.expect.iter().map(expect::expectation).collect();
    items.put_some("expect", (!expected.is_empty()).then_some(Json::List(expected)));
    let cells: Vec<_> =
        scenario.shared.iter().map(|(name, number)| (name.clone(), Json::Int(*number))).collect();
    items.put_some("shared", (!cells.is_empty()).then_some(Json::Object(cells)));
    items.put_some("world", scenario.world.as_ref().map(world));
    items.object()
}

fn world(world: &World) -> Json {
    let edges = match world.edges {
        Edges::Wrap => "wrap",
        Edges::Stop => "stop",
    };
    object([
        ("size", world.size.iter().map(|side| u64::from(*side)).collect()),
        ("edges", edges.into()),
        ("broadcast", span(world.broadcast.unwrap_or_default())),
    ])
}

/// Keys and values in order; what is not there is left out.
#[derive(Default)]
struct Items(Vec<(String, Json)>);

impl Items {
    fn put(&mut self, key: &str, value: impl Into<Json>) {
        self.0.push((key.to_owned(), value.into()));
    }

    fn put_some(&mut self, key: &str, value: Option<impl Into<Json>>) {
        if let Some(value) = value {
            self.put(key, value);
        }
    }

    fn object(self) -> Json {
        Json::Object(self.0)
    }
}

fn text(text: &Text) -> Json {
    Json::Text(text.template())
}

fn path(path: &Path) -> Json {
    Json::Text(escaped(&path.to_string_lossy()))
}

fn span(span: Span) -> Json {
    Json::Text(human(span))
}

fn variable(var: &Var) -> Json {
    match var {
        Var::Text(value) => text(value),
        Var::Integer(number) => Json::Int(*number),
        Var::Boolean(value) => Json::Bool(*value),
    }
}

fn interval(interval: &Interval) -> Json {
    match interval {
        Interval::Constant(constant) => span(*constant),
        Interval::Uniform { from, to } => format!("{}..{}", human(*from), human(*to)).into(),
        Interval::Exponential { mean } => object([("exponential", span(*mean))]),
        Interval::Normal { mean, sd } => {
            object([("normal", object([("mean", span(*mean)), ("sd", span(*sd))]))])
        }
        Interval::Choice(spans) => object([("choice", spans.iter().map(|one| span(*one)).collect())]),
    }
}

fn preset(preset: &Preset) -> Json {
    match &preset.kind {
        PresetKind::Players(players) => self::players(players),
        PresetKind::Command(command) => self::command(command),
    }
}

fn players(players: &Players) -> Json {
    let rows = players.groups.iter().map(|group| {
        let NamePatternText(name) = (&group.name).into();
        let mut items = Items::default();
        items.put("name", name);
        items.put("count", u64::from(group.count));
        match &group.part {
            Part::Moves { moves, every } => {
                items.put("moves", u64::from(*moves));
                items.put("every", interval(every));
            }
            Part::Steps(steps) => {
                items
                    .put("steps", steps.iter().map(|step| Json::Text(escaped(&step.text))).collect::<Json>());
            }
        }
        items.put("directions", group.directions.iter().map(|one| one.letter()).collect::<Json>());
        items.object()
    });
    let isolation = match players.isolation {
        Isolation::Task => "task",
        Isolation::Process => "process",
    };
    object([("players", rows.collect()), ("isolation", isolation.into())])
}

/// A pattern of names as a file has it.
struct NamePatternText(String);

impl From<&scenario_log::name::NamePattern> for NamePatternText {
    fn from(name: &scenario_log::name::NamePattern) -> NamePatternText {
        let number = if name.numbered { "{n}" } else { "" };
        NamePatternText(format!("{}{number}{}", name.prefix, name.suffix))
    }
}

fn command(command: &Command) -> Json {
    let mut items = Items::default();
    items.put("command", command.argv.iter().map(text).collect::<Json>());
    items.put_some("dir", command.dir.as_deref().map(path));
    let env = command.env.iter().map(|(name, value)| (name.clone(), text(value)));
    items.put("env", Json::Object(env.collect()));
    items.put("clear_env", command.clear_env);
    items.put(
        "stdin",
        match &command.stdin {
            Stdin::Null => "null".into(),
            Stdin::Open => "open".into(),
            Stdin::World => "world".into(),
            Stdin::Text(value) => object([("text", text(value))]),
            Stdin::File(file) => object([("file", path(file))]),
        },
    );
    items.put_some("ready", command.ready.as_ref().map(ready));
    // Left out where it is not given: a log of before there was this key says the same.
    items.put_some("pty", command.pty.then_some(true));
    // No exit at all is expected of what is in the background, and has no form but to say nothing.
    items.put_some(
        "exits",
        match &command.exits {
            Exits::Codes(codes) if codes.is_empty() => None,
            Exits::Codes(codes) => Some(one_or_list(codes.iter().map(|code| u64::from(*code)).collect())),
            Exits::Any => Some("any".into()),
            Exits::Signal(signal) => Some(object([("signal", signal.to_string().into())])),
        },
    );
    items.put("background", command.background);
    let stop = [("signal", command.stop.signal.to_string().into()), ("grace", span(command.stop.grace))];
    items.put("stop", object(stop));
    items.put("max_line", written(command.max_line));
    items.object()
}

fn ready(ready: &Ready) -> Json {
    let by = match &ready.by {
        ReadyBy::Line(regex) => ("line", escaped(regex).into()),
        ReadyBy::Tcp(address) => ("tcp", text(address)),
        ReadyBy::Http(url) => ("http", text(url)),
    };
    object([by, ("timeout", span(ready.timeout)), ("poll", span(ready.poll))])
}

fn one_or_list(numbers: Vec<u64>) -> Json {
    match numbers[..] {
        [one] => one.into(),
        _ => numbers.into_iter().collect(),
    }
}

fn fetch(fetch: &FetchJob) -> Json {
    let mut items = Items::default();
    items.put("urls", fetch.urls.iter().map(text).collect::<Json>());
    // Neither goes with a load.
    if fetch.load.is_none() {
        items.put(
            "mode",
            match fetch.mode {
                FetchMode::Concurrent => "concurrent",
                FetchMode::Sequential => "sequential",
            },
        );
        items.put("lines", fetch.lines);
    }
    items.put("method", escaped(&fetch.method));
    let headers = fetch.headers.iter().map(|(name, value)| (name.clone(), text(value)));
    items.put("headers", Json::Object(headers.collect()));
    items.put_some("auth", fetch.auth.as_ref().map(auth));
    items.put_some(
        "body",
        fetch.body.as_ref().map(|body| match body {
            Body::Text(value) => object([("text", text(value))]),
            Body::File(file) => object([("file", path(file))]),
            Body::Form(fields) => object([("form", form(fields))]),
            Body::Json(json) => object([("json", template_json(json))]),
        }),
    );
    items.put("timeout", span(fetch.timeout));
    items.put("redirects", u64::from(fetch.redirects));
    items.put("retries", u64::from(fetch.retries));
    items.put(
        "status",
        match &fetch.status {
            StatusRule::Class(class) => format!("{class}xx").into(),
            StatusRule::Codes(codes) => one_or_list(codes.iter().map(|code| u64::from(*code)).collect()),
            StatusRule::Any => "any".into(),
        },
    );
    items.put("max_body", written(fetch.max_body));
    // Left out where it is not given, as are all keys that the first logs did not know.
    items.put_some("decode", fetch.decode.then_some(true));
    items.put_some("ca", fetch.ca.as_deref().map(path));
    items.put("insecure", fetch.insecure);
    items.put_some("proxy", fetch.proxy.as_ref().map(text));
    items.put_some("cert", fetch.client.as_ref().map(|client| path(&client.cert)));
    items.put_some("key", fetch.client.as_ref().map(|client| path(&client.key)));
    items.put(
        "http2",
        match fetch.http2 {
            Http2::Auto => "auto",
            Http2::Always => "always",
            Http2::Never => "never",
        },
    );
    items.put_some("check", fetch.check.as_ref().map(check));
    let captures: Vec<_> = fetch.capture.iter().map(|one| (one.name.clone(), capture(one))).collect();
    items.put_some("capture", (!captures.is_empty()).then_some(Json::Object(captures)));
    if let Some(one) = &fetch.load {
        load(one, &mut items);
    }
    items.object()
}

fn load(load: &Load, items: &mut Items) {
    match &load.pace {
        Pace::Closed { connections } => items.put("connections", u64::from(*connections)),
        Pace::Open { rate, .. } => items.put("rate", ramp(rate)),
    }
    items.put_some("requests", load.requests);
    items.put_some("for", load.within.map(human));
    if let Pace::Open { arrivals, most, .. } = &load.pace {
        items.put(
            "arrivals",
            match arrivals {
                Arrivals::Constant => "constant",
                Arrivals::Poisson => "poisson",
            },
        );
        items.put("max_connections", u64::from(*most));
    }
}

fn ramp(ramp: &Ramp) -> Json {
    if let Some(rate) = ramp.as_constant() {
        return rate.written().into();
    }
    let points = ramp.points().iter();
    points.map(|point| object([("at", span(point.at)), ("to", point.to.written().into())])).collect()
}

fn auth(auth: &Auth) -> Json {
    match auth {
        Auth::Basic { user, password } => {
            object([("basic", object([("user", text(user)), ("password", text(password))]))])
        }
        Auth::Bearer(token) => object([("bearer", text(token))]),
    }
}

fn check(check: &Check) -> Json {
    let mut items = Items::default();
    items.put_some("text", check.text.as_deref().map(escaped));
    items.put_some(
        "json",
        check.json.as_ref().map(|values| {
            let values = values.iter().map(|(place, value)| (place.clone(), template_json(value)));
            Json::Object(values.collect())
        }),
    );
    let hex = |digest: [u8; 32]| digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    items.put_some("sha256", check.sha256.map(hex));
    items.object()
}

fn capture(capture: &Capture) -> Json {
    let from = match &capture.from {
        CaptureFrom::Json(place) => ("json", escaped(place).into()),
        CaptureFrom::Text(regex) => ("text", escaped(regex).into()),
        CaptureFrom::Header(name) => ("header", escaped(name).into()),
    };
    object([from, ("secret", capture.secret.into())])
}

/// Fields by name, those of one name as a list.
fn form(fields: &[(String, Text)]) -> Json {
    let groups = fields.chunk_by(|one, next| one.0 == next.0).map(|group| {
        let value = match group {
            [(_, value)] => text(value),
            values => values.iter().map(|(_, value)| text(value)).collect(),
        };
        (group[0].0.clone(), value)
    });
    Json::Object(groups.collect())
}

/// A JSON text as a tree whose strings are templates.
fn template_json(json: &Text) -> Json {
    fn keys(json: Json) -> Json {
        match json {
            Json::List(items) => Json::List(items.into_iter().map(keys).collect()),
            Json::Object(items) => {
                Json::Object(items.into_iter().map(|(key, value)| (unescaped(&key), keys(value))).collect())
            }
            other => other,
        }
    }
    // What the model holds was written by us, so that it can be read.
    keys(Json::parse(&json.template()).unwrap_or(Json::Null))
}

fn entry(scenario: &Scenario, entry: &Entry) -> Json {
    let id = |index: &usize| {
        let id = scenario.timeline.get(*index).and_then(|entry| entry.id.clone());
        id.unwrap_or_default()
    };
    let mut items = Items::default();
    items.put_some("id", entry.id.clone());
    items.put("at", span(entry.at));
    items.put_some(
        "after",
        entry.after.as_ref().map(|after| match after {
            After::Started(index) => format!("{}.started", id(index)).into(),
            After::Ready(index) => format!("{}.ready", id(index)).into(),
            After::Finished(index) => format!("{}.finished", id(index)).into(),
            After::Line { regex, of, timeout } => {
                object([("line", escaped(regex).into()), ("of", id(of).into()), ("timeout", span(*timeout))])
            }
        }),
    );
    match &entry.action {
        Action::Spawn(preset) => {
            items.put_some("spawn", scenario.presets.get(*preset).map(|one| one.name.clone()))
        }
        Action::Fetch(fetch) => {
            items.put_some("fetch", scenario.fetches.get(*fetch).map(|one| one.name.clone()))
        }
        Action::Stop(index) => items.put("stop", id(index)),
        Action::Send { to, text: line } => {
            items.put("send", object([("to", id(to).into()), ("text", text(line))]))
        }
        Action::Mark(mark) => items.put("mark", text(mark)),
    }
    items.put("count", u64::from(entry.count));
    if let Some(repeat) = &entry.repeat {
        items.put("every", interval(&repeat.every));
        items.put_some("times", repeat.times);
        items.put_some("for", repeat.within.map(human));
    }
    items.object()
}
