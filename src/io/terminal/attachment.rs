//! The terminal while it is that of one program of the run: what is typed goes to the program, and what the
//! program writes is shown as it comes, until Ctrl-].
//!
//! # How it works
//!
//! A program on a terminal of its own gets each key as it is pressed, Ctrl-C too, and the modes of its terminal
//! decide what a key means: a debugger edits its line itself. Echo, which the terminal of a program does not
//! have, is on meanwhile. A program that turns it off asks for a password, so what is typed then is not logged.
//!
//! A program with a pipe gets whole lines, which our terminal edits and echoes. Ctrl-D is the end of its input,
//! and Ctrl-C the signal INT for it.

use std::io;
use std::os::fd::OwnedFd;

use rustix::termios::{
    InputModes, LocalModes, OptionalActions, OutputModes, SpecialCodeIndex, Termios, tcgetattr, tcgetwinsize,
    tcsetattr, tcsetwinsize,
};
use scenario_log::event::Source;

/// Ctrl-]
const DETACH_KEY: u8 = 0x1d;

/// Ctrl-D, if the terminal did not take it for the end itself.
const END_KEY: u8 = 0x04;

/// Ctrl-C
const INTERRUPT_KEY: u8 = 0x03;

/// The program that has the terminal.
#[derive(Debug)]
pub(in crate::io) struct AttachedProgram {
    source: Source,
    /// Our end of the terminal of the program, if it has one.
    pty: Option<OwnedFd>,
    /// Whether its echo was turned on for this time.
    echo_added: bool,
    /// The bytes of a character that is not whole yet.
    character: Vec<u8>,
}

/// Something that was typed for a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttachedInput {
    /// Keys.
    Keys {
        /// The text of the keys.
        text: String,
        /// Whether the program does not show them, as a password.
        hidden: bool,
    },
    /// Ctrl-C for a program without a terminal.
    Interrupt,
    /// The end of the input of a program without a terminal.
    End,
    /// Ctrl-]
    Detach,
}

impl AttachedProgram {
    /// Gives the program the size of our terminal, and echo, if it has a terminal.
    pub(in crate::io) fn new(source: Source, pty: Option<OwnedFd>) -> AttachedProgram {
        let mut echo_added = false;
        if let Some(pty) = &pty {
            // A terminal whose program has just ended has neither.
            let _ = tcgetwinsize(io::stdin()).and_then(|size| tcsetwinsize(pty, size));
            if let Ok(modes) = tcgetattr(pty)
                && modes.local_modes.contains(LocalModes::ICANON)
                && !modes.local_modes.contains(LocalModes::ECHO)
            {
                echo_added = set_echo(pty, modes, true).is_ok();
            }
        }
        AttachedProgram { source, pty, echo_added, character: Vec::new() }
    }

    pub(in crate::io) fn source(&self) -> Source {
        self.source
    }

    /// The modes of our terminal meanwhile; `original` is how it was before the run.
    pub(super) fn terminal_modes(&self, original: &Termios) -> Termios {
        let mut modes = original.clone();
        // Ctrl-C, Ctrl-Z and Ctrl-\ are for the program.
        modes.local_modes -= LocalModes::ISIG;
        modes.input_modes -= InputModes::IXON;
        if self.pty.is_some() {
            modes.make_raw();
            // The terminal of a program leaves a newline as it is.
            modes.output_modes |= OutputModes::OPOST | OutputModes::ONLCR;
            modes.special_codes[SpecialCodeIndex::VMIN] = 1;
            modes.special_codes[SpecialCodeIndex::VTIME] = 0;
        } else {
            modes.local_modes |= LocalModes::ICANON | LocalModes::ECHO | LocalModes::ECHOE;
            modes.local_modes -= LocalModes::ECHOCTL;
            // These end a line, so that they come at once.
            modes.special_codes[SpecialCodeIndex::VEOL] = DETACH_KEY;
            modes.special_codes[SpecialCodeIndex::VEOL2] = INTERRUPT_KEY;
        }
        modes
    }

