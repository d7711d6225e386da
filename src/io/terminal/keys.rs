//! Keys, each as it is pressed, from the terminal on standard input. Decides nothing about them.
//!
//! # How it works
//!
//! A terminal gives whole lines and echoes them; [`Keys`] has it give each key at once, and in
//! silence, for as long as it lives: its modes are put back on every way out (a panic drops it too),
//! before the program is suspended, and never while another job has the terminal: that would stop
//! us. The keys that send signals (Ctrl-C, Ctrl-Z) go on sending them.

use std::collections::VecDeque;
use std::io::{self, Stdin};

use rustix::termios::{
    InputModes, LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
};

use crate::io::terminal::foreground;
use crate::io::wait_readable::Readable;

/// The longest sequence that a key sends.
const LONGEST: usize = 16;

/// A key that means something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
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
    /// To the beginning.
    Home,
    /// To the end.
    End,
    /// `.`
    Dot,
    /// `+`, or `=` where that takes no shift.
    Plus,
    /// `-`
    Minus,
    /// `q`
    Q,
}

/// The keyboard of a terminal.
#[derive(Debug)]
pub struct Keys {
    stdin: Stdin,
    readable: Readable,
    /// The modes as they were before ours.
    before: Option<Termios>,
    /// Whether they are ours now, as far as we know.
    is_set: bool,
    typed: Vec<u8>,
    pressed: VecDeque<Key>,
    is_gone: bool,
}

impl Keys {
    /// Takes the terminal on standard input, as soon as it is ours. To be called in a runtime.
    ///
    /// # Errors
    /// When there is no descriptor left.
    pub fn take() -> io::Result<Keys> {
        let stdin = io::stdin();
        let readable = Readable::new(&stdin)?;
        let (typed, pressed) = (Vec::new(), VecDeque::new());
        let mut keys = Keys { stdin, readable, before: None, is_set: false, typed, pressed, is_gone: false };
        keys.resume();
        Ok(keys)
    }

    /// Sets the modes, if the terminal is ours: also after somebody has stopped the program.
    pub fn resume(&mut self) {
        if !self.is_ours() {
            return;
        }
        if self.before.is_none() {
            self.before = tcgetattr(&self.stdin).ok();
        }
        if let Some(before) = &self.before {
            let mut modes = before.clone();
            modes.local_modes -= LocalModes::ICANON | LocalModes::ECHO;
            modes.local_modes |= LocalModes::ISIG;
            // Space pauses; a terminal that stands still by Ctrl-S could not even be left.
            modes.input_modes -= InputModes::IXON;
            modes.special_codes[SpecialCodeIndex::VMIN] = 0;
            modes.special_codes[SpecialCodeIndex::VTIME] = 0;
            // A terminal that has gone away has no modes.
            let _ = tcsetattr(&self.stdin, OptionalActions::Now, &modes);
            self.is_set = true;
        }
    }

    /// Puts the modes back.
    pub fn release(&mut self) {
        self.is_set = false;
        if let Some(before) = self.before.take()
            && self.is_ours()
        {
            let _ = tcsetattr(&self.stdin, OptionalActions::Now, &before);
        }
    }

    /// Whether this is the job in the foreground: any other must not touch the terminal.
    fn is_ours(&self) -> bool {
        foreground::is_ours(&self.stdin)
    }

    /// The next key. Loses none if it is given up; without end while another job has the terminal, or
    /// where there is none any more. To be asked anew now and then: not every shell says that it has
    /// put a job in front.
    pub async fn next(&mut self) -> Key {
        loop {
            if let Some(key) = self.pressed.pop_front() {
                return key;
            }
            let is_ours = self.is_ours();
            if !is_ours || self.is_gone {
                self.is_set = is_ours && self.is_set;
                return std::future::pending().await;
            }
            if !self.is_set {
                self.resume();
            }
            self.readable.wait().await;
            self.read();
        }
    }

