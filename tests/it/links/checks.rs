//! What is wrong with links is told before anything starts.

use crate::common::Folder;

/// What `check` says of it.
fn check(text: &str) -> String {
    let folder = Folder::new();
    folder.file("s.toml", text);
    folder.scenario(&["check", "s.toml"]).end().stderr
}

const LINK: &str = "[links.db]\nlisten = \"127.0.0.1:6000\"\nto = \"127.0.0.1:5432\"\n";

#[test]
fn wrong_changes_are_told() {
    for (change, told) in [
        ("link = { name = \"bd\", cut = \"both\" }", "there is no link `bd`"),
        ("link = { name = \"bd\", cut = \"both\" }", "the links are `db`"),
        ("link = { name = \"db\" }", "lacks one of"),
        ("link = { name = \"db\", reset = false }", "changes nothing of the link"),
        ("link = { name = \"db\", reset = true, for = \"1s\" }", "`for`"),
        ("link = { name = \"db\", heal = true, cut = \"to\" }", "`heal` cannot be used together with `cut`"),
        ("link = { name = \"db\", cut = \"all\" }", "`all` is not a way that is cut"),
        ("link = { name = \"db\", bandwidth = \"1MB\" }", "it does not end in `/s`"),
        ("link = { name = \"db\", bandwidth = \"0B/s\" }", "it lets nothing pass"),
        ("link = { name = \"db\", bandwidth = 5 }", "not a bare number"),
        ("link = { name = \"db\", slice = \"0B\" }", "a size here must be from 1"),
        ("link = { name = \"db\", latency = 80 }", "an interval"),
    ] {
        let said = check(&format!("{LINK}[[timeline]]\n{change}\n"));
        assert!(said.contains(told), "{change}:\n{said}");
    }
    let said = check("[[timeline]]\nlink = { name = \"db\", cut = \"to\" }\n");
    assert!(said.contains("there is no link `db`") && said.contains("[links.db]"), "{said}");
}

#[test]
fn wrong_links_are_told() {
    for (links, told) in [
        ("[links.db]\nlisten = \"127.0.0.1:0\"\nto = \"127.0.0.1:1\"\n", "nothing can listen on port 0"),
        ("[links.db]\nlisten = \"/run/x\"\nto = \"127.0.0.1:1\"\n", "behind `unix:`"),
        ("[links.db]\nto = \"127.0.0.1:1\"\n", "a link lacks `listen`"),
        ("[links.db]\nlisten = \"127.0.0.1:7\"\nto = \"localhost:7\"\n", "the link `db` leads to itself"),
        (
            "[links.a]\nlisten = \"127.0.0.1:7\"\nto = \"127.0.0.1:8\"\n[links.b]\nlisten = \"127.0.0.1:8\"\nto = \"127.0.0.1:7\"\n",
            "these links lead in a circle: `a`, `b`",
        ),
        (
            "[links.a]\nlisten = \"127.0.0.1:7\"\nto = \"127.0.0.1:8\"\n[links.b]\nlisten = \"127.0.0.1:7\"\nto = \"127.0.0.1:9\"\n",
            "the link `b` listens where `a` does",
        ),
        ("[links.db]\nlisten = \"127.0.0.1:7\"\nto = \"127.0.0.1:8\"\nform = 1\n", "unknown key"),
    ] {
        let said = check(links);
        assert!(said.contains(told), "{links}:\n{said}");
    }
}

#[test]
fn an_included_file_brings_links() {
    let folder = Folder::new();
    folder.file("sub/links.toml", "[links.db]\nlisten = \"unix:front\"\nto = \"unix:/run/back\"\n");
    folder.file("s.toml", "include = [\"sub/links.toml\"]\n[[timeline]]\nfor_each = { way = [\"to\", \"from\"] }\nid = \"cut\"\nlink = { name = \"db\", cut = \"${each.way}\" }\n");
    let ended = folder.scenario(&["run", "s.toml", "--clock", "virtual", "--log", "log.jsonl"]).end();
    ended.expect(0);
    let log = crate::common::Log::read(&folder.path().join("log.jsonl"));
    assert_eq!(log.events[0]["scenario"]["links"]["db"]["listen"], "unix:sub/front");
    let cuts: Vec<_> = log.of("link.changed").iter().map(|event| event["cut"].as_str().unwrap()).collect();
    assert_eq!(cuts, ["to", "from"]);
    folder.file("t.toml", format!("include = [\"sub/links.toml\"]\n{LINK}"));
    let ended = folder.scenario(&["check", "t.toml"]).end().expect(2);
    assert!(ended.stderr.contains("the link `db` is given twice"), "{}", ended.stderr);
}
