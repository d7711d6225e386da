//! Values that are captured from answers, and requests that contain such values.

use scenario_core::engine::input::Input;
use scenario_core::scenario::model::{
    CaptureSelector, FetchAuth, FetchBody, FetchCapture, FetchCheck, FetchJob, ScenarioText, StatusRule,
};
use scenario_log::event::FetchErrorKind;

use crate::fetch::harness::{Rig, Server, fetch, job, local};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

fn capture(name: &str, selector: CaptureSelector, secret: bool) -> FetchCapture {
    FetchCapture { name: name.to_owned(), selector, secret, may_be_empty: false }
}

fn json(pointer: &str) -> CaptureSelector {
    CaptureSelector::Json(pointer.to_owned())
}

/// The text `before${name}after`.
fn late(before: &str, name: &str, after: &str) -> ScenarioText {
    let mut text = ScenarioText::plain(before);
    text.push(&ScenarioText::capture_gap(name));
    text.push(&ScenarioText::plain(after));
    text
}

const LOGIN: &str = "HTTP/1.1 200 OK\r\nX-Session: tok-tok-tok\r\nContent-Length: 35\r\n\r\n{\"token\":\"tok-tok-tok\",\n \"user\":17}";

#[test]
fn values_are_captured_from_body_and_headers() {
    local(async {
        let server = Server::answering(LOGIN).await;
        let captures = vec![
            capture("user", json("/user"), false),
            capture("session", CaptureSelector::Header("x-session".to_owned()), false),
            capture("quoted", CaptureSelector::Text(":\"(tok[^\"]*)\"".to_owned()), false),
        ];
        let fetched = fetch(FetchJob { captures, ..job(&server.url("/")) }).await.fetched();
        let captured: Vec<_> = fetched.captured.iter().map(|one| (&*one.name, &*one.value)).collect();
        assert_eq!(captured, [("user", "17"), ("session", "tok-tok-tok"), ("quoted", "tok-tok-tok")]);
        assert_eq!(fetched.check, None);
    });
}

#[test]
fn an_answer_that_is_not_as_expected_captures_nothing() {
    local(async {
        let server = Server::answering(LOGIN).await;
        let both = vec![capture("user", json("/user"), false), capture("none", json("/none"), false)];
        let fetched = fetch(FetchJob { captures: both, ..job(&server.url("/")) }).await.fetched();
        assert_eq!(fetched.check.as_deref(), Some("`none` is not captured: /none is not there"));
        assert!(fetched.captured.is_empty());
        let user = || vec![capture("user", json("/user"), false)];
        let check = Some(FetchCheck { text: Some("nope".to_owned()), ..FetchCheck::NOTHING });
        let fetched = fetch(FetchJob { captures: user(), check, ..job(&server.url("/")) }).await.fetched();
        assert!(fetched.check.is_some() && fetched.captured.is_empty());
        let status = StatusRule::codes(&[201]);
        let fetched = fetch(FetchJob { captures: user(), status, ..job(&server.url("/")) }).await.fetched();
        assert!(fetched.check.is_none() && fetched.captured.is_empty());
    });
}

#[test]
fn a_captured_secret_is_masked_from_its_own_answer_on() {
    local(async {
        let server = Server::answering(LOGIN).await;
        for status in [StatusRule::class(2), StatusRule::codes(&[201])] {
            for retries in [0, 1] {
                let captures = vec![capture("token", json("/token"), true)];
                let status = status.clone();
                let job = FetchJob { captures, log_lines: true, status, retries, ..job(&server.url("/")) };
                let run = fetch(job).await;
                assert_eq!(run.lines().concat(), "{\"token\":\"[redacted]\",\n \"user\":17}");
                assert_eq!(run.responded().2, "x-session: [redacted]\ncontent-length: 35\n");
                assert!(!format!("{run:?}").contains("tok-tok"), "{run:?}");
            }
        }
    });
}

