//! Credentials of requests, and forms.

use scenario_core::scenario::model::{FetchAuth, FetchBody, FetchJob, ScenarioText};

use crate::fetch::harness::{Server, fetch, job, local};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

fn bearer() -> FetchJob {
    FetchJob { auth: Some(FetchAuth::Bearer(ScenarioText::secret("tok-tok", "[redacted]"))), ..job("") }
}

#[test]
fn auth_becomes_the_header() {
    local(async {
        let basic = FetchAuth::Basic {
            user: ScenarioText::plain("me"),
            password: ScenarioText::secret("canary", "[redacted]"),
        };
        let basic = FetchJob { auth: Some(basic), ..job("") };
        for (job, header) in [
            (basic, "\r\nAuthorization: Basic bWU6Y2FuYXJ5\r\n"),
            (bearer(), "\r\nAuthorization: Bearer tok-tok\r\n"),
        ] {
            let server = Server::answering(OK).await;
            fetch(FetchJob { urls: vec![ScenarioText::plain(server.url("/"))], ..job }).await.fetched();
            assert!(server.requests()[0].contains(header), "{}", server.requests()[0]);
        }
    });
}

#[test]
fn auth_stays_with_its_origin() {
    local(async {
        let target = Server::answering(OK).await;
        let away =
            format!("HTTP/1.1 307 X\r\nLocation: {}\r\nContent-Length: 0\r\n\r\n", target.url("/there"));
        let server = Server::answering(away).await;
        fetch(FetchJob { urls: vec![ScenarioText::plain(server.url("/"))], ..bearer() }).await.fetched();
        assert!(server.requests()[0].contains("Authorization"));
        assert!(!target.requests()[0].contains("Authorization"), "{}", target.requests()[0]);
    });
}

#[test]
fn a_form_is_sent_as_one() {
    local(async {
        let server = Server::answering(OK).await;
        let field = |name: &str, value: &str| (name.to_owned(), ScenarioText::plain(value));
        let fields = vec![field("a b", "1&2=3"), field("a b", "é +"), field("c", "")];
        let (method, body) = ("POST".to_owned(), Some(FetchBody::Form(fields)));
        fetch(FetchJob { method, body, ..job(&server.url("/")) }).await.fetched();
        let request = &server.requests()[0];
        assert!(request.contains("\r\nContent-Type: application/x-www-form-urlencoded\r\n"), "{request}");
        assert!(request.ends_with("\r\n\r\na+b=1%262%3D3&a+b=%C3%A9+%2B&c="), "{request}");
    });
}

#[test]
fn a_form_may_have_its_own_content_type() {
    local(async {
        let server = Server::answering(OK).await;
        let headers = vec![("content-type".to_owned(), ScenarioText::plain("text/odd"))];
        let (method, body) = ("POST".to_owned(), Some(FetchBody::Form(Vec::new())));
        fetch(FetchJob { method, body, headers, ..job(&server.url("/")) }).await.fetched();
        let request = server.requests()[0].to_lowercase();
        assert!(
            request.contains("content-type: text/odd") && request.contains("content-length: 0"),
            "{request}"
        );
        assert_eq!(request.matches("content-type").count(), 1);
    });
}
