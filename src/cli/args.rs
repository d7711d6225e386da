//! What can be written on the command line.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};

use crate::diff;
use crate::io::process::pty;
use scenario_log::event::ClockKind;
use scenario_log::time::Span;

/// Says what should happen and when, makes it happen, and keeps an exact log.
#[derive(Debug, Parser)]
#[command(name = "scenario", version, max_term_width = 100, after_help = AFTER_HELP)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: CliCommand,
}

const AFTER_HELP: &str = "\
Exit codes: 0 as expected, 1 not as expected, 2 wrong usage or an invalid scenario, 3 a replay or
diff found a difference, 4 the world refused, 5 a log that cannot be used, 129, 130 and 143 ended
by HUP, INT and TERM.

A first scenario: scenario init && scenario run first.toml";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum CliCommand {
    /// Run a scenario
    Run(RunArgs),
    /// Say everything that is wrong with scenarios; run nothing
    Check(CheckArgs),
    /// Say what would happen when; run nothing
    Plan(PlanArgs),
    /// Replay logs: decide every event again and compare it; start nothing
    Replay(ReplayArgs),
    /// Show a logged run at its own pace
    Play(PlayArgs),
    /// Compare the logs of two runs: the same, or where they first differ
    Diff(DiffArgs),
    /// Print a scenario that does what was done in a run
    Extract(ExtractArgs),
    /// Count what can come of a scenario, by seeds or by every order of its steps
    Explore(ExploreArgs),
    /// Say what came of a run: its figures, and what went wrong
    Report(ReportArgs),
    /// Print the JSON Schema of scenario files, or of the log's events
    Schema(SchemaArgs),
    /// Play one preset of players on standard output
    Players(PlayersArgs),
    /// Fetch URLs, at once or in sequence
    Fetch(FetchArgs),
    /// Write a first scenario that runs
    Init(InitArgs),
    /// Print a completion script for a shell
    Completions(CompletionsArgs),
    /// Print the manual page
    Man,
    /// Become a program on the terminal that is the standard input (what starts presets with `pty`)
    #[command(name = pty::EXEC_ON_PTY_COMMAND, hide = true)]
    PtyChild(PtyChildArgs),
}

/// What a scenario is read with.
#[derive(Args, Debug)]
pub struct VariableArgs {
    /// Give a variable a value, before the scenario's own; can be given many times
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = parse_variable)]
    pub vars: Vec<(String, String)>,
}

fn parse_variable(argument: &str) -> Result<(String, String), String> {
    match argument.split_once('=') {
        Some((name, value)) if scenario_log::name::name_error(name).is_none() => {
            Ok((name.to_owned(), value.to_owned()))
        }
        Some((name, _)) => Err(format!("`{name}` is not a variable's name")),
        None => Err("write it as NAME=VALUE".to_owned()),
    }
}

/// Where the live page is served.
#[derive(Args, Debug)]
pub struct ServeArgs {
    /// Serve the live page here, like 127.0.0.1:8080; who has the link that is shown can take part
    #[arg(long = "serve", value_name = "ADDR")]
    pub address: Option<String>,
    /// A name by which other machines ask for the page; without one, only this machine may
    #[arg(long = "serve-host", value_name = "NAME", requires = "address")]
    pub hosts: Vec<String>,
}

/// The largest seed, as TOML's integers hold it.
const MAX_SEED: u64 = i64::MAX as u64;