#[test]
fn captured_values_are_sent_in_every_part_of_a_request() {
    local(async {
        let server = Server::answering(OK).await;
        let job = FetchJob {
            urls: vec![late(&server.url("/a/"), "v", "/b?q=1")],
            method: "POST".to_owned(),
            headers: vec![("X-Mine".to_owned(), late("<", "v", ">"))],
            auth: Some(FetchAuth::Bearer(late("", "v", ""))),
            body: Some(FetchBody::Json(late("{\"k\":\"", "v", "\"}"))),
            ..job("")
        };
        let mut rig = Rig::new(vec![job], &[]);
        rig.start_with(1, &[("v", "a/b?\"c")]);
        rig.wait_for_ends(1).await;
        rig.run(1).await.fetched();
        let request = &server.requests()[0];
        assert!(request.starts_with("POST /a/a%2Fb%3F%22c/b?q=1 HTTP/1.1\r\n"), "{request}");
        assert!(request.contains("\r\nX-Mine: <a/b?\"c>\r\n"), "{request}");
        assert!(request.contains("\r\nAuthorization: Bearer a/b?\"c\r\n"), "{request}");
        assert!(request.ends_with("\r\n\r\n{\"k\":\"a/b?\\\"c\"}"), "{request}");
    });
}

#[test]
fn a_captured_value_is_encoded_with_its_form_or_password() {
    local(async {
        let server = Server::answering(OK).await;
        let job = FetchJob {
            auth: Some(FetchAuth::Basic { user: ScenarioText::plain("me"), password: late("", "v", "") }),
            body: Some(FetchBody::Form(vec![("k".to_owned(), late("", "v", ""))])),
            method: "POST".to_owned(),
            ..job(&server.url("/"))
        };
        let mut rig = Rig::new(vec![job], &[]);
        rig.start_with(1, &[("v", "canary&x=1")]);
        rig.wait_for_ends(1).await;
        rig.run(1).await.fetched();
        let request = &server.requests()[0];
        assert!(request.contains("Authorization: Basic bWU6Y2FuYXJ5Jng9MQ==\r\n"), "{request}");
        assert!(request.ends_with("\r\n\r\nk=canary%26x%3D1"), "{request}");
    });
}

#[test]
fn a_request_without_its_value_or_with_another_path_is_not_sent() {
    local(async {
        let server = Server::answering(OK).await;
        for (captured, message) in [
            (&[][..], "`v` has not been captured"),
            (&[("other", "x")], "`v` has not been captured"),
            (&[("v", "..")], "out of its path"),
        ] {
            let job = FetchJob { urls: vec![late(&server.url("/a/"), "v", "/b")], ..job("") };
            let mut rig = Rig::new(vec![job], &[]);
            rig.start_with(1, captured);
            rig.wait_for_ends(1).await;
            let (kind, error) = rig.run(1).await.failed();
            assert_eq!(kind, FetchErrorKind::Capture);
            assert!(error.contains(message), "{error}");
        }
        assert_eq!(server.connections(), 0);
    });
}

#[test]
fn only_the_captured_value_itself_contains_a_secret() {
    local(async {
        let server = Server::answering(LOGIN).await;
        let mut rig = Rig::new(
            vec![FetchJob {
                captures: vec![capture("token", json("/token"), true)],
                ..job(&server.url("/"))
            }],
            &[],
        );
        rig.start(1);
        rig.wait_for_ends(1).await;
        let fetched = rig.run(1).await.fetched();
        assert_eq!(
            (&*fetched.captured[0].value, fetched.captured[0].display_value()),
            ("tok-tok-tok", "[redacted]")
        );
        let input =
            Input::FetchFinished { source: scenario_log::event::Source::Request(1), fetched: fetched.into() };
        assert!(!format!("{input:?}").contains("tok-tok"), "its `Debug` does not show it either");
    });
}

fn header(name: &str) -> CaptureSelector {
    CaptureSelector::Header(name.to_owned())
}

