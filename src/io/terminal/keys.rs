//! Reads single keys from the terminal on standard input. Decides nothing about them.
//!
//! # How it works
//!
//! A terminal gives whole lines and echoes them. A [`KeyReader`] sets it to give each key at once,
//! without echo, for as long as the reader lives. It restores the modes on every way out (a panic
//! drops it too) and before the program is suspended. It never touches the terminal while another job
//! has it: that would stop us. The keys that send signals (Ctrl-C, Ctrl-Z) still send them.

use std::collections::VecDeque;
use std::io::{self, Stdin};

use rustix::termios::{
    InputModes, LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
};

use crate::io::terminal::foreground;
use crate::io::wait_readable::ReadableFd;

/// The longest control sequence of a key, in bytes.
const MAX_SEQUENCE_LEN: usize = 16;

/// A key that has a meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TerminalKey {
    /// The space bar.
    Space,
    /// An arrow.
    Left,
    /// An arrow.
    Right,
    /// An arrow.
    Up,
    /// An arrow.
    Down,
    /// To the beginning (Home).
    Home,
    /// To the end (End).
    End,
    /// `.`
    Dot,
    /// `+`, or `=`, which is on the same key on many keyboards.
    Plus,
    /// `-`
    Minus,
    /// `q`
    Q,
}

/// The keyboard of a terminal.
#[derive(Debug)]
pub struct KeyReader {
    stdin: Stdin,
    readable: ReadableFd,
    /// The modes before they were changed.
    original_modes: Option<Termios>,
    /// Whether the terminal is in key mode now, as far as we know.
    is_in_key_mode: bool,
    pending_bytes: Vec<u8>,
    pending_keys: VecDeque<TerminalKey>,
    is_hung_up: bool,
}

impl KeyReader {
    /// Takes the terminal on standard input, as soon as it is ours. To be called in a runtime.
    ///
    /// # Errors
    /// When there is no descriptor left.
    pub fn open() -> io::Result<KeyReader> {
        let stdin = io::stdin();
        let readable = ReadableFd::new(&stdin)?;
        let (typed, pressed) = (Vec::new(), VecDeque::new());
        let mut keys = KeyReader {
            stdin,
            readable,
            original_modes: None,
            is_in_key_mode: false,
            pending_bytes: typed,
            pending_keys: pressed,
            is_hung_up: false,
        };
        keys.enter_key_mode();
        Ok(keys)
    }

    /// Sets the modes, if the terminal is ours. Also to be called after the program was stopped.
    pub fn enter_key_mode(&mut self) {
        if !self.is_foreground() {
            return;
        }
        if self.original_modes.is_none() {
            self.original_modes = tcgetattr(&self.stdin).ok();
        }
        if let Some(before) = &self.original_modes {
            let mut modes = before.clone();
            modes.local_modes -= LocalModes::ICANON | LocalModes::ECHO;
            modes.local_modes |= LocalModes::ISIG;
            // A terminal that Ctrl-S has stopped would not even show the end; here Space pauses.
            modes.input_modes -= InputModes::IXON;
            modes.special_codes[SpecialCodeIndex::VMIN] = 0;
            modes.special_codes[SpecialCodeIndex::VTIME] = 0;
            // A terminal that has gone away has no modes.
            let _ = tcsetattr(&self.stdin, OptionalActions::Now, &modes);
            self.is_in_key_mode = true;
        }
    }

    /// Restores the modes.
    pub fn restore_modes(&mut self) {
        self.is_in_key_mode = false;
        if let Some(before) = self.original_modes.take()
            && self.is_foreground()
        {
            let _ = tcsetattr(&self.stdin, OptionalActions::Now, &before);
        }
    }

    /// Whether our job is in the foreground: any other must not touch the terminal.
    fn is_foreground(&self) -> bool {
        foreground::is_foreground(&self.stdin)
    }

    /// The next key. Loses none if it is dropped. Waits forever while another job has the terminal,
    /// or once there is no terminal. To be called again at intervals: not every shell notifies a job
    /// that it puts in the foreground.
    pub async fn next_key(&mut self) -> TerminalKey {
        loop {
            if let Some(key) = self.pending_keys.pop_front() {
                return key;
            }
            let is_ours = self.is_foreground();
            if !is_ours || self.is_hung_up {
                self.is_in_key_mode = is_ours && self.is_in_key_mode;
                return std::future::pending().await;
            }
            if !self.is_in_key_mode {
                self.enter_key_mode();
            }
            self.readable.wait_readable().await;
            self.read_available();
        }
    }

