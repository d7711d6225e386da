//! The arguments of the command line, as clap parses them. Their doc comments are the help.

use std::path::PathBuf;

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};

use crate::cli::help_texts;
use crate::cli::hidden_args::{PreparedArgs, PtyChildArgs};
use crate::diff;
use crate::io::process::{prepared, pty};
use crate::web::server::host_name::HostName;
use scenario_log::event::ClockKind;
use scenario_log::time::Span;

/// Runs what a scenario file describes, on one timeline, and writes an exact log of it.
#[derive(Debug, Parser)]
#[command(name = "scenario", version, max_term_width = 100, help_template = help_texts::TEMPLATE,
    after_help = help_texts::PROGRAM)]
pub struct Cli {
    /// Colour what is shown: `auto` on a terminal and without NO_COLOR, `always` or `never`
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t = ColorArg::Auto,
        hide_possible_values = true)]
    pub color: ColorArg,
    /// The same as `--color never`
    #[arg(long, global = true, hide = true, conflicts_with = "color")]
    pub no_color: bool,
    /// The command to execute.
    #[command(subcommand)]
    pub command: CliCommand,
}

/// When `--color` colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ColorArg {
    /// On a terminal
    Auto,
    /// Always, also into a file or a pipe
    Always,
    /// Never
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum CliCommand {
    /// Run a scenario
    Run(RunArgs),
    /// Check scenarios, and report all errors and warnings; run nothing
    Check(CheckArgs),
    /// Show what a run would do, and when; run nothing
    Plan(PlanArgs),
    /// Replay logs: decide every event again and compare it; start no program
    Replay(ReplayArgs),
    /// Play a logged run on the terminal or in a browser, at its own speed
    Play(PlayArgs),
    /// Compare the logs of two runs, and show where they first differ
    Diff(DiffArgs),
    /// Print a scenario that does by itself what people typed in a logged run
    Extract(ExtractArgs),
    /// Count the outcomes of a scenario, by many seeds or by every order of its steps
    Explore(ExploreArgs),
    /// Show the summary of a logged run: its figures and its faults
    Report(ReportArgs),
    /// List the logged runs, or delete old ones
    Runs(RunsArgs),
    /// Print the JSON Schema of scenario files or of the log's events
    Schema(SchemaArgs),
    /// Play one preset of players, and print its moves
    Players(PlayersArgs),
    /// Fetch URLs, all at once or one after the other
    Fetch(FetchArgs),
    /// Write a first scenario, ready to run
    Init(InitArgs),
    /// Print a completion script for a shell
    Completions(CompletionsArgs),
    /// Print the manual page
    #[command(after_help = help_texts::MAN)]
    Man,
    /// Become a program on the terminal that is standard input (starts the programs of presets with `pty`)
    #[command(name = pty::EXEC_ON_PTY_COMMAND, hide = true)]
    PtyChild(PtyChildArgs),
    /// Become a program with limits or as another user (starts the programs of presets with `limits` or `user`)
    #[command(name = prepared::EXEC_PREPARED_COMMAND, hide = true)]
    Prepared(PreparedArgs),
}

/// The values of a scenario's variables.
#[derive(Args, Debug)]
pub struct VariableArgs {
    /// Set a variable, in place of the scenario's own value; repeat it for more variables
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = parse_variable)]
    pub vars: Vec<(String, String)>,
}

/// A path that may be left out: it is empty then, and found later.
fn maybe_empty_path() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().map(PathBuf::from)
}

fn parse_variable(argument: &str) -> Result<(String, String), String> {
    match argument.split_once('=') {
        Some((name, value)) if scenario_log::name::name_error(name).is_none() => {
            Ok((name.to_owned(), value.to_owned()))
        }
        Some((name, _)) => Err(format!("`{name}` is not a valid name of a variable")),
        None => Err("write it as NAME=VALUE".to_owned()),
    }
}

