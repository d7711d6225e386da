//! The line that a person types on the terminal while a run is shown there.
//!
//! # How it works
//!
//! A terminal echoes what is typed where its cursor stands, and a program sees it only when the line is
//! entered. The run's own text would overwrite it. So while the run draws a bar on the terminal, keys come
//! one by one and without echo, the line is kept here, and the bar shows it in a row of its own.
//!
//! The modes of the terminal are set again whenever another program has changed them, and given back at the
//! end and before the job is suspended. A terminal that belongs to another job is never touched.

use std::collections::VecDeque;
use std::fmt;
use std::io::Stdin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};

use crate::io::terminal::attachment::{AttachedInput, AttachedProgram};
use crate::io::terminal::foreground;
use scenario_log::event::Source;

/// The longest line that is kept, in characters.
const MAX_LINE_CHARS: usize = 8 << 10;

/// The line that is being typed. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct EditedLine {
    state: Arc<Mutex<EditedLineState>>,
    /// The number of the spawn that has the terminal; 0 if none has it.
    attached_spawn: Arc<AtomicU32>,
}

/// Shows what a program does to the terminal while it has it.
pub type ShowAttached = Box<dyn Fn(AttachedScreen) + Send>;

/// What the screen shows of a program that has the terminal.
#[derive(Debug)]
pub enum AttachedScreen {
    /// The terminal is the program's from now on; the text says so.
    Attach(String),
    /// The program has written this.
    Output(Vec<u8>),
    /// The terminal is the run's again.
    Detach,
}

#[derive(Default)]
struct EditedLineState {
    editor: LineEditor,
    /// The program that has the terminal.
    attached: Option<AttachedProgram>,
    /// Shows it; none if there is no screen.
    screen: Option<ShowAttached>,
    /// The modes of the terminal before they were changed; none while the terminal has them.
    original_modes: Option<Termios>,
    /// Whether the terminal is left alone: the job is suspended, or the run is over.
    is_left_alone: bool,
    /// When the terminal may be taken again after a pause.
    next_take: Option<Instant>,
}

impl fmt::Debug for EditedLineState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EditedLineState").field("editor", &self.editor).finish_non_exhaustive()
    }
}

/// How long the terminal is left alone when the job goes on: the guard notes its modes then, as those that it
/// restores in the end.
const RESUME_DELAY: Duration = Duration::from_millis(500);

impl EditedLine {
    /// The text so far.
    #[must_use]
    pub fn text(&self) -> String {
        self.with_state(|state| state.editor.line.clone())
    }

    /// Takes the terminal, if it is ours and does not give single keys already. False if it is not ours.
    pub fn take_terminal(&self, stdin: &Stdin) -> bool {
        self.with_state(|state| {
            let is_early = state.next_take.is_some_and(|next| Instant::now() < next);
            if state.is_left_alone || is_early || !foreground::is_foreground(stdin) {
                return false;
            }
            let Ok(modes) = tcgetattr(stdin) else { return false };
            if let Some(program) = &state.attached {
                let wanted =
                    program.terminal_modes(state.original_modes.get_or_insert_with(|| modes.clone()));
                if wanted.local_modes != modes.local_modes {
                    let _ = tcsetattr(stdin, OptionalActions::Now, &wanted);
                }
            } else if modes.local_modes.intersects(LocalModes::ICANON | LocalModes::ECHO) {
                state.original_modes.get_or_insert_with(|| modes.clone());
                // A terminal that has gone away has no modes.
                let _ = tcsetattr(stdin, OptionalActions::Now, &editing_modes(modes));
            }
            true
        })
    }

    /// Takes typed bytes; gives the lines that were entered.
    pub fn type_bytes(&self, bytes: &[u8]) -> Vec<String> {
        self.with_state(|state| bytes.iter().filter_map(|byte| state.editor.type_byte(*byte)).collect())
    }

    /// Takes a function that shows a program while it has the terminal.
    pub fn set_screen(&self, screen: ShowAttached) {
        self.with_state(|state| state.screen = Some(screen));
    }

    /// Forgets that function: nothing is shown any more.
    pub fn remove_screen(&self) {
        self.with_state(|state| state.screen = None);
    }

