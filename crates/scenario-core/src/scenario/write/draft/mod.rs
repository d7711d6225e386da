//! A draft: the resolved scenario of a log on its way back to a file that people keep and edit. Entries and
//! comments can be added to it.
//!
//! Additions must be right: names are not looked up here. No text can break out of its comment or its
//! string.

mod omit_defaults;

use std::fmt;
use std::path::Path;

use crate::scenario::file::RawScenario;
use crate::scenario::format::format_span;
use crate::scenario::model::{FetchBody, FetchJob, PresetKind, Scenario};
use crate::scenario::schema::TomlSchema;
use crate::scenario::vars::template::escape;
use crate::scenario::write::json::{Json, object};
use crate::scenario::write::resolved::to_json;
use crate::scenario::write::toml_writer::{needs_header, render_toml, write_key_value, write_section};
use crate::scenario::{FileContent, FileProvider, FileReadError, ScenarioError, ScenarioOptions, loader};
use scenario_log::event::{ClockKind, REDACTED};
use scenario_log::sanitize::push_sanitized;
use scenario_log::signal::Signal;
use scenario_log::time::Span;

/// A scenario that will be written as a file.
#[derive(Clone, Debug)]
pub struct ScenarioDraft {
    items: Vec<(String, Json)>,
    scenario: Scenario,
    vars: Vec<String>,
    /// The comment above the key `time_limit`.
    limit_comment: Vec<String>,
}

/// The reason why the scenario of a log does not make a draft.
#[derive(Debug)]
pub enum DraftError {
    /// The text is not JSON.
    InvalidJson(serde_json::Error),
    /// The text is JSON, but not an object.
    NotAnObject,
    /// The scenario cannot be run.
    Invalid(ScenarioError),
}

