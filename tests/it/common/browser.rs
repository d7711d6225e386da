//! A browser without a screen: Chromium, driven through chromedriver by W3C WebDriver. Both end when it is
//! dropped. It has only what the tests need.
#![allow(dead_code, clippy::allow_attributes, reason = "each test file uses another part of this")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// How long a condition may take to hold. It only ends a test that would wait forever.
const LONGEST: Duration = Duration::from_secs(120);

/// The key of an element's id in the driver's answers.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// Keys without a character, by their code in WebDriver.
pub(crate) const ENTER: &str = "\u{e007}";
pub(crate) const ESCAPE: &str = "\u{e00c}";
pub(crate) const DOWN: &str = "\u{e015}";
pub(crate) const RIGHT: &str = "\u{e014}";
pub(crate) const HOME: &str = "\u{e011}";
pub(crate) const END: &str = "\u{e010}";
pub(crate) const TAB: &str = "\u{e004}";

/// A running browser with one window.
pub(crate) struct Browser {
    driver: Child,
    port: u16,
    session: String,
}

/// An element of the page, by its id in WebDriver.
#[derive(Clone)]
pub(crate) struct Element(String);

/// Checks that there is a browser on this machine. The error is the reason to skip a test.
pub(crate) fn is_there() -> Result<(), String> {
    for tool in ["chromedriver", "chromium"] {
        if !crate::common::works(tool, &["--version"]) {
            return Err(format!("there is no {tool}"));
        }
    }
    Ok(())
}

impl Browser {
    /// Starts a browser with a window of this size. `profile` is an empty folder for the files that it writes.
    #[track_caller]
    pub(crate) fn start(profile: &Path, (wide, high): (u32, u32), more: &[&str]) -> Browser {
        let mut driver = Command::new("chromedriver");
        driver.arg("--port=0").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut driver = driver.spawn().unwrap();
        let mut output = BufReader::new(driver.stdout.take().unwrap());
        let mut browser = Browser { driver, port: 0, session: String::new() };
        browser.port = port(&mut output);
        // The driver must not block on a full pipe later.
        std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
        let mut arguments = vec![
            "--headless".to_owned(),
            "--no-sandbox".to_owned(),
            "--disable-gpu".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            "--no-first-run".to_owned(),
            "--disable-background-networking".to_owned(),
            format!("--window-size={wide},{high}"),
            format!("--user-data-dir={}", profile.display()),
        ];
        arguments.extend(more.iter().map(|argument| (*argument).to_owned()));
        let capabilities = json!({
            "browserName": "chrome",
            "goog:loggingPrefs": { "browser": "ALL" },
            "goog:chromeOptions": { "args": arguments },
        });
        let value =
            browser.ask("POST", "/session", &json!({ "capabilities": { "alwaysMatch": capabilities } }));
        browser.session = value["sessionId"].as_str().unwrap().to_owned();
        browser
    }

    /// Opens a file, and waits until its page has loaded.
    #[track_caller]
    pub(crate) fn open(&self, file: &Path) {
        self.go(&format!("file://{}", file.canonicalize().unwrap().display()));
    }

    /// Opens an address, and waits until its page has loaded.
    #[track_caller]
    pub(crate) fn go(&self, url: &str) {
        self.post("/url", &json!({ "url": url }));
    }

    /// Opens a tab, which has the focus from now on.
    #[track_caller]
    pub(crate) fn new_tab(&self) {
        let opened = self.post("/window/new", &json!({ "type": "tab" }));
        self.post("/window", &json!({ "handle": opened["handle"] }));
    }

    /// Runs the body of a function with these `arguments`, and returns its result.
    #[track_caller]
    pub(crate) fn run(&self, body: &str, arguments: Value) -> Value {
        self.post("/execute/sync", &json!({ "script": body, "args": arguments }))
    }

