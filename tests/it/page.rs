//! The report's page, opened in a browser: it shows what the log contains, its timeline can be clicked,
//! zoomed and searched, and nothing that was logged acts as part of the page.

use crate::common::browser::{Browser, DOWN, ENTER, ESCAPE, RIGHT};
use crate::common::logs::log;
use crate::common::{Folder, skip};
use serde_json::{Value, json};

/// A browser with the page of the folder's log. None if there is no browser on this machine.
fn opened(folder: &Folder, size: (u32, u32), more: &[&str]) -> Option<Browser> {
    if let Err(why) = crate::common::browser::is_there() {
        skip("the page in a browser", &why);
        return None;
    }
    folder.scenario(&["report", "log.jsonl", "-o", "page.html"]).end().expect(0);
    let browser = Browser::start(&folder.path().join("profile"), size, more);
    browser.open(&folder.path().join("page.html"));
    Some(browser)
}

fn folder(log: &[u8]) -> Folder {
    let folder = Folder::new();
    folder.file("log.jsonl", log);
    folder
}

/// The place of a row of the timeline in the window, at a share of its width.
fn row(browser: &Browser, nth: u32, share: f64) -> (f64, f64) {
    let body = "const lanes = document.getElementById('lanes'); lanes.scrollIntoView({ block: 'center' });
        const box = document.getElementById('canvas').getBoundingClientRect();
        return [box.left, box.top, box.width]";
    let place = browser.run(body, json!([]));
    let [x, y, wide] = [0, 1, 2].map(|n| place[n].as_f64().unwrap());
    (x + wide * share, y + 26.0 + 22.0 * f64::from(nth) + 11.0)
}

