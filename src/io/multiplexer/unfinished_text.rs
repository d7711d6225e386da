//! The text of an unfinished line: when it is reported, and how much of it was reported already. A prompt
//! has no newline, and a person or an entry waits for it.

use std::time::Duration;

use tokio::time::Instant;

use scenario_log::secrets::Secrets;
use scenario_log::secrets::part_redactor::PartRedactor;

/// How long nothing more must come before the text is reported. A program that writes a line in several
/// calls ends it sooner.
const SETTLE_TIME: Duration = Duration::from_millis(20);

/// The longest that text waits while more of it comes.
const MAX_WAIT: Duration = Duration::from_millis(100);

/// The state of one output.
#[derive(Debug, Default)]
pub(super) struct UnfinishedText {
    /// How many bytes of the unfinished line were reported.
    reported: usize,
    /// When the first byte came that was not.
    since: Option<Instant>,
    /// When it is to be reported.
    due: Option<Instant>,
    /// It is the rest of a line that came in parts, which is not reported before its end: its beginning
    /// is gone, and a secret may have begun there.
    is_rest: bool,
    /// Redacts the texts of one line.
    redactor: PartRedactor,
}

impl UnfinishedText {
    /// When to call [`UnfinishedText::take`], if there is something to report.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Notes that the line so far was passed on: whole, or as a part.
    pub(super) fn end_line(&mut self, is_part: bool) {
        if self.reported > 0 || self.since.is_some() || self.is_rest != is_part {
            *self = UnfinishedText { is_rest: is_part, ..UnfinishedText::default() };
        }
    }

    /// Notes that a read has left so many bytes of an unfinished line.
    pub(super) fn on_read(&mut self, tail_len: usize) {
        if tail_len <= self.reported || self.is_rest {
            self.due = None;
            return;
        }
        let now = Instant::now();
        let since = *self.since.get_or_insert(now);
        self.due = Some((now + SETTLE_TIME).min(since + MAX_WAIT));
    }

    /// Takes the text that was not reported yet: as it may be logged, and as it was said if that differs.
    pub(super) fn take(&mut self, tail: &[u8], secrets: &Secrets) -> Option<(Vec<u8>, Option<Vec<u8>>)> {
        (self.since, self.due) = (None, None);
        let new = tail.get(self.reported..)?;
        let new = &new[..whole_characters(new)];
        if new.is_empty() {
            return None;
        }
        self.reported += new.len();
        let mut logged = new.to_vec();
        self.redactor.redact(secrets, &mut logged, true);
        let said = (logged != new).then(|| new.to_vec());
        Some((logged, said))
    }
}

/// The length without the beginning of a character at the end, whose rest is still to come.
fn whole_characters(text: &[u8]) -> usize {
    match std::str::from_utf8(text) {
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        Ok(_) | Err(_) => text.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(text: &mut UnfinishedText, tail: &str, secrets: &Secrets) -> Option<(String, Option<String>)> {
        let string = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let taken = text.take(tail.as_bytes(), secrets);
        taken.map(|(logged, said)| (string(logged), said.map(string)))
    }

    #[test]
    fn each_byte_is_reported_once_and_no_part_of_a_secret() {
        let secrets = Secrets::new(["hunter2hunter2"]);
        let mut text = UnfinishedText::default();
        let said = |logged: &str, said: &str| Some((logged.to_owned(), Some(said.to_owned())));
        assert_eq!(taken(&mut text, "Password: ", &secrets), Some(("Password: ".to_owned(), None)));
        assert_eq!(taken(&mut text, "Password: ", &secrets), None);
        assert_eq!(taken(&mut text, "Password: hunter2", &secrets), said("", "hunter2"));
        assert_eq!(taken(&mut text, "Password: hunter2hunter2!", &secrets), said("[redacted]!", "hunter2!"));
        text.end_line(false);
        assert_eq!(taken(&mut text, "> ", &secrets), Some(("> ".to_owned(), None)));
    }

    #[test]
    fn a_character_waits_for_its_end() {
        let mut text = UnfinishedText::default();
        let none = Secrets::default();
        assert_eq!(text.take(&[b'a', 0xc3], &none), Some((b"a".to_vec(), None)));
        assert_eq!(text.take(&[b'a', 0xc3], &none), None);
        assert_eq!(text.take(&[b'a', 0xc3, 0xa9], &none), Some(("é".as_bytes().to_vec(), None)));
        // Bytes that are no character are reported as they are.
        assert_eq!(text.take(&[b'a', 0xc3, 0xa9, 0xff, b'x'], &none), Some((vec![0xff, b'x'], None)));
    }

    #[test]
    fn text_is_due_when_it_rests_and_after_a_while() {
        let mut text = UnfinishedText::default();
        assert_eq!(text.due(), None);
        text.on_read(3);
        let first = text.due().unwrap();
        text.on_read(4);
        assert!(text.due().unwrap() >= first);
        assert!(text.due().unwrap() <= text.since.unwrap() + MAX_WAIT);
        text.end_line(true);
        text.on_read(4);
        assert_eq!(text.due(), None, "the rest of a line that came in parts");
    }
}
