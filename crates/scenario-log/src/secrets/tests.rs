use base64::Engine as _;
use proptest::prelude::*;

use super::part_redactor::PartRedactor;
use super::*;

#[test]
fn secrets_are_taken_out_wherever_they_stand() {
    let secrets = Secrets::new(["hunter2hunter2", "hunter2", "abc"]);
    assert_eq!(secrets.mask_text("hunter2 abc hunter2hunter2!"), "[redacted] abc [redacted]!");
    assert_eq!(format!("{secrets:?}"), "Secrets(2)");
    assert!(Secrets::new(["short"]).is_empty());
}

#[test]
fn secrets_are_learned_and_none_is_forgotten() {
    let secrets = Secrets::new(["hunter2"]);
    secrets.learn("short");
    secrets.learn("learned-1");
    secrets.learn("learned-1");
    assert_eq!(secrets.mask_text("hunter2 short learned-1"), "[redacted] short [redacted]");
    assert_eq!(format!("{secrets:?}"), "Secrets(2)");
    (0..5_000).for_each(|n| secrets.learn(&format!("other-{n:04}")));
    assert_eq!(secrets.mask_text("hunter2 learned-1 other-4999"), "[redacted] [redacted] [redacted]");
}

#[test]
fn places_that_overlap_are_one() {
    let secrets = Secrets::new(["abcdefgh", "efghijkl", "aaaaaa"]);
    assert_eq!(secrets.mask_text("xabcdefghijklx"), "x[redacted]x");
    assert_eq!(secrets.mask_text("baaaaaaaaab"), "b[redacted]b");
    assert_eq!(secrets.mask_text("abcdefghabcdefgh"), "[redacted][redacted]");
}

#[test]
fn every_spelling_is_found() {
    let secret = "pä\"s/s w\\o<r>d&1";
    let secrets = Secrets::new([secret]);
    let json = serde_json::to_string(secret).unwrap();
    let escaped = |c: char| -> String {
        c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04X}")).collect()
    };
    let percent = |secret: &str| -> String { secret.bytes().map(|byte| format!("%{byte:02x}")).collect() };
    let base64 = base64::engine::general_purpose::STANDARD.encode(format!("user:{secret}"));
    for spelling in [
        json.clone(),
        json.replace('/', "\\/"),
        serde_json::to_string(&json).unwrap(),
        format!("{secret:?}"),
        secret.chars().map(escaped).collect(),
        percent(secret),
        secret.replace(' ', "+").replace('"', "%22").replace('&', "%26"),
        "pä&quot;s/s w\\o&lt;r&gt;d&amp;1".to_owned(),
        "p&#xe4;&#34;s&#47;s w\\o&lt;r&gt;d&amp;1".to_owned(),
        base64.clone(),
        base64.replace('+', "-").replace('/', "_").replace('=', "%3D"),
        base64.replace('/', "\\/"),
    ] {
        let shown = secrets.mask_text(&format!("a {spelling} b"));
        assert!(shown.contains("[redacted]"), "{spelling} became {shown}");
        for part in ["s/s", "w\\", "d&", "o<", "o&", "%77", "\\u0077", "73"] {
            assert!(!shown.contains(part), "{spelling} became {shown}");
        }
    }
}

#[test]
fn a_secret_with_escapes_may_come_back_without_them() {
    let secrets = Secrets::new(["s%3Aabcdefgh", "x\\u0041bcdefg"]);
    assert_eq!(secrets.mask_text("s:abcdefgh xAbcdefg"), "[redacted] [redacted]");
    // What stands before a secret does not make an escape of its beginning.
    let secrets = Secrets::new(["41abcdef", "node_modules"]);
    assert_eq!(secrets.mask_text("%41abcdef C:\\node_modules"), "%[redacted] C:\\[redacted]");
}