/// The address of the live page.
#[derive(Args, Debug)]
pub struct ServeArgs {
    /// Serve the live page at this address, such as 127.0.0.1:8080; everybody who has the link that is
    /// shown can take part
    #[arg(long = "serve", value_name = "ADDR")]
    pub address: Option<String>,
    /// Allow other machines that reach the page under this host name [default: this machine only]
    #[arg(long = "serve-host", value_name = "NAME", requires = "address", value_parser = HostName::parse)]
    pub hosts: Vec<HostName>,
}

/// The largest seed: the largest integer of TOML.
const MAX_SEED: u64 = i64::MAX as u64;

/// `scenario run`.
#[derive(Args, Debug)]
#[command(after_help = help_texts::RUN)]
pub struct RunArgs {
    /// The scenario file; `-` is standard input; without one, scenario.toml
    #[arg(value_hint = ValueHint::FilePath, default_value = "", hide_default_value = true, value_parser = maybe_empty_path())]
    pub file: PathBuf,
    /// Write the log to this file; `-` is standard output [default: runs/NAME-UTCSTAMP.jsonl]
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub log: Option<PathBuf>,
    /// Overwrite an existing log
    #[arg(long)]
    pub force: bool,
    /// Use this seed instead of the one in the file [default: the file's, or else a random one]
    #[arg(long, value_name = "N", allow_hyphen_values = true, value_parser = parse_seed)]
    pub seed: Option<u64>,
    /// The clock of the run
    #[arg(long, value_enum, default_value_t = ClockArg::Real)]
    pub clock: ClockArg,
    /// Run this many times as fast, from 0.001 to 1000000 (real clock only)
    #[arg(long, value_name = "FACTOR", value_parser = parse_speed, default_value = "1")]
    pub speed: f64,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take them for the help of the options within")]
    pub variables: VariableArgs,
    /// Read typed commands from this file instead of the terminal; `-` is standard input
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub input: Option<PathBuf>,
    /// Write a report of the run to this file, as one HTML file, when the run ends
    #[arg(short = 'o', long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub report: Option<PathBuf>,
    /// Write test cases for CI to this file as JUnit XML when the run ends; `-` is standard output
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub junit: Option<PathBuf>,
    /// Also print annotations for GitHub Actions; does nothing outside of them
    #[arg(long)]
    pub github: bool,
    /// Run again whenever the scenario or a file that it includes changes; end the old run first
    #[arg(long)]
    pub watch: bool,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take them for the help of the options within")]
    pub serving: ServeArgs,
    /// Keep the live page after the end of the run, until Ctrl-C
    #[arg(long, requires = "address")]
    pub stay: bool,
    /// Spin on the processor before each moment, to be on time to the microsecond (real clock only)
    #[arg(long)]
    pub precise: bool,
    /// Run only the entries of these ids, and what they wait for
    #[arg(long, value_name = "ID,…", value_delimiter = ',')]
    pub only: Vec<String>,
    /// Leave out the entries of these ids, and what waits for them
    #[arg(long, value_name = "ID,…", value_delimiter = ',')]
    pub skip: Vec<String>,
    /// Run every combination of the values in the file's `[matrix]`, each with a log of its own
    #[arg(long)]
    pub matrix: bool,
    /// Run this many combinations of the matrix at the same time
    #[arg(long, value_name = "N", requires = "matrix", value_parser = clap::value_parser!(u16).range(1..=1000), default_value = "1")]
    pub jobs: u16,
    /// Show only errors and warnings
    #[arg(long, short)]
    pub quiet: bool,
}

pub(super) fn parse_seed(argument: &str) -> Result<u64, String> {
    let seed = argument.parse().ok().filter(|seed| *seed <= MAX_SEED);
    seed.ok_or_else(|| format!("a whole number from 0 to {MAX_SEED}"))
}

fn parse_speed(argument: &str) -> Result<f64, String> {
    match argument.parse::<f64>() {
        Ok(speed) if (0.001..=1_000_000.0).contains(&speed) => Ok(speed),
        _ => Err("a factor from 0.001 to 1000000".to_owned()),
    }
}

/// The clock of `--clock`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ClockArg {
    /// The clock of this machine
    Real,
    /// Virtual time, which jumps to the next moment that is due; the same seed gives the same bytes
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

