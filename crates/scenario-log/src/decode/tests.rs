//! The decoder: lines that are decoded and encoded again.

use super::*;
use crate::encode::EventEncoder;
use crate::time::Moment;

/// Decodes a line and encodes it again.
fn again(line: &str) -> Result<String, DecodeError> {
    let record = LogRecord::decode(line.as_bytes())?;
    let event = record.event()?.ok_or_else(|| DecodeError::new("unknown"))?;
    let mut encoder = EventEncoder::default();
    encoder.encode(Moment::ZERO, &event);
    Ok(String::from_utf8(encoder.swap_buffer(Vec::new()))
        .map_err(|error| DecodeError::new(error.to_string()))?
        .trim_end()
        .to_owned())
}

#[test]
fn every_event_is_written_as_it_was_read() {
    let lines = [
        r#""event":"clock.tick","due":0.000000001,"n":7}"#,
        r##""event":"spawn.started","due":0.500000000,"source":"ps#1","preset":"1","entry":"#2"}"##,
        r#""event":"spawn.started","due":0.500000000,"source":"ps#1","preset":"1","entry":"id","pid":12}"#,
        r#""event":"spawn.ready","source":"ps#1"}"#,
        r#""event":"move","due":0.500000000,"source":"ps#1","player":"john-12","direction":"W"}"#,
        r#""event":"move","source":"ps#1","player":"john","direction":"N"}"#,
        r#""event":"line","source":"ps#1","stream":"stderr","text":"a\t\"é\"\u0001"}"#,
        r#""event":"line","source":"ps#1","stream":"stdout","base64":"/w==","partial":true}"#,
        r#""event":"spawn.exited","source":"ps#1","code":3,"ok":false,"running":2}"#,
        r#""event":"spawn.exited","source":"ps#1","signal":"TERM","ok":true,"running":0,"held":true}"#,
        r#""event":"spawn.failed","source":"ps#4294967295","error":"no","running":0}"#,
        r#""event":"fetch.started","due":1.000000000,"source":"get#1","job":"a","method":"GET","url":"http://x/"}"#,
        r#""event":"fetch.responded","source":"get#1","status":200,"version":"HTTP/1.1","headers":{"b":"1","a":"2, 3"}}"#,
        r#""event":"fetch.line","source":"get#1","n":1,"text":""}"#,
        r#""event":"fetch.finished","source":"get#1","status":200,"bytes":3,"sha256":"00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff","ok":true,"took":0.100000000,"timings":{"connect":0.000000001,"body":0.000000002}}"#,
        r#""event":"fetch.failed","source":"get#1","kind":"too_large","error":"e","took":0.000000001}"#,
        r#""event":"input","text":"1","accepted":true}"#,
        r#""event":"input","text":"x","accepted":false,"error":"no"}"#,
        r#""event":"mark","due":0.000000000,"text":"hello"}"#,
        r#""event":"sent","source":"ps#1","error":"gone"}"#,
        r#""event":"stopping","signal":"INT"}"#,
        r##""event":"stopping","due":1.000000000,"source":"get#1","entry":"#1"}"##,
        r#""event":"run.paused"}"#,
        r#""event":"run.resumed","took":12.000000001}"#,
    ];
    for line in lines {
        let line = format!(r#"{{"seq":0,"t":0.000000000,{line}"#);
        assert_eq!(again(&line).as_deref(), Ok(&*line));
    }
}

#[test]
fn what_is_not_known_is_passed_over() {
    assert!(LogRecord::decode(br#"{"event":"later","x":[{}]}"#).unwrap().event().unwrap().is_none());
    let tick = again(r#"{"n":1,"later":null,"event":"clock.tick","due":0.000000000}"#).unwrap();
    assert_eq!(tick, r#"{"seq":0,"t":0.000000000,"event":"clock.tick","due":0.000000000,"n":1}"#);
}

#[test]
fn what_has_another_form_is_named() {
    let fault = |line: &str| again(line).unwrap_err().to_string();
    assert_eq!(fault(r#"{"event":"clock.tick","n":1}"#), "has no `due`");
    let tick = r#"{"event":"clock.tick","due":0.5,"n":1}"#;
    assert_eq!(fault(tick), "has the `due` `0.5`, which the format does not know");
    let line = r#"{"event":"line","source":"ps#0","stream":"stdout","text":""}"#;
    assert_eq!(fault(line), "has the `source` `ps#0`, which the format does not know");
    let preset = r##"{"event":"spawn.started","due":0.500000000,"source":"ps#1","preset":"a","entry":"#1"}"##;
    assert!(again(preset).is_ok());
    for (old, new) in [(r#""a""#, r#""a\r""#), (r#""a""#, r#""""#), ("#1\"}", "#01\"}"), ("#1\"}", "#x\"}")] {
        assert!(fault(&preset.replace(old, new)).ends_with("which the format does not know"), "{new}");
    }
    assert!(fault(r#"{"event":"line","source":"ps#1","stream":"stdout"}"#).contains("neither"));
    assert!(fault(r#"{"event":"clock.tick","due":0.000000000,"n":-1}"#).starts_with("is not readable"));
    assert!(fault(r#"{"event":"a","event":"b"}"#).contains("duplicate"));
}
