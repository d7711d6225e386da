//! The scenario file as it is written: its tables and their keys, one [`table!`] each, which is also
//! where the documentation of every key comes from. Names are not looked up here.

use crate::scenario::interval::Interval;
use crate::scenario::model::expect::Stat;
use crate::scenario::model::{
    Arrivals, Auth, Body, Check, Edges, Exits, FetchMode, Http2, Isolation, StatusRule, Stdin, Text,
};
use crate::scenario::rate::Ramp;
use crate::scenario::schema::after::{RawAfter, RawVar};
use crate::scenario::schema::capture::RawCapture;
use crate::scenario::schema::collections::{List, Named, Pair};
use crate::scenario::schema::expect::{RawLimit, RawWhere};
use crate::scenario::schema::names::{EnvName, HeaderName, JobName, VarName};
use crate::scenario::schema::numbers::{Int, Size};
use crate::scenario::schema::steps::RawStep;
use crate::scenario::schema::table::{Rule, table};
use crate::scenario::schema::text::{
    Argument, FilePath, HeaderValue, Id, IncludePath, Late, Method, Open, Pattern, PlayerPattern,
};
use crate::scenario::schema::times::Duration;
use scenario_log::event::Direction;
use scenario_log::signal::Signal;

/// An integer that fits 32 bits.
pub(crate) type Count<const LEAST: i64> = Int<LEAST, { u32::MAX as i64 }>;

/// Cells by name, with what they hold at first.
pub(crate) type Cells = Named<Int<{ i64::MIN }, { i64::MAX }>, VarName>;

/// The most that an entry starts at once.
pub(crate) const MOST_AT_ONCE: i64 = 1_000_000;

/// The most repetitions of an entry.
pub(crate) const MOST_TIMES: i64 = 1_000_000_000;

/// The most requests of a load job.
pub(crate) const MOST_REQUESTS: i64 = 1_000_000_000;

/// The most connections of a load job.
pub(crate) const MOST_CONNECTIONS: i64 = 50_000;

/// How wide and how high a world is at most.
pub(crate) const WIDEST: i64 = 10_000;

/// The most players of a preset.
pub(crate) const MOST_PLAYERS: i64 = 100_000_000;

table! {
    /// A scenario: players, programs and HTTP fetches on one timeline.
    RawScenario is "a scenario" with [] {
        /// For people and reports. Default: the file's stem.
        "name" name: Open,
        /// For people and reports.
        "description" description: Open,
        /// Every draw of the run comes from it; `--seed` goes before. Default: one is drawn, shown and logged.
        "seed" seed: Int<0, { i64::MAX }>,
        /// Period of `clock.tick`; the first is at 0. `"0s"` turns it off.
        "tick" tick: Duration = "1s",
        /// Past it everything is stopped and the run has failed. Default: none.
        "time_limit" time_limit: Duration<true>,
        /// Files that give `presets`, `fetches` and `vars`.
        "include" include: List<IncludePath, 0>,
        /// Put into any string by `${name}`; `--var name=value` goes before. `${env:NAME}` reads the environment; `$${` is a literal `${`.
        "vars" vars: Named<RawVar, VarName>,
        /// What can be spawned, by name.
        "presets" presets: Named<RawPreset, JobName>,
        /// What can be fetched, by name.
        "fetches" fetches: Named<RawFetch, JobName>,
        /// What happens when, in any order.
        "timeline" timeline: List<RawEntry, 0>,
        /// What must hold of the run; checked when it ends.
        "expect" expect: List<RawExpect, 0>,
        /// Cells that players load and store, by name, with what they hold at first.
        "shared" shared: Cells,
        /// Where players are: a world in which each has a place. Default: none.
        "world" world: RawWorld,
    }
}

table! {
    /// A file that another one includes.
    RawIncluded is "an included file" with [] {
        /// Files that give `presets`, `fetches` and `vars`.
        "include" include: List<IncludePath, 0>,
        /// Variables.
        "vars" vars: Named<RawVar, VarName>,
        /// What can be spawned, by name.
        "presets" presets: Named<RawPreset, JobName>,
        /// What can be fetched, by name.
        "fetches" fetches: Named<RawFetch, JobName>,
    }
}