/// `scenario run`.
#[derive(Args, Debug)]
pub struct RunArgs {
    /// The scenario; `-` is standard input
    #[arg(value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
    /// Where the log goes; `-` is standard output [default: runs/NAME-UTCSTAMP.jsonl]
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub log: Option<PathBuf>,
    /// Write over an existing log
    #[arg(long)]
    pub force: bool,
    /// The seed of every draw, before the scenario's own
    #[arg(long, value_name = "N", allow_hyphen_values = true, value_parser = parse_seed)]
    pub seed: Option<u64>,
    /// Real time, or time that jumps to whatever is due next
    #[arg(long, value_enum, default_value_t = ClockArg::Real)]
    pub clock: ClockArg,
    /// Let the run's clock go this many times as fast (real clock only)
    #[arg(long, value_name = "FACTOR", value_parser = parse_speed, default_value = "1")]
    pub speed: f64,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take them for the help of the options within")]
    pub variables: VariableArgs,
    /// Read typed commands from here instead of the terminal; `-` is standard input
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub input: Option<PathBuf>,
    /// Write test cases for CI as JUnit XML when the run ends; `-` is standard output
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub junit: Option<PathBuf>,
    /// Tell what goes wrong at its place in the files too, where GitHub Actions listen
    #[arg(long)]
    pub github: bool,
    /// When the scenario has changed, or a file that it includes, end the run and go again
    #[arg(long)]
    pub watch: bool,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take them for the help of the options within")]
    pub serving: ServeArgs,
    /// Spin before each moment, to be on time to the microsecond
    #[arg(long)]
    pub precise: bool,
    /// Show nothing but what goes wrong
    #[arg(long, short)]
    pub quiet: bool,
}

fn parse_seed(argument: &str) -> Result<u64, String> {
    let seed = argument.parse().ok().filter(|seed| *seed <= MAX_SEED);
    seed.ok_or_else(|| format!("a whole number from 0 to {MAX_SEED}"))
}

fn parse_speed(argument: &str) -> Result<f64, String> {
    match argument.parse::<f64>() {
        Ok(speed) if (0.001..=1_000_000.0).contains(&speed) => Ok(speed),
        _ => Err("a factor from 0.001 to 1000000".to_owned()),
    }
}

/// The clocks, as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ClockArg {
    /// The machine's clock
    Real,
    /// Time that jumps to whatever is due next; the same bytes for the same seed
    Virtual,
}

impl From<ClockArg> for ClockKind {
    fn from(clock: ClockArg) -> ClockKind {
        match clock {
            ClockArg::Real => ClockKind::Real,
            ClockArg::Virtual => ClockKind::Virtual,
        }
    }
}

/// How a result is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    /// For people
    Human,
    /// For programs
    Json,
}

/// `scenario check`.
#[derive(Args, Debug)]
pub struct CheckArgs {
    /// The scenarios; `-` is standard input
    #[arg(required = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub files: Vec<PathBuf>,
    /// How to print what is wrong
    #[arg(long, value_enum, default_value_t = OutputFormat::Human)]
    pub format: OutputFormat,
    /// Tell what goes wrong at its place in the files too, where GitHub Actions listen
    #[arg(long)]
    pub github: bool,
    /// When the scenario has changed, or a file that it includes, check it again
    #[arg(long)]
    pub watch: bool,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take them for the help of the options within")]
    pub variables: VariableArgs,
}

/// `scenario plan`.
#[derive(Args, Debug)]
pub struct PlanArgs {
    /// The scenario; `-` is standard input
    #[arg(value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
    /// How to print the plan
    #[arg(long, value_enum, default_value_t = OutputFormat::Human)]
    pub format: OutputFormat,
    /// The seed of every draw, before the scenario's own
    #[arg(long, value_name = "N", allow_hyphen_values = true, value_parser = parse_seed)]
    pub seed: Option<u64>,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take them for the help of the options within")]
    pub variables: VariableArgs,
}

/// `scenario explore`.
#[derive(Args, Debug)]
#[command(group = clap::ArgGroup::new("how").required(true).args(["seeds", "exhaustive"]))]
pub struct ExploreArgs {
    /// The scenario; `-` is standard input
    #[arg(value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
    /// Run it with so many seeds, from 0 on
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    pub seeds: Option<u64>,
    /// Walk every order of its steps, and count exactly
    #[arg(long)]
    pub exhaustive: bool,
    /// With `--exhaustive`: the seed of all draws, before the scenario's own [default: 0]
    #[arg(long, value_name = "N", allow_hyphen_values = true, value_parser = parse_seed, conflicts_with = "seeds")]
    pub seed: Option<u64>,
    /// With `--exhaustive`: give up where there are more states than this
    #[arg(long, value_name = "N", default_value_t = 2_000_000, conflicts_with = "seeds",
        value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    pub max_states: u64,
    /// How to print what was found
    #[arg(long, value_enum, default_value_t = OutputFormat::Human)]
    pub format: OutputFormat,
    /// Write test cases for CI as JUnit XML; `-` is standard output
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub junit: Option<PathBuf>,
    /// Write a log of a run for each outcome: FILE, and for further ones FILE with -2, -3 and so on
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub log: Option<PathBuf>,
    /// Write the log of this outcome alone, by its number
    #[arg(long, value_name = "N", requires = "log")]
    pub outcome: Option<usize>,
    /// Write over existing logs
    #[arg(long, requires = "log")]
    pub force: bool,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take them for the help of the options within")]
    pub variables: VariableArgs,
}

