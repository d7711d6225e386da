//! The tables of a scenario file, one [`table!`] each. A row is a key in all that it means: its type,
//! its default, its description in the schema, and how the checked model's value is written again.
//! Names are not looked up here.

use crate::scenario::format::format_size;
use crate::scenario::interval::Interval;
use crate::scenario::model::expect::{
    Expectation, ExpectationRule, ExpectationTarget, LimitComparison, LimitValue, OrderRule, StatThreshold,
    Statistic,
};
use crate::scenario::model::{
    ArrivalProcess, EntryAction, EntryTrigger, ExitRule, FetchAuth, FetchBody, FetchCheck, FetchJob,
    FetchMode, Http2Mode, Isolation, LoadModel, PlayerBehavior, PlayerGroup, Preset, ReadinessRule,
    ReadinessTest, Scenario, ScenarioText, StatusRule, StdinMode, StopPolicy, TimelineEntry, WorldEdges,
    WorldRules,
};
use crate::scenario::rate::Ramp;
use crate::scenario::schema::after::{LineTriggerTable, RawTrigger, RawVar};
use crate::scenario::schema::capture::{CaptureTable, RawCapture};
use crate::scenario::schema::collections::{ListOf, NamedTable, PairOf};
use crate::scenario::schema::durations::DurationValue;
use crate::scenario::schema::encode::{encode_named, unless_empty};
use crate::scenario::schema::expect::{RawKeyMatchers, RawLimit};
use crate::scenario::schema::key_rules::{EnvNameRule, HeaderNameRule, JobNameRule, VarNameRule};
use crate::scenario::schema::numbers::{BoundedInt, ByteSize};
use crate::scenario::schema::steps::RawStep;
use crate::scenario::schema::strings::{
    DeferredText, EntryIdText, HeaderValueText, HttpMethod, IncludePath, NulFreeText, PlayerNamePattern,
    PublicString, RegexText, ScenarioPath,
};
use crate::scenario::schema::table::{TableRule, table};
use crate::scenario::write::json::Json;
use scenario_log::event::Direction;
use scenario_log::signal::Signal;

/// An integer that fits 32 bits.
pub(crate) type BoundedU32<const LEAST: i64> = BoundedInt<LEAST, { u32::MAX as i64 }>;

/// Cells by name, with what they hold at first.
pub(crate) type RawSharedCells = NamedTable<BoundedInt<{ i64::MIN }, { i64::MAX }>, VarNameRule>;

/// The most that an entry starts at once.
pub(crate) const MAX_ENTRY_COUNT: i64 = 1_000_000;

/// The most repetitions of an entry.
pub(crate) const MAX_ENTRY_REPEATS: i64 = 1_000_000_000;

/// The most requests of a load job.
pub(crate) const MAX_LOAD_REQUESTS: i64 = 1_000_000_000;

/// The most connections of a load job.
pub(crate) const MAX_LOAD_CONNECTIONS: i64 = 50_000;

/// How wide and how high a world is at most.
pub(crate) const MAX_WORLD_SIDE: i64 = 10_000;

/// The most players of a preset.
pub(crate) const MAX_PLAYERS_IN_PRESET: i64 = 100_000_000;

