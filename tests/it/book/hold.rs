//! Holds a page to the program: what its blocks show is what is printed.

use std::collections::BTreeSet;
use std::process::Command;

use super::blocks::{Block, about, blocks, changed, is_among, is_shown_by};
use super::read;
use crate::common::{Folder, SCENARIO, project};

/// The kind of a block, how it is to be taken, and what of.
struct Says<'a> {
    kind: &'a str,
    about: bool,
    any_order: bool,
    exit: i32,
    what: &'a str,
}

impl Says<'_> {
    fn parse(says: &str) -> Option<Says<'_>> {
        let (head, what) = says.split_once(": ").unwrap_or((says, ""));
        let (kind, options) = match head.split_once(" (") {
            Some((kind, options)) => (kind, options.strip_suffix(')')?),
            None => (head, ""),
        };
        let mut read = Says { kind, about: false, any_order: false, exit: 0, what };
        for option in options.split(", ").filter(|option| !option.is_empty()) {
            match option.strip_prefix("exit ") {
                Some(code) => read.exit = code.parse().ok()?,
                None if option == "about" => read.about = true,
                None if option == "any order" => read.any_order = true,
                None => return None,
            }
        }
        Some(read)
    }
}

impl Says<'_> {
    /// Whether what is shown is what is printed, as far as the block wants it.
    fn takes(&self, shown: &str, printed: &str) -> bool {
        let as_taken = |text: &str| if self.about { about(text) } else { text.to_owned() };
        let compare = if self.any_order { is_among } else { is_shown_by };
        compare(&as_taken(shown), &as_taken(printed))
    }
}

struct Page<'a> {
    name: &'a str,
    folder: Folder,
}

impl Page<'_> {
    /// Runs the program with words as a shell takes them, variables of the environment before them.
    fn scenario(&self, words: &str, exit: i32) -> Result<String, String> {
        let (variables, arguments) = before_words(words);
        self.shell(&format!("exec env {variables}\"$SCENARIO\" {arguments}"), exit)
    }

    fn shell(&self, script: &str, exit: i32) -> Result<String, String> {
        // Nothing of a page acts on the repository that the tests stand in.
        let ceiling = self.folder.path().parent().unwrap();
        let path = std::env::var("PATH").unwrap_or_default();
        let output = Command::new("sh")
            .args(["-ec", script])
            .current_dir(self.folder.path())
            .env("SCENARIO", SCENARIO)
            .env("PATH", format!("{}/.bin:{path}", self.folder.path().display()))
            .env("GIT_CEILING_DIRECTORIES", ceiling)
            .env_remove("COLUMNS")
            .env_remove("NO_COLOR")
            .env_remove("GITHUB_ACTIONS")
            .stdin(std::process::Stdio::null())
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let printed = text(&output.stdout) + text(&output.stderr).trim_end() + "\n";
        match output.status.code() {
            Some(code) if code == exit => Ok(printed),
            _ => Err(format!("{} instead of exit {exit}:\n{printed}", output.status)),
        }
    }

    /// Writes a file; a scenario must be valid, and a program is nothing to check.
    fn write(&self, name: &str, text: &str) -> Result<(), String> {
        self.folder.file(name, text);
        let last = name.rsplit('/').next().unwrap();
        if !name.ends_with(".toml") || last.starts_with("wrong") {
            return Ok(());
        }
        // The variables that it takes from the environment are set.
        let taken = text.split("${env:").skip(1).filter_map(|rest| rest.split('}').next());
        let set: String = taken.map(|name| format!("{name}=0123456789abcdef ")).collect();
        let said = self.scenario(&format!("{set}check {name}"), 0)?;
        let valid = format!("{name}: valid");
        if said.trim() == valid { Ok(()) } else { Err(format!("{name} is not simply valid:\n{said}")) }
    }

    fn file(&self, name: &str) -> Result<String, String> {
        std::fs::read_to_string(self.folder.path().join(name)).map_err(|error| format!("{name}: {error}"))
    }

    /// The text that replaces the block, or nothing where the block is right.
    fn hold(&self, block: &Block) -> Result<Option<String>, String> {
        let says = Says::parse(&block.says).ok_or("this comment has no meaning")?;
        let printed = match says.kind {
            "text" => return Ok(None),
            "file" => return self.write(says.what, &block.text).map(|()| None),
            "change" => {
                let text = changed(&self.file(says.what)?, &block.text)?;
                return self.write(says.what, &text).map(|()| None);
            }
            "shell" => return self.shell(&(CARGO.to_owned() + &block.text), says.exit).map(|_| None),
            "before" => return self.scenario(says.what, says.exit).map(|_| None),
            "console" => return self.console(&says, &block.text),
            "lines of" => self.file(says.what)?,
            "sh" => self.shell(says.what, says.exit)?,
            "run" => self.scenario(says.what, says.exit)?,
            kind => return Err(format!("there is no kind of block `{kind}`")),
        };
        let printed = printed.trim_matches('\n');
        Ok((!says.takes(&block.text, printed)).then(|| format!("{printed}\n")))
    }

    /// Runs the commands of a block, each of them a line with `$ `, and what it prints below it.
    fn console(&self, says: &Says, text: &str) -> Result<Option<String>, String> {
        let Some(text) = text.strip_prefix("$ ") else {
            return Err("it does not begin with a command".to_owned());
        };
        let mut commands = text.split("\n$ ").peekable();
        let (mut all, mut same) = (String::new(), true);
        while let Some(part) = commands.next() {
            let (command, shown) = part.split_once('\n').unwrap_or((part, ""));
            let exit = if commands.peek().is_none() { says.exit } else { 0 };
            let printed = self.shell(command, exit)?;
            let printed = printed.trim_matches('\n');
            same &= says.takes(shown, printed);
            all += &format!("$ {command}\n{printed}");
            all = all.trim_end().to_owned() + "\n";
        }
        Ok((!same).then_some(all))
    }
}