impl fmt::Display for DraftError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DraftError::InvalidJson(error) => error.fmt(f),
            DraftError::NotAnObject => f.write_str("it is not a JSON object"),
            DraftError::Invalid(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for DraftError {}

/// The action of an added entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DraftAction<'a> {
    /// Start a preset, this many times.
    Spawn(&'a str, u32),
    /// Start a fetch.
    Fetch(&'a str),
    /// Note a text in the log.
    Mark(&'a str),
    /// Stop what runs of this name.
    Stop(&'a str),
    /// Kill what runs of this name.
    Kill(&'a str),
    /// Restart what runs of this name.
    Restart(&'a str),
    /// Send a signal.
    Signal {
        /// The name of what gets it.
        to: &'a str,
        /// The signal.
        signal: Signal,
    },
    /// Write a line to a program.
    Send {
        /// The name of what gets it.
        to: &'a str,
        /// The line.
        text: &'a str,
    },
    /// Type keys for a program.
    Keys {
        /// The name of what gets them.
        to: &'a str,
        /// The text of the keys.
        text: &'a str,
        /// Whether this is the end of its input.
        close: bool,
    },
}

/// An addition to the timeline: a comment and, in most cases, an entry below it.
#[derive(Clone, Debug)]
pub struct DraftAddition {
    comment: String,
    entry: Option<Json>,
}

impl DraftAddition {
    /// A comment without an entry.
    #[must_use]
    pub fn comment(comment: impl Into<String>) -> DraftAddition {
        DraftAddition { comment: comment.into(), entry: None }
    }

    /// An entry with a comment above it.
    #[must_use]
    pub fn entry(comment: impl Into<String>, id: &str, at: Span, step: DraftAction<'_>) -> DraftAddition {
        let mut entry = object([("id", id.into()), ("at", format_span(at).into())]);
        entry = match step {
            DraftAction::Spawn(preset, count) => {
                let entry = entry.with("spawn", escape(preset));
                if count > 1 { entry.with("count", u64::from(count)) } else { entry }
            }
            DraftAction::Fetch(job) => entry.with("fetch", escape(job)),
            DraftAction::Mark(text) => entry.with("mark", escape(text)),
            DraftAction::Stop(target) => entry.with("stop", escape(target)),
            DraftAction::Kill(target) => entry.with("kill", escape(target)),
            DraftAction::Restart(target) => entry.with("restart", escape(target)),
            DraftAction::Signal { to, signal } => {
                let name = signal.to_string();
                entry.with("signal", object([("to", escape(to).into()), ("name", name.into())]))
            }
            DraftAction::Send { to, text } => {
                entry.with("send", object([("to", escape(to).into()), ("text", escape(text).into())]))
            }
            DraftAction::Keys { to, text, close } => {
                let mut send = object([("to", escape(to).into())]);
                if !text.is_empty() {
                    send = send.with("text", escape(text)).with("enter", false);
                }
                entry.with("send", if close { send.with("close", true) } else { send })
            }
        };
        DraftAddition { comment: comment.into(), entry: Some(entry) }
    }
}

impl ScenarioDraft {
    /// The draft of a scenario in a log: one line of JSON, as [`to_json`] writes it. Its variables are left
    /// out, since they have been replaced, and so are keys with default values.
    ///
    /// # Errors
    ///
    /// The scenario cannot be run.
    pub fn from_json(json: &str) -> Result<ScenarioDraft, DraftError> {
        let Json::Object(mut items) = Json::parse(json).map_err(DraftError::InvalidJson)? else {
            return Err(DraftError::NotAnObject);
        };
        let vars = keys_of_table(&items, "vars");
        items.retain(|(key, _)| key != "vars");
        let short = match omit_defaults::omit_defaults(Json::Object(items.clone()), &RawScenario::schema()) {
            Json::Object(short) => short,
            _ => items.clone(),
        };
        let (whole, shortened) = (load_items(&items, ClockKind::Real), load_items(&short, ClockKind::Real));
        let (items, scenario) = match (whole, shortened) {
            // A default depends on something else, so all keys are kept.
            (Ok(whole), Ok(shortened)) if to_json(&whole) != to_json(&shortened) => (items, whole),
            // A scenario that is too large for a file with all its keys may fit without the defaults.
            (_, Ok(shortened)) => (short, shortened),
            (whole, Err(_)) => (items, whole.map_err(DraftError::Invalid)?),
        };
        Ok(ScenarioDraft { items, scenario, vars, limit_comment: Vec::new() })
    }

    /// The checked scenario.
    #[must_use]
    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// The names of the variables that were replaced.
    pub fn vars(&self) -> impl Iterator<Item = &str> {
        self.vars.iter().map(String::as_str)
    }

    /// Whether the virtual clock can run the scenario.
    #[must_use]
    pub fn can_run_virtually(&self) -> bool {
        load_items(&self.items, ClockKind::Virtual).is_ok()
    }

    /// Whether the scenario depends on the folder of its file: programs run there, and paths start there.
    #[must_use]
    pub fn depends_on_folder(&self) -> bool {
        let runs = |kind: &PresetKind| matches!(kind, PresetKind::Command(_));
        let reads = |fetch: &FetchJob| {
            fetch.ca.is_some() || fetch.body.iter().flat_map(FetchBody::files).next().is_some()
        };
        self.scenario.presets.iter().any(|preset| runs(&preset.kind))
            || self.scenario.fetches.iter().any(reads)
            || self.scenario.data.iter().any(|table| table.path().is_some())
    }

    /// The places of `[redacted]` in the file of [`ScenarioDraft::to_toml`]: the keys from the top down,
    /// with dots between them, and `#3` for the third item of a list.
    #[must_use]
    pub fn redacted_paths(&self, before: &[DraftAddition], behind: &[DraftAddition]) -> Vec<String> {
        let mut items = self.items.clone();
        let added =
            |additions: &[DraftAddition]| additions.iter().filter_map(|one| one.entry.clone()).collect();
        let (mut timeline, behind): (Vec<Json>, Vec<Json>) = (added(before), added(behind));
        let at = items.iter().position(|(key, _)| key == "timeline");
        if let Some((_, Json::List(own))) = at.map(|at| items.remove(at)) {
            timeline.extend(own);
        }
        timeline.extend(behind);
        items.push(("timeline".to_owned(), Json::List(timeline)));
        let mut found = Vec::new();
        for (key, value) in &items {
            find_redacted(value, key, &mut found);
        }
        found
    }

    /// Sets the seed of the scenario.
    pub fn set_seed(&mut self, seed: i64) {
        self.set_key("seed", Json::Int(seed), &["name", "description"]);
    }

    /// Sets the time limit, unless the scenario has a shorter one already.
    pub fn set_time_limit(&mut self, limit: Span, comment: Vec<String>) {
        if self.scenario.time_limit.is_none_or(|own| limit < own) {
            self.set_key("time_limit", format_span(limit).into(), &["name", "description", "seed", "tick"]);
            self.limit_comment = comment;
        }
    }

    /// Removes the timeline; additions stay.
    pub fn clear_timeline(&mut self) {
        self.items.retain(|(key, _)| key != "timeline");
    }

    /// Replaces the value of a key, or adds the key after all of these.
    fn set_key(&mut self, key: &str, value: Json, behind: &[&str]) {
        if let Some((_, old)) = self.items.iter_mut().find(|(name, _)| name == key) {
            *old = value;
            return;
        }
        let at = self.items.iter().rposition(|(name, _)| behind.contains(&name.as_str()));
        self.items.insert(at.map_or(0, |at| at + 1), (key.to_owned(), value));
    }

    /// The file: a header of comment lines, the scenario, and the additions before and after the entries of
    /// its timeline.
    #[must_use]
    pub fn to_toml(&self, header: &[String], before: &[DraftAddition], behind: &[DraftAddition]) -> String {
        let mut out = String::new();
        write_comments(&mut out, header);
        out.push('\n');
        for (key, value) in self.items.iter().filter(|(_, value)| !needs_header(value)) {
            if key == "time_limit" {
                write_comments(&mut out, &self.limit_comment);
            }
            write_key_value(&mut out, key, value);
        }
        let (timeline, others): (Vec<_>, Vec<_>) = self
            .items
            .iter()
            .filter(|(_, value)| needs_header(value))
            .partition(|(key, _)| key == "timeline");
        for (key, value) in others {
            match key == "data" {
                true => write_section(&mut out, key, &without_reads(value)),
                false => write_section(&mut out, key, value),
            }
        }
        write_additions(&mut out, before);
        for (key, value) in timeline {
            write_section(&mut out, key, value);
        }
        write_additions(&mut out, behind);
        out
    }
}

/// The tables of rows without the note of what the run read from their files, which are read anew.
fn without_reads(tables: &Json) -> Json {
    let Json::Object(tables) = tables else { return tables.clone() };
    let table = |(name, table): &(String, Json)| match table {
        Json::Object(keys) => {
            let keys = keys.iter().filter(|(key, _)| key != "read").cloned().collect();
            (name.clone(), Json::Object(keys))
        }
        other => (name.clone(), other.clone()),
    };
    Json::Object(tables.iter().map(table).collect())
}

fn write_additions(out: &mut String, additions: &[DraftAddition]) {
    for DraftAddition { comment, entry } in additions {
        out.push('\n');
        write_comments(out, std::slice::from_ref(comment));
        if let Some(entry) = entry {
            let mut text = String::new();
            write_section(&mut text, "timeline", &Json::List(vec![entry.clone()]));
            out.push_str(text.trim_start());
        }
    }
}

/// Writes lines of comments. Their text cannot end a comment.
fn write_comments(out: &mut String, lines: &[String]) {
    for line in lines {
        out.push_str(if line.is_empty() { "#" } else { "# " });
        push_sanitized(out, line);
        out.push('\n');
    }
}

fn keys_of_table(items: &[(String, Json)], key: &str) -> Vec<String> {
    match items.iter().find(|(name, _)| name == key) {
        Some((_, Json::Object(named))) => named.iter().map(|(name, _)| name.clone()).collect(),
        _ => Vec::new(),
    }
}

fn find_redacted(value: &Json, path: &str, found: &mut Vec<String>) {
    match value {
        Json::Text(text) if text.contains(REDACTED) => found.push(path.to_owned()),
        Json::List(items) => {
            for (index, item) in items.iter().enumerate() {
                find_redacted(item, &format!("{path}.#{}", index + 1), found);
            }
        }
        Json::Object(items) => {
            for (key, item) in items {
                find_redacted(item, &format!("{path}.{key}"), found);
            }
        }
        _ => {}
    }
}

/// The only file: neither the disk nor the environment may change the meaning of a log.
struct SingleFile(String);

impl FileProvider for SingleFile {
    fn read(&self, path: &Path) -> Result<FileContent, FileReadError> {
        if path != Path::new("-") {
            return Err(FileReadError("a scenario in a log does not include files".to_owned()));
        }
        Ok(FileContent { bytes: self.0.clone().into_bytes(), identity: String::new() })
    }

    fn is_log(&self) -> bool {
        true
    }
}

fn load_items(items: &[(String, Json)], clock: ClockKind) -> Result<Scenario, ScenarioError> {
    let file = SingleFile(render_toml(Json::Object(items.to_vec())));
    let options = ScenarioOptions { vars: &[], env: &|_| None, clock };
    loader::load_scenario(Path::new("-"), &file, &options).map(|loaded| loaded.scenario)
}