/// The format of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    /// Text for people
    Human,
    /// JSON for programs
    Json,
}

/// `scenario check`.
#[derive(Args, Debug)]
#[command(after_help = help_texts::CHECK)]
pub struct CheckArgs {
    /// The scenario files, or folders of them; `-` is standard input; without one, this folder
    #[arg(value_name = "FILE", value_hint = ValueHint::AnyPath)]
    pub files: Vec<PathBuf>,
    /// The format of the errors and warnings
    #[arg(long, value_enum, default_value_t = OutputFormat::Human)]
    pub format: OutputFormat,
    /// Also print annotations for GitHub Actions; does nothing outside of them
    #[arg(long)]
    pub github: bool,
    /// Check again whenever a scenario or a file that it includes changes
    #[arg(long)]
    pub watch: bool,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take them for the help of the options within")]
    pub variables: VariableArgs,
}

/// `scenario plan`.
#[derive(Args, Debug)]
#[command(after_help = help_texts::PLAN)]
pub struct PlanArgs {
    /// The scenario file; `-` is standard input; without one, scenario.toml
    #[arg(value_hint = ValueHint::FilePath, default_value = "", hide_default_value = true, value_parser = maybe_empty_path())]
    pub file: PathBuf,
    /// The format of the plan
    #[arg(long, value_enum, default_value_t = OutputFormat::Human)]
    pub format: OutputFormat,
    /// Use this seed instead of the one in the file [default: the file's, or else a random one]
    #[arg(long, value_name = "N", allow_hyphen_values = true, value_parser = parse_seed)]
    pub seed: Option<u64>,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take them for the help of the options within")]
    pub variables: VariableArgs,
}

/// `scenario explore`.
#[derive(Args, Debug)]
#[command(group = clap::ArgGroup::new("how").args(["seeds", "exhaustive"]), after_help = help_texts::EXPLORE)]
pub struct ExploreArgs {
    /// The scenario file; `-` is standard input; without one, scenario.toml
    #[arg(value_hint = ValueHint::FilePath, default_value = "", hide_default_value = true, value_parser = maybe_empty_path())]
    pub file: PathBuf,
    /// Run the scenario with N seeds: 0, 1, 2 and so on, up to 1000000000 of them [default: every order of
    /// the steps, or 1000 seeds where there are no steps or too many orders]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    pub seeds: Option<u64>,
    /// Try every order of the steps, and count the outcomes exactly
    #[arg(long)]
    pub exhaustive: bool,
    /// With `--exhaustive`: use this seed instead of the one in the file [default: the file's, or else 0]
    #[arg(long, value_name = "N", allow_hyphen_values = true, value_parser = parse_seed, conflicts_with = "seeds")]
    pub seed: Option<u64>,
    /// With `--exhaustive`: give up if there are more states than this
    #[arg(long, value_name = "N", default_value_t = 2_000_000, conflicts_with = "seeds",
        value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    pub max_states: u64,
    /// With `--exhaustive`: judge only what is expected of `shared`, and leave the other expectations open;
    /// without it, a scenario with others does not pass
    #[arg(long, conflicts_with = "seeds")]
    pub judge_cells_only: bool,
    /// The format of the outcomes
    #[arg(long, value_enum, default_value_t = OutputFormat::Human)]
    pub format: OutputFormat,
    /// Write test cases for CI to this file as JUnit XML; `-` is standard output
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub junit: Option<PathBuf>,
    /// Write the log of one run for each outcome: the first to FILE, the others to FILE with -2, -3 and so
    /// on in its name
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub log: Option<PathBuf>,
    /// Write only the log of the outcome with this number, from 1
    #[arg(long, value_name = "N", requires = "log")]
    pub outcome: Option<usize>,
    /// Overwrite existing logs
    #[arg(long, requires = "log")]
    pub force: bool,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take them for the help of the options within")]
    pub variables: VariableArgs,
}