    /// Takes typed bytes. Everything after Ctrl-] is lost.
    pub(super) fn type_bytes(&mut self, bytes: &[u8]) -> Vec<AttachedInput> {
        let mut inputs = Vec::new();
        let (bytes, is_detaching) = match bytes.iter().position(|byte| *byte == DETACH_KEY) {
            Some(at) => (&bytes[..at], true),
            None => (bytes, false),
        };
        if self.pty.is_some() {
            self.push_keys(bytes, &mut inputs);
        } else {
            let mut pieces = bytes.split(|byte| *byte == INTERRUPT_KEY).peekable();
            while let Some(piece) = pieces.next() {
                // What stands before Ctrl-C on its line is taken back, as on every terminal.
                let whole = match pieces.peek() {
                    Some(_) => memchr::memrchr(b'\n', piece).map_or(&piece[..0], |at| &piece[..=at]),
                    None => piece,
                };
                match memchr::memchr(END_KEY, whole) {
                    Some(at) => {
                        self.push_keys(&whole[..at], &mut inputs);
                        inputs.extend([AttachedInput::End, AttachedInput::Detach]);
                        return inputs;
                    }
                    None => self.push_keys(whole, &mut inputs),
                }
                if pieces.peek().is_some() {
                    inputs.push(AttachedInput::Interrupt);
                }
            }
        }
        if is_detaching {
            inputs.push(AttachedInput::Detach);
        }
        inputs
    }

    fn push_keys(&mut self, bytes: &[u8], inputs: &mut Vec<AttachedInput>) {
        self.character.extend_from_slice(bytes);
        let whole = match std::str::from_utf8(&self.character) {
            Ok(text) => text.len(),
            // The rest of the last character is to come.
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            Err(_) => self.character.len(),
        };
        let rest = self.character.split_off(whole);
        let text = String::from_utf8_lossy(&std::mem::replace(&mut self.character, rest)).into_owned();
        if !text.is_empty() {
            inputs.push(AttachedInput::Keys { text, hidden: self.hides_keys() });
        }
    }

    /// Whether the terminal of the program edits lines and does not echo them: the program has turned echo off, or
    /// it could not be turned on, since the program edited its lines itself.
    fn hides_keys(&self) -> bool {
        let modes = self.pty.as_ref().and_then(|pty| tcgetattr(pty).ok());
        modes.is_some_and(|modes| {
            modes.local_modes.contains(LocalModes::ICANON) && !modes.local_modes.contains(LocalModes::ECHO)
        })
    }
}

impl Drop for AttachedProgram {
    fn drop(&mut self) {
        if let Some(pty) = self.pty.as_ref().filter(|_| self.echo_added)
            && let Ok(modes) = tcgetattr(pty)
        {
            let _ = set_echo(pty, modes, false);
        }
    }
}

fn set_echo(pty: &OwnedFd, mut modes: Termios, is_on: bool) -> io::Result<()> {
    modes.local_modes.set(LocalModes::ECHO, is_on);
    Ok(tcsetattr(pty, OptionalActions::Now, &modes)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> AttachedInput {
        AttachedInput::Keys { text: text.to_owned(), hidden: false }
    }

    #[test]
    fn lines_and_control_keys_are_told_apart() {
        let mut program = AttachedProgram::new(Source::Spawn(1), None);
        assert_eq!(program.type_bytes(b"one\n"), [keys("one\n")]);
        assert_eq!(program.type_bytes(b"two\nthr\x03"), [keys("two\n"), AttachedInput::Interrupt]);
        assert_eq!(program.type_bytes(b"x\n\x04y"), [keys("x\n"), AttachedInput::End, AttachedInput::Detach]);
        assert_eq!(program.type_bytes("\u{e9}".as_bytes().split_at(1).0), []);
        assert_eq!(program.type_bytes(b"\xa9\n\x1dlost"), [keys("\u{e9}\n"), AttachedInput::Detach]);
    }
}