    /// Gives the terminal to a program. False if no screen could show it, or the terminal is not ours now.
    pub(in crate::io) fn attach(&self, program: AttachedProgram, note: String) -> bool {
        let Source::Spawn(spawn) = program.source() else { return false };
        let is_shown = self.with_state(|state| {
            let Some(screen) = &state.screen else { return false };
            screen(AttachedScreen::Attach(note));
            state.attached = Some(program);
            self.attached_spawn.store(spawn, Ordering::Relaxed);
            true
        });
        if is_shown && !self.take_terminal(&std::io::stdin()) {
            self.detach();
            return false;
        }
        is_shown
    }

    /// Takes the terminal back from the program that has it.
    pub(in crate::io) fn detach(&self) {
        let stdin = std::io::stdin();
        self.with_state(|state| {
            self.attached_spawn.store(0, Ordering::Relaxed);
            if state.attached.take().is_none() {
                return;
            }
            if let Some(screen) = &state.screen {
                screen(AttachedScreen::Detach);
            }
            if let Some(original) = state.original_modes.clone().filter(|_| !state.is_left_alone)
                && foreground::is_foreground(&stdin)
            {
                let _ = tcsetattr(&stdin, OptionalActions::Now, &editing_modes(original));
            }
        });
    }

    /// The spawn that has the terminal, if one has it.
    #[must_use]
    pub fn attached_spawn(&self) -> Option<Source> {
        Some(self.attached_spawn.load(Ordering::Relaxed)).filter(|spawn| *spawn > 0).map(Source::Spawn)
    }

    /// Shows what a program has written, if it has the terminal.
    pub(in crate::io) fn show_output(&self, source: Source, output: impl FnOnce() -> Vec<u8>) {
        if self.attached_spawn() == Some(source) {
            self.with_state(|state| {
                if let Some(screen) = state.screen.as_ref().filter(|_| state.attached.is_some()) {
                    screen(AttachedScreen::Output(output()));
                }
            });
        }
    }

    /// Takes typed bytes for the program that has the terminal; none if no program has it. No bytes are the
    /// end of an input.
    pub(in crate::io) fn type_to_program(&self, bytes: &[u8]) -> Option<(Source, Vec<AttachedInput>)> {
        self.with_state(|state| {
            let program = state.attached.as_mut()?;
            let inputs = match bytes {
                [] => vec![AttachedInput::End, AttachedInput::Detach],
                bytes => program.type_bytes(bytes),
            };
            Some((program.source(), inputs))
        })
    }

    /// Gives the terminal back as it was, and leaves it alone from now on.
    pub fn give_back(&self) {
        let stdin = std::io::stdin();
        self.with_state(|state| {
            state.is_left_alone = true;
            if let Some(modes) = state.original_modes.take()
                && foreground::is_foreground(&stdin)
            {
                let _ = tcsetattr(&stdin, OptionalActions::Now, &modes);
            }
        });
    }

    /// Takes the terminal again when it is ours: the job goes on.
    pub fn resume(&self) {
        self.with_state(|state| {
            state.is_left_alone = false;
            state.next_take = Some(Instant::now() + RESUME_DELAY);
        });
    }