/// In a page's shell blocks, what cargo runs is the program; ten seconds of waves take half a second.
const CARGO: &str = r#"cargo() {
    while [ "$1" != -- ]; do shift; done
    shift
    scenario "$@" --speed 20
}
"#;

/// `NAME=VALUE` words at the start, and the others.
fn before_words(words: &str) -> (&str, &str) {
    let is_name = |word: &str| {
        word.split_once('=').is_some_and(|(name, _)| name.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
    };
    let mut at = 0;
    while let Some(word) = words[at..].split(' ').next().filter(|word| is_name(word)) {
        at += word.len() + 1;
    }
    let (variables, rest) = words.split_at(at);
    (variables, rest)
}

/// Holds a page to the program: what kinds of blocks it has, and what is wrong.
pub(crate) fn hold(name: &str) -> (BTreeSet<String>, Vec<String>) {
    let text = read(name);
    let folder = Folder::new();
    std::os::unix::fs::symlink(project().join("scenarios"), folder.path().join("scenarios")).unwrap();
    std::fs::create_dir(folder.path().join(".bin")).unwrap();
    std::os::unix::fs::symlink(SCENARIO, folder.path().join(".bin/scenario")).unwrap();
    let page = Page { name, folder };

    let blocks = match blocks(&text) {
        Ok(blocks) => blocks,
        Err(wrong) => return (BTreeSet::new(), vec![format!("{name}: {wrong}")]),
    };
    let (mut kinds, mut wrong) = (BTreeSet::new(), Vec::new());
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    // From the last one on, so that lines keep their numbers.
    let mut updates = Vec::new();
    for block in &blocks {
        kinds.insert(Says::parse(&block.says).map_or(&*block.says, |says| says.kind).to_owned());
        let place = format!("{}:{}: `{}`", page.name, block.lines.start, block.says);
        match page.hold(block) {
            Ok(None) => {}
            Ok(Some(printed)) if std::env::var_os("UPDATE").is_some() && !block.text.contains('…') => {
                updates.push((block, printed));
            }
            Ok(Some(printed)) => {
                wrong.push(format!("{place} prints:\n{printed}\nand the page shows:\n{}", block.text));
            }
            Err(why) => wrong.push(format!("{place}: {why}")),
        }
    }
    for (block, printed) in updates.iter().rev() {
        let indent = " ".repeat(block.indent);
        let printed = printed.lines().map(|line| format!("{indent}{line}").trim_end().to_owned());
        lines.splice(block.lines.clone(), printed);
    }
    if !updates.is_empty() {
        std::fs::write(project().join(name), lines.join("\n") + "\n").unwrap();
    }
    (kinds, wrong)
}
