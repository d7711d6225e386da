//! Errors in the keys of a fetch: each one is reported once, at its place.

use scenario_core::scenario::ScenarioOptions;

use crate::check::common::{load_bytes, load_text, options, said, said_of};

/// The diagnostics of a fetch with this line, which is the third of the file.
fn fetch(line: &str) -> String {
    said(&format!("[fetches.f]\nurls = [\"http://h/\"]\n{line}\n"))
}

/// Asserts that a line is refused at this place with this message, and that there is no other message.
fn refused(line: &str, place: &str, words: &str) {
    let said = fetch(line);
    assert!(said.contains(words) && said.contains(&format!("--> s.toml:{place}\n")), "{line}\n{said}");
    assert_eq!(said.matches("error: ").count(), 1, "{said}");
}

#[test]
fn auth_is_a_user_or_a_token_and_nobody_else_says_so() {
    for right in [
        "auth = { basic = { user = \"u\", password = \"${env:TOKEN}\" } }",
        "auth = { basic = { user = \"\", password = \"\" } }",
        "auth.bearer = \"${env:TOKEN}\"",
    ] {
        assert_eq!(fetch(right), "");
    }
    for (line, place, words) in [
        ("auth = {}", "3:8", "`auth` lacks one of `basic`, `bearer`"),
        ("auth = \"me\"", "3:8", "expected a table, found a string"),
        ("auth = { bearr = \"x\" }", "3:10", "did you mean `bearer`?"),
        ("auth = { basic = { user = \"u\" } }", "3:18", "`basic` lacks `password`"),
        ("auth = { basic = { user = \"a:b\", password = \"p\" } }", "3:27", "a user must not have a colon"),
        ("auth = { bearer = \"a\\nb\" }", "3:19", "must not have control characters; this one has U+000A"),
        ("auth = { bearer = 1 }", "3:19", "expected a string"),
        (
            "auth = { bearer = \"x\", basic = { user = \"u\", password = \"p\" } }",
            "3:24",
            "`bearer` and `basic` exclude each other",
        ),
        (
            "auth = { bearer = \"x\" }\nheaders = { authoriZation = \"y\" }",
            "4:13",
            "the header `Authorization` and `auth` exclude each other",
        ),
        (
            "auth = { bearer = \"x\" }\n[fetches.g]\nurls = [\"http://u@h/\"]\nauth.bearer = \"x\"",
            "5:9",
            "a URL's user",
        ),
    ] {
        refused(line, place, words);
    }
}

