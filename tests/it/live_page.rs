//! The live page in a browser: it shows what happens in a run as it happens, and also when it is opened
//! late. Typed commands and joined players are part of the run, a log can be played, and nothing that is
//! shown acts as part of the page.

use crate::common::browser::{Browser, DOWN, END, ENTER, HOME, RIGHT, TAB};
use crate::common::{Folder, Watched, skip};
use serde_json::json;

/// Players who walk for as long as a test may take, and a program that keeps the run going until it is stopped.
const WALK: &str = r#"
name = "a walk"
seed = 5
[presets.walk]
players = [{ name = "ann", moves = 4, every = "30ms" }, { name = "joe", moves = 4, every = "30ms" }]
[presets.stroll]
players = [{ name = "zoe", moves = 100000, every = "30ms" }]
[presets.hold]
command = ["sleep", "600"]
[[timeline]]
id = "hold"
spawn = "hold"
[[timeline]]
id = "stroll"
spawn = "stroll"
[[expect]]
name = "somebody walks"
of = "move"
at_least = 2
"#;

/// A command that serves a page. It is stopped when the test ends.
struct Served(Option<Watched>);

impl Served {
    /// Starts a command with `--serve`, and returns the link to its page.
    #[track_caller]
    fn start(folder: &Folder, arguments: &[&str]) -> (Served, String) {
        let arguments = [arguments, &["--serve", "127.0.0.1:0"]].concat();
        let mut run = folder.scenario(&arguments).watch();
        run.until("http://127.0.0.1:");
        let link = run.shown.last().unwrap().split("page: ").nth(1).unwrap().trim().to_owned();
        (Served(Some(run)), link)
    }

    fn end(mut self) -> (Option<i32>, Vec<String>) {
        self.0.take().unwrap().end()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        if let Some(run) = &mut self.0 {
            crate::common::kill(&run.child, rustix::process::Signal::TERM);
            let _ = run.child.wait();
        }
    }
}

/// A browser without a page. None if there is no browser on this machine.
fn browser(folder: &Folder, size: (u32, u32)) -> Option<Browser> {
    if let Err(why) = crate::common::browser::is_there() {
        skip("the live page in a browser", &why);
        return None;
    }
    Some(Browser::start(&folder.path().join("profile"), size, &[]))
}

/// A run, with its page open in a browser.
fn opened(folder: &Folder, scenario: &str, size: (u32, u32)) -> Option<(Browser, Served, String)> {
    let browser = browser(folder, size)?;
    folder.file("s.toml", scenario);
    let (served, link) = Served::start(folder, &["run", "s.toml", "--log", "l.jsonl", "--quiet"]);
    browser.go(&link);
    Some((browser, served, link))
}

/// The board's description: every player and its place.
const BOARD: &str = "document.getElementById('stage').getAttribute('aria-label')";

/// Waits until a player has left its place.
#[track_caller]
fn until_moved(browser: &Browser, name: &str) {
    let place = format!("(/{name} at (-?\\d+, -?\\d+)/.exec({BOARD}) || [])[1]");
    browser.until(&place);
    let before = browser.run(&format!("return {place}"), json!([]));
    browser.until(&format!("{place} && {place} !== {before}"));
}

#[track_caller]
fn until_state(browser: &Browser, state: &str) {
    browser.until(&format!("document.body.dataset.state === {state:?}"));
}

/// Checks that nothing is wider than the window, which has the width of a phone.
#[track_caller]
fn fits(browser: &Browser) {
    let fits = "return document.documentElement.scrollWidth <= innerWidth";
    assert_eq!(browser.run(fits, json!([])), true, "something is wider than the window");
}

