//! Where the links of a page lead to.

use std::collections::{BTreeSet, HashMap};

use super::{folder, prose, read};
use crate::common::project;

/// The targets of a page's links and pictures: `[text](target)` and `[text]: target`.
pub(crate) fn targets(text: &str) -> Vec<String> {
    let prose = prose(text);
    // A text in backquotes on one line is not a link.
    let plain: String =
        prose.lines().map(|line| line.split('`').step_by(2).collect::<Vec<_>>().join("") + "\n").collect();
    let inline = plain.split("](").skip(1).map(|rest| rest.split([')', ' ']).next().unwrap());
    let defined =
        plain.lines().filter_map(|line| line.strip_prefix('[')?.split_once("]: ").map(|(_, to)| to));
    inline.chain(defined).map(|target| target.trim_matches(['<', '>']).to_owned()).collect()
}

/// The anchors of a page's headings, as services and books that show them make them.
pub(crate) fn anchors(text: &str) -> BTreeSet<String> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let prose = prose(text);
    let headings = prose.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|line| {
            let slug: String = line
                .trim_start_matches('#')
                .trim()
                .to_lowercase()
                .chars()
                .filter_map(|c| match c {
                    ' ' => Some('-'),
                    c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c),
                    _ => None,
                })
                .collect();
            let before = seen.entry(slug.clone()).or_default();
            *before += 1;
            if *before == 1 { slug } else { format!("{slug}-{}", *before - 1) }
        })
        .collect()
}

/// The links of a page that lead nowhere, each in words.
pub(crate) fn broken(page: &str) -> Vec<String> {
    let text = read(page);
    let mut broken = Vec::new();
    for target in targets(&text) {
        if target.contains("://") || target.starts_with("mailto:") {
            continue;
        }
        let (path, anchor) = target.split_once('#').unwrap_or((&target, ""));
        let file =
            if path.is_empty() { project().join(page) } else { project().join(folder(page)).join(path) };
        if !file.exists() {
            broken.push(format!("{page}: there is no `{target}`"));
        } else if !anchor.is_empty() && !anchors(&std::fs::read_to_string(&file).unwrap()).contains(anchor) {
            broken.push(format!("{page}: there is no heading for `{target}`"));
        }
    }
    broken
}
