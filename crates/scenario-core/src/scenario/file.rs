//! The scenario file as it is written: its tables and their keys, one [`table!`] each, which is also
//! where the documentation of every key comes from. Names are not looked up here.

use crate::scenario::interval::Interval;
use crate::scenario::model::expect::Statistic;
use crate::scenario::model::{
    ArrivalProcess, ExitRule, FetchAuth, FetchBody, FetchCheck, FetchMode, Http2Mode, Isolation,
    ScenarioText, StatusRule, StdinMode, WorldEdges,
};
use crate::scenario::rate::Ramp;
use crate::scenario::schema::after::{RawTrigger, RawVar};
use crate::scenario::schema::capture::RawCapture;
use crate::scenario::schema::collections::{ListOf, NamedTable, PairOf};
use crate::scenario::schema::durations::DurationValue;
use crate::scenario::schema::expect::{RawKeyMatchers, RawLimit};
use crate::scenario::schema::key_rules::{EnvNameRule, HeaderNameRule, JobNameRule, VarNameRule};
use crate::scenario::schema::numbers::{BoundedInt, ByteSize};
use crate::scenario::schema::steps::RawStep;
use crate::scenario::schema::strings::{
    DeferredText, EntryIdText, HeaderValueText, HttpMethod, IncludePath, NulFreeText, PlayerNamePattern,
    PublicString, RegexText, ScenarioPath,
};
use crate::scenario::schema::table::{TableRule, table};
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
    RawScenario is "a scenario" with [] {
        /// For people and reports. Default: the file's stem.
        "name" name: PublicString,
        /// For people and reports.
        "description" description: PublicString,
        /// Every draw of the run comes from it; `--seed` goes before. Default: one is drawn, shown and logged.
        "seed" seed: BoundedInt<0, { i64::MAX }>,
        /// Period of `clock.tick`; the first is at 0. `"0s"` turns it off.
        "tick" tick: DurationValue = "1s",
        /// Past it everything is stopped and the run has failed. Default: none.
        "time_limit" time_limit: DurationValue<true>,
        /// Files that give `presets`, `fetches` and `vars`.
        "include" include: ListOf<IncludePath, 0>,
        /// Put into any string by `${name}`; `--var name=value` goes before. `${env:NAME}` reads the environment; `$${` is a literal `${`.
        "vars" vars: NamedTable<RawVar, VarNameRule>,
        /// What can be spawned, by name.
        "presets" presets: NamedTable<RawPreset, JobNameRule>,
        /// What can be fetched, by name.
        "fetches" fetches: NamedTable<RawFetchJob, JobNameRule>,
        /// What happens when, in any order.
        "timeline" timeline: ListOf<RawTimelineEntry, 0>,
        /// What must hold of the run; checked when it ends.
        "expect" expect: ListOf<RawExpectation, 0>,
        /// Cells that players load and store, by name, with what they hold at first.
        "shared" shared: RawSharedCells,
        /// Where players are: a world in which each has a place. Default: none.
        "world" world: RawWorld,
    }
}

table! {
    /// A file that another one includes.
    RawIncludedFile is "an included file" with [] {
        /// Files that give `presets`, `fetches` and `vars`.
        "include" include: ListOf<IncludePath, 0>,
        /// Variables.
        "vars" vars: NamedTable<RawVar, VarNameRule>,
        /// What can be spawned, by name.
        "presets" presets: NamedTable<RawPreset, JobNameRule>,
        /// What can be fetched, by name.
        "fetches" fetches: NamedTable<RawFetchJob, JobNameRule>,
    }
}

table! {
    /// Something that can be spawned: players, or a program.
    RawPreset is "a preset" with [
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
        /// Players that the runner plays, side by side.
        "players" players: ListOf<RawPlayerGroup, 1>,
        /// `process`: a sub-process of the runner's own binary plays them.
        "isolation" isolation: Isolation = "task",
        /// Program and arguments, no shell.
        "command" command: ListOf<NulFreeText, 1>,
        /// Working directory. Default: the folder of the file.
        "dir" dir: ScenarioPath,
        /// Set on top of the runner's environment.
        "env" env: NamedTable<NulFreeText, EnvNameRule>,
        /// Start from an empty environment instead.
        "clear_env" clear_env: bool = false,
        /// What the program reads.
        "stdin" stdin: StdinMode = "null",
        /// When it counts as ready. Default: when it has started.
        "ready" ready: RawReady,
        /// Give the program a terminal of its own; its stdout and stderr are then one stream.
        "pty" pty: bool = false,
        /// The exits that do not fail the run.
        "exits" exits: ExitRule = 0,
        /// The run does not wait for it, and stops it at the end.
        "background" background: bool = false,
        /// How it is stopped.
        "stop" stop: RawStop,
        /// A longer line is logged in parts.
        "max_line" max_line: ByteSize<1> = "64KiB",
    }
}