table! {
    /// Something that can be spawned: players, or a program.
    RawPreset is "a preset" with [
        Rule::ExactlyOne(&["players", "command"]),
        Rule::Needs("isolation", "players"),
        Rule::Needs("dir", "command"),
        Rule::Needs("env", "command"),
        Rule::Needs("clear_env", "command"),
        Rule::Needs("stdin", "command"),
        Rule::Needs("ready", "command"),
        Rule::Needs("pty", "command"),
        Rule::Needs("exits", "command"),
        Rule::Needs("background", "command"),
        Rule::Needs("stop", "command"),
        Rule::Needs("max_line", "command"),
    ] {
        /// Players that the runner plays, side by side.
        "players" players: List<RawPlayers, 1>,
        /// `process`: a sub-process of the runner's own binary plays them.
        "isolation" isolation: Isolation = "task",
        /// Program and arguments, no shell.
        "command" command: List<Argument, 1>,
        /// Working directory. Default: the folder of the file.
        "dir" dir: FilePath,
        /// Set on top of the runner's environment.
        "env" env: Named<Argument, EnvName>,
        /// Start from an empty environment instead.
        "clear_env" clear_env: bool = false,
        /// What the program reads.
        "stdin" stdin: Stdin = "null",
        /// When it counts as ready. Default: when it has started.
        "ready" ready: RawReady,
        /// Give the program a terminal of its own; its stdout and stderr are then one stream.
        "pty" pty: bool = false,
        /// The exits that do not fail the run.
        "exits" exits: Exits = 0,
        /// The run does not wait for it, and stops it at the end.
        "background" background: bool = false,
        /// How it is stopped.
        "stop" stop: RawStop,
        /// A longer line is logged in parts.
        "max_line" max_line: Size<1> = "64KiB",
    }
}

table! {
    /// Players that differ only in their name.
    RawPlayers is "a player" like "{ name = \"john\", moves = 3, every = \"0s..800ms\" }" with [
        Rule::Required("name", "name = \"john\""),
        Rule::RequiredUnless("moves", "moves = 3", "steps"),
        Rule::RequiredUnless("every", "every = \"0s..800ms\"", "steps"),
        Rule::Excludes("steps", "moves"),
        Rule::Excludes("steps", "every"),
    ] {
        /// Their name; with a `count` over 1, `{n}` in it is 1 to `count`, or `-1` to `-count` is appended.
        "name" name: PlayerPattern,
        /// How many.
        "count" count: Int<1, MOST_PLAYERS> = 1,
        /// How many moves each makes.
        "moves" moves: Count<0>,
        /// The wait after each move.
        "every" every: Interval,
        /// What each does, one after the other, in the place of `moves` and `every`.
        "steps" steps: List<RawStep, 1>,
        /// Drawn from with equal chance.
        "directions" directions: List<Direction, 1> = ["N", "S", "E", "W"],
    }
}

table! {
    /// When a program counts as ready.
    RawReady is "`ready`" with [Rule::ExactlyOne(&["line", "tcp", "http"])] {
        /// A regular expression: ready with the first line that matches.
        "line" line: Pattern,
        /// `host:port`: ready when it takes connections there.
        "tcp" tcp: Text,
        /// A URL: ready when it answers with 2xx or 3xx.
        "http" http: Text,
        /// How long it has, from its start; past it the run has failed.
        "timeout" timeout: Duration<true> = "30s",
        /// The pause between two tries of `tcp` and `http`.
        "poll" poll: Duration<true> = "100ms",
    }
}

table! {
    /// How a program is stopped: the signal to its whole process group, then KILL.
    RawStop is "`stop`" with [] {
        /// Sent first.
        "signal" signal: Signal = "TERM",
        /// How long it has before KILL.
        "grace" grace: Duration = "5s",
    }
}

table! {
    /// Something that can be fetched.
    RawFetch is "a fetch" with [
        Rule::Required("urls", "urls = [\"http://…\"]"),
        Rule::Needs("cert", "key"),
        Rule::Needs("key", "cert"),
        Rule::Excludes("rate", "connections"),
        Rule::NeedsAny("connections", &["requests", "for"]),
        Rule::NeedsAny("rate", &["requests", "for"]),
        Rule::NeedsAny("requests", &["connections", "rate"]),
        Rule::NeedsAny("for", &["connections", "rate"]),
        Rule::Needs("arrivals", "rate"),
        Rule::Needs("max_connections", "rate"),
        Rule::Excludes("mode", "connections"),
        Rule::Excludes("mode", "rate"),
        Rule::Excludes("lines", "connections"),
        Rule::Excludes("lines", "rate"),
    ] {
        /// One or more; http or https.
        "urls" urls: List<Late, 1>,
        /// All at once, or each after the one before it.
        "mode" mode: FetchMode = "concurrent",
        /// Log each line of the body as it arrives.
        "lines" lines: bool = false,
        /// The request's method.
        "method" method: Method = "GET",
        /// The request's headers.
        "headers" headers: Named<HeaderValue, HeaderName>,
        /// Who asks: user and password, or a token.
        "auth" auth: Auth,
        /// The request's body.
        "body" body: Body,
        /// For the whole request.
        "timeout" timeout: Duration<true> = "30s",
        /// At most this many are followed.
        "redirects" redirects: Count<0> = 10,
        /// At most this many more tries.
        "retries" retries: Count<0> = 0,
        /// Anything else fails the run.
        "status" status: StatusRule = "2xx",
        /// Past it the fetch fails; counted after decoding.
        "max_body" max_body: Size<0> = "1GiB",
        /// Ask for bodies encoded as gzip, deflate, br or zstd, and decode them.
        "decode" decode: bool = false,
        /// A file of PEM certificates to trust instead of the system's.
        "ca" ca: FilePath,
        /// Trust any certificate.
        "insecure" insecure: bool = false,
        /// The URL of an HTTP proxy that is asked instead of the server. Those of the environment are never used.
        "proxy" proxy: Text,
        /// A file of PEM with the certificate that is shown to servers that ask for one; with `key`.
        "cert" cert: FilePath,
        /// A file of PEM with its private key.
        "key" key: FilePath,
        /// Which protocol to speak.
        "http2" http2: Http2 = "auto",
        /// A load of so many requests at once: each that is answered is followed by the next.
        "connections" connections: Int<1, MOST_CONNECTIONS>,
        /// A load of so many requests in a time, whatever the answers do; or, by points, a rate that changes.
        "rate" rate: Ramp,
        /// So many requests in all.
        "requests" requests: Int<1, MOST_REQUESTS>,
        /// Requests start within this time.
        "for" within: Duration<true>,
        /// Whether requests of a `rate` come evenly or by chance.
        "arrivals" arrivals: Arrivals = "constant",
        /// At most so many requests of a `rate` at once; one that is due then starts late.
        "max_connections" max_connections: Int<1, MOST_CONNECTIONS> = 1_000,
        /// What an answer must be like whose status is expected; else the run has failed.
        "check" check: Check,
        /// What is taken out of such an answer, by name: `${name}` in what comes later.
        "capture" capture: Named<RawCapture, VarName>,
    }
}

