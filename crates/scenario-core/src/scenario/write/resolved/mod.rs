//! The resolved scenario: included files merged, variables put in, defaults filled in, secrets as
//! `[redacted]`. Written as one line of JSON for the log, and as TOML that [`load`](crate::scenario::load()) reads
//! back. The keys are those of the file, in the order in which the README has them.
//!
//! Both are written from one tree, so that they cannot differ. A literal `${` is written `$${`.

mod expect;

use std::path::Path;

use crate::scenario::format::{format_size, format_span};
use crate::scenario::interval::Interval;
use crate::scenario::model::{
    ArrivalProcess, CaptureSelector, CommandPreset, EntryAction, EntryTrigger, ExitRule, FetchAuth,
    FetchBody, FetchCapture, FetchCheck, FetchJob, FetchMode, Http2Mode, Isolation, LoadModel, LoadProfile,
    PlayerBehavior, PlayersPreset, Preset, PresetKind, ReadinessRule, ReadinessTest, Scenario, ScenarioText,
    StatusRule, StdinMode, TimelineEntry, VarValue, WorldEdges, WorldRules,
};
use crate::scenario::rate::Ramp;
use crate::scenario::vars::template::{escape, unescape};
use crate::scenario::write::json::{Json, object};
use crate::scenario::write::toml_writer::render_toml;
use scenario_log::time::Span;

/// The scenario as one line of JSON.
#[must_use]
pub fn to_json(scenario: &Scenario) -> String {
    scenario_tree(scenario, |_| true).to_line()
}

/// The scenario as a TOML file.
#[must_use]
pub fn to_toml(scenario: &Scenario) -> String {
    render_toml(scenario_tree(scenario, |_| true))
}

/// A scenario of [`to_json`] as the TOML file of [`to_toml`], which [`load`](crate::scenario::load()) reads: the way
/// back from a log. Where a secret was, `[redacted]` stands.
///
/// # Errors
///
/// If it is no JSON.
pub fn json_to_toml(json: &str) -> Result<String, serde_json::Error> {
    Json::parse(json).map(render_toml)
}

/// The scenario with nothing but one preset and an empty timeline, as a TOML file: what a sub-process
/// needs that plays it.
#[must_use]
pub fn preset_to_toml(scenario: &Scenario, preset: usize) -> String {
    let mut alone = Scenario { timeline: Vec::new(), fetches: Vec::new(), ..scenario.clone() };
    alone.vars.clear();
    alone.expectations.clear();
    alone.world = None;
    render_toml(scenario_tree(&alone, |index| index == preset))
}

fn scenario_tree(scenario: &Scenario, keep: impl Fn(usize) -> bool) -> Json {
    let mut items = JsonObjectBuilder::default();
    items.put("name", escape(&scenario.name));
    items.put_some("description", scenario.description.as_deref().map(escape));
    items.put_some("seed", scenario.seed);
    items.put("tick", format_span(scenario.tick.unwrap_or_default()));
    items.put_some("time_limit", scenario.time_limit.map(format_span));
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
    let expected: Vec<Json> = scenario.expectations.iter().map(expect::expectation_json).collect();
    items.put_some("expect", (!expected.is_empty()).then_some(Json::List(expected)));
    let cells: Vec<_> =
        scenario.shared_cells.iter().map(|(name, number)| (name.clone(), Json::Int(*number))).collect();
    items.put_some("shared", (!cells.is_empty()).then_some(Json::Object(cells)));
    items.put_some("world", scenario.world.as_ref().map(world));
    items.build()
}

fn world(world: &WorldRules) -> Json {
    let edges = match world.edges {
        WorldEdges::Wrap => "wrap",
        WorldEdges::Stop => "stop",
    };
    object([
        ("size", world.size.iter().map(|side| u64::from(*side)).collect()),
        ("edges", edges.into()),
        ("broadcast", span(world.broadcast.unwrap_or_default())),
    ])
}

/// Keys and values in order; what is not there is left out.
#[derive(Default)]
struct JsonObjectBuilder(Vec<(String, Json)>);

impl JsonObjectBuilder {
    fn put(&mut self, key: &str, value: impl Into<Json>) {
        self.0.push((key.to_owned(), value.into()));
    }

    fn put_some(&mut self, key: &str, value: Option<impl Into<Json>>) {
        if let Some(value) = value {
            self.put(key, value);
        }
    }

    fn build(self) -> Json {
        Json::Object(self.0)
    }
}

fn text(text: &ScenarioText) -> Json {
    Json::Text(text.to_display_template())
}

fn path(path: &Path) -> Json {
    Json::Text(escape(&path.to_string_lossy()))
}

fn span(span: Span) -> Json {
    Json::Text(format_span(span))
}

fn variable(var: &VarValue) -> Json {
    match var {
        VarValue::Text(value) => text(value),
        VarValue::Integer(number) => Json::Int(*number),
        VarValue::Boolean(value) => Json::Bool(*value),
    }
}