table! {
    /// A scenario: players, programs and HTTP fetches on one timeline.
    RawScenario is "a scenario" from (Scenario) with [] {
        /// The name of the scenario, for people and reports. Default: the file's name without its extension.
        "name" name: PublicString => |one| &one.name,
        /// A description of the scenario, for people and reports.
        "description" description: PublicString => |one| one.description.as_deref(),
        /// The seed that every random draw of the run comes from; `--seed` overrides it. Default: a seed is
        /// drawn, shown and logged.
        "seed" seed: BoundedInt<0, { i64::MAX }> => |one| one.seed,
        /// The period of the event `clock.tick`, as a duration; the first tick is at 0. `"0s"` turns the
        /// ticks off.
        "tick" tick: DurationValue = "1s" => |one| one.tick.unwrap_or_default(),
        /// The longest that the run may take, as a duration; after it everything is stopped, and the run
        /// has failed. Default: no limit.
        "time_limit" time_limit: DurationValue<true> => |one| one.time_limit,
        /// Paths of files that add `presets`, `fetches` and `vars`, relative to this file. A name may be
        /// defined only once.
        "include" include: ListOf<IncludePath, 0>,
        /// Variables by name: `${name}` in any string is replaced by the value, and `--var name=value`
        /// overrides it. `${env:NAME}` reads the environment; `$${` is a literal `${`.
        "vars" vars: NamedTable<RawVar, VarNameRule> => |one| {
            encode_named(one.vars.iter().map(|(name, value)| (&**name, value)))
        },
        /// The presets by name: groups of players or programs that the timeline can spawn.
        "presets" presets: NamedTable<RawPreset, JobNameRule> => |one| {
            encode_named(one.presets.iter().map(|preset| (&*preset.name, RawPreset::write(preset))))
        },
        /// The fetches by name: HTTP requests, or loads of them, that the timeline can start.
        "fetches" fetches: NamedTable<RawFetchJob, JobNameRule> => |one| {
            encode_named(one.fetches.iter().map(|job| (&*job.name, RawFetchJob::write(job))))
        },
        /// The entries of the timeline, in any order: each says what happens, and when.
        "timeline" timeline: ListOf<RawTimelineEntry, 0> => |one| {
            let entries = one.timeline.iter().map(|entry| EntryOfScenario { scenario: one, entry });
            entries.map(|entry| RawTimelineEntry::write(&entry)).collect::<Json>()
        },
        /// The expectations: conditions on the events of the run, checked when it ends. A missed one fails
        /// the run.
        "expect" expect: ListOf<RawExpectation, 0> => |one| {
            unless_empty(one.expectations.iter().map(RawExpectation::write).collect())
        },
        /// Cells that players load and store in their `steps`, by name, with the integer that each holds at
        /// first.
        "shared" shared: RawSharedCells => |one| {
            unless_empty(encode_named(one.shared_cells.iter().map(|(name, value)| (&**name, *value))))
        },
        /// The world: a grid in which each player has a place. Default: there is no world.
        "world" world: RawWorld => |one| one.world.as_ref().map(RawWorld::write),
    }
}

table! {
    /// A file that another file includes.
    RawIncludedFile is "an included file" with [] {
        /// Paths of files that add `presets`, `fetches` and `vars`, relative to this file. A name may be
        /// defined only once.
        "include" include: ListOf<IncludePath, 0>,
        /// Variables by name, which hold in all files of the scenario.
        "vars" vars: NamedTable<RawVar, VarNameRule>,
        /// The presets by name: groups of players or programs that the timeline can spawn.
        "presets" presets: NamedTable<RawPreset, JobNameRule>,
        /// The fetches by name: HTTP requests, or loads of them, that the timeline can start.
        "fetches" fetches: NamedTable<RawFetchJob, JobNameRule>,
    }
}

