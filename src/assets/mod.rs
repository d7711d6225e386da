//! The templates, styles and scripts of the pages: the report's page and the live page. A script is
//! written as ES modules, and joined here into one text. This module knows nothing of what a page shows.
//!
//! `npm run check` in this folder checks the types of the scripts, lints them and runs their tests.

use std::sync::LazyLock;

/// The template of a report's page.
pub(crate) const REPORT_TEMPLATE: &str = include_str!("report/page.html");
pub(crate) const REPORT_STYLE: &str =
    concat!(include_str!("shared/colors.css"), include_str!("report/page.css"));
pub(crate) static REPORT_SCRIPT: LazyLock<String> = LazyLock::new(|| join_modules(REPORT_MODULES));

/// The live page, without anything of a run.
pub const LIVE_HTML: &str = include_str!("live/page.html");
/// The live page's style.
pub const LIVE_STYLE: &str = concat!(include_str!("shared/colors.css"), include_str!("live/page.css"));
/// The live page's script, joined at first use.
pub static LIVE_SCRIPT: LazyLock<String> = LazyLock::new(|| join_modules(LIVE_MODULES));

/// The script of the worker that the live pages of a browser share.
pub const LIVE_HUB: &str = include_str!("live/hub.js");

/// A file of a script, by its path in this folder.
struct ScriptModule {
    path: &'static str,
    text: &'static str,
}

macro_rules! script_modules {
    ($($path:literal,)*) => { &[$(ScriptModule { path: $path, text: include_str!($path) },)*] };
}

/// The modules of the report's script. A module stands after those that it imports.
const REPORT_MODULES: &[ScriptModule] = script_modules![
    "shared/scale.js",
    "shared/times.js",
    "shared/numbers.js",
    "shared/dom.js",
    "report/time_text.js",
    "report/data.js",
    "report/points.js",
    "report/time_window.js",
    "report/rows.js",
    "report/search.js",
    "report/tooltip.js",
    "report/draw.js",
    "report/pointers.js",
    "report/main.js",
];

/// The modules of the live page's script. A module stands after those that it imports.
const LIVE_MODULES: &[ScriptModule] = script_modules![
    "shared/scale.js",
    "shared/times.js",
    "shared/numbers.js",
    "shared/dom.js",
    "live/text.js",
    "live/elements.js",
    "live/theme.js",
    "live/frames.js",
    "live/state.js",
    "live/clock.js",
    "live/token.js",
    "live/source.js",
    "live/stream.js",
    "live/entries.js",
    "live/head.js",
    "live/board_view.js",
    "live/board_players.js",
    "live/board_names.js",
    "live/crowd.js",
    "live/board_draw.js",
    "live/board.js",
    "live/pack.js",
    "live/lane_layout.js",
    "live/lane_text.js",
    "live/lane_draw.js",
    "live/timeline.js",
    "live/rate_counts.js",
    "live/rates.js",
    "live/lines.js",
    "live/expectations.js",
    "live/offers.js",
    "live/commands.js",
    "live/join.js",
    "live/scrubber.js",
    "live/access.js",
    "live/main.js",
];

/// Puts modules into one scope: without imports, the word `export`, and comments that stand alone, each
/// after a comment with its path. An import must be one line, and a name may be declared in one module only.
fn join_modules(modules: &[ScriptModule]) -> String {
    let mut script = String::from("'use strict';\n{\n");
    for module in modules {
        script.push_str(&format!("// {}\n", module.path));
        let mut is_comment = false;
        for line in module.text.lines() {
            let text = line.trim();
            if is_comment || starts_comment(text) {
                is_comment = !text.ends_with("*/");
            } else if !(text.is_empty() || text.starts_with("//") || line.starts_with("import ")) {
                script.push_str(line.strip_prefix("export ").unwrap_or(line));
                script.push('\n');
            }
        }
    }
    script.push_str("}\n");
    script
}

/// Whether a comment begins with the line and no code follows it.
fn starts_comment(line: &str) -> bool {
    line.starts_with("/**") && (!line.contains("*/") || line.ends_with("*/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// The path of an imported module, seen from this folder.
    fn imported_path(from: &str, import: &str) -> String {
        let (_, rest) = import.split_once(" from '").expect("an import in one line");
        let relative = rest.strip_suffix("';").expect("an import in one line");
        match relative.strip_prefix("../") {
            Some(path) => path.to_owned(),
            None => {
                let folder = from.split('/').next().unwrap();
                format!("{folder}/{}", relative.strip_prefix("./").unwrap())
            }
        }
    }

    /// The name that a line declares for the whole module.
    fn declared_name(line: &str) -> Option<&str> {
        let line = line.strip_prefix("export ").unwrap_or(line);
        let line = line.strip_prefix("async ").unwrap_or(line);
        let keyword =
            ["function ", "class ", "const ", "let "].iter().find_map(|word| line.strip_prefix(word));
        keyword.map(|rest| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap())
    }

    #[test]
    fn modules_are_joined_without_their_imports_and_comments() {
        let first = "// Adds.\n\n/** One. @type {number} */\nexport const ONE = 1;\n";
        let second = "import { ONE } from './first.js';\n\n/**\n * Adds one.\n */\nexport function next(n) {\n  \
                      // Twice.\n  return /** @type {number} */ (n) + ONE;\n}\n";
        let modules = [("first.js", first), ("second.js", second)];
        let joined = join_modules(&modules.map(|(path, text)| ScriptModule { path, text }));
        let lines = [
            "// first.js",
            "const ONE = 1;",
            "// second.js",
            "function next(n) {",
            "  return /** @type {number} */ (n) + ONE;",
            "}",
        ];
        assert_eq!(joined, format!("'use strict';\n{{\n{}\n}}\n", lines.join("\n")));
    }

    #[test]
    fn a_module_stands_after_those_that_it_imports() {
        for modules in [REPORT_MODULES, LIVE_MODULES] {
            let mut before = Vec::new();
            for module in modules {
                for import in module.text.lines().filter(|line| line.starts_with("import ")) {
                    let path = imported_path(module.path, import);
                    assert!(before.contains(&path), "{}: {path} does not stand before it", module.path);
                    assert!(
                        !import.contains(" as "),
                        "{}: a name is imported as it is: {import}",
                        module.path
                    );
                }
                before.push(module.path.to_owned());
            }
        }
    }

    #[test]
    fn a_name_is_declared_in_one_module_of_a_page() {
        for modules in [REPORT_MODULES, LIVE_MODULES] {
            let mut places: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
            for module in modules {
                for name in module.text.lines().filter_map(declared_name) {
                    places.entry(name).or_default().push(module.path);
                }
            }
            assert!(places.len() > 50, "the names were found: {}", places.len());
            places.retain(|_, places| places.len() > 1);
            assert_eq!(places, BTreeMap::new());
        }
    }

    #[test]
    fn a_script_can_stand_in_a_page() {
        for script in [&*REPORT_SCRIPT, &*LIVE_SCRIPT] {
            assert!(!script.contains("</script") && !script.contains("<!--"));
            let left = ["import ", "export ", "/*", "*"];
            let left = script.lines().find(|line| left.iter().any(|word| line.trim().starts_with(word)));
            assert_eq!(left, None);
        }
    }
}