#[test]
fn a_run_is_shown_and_typed_commands_are_part_of_it() {
    let folder = Folder::new();
    let Some((browser, served, link)) = opened(&folder, WALK, (1280, 900)) else { return };
    until_state(&browser, "running");
    assert_eq!(browser.text("h1"), "a walk");
    until_moved(&browser, "zoe");
    browser.until("document.getElementById('clock').textContent > '0:00.0'");
    browser.until("document.querySelectorAll('#lines [data-kind=move]').length > 3");
    browser.until("/somebody walks/.test(document.getElementById('expected').textContent)");
    browser.until("document.getElementById('lanes-words').textContent === '2 started, 2 still going'");
    // The token is neither in the visible address nor in the history.
    assert_eq!(browser.run("return location.hash", json!([])), "");

    // A command is completed, sent, and shown as part of the run.
    browser.types("#typed", "sp");
    browser.types("#typed", TAB);
    browser.types("#typed", "walk x2");
    browser.types("#typed", ENTER);
    browser.until(
        "document.querySelector('#lines [data-kind=input] span')?.textContent.includes('spawn walk x2')",
    );
    browser.until("/^4 started/.test(document.getElementById('lanes-words').textContent)");
    browser.until("document.getElementById('answer').dataset.state === 'ok'");
    // An unknown command is refused beside the field and can be mended there. The run is not failing because of it.
    browser.types("#typed", "wander walk");
    browser.types("#typed", ENTER);
    browser.until("document.getElementById('answer').dataset.state === 'wrong'");
    assert!(browser.text("#answer").contains("wander"), "{}", browser.text("#answer"));
    assert_eq!(browser.run("return document.getElementById('typed').value", json!([])), "wander walk");
    until_state(&browser, "running");

    // A page that is opened late shows what happened before.
    browser.go(link.split_once('#').unwrap().0);
    until_state(&browser, "running");
    browser.until("document.querySelector('#lines [data-kind=input]')");
    browser.until("/^4 started/.test(document.getElementById('lanes-words').textContent)");
    until_moved(&browser, "zoe");

    // The page shows the end of the run, and how to make a report of it.
    browser.click("#buttons [data-line='stop stroll']");
    browser.click("#buttons [data-line='stop hold']");
    until_state(&browser, "passed");
    let (code, shown) = served.end();
    assert_eq!(code, Some(0), "{}", shown.join("\n"));
    browser.until("document.getElementById('after').textContent.includes('scenario report l.jsonl')");
    browser.until("document.querySelector('#expected .ok')");
    assert_eq!(browser.run("return document.getElementById('doing').hidden", json!([])), true);
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn a_guest_moves_by_key_and_by_pad() {
    let folder = Folder::new();
    let world = "[world]\nsize = [30, 30]\nedges = \"wrap\"\n";
    let Some((browser, served, _)) = opened(&folder, &format!("{WALK}{world}"), (390, 844)) else { return };
    until_state(&browser, "running");
    browser.until("!document.getElementById('doing').hidden");
    // The page itself refuses an invalid name.
    browser.types("#player", &format!("no name{ENTER}"));
    assert_eq!(browser.run("return document.body.classList.contains('joined')", json!([])), false);
    browser.run("document.getElementById('player').value = ''", json!([]));
    browser.types("#player", &format!("guest{ENTER}"));
    browser.until("document.body.classList.contains('joined')");
    assert!(browser.text("#joined").starts_with("You are guest"), "{}", browser.text("#joined"));
    let place = || {
        let place = format!("(/guest at (-?\\d+), (-?\\d+)/.exec({BOARD}) || []).slice(1).map(Number)");
        browser.until(&format!("{place}.length"));
        let place = browser.run(&format!("return {place}"), json!([]));
        [0, 1].map(|axis| place[axis].as_i64().unwrap())
    };
    let at = |[x, y]: [i64; 2]| {
        browser.until(&format!("{BOARD}.includes('guest at {}, {}')", x.rem_euclid(30), y.rem_euclid(30)))
    };
    // The arrow keys move the guest while no field has the focus.
    let [x, y] = place();
    browser.types("#stage", RIGHT);
    at([x + 1, y]);
    browser.until(
        "[...document.querySelectorAll('#lines [data-kind=move]')].some(one => one.textContent.includes('guest E'))",
    );
    browser.types("#stage", DOWN);
    at([x + 1, y + 1]);
    // The pad moves it, too.
    browser.run("document.getElementById('pad').scrollIntoView({ block: 'center' })", json!([]));
    browser.click("[data-go=W]");
    at([x, y + 1]);
    browser.click("[data-go=N]");
    at([x, y]);
    fits(&browser);
    browser.click("#join-button");
    browser.until("!document.body.classList.contains('joined')");
    browser.until(&format!("!{BOARD}.includes('guest at')"));
    browser.click("#buttons [data-line='stop stroll']");
    browser.click("#buttons [data-line='stop hold']");
    until_state(&browser, "passed");
    let (code, shown) = served.end();
    assert_eq!(code, Some(0), "{}", shown.join("\n"));
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn without_a_token_the_page_only_watches() {
    let folder = Folder::new();
    let Some((browser, served, link)) = opened(&folder, WALK, (390, 844)) else { return };
    let (page, token) = link.split_once('#').unwrap();
    browser.until("!document.getElementById('doing').hidden");
    browser.run("sessionStorage.clear()", json!([]));
    browser.go(page);
    until_moved(&browser, "zoe");
    assert_eq!(browser.text("#part-words"), "read-only");
    assert_eq!(browser.run("return document.getElementById('doing').hidden", json!([])), true);
    browser.types("#token", "of-another-run");
    browser.types("#token", ENTER);
    browser.until("!document.getElementById('doing').hidden");
    browser.types("#typed", &format!("mark early{ENTER}"));
    browser.until("document.getElementById('part-words').textContent.startsWith('refused')");
    browser.types("#token", token);
    browser.types("#token", ENTER);
    browser.until("!document.getElementById('doing').hidden");
    browser.run("document.getElementById('typed').value = ''", json!([]));
    browser.types("#typed", &format!("mark late{ENTER}"));
    browser.until("document.querySelector('#lines [data-kind=mark]')?.textContent.includes('late')");
    fits(&browser);
    drop(served);
    let complaints = browser.complaints();
    assert!(complaints.iter().all(|line| line.contains("401") || line.contains("ERR_")), "{complaints:?}");
}

/// A text that would act in a page if it were not escaped.
const HOSTILE: &str = "</script><img src=x onerror=alert(1)><script>alert(2)</script>";

#[test]
fn shown_text_is_never_markup() {
    let folder = Folder::new();
    let shown = format!("{HOSTILE}\\u202e\\u001b[2J");
    let scenario = format!(
        "name = \"{shown}\"\ndescription = \"{shown}\"\n[presets.say]\ncommand = [\"printf\", \"%s\\\\n\", \"{shown}\"]
[presets.hold]\ncommand = [\"sleep\", \"600\"]\n[[timeline]]\nspawn = \"say\"\n[[timeline]]\nid = \"hold\"\nspawn = \"hold\"
[[timeline]]\nmark = \"{shown}\"\n[[expect]]\nname = \"{shown}\"\nof = \"mark\"\nat_least = 1\n"
    );
    let Some((browser, served, _)) = opened(&folder, &scenario, (390, 844)) else { return };
    until_state(&browser, "running");
    let visible = format!("{HOSTILE}\\u{{202e}}\\x1b[2J");
    assert_eq!(browser.text("h1"), visible);
    browser.until("document.querySelector('#lines [data-kind=mark]')");
    browser.until("document.querySelector('#lines [data-kind=line]')");
    for kind in ["mark", "line"] {
        let text = browser.run(
            &format!("return document.querySelector('#lines [data-kind={kind}] span').textContent"),
            json!([]),
        );
        assert!(text.as_str().unwrap().ends_with(&visible), "{text}");
    }
    fits(&browser);
    let count =
        |of: &str| browser.run(&format!("return document.querySelectorAll({of:?}).length"), json!([]));
    assert_eq!((count("img"), count("script"), count("b script")), (json!(0), json!(1), json!(0)));
    browser.click("#buttons [data-line='stop hold']");
    until_state(&browser, "passed");
    served.end();
    fits(&browser);
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

/// Writes the log of a player who walks for twelve seconds.
fn walked(folder: &Folder) {
    let preset = "[presets.stroll]\nplayers = [{ name = \"zoe\", moves = 400, every = \"30ms\" }]\n";
    folder
        .file("s.toml", format!("name = \"a stroll\"\nseed = 5\n{preset}[[timeline]]\nspawn = \"stroll\"\n"));
    folder.scenario(&["run", "s.toml", "--clock", "virtual", "--log", "l.jsonl", "--quiet"]).end().expect(0);
}

#[test]
fn a_log_is_played_and_scrubbed() {
    let folder = Folder::new();
    let Some(browser) = browser(&folder, (390, 844)) else { return };
    walked(&folder);
    let (served, link) = Served::start(&folder, &["play", "l.jsonl", "--speed", "0.5"]);
    browser.go(&link);
    browser.until("document.body.classList.contains('played')");
    until_moved(&browser, "zoe");
    let reached =
        |text: &str| browser.until(&format!("document.getElementById('reached').textContent === {text:?}"));
    browser.click("#pause");
    until_state(&browser, "paused");
    // The keyboard moves the scrubber to the end, and back to the start.
    browser.types("#moment", END);
    reached("0:12.0 of 0:12.0");
    browser.until("document.querySelector('#rates .most').textContent === '400 in all'");
    browser.types("#moment", HOME);
    reached("0:00.0 of 0:12.0");
    browser.until("parseInt(document.querySelector('#rates .most').textContent) < 2");
    browser.click("#pause");
    until_state(&browser, "running");
    until_moved(&browser, "zoe");
    fits(&browser);
    assert_eq!(browser.complaints(), Vec::<String>::new());
    drop(served);
}

#[test]
fn the_seventh_tab_shows_the_run_too_and_can_type() {
    let folder = Folder::new();
    // A browser has six connections to a server, and each page reads for as long as it is open.
    let Some((browser, served, link)) = opened(&folder, WALK, (800, 600)) else { return };
    for _ in 2..=7 {
        browser.new_tab();
        browser.go(&link);
    }
    until_state(&browser, "running");
    browser.types("#typed", &format!("mark seventh{ENTER}"));
    browser.until("document.querySelector('#lines [data-kind=mark]')?.textContent.includes('seventh')");
    browser.click("#buttons [data-line='stop stroll']");
    browser.click("#buttons [data-line='stop hold']");
    until_state(&browser, "passed");
    assert_eq!(served.end().0, Some(0));
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn a_watched_file_with_errors_is_shown_until_it_is_mended() {
    let folder = Folder::new();
    let Some(browser) = browser(&folder, (390, 844)) else { return };
    folder.file("s.toml", "name = \"torn\"\nspawn = 1\n");
    let arguments = ["run", "s.toml", "--watch", "--log", "l.jsonl", "--force", "--quiet"];
    let (served, link) = Served::start(&folder, &arguments);
    browser.go(&link);
    until_state(&browser, "invalid");
    assert_eq!(browser.text("#verdict"), "the file has errors");
    assert_eq!(browser.text("#reason"), "1 error in s.toml: no run has started");
    browser.until(
        "document.querySelector('#lines').textContent.includes('s.toml:2:1: a scenario has no key `spawn`')",
    );
    assert_eq!(browser.run("return document.getElementById('doing').hidden", json!([])), true);
    fits(&browser);
    folder.file("s.toml", WALK);
    until_state(&browser, "running");
    until_moved(&browser, "zoe");
    assert_eq!(browser.text("h1"), "a walk");
    drop(served);
}