table! {
    /// A preset: players or a program that the timeline can spawn. It has exactly one of `players` and
    /// `command`.
    RawPreset is "a preset" from (Preset) with [
        TableRule::ExactlyOne(&["players", "command"]),
        TableRule::Needs("isolation", "players"),
        TableRule::Needs("dir", "command"),
        TableRule::Needs("env", "command"),
        TableRule::Needs("clear_env", "command"),
        TableRule::Needs("stdin", "command"),
        TableRule::Needs("ready", "command"),
        TableRule::Needs("pty", "command"),
        TableRule::Needs("exits", "command"),
        TableRule::Needs("background", "command"),
        TableRule::Needs("stop", "command"),
        TableRule::Needs("max_line", "command"),
    ] {
        /// The players that the runner plays, all at the same time; each row is one player or many that
        /// differ only in their name.
        "players" players: ListOf<RawPlayerGroup, 1> => |preset| {
            Some(preset.players()?.groups.iter().map(RawPlayerGroup::write).collect::<Json>())
        },
        /// Where the players are played: `"task"`, in the runner itself, or `"process"`, in a sub-process
        /// of the runner's own binary, whose output lines are the moves.
        "isolation" isolation: Isolation = "task" => |preset| Some(preset.players()?.isolation),
        /// The program and its arguments, as a list of strings; no shell is involved.
        "command" command: ListOf<NulFreeText, 1> => |preset| {
            Some(preset.command()?.argv.iter().collect::<Vec<_>>())
        },
        /// The working directory of the program, relative to this file. Default: the folder of this file.
        "dir" dir: ScenarioPath => |preset| Some(preset.command()?.dir.as_deref()),
        /// Environment variables of the program by name, set on top of the runner's environment.
        "env" env: NamedTable<NulFreeText, EnvNameRule> => |preset| {
            Some(encode_named(preset.command()?.env.iter().map(|(name, value)| (&**name, value))))
        },
        /// Whether the program starts with an empty environment, with nothing but the variables of `env`,
        /// instead of the runner's.
        "clear_env" clear_env: bool = false => |preset| Some(preset.command()?.clear_env),
        /// The standard input of the program: `"null"` (end of file at once), `"open"` (the lines of
        /// `send`), `"world"` (the states of the world), `{ text = "…" }` or `{ file = "…" }`.
        "stdin" stdin: StdinMode = "null" => |preset| Some(&preset.command()?.stdin),
        /// The condition on which the program counts as ready. Default: it is ready when it has started.
        "ready" ready: RawReady => |preset| Some(preset.command()?.ready.as_ref().map(RawReady::write)),
        /// Whether the program gets a pseudo-terminal of its own; its stdout and stderr are then one stream.
        "pty" pty: bool = false => |preset| Some(preset.command()?.pty); UnlessDefault,
        /// The exits that do not fail the run: an exit code from 0 to 255, a list of them, `"any"`, or `{
        /// signal = "TERM" }`. With `background = true` the default does not hold: any exit before the end
        /// of the run fails it.
        "exits" exits: ExitRule = 0 => |preset| Some(&preset.command()?.exits),
        /// Whether the program runs in the background: the run does not wait for it, and stops it at the end.
        "background" background: bool = false => |preset| Some(preset.command()?.background),
        /// How the program is stopped. Default: the signal `TERM`, and `KILL` after a grace of 5 seconds.
        "stop" stop: RawStop => |preset| Some(RawStop::write(&preset.command()?.stop)),
        /// The longest line of output that is logged in one piece, as a size of at most `"8MiB"`; a longer
        /// line is logged in parts, and nothing of it is lost.
        "max_line" max_line: ByteSize<1> = "64KiB" => |preset| Some(format_size(preset.command()?.max_line)),
    }
}

table! {
    /// A player, or many players that differ only in their name. It has either `moves` and `every`, or
    /// `steps`.
    RawPlayerGroup is "a player" from (PlayerGroup) like "{ name = \"john\", moves = 3, every = \"0s..800ms\" }" with [
        TableRule::Required("name", "name = \"john\""),
        TableRule::RequiredUnless("moves", "moves = 3", "steps"),
        TableRule::RequiredUnless("every", "every = \"0s..800ms\"", "steps"),
        TableRule::Excludes("steps", "moves"),
        TableRule::Excludes("steps", "every"),
    ] {
        /// The name of the player. With a `count` over 1, `{n}` in the name becomes a number from 1 to
        /// `count`; without `{n}`, `-1` to `-count` is appended.
        "name" name: PlayerNamePattern => |group| &group.name,
        /// The number of players of this kind, from 1 to 100,000,000.
        "count" count: BoundedInt<1, MAX_PLAYERS_IN_PRESET> = 1 => |group| group.count,
        /// The number of moves that each player makes.
        "moves" moves: BoundedU32<0> => |group| moves_of(group).map(|(moves, _)| moves),
        /// The wait after each move: a duration, or an interval such as `"0s..800ms"` that is drawn anew
        /// for each wait.
        "every" every: Interval => |group| moves_of(group).map(|(_, every)| every),
        /// The steps that each player takes one after the other, instead of `moves` and `every`.
        "steps" steps: ListOf<RawStep, 1> => |group| match &group.behavior {
            PlayerBehavior::Steps(steps) => Some(steps.iter().map(|step| &step.text).collect::<Vec<_>>()),
            PlayerBehavior::Moves { .. } => None,
        },
        /// The directions of the moves; each move is drawn from them with equal chance.
        "directions" directions: ListOf<Direction, 1> = ["N", "S", "E", "W"] => |group| group.directions.clone(),
    }
}