table! {
    /// Players that differ only in their name.
    RawPlayerGroup is "a player" like "{ name = \"john\", moves = 3, every = \"0s..800ms\" }" with [
        TableRule::Required("name", "name = \"john\""),
        TableRule::RequiredUnless("moves", "moves = 3", "steps"),
        TableRule::RequiredUnless("every", "every = \"0s..800ms\"", "steps"),
        TableRule::Excludes("steps", "moves"),
        TableRule::Excludes("steps", "every"),
    ] {
        /// Their name; with a `count` over 1, `{n}` in it is 1 to `count`, or `-1` to `-count` is appended.
        "name" name: PlayerNamePattern,
        /// How many.
        "count" count: BoundedInt<1, MAX_PLAYERS_IN_PRESET> = 1,
        /// How many moves each makes.
        "moves" moves: BoundedU32<0>,
        /// The wait after each move.
        "every" every: Interval,
        /// What each does, one after the other, in the place of `moves` and `every`.
        "steps" steps: ListOf<RawStep, 1>,
        /// Drawn from with equal chance.
        "directions" directions: ListOf<Direction, 1> = ["N", "S", "E", "W"],
    }
}

table! {
    /// When a program counts as ready.
    RawReady is "`ready`" with [TableRule::ExactlyOne(&["line", "tcp", "http"])] {
        /// A regular expression: ready with the first line that matches.
        "line" line: RegexText,
        /// `host:port`: ready when it takes connections there.
        "tcp" tcp: ScenarioText,
        /// A URL: ready when it answers with 2xx or 3xx.
        "http" http: ScenarioText,
        /// How long it has, from its start; past it the run has failed.
        "timeout" timeout: DurationValue<true> = "30s",
        /// The pause between two tries of `tcp` and `http`.
        "poll" poll: DurationValue<true> = "100ms",
    }
}

table! {
    /// How a program is stopped: the signal to its whole process group, then KILL.
    RawStop is "`stop`" with [] {
        /// Sent first.
        "signal" signal: Signal = "TERM",
        /// How long it has before KILL.
        "grace" grace: DurationValue = "5s",
    }
}

table! {
    /// Something that can be fetched.
    RawFetchJob is "a fetch" with [
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
        /// One or more; http or https.
        "urls" urls: ListOf<DeferredText, 1>,
        /// All at once, or each after the one before it.
        "mode" mode: FetchMode = "concurrent",
        /// Log each line of the body as it arrives.
        "lines" lines: bool = false,
        /// The request's method.
        "method" method: HttpMethod = "GET",
        /// The request's headers.
        "headers" headers: NamedTable<HeaderValueText, HeaderNameRule>,
        /// Who asks: user and password, or a token.
        "auth" auth: FetchAuth,
        /// The request's body.
        "body" body: FetchBody,
        /// For the whole request.
        "timeout" timeout: DurationValue<true> = "30s",
        /// At most this many are followed.
        "redirects" redirects: BoundedU32<0> = 10,
        /// At most this many more tries.
        "retries" retries: BoundedU32<0> = 0,
        /// Anything else fails the run.
        "status" status: StatusRule = "2xx",
        /// Past it the fetch fails; counted after decoding.
        "max_body" max_body: ByteSize<0> = "1GiB",
        /// Ask for bodies encoded as gzip, deflate, br or zstd, and decode them.
        "decode" decode: bool = false,
        /// A file of PEM certificates to trust instead of the system's.
        "ca" ca: ScenarioPath,
        /// Trust any certificate.
        "insecure" insecure: bool = false,
        /// The URL of an HTTP proxy that is asked instead of the server. Those of the environment are never used.
        "proxy" proxy: ScenarioText,
        /// A file of PEM with the certificate that is shown to servers that ask for one; with `key`.
        "cert" cert: ScenarioPath,
        /// A file of PEM with its private key.
        "key" key: ScenarioPath,
        /// Which protocol to speak.
        "http2" http2: Http2Mode = "auto",
        /// A load of so many requests at once: each that is answered is followed by the next.
        "connections" connections: BoundedInt<1, MAX_LOAD_CONNECTIONS>,
        /// A load of so many requests in a time, whatever the answers do; or, by points, a rate that changes.
        "rate" rate: Ramp,
        /// So many requests in all.
        "requests" requests: BoundedInt<1, MAX_LOAD_REQUESTS>,
        /// Requests start within this time.
        "for" within: DurationValue<true>,
        /// Whether requests of a `rate` come evenly or by chance.
        "arrivals" arrivals: ArrivalProcess = "constant",
        /// At most so many requests of a `rate` at once; one that is due then starts late.
        "max_connections" max_connections: BoundedInt<1, MAX_LOAD_CONNECTIONS> = 1_000,
        /// What an answer must be like whose status is expected; else the run has failed.
        "check" check: FetchCheck,
        /// What is taken out of such an answer, by name: `${name}` in what comes later.
        "capture" capture: NamedTable<RawCapture, VarNameRule>,
    }
}

