//! The requests of players, which go a shorter way where they can: they are the same as those of the general way,
//! and so is all that follows from an answer.

use scenario_core::scenario::model::{
    CaptureSelector, FetchAuth, FetchBody, FetchCapture, FetchJob, ScenarioText,
};

use crate::fetch::harness::{Rig, Run, Server, job, local};

/// A text with gaps: every second part is the name of one.
fn text(parts: &[&str]) -> ScenarioText {
    let mut text = ScenarioText::plain("");
    for (n, part) in parts.iter().enumerate() {
        text.push(&if n % 2 == 0 { ScenarioText::plain(*part) } else { ScenarioText::capture_gap(part) });
    }
    text
}

/// Answers each request on a connection with what `answer` gives for its first line.
async fn server(answer: fn(&str) -> String) -> Server {
    Server::new(move |mut guest, _| async move {
        while let Some(request) = guest.request().await {
            let answer = answer(request.lines().next().unwrap_or_default());
            if !guest.say(&answer).await || answer.contains("Connection: close") {
                return guest.close().await;
            }
        }
    })
    .await
}

fn ok(_: &str) -> String {
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".to_owned()
}

/// The end of a request, without its times.
fn end(run: &Run) -> String {
    match run.is_fetched() {
        true => {
            let fetched = run.fetched();
            format!("{} {} {:?} {:?}", fetched.status, fetched.bytes, fetched.check, fetched.captured)
        }
        false => format!("{:?}", run.failed()),
    }
}

#[test]
fn a_request_of_a_player_is_the_same_as_any_other() {
    local(async {
        let server = server(ok).await;
        let at = |parts: &[&str]| {
            let first = format!("http://{}{}", server.address(), parts[0]);
            text(&[&[&*first], &parts[1..]].concat())
        };
        let get = |url: ScenarioText| FetchJob { urls: vec![url], ..job("http://h/") };
        let post = |body| FetchJob {
            method: "POST".to_owned(),
            body: Some(body),
            ..get(at(&["/post/", "v", "?q=1"]))
        };
        let headers = |name: &str, value: ScenarioText| FetchJob {
            headers: vec![(name.to_owned(), value), ("Accept".to_owned(), text(&["text/html"]))],
            ..get(at(&["/"]))
        };
        let auth = |auth| FetchJob { auth: Some(auth), ..get(at(&["/secret"])) };
        let user = format!("http://{{}}:x@{}/", server.address());
        let (before, after) = user.split_once("{}").unwrap();
        let jobs = [
            get(at(&["/plain?a=b#c"])),
            get(at(&["/a b/", "v", "/c;d?x=", "w", "&y=", "v", "#", "v"])),
            get(at(&["/a/", "v", "/../ü"])),
            get(at(&["/%2", "v", "/x"])),
            get(at(&["?", "v"])),
            get(text(&[before, "v", after])),
            headers("x-own-Name", text(&["<", "v", ">", "w", ""])),
            headers("Cookie", text(&["own=", "v", ""])),
            headers("Host", text(&["", "w", ".test"])),
            headers("Content-Length", text(&["", "v", ""])),
            headers("Connection", text(&["close"])),
            auth(FetchAuth::Bearer(text(&["t-", "v", ""]))),
            auth(FetchAuth::Basic { user: text(&["", "v", ""]), password: text(&["p"]) }),
            post(FetchBody::Text(text(&["a ", "v", " b ", "w", ""]))),
            post(FetchBody::Text(text(&[""]))),
            post(FetchBody::Json(text(&["{\"a\":\"", "v", "\",\"b\":1}"]))),
            post(FetchBody::Form(vec![
                ("a b".to_owned(), text(&["", "v", "&"])),
                ("c".to_owned(), text(&["d"])),
            ])),
            FetchJob { method: "HEAD".to_owned(), ..get(at(&["/", "v", ""])) },
            FetchJob { method: "DELETE".to_owned(), ..get(at(&["/", "v", ""])) },
        ];
        let values = ["x", "", "a/b?c d&é", "..", ".", "e", "e%", "\"\\\u{1f600}", "a\tb", "a\nb", "~*'()"];
        let mut n = 0;
        for job in jobs {
            for value in values {
                let mut rig = Rig::new(vec![job.clone()], &[]);
                let captured = [("v", value), ("w", "x-1")];
                let mut ends = Vec::new();
                let before = server.requests().len();
                for is_player in [false, true] {
                    n += 1;
                    match is_player {
                        true => rig.start_for_player(n, 0, 7, &captured),
                        false => rig.start_with(n, &captured),
                    }
                    rig.wait_for_ends(1).await;
                    ends.push(end(&rig.run(n).await));
                }
                let sent = server.requests().split_off(before);
                assert_eq!(ends[0], ends[1], "{job:?} with {value:?}");
                let (general, own) = sent.split_at(sent.len() / 2);
                assert_eq!(general, own, "{job:?} with {value:?}");
            }
        }
    });
}