table! {
    /// The condition on which a program counts as ready. It has exactly one of `line`, `tcp` and `http`.
    RawReady is "`ready`" from (ReadinessRule) with [TableRule::ExactlyOne(&["line", "tcp", "http"])] {
        /// A regular expression: the program is ready with the first line of its output that matches.
        "line" line: RegexText => |ready| match &ready.test {
            ReadinessTest::Line(regex) => Some(regex),
            _ => None,
        },
        /// An address `host:port`: the program is ready when a connection to it succeeds.
        "tcp" tcp: ScenarioText => |ready| match &ready.test {
            ReadinessTest::Tcp(address) => Some(address),
            _ => None,
        },
        /// A URL: the program is ready when a request to it is answered with a status 2xx or 3xx.
        "http" http: ScenarioText => |ready| match &ready.test {
            ReadinessTest::Http(url) => Some(url),
            _ => None,
        },
        /// How long the program may take to become ready, as a duration from its start; if it takes longer,
        /// the run has failed.
        "timeout" timeout: DurationValue<true> = "30s" => |ready| ready.timeout,
        /// The pause between two attempts of `tcp` or `http`, as a duration.
        "poll" poll: DurationValue<true> = "100ms" => |ready| ready.poll,
    }
}

table! {
    /// How a program is stopped: its whole process group gets a signal first, and then KILL.
    RawStop is "`stop`" from (StopPolicy) with [] {
        /// The name of the signal that is sent first.
        "signal" signal: Signal = "TERM" => |stop| stop.signal,
        /// How long the program may take to end after the signal, as a duration, before it is sent KILL.
        "grace" grace: DurationValue = "5s" => |stop| stop.grace,
    }
}

