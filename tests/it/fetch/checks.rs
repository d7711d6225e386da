//! Checks of real answers.

use scenario_core::scenario::model::{
    CaptureSelector, FetchCapture, FetchCheck, FetchJob, JsonCondition, JsonTests, LoadModel, LoadProfile,
    ScenarioText, StatusRule,
};
use scenario_log::event::FetchErrorKind;
use scenario_log::time::Span;

use crate::fetch::harness::{Rig, Server, fetch, job, local};

const EMPTY: FetchCheck = FetchCheck::NOTHING;

fn json(values: &[(&str, &str)]) -> FetchCheck {
    let values = values
        .iter()
        .map(|(pointer, value)| ((*pointer).to_owned(), JsonCondition::Equals(ScenarioText::plain(*value))));
    FetchCheck { json: Some(values.collect()), ..EMPTY }
}

fn text(regex: &str) -> FetchCheck {
    FetchCheck { text: Some(regex.to_owned()), ..EMPTY }
}

fn answer(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// The mismatch of an answer with this body.
async fn mismatch(body: &str, check: FetchCheck) -> Option<String> {
    let server = Server::answering(answer(body)).await;
    fetch(FetchJob { check: Some(check), ..job(&server.url("/")) }).await.fetched().check
}

#[test]
fn an_answer_that_matches_has_no_message() {
    local(async {
        let body = r#"{"status":"up","list":[1,2.0,{"x":null}]}"#;
        let hello = [
            0x2c, 0xf2, 0x4d, 0xba, 0x5f, 0xb0, 0xa3, 0x0e, 0x26, 0xe8, 0x3b, 0x2a, 0xc5, 0xb9, 0xe2, 0x9e,
            0x1b, 0x16, 0x1e, 0x5c, 0x1f, 0xa7, 0x42, 0x5e, 0x73, 0x04, 0x33, 0x62, 0x93, 0x8b, 0x98, 0x24,
        ];
        for (body, check) in [
            (body, json(&[("/status", "\"up\""), ("/list/1", "2"), ("/list/2", "{\"x\":null}")])),
            (body, json(&[])),
            (body, text("\"up\",.list")),
            ("a\nb", text("(?m)^b$")),
            ("hello", FetchCheck { sha256: Some(hello), text: Some("^hello$".to_owned()), ..EMPTY }),
        ] {
            assert_eq!(mismatch(body, check.clone()).await, None, "{body} {check:?}");
        }
    });
}

#[test]
fn a_mismatch_shows_the_real_value() {
    local(async {
        for (body, check, message) in [
            (
                "{\"a\":1}",
                json(&[("/a", "2"), ("/b", "\"x\"")]),
                "/a is 1 and not 2; /b is not there, and should be \"x\"",
            ),
            (
                "<html>",
                json(&[("/a", "1")]),
                "the body is not JSON (expected value at line 1 column 1): it begins with \"<html>\"",
            ),
            ("", text("x"), "nothing in the body matches /x/: it is empty"),
            ("no\u{1b}", text("^yes"), "nothing in the body matches /^yes/: it begins with \"no\\u{1b}\""),
        ] {
            assert_eq!(mismatch(body, check).await.as_deref(), Some(message));
        }
        let message =
            mismatch("hello", FetchCheck { sha256: Some([0xab; 32]), ..text("bye") }).await.unwrap();
        assert!(message.contains("sha256 is 2cf24dba5f") && message.contains(&"ab".repeat(32)), "{message}");
        assert!(message.contains("; nothing in the body matches /bye/"), "{message}");
    });
}

fn tests(values: &[(&str, JsonTests)]) -> FetchCheck {
    let values =
        values.iter().map(|(place, tests)| ((*place).to_owned(), JsonCondition::Tests(tests.clone())));
    FetchCheck { json: Some(values.collect()), ..EMPTY }
}

fn headers(values: &[(&str, &str)]) -> FetchCheck {
    let values = values.iter().map(|(name, regex)| ((*name).to_owned(), (*regex).to_owned()));
    FetchCheck { headers: Some(values.collect()), ..EMPTY }
}

/// Conditions on the answer of [`every_path_checks`], and what they say of it.
fn conditions() -> Vec<(FetchCheck, Option<&'static str>)> {
    let absent = |regex: &str| FetchCheck { absent: Some(regex.to_owned()), ..EMPTY };
    let took = |took| FetchCheck { took: Some(took), ..EMPTY };
    let test = JsonTests::default;
    vec![
        (absent("fatal"), None),
        (absent("a.*t"), Some("the body matches /a.*t/, which should be absent: \"alert\"")),
        (headers(&[("x-id", "^b$"), ("content-type", "json")]), None),
        (headers(&[("X-Id", "^c")]), Some("the header x-id is \"a\", \"b\", and should match /^c/")),
        (headers(&[("x-no", ".")]), Some("there is no header x-no, and it should match /./")),
        (
            headers(&[("set-cookie", "^c")]),
            Some("the header set-cookie is [redacted], and should match /^c/"),
        ),
        (took(Span::from_secs(60)), None),
        (
            tests(&[
                ("/list", JsonTests { length: Some(2), exists: Some(true), ..test() }),
                (
                    "/n",
                    JsonTests { at_least: Some("1".to_owned()), at_most: Some("1.5".to_owned()), ..test() },
                ),
                ("/t", JsonTests { matches: Some("^al".to_owned()), ..test() }),
                ("/no", JsonTests { exists: Some(false), ..test() }),
            ]),
            None,
        ),
        (
            tests(&[
                ("/n", JsonTests { at_least: Some("2".to_owned()), ..test() }),
                ("/no", JsonTests { matches: Some("x".to_owned()), ..test() }),
            ]),
            Some("/n is 1.5, and should be at least 2; /no is not there, and should match /x/"),
        ),
        (json(&[("/n", "1.50")]), None),
    ]
}

/// A plain request, one of a load that the fast path reads, and one of a load that hyper reads.
#[test]
fn every_path_checks_the_same() {
    local(async {
        let body = r#"{"list":[1,2],"n":1.5,"t":"alert"}"#;
        let head =
            "HTTP/1.1 200 OK\r\nX-Id: a\r\nx-id: b\r\nContent-Type: application/json\r\nSet-Cookie: a=b\r\n";
        let whole = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
        let chunked =
            format!("{head}Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
        let load = || {
            let model = LoadModel::Closed { connections: 1 };
            Some(LoadProfile { model, max_requests: Some(1), duration: None })
        };
        for (check, message) in conditions() {
            for (answer, load) in [(&whole, None), (&whole, load()), (&chunked, load())] {
                let server = Server::answering(answer.clone()).await;
                let is_load = load.is_some();
                let job = FetchJob { check: Some(check.clone()), load, ..job(&server.url("/")) };
                let found = fetch(job).await.fetched().check;
                assert_eq!(found.as_deref(), message, "{is_load} {check:?}");
            }
        }
    });
}

#[test]
fn an_answer_that_takes_too_long_is_told() {
    local(async {
        let server = Server::new(|mut guest, _| async move {
            if guest.request().await.is_some() {
                tokio::time::sleep(std::time::Duration::from_millis(30)).await;
                guest.say(answer("ok")).await;
                guest.close().await;
            }
        })
        .await;
        let check = FetchCheck { took: Some(Span::from_millis(20)), ..text("no") };
        let found =
            fetch(FetchJob { check: Some(check), ..job(&server.url("/")) }).await.fetched().check.unwrap();
        assert!(
            found.contains("matches /no/")
                && found.contains("; it took ")
                && found.ends_with("ms, more than 20ms"),
            "{found}"
        );
    });
}

#[test]
fn a_load_sees_each_answer_that_differs() {
    local(async {
        let server = Server::new(|mut guest, _| async move {
            let mut n = 0;
            while guest.request().await.is_some() {
                n += 1;
                // The same body twice, then another header, then another body.
                let header = if n < 3 { "a" } else { "b" };
                let body = if n < 4 { "up" } else { "down" };
                let length = body.len();
                let head = format!("HTTP/1.1 200 OK\r\nX-Id: {header}\r\nContent-Length: {length}\r\n\r\n");
                guest.say(format!("{head}{body}")).await;
            }
        })
        .await;
        let model = LoadModel::Closed { connections: 1 };
        let load = Some(LoadProfile { model, max_requests: Some(4), duration: None });
        let check = Some(FetchCheck { text: Some("^up$".to_owned()), ..headers(&[("x-id", "a")]) });
        let capture = FetchCapture {
            name: "body".to_owned(),
            selector: CaptureSelector::Text("^(.*)$".to_owned()),
            secret: false,
            may_be_empty: false,
        };
        let mut rig =
            Rig::new(vec![FetchJob { load, check, captures: vec![capture], ..job(&server.url("/")) }], &[]);
        let mut found = Vec::new();
        for n in 1..=4 {
            rig.start(n);
            rig.wait_for_ends(1).await;
            let fetched = rig.run(n).await.fetched();
            let captured = fetched.captured.first().map(|captured| captured.value.clone());
            found.push((fetched.check.is_none(), captured));
        }
        let up = || (true, Some("up".to_owned()));
        assert_eq!(found, [up(), up(), (false, None), (false, None)]);
        assert_eq!(server.connections(), 1, "the fast path keeps its connection");
    });
}

#[test]
fn only_answers_with_an_expected_status_are_checked() {
    local(async {
        let server = Server::answering("HTTP/1.1 404 X\r\nContent-Length: 0\r\n\r\n").await;
        let checked = || FetchJob { check: Some(text("x")), ..job(&server.url("/")) };
        assert_eq!(fetch(checked()).await.fetched().check, None);
        let run = fetch(FetchJob { status: StatusRule::Any, ..checked() }).await;
        assert!(run.fetched().check.is_some());
    });
}

#[test]
fn a_body_too_large_to_be_kept_fails_unless_only_its_digest_is_checked() {
    local(async {
        let server = Server::answering(answer(&"x".repeat((4 << 20) + 1))).await;
        let (kind, error) =
            fetch(FetchJob { check: Some(text("x")), ..job(&server.url("/")) }).await.failed();
        assert_eq!(kind, FetchErrorKind::TooLarge);
        assert!(error.contains("4194304 bytes that are kept"), "{error}");
        let check = Some(FetchCheck { sha256: Some([0; 32]), ..EMPTY });
        let run = fetch(FetchJob { check, ..job(&server.url("/")) }).await;
        assert_eq!(run.fetched().bytes, (4 << 20) + 1);
    });
}

#[test]
fn a_mismatch_shows_no_secrets() {
    local(async {
        let server = Server::answering(answer("{\"a\":\"canary-canary\"}")).await;
        let check = Some(FetchCheck { text: Some("^x".to_owned()), ..json(&[("/a", "1")]) });
        let mut rig = Rig::new(vec![FetchJob { check, ..job(&server.url("/")) }], &["canary-canary"]);
        rig.start(1);
        rig.wait_for_ends(1).await;
        let message = rig.run(1).await.fetched().check.unwrap();
        assert!(
            message.contains("/a is \"[redacted]\" and not 1") && !message.contains("canary"),
            "{message}"
        );
    });
}

#[test]
fn a_mismatch_shows_no_piece_of_a_secret() {
    local(async {
        // Where the excerpts are cut, with characters that a message and JSON write in two ways.
        for before in 180..205 {
            let secret = "can\"ary/can\\ary";
            let spelled = "can\\u0022ary\\/can\\\\ary";
            let body = format!("{{\"a\":\"{}{spelled}\"}}", "x".repeat(before));
            let server = Server::answering(answer(&body)).await;
            let check = Some(FetchCheck { text: Some("^x".to_owned()), ..json(&[("/a", "1")]) });
            let mut rig = Rig::new(vec![FetchJob { check, ..job(&server.url("/")) }], &[secret]);
            rig.start(1);
            rig.wait_for_ends(1).await;
            let message = rig.run(1).await.fetched().check.unwrap();
            assert!(!message.contains("can") && !message.contains("ary"), "{message}");
        }
    });
}