fn header_text(header: &str, regex: &str) -> CaptureSelector {
    CaptureSelector::HeaderText { header: header.to_owned(), regex: regex.to_owned() }
}

#[test]
fn each_value_of_a_header_is_looked_at() {
    local(async {
        let server = Server::answering(
            "HTTP/1.1 200 OK\r\nSet-Cookie: pre=1; Path=/\r\nSet-Cookie: sid=s3cr3t99; HttpOnly\r\nX-Say: s3cr3t99\r\n\
             Link: </a>\r\nLink: </b>\r\nContent-Length: 0\r\n\r\n",
        )
        .await;
        let captures = vec![
            capture("sid", header_text("Set-Cookie", "sid=([^;]+)"), true),
            capture("link", header_text("link", "<(/b)>"), false),
            capture("say", header("x-say"), true),
        ];
        let run = fetch(FetchJob { captures, ..job(&server.url("/")) }).await;
        let heads = run.responded().2;
        assert!(
            heads.contains("link: </a>\nlink: </b>\n") && heads.contains("x-say: [redacted]\n"),
            "{heads}"
        );
        let fetched = run.fetched();
        let captured: Vec<_> =
            fetched.captured.iter().map(|one| (&*one.value, one.display_value())).collect();
        let secret = ("s3cr3t99", "[redacted]");
        assert_eq!(captured, [secret, ("/b", "/b"), secret]);
        // Without a `text` none of them is the one.
        let captures =
            vec![capture("sid", header("Set-Cookie"), true), capture("link", header("link"), false)];
        let fetched = fetch(FetchJob { captures, ..job(&server.url("/")) }).await.fetched();
        assert!(fetched.captured.is_empty());
        let wanted = "`sid` is not captured: there are 2 headers set-cookie: a `text` must choose one of them, \
                      for example `text = 'NAME=([^;]+)'`; \
                      `link` is not captured: there are 2 headers link: a `text` must choose one of them";
        assert_eq!(fetched.check.as_deref(), Some(wanted));
    });
}

#[test]
fn a_number_is_its_literal_and_an_empty_value_is_none() {
    local(async {
        let body = "{\"a\":12.10,\"b\":340282366920938463463374607431768211455,\"c\":1e400,\"d\":\"\"}";
        let server =
            Server::answering(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()))
                .await;
        let captures: Vec<_> =
            ["a", "b", "c"].map(|name| capture(name, json(&format!("/{name}")), false)).into();
        let fetched = fetch(FetchJob { captures: captures.clone(), ..job(&server.url("/")) }).await.fetched();
        let values: Vec<_> = fetched.captured.iter().map(|one| &*one.value).collect();
        assert_eq!(values, ["12.10", "340282366920938463463374607431768211455", "1e400"]);
        for (selector, may_be_empty) in
            [(json("/d"), true), (json("/d"), false), (CaptureSelector::Text("(y*)".to_owned()), false)]
        {
            let captures = vec![FetchCapture { may_be_empty, ..capture("d", selector, false) }];
            let fetched = fetch(FetchJob { captures, ..job(&server.url("/")) }).await.fetched();
            let error = "`d` is not captured: its value is empty (`empty = true` allows that)";
            assert_eq!(fetched.check.as_deref(), (!may_be_empty).then_some(error));
        }
    });
}

#[test]
fn a_body_is_read_in_its_charset() {
    local(async {
        let latin = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=iso-8859-1\r\nContent-Length: 14\r\n\r\nname=caf\xe9;\nb\xe9x";
        let server = Server::answering(latin.to_vec()).await;
        let captures = vec![capture("name", CaptureSelector::Text(r"name=(\w+);".to_owned()), false)];
        let run = fetch(FetchJob { captures, log_lines: true, ..job(&server.url("/")) }).await;
        assert_eq!(run.lines().concat(), "name=café;\nbéx");
        let fetched = run.fetched();
        assert_eq!((fetched.bytes, &*fetched.captured[0].value), (14, "café"));
    });
}