table! {
    /// One entry of the timeline.
    RawEntry is "a timeline entry" like "{ at = \"1s\", mark = \"now\" }" with [
        Rule::ExactlyOne(&["spawn", "fetch", "stop", "send", "mark"]),
        Rule::NeedsAny("every", &["times", "for"]),
        Rule::Needs("times", "every"),
        Rule::Needs("for", "every"),
    ] {
        /// For `after`, `stop`, `send` and reports.
        "id" id: Id,
        /// Offset from the run's start, or from the moment of `after`.
        "at" at: Duration = "0s",
        /// Another entry's moment.
        "after" after: RawAfter,
        /// Start a preset.
        "spawn" spawn: Open,
        /// Start a fetch.
        "fetch" fetch: Open,
        /// Stop what the entry of this id started.
        "stop" stop: Open,
        /// Write a line to what an entry started.
        "send" send: RawSend,
        /// Note a text in the log.
        "mark" mark: Late,
        /// That many at once.
        "count" count: Int<1, MOST_AT_ONCE> = 1,
        /// It happens again, one draw after the other; with `times`, `for` or both.
        "every" every: Interval,
        /// So many times in all.
        "times" times: Int<1, MOST_TIMES>,
        /// All that start within.
        "for" within: Duration<true>,
    }
}

table! {
    /// A line to a program.
    RawSend is "`send`" with [
        Rule::Required("to", "to = \"ID\""),
        Rule::Required("text", "text = \"…\""),
    ] {
        /// The id of an entry that spawns a program with `stdin = "open"`.
        "to" to: Open,
        /// The line, without its newline.
        "text" text: Late,
    }
}

table! {
    /// A world in which every player has a place, drawn from the seed.
    RawWorld is "`world`" with [Rule::Required("size", "size = [40, 20]")] {
        /// How wide and how high it is. A move changes x (E, W) or y (S, N) by one.
        "size" size: Pair<Int<1, WIDEST>>,
        /// Who walks beyond an edge comes in at the opposite one, or stays where it is.
        "edges" edges: Edges = "wrap",
        /// How often it is told where everybody is; `"0s"`: after every move.
        "broadcast" broadcast: Duration = "1s",
    }
}

table! {
    /// Something that must hold of the run.
    RawExpect is "an expectation" like "{ of = \"spawn.failed\", equals = 0 }" with [
        Rule::Required("of", "of = \"fetch.took\""),
        Rule::OneUnlessTrue(&["below", "at_most", "equals", "at_least", "above", "follows"], "never"),
        Rule::Needs("within", "follows"),
        Rule::Excludes("stat", "follows"),
    ] {
        /// For reports and the log. Default: what it says.
        "name" name: Open,
        /// The name of an event, or what is measured: `fetch.took`, `fetch.first_byte`, `fetch.bytes`, `spawn.took`, `lateness`, `run.took` or a cell, `shared.NAME`.
        "of" of: Open,
        /// Only what belongs to this preset, fetch or entry.
        "in" within_name: Open,
        /// Only events with these values, by their keys: a text by a regular expression.
        "where" values: RawWhere,
        /// Which figure: `count` (the default for events), `rate`, `sum`, `min`, `mean`, `max`, a percentile like `p95`, or `value`.
        "stat" stat: Stat,
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
        "within" within: Duration,
        /// It must not hold; alone, such events must not come.
        "never" never: bool = false,
        /// End the run as soon as it can no longer hold.
        "abort" abort: bool = false,
    }
}

table! {
    /// What comes before.
    RawFollows is "`follows`" with [Rule::Required("of", "of = \"spawn.exited\"")] {
        /// The name of an event.
        "of" of: Open,
        /// Only what belongs to this preset, fetch or entry.
        "in" within_name: Open,
        /// Only events with these values, by their keys: a text by a regular expression.
        "where" values: RawWhere,
    }
}