table! {
    /// An HTTP fetch: one request for each URL or, with `connections` or `rate`, a load of many requests.
    RawFetchJob is "a fetch" from (FetchJob) with [
        TableRule::Required("urls", "urls = [\"http://…\"]"),
        TableRule::Needs("cert", "key"),
        TableRule::Needs("key", "cert"),
        TableRule::Excludes("rate", "connections"),
        TableRule::NeedsAny("connections", &["requests", "for"]),
        TableRule::NeedsAny("rate", &["requests", "for"]),
        TableRule::NeedsAny("requests", &["connections", "rate"]),
        TableRule::NeedsAny("for", &["connections", "rate"]),
        TableRule::Needs("arrivals", "rate"),
        TableRule::Needs("max_connections", "rate"),
        TableRule::Excludes("mode", "connections"),
        TableRule::Excludes("mode", "rate"),
        TableRule::Excludes("lines", "connections"),
        TableRule::Excludes("lines", "rate"),
    ] {
        /// The URLs that are fetched, one or more; their scheme is `http`, `https` or `http+unix`.
        "urls" urls: ListOf<DeferredText, 1> => |job| job.urls.iter().collect::<Vec<_>>(),
        /// The order of the requests: `"concurrent"` starts all of them at once, `"sequential"` starts each
        /// after the one before it.
        "mode" mode: FetchMode = "concurrent" => |job| job.load.is_none().then_some(job.mode),
        /// Whether each line of the body is logged as it arrives; a line of more than 1 MiB is logged in
        /// pieces.
        "lines" lines: bool = false => |job| job.load.is_none().then_some(job.log_lines),
        /// The HTTP method of the request, in capitals.
        "method" method: HttpMethod = "GET" => |job| &job.method,
        /// The headers of the request by name.
        "headers" headers: NamedTable<HeaderValueText, HeaderNameRule> => |job| {
            encode_named(job.headers.iter().map(|(name, value)| (&**name, value)))
        },
        /// The credentials of the request: a user and a password, or a token. They are never logged, and
        /// are not sent to another host that a redirect leads to.
        "auth" auth: FetchAuth => |job| job.auth.as_ref(),
        /// The body of the request. Default: the request has no body.
        "body" body: FetchBody => |job| job.body.as_ref(),
        /// How long one attempt of a request may take, as a duration from its start to the last byte of the
        /// answer; a longer one fails as `timeout`.
        "timeout" timeout: DurationValue<true> = "30s" => |job| job.timeout,
        /// The largest number of redirects that a request follows.
        "redirects" redirects: BoundedU32<0> = 10 => |job| job.redirects,
        /// The largest number of further attempts after a request has failed.
        "retries" retries: BoundedU32<0> = 0 => |job| job.retries,
        /// The statuses that are expected: a class such as `"2xx"`, a status, a list of them, or `"any"`.
        /// Any other status fails the run.
        "status" status: StatusRule = "2xx" => |job| &job.status,
        /// The largest body that is accepted, as a size after decoding; a fetch with a larger one fails.
        "max_body" max_body: ByteSize<0> = "1GiB" => |job| format_size(job.max_body),
        /// Whether to ask for bodies encoded as gzip, deflate, br or zstd, and to decode them. Without it
        /// an encoded body is taken as it came.
        "decode" decode: bool = false => |job| job.decode_body; UnlessDefault,
        /// A PEM file with the certificates to trust instead of the system's, relative to this file.
        "ca" ca: ScenarioPath => |job| job.ca.as_deref(),
        /// Whether to trust any certificate of a server, whatever is wrong with it.
        "insecure" insecure: bool = false => |job| job.insecure,
        /// The URL of an HTTP proxy that the requests go through, such as `"http://127.0.0.1:3128"`. The
        /// proxies that the environment names are never used.
        "proxy" proxy: ScenarioText => |job| job.proxy.as_ref(),
        /// A PEM file with the certificate for servers that ask for one, relative to this file; it needs
        /// `key`.
        "cert" cert: ScenarioPath => |job| job.client_cert.as_ref().map(|client| &client.cert),
        /// A PEM file with the private key of `cert`, relative to this file.
        "key" key: ScenarioPath => |job| job.client_cert.as_ref().map(|client| &client.key),
        /// The version of HTTP: `"auto"` uses HTTP/2 where TLS agrees on it and HTTP/1.1 otherwise,
        /// `"always"` uses HTTP/2, `"never"` uses HTTP/1.1.
        "http2" http2: Http2Mode = "auto" => |job| job.http2,
        /// Conditions on an answer whose status is expected; an answer that does not meet them fails the run.
        "check" check: FetchCheck => |job| job.check.as_ref(),
        /// Values that are taken out of an answer whose status is expected, by name; `${name}` stands for
        /// the value in what comes later.
        "capture" capture: NamedTable<RawCapture, VarNameRule> => |job| {
            unless_empty(encode_named(job.captures.iter().map(|one| (&*one.name, CaptureTable::write(one)))))
        },
        /// A closed load: this many requests are in flight at a time, from 1 to 50,000, and each one that
        /// is answered is followed by the next. It needs `requests` or `for`.
        "connections" connections: BoundedInt<1, MAX_LOAD_CONNECTIONS> => |job| {
            match &job.load.as_ref()?.model {
                LoadModel::Closed { connections } => Some(*connections),
                LoadModel::Open { .. } => None,
            }
        },
        /// An open load: requests start at this rate, such as `"500/s"`, whatever the answers do. A list of
        /// points makes a rate that changes over time. It needs `requests` or `for`.
        "rate" rate: Ramp => |job| open_load(job).map(|(rate, _, _)| rate),
        /// The number of requests that a load makes in all, from 1 to 1,000,000,000.
        "requests" requests: BoundedInt<1, MAX_LOAD_REQUESTS> => |job| job.load.as_ref()?.max_requests,
        /// How long a load starts requests, as a duration from its own start.
        "for" within: DurationValue<true> => |job| job.load.as_ref()?.duration,
        /// How the requests of a `rate` are spread over time: `"constant"`, evenly, or `"poisson"`, each by
        /// chance.
        "arrivals" arrivals: ArrivalProcess = "constant" => |job| open_load(job).map(|(_, arrivals, _)| arrivals),
        /// The largest number of requests of a `rate` in flight at a time, from 1 to 50,000; a request that
        /// is due beyond it starts late.
        "max_connections" max_connections: BoundedInt<1, MAX_LOAD_CONNECTIONS> = 1_000 => |job| {
            open_load(job).map(|(_, _, most)| most)
        },
    }
}