#[test]
fn what_auth_says_is_not_shown_and_is_looked_for() {
    let text = "[fetches.f]\nurls = [\"http://h/\"]\nauth = { basic = { user = \"me\", password = \"hunter2\" } }\n\
        [fetches.g]\nurls = [\"http://h/\"]\nauth = { bearer = \"literal-token\" }\n";
    let loaded = load_text(text).unwrap_or_else(|failure| panic!("{failure:?}"));
    let resolved = scenario_core::scenario::write::resolved::to_json(&loaded.scenario);
    assert!(resolved.contains(r#""auth":{"basic":{"user":"me","password":"[redacted]"}}"#), "{resolved}");
    assert!(resolved.contains(r#""auth":{"bearer":"[redacted]"}"#), "{resolved}");
    let masked = loaded.secrets.mask_text("hunter2 literal-token bWU6aHVudGVyMg==");
    assert_eq!(masked, "[redacted] [redacted] [redacted]");
}

#[test]
fn a_form_has_fields_of_scalars() {
    assert_eq!(fetch("body = { form = { a = \"1\", b = [1, true, \"x\"], c = -7, \"d e\" = false } }"), "");
    assert_eq!(fetch("body = { form = {} }"), "");
    for (line, place, words) in [
        ("body = { form = \"a=1\" }", "3:17", "expected a table of fields, found a string"),
        ("body = { form = { a = 1.5 } }", "3:23", "a string, an integer, a boolean or a list of them"),
        ("body = { form = { a = { b = 1 } } }", "3:23", "found a table"),
        ("body = { form = { a = [[1]] } }", "3:24", "found an array"),
        ("body = { form = {}, text = \"\" }", "3:21", "`form` and `text` exclude each other"),
    ] {
        refused(line, place, words);
    }
}

#[test]
fn a_status_is_a_number_a_class_a_range_or_a_list_of_them() {
    for right in [
        "status = 404",
        "status = \"4xx\"",
        "status = \"400..404\"",
        "status = \"any\"",
        "status = [200, \"3xx\", \"500 .. 502\"]",
        "status = \"200..200\"",
    ] {
        assert_eq!(fetch(right), "", "{right}");
    }
    for (line, place, words) in [
        ("status = []", "3:10", "nothing would be allowed"),
        ("status = 99", "3:10", "an integer from 100 to 999"),
        ("status = [200, 1000]", "3:16", "an integer from 100 to 999"),
        ("status = \"404\"", "3:10", "help: write 404; "),
        ("status = [\"404\"]", "3:11", "help: write 404; "),
        ("status = \"4XX\"", "3:10", "help: write \"4xx\"; "),
        ("status = \"400-404\"", "3:10", "help: write \"400..404\"; "),
        ("status = \"499..400\"", "3:10", "`499..400` is empty: its end comes before its start"),
        ("status = [\"4xx\", \"499..400\"]", "3:18", "help: write \"400..499\"; both ends"),
        ("status = [\"any\", 200]", "3:11", "`any` is not a status"),
        ("status = \"0xx\"", "3:10", "`0xx` is not a status"),
        ("status = \"40..50\"", "3:10", "`40..50` is not a status"),
        ("status = true", "3:10", "expected a status, a list of them"),
        ("status = [[200]]", "3:11", "expected a status, found an array"),
    ] {
        refused(line, place, words);
    }
}

#[test]
fn a_status_is_written_again_as_it_was() {
    for written in ["404", "\"4xx\"", "\"400..404\"", "\"any\"", "[200,\"3xx\",\"500..502\"]"] {
        let text = format!("[fetches.f]\nurls = [\"http://h/\"]\nstatus = {written}\n");
        let loaded = load_text(&text).unwrap_or_else(|failure| panic!("{failure:?}"));
        let resolved = scenario_core::scenario::write::resolved::to_json(&loaded.scenario);
        assert!(resolved.contains(&format!("\"status\":{written},")), "{resolved}");
    }
}

#[test]
fn a_number_or_a_share_of_requests_may_fail() {
    for right in
        ["may_fail = 0", "may_fail = 3", "may_fail = \"1%\"", "may_fail = \"0.25 %\"", "may_fail = \"100%\""]
    {
        assert_eq!(fetch(right), "", "{right}");
    }
    for (line, place, words) in [
        ("may_fail = -1", "3:12", "an integer from 0 to 1000000000"),
        ("may_fail = 0.01", "3:12", "help: write \"1%\" for a share"),
        ("may_fail = \"1\"", "3:12", "help: write 1 for requests, or \"1%\" for a share"),
        ("may_fail = \"one\"", "3:12", "`one` is not a share"),
        ("may_fail = \"101%\"", "3:12", "`101%` is more than 100%"),
        ("may_fail = \"${env:TOKEN}\"", "3:13", "must not be logged"),
        ("may_fail = true", "3:12", "expected a number of requests or a share"),
    ] {
        refused(line, place, words);
    }
}

#[test]
fn a_form_of_parts_has_texts_and_files() {
    for right in [
        "multipart = [{ name = \"a\", text = \"\" }]",
        "multipart = [{ name = \"a\", file = \"b\", file_name = \"c\", type = \"text/plain; charset=utf-8\" }]",
    ] {
        assert_eq!(fetch(right), "", "{right}");
    }
    for (line, place, words) in [
        ("multipart = []", "3:13", "this list is empty"),
        ("multipart = [{ text = \"x\" }]", "3:14", "a part of `multipart` lacks `name`"),
        ("multipart = [{ name = \"x\" }]", "3:14", "lacks one of `text`, `file`"),
        (
            "multipart = [{ name = \"x\", text = \"\", file = \"y\" }]",
            "3:39",
            "`text` and `file` exclude each other",
        ),
        ("multipart = [{ name = \"x\", text = \"\", type = \"png\" }]", "3:46", "`png` is not a media type"),
        ("multipart = [{ name = \"x\", text = \"\", type = \"a/b\\n\" }]", "3:46", "is not a media type"),
        (
            "multipart = [{ name = \"x\", text = \"\" }]\nbody = { text = \"\" }",
            "3:1",
            "`multipart` cannot be used together with `body`",
        ),
        (
            "multipart = [{ name = \"x\", text = \"\" }]\nheaders = { content-type = \"a/b\" }",
            "4:13",
            "`content-type` cannot be given with `multipart`",
        ),
    ] {
        refused(line, place, words);
    }
}

#[test]
fn connections_have_addresses_names_and_streams() {
    for right in [
        "resolve = { \"Shop.test:443\" = \"[::1]:8443\" }",
        "resolve = {}",
        "server_name = \"shop.test\"",
        "keep_alive = false",
        "http2 = \"always\"\nconnections = 500\nstreams = 100\nrequests = 9",
        "connections = 500\nstreams = 1\nrequests = 9",
    ] {
        assert_eq!(fetch(right), "", "{right}");
    }
    for (line, place, words) in [
        ("resolve = { \"shop.test\" = \"a:1\" }", "3:13", "this is no address: it is not `host:port`"),
        ("resolve = { \"a:1\" = \"127.0.0.1\" }", "3:21", "`127.0.0.1` cannot be connected to"),
        ("resolve = { \"a:1\" = \"b:0\" }", "3:21", "nothing can listen on port 0"),
        (
            "resolve = { \"a:1\" = \"b:2\" }\nproxy = \"http://p\"",
            "3:1",
            "`resolve` cannot be used together with `proxy`",
        ),
        ("server_name = \"a b\"", "3:15", "`a b` is not the name of a server"),
        ("server_name = \"${env:TOKEN}\"", "3:16", "must not be logged"),
        ("keep_alive = 5", "3:14", "expected `true` or `false`"),
        ("streams = 2", "3:1", "`streams` can be used only together with `connections`"),
        ("connections = 2\nstreams = 2\nrequests = 9", "4:11", "only in HTTP/2"),
        (
            "http2 = \"always\"\nconnections = 501\nstreams = 100\nrequests = 9",
            "5:11",
            "50100 requests at a time",
        ),
        ("lines_until = \"x\"", "3:1", "`lines_until` can be used only together with `lines`"),
        ("lines = false\nlines_until = \"x\"", "4:15", "help: write lines = true"),
        ("lines = true\nlines_until = \"(\"", "4:15", "this is not a regular expression"),
    ] {
        refused(line, place, words);
    }
}

#[test]
fn decode_is_yes_or_no() {
    refused("decode = \"gzip\"", "3:10", "expected");
}

#[test]
fn a_check_says_what_an_answer_is_like() {
    for right in [
        "check = { text = '^\\d+$' }",
        "check = { json = {} }",
        "check = { json = { \"\" = [1, { a = 2.5 }], \"/a~1b/~0\" = \"${env:TOKEN}\" } }",
        "check = { absent = 'error', took = \"300ms\", header = { Content-Type = '^text/' } }",
        "check = { json = { \"/a\" = { exists = true, matches = '^x', at_least = 1, at_most = 2.5, length = 3 } } }",
        "check = { json = { \"/a\" = { exists = false }, \"/b\" = { equals = { exists = true } } } }",
        "check = { json = { \"/a\" = { length = 3, width = \"x\" } } }",
        "check = { sha256 = \"2CF24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824\", text = \"x\" }",
    ] {
        assert_eq!(fetch(right), "");
    }
    for (line, place, words) in [
        ("check = {}", "3:9", "`check` has no condition"),
        ("check = \"up\"", "3:9", "expected a table, found a string"),
        ("check = { text = \"(\" }", "3:18", "this is not a regular expression"),
        ("check = { text = \"${env:TOKEN}\" }", "3:19", "must not be logged"),
        ("check = { json = { \"a\" = 1 } }", "3:20", "a place in JSON begins with `/`"),
        ("check = { json = { \"/a~2\" = 1 } }", "3:20", "`~0` stands for `~`"),
        ("check = { json = { \"/a\" = 2020-01-01 } }", "3:27", "JSON has no dates"),
        ("check = { json = [] }", "3:18", "expected a table"),
        ("check = { absent = \"(\" }", "3:20", "this is not a regular expression"),
        ("check = { took = \"0s\" }", "3:18", "must be more than zero"),
        ("check = { took = 300 }", "3:18", "a duration"),
        ("check = { header = { \"a b\" = \"x\" } }", "3:22", "the name of a header"),
        ("check = { header = { A = 1 } }", "3:26", "expected a regular expression"),
        ("check = { json = { \"/a\" = { exists = 1 } } }", "3:38", "expected `true` or `false`"),
        ("check = { json = { \"/a\" = { matches = \"(\" } } }", "3:39", "this is not a regular expression"),
        ("check = { json = { \"/a\" = { at_least = \"1\" } } }", "3:40", "expected a number"),
        ("check = { json = { \"/a\" = { length = -1 } } }", "3:38", "out of range"),
        (
            "check = { json = { \"/a\" = { exists = false, length = 1 } } }",
            "3:27",
            "a value that must not be there has no other condition",
        ),
        ("check = { sha256 = \"2cf2\" }", "3:20", "64 hexadecimal digits"),
    ] {
        refused(line, place, words);
    }
    let said = fetch("check = { jsn = {} }");
    assert!(said.contains("did you mean `json`?") && said.contains("3:11"), "{said}");
}

#[test]
fn a_capture_says_from_where() {
    for right in [
        "capture = {}",
        "capture.a = { json = \"\" }",
        "capture.a-b_c = { text = '(?:x)(\\d+)', secret = true }",
        "capture = { a = { header = \"Location\" } }",
        "capture.a = { header = \"Set-Cookie\", text = 'a=(.*)', empty = true }",
    ] {
        assert_eq!(fetch(right), "");
    }
    for (line, place, words) in [
        ("capture = \"/a\"", "3:11", "expected a table of names"),
        ("capture.a = \"/a\"", "3:13", "expected a table (a capture), found a string"),
        ("capture.a = {}", "3:13", "a capture lacks one of `json`, `text`, `header`"),
        (
            "capture.a = { json = \"/a\", text = \"(a)\" }",
            "3:15",
            "`json` cannot be used together with `text`",
        ),
        ("capture.a = { json = \"a\" }", "3:22", "a place in JSON begins with `/`"),
        ("capture.a = { text = \"a\" }", "3:22", "this has 0 groups"),
        ("capture.a = { text = \"(a)(b)\" }", "3:22", "this has 2 groups"),
        ("capture.a = { text = \"(\" }", "3:22", "this is not a regular expression"),
        ("capture.a = { header = \"a b\" }", "3:24", "the name of a header"),
        ("capture.\"a b\" = { json = \"/a\" }", "3:9", "cannot be a name here"),
        ("capture.a = { json = \"/${env:TOKEN}\" }", "3:24", "must not be logged"),
    ] {
        let said = fetch(line);
        assert!(said.contains(words) && said.contains(&format!("--> s.toml:{place}\n")), "{line}\n{said}");
        assert_eq!(said.matches("error: ").count(), 1, "{said}");
    }
}

/// A file in which a fetch captures `token` on its third line, followed by this text.
fn with_token(rest: &str) -> String {
    said(&format!(
        "[fetches.login]\nurls = [\"http://h/\"]\ncapture.token = {{ json = \"/token\" }}\n{rest}\n"
    ))
}

#[test]
fn a_captured_value_stands_where_it_is_known_in_time() {
    for right in [
        "[fetches.f]\nurls = [\"http://h/${token}\", \"http://h?${token}\", \"http://h/#${token}\"]",
        "headers = { A = \"${token}\" }\nbody = { json = [\"${token}\"] }",
        "auth = { basic = { user = \"${token}\", password = \"p\" } }\nbody = { form = { a = \"${token}\" } }",
        "body = { text = \"${token}\" }",
        "[[timeline]]\nmark = \"${token}\"",
        "[presets.p]\ncommand = [\"cat\"]\nstdin = \"open\"\n[[timeline]]\nid = \"p\"\nspawn = \"p\"\n\
         [[timeline]]\nafter = \"p.started\"\nsend = { to = \"p\", text = \"${token}\" }",
    ] {
        assert_eq!(with_token(right), "");
    }
    for (wrong, place, words) in [
        ("[vars]\na = \"x ${token}\"", "5:8", "`token` is captured during the run, and is not known yet"),
        ("[presets.p]\ncommand = [\"echo\", \"${token}\"]", "5:21", "not known yet"),
        ("[presets.p]\ncommand = [\"echo\"]\nenv = { A = \"${token}\" }", "6:14", "not known yet"),
        (
            "[presets.p]\ncommand = [\"echo\"]\nready = { http = \"http://h/${token}\" }",
            "6:28",
            "not known yet",
        ),
        ("[[timeline]]\nspawn = \"${token}\"", "5:10", "not known yet"),
        ("status = \"${token}\"", "4:11", "not known yet"),
        ("check = { json = { \"/a\" = \"${token}\" } }", "4:28", "not known yet"),
        ("[fetches.f]\nurls = [\"http://${token}/\"]", "5:9", "cannot stand in the host"),
        ("[fetches.f]\nurls = [\"http://h${token}\"]", "5:9", "cannot stand in the host"),
        ("[fetches.f]\nurls = [\"http://h:${token}/\"]", "5:9", "cannot stand in the host"),
        ("[fetches.f]\nurls = [\"${token}\"]", "5:9", "cannot stand in the host"),
        ("[fetches.f]\nurls = [\"http://u:${token}@h/\"]", "5:9", "cannot stand in the host"),
        ("[[timeline]]\nmark = \"${tokne}\"", "5:9", "there is no variable `tokne`"),
    ] {
        let said = with_token(wrong);
        assert!(said.contains(words) && said.contains(&format!("--> s.toml:{place}\n")), "{wrong}\n{said}");
        assert_eq!(said.matches("error: ").count(), 1, "{said}");
    }
    assert!(with_token("[[timeline]]\nmark = \"${tokne}\"").contains("did you mean `${token}`?"));
}

#[test]
fn a_name_is_a_variable_or_captured() {
    let said = with_token("[vars]\ntoken = 1");
    assert!(said.contains("`token` is captured here, and is a variable too"), "{said}");
    assert!(said.contains("s.toml:3:9") && said.contains("the variable"), "both places are named: {said}");
    let given = [("token".to_owned(), "1".to_owned())];
    let options = ScenarioOptions { vars: &given, ..options() };
    let text = "[fetches.f]\nurls = [\"http://h/\"]\ncapture.token = { json = \"/a\" }\n";
    let said = said_of(&load_bytes(text, &options));
    assert!(said.contains("is captured here") && said.contains("given by --var"), "{said}");
    // Several fetches may capture it; the last one counts.
    let again = "[fetches.f]\nurls = [\"http://h/\"]\ncapture.token = { header = \"A\" }";
    assert_eq!(with_token(again), "");
}

#[test]
fn a_credential_that_the_log_shows_is_doubted() {
    for used in ["auth = { bearer = \"${token}\" }", "headers = { cookie = \"sid=${token}\" }"] {
        let told = with_token(&format!("[fetches.f]\nurls = [\"http://h/\"]\n{used}"));
        assert!(
            told.starts_with("warning: ") && told.contains("holds `token`, which the log shows"),
            "{told}"
        );
        assert!(told.contains("s.toml:4:10\n") && told.contains("`secret = true`"), "{told}");
        let secret =
            "[fetches.login]\nurls = [\"http://h/\"]\ncapture.token = { json = \"/a\", secret = true }";
        assert_eq!(said(&format!("{secret}\n{used}\n")), "");
    }
}

#[test]
fn a_value_that_several_requests_capture_at_once_is_doubted() {
    let use_it = "[fetches.use]\nurls = [\"http://h/${token}\"]\n";
    let warned = |login: &str, entry: &str| {
        let login = format!("[fetches.login]\n{login}\ncapture.token = {{ json = \"/token\" }}\n");
        said(&format!("{login}{use_it}[[timeline]]\nfetch = \"login\"\n{entry}\n"))
    };
    let one = "urls = [\"http://h/\"]";
    let two = "urls = [\"http://h/\", \"http://h/b\"]";
    for (login, entry, place, words) in [
        (
            one,
            "count = 50",
            "6:1",
            "50 requests at once capture `token`, and the last answer gives its value",
        ),
        (&format!("{one}\nrate = \"5/s\"\nfor = \"1s\""), "", "1:10", "all requests of this load capture"),
        (&format!("{one}\nconnections = 5\nrequests = 9"), "", "1:10", "all requests of this load capture"),
        (two, "", "6:1", "2 requests at once capture"),
    ] {
        let told = warned(login, entry);
        assert!(told.starts_with("warning: ") && told.contains(words), "{told}");
        assert!(told.contains("help: a captured value belongs to the whole run: "), "{told}");
        assert!(told.contains(&format!("s.toml:{place}\n")), "{told}");
    }
    assert_eq!(warned(one, ""), "");
    assert_eq!(warned(one, "every = \"1s\"\ntimes = 3"), "");
    assert_eq!(warned(&format!("{two}\nmode = \"sequential\""), ""), "");
    let unused = format!("[fetches.login]\n{one}\ncapture.token = {{ json = \"/token\" }}\n");
    assert_eq!(said(&format!("{unused}[[timeline]]\nfetch = \"login\"\ncount = 2\n")), "");
}

#[test]
fn what_stands_beside_a_captured_value_stays_hidden() {
    let text = "[fetches.f]\nurls = [\"http://u:hunter2@h/${token}?k=${env:TOKEN}\"]\n\
        headers = { Authorization = \"Bearer x${token}\" }\ncapture.token = { json = \"/a\" }\n\
        body = { json = { k = \"${env:TOKEN} ${token}\" } }\n";
    let loaded = load_text(text).unwrap_or_else(|failure| panic!("{failure:?}"));
    let resolved = scenario_core::scenario::write::resolved::to_json(&loaded.scenario);
    for shown in [
        "\"http://u:[redacted]@h/${token}?k=[redacted]\"",
        "{\"Authorization\":\"[redacted]${token}\"}",
        "{\"json\":{\"k\":\"[redacted] ${token}\"}}",
    ] {
        assert!(resolved.contains(shown), "{resolved}");
    }
}

#[test]
fn a_certificate_and_its_key_go_together() {
    assert_eq!(fetch("cert = \"c.pem\"\nkey = \"c.key\""), "");
    refused("cert = \"c.pem\"", "3:1", "`cert` can be used only together with `key`");
    refused("key = \"c.key\"", "3:1", "`key` can be used only together with `cert`");
    refused("key = \"c.key\"\ncert = \"${env:TOKEN}\"", "4:9", "must not be logged");
}

#[test]
fn a_socket_stands_in_the_place_of_a_host() {
    let urls = |url: &str| said(&format!("[fetches.f]\nurls = [\"{url}\"]\n"));
    for right in
        ["http+unix://%2Frun%2Fapp.sock/a?b", "http+unix://app.sock", "http+unix://u:p@%2Fa/${env:TOKEN}"]
    {
        assert_eq!(urls(right), "");
    }
    let long = format!("http+unix://%2F{}/", "x".repeat(107));
    for (wrong, words) in [
        ("http+unix:///run/app.sock", "it has no socket"),
        ("http+unix://%2Fa:80/", "a socket has no port"),
        ("http+unix://%2Fa%00b/", "must not have a NUL character"),
        (&long, "at most 107 bytes"),
        ("https+unix://%2Fa/", "neither http nor https nor http+unix"),
    ] {
        let said = urls(wrong);
        assert!(said.contains(words) && said.contains("--> s.toml:2:9\n"), "{wrong}\n{said}");
    }
}

#[test]
fn a_proxy_is_a_host_that_speaks_http() {
    for right in ["proxy = \"http://127.0.0.1:3128\"", "proxy = \"http://u:${env:TOKEN}@p/\""] {
        assert_eq!(fetch(right), "");
    }
    for (wrong, place, words) in [
        ("proxy = 3128", "3:9", "expected a string"),
        ("proxy = \"127.0.0.1:3128\"", "3:9", "cannot be fetched"),
        ("proxy = \"https://p:3128\"", "3:9", "the URL of a proxy begins with http://"),
        ("proxy = \"socks5://p:3128\"", "3:9", "neither http nor https"),
        ("proxy = \"http://p/x\"", "3:9", "has more than the host and the port of a proxy"),
        ("proxy = \"http://p\"\nhttp2 = \"always\"", "3:9", "`http2 = \"always\"` excludes"),
        (
            "proxy = \"http://p\"\n[fetches.g]\nurls = [\"http+unix://a\"]\nproxy = \"http://p\"",
            "6:9",
            "a Unix socket, which is on this machine",
        ),
    ] {
        refused(wrong, place, words);
    }
    let text = "[fetches.f]\nurls = [\"http://h/\"]\nproxy = \"http://me:hunter2@p:1\"\n";
    let loaded = load_text(text).unwrap_or_else(|failure| panic!("{failure:?}"));
    let resolved = scenario_core::scenario::write::resolved::to_json(&loaded.scenario);
    assert!(resolved.contains("\"proxy\":\"http://me:[redacted]@p:1\""), "{resolved}");
    assert_eq!(loaded.secrets.mask_text("hunter2 bWU6aHVudGVyMg=="), "[redacted] [redacted]");
}

#[test]
fn headers_that_the_program_writes_itself_are_refused() {
    for right in [
        "headers = { Host = \"other\" }",
        "headers = { Connection = \"close\" }",
        "headers = { X-A = \"1\", x-a = \"2\" }",
        "http2 = \"always\"\nheaders = { TE = \"trailers\" }",
    ] {
        assert_eq!(fetch(right), "", "{right}");
    }
    for (line, place, words) in [
        (
            "headers = { content-length = \"5\" }",
            "3:13",
            "`content-length` cannot be given: the program sends the real length of the body",
        ),
        ("headers = { Transfer-Encoding = \"chunked\" }", "3:13", "`Transfer-Encoding` cannot be given"),
        ("headers = { Host = \"a\", host = \"b\" }", "3:25", "`Host` is given twice"),
        (
            "http2 = \"always\"\nheaders = { Connection = \"close\" }",
            "4:13",
            "HTTP/2 has no header `Connection`",
        ),
    ] {
        refused(line, place, words);
    }
}