    fn with_state<T>(&self, change: impl FnOnce(&mut EditedLineState) -> T) -> T {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The modes of a terminal that gives single keys and does not echo them.
fn editing_modes(mut modes: Termios) -> Termios {
    modes.local_modes -= LocalModes::ICANON | LocalModes::ECHO;
    modes.special_codes[SpecialCodeIndex::VMIN] = 1;
    modes.special_codes[SpecialCodeIndex::VTIME] = 0;
    modes
}

/// Makes lines of bytes from a keyboard.
#[derive(Debug, Default)]
struct LineEditor {
    line: String,
    /// The bytes of a character that is not whole yet.
    character: Vec<u8>,
    sequence: KeySequence,
    /// Entered lines that may come back with the arrows.
    history: VecDeque<String>,
    /// Which of them is shown, from the newest.
    recalled: usize,
}

/// How far a control sequence (ECMA-48, 5.4) has come.
#[derive(Debug, Default, PartialEq, Eq)]
enum KeySequence {
    #[default]
    None,
    /// After ESC.
    Escape,
    /// After ESC and `[` or `O`.
    Parameters,
}

/// How many entered lines are kept.
const MAX_HISTORY: usize = 100;

impl LineEditor {
    /// Takes one byte; gives the line if that has entered it.
    fn type_byte(&mut self, byte: u8) -> Option<String> {
        match (&self.sequence, byte) {
            (KeySequence::None, 0x1b) => self.sequence = KeySequence::Escape,
            (KeySequence::Escape, b'[' | b'O') => self.sequence = KeySequence::Parameters,
            (KeySequence::Escape, _) => self.sequence = KeySequence::None,
            (KeySequence::Parameters, 0x40..=0x7e) => {
                self.sequence = KeySequence::None;
                match byte {
                    b'A' => self.recall(self.recalled + 1),
                    b'B' => self.recall(self.recalled.saturating_sub(1)),
                    _ => {}
                }
            }
            (KeySequence::Parameters, _) => {}
            (KeySequence::None, b'\r' | b'\n') => return Some(self.enter()),
            (KeySequence::None, 0x7f | 0x08) => drop(self.line.pop()),
            // Ctrl-U
            (KeySequence::None, 0x15) => self.line.clear(),
            // Ctrl-W
            (KeySequence::None, 0x17) => {
                let words = self.line.trim_end();
                let rest = words.trim_end_matches(|c: char| !c.is_whitespace());
                self.line.truncate(rest.len());
            }
            (KeySequence::None, b'\t') => self.push(' '),
            (KeySequence::None, 0..0x20) => {}
            (KeySequence::None, byte) => self.type_part(byte),
        }
        None
    }

    fn type_part(&mut self, byte: u8) {
        self.character.push(byte);
        match std::str::from_utf8(&self.character) {
            Ok(text) => {
                let c = text.chars().next();
                self.character.clear();
                c.into_iter().for_each(|c| self.push(c));
            }
            Err(error) if error.error_len().is_none() => {}
            Err(_) => {
                self.character.clear();
                self.push('\u{fffd}');
            }
        }
    }

    fn push(&mut self, c: char) {
        if self.line.len() < MAX_LINE_CHARS {
            self.line.push(c);
        }
    }

    fn enter(&mut self) -> String {
        let line = std::mem::take(&mut self.line);
        self.recalled = 0;
        if !line.trim().is_empty() && self.history.front() != Some(&line) {
            self.history.push_front(line.clone());
            self.history.truncate(MAX_HISTORY);
        }
        line
    }

    fn recall(&mut self, nth: usize) {
        if nth == 0 {
            self.recalled = 0;
            self.line.clear();
        } else if let Some(line) = self.history.get(nth - 1) {
            self.recalled = nth;
            self.line.clone_from(line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The entered lines, and what is left.
    fn typed(bytes: &[u8]) -> (Vec<String>, String) {
        let line = EditedLine::default();
        // Wherever the reads are cut.
        let entered = bytes.chunks(1).flat_map(|byte| line.type_bytes(byte)).collect();
        (entered, line.text())
    }

    #[test]
    fn lines_are_edited_and_entered() {
        assert_eq!(typed(b"stop api\nsta"), (vec!["stop api".into()], "sta".into()));
        assert_eq!(typed("mark Č\u{7f}é\r".as_bytes()).0, ["mark é"]);
        assert_eq!(typed(b"one two\x17three\x15four five \x17").1, "four ");
        assert_eq!(typed(b"a\x1b[15~b\x1b[1;2Cc\x1bx\td").1, "abc d");
        assert_eq!(typed(b"x\xffy\x01").1, "x\u{fffd}y");
    }

    #[test]
    fn entered_lines_come_back_with_the_arrows() {
        let (entered, left) = typed(b"one\ntwo\n\x1b[A\x1b[A\x1b[A\n\x1b[A\x1b[B");
        assert_eq!((entered, left), (vec!["one".into(), "two".into(), "one".into()], String::new()));
    }

    #[test]
    fn a_word_is_deleted_behind_any_space() {
        assert_eq!(typed("one two\u{17}".as_bytes()), (Vec::new(), "one ".to_owned()));
        // These spaces have two and three bytes.
        for space in ['\u{85}', '\u{3000}'] {
            assert_eq!(typed(format!("one{space}two\u{17}").as_bytes()), (Vec::new(), format!("one{space}")));
        }
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_are_too_much(bytes: Vec<u8>) {
            let (lines, left) = typed(&bytes);
            let has_escape = lines.iter().chain([&left]).any(|line| line.contains('\u{1b}'));
            proptest::prop_assert!(!has_escape);
        }
    }
}