table! {
    /// An entry of the timeline. It has exactly one action: `spawn`, `fetch`, `stop`, `send` or `mark`.
    RawTimelineEntry is "a timeline entry" from (EntryOfScenario<'_>) like "{ at = \"1s\", mark = \"now\" }" with [
        TableRule::ExactlyOne(&["spawn", "fetch", "stop", "send", "mark"]),
        TableRule::NeedsAny("every", &["times", "for"]),
        TableRule::Needs("times", "every"),
        TableRule::Needs("for", "every"),
    ] {
        /// The id of the entry, by which `after`, `stop`, `send` and reports name it.
        "id" id: EntryIdText => |of| of.entry.id.as_deref(),
        /// When it happens, as a duration from the run's start or, with `after`, from the moment of that
        /// entry.
        "at" at: DurationValue = "0s" => |of| of.entry.at,
        /// The moment that the entry waits for: `"ID.started"`, `"ID.ready"` or `"ID.finished"` of another
        /// entry, or a line of its output. Default: the start of the run.
        "after" after: RawTrigger => |of| of.trigger(),
        /// The action of starting a preset, by its name.
        "spawn" spawn: PublicString => |of| match of.entry.action {
            EntryAction::Spawn(preset) => of.scenario.presets.get(preset).map(|preset| &preset.name),
            _ => None,
        },
        /// The action of starting a fetch, by its name.
        "fetch" fetch: PublicString => |of| match of.entry.action {
            EntryAction::Fetch(job) => of.scenario.fetches.get(job).map(|job| &job.name),
            _ => None,
        },
        /// The action of stopping everything that another entry started, by the id of that entry.
        "stop" stop: PublicString => |of| match of.entry.action {
            EntryAction::Stop(entry) => Some(of.id(entry)),
            _ => None,
        },
        /// The action of writing a line to the program that another entry spawned.
        "send" send: RawSend => |of| match &of.entry.action {
            EntryAction::Send { to, text } => Some(RawSend::write(&(of.id(*to), text))),
            _ => None,
        },
        /// The action of noting a text in the log.
        "mark" mark: DeferredText => |of| match &of.entry.action {
            EntryAction::Mark(text) => Some(text),
            _ => None,
        },
        /// How often the action happens at the same moment, from 1 to 1,000,000.
        "count" count: BoundedInt<1, MAX_ENTRY_COUNT> = 1 => |of| of.entry.count,
        /// The time from one repetition of the entry to the next: a duration, or an interval that is drawn
        /// anew each time. It needs `times`, `for` or both.
        "every" every: Interval => |of| of.entry.repeat.as_ref().map(|repeat| &repeat.every),
        /// The number of times that the entry happens in all, from 1 to 1,000,000,000.
        "times" times: BoundedInt<1, MAX_ENTRY_REPEATS> => |of| of.entry.repeat.as_ref()?.times,
        /// How long the entry is repeated, as a duration from its first time; what would happen later does
        /// not.
        "for" within: DurationValue<true> => |of| of.entry.repeat.as_ref()?.duration,
    }
}