/// `scenario replay`.
#[derive(Args, Debug)]
#[command(after_help = help_texts::REPLAY)]
pub struct ReplayArgs {
    /// The logs; `-` is standard input, `@last` the newest below runs/, `@2` the one before; without one,
    /// the newest
    #[arg(value_name = "LOG", value_hint = ValueHint::FilePath)]
    pub logs: Vec<PathBuf>,
    /// Replay with this scenario in place of the logged one
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub against: Option<PathBuf>,
    /// Judge the expectations of this file (its `[[expect]]`) on the logged runs
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub expect: Option<PathBuf>,
    /// Accept logs that were cut short, up to their last whole line
    #[arg(long)]
    pub allow_incomplete: bool,
    /// Demand that the logged runs passed; without it, a failed run that fails again is the same
    #[arg(long)]
    pub passed: bool,
    /// The format of the results
    #[arg(long, value_enum, default_value_t = ReplayFormat::Human)]
    pub format: ReplayFormat,
    /// Write test cases for CI to this file as JUnit XML, with those of the logged runs; `-` is standard
    /// output
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub junit: Option<PathBuf>,
    /// Also print annotations for GitHub Actions; does nothing outside of them
    #[arg(long)]
    pub github: bool,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take them for the help of the options within")]
    pub variables: VariableArgs,
}

/// The format of replays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReplayFormat {
    /// Text for people
    Human,
    /// JSON for programs: one object for each log, one in a line
    Json,
    /// A JUnit report for CI
    Junit,
}

/// `scenario play`.
#[derive(Args, Debug)]
#[command(after_help = PLAY_KEYS)]
pub struct PlayArgs {
    /// The log file; `-` is standard input, `@last` the newest below runs/, `@2` the one before; without one,
    /// the newest
    #[arg(value_hint = ValueHint::FilePath, default_value = "", hide_default_value = true, value_parser = maybe_empty_path())]
    pub log: PathBuf,
    /// Play this many times as fast, from 0.001 to 1000000; `max` shows everything at once
    #[arg(long, value_name = "FACTOR|max", value_parser = parse_speed_or_max, default_value = "1")]
    pub speed: f64,
    /// Wait no longer than this between two events, such as `1s` [default: no limit]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub idle_limit: Option<Span>,
    /// Accept a log that was cut short, up to its last whole line
    #[arg(long)]
    pub allow_incomplete: bool,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take them for the help of the options within")]
    pub serving: ServeArgs,
}

/// `scenario diff`.
#[derive(Args, Debug)]
#[command(after_help = help_texts::DIFF)]
pub struct DiffArgs {
    /// The log of the first run; `-` is standard input, `@last` the newest below runs/
    #[arg(value_name = "LOG", value_hint = ValueHint::FilePath)]
    pub left: PathBuf,
    /// The log of the second run
    #[arg(value_name = "LOG", value_hint = ValueHint::FilePath)]
    pub right: PathBuf,
    /// The level on which the runs must be the same
    #[arg(long, value_enum, default_value_t = DiffLevelArg::Source)]
    pub level: DiffLevelArg,
    /// The format of the result
    #[arg(long, value_enum, default_value_t = OutputFormat::Human)]
    pub format: OutputFormat,
    /// Accept logs that were cut short, up to their last whole line
    #[arg(long)]
    pub allow_incomplete: bool,
}

/// The level of `scenario diff`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DiffLevelArg {
    /// The bytes of the logs
    Exact,
    /// The events of each source, of each player and of the timeline, in their order; not their times, and
    /// not their order across sources
    Source,
    /// The number of events of each kind, and how the run ended
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
Keys on a terminal: space pauses and resumes; `.` shows the next event while paused; left and right
jump back and forward by 5 seconds of the run, down and up by a minute, Home and End to its start and
its end; `+` and `-` double and halve the speed; q quits.";

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
    /// The log file of the run; `-` is standard input, `@last` the newest below runs/, `@2` the one before; without one,
    /// the newest
    #[arg(value_hint = ValueHint::FilePath, default_value = "", hide_default_value = true, value_parser = maybe_empty_path())]
    pub log: PathBuf,
    /// Accept a log that was cut short, up to its last whole line
    #[arg(long)]
    pub allow_incomplete: bool,
}

