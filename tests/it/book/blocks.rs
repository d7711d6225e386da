//! The code blocks of a page, and the comments that say what they are.

use std::ops::Range;

/// A block with what its comment says of it.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) says: String,
    pub(crate) text: String,
    /// Which lines of the page the text is; they all begin with `indent`.
    pub(crate) lines: Range<usize>,
    pub(crate) indent: usize,
}

/// The backquotes that a line begins with.
pub(crate) fn fence(line: &str) -> &str {
    &line[..line.len() - line.trim_start_matches('`').len()]
}

fn comment(line: &str) -> Option<&str> {
    line.trim().strip_prefix("<!-- ")?.strip_suffix(" -->")
}

/// The blocks of a page, or what is wrong with it.
pub(crate) fn blocks(page: &str) -> Result<Vec<Block>, String> {
    let mut blocks = Vec::new();
    let mut lines = page.lines().enumerate();
    let mut says = None;
    while let Some((number, line)) = lines.next() {
        let trimmed = line.trim_start();
        let indent = line.len() - trimmed.len();
        if let Some(comment) = comment(line) {
            if comment.starts_with("before") {
                blocks.push(Block { says: comment.to_owned(), text: String::new(), lines: 0..0, indent });
            } else {
                says = Some(comment.to_owned());
            }
        } else if trimmed.starts_with("```") {
            let open = fence(trimmed);
            let mut text = String::new();
            let mut end = number + 1;
            for (_, line) in lines.by_ref().take_while(|(_, line)| line.trim() != open) {
                text.push_str(line.get(indent..).unwrap_or(""));
                text.push('\n');
                end += 1;
            }
            let Some(says) = says.take() else {
                return Err(format!("line {}: a block without a comment above it:\n{text}", number + 1));
            };
            blocks.push(Block { says, text, lines: number + 1..end, indent });
        } else if !trimmed.is_empty()
            && let Some(says) = says
        {
            return Err(format!("line {}: no block follows the comment `{says}`", number + 1));
        }
    }
    Ok(blocks)
}

/// Whether `shown` is `whole`, but for what its lines `…` stand for.
pub(crate) fn is_shown_by(shown: &str, whole: &str) -> bool {
    let whole: Vec<&str> = whole.lines().collect();
    let shown: Vec<&str> = shown.lines().collect();
    let mut at = 0;
    let mut free = false;
    for part in shown.split_inclusive(|line| *line == "…") {
        let opens = part.last() == Some(&"…");
        let lines = &part[..part.len() - usize::from(opens)];
        let last = if free { whole.len().saturating_sub(lines.len()) } else { at };
        let Some(start) = (at..=last).find(|start| whole[*start..].starts_with(lines)) else { return false };
        at = start + lines.len();
        free = opens;
    }
    free || at == whole.len()
}

/// Whether all lines of `shown` are lines of `whole`, in any order, and no others but for a line `…`.
pub(crate) fn is_among(shown: &str, whole: &str) -> bool {
    let mut whole: Vec<&str> = whole.lines().collect();
    let mut free = false;
    for line in shown.lines() {
        if line == "…" {
            free = true;
        } else if let Some(at) = whole.iter().position(|other| *other == line) {
            whole.remove(at);
        } else {
            return false;
        }
    }
    free || whole.is_empty()
}

/// The part of an output that stays the same in a run in real time: all but its figures, digests, dates and bars, and how many
/// others still run when one ends.
pub(crate) fn about(text: &str) -> String {
    let replace = |pattern: &str, text: &str, with: &str| {
        regex::Regex::new(pattern).unwrap().replace_all(text, with).into_owned()
    };
    let text = replace("[▁▂▃▄▅▆▇█▉▊▋▌▍▎▏]+", text, "");
    let text = replace(r"\d+ still runs?\b|nothing runs\b", &text, "~");
    let text = replace(r"\b\d\d/[A-Z][a-z]{2}/\d{4}\b", &text, "~");
    let text = replace(r"\b[0-9a-f]{8}(?:[0-9a-f]{56})?\b", &text, "~");
    // The numbers of sources, as in `ps#1`, are no figures.
    let text = replace(r"(^|[^#\w])\d+(?:[.,]\d+)*(?: ?(?:ns|us|µs|ms|s)\b)?", &text, "${1}~");
    let lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    lines.map(|line| line + "\n").collect()
}

/// Applies a change: lines with `-` go, lines with `+` come, all others are there before and after.
pub(crate) fn changed(file: &str, change: &str) -> Result<String, String> {
    let (mut old, mut new) = (String::new(), String::new());
    for line in change.lines() {
        let (goes, comes, rest) = match line.as_bytes().first() {
            Some(b'-') => (true, false, &line[1..]),
            Some(b'+') => (false, true, &line[1..]),
            Some(b' ') => (true, true, &line[1..]),
            _ => (true, true, line),
        };
        for (wanted, text) in [(goes, &mut old), (comes, &mut new)] {
            if wanted {
                text.push_str(rest);
                text.push('\n');
            }
        }
    }
    if old.is_empty() {
        return Ok(format!("{file}\n{new}"));
    }
    match file.matches(&old).count() {
        1 => Ok(file.replacen(&old, &new, 1)),
        count => Err(format!("these lines are there {count} times:\n{old}")),
    }
}
