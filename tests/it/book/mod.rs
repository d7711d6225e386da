//! The README and the pages of the book, read as text.

pub(crate) mod blocks;
pub(crate) mod hold;
pub(crate) mod links;
pub(crate) mod ports;
pub(crate) mod tables;

use std::path::{Path, PathBuf};

use crate::common::project;

/// The text of a page, by its path in the project.
pub(crate) fn read(page: &str) -> String {
    std::fs::read_to_string(project().join(page)).unwrap_or_else(|error| panic!("{page}: {error}"))
}

/// The README and every page below `docs/`, by their paths in the project, in order.
pub(crate) fn pages() -> Vec<String> {
    let mut pages = vec!["README.md".to_owned()];
    let mut folders = vec![PathBuf::from("docs")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(project().join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let path = folder.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "md") {
                pages.push(path.to_str().unwrap().to_owned());
            }
        }
    }
    pages[1..].sort();
    pages
}

/// The text of a page without its code blocks and comments.
pub(crate) fn prose(text: &str) -> String {
    let mut prose = String::new();
    let mut fence: Option<&str> = None;
    for line in text.lines() {
        let trimmed = line.trim_start();
        match fence {
            Some(open) if trimmed == open => fence = None,
            Some(_) => {}
            None if trimmed.starts_with("```") => fence = Some(blocks::fence(trimmed)),
            None if trimmed.starts_with("<!--") => {}
            None => {
                prose.push_str(line);
                prose.push('\n');
            }
        }
    }
    prose
}

/// The texts in backquotes.
pub(crate) fn quoted(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The folder of a page, from the project's folder.
pub(crate) fn folder(page: &str) -> &Path {
    Path::new(page).parent().unwrap()
}