table! {
    /// A line that is written to a program.
    RawSend is "`send`" from ((&str, &ScenarioText)) with [
        TableRule::Required("to", "to = \"ID\""),
        TableRule::Required("text", "text = \"…\""),
    ] {
        /// The id of an entry that spawns a program with `stdin = "open"`.
        "to" to: PublicString => |(to, _)| *to,
        /// The text of the line, without its newline.
        "text" text: DeferredText => |(_, text)| *text,
    }
}

table! {
    /// A world: a grid in which each player has a place, drawn from the seed.
    RawWorld is "`world`" from (WorldRules) with [TableRule::Required("size", "size = [40, 20]")] {
        /// The width and the height of the world, each from 1 to 10,000. A move changes x (E, W) or y (S,
        /// N) by one.
        "size" size: PairOf<BoundedInt<1, MAX_WORLD_SIDE>> => |world| world.size.to_vec(),
        /// What happens to a player that walks beyond an edge: with `"wrap"` it comes in at the opposite
        /// edge, with `"stop"` it stays where it is.
        "edges" edges: WorldEdges = "wrap" => |world| world.edges,
        /// The period of the event `world.state`, as a duration; with `"0s"` the event comes after every
        /// move.
        "broadcast" broadcast: DurationValue = "1s" => |world| world.broadcast.unwrap_or_default(),
    }
}

table! {
    /// A condition on the events of the run. It has one limit, or `follows`, or nothing but `never = true`.
    RawExpectation is "an expectation" from (Expectation) like "{ of = \"spawn.failed\", equals = 0 }" with [
        TableRule::Required("of", "of = \"fetch.took\""),
        TableRule::OneUnlessTrue(&["below", "at_most", "equals", "at_least", "above", "follows"], "never"),
        TableRule::Needs("within", "follows"),
        TableRule::Excludes("stat", "follows"),
    ] {
        /// The name of the expectation, for reports and the log; it is unique. Default: the condition in
        /// words.
        "name" name: PublicString => |one| &one.name,
        /// The events that are counted, by the name of an event, or the value that is measured:
        /// `fetch.took`, `fetch.first_byte`, `fetch.bytes`, `spawn.took`, `lateness`, `run.took` or a cell,
        /// `shared.NAME`.
        "of" of: PublicString => |one| one.target.subject_name(),
        /// The name of a preset, a fetch or an entry: only its events count. Default: all events.
        "in" within_name: PublicString => |one| one.target.scope.as_ref().map(|scope| &scope.name),
        /// The values that an event must have to count, by the keys of the event; a text is matched by a
        /// regular expression. Default: all events.
        "where" values: RawKeyMatchers => |one| &one.target.key_matchers[..],
        /// The statistic that is compared with the limit: `"count"`, `"rate"` (a second), `"sum"`, `"min"`,
        /// `"mean"`, `"max"`, a percentile such as `"p95"`, or `"value"`. Default: `"count"` for events,
        /// `"value"` for `run.took` and for cells.
        "stat" stat: Statistic => |one| threshold(one).map(|rule| rule.stat),
        /// The limit that the statistic must be less than: a number, a duration, a size or a rate.
        "below" below: RawLimit => |one| limit(one, LimitComparison::Below),
        /// The limit that the statistic must not be more than: a number, a duration, a size or a rate.
        "at_most" at_most: RawLimit => |one| limit(one, LimitComparison::AtMost),
        /// The value that the statistic must be equal to: a number, a duration, a size or a rate.
        "equals" equals: RawLimit => |one| limit(one, LimitComparison::Equals),
        /// The limit that the statistic must not be less than: a number, a duration, a size or a rate.
        "at_least" at_least: RawLimit => |one| limit(one, LimitComparison::AtLeast),
        /// The limit that the statistic must be more than: a number, a duration, a size or a rate.
        "above" above: RawLimit => |one| limit(one, LimitComparison::Above),
        /// The events of which one must come before each event of `of`.
        "follows" follows: RawFollows => |one| order(one).map(|order| RawFollows::write(&order.follows)),
        /// The longest time from the last event of `follows` to the event that follows it, as a duration.
        /// Default: no limit.
        "within" within: DurationValue => |one| order(one)?.within,
        /// Whether the condition must not hold. Alone, without a limit or `follows`, it means that the
        /// events must not come.
        "never" never: bool = false => |one| one.never,
        /// Whether the run ends as soon as the expectation can no longer hold.
        "abort" abort: bool = false => |one| one.abort,
    }
}