#[test]
fn the_timeline_is_clicked_zoomed_and_searched() {
    let Some(browser) = opened(&folder(&log("fetches")), (1280, 900), &[]) else { return };
    assert_eq!(browser.text("h1"), "fetches");
    browser.until("document.documentElement.classList.contains('scripted')");
    browser.until("document.getElementById('shown').textContent === '0.00 s – 0.27 s'");
    // The lane of the server is picked by its label, and a lane of the first wave by its bar.
    browser.mouse(&[row(&browser, 1, 0.05)], true);
    let picked = browser.text("#picked");
    assert!(picked.starts_with("ps#1 · server") && picked.contains("listening"), "{picked}");
    browser.mouse(&[row(&browser, 1, 0.4)], false);
    browser.until("!document.getElementById('tip').hidden");
    assert!(browser.text("#tip").contains("signal TERM"), "{}", browser.text("#tip"));
    // A click folds the wave, so that the next wave moves up to the place of its first lane.
    browser.mouse(&[row(&browser, 2, 0.05)], true);
    assert!(
        browser.text("#picked").starts_with("at-once: at_once\n3 requests"),
        "{}",
        browser.text("#picked")
    );
    browser.mouse(&[row(&browser, 3, 0.05)], true);
    assert!(browser.text("#picked").starts_with("in-turn: in_turn"), "{}", browser.text("#picked"));
    zoomed(&browser);
    searched(&browser);
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

fn zoomed(browser: &Browser) {
    let shown = || browser.text("#shown");
    let whole = shown();
    browser.click("#in");
    browser.until("document.getElementById('shown').textContent !== '0.00 s – 0.27 s'");
    browser.types("#lanes", "+++");
    browser.until("document.getElementById('shown').textContent.length > 15");
    let near = shown();
    browser.types("#lanes", RIGHT);
    browser.until(&format!("document.getElementById('shown').textContent !== {near:?}"));
    let moved = shown();
    let (from, to) = (row(browser, 1, 0.4), row(browser, 1, 0.7));
    browser.mouse(&[from, to], false);
    browser.until(&format!("document.getElementById('shown').textContent !== {moved:?}"));
    browser.types("#lanes", "0");
    browser.until(&format!("document.getElementById('shown').textContent === {whole:?}"));
}

fn searched(browser: &Browser) {
    // The key works from anywhere on the page.
    browser.types("body", "/");
    browser.until("document.activeElement.id === 'search'");
    browser.types("#search", "listening");
    browser.until("document.getElementById('hits').textContent === '1 hit'");
    browser.types("#search", ENTER);
    browser.until("document.getElementById('hits').textContent === '1 of 1'");
    assert!(browser.text("#picked").starts_with("ps#1 · server"));
    browser.types("#search", ESCAPE);
    browser.until("document.activeElement.id === 'lanes' && !document.getElementById('search').value");
    // A hit in a folded wave unfolds the wave. After the last hit comes the first.
    browser.types("#search", "get /one");
    browser.until("/^[3-9] hits$/.test(document.getElementById('hits').textContent)");
    browser.click("#before");
    browser.click("#next");
    browser.until("/^1 of /.test(document.getElementById('hits').textContent)");
    assert!(browser.text("#picked").starts_with("get#"), "{}", browser.text("#picked"));
    browser.types("#search", ESCAPE);
    browser.types("#lanes", DOWN);
    browser.types("#lanes", DOWN);
    browser.until("document.getElementById('picked').textContent.startsWith('ps#1 · server')");
}

/// A text that would act in a page if it were not escaped.
const HOSTILE: &str =
    r#"</script><img src=x onerror=alert(1)><script>alert(2)</script><!--\"'&lt; {{ 7*7 }}\u202e\u001b[2J"#;

#[test]
fn g06_logged_text_is_never_markup() {
    let text = String::from_utf8(log("fetches")).unwrap();
    let hostile = text.replace("\"text\":\"listening\"", &format!("\"text\":\"{HOSTILE}\""));
    let hostile = hostile.replace(
        "\"name\":\"fetches\",\"seed\":8,\"clock\"",
        &format!("\"name\":\"{HOSTILE}\",\"seed\":8,\"clock\""),
    );
    assert_eq!(hostile.matches("onerror").count(), 2);
    let log = crate::common::logs::with_sum(&crate::common::logs::lines(hostile.as_bytes()));
    let Some(browser) = opened(&folder(&log), (390, 844), &[]) else { return };
    assert!(
        browser.text("h1").starts_with("</script><img src=x onerror=alert(1)>"),
        "{}",
        browser.text("h1")
    );
    browser.until("document.getElementById('shown').textContent !== ''");
    browser.types("#search", "onerror=alert(1)");
    browser.until("document.getElementById('hits').textContent === '1 hit'");
    browser.types("#search", ENTER);
    assert!(
        browser.text("#picked").contains(r"</script><img src=x onerror=alert(1)>"),
        "{}",
        browser.text("#picked")
    );
    let count =
        |of: &str| browser.run(&format!("return document.querySelectorAll({of:?}).length"), json!([]));
    assert_eq!((count("img"), count("script")), (json!(0), json!(2)));
    assert_eq!(
        browser.run("return document.documentElement.scrollWidth <= innerWidth", json!([])),
        true,
        "fits a phone"
    );
    assert_eq!(browser.complaints(), Vec::<String>::new());
    // The policy forbids every script and picture that the page did not come with.
    let made = "const s = document.createElement('script'); s.textContent = 'window.acted = 1'; document.body.append(s);
        const i = document.createElement('img'); i.src = 'https://example.com/x.png'; document.body.append(i);
        return window.acted ?? null";
    assert_eq!(browser.run(made, json!([])), Value::Null);
    browser.until("true");
    let complaints = browser.complaints().join("\n");
    assert!(complaints.contains("Content Security Policy"), "{complaints}");
}

#[test]
fn a_crowd_of_fifty_thousand_opens_without_a_complaint() {
    let folder = Folder::new();
    let waves: String = (0..40)
        .map(|n| {
            format!("[[timeline]]\nid = \"wave-{n}\"\nat = \"{}s\"\nspawn = \"crowd\"\ncount = 5\n", n * 2)
        })
        .collect();
    let players = "players = [{ name = \"runner-{n}\", count = 250, moves = 4, every = \"0s..400ms\" }]";
    folder.file("s.toml", format!("seed = 4\n[presets.crowd]\n{players}\n{waves}"));
    let run = ["run", "s.toml", "--clock", "virtual", "--log", "log.jsonl", "--quiet"];
    folder.scenario(&run).end().expect(0);
    let Some(browser) = opened(&folder, (1280, 900), &[]) else { return };
    let size = std::fs::metadata(folder.path().join("page.html")).unwrap().len();
    assert!(size < 5_000_000, "{size}");
    browser.until("document.getElementById('shown').textContent !== ''");
    assert!(browser.text(".facts").contains(" 200,"), "{}", browser.text(".facts"));
    browser.types("#search", "runner-77 n");
    browser.until("/hits$/.test(document.getElementById('hits').textContent)");
    browser.types("#search", ENTER);
    browser.until("/^1 of /.test(document.getElementById('hits').textContent)");
    assert!(browser.text("#picked").contains("runner-77"), "{}", browser.text("#picked"));
    browser.types("#lanes", "++++++");
    browser.run("document.getElementById('lanes').scrollTop = 1e6; scrollTo(0, 1e6)", json!([]));
    browser.until("document.getElementById('lanes').scrollTop > 300 && scrollY > 500");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn the_page_can_be_read_without_its_script() {
    let folder = folder(&log("fetches"));
    let off = ["--blink-settings=scriptEnabled=false"];
    let Some(browser) = opened(&folder, (1280, 900), &off) else { return };
    let waves = browser.text(".waves");
    assert!(waves.contains("at-once: at_once") && waves.contains("3 requests"), "{waves}");
    assert!(browser.text("#requests").contains("get#14"));
}