/// `scenario replay`.
#[derive(Args, Debug)]
pub struct ReplayArgs {
    /// The logs; `-` is standard input
    #[arg(required = true, value_name = "LOG", value_hint = ValueHint::FilePath)]
    pub logs: Vec<PathBuf>,
    /// Put this scenario in the place of the logged one
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub against: Option<PathBuf>,
    /// Check what this file expects (its `[[expect]]`) on the logged runs
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub expect: Option<PathBuf>,
    /// Take logs that were cut short as they are
    #[arg(long)]
    pub allow_incomplete: bool,
    /// How to print what was found
    #[arg(long, value_enum, default_value_t = ReplayFormat::Human)]
    pub format: ReplayFormat,
    /// Write test cases for CI as JUnit XML, those of the logged runs among them; `-` is standard output
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub junit: Option<PathBuf>,
    /// Tell what goes wrong at its place in the files too, where GitHub Actions listen
    #[arg(long)]
    pub github: bool,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take them for the help of the options within")]
    pub variables: VariableArgs,
}

/// How replays are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReplayFormat {
    /// For people
    Human,
    /// For programs: a JSON object a log, one a line
    Json,
    /// For CI: a JUnit report
    Junit,
}

/// `scenario play`.
#[derive(Args, Debug)]
#[command(after_help = PLAY_KEYS)]
pub struct PlayArgs {
    /// The log; `-` is standard input
    #[arg(value_hint = ValueHint::FilePath)]
    pub log: PathBuf,
    /// Play this many times as fast; `max` shows all at once
    #[arg(long, value_name = "FACTOR|max", value_parser = parse_speed_or_max, default_value = "1")]
    pub speed: f64,
    /// Wait no longer than this between two events, as in `1s`
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub idle_limit: Option<Span>,
    /// Take a log that was cut short as it is
    #[arg(long)]
    pub allow_incomplete: bool,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take them for the help of the options within")]
    pub serving: ServeArgs,
}

/// `scenario diff`.
#[derive(Args, Debug)]
pub struct DiffArgs {
    /// The log of one run; `-` is standard input
    #[arg(value_name = "LOG", value_hint = ValueHint::FilePath)]
    pub left: PathBuf,
    /// The log of the other
    #[arg(value_name = "LOG", value_hint = ValueHint::FilePath)]
    pub right: PathBuf,
    /// What must be alike
    #[arg(long, value_enum, default_value_t = DiffLevelArg::Source)]
    pub level: DiffLevelArg,
    /// How to print what came of it
    #[arg(long, value_enum, default_value_t = OutputFormat::Human)]
    pub format: OutputFormat,
    /// Take a log that was cut short for as much as there is of it
    #[arg(long)]
    pub allow_incomplete: bool,
}

/// The levels of `scenario diff`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DiffLevelArg {
    /// The bytes
    Exact,
    /// What each source and player and the timeline did, in its order; not when, nor in which turn
    Source,
    /// How often what happened, and how it ended
    Summary,
}

impl From<DiffLevelArg> for diff::DiffLevel {
    fn from(level: DiffLevelArg) -> diff::DiffLevel {
        match level {
            DiffLevelArg::Exact => diff::DiffLevel::Exact,
            DiffLevelArg::Source => diff::DiffLevel::Source,
            DiffLevelArg::Summary => diff::DiffLevel::Summary,
        }
    }
}