    fn read(&mut self) {
        let mut buffer = [0; 256];
        match rustix::io::read(&self.stdin, &mut buffer) {
            Ok(read) if read > 0 => {
                self.typed.extend_from_slice(&buffer[..read]);
                decode(&mut self.typed, &mut self.pressed);
            }
            Err(rustix::io::Errno::INTR) => {}
            _ => self.is_gone = self.readable.is_hung_up(),
        }
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        self.release();
    }
}

/// Takes the keys out of what was typed. A sequence that is not whole yet stays.
fn decode(typed: &mut Vec<u8>, keys: &mut VecDeque<Key>) {
    let mut rest = &typed[..];
    while let Some(first) = rest.first() {
        let length = match (first, rest.get(1)) {
            (0x1b, None) => break,
            (0x1b, Some(b'[' | b'O')) => {
                let Some(length) = sequence(rest) else { break };
                length
            }
            // A key of its own, or what the Alt key puts before another one.
            _ => 1,
        };
        let (key, behind) = rest.split_at(length);
        keys.extend(key_of(key));
        rest = behind;
    }
    *typed = rest.to_vec();
}

/// The length of a control sequence (ECMA-48, 5.4): parameters, then one final byte.
fn sequence(bytes: &[u8]) -> Option<usize> {
    let is_parameter = |byte: &&u8| (0x20..0x40).contains(*byte);
    let length = 2 + bytes[2..].iter().take_while(is_parameter).count();
    // What is no sequence by then is none.
    (length < bytes.len()).then_some(length + 1).or((length >= LONGEST).then_some(length))
}

fn key_of(bytes: &[u8]) -> Option<Key> {
    Some(match bytes {
        b" " => Key::Space,
        b"." => Key::Dot,
        b"+" | b"=" => Key::Plus,
        b"-" => Key::Minus,
        b"q" | b"Q" => Key::Q,
        b"\x1b[A" | b"\x1bOA" => Key::Up,
        b"\x1b[B" | b"\x1bOB" => Key::Down,
        b"\x1b[C" | b"\x1bOC" => Key::Right,
        b"\x1b[D" | b"\x1bOD" => Key::Left,
        b"\x1b[H" | b"\x1bOH" | b"\x1b[1~" | b"\x1b[7~" => Key::Home,
        b"\x1b[F" | b"\x1bOF" | b"\x1b[4~" | b"\x1b[8~" => Key::End,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys_of(pieces: &[&[u8]]) -> Vec<Key> {
        let (mut typed, mut keys) = (Vec::new(), VecDeque::new());
        for piece in pieces {
            typed.extend_from_slice(piece);
            decode(&mut typed, &mut keys);
        }
        keys.into()
    }

    #[test]
    fn keys_are_told_apart_however_they_arrive() {
        let all = b" \x1b[D\x1bOC\x1b[A\x1b[B\x1b[H\x1b[4~.+=-q";
        let wanted = [
            Key::Space,
            Key::Left,
            Key::Right,
            Key::Up,
            Key::Down,
            Key::Home,
            Key::End,
            Key::Dot,
            Key::Plus,
            Key::Plus,
            Key::Minus,
            Key::Q,
        ];
        assert_eq!(keys_of(&[all]), wanted);
        for at in 0..all.len() {
            assert_eq!(keys_of(&[&all[..at], &all[at..]]), wanted, "cut at {at}");
        }
    }

    #[test]
    fn what_is_no_key_is_passed_over() {
        // F5, a shifted arrow, the escape key, Alt-x, a paste of other letters.
        assert_eq!(keys_of(&[b"\x1b[15~\x1b[1;2C\x1b\x1bxabc\xff\xc3\xa9\n "]), [Key::Space]);
        let endless = [b"\x1b[".as_slice(), &[b'1'; 1000], b"q"].concat();
        assert_eq!(keys_of(&[&endless[..500], &endless[500..]]), [Key::Q]);
    }

    proptest::proptest! {
        #[test]
        fn nothing_typed_grows_or_panics(pieces: Vec<Vec<u8>>) {
            let (mut typed, mut keys) = (Vec::new(), VecDeque::new());
            for piece in pieces {
                typed.extend_from_slice(&piece);
                decode(&mut typed, &mut keys);
                proptest::prop_assert!(typed.len() <= LONGEST);
            }
        }
    }
}
