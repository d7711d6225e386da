//! What a job wants of an answer, looked for in real ones.

use scenario_core::scenario::model::{FetchCheck, FetchJob, ScenarioText, StatusRule};
use scenario_log::event::FetchErrorKind;

use crate::fetch::harness::{Rig, Server, fetch, job, local};

const EMPTY: FetchCheck = FetchCheck { text: None, json: None, sha256: None };

fn json(values: &[(&str, &str)]) -> FetchCheck {
    let values = values.iter().map(|(place, value)| ((*place).to_owned(), ScenarioText::plain(*value)));
    FetchCheck { json: Some(values.collect()), ..EMPTY }
}

fn text(regex: &str) -> FetchCheck {
    FetchCheck { text: Some(regex.to_owned()), ..EMPTY }
}

fn answer(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// What does not hold of an answer with this body.
async fn amiss(body: &str, check: FetchCheck) -> Option<String> {
    let server = Server::answering(answer(body)).await;
    fetch(FetchJob { check: Some(check), ..job(&server.url("/")) }).await.fetched().check
}

#[test]
fn what_holds_is_not_spoken_of() {
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
            assert_eq!(amiss(body, check.clone()).await, None, "{body} {check:?}");
        }
    });
}

#[test]
fn what_does_not_hold_is_told_with_what_came() {
    local(async {
        for (body, check, words) in [
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
            assert_eq!(amiss(body, check).await.as_deref(), Some(words));
        }
        let words = amiss("hello", FetchCheck { sha256: Some([0xab; 32]), ..text("bye") }).await.unwrap();
        assert!(words.contains("sha256 is 2cf24dba5f") && words.contains(&"ab".repeat(32)), "{words}");
        assert!(words.contains("; nothing in the body matches /bye/"), "{words}");
    });
}

#[test]
fn only_answers_with_an_expected_status_are_looked_at() {
    local(async {
        let server = Server::answering("HTTP/1.1 404 X\r\nContent-Length: 0\r\n\r\n").await;
        let wants = || FetchJob { check: Some(text("x")), ..job(&server.url("/")) };
        assert_eq!(fetch(wants()).await.fetched().check, None);
        let run = fetch(FetchJob { status: StatusRule::Any, ..wants() }).await;
        assert!(run.fetched().check.is_some());
    });
}

#[test]
fn a_body_too_large_to_be_looked_at_fails_and_its_digest_needs_no_room() {
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
fn what_came_is_told_without_secrets() {
    local(async {
        let server = Server::answering(answer("{\"a\":\"canary-canary\"}")).await;
        let check = Some(FetchCheck { text: Some("^x".to_owned()), ..json(&[("/a", "1")]) });
        let mut rig = Rig::new(vec![FetchJob { check, ..job(&server.url("/")) }], &["canary-canary"]);
        rig.start(1);
        rig.accounts(1).await;
        let words = rig.run(1).await.fetched().check.unwrap();
        assert!(words.contains("/a is \"[redacted]\" and not 1") && !words.contains("canary"), "{words}");
    });
}