const PLAY_KEYS: &str = "\
Keys, on a terminal: space pauses and goes on, `.` shows the next event while it is paused, left and
right jump 5 seconds of the run, down and up a minute, Home and End to its ends, `+` and `-` double
and halve the speed, q ends.";

fn parse_speed_or_max(argument: &str) -> Result<f64, String> {
    if argument == "max" {
        return Ok(f64::INFINITY);
    }
    parse_speed(argument).map_err(|fault| format!("{fault}, or `max`"))
}

fn parse_duration(argument: &str) -> Result<Span, String> {
    let span = humantime::parse_duration(argument).map(Span::from_std);
    span.map_err(|error| error.to_string())
}

/// `scenario extract`.
#[derive(Args, Debug)]
pub struct ExtractArgs {
    /// The log of the run; `-` is standard input
    #[arg(value_hint = ValueHint::FilePath)]
    pub log: PathBuf,
    /// Take a log that was cut short as it is
    #[arg(long)]
    pub allow_incomplete: bool,
}

/// `scenario report`.
#[derive(Args, Debug)]
pub struct ReportArgs {
    /// The log of the run; `-` is standard input
    #[arg(value_hint = ValueHint::FilePath)]
    pub log: PathBuf,
    /// How to print the summary
    #[arg(long, value_enum, default_value_t = OutputFormat::Human)]
    pub format: OutputFormat,
    /// Write a page of HTML to look at and to send; `-` is standard output, in the place of the summary
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,
    /// Write test cases for CI as JUnit XML; `-` is standard output, in the place of the summary
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub junit: Option<PathBuf>,
    /// Write a trace for Perfetto (Trace Event JSON); `-` is standard output, in the place of the summary
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub trace: Option<PathBuf>,
    /// Write a table, a row an event; `-` is standard output, in the place of the summary
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub csv: Option<PathBuf>,
    /// Take a log that was cut short as it is
    #[arg(long)]
    pub allow_incomplete: bool,
}

/// `scenario schema`.
#[derive(Args, Debug)]
pub struct SchemaArgs {
    /// Of what
    #[arg(value_enum, default_value_t = SchemaKind::Scenario)]
    pub of: SchemaKind,
}

/// The schemas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SchemaKind {
    /// Scenario files
    Scenario,
    /// Lines of the log
    Event,
}

/// `scenario players`.
#[derive(Args, Debug)]
pub struct PlayersArgs {
    /// The scenario; `-` is standard input
    #[arg(value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
    /// Which of its presets
    pub preset: String,
    /// The seed of every draw, before the scenario's own
    #[arg(long, value_name = "N", allow_hyphen_values = true, value_parser = parse_seed)]
    pub seed: Option<u64>,
    /// How many spawns of the preset came before: decides the draws
    #[arg(long, value_name = "K", default_value_t = 0)]
    pub nth: u64,
    /// Play this many times as fast
    #[arg(long, value_name = "FACTOR", value_parser = parse_speed, default_value = "1")]
    pub speed: f64,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take them for the help of the options within")]
    pub variables: VariableArgs,
}

/// `scenario fetch`.
#[derive(Args, Debug)]
pub struct FetchArgs {
    /// What to fetch
    #[arg(required = true, value_name = "URL")]
    pub urls: Vec<String>,
    /// Each after the one before it, instead of all at once
    #[arg(short, long)]
    pub sequential: bool,
    /// Say a line for every line received
    #[arg(short, long)]
    pub details: bool,
}

/// `scenario init`.
#[derive(Args, Debug)]
pub struct InitArgs {
    /// The scenario's name; it is written to NAME.toml
    #[arg(default_value = "first")]
    pub name: String,
}

/// `scenario completions`.
#[derive(Args, Debug)]
pub struct CompletionsArgs {
    /// Of which shell
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

/// `scenario on-terminal`.
#[derive(Args, Debug)]
pub struct PtyChildArgs {
    /// The program, its name for itself, and its arguments
    #[arg(required = true, num_args = 2.., last = true, value_name = "WORD")]
    pub argv: Vec<OsString>,
}