table! {
    /// One entry of the timeline.
    RawTimelineEntry is "a timeline entry" like "{ at = \"1s\", mark = \"now\" }" with [
        TableRule::ExactlyOne(&["spawn", "fetch", "stop", "send", "mark"]),
        TableRule::NeedsAny("every", &["times", "for"]),
        TableRule::Needs("times", "every"),
        TableRule::Needs("for", "every"),
    ] {
        /// For `after`, `stop`, `send` and reports.
        "id" id: EntryIdText,
        /// Offset from the run's start, or from the moment of `after`.
        "at" at: DurationValue = "0s",
        /// Another entry's moment.
        "after" after: RawTrigger,
        /// Start a preset.
        "spawn" spawn: PublicString,
        /// Start a fetch.
        "fetch" fetch: PublicString,
        /// Stop what the entry of this id started.
        "stop" stop: PublicString,
        /// Write a line to what an entry started.
        "send" send: RawSend,
        /// Note a text in the log.
        "mark" mark: DeferredText,
        /// That many at once.
        "count" count: BoundedInt<1, MAX_ENTRY_COUNT> = 1,
        /// It happens again, one draw after the other; with `times`, `for` or both.
        "every" every: Interval,
        /// So many times in all.
        "times" times: BoundedInt<1, MAX_ENTRY_REPEATS>,
        /// All that start within.
        "for" within: DurationValue<true>,
    }
}

table! {
    /// A line to a program.
    RawSend is "`send`" with [
        TableRule::Required("to", "to = \"ID\""),
        TableRule::Required("text", "text = \"…\""),
    ] {
        /// The id of an entry that spawns a program with `stdin = "open"`.
        "to" to: PublicString,
        /// The line, without its newline.
        "text" text: DeferredText,
    }
}

table! {
    /// A world in which every player has a place, drawn from the seed.
    RawWorld is "`world`" with [TableRule::Required("size", "size = [40, 20]")] {
        /// How wide and how high it is. A move changes x (E, W) or y (S, N) by one.
        "size" size: PairOf<BoundedInt<1, MAX_WORLD_SIDE>>,
        /// Who walks beyond an edge comes in at the opposite one, or stays where it is.
        "edges" edges: WorldEdges = "wrap",
        /// How often it is told where everybody is; `"0s"`: after every move.
        "broadcast" broadcast: DurationValue = "1s",
    }
}

table! {
    /// Something that must hold of the run.
    RawExpectation is "an expectation" like "{ of = \"spawn.failed\", equals = 0 }" with [
        TableRule::Required("of", "of = \"fetch.took\""),
        TableRule::OneUnlessTrue(&["below", "at_most", "equals", "at_least", "above", "follows"], "never"),
        TableRule::Needs("within", "follows"),
        TableRule::Excludes("stat", "follows"),
    ] {
        /// For reports and the log. Default: what it says.
        "name" name: PublicString,
        /// The name of an event, or what is measured: `fetch.took`, `fetch.first_byte`, `fetch.bytes`, `spawn.took`, `lateness`, `run.took` or a cell, `shared.NAME`.
        "of" of: PublicString,
        /// Only what belongs to this preset, fetch or entry.
        "in" within_name: PublicString,
        /// Only events with these values, by their keys: a text by a regular expression.
        "where" values: RawKeyMatchers,
        /// Which figure: `count` (the default for events), `rate`, `sum`, `min`, `mean`, `max`, a percentile like `p95`, or `value`.
        "stat" stat: Statistic,
        /// It is less than this.
        "below" below: RawLimit,
        /// It is not more than this.
        "at_most" at_most: RawLimit,
        /// It is this.
        "equals" equals: RawLimit,
        /// It is not less than this.
        "at_least" at_least: RawLimit,
        /// It is more than this.
        "above" above: RawLimit,
        /// Each of them comes behind one of these.
        "follows" follows: RawFollows,
        /// At most so long behind the last of them.
        "within" within: DurationValue,
        /// It must not hold; alone, such events must not come.
        "never" never: bool = false,
        /// End the run as soon as it can no longer hold.
        "abort" abort: bool = false,
    }
}

table! {
    /// What comes before.
    RawFollows is "`follows`" with [TableRule::Required("of", "of = \"spawn.exited\"")] {
        /// The name of an event.
        "of" of: PublicString,
        /// Only what belongs to this preset, fetch or entry.
        "in" scope_name: PublicString,
        /// Only events with these values, by their keys: a text by a regular expression.
        "where" key_matchers: RawKeyMatchers,
    }
}