    fn read_available(&mut self) {
        let mut buffer = [0; 256];
        match rustix::io::read(&self.stdin, &mut buffer) {
            Ok(read) if read > 0 => {
                self.pending_bytes.extend_from_slice(&buffer[..read]);
                decode_keys(&mut self.pending_bytes, &mut self.pending_keys);
            }
            Err(rustix::io::Errno::INTR) => {}
            _ => self.is_hung_up = self.readable.is_hung_up(),
        }
    }
}

impl Drop for KeyReader {
    fn drop(&mut self) {
        self.restore_modes();
    }
}

/// Takes the keys out of the typed bytes. An unfinished sequence stays.
fn decode_keys(typed: &mut Vec<u8>, keys: &mut VecDeque<TerminalKey>) {
    let mut rest = &typed[..];
    while let Some(first) = rest.first() {
        let length = match (first, rest.get(1)) {
            (0x1b, None) => break,
            (0x1b, Some(b'[' | b'O')) => {
                let Some(length) = sequence_len(rest) else { break };
                length
            }
            // A single key, or the byte that the Alt key puts before another one.
            _ => 1,
        };
        let (key, behind) = rest.split_at(length);
        keys.extend(key_from_bytes(key));
        rest = behind;
    }
    *typed = rest.to_vec();
}

/// The length of a control sequence (ECMA-48, 5.4): parameters, then one final byte.
fn sequence_len(bytes: &[u8]) -> Option<usize> {
    let is_parameter = |byte: &&u8| (0x20..0x40).contains(*byte);
    let length = 2 + bytes[2..].iter().take_while(is_parameter).count();
    // A sequence that is not finished at this length is not a sequence.
    (length < bytes.len()).then_some(length + 1).or((length >= MAX_SEQUENCE_LEN).then_some(length))
}

fn key_from_bytes(bytes: &[u8]) -> Option<TerminalKey> {
    Some(match bytes {
        b" " => TerminalKey::Space,
        b"." => TerminalKey::Dot,
        b"+" | b"=" => TerminalKey::Plus,
        b"-" => TerminalKey::Minus,
        b"q" | b"Q" => TerminalKey::Q,
        b"\x1b[A" | b"\x1bOA" => TerminalKey::Up,
        b"\x1b[B" | b"\x1bOB" => TerminalKey::Down,
        b"\x1b[C" | b"\x1bOC" => TerminalKey::Right,
        b"\x1b[D" | b"\x1bOD" => TerminalKey::Left,
        b"\x1b[H" | b"\x1bOH" | b"\x1b[1~" | b"\x1b[7~" => TerminalKey::Home,
        b"\x1b[F" | b"\x1bOF" | b"\x1b[4~" | b"\x1b[8~" => TerminalKey::End,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys_of(pieces: &[&[u8]]) -> Vec<TerminalKey> {
        let (mut typed, mut keys) = (Vec::new(), VecDeque::new());
        for piece in pieces {
            typed.extend_from_slice(piece);
            decode_keys(&mut typed, &mut keys);
        }
        keys.into()
    }

    #[test]
    fn keys_are_decoded_wherever_the_reads_are_cut() {
        let all = b" \x1b[D\x1bOC\x1b[A\x1b[B\x1b[H\x1b[4~.+=-q";
        let wanted = [
            TerminalKey::Space,
            TerminalKey::Left,
            TerminalKey::Right,
            TerminalKey::Up,
            TerminalKey::Down,
            TerminalKey::Home,
            TerminalKey::End,
            TerminalKey::Dot,
            TerminalKey::Plus,
            TerminalKey::Plus,
            TerminalKey::Minus,
            TerminalKey::Q,
        ];
        assert_eq!(keys_of(&[all]), wanted);
        for at in 0..all.len() {
            assert_eq!(keys_of(&[&all[..at], &all[at..]]), wanted, "cut at {at}");
        }
    }

    #[test]
    fn other_bytes_are_ignored() {
        // F5, a shifted arrow, the escape key, Alt-x, a paste of other letters.
        assert_eq!(keys_of(&[b"\x1b[15~\x1b[1;2C\x1b\x1bxabc\xff\xc3\xa9\n "]), [TerminalKey::Space]);
        let endless = [b"\x1b[".as_slice(), &[b'1'; 1000], b"q"].concat();
        assert_eq!(keys_of(&[&endless[..500], &endless[500..]]), [TerminalKey::Q]);
    }

    proptest::proptest! {
        #[test]
        fn nothing_typed_grows_or_panics(pieces: Vec<Vec<u8>>) {
            let (mut typed, mut keys) = (Vec::new(), VecDeque::new());
            for piece in pieces {
                typed.extend_from_slice(&piece);
                decode_keys(&mut typed, &mut keys);
                proptest::prop_assert!(typed.len() <= MAX_SEQUENCE_LEN);
            }
        }
    }
}