#[test]
fn lines_of_a_secret_are_secrets() {
    let secrets = Secrets::new(["-----BEGIN KEY-----\r\nabcdefgh\nxy\n-----END KEY-----\n"]);
    assert_eq!(secrets.mask_text("k abcdefgh xy\n"), "k [redacted] xy\n");
    let whole = "-----BEGIN KEY-----\\nabcdefgh\\nxy\\n-----END KEY-----";
    assert_eq!(Secrets::new([&*whole.replace("\\n", "\n")]).mask_text(whole), "[redacted]");
}

#[test]
fn words_have_no_passwords() {
    let secrets = Secrets::new(["p/w-12345"]);
    assert_eq!(
        secrets.redact("http://u:p/w-12345@h and https:v:q@h and p%2Fw-12345"),
        "http://u:[redacted]@h and https:v:[redacted]@h and [redacted]"
    );
}

#[test]
fn an_excerpt_is_redacted_before_it_is_cut() {
    let secrets = Secrets::new(["canary-canary"]);
    assert_eq!(secrets.excerpt(b"a canary-canary b", 10), "a [redacte…");
    assert_eq!(secrets.excerpt(b"a canary-canary b", 40), "a [redacted] b");
    // The search for secrets ends inside of the second one.
    let (long, edge) = ("long-".repeat(10_000), "x".repeat(EXCERPT_SEARCHED - 50_003));
    let secrets = Secrets::new([&*long, "canary-canary"]);
    let shown = secrets.excerpt(format!("{long}{edge}canary-canary").as_bytes(), EXCERPT_SEARCHED / 4);
    assert_eq!(shown, format!("[redacted]{edge}…"));
}

#[test]
fn a_beginning_has_no_piece_of_a_secret() {
    let secrets = Secrets::new(["canary-canary"]);
    for (text, shown) in [
        ("HTTP canary-can", "HTTP "),
        ("canary-canary", "[redacted]"),
        ("canary-canary x\\u006", "[redacted] "),
        ("HTTP/1.1 200", "HTTP/1.1 200"),
    ] {
        assert_eq!(String::from_utf8_lossy(&secrets.mask_beginning(text.as_bytes())), shown);
    }
}

/// The text of all parts, with each part's length.
fn in_parts(secrets: &Secrets, text: &[u8], len: usize) -> (Vec<u8>, Vec<usize>) {
    let mut redactor = PartRedactor::default();
    let (mut all, mut lens) = (Vec::new(), Vec::new());
    let mut parts = text.chunks(len.max(1)).peekable();
    while let Some(part) = parts.next() {
        let mut part = part.to_vec();
        redactor.redact(secrets, &mut part, parts.peek().is_some());
        lens.push(part.len());
        all.extend(part);
    }
    assert_eq!(redactor.held_len(), 0);
    (all, lens)
}

#[test]
fn a_part_without_a_beginning_of_a_secret_stays_whole() {
    let (all, lens) = in_parts(&Secrets::new(["hunter2"]), b"1234 5678 ..9", 5);
    assert_eq!((&*all, &*lens), (&b"1234 5678 ..9"[..], &[5, 5, 3][..]));
}

proptest! {
    #[test]
    fn parts_give_the_same_as_the_whole(
        before in "[a-z\\\\%&. ]{0,12}",
        after in "[a-z\\\\%&. ]{0,12}",
        spelling in 0_usize..6,
        len in 1_usize..30,
    ) {
        let secret = "s3cr\"t/wörd";
        let secrets = Secrets::new([secret, "s3cr-other"]);
        let spelled = match spelling {
            0 => secret.to_owned(),
            1 => serde_json::to_string(secret).unwrap(),
            2 => secret.chars().map(|c| format!("\\u{:04x}", u32::from(c))).collect(),
            3 => secret.bytes().map(|byte| format!("%{byte:02X}")).collect(),
            4 => serde_json::to_string(&serde_json::to_string(secret).unwrap()).unwrap(),
            _ => base64::engine::general_purpose::STANDARD.encode(secret),
        };
        let text = format!("{before} {spelled} {after}");
        let (all, _) = in_parts(&secrets, text.as_bytes(), len);
        prop_assert_eq!(String::from_utf8_lossy(&all), secrets.mask_text(&text));
    }
}