    /// Waits until an expression is true.
    #[track_caller]
    pub(crate) fn until(&self, holds: &str) {
        let since = Instant::now();
        while self.run(&format!("return Boolean({holds})"), json!([])) != true {
            assert!(since.elapsed() < LONGEST, "`{holds}` never held");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    #[track_caller]
    pub(crate) fn find(&self, selector: &str) -> Element {
        let value = self.post("/element", &json!({ "using": "css selector", "value": selector }));
        Element(value[ELEMENT].as_str().unwrap().to_owned())
    }

    /// The text of an element as a reader sees it.
    #[track_caller]
    pub(crate) fn text(&self, selector: &str) -> String {
        let Element(id) = self.find(selector);
        let path = format!("/session/{}/element/{id}/text", self.session);
        self.ask("GET", &path, &Value::Null).as_str().unwrap().to_owned()
    }

    /// Clicks the middle of an element.
    #[track_caller]
    pub(crate) fn click(&self, selector: &str) {
        let Element(id) = self.find(selector);
        self.post(&format!("/element/{id}/click"), &json!({}));
    }

    /// Types into an element.
    #[track_caller]
    pub(crate) fn types(&self, selector: &str, text: &str) {
        let Element(id) = self.find(selector);
        self.post(&format!("/element/{id}/value"), &json!({ "text": text }));
    }

    /// Moves the mouse to these points of the window. The button is pressed from the first to the last
    /// point if there are several, or if it is a `click`.
    #[track_caller]
    pub(crate) fn mouse(&self, points: &[(f64, f64)], click: bool) {
        let mut steps = Vec::new();
        for (n, (x, y)) in points.iter().enumerate() {
            let (x, y) = (x.round() as i64, y.round() as i64);
            steps.push(json!({ "type": "pointerMove", "duration": 0, "x": x, "y": y }));
            if n == 0 && (click || points.len() > 1) {
                steps.push(json!({ "type": "pointerDown", "button": 0 }));
            }
        }
        if click || points.len() > 1 {
            steps.push(json!({ "type": "pointerUp", "button": 0 }));
        }
        let mouse = json!({ "type": "pointer", "id": "mouse", "actions": steps });
        self.post("/actions", &json!({ "actions": [mouse] }));
    }

    /// The warnings and errors of the console since the last call.
    #[track_caller]
    pub(crate) fn complaints(&self) -> Vec<String> {
        let log = self.post("/se/log", &json!({ "type": "browser" }));
        let log =
            log.as_array().unwrap().iter().filter(|line| line["level"] != "INFO" && line["level"] != "DEBUG");
        log.map(|line| format!("{}: {}", line["level"], line["message"])).collect()
    }

    #[track_caller]
    fn post(&self, path: &str, body: &Value) -> Value {
        self.ask("POST", &format!("/session/{}{path}", self.session), body)
    }

    /// Sends a request to the driver. The test fails if the driver answers with an error.
    #[track_caller]
    fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        match self.answer(method, path, body) {
            Ok(value) => value,
            Err(error) => panic!("{method} {path} {body}: {error}"),
        }
    }

    fn answer(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        let text = |error: std::io::Error| error.to_string();
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).map_err(text)?;
        stream.set_read_timeout(Some(LONGEST)).map_err(text)?;
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
        );
        stream.write_all((head + &body).as_bytes()).map_err(text)?;
        let mut answer = BufReader::new(stream);
        let mut length = 0;
        loop {
            let mut line = String::new();
            answer.read_line(&mut line).map_err(text)?;
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().map_err(|_| "the length is not a number".to_owned())?;
            }
            if line.trim().is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        answer.read_exact(&mut body).map_err(text)?;
        let mut answer: Value = serde_json::from_slice(&body).map_err(|error| error.to_string())?;
        let value = answer["value"].take();
        if value.get("error").is_some_and(|error| !error.is_null()) {
            return Err(format!("{}: {}", value["error"], value["message"]));
        }
        Ok(value)
    }
}

/// Reads the driver's port from its output.
#[track_caller]
fn port(output: &mut impl BufRead) -> u16 {
    let mut line = String::new();
    loop {
        line.clear();
        assert!(output.read_line(&mut line).unwrap() > 0, "the driver has ended");
        if let Some((_, rest)) = line.split_once("on port ")
            && let Ok(port @ 1..) = rest.trim().trim_end_matches('.').parse()
        {
            return port;
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !self.session.is_empty() {
            // This ends the browser, which would go on if only the driver were killed.
            let _ = self.answer("DELETE", &format!("/session/{}", self.session), &Value::Null);
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