#[test]
fn a_missing_value_fails_the_request_of_a_player() {
    local(async {
        let mut rig = Rig::new(
            vec![FetchJob { urls: vec![text(&["http://127.0.0.1:1/", "v", ""])], ..job("http://h/") }],
            &[],
        );
        rig.start_for_player(1, 0, 1, &[]);
        rig.wait_for_ends(1).await;
        assert!(rig.run(1).await.failed().1.contains("`v` has not been captured"));
    });
}

/// A login that gives a cookie, a page that is moved and gives another, and a page in chunks.
fn shop(line: &str) -> String {
    match line.split(' ').nth(1).unwrap_or_default() {
        "/login" => "HTTP/1.1 200 OK\r\nSet-Cookie: sid=1; Path=/; HttpOnly\r\nset-cookie: lang=en\r\n\
                     Content-Length: 13\r\n\r\n{\"token\":\"t\"}"
            .to_owned(),
        "/moved" => {
            "HTTP/1.1 302 Found\r\nLocation: /chunks\r\nSet-Cookie: moved=1\r\nContent-Length: 0\r\n\r\n"
                .to_owned()
        }
        "/chunks" => {
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n".to_owned()
        }
        "/close" => "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok".to_owned(),
        _ => ok(line),
    }
}

#[test]
fn what_follows_from_an_answer_is_the_same_on_both_ways() {
    local(async {
        let mut all = Vec::new();
        // With another try a request goes the general way.
        for retries in [1, 0] {
            let server = server(shop).await;
            let at = |path: &str| FetchJob { retries, ..job(&server.url(path)) };
            let token = FetchCapture {
                name: "token".to_owned(),
                selector: CaptureSelector::Json("/token".to_owned()),
                secret: false,
                may_be_empty: false,
            };
            let jobs = ["/login", "/moved", "/page", "/close", "/chunks", "/page"].map(at);
            let mut jobs = jobs.to_vec();
            jobs[0].captures = vec![token];
            jobs[5].method = "POST".to_owned();
            let count = jobs.len();
            let mut rig = Rig::new(jobs, &[]);
            let mut ends = Vec::new();
            // Twice, so that a target that answered oddly is met again; two players in turn.
            for n in 0..4 * count as u32 {
                rig.start_for_player(n, n as usize / 2 % count, n % 2, &[]);
                rig.wait_for_ends(1).await;
                let run = rig.run(n).await;
                ends.push((end(&run), run.fetched().reused));
            }
            let host = server.address().to_string();
            let requests: Vec<String> =
                server.requests().into_iter().map(|request| request.replace(&host, "host")).collect();
            assert!(requests[2].contains("Cookie: lang=en; sid=1\r\n"), "{}", requests[2]);
            all.push((ends.into_iter().map(|end| end.0).collect::<Vec<_>>(), requests));
        }
        assert_eq!(all[0], all[1]);
    });
}

#[test]
fn players_and_fetches_share_connections() {
    local(async {
        let server = server(ok).await;
        let mut rig = Rig::new(vec![job(&server.url("/a")), job(&server.url("/b"))], &[]);
        for (n, (job, player)) in [(0, 1), (1, 1), (0, 2), (1, 3)].into_iter().enumerate() {
            rig.start_for_player(n as u32, job, player, &[]);
            rig.wait_for_ends(1).await;
            assert_eq!(rig.run(n as u32).await.fetched().reused, Some(n > 0));
        }
        // A request of the general way takes a connection that a player has left, too.
        rig.start(10);
        rig.wait_for_ends(1).await;
        assert_eq!(rig.run(10).await.fetched().reused, Some(true));
        assert_eq!(server.connections(), 1);
    });
}

#[test]
fn a_kept_connection_that_was_closed_is_no_failure() {
    local(async {
        // Each connection answers once and is then closed without a word.
        let server = Server::new(|mut guest, _| async move {
            if guest.request().await.is_some() {
                guest.say(ok("")).await;
                guest.request().await;
                guest.close().await;
            }
        })
        .await;
        let mut rig = Rig::new(vec![job(&server.url("/"))], &[]);
        for n in 0..3 {
            rig.start_for_player(n, 0, n, &[]);
            rig.wait_for_ends(1).await;
            let fetched = rig.run(n).await.fetched();
            assert_eq!((fetched.status, fetched.sent.resent), (200, u64::from(n > 0)));
        }
    });
}