table! {
    /// The events of which one must come before each event of the expectation.
    RawFollows is "`follows`" from (ExpectationTarget) with [TableRule::Required("of", "of = \"spawn.exited\"")] {
        /// The name of an event.
        "of" of: PublicString => |target| target.subject_name(),
        /// The name of a preset, a fetch or an entry: only its events count. Default: all events.
        "in" scope_name: PublicString => |target| target.scope.as_ref().map(|scope| &scope.name),
        /// The values that an event must have to count, by the keys of the event; a text is matched by a
        /// regular expression. Default: all events.
        "where" key_matchers: RawKeyMatchers => |target| &target.key_matchers[..],
    }
}

/// An entry of the timeline, with the scenario that knows the names of what it refers to.
pub(crate) struct EntryOfScenario<'a> {
    scenario: &'a Scenario,
    entry: &'a TimelineEntry,
}

impl<'a> EntryOfScenario<'a> {
    /// The id of another entry. An entry that is referred to has one.
    fn id(&self, index: usize) -> &'a str {
        self.scenario.timeline.get(index).and_then(|entry| entry.id.as_deref()).unwrap_or_default()
    }

    fn trigger(&self) -> Option<Json> {
        Some(match self.entry.trigger.as_ref()? {
            EntryTrigger::Started(index) => format!("{}.started", self.id(*index)).into(),
            EntryTrigger::Ready(index) => format!("{}.ready", self.id(*index)).into(),
            EntryTrigger::Finished(index) => format!("{}.finished", self.id(*index)).into(),
            EntryTrigger::Line { regex, of, timeout } => {
                LineTriggerTable::write(&(regex, self.id(*of), *timeout))
            }
        })
    }
}

fn moves_of(group: &PlayerGroup) -> Option<(u32, &Interval)> {
    match &group.behavior {
        PlayerBehavior::Moves { moves, every } => Some((*moves, every)),
        PlayerBehavior::Steps(_) => None,
    }
}

fn open_load(job: &FetchJob) -> Option<(&Ramp, ArrivalProcess, u32)> {
    match &job.load.as_ref()?.model {
        LoadModel::Open { rate, arrivals, max_connections } => Some((rate, *arrivals, *max_connections)),
        LoadModel::Closed { .. } => None,
    }
}

/// The threshold of an expectation, where the file has one: a bare `never` has none.
fn threshold(expectation: &Expectation) -> Option<&StatThreshold> {
    match &expectation.rule {
        ExpectationRule::Threshold(threshold) if !expectation.is_plain_never() => Some(threshold),
        _ => None,
    }
}

fn limit(expectation: &Expectation, comparison: LimitComparison) -> Option<LimitValue> {
    threshold(expectation).filter(|threshold| threshold.comparison == comparison).map(|one| one.limit)
}

fn order(expectation: &Expectation) -> Option<&OrderRule> {
    match &expectation.rule {
        ExpectationRule::Order(order) => Some(order),
        ExpectationRule::Threshold(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::schema::TomlSchema as _;

    #[test]
    fn every_default_is_a_value_of_its_key() {
        RawScenario::decode_defaults();
        LineTriggerTable::decode_defaults();
        CaptureTable::decode_defaults();
    }
}