fn interval(interval: &Interval) -> Json {
    match interval {
        Interval::Constant(constant) => span(*constant),
        Interval::Uniform { from, to } => format!("{}..{}", format_span(*from), format_span(*to)).into(),
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

fn players(players: &PlayersPreset) -> Json {
    let rows = players.groups.iter().map(|group| {
        let NamePatternTemplate(name) = (&group.name).into();
        let mut items = JsonObjectBuilder::default();
        items.put("name", name);
        items.put("count", u64::from(group.count));
        match &group.behavior {
            PlayerBehavior::Moves { moves, every } => {
                items.put("moves", u64::from(*moves));
                items.put("every", interval(every));
            }
            PlayerBehavior::Steps(steps) => {
                items.put("steps", steps.iter().map(|step| Json::Text(escape(&step.text))).collect::<Json>());
            }
        }
        items.put("directions", group.directions.iter().map(|one| one.letter()).collect::<Json>());
        items.build()
    });
    let isolation = match players.isolation {
        Isolation::Task => "task",
        Isolation::Process => "process",
    };
    object([("players", rows.collect()), ("isolation", isolation.into())])
}

/// A pattern of names as a file has it.
struct NamePatternTemplate(String);

impl From<&scenario_log::name::NamePattern> for NamePatternTemplate {
    fn from(name: &scenario_log::name::NamePattern) -> NamePatternTemplate {
        let number = if name.numbered { "{n}" } else { "" };
        NamePatternTemplate(format!("{}{number}{}", name.prefix, name.suffix))
    }
}

fn command(command: &CommandPreset) -> Json {
    let mut items = JsonObjectBuilder::default();
    items.put("command", command.argv.iter().map(text).collect::<Json>());
    items.put_some("dir", command.dir.as_deref().map(path));
    let env = command.env.iter().map(|(name, value)| (name.clone(), text(value)));
    items.put("env", Json::Object(env.collect()));
    items.put("clear_env", command.clear_env);
    items.put(
        "stdin",
        match &command.stdin {
            StdinMode::Null => "null".into(),
            StdinMode::Open => "open".into(),
            StdinMode::World => "world".into(),
            StdinMode::Text(value) => object([("text", text(value))]),
            StdinMode::File(file) => object([("file", path(file))]),
        },
    );
    items.put_some("ready", command.ready.as_ref().map(ready));
    // Left out where it is not given: a log of before there was this key says the same.
    items.put_some("pty", command.pty.then_some(true));
    // No exit at all is expected of what is in the background, and has no form but to say nothing.
    items.put_some(
        "exits",
        match &command.exits {
            ExitRule::Codes(codes) if codes.is_empty() => None,
            ExitRule::Codes(codes) => Some(one_or_list(codes.iter().map(|code| u64::from(*code)).collect())),
            ExitRule::Any => Some("any".into()),
            ExitRule::Signal(signal) => Some(object([("signal", signal.to_string().into())])),
        },
    );
    items.put("background", command.background);
    let stop = [("signal", command.stop.signal.to_string().into()), ("grace", span(command.stop.grace))];
    items.put("stop", object(stop));
    items.put("max_line", format_size(command.max_line));
    items.build()
}

fn ready(ready: &ReadinessRule) -> Json {
    let by = match &ready.test {
        ReadinessTest::Line(regex) => ("line", escape(regex).into()),
        ReadinessTest::Tcp(address) => ("tcp", text(address)),
        ReadinessTest::Http(url) => ("http", text(url)),
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
    let mut items = JsonObjectBuilder::default();
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
        items.put("lines", fetch.log_lines);
    }
    items.put("method", escape(&fetch.method));
    let headers = fetch.headers.iter().map(|(name, value)| (name.clone(), text(value)));
    items.put("headers", Json::Object(headers.collect()));
    items.put_some("auth", fetch.auth.as_ref().map(auth));
    items.put_some(
        "body",
        fetch.body.as_ref().map(|body| match body {
            FetchBody::Text(value) => object([("text", text(value))]),
            FetchBody::File(file) => object([("file", path(file))]),
            FetchBody::Form(fields) => object([("form", form(fields))]),
            FetchBody::Json(json) => object([("json", template_json(json))]),
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
    items.put("max_body", format_size(fetch.max_body));
    // Left out where it is not given, as are all keys that the first logs did not know.
    items.put_some("decode", fetch.decode_body.then_some(true));
    items.put_some("ca", fetch.ca.as_deref().map(path));
    items.put("insecure", fetch.insecure);
    items.put_some("proxy", fetch.proxy.as_ref().map(text));
    items.put_some("cert", fetch.client_cert.as_ref().map(|client| path(&client.cert)));
    items.put_some("key", fetch.client_cert.as_ref().map(|client| path(&client.key)));
    items.put(
        "http2",
        match fetch.http2 {
            Http2Mode::Auto => "auto",
            Http2Mode::Always => "always",
            Http2Mode::Never => "never",
        },
    );
    items.put_some("check", fetch.check.as_ref().map(check));
    let captures: Vec<_> = fetch.captures.iter().map(|one| (one.name.clone(), capture(one))).collect();
    items.put_some("capture", (!captures.is_empty()).then_some(Json::Object(captures)));
    if let Some(one) = &fetch.load {
        load(one, &mut items);
    }
    items.build()
}

fn load(load: &LoadProfile, items: &mut JsonObjectBuilder) {
    match &load.model {
        LoadModel::Closed { connections } => items.put("connections", u64::from(*connections)),
        LoadModel::Open { rate, .. } => items.put("rate", ramp(rate)),
    }
    items.put_some("requests", load.max_requests);
    items.put_some("for", load.duration.map(format_span));
    if let LoadModel::Open { arrivals, max_connections: most, .. } = &load.model {
        items.put(
            "arrivals",
            match arrivals {
                ArrivalProcess::Constant => "constant",
                ArrivalProcess::Poisson => "poisson",
            },
        );
        items.put("max_connections", u64::from(*most));
    }
}

fn ramp(ramp: &Ramp) -> Json {
    if let Some(rate) = ramp.as_constant() {
        return rate.to_file_text().into();
    }
    let points = ramp.points().iter();
    points.map(|point| object([("at", span(point.at)), ("to", point.rate.to_file_text().into())])).collect()
}

fn auth(auth: &FetchAuth) -> Json {
    match auth {
        FetchAuth::Basic { user, password } => {
            object([("basic", object([("user", text(user)), ("password", text(password))]))])
        }
        FetchAuth::Bearer(token) => object([("bearer", text(token))]),
    }
}

fn check(check: &FetchCheck) -> Json {
    let mut items = JsonObjectBuilder::default();
    items.put_some("text", check.text.as_deref().map(escape));
    items.put_some(
        "json",
        check.json.as_ref().map(|values| {
            let values = values.iter().map(|(place, value)| (place.clone(), template_json(value)));
            Json::Object(values.collect())
        }),
    );
    let hex = |digest: [u8; 32]| digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    items.put_some("sha256", check.sha256.map(hex));
    items.build()
}

fn capture(capture: &FetchCapture) -> Json {
    let from = match &capture.selector {
        CaptureSelector::Json(place) => ("json", escape(place).into()),
        CaptureSelector::Text(regex) => ("text", escape(regex).into()),
        CaptureSelector::Header(name) => ("header", escape(name).into()),
    };
    object([from, ("secret", capture.secret.into())])
}

/// Fields by name, those of one name as a list.
fn form(fields: &[(String, ScenarioText)]) -> Json {
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
fn template_json(json: &ScenarioText) -> Json {
    fn keys(json: Json) -> Json {
        match json {
            Json::List(items) => Json::List(items.into_iter().map(keys).collect()),
            Json::Object(items) => {
                Json::Object(items.into_iter().map(|(key, value)| (unescape(&key), keys(value))).collect())
            }
            other => other,
        }
    }
    // What the model holds was written by us, so that it can be read.
    keys(Json::parse(&json.to_display_template()).unwrap_or(Json::Null))
}

fn entry(scenario: &Scenario, entry: &TimelineEntry) -> Json {
    let id = |index: &usize| {
        let id = scenario.timeline.get(*index).and_then(|entry| entry.id.clone());
        id.unwrap_or_default()
    };
    let mut items = JsonObjectBuilder::default();
    items.put_some("id", entry.id.clone());
    items.put("at", span(entry.at));
    items.put_some(
        "after",
        entry.trigger.as_ref().map(|after| match after {
            EntryTrigger::Started(index) => format!("{}.started", id(index)).into(),
            EntryTrigger::Ready(index) => format!("{}.ready", id(index)).into(),
            EntryTrigger::Finished(index) => format!("{}.finished", id(index)).into(),
            EntryTrigger::Line { regex, of, timeout } => {
                object([("line", escape(regex).into()), ("of", id(of).into()), ("timeout", span(*timeout))])
            }
        }),
    );
    match &entry.action {
        EntryAction::Spawn(preset) => {
            items.put_some("spawn", scenario.presets.get(*preset).map(|one| one.name.clone()))
        }
        EntryAction::Fetch(fetch) => {
            items.put_some("fetch", scenario.fetches.get(*fetch).map(|one| one.name.clone()))
        }
        EntryAction::Stop(index) => items.put("stop", id(index)),
        EntryAction::Send { to, text: line } => {
            items.put("send", object([("to", id(to).into()), ("text", text(line))]))
        }
        EntryAction::Mark(mark) => items.put("mark", text(mark)),
    }
    items.put("count", u64::from(entry.count));
    if let Some(repeat) = &entry.repeat {
        items.put("every", interval(&repeat.every));
        items.put_some("times", repeat.times);
        items.put_some("for", repeat.duration.map(format_span));
    }
    items.build()
}