/// `scenario report`.
#[derive(Args, Debug)]
#[command(after_help = help_texts::REPORT)]
pub struct ReportArgs {
    /// The log file of the run; `-` is standard input, `@last` the newest below runs/, `@2` the one before; without one,
    /// the newest
    #[arg(value_hint = ValueHint::FilePath, default_value = "", hide_default_value = true, value_parser = maybe_empty_path())]
    pub log: PathBuf,
    /// The format of the summary
    #[arg(long, value_enum, default_value_t = OutputFormat::Human)]
    pub format: OutputFormat,
    /// Write a report as one HTML file; `-` is standard output, in place of the summary
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,
    /// Write test cases for CI to this file as JUnit XML; `-` is standard output, in place of the summary
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub junit: Option<PathBuf>,
    /// Write a trace for Perfetto (Trace Event JSON); `-` is standard output, in place of the summary
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub trace: Option<PathBuf>,
    /// Write a table as CSV, with a row for each event; `-` is standard output, in place of the summary
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub csv: Option<PathBuf>,
    /// Accept a log that was cut short, up to its last whole line
    #[arg(long)]
    pub allow_incomplete: bool,
}

/// `scenario schema`.
#[derive(Args, Debug)]
pub struct SchemaArgs {
    /// The schema to print
    #[arg(value_enum, default_value_t = SchemaKind::Scenario)]
    pub of: SchemaKind,
}

/// The schema of `scenario schema`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SchemaKind {
    /// Scenario files
    Scenario,
    /// The lines of a log
    Event,
}

/// `scenario players`.
#[derive(Args, Debug)]
pub struct PlayersArgs {
    /// The scenario file; `-` is standard input
    #[arg(value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
    /// The name of the preset to play
    pub preset: String,
    /// Use this seed instead of the one in the file [default: the file's, or else a random one]
    #[arg(long, value_name = "N", allow_hyphen_values = true, value_parser = parse_seed)]
    pub seed: Option<u64>,
    /// Draw as the spawn that follows K earlier spawns of the preset
    #[arg(long, value_name = "K", default_value_t = 0)]
    pub nth: u64,
    /// Play this many times as fast, from 0.001 to 1000000
    #[arg(long, value_name = "FACTOR", value_parser = parse_speed, default_value = "1")]
    pub speed: f64,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take them for the help of the options within")]
    pub variables: VariableArgs,
}

/// `scenario fetch`.
#[derive(Args, Debug)]
pub struct FetchArgs {
    /// The URLs to fetch
    #[arg(required = true, value_name = "URL")]
    pub urls: Vec<String>,
    /// Fetch each URL after the one before it, instead of all at once
    #[arg(short, long)]
    pub sequential: bool,
    /// Print a line for every line received
    #[arg(short, long)]
    pub details: bool,
}

/// `scenario init`.
#[derive(Args, Debug)]
#[command(after_help = help_texts::INIT)]
pub struct InitArgs {
    /// The name of the scenario, which is written to NAME.toml; that of a template takes the template
    #[arg(default_value = "first")]
    pub name: String,
    /// Write this template: first, stack, load, fetch, lock or world
    #[arg(long, value_name = "NAME")]
    pub template: Option<String>,
    /// List the templates, and write nothing
    #[arg(long)]
    pub list: bool,
}

/// `scenario runs`.
#[derive(Args, Debug)]
#[command(after_help = help_texts::RUNS)]
pub struct RunsArgs {
    /// What to do; without it, the logs are listed.
    #[command(subcommand)]
    pub action: Option<RunsAction>,
}

/// The commands of `scenario runs`.
#[derive(Debug, Subcommand)]
pub enum RunsAction {
    /// Delete all but the newest logs
    Prune {
        /// How many logs to keep
        #[arg(long, value_name = "N", default_value_t = 20)]
        keep: usize,
    },
}

/// `scenario completions`.
#[derive(Args, Debug)]
#[command(after_help = help_texts::COMPLETIONS)]
pub struct CompletionsArgs {
    /// The shell that the script is for
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}
