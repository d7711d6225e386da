//! Decodes the bytes of a file to text that a TOML parser accepts: UTF-8 without control characters.
//! Everything else is reported with its place. TOML itself is not known here.

use crate::diagnostic::{Diagnostic, FilePlace, SourceFile};

/// The largest length of a file, in bytes.
pub(crate) const MAX_FILE_LEN: usize = 16 << 20;

/// The largest number of forbidden characters that are reported one by one.
const MAX_LISTED_CHARS: usize = 20;

/// The text of a file with this name and index, and its errors.
pub(crate) fn decode_utf8(name: &str, bytes: Vec<u8>, file: u32) -> (SourceFile, Vec<Diagnostic>) {
    if bytes.len() > MAX_FILE_LEN {
        let fault =
            format!("this file has {} bytes; a file of a scenario has at most {MAX_FILE_LEN}", bytes.len());
        let start = FilePlace { file, start: 0, end: 0 };
        return (SourceFile::new(name, ""), vec![Diagnostic::error(start, fault)]);
    }
    let utf16 = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
    if utf16 {
        let start = FilePlace { file, start: 0, end: 0 };
        let fault = Diagnostic::error(start, "this file is UTF-16; a scenario is UTF-8")
            .with_help(format!("convert it: iconv -f UTF-16 -t UTF-8 {name}"));
        return (SourceFile::new(name, ""), vec![fault]);
    }
    match String::from_utf8(bytes) {
        Ok(mut text) => {
            if text.starts_with('\u{feff}') {
                text.drain(..'\u{feff}'.len_utf8());
            }
            let mut faults = control_char_errors(&text, file);
            if text.starts_with('\u{feff}') {
                let place = FilePlace { file, start: 0, end: 3 };
                let fault = "a second byte order mark (U+FEFF) is not allowed; a file has at most one";
                faults.insert(0, Diagnostic::error(place, fault));
            }
            (SourceFile::new(name, text), faults)
        }
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let byte = error.as_bytes().get(at).copied().unwrap_or_default();
            let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
            let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
            let bom = error.as_bytes().starts_with("\u{feff}".as_bytes());
            let start = u32::try_from(at - if bom { 3 } else { 0 }).unwrap_or(u32::MAX);
            let place = FilePlace { file, start, end: start + 3 };
            let fault = Diagnostic::error(place, format!("this is not UTF-8: byte 0x{byte:02x}"))
                .with_help("a scenario is UTF-8 text; save the file in that encoding");
            (SourceFile::new(name, text), vec![fault])
        }
    }
}

/// The errors of the control characters that TOML does not allow.
fn control_char_errors(text: &str, file: u32) -> Vec<Diagnostic> {
    let bytes = text.as_bytes();
    // Almost every file is right, and a file may be long.
    if !bytes.iter().any(|byte| (*byte < b' ' && *byte != b'\n' && *byte != b'\t') || *byte == 0x7f) {
        return Vec::new();
    }
    let is_forbidden = |at: usize| match bytes[at] {
        b'\t' | b'\n' => false,
        b'\r' => bytes.get(at + 1) != Some(&b'\n'),
        byte => byte < 0x20 || byte == 0x7f,
    };
    let mut places = (0..bytes.len()).filter(|at| is_forbidden(*at));
    let told: Vec<usize> = places.by_ref().take(MAX_LISTED_CHARS).collect();
    let more = places.count();
    if told.len() == MAX_LISTED_CHARS && bytes.iter().filter(|byte| **byte == 0).count() * 3 > bytes.len() {
        let start = FilePlace { file, start: 0, end: 0 };
        return vec![
            Diagnostic::error(start, "this is not text: it is full of NUL bytes (UTF-16?)")
                .with_help("a scenario is UTF-8 text"),
        ];
    }
    let last = told.len();
    told.into_iter()
        .enumerate()
        .map(|(index, at)| {
            let start = u32::try_from(at).unwrap_or(u32::MAX);
            let fault =
                Diagnostic::error(FilePlace { file, start, end: start + 1 }, control_char_message(bytes[at]));
            if index + 1 == last && more > 0 {
                fault.with_help(format!("{more} more forbidden characters follow"))
            } else {
                fault
            }
        })
        .collect()
}

/// The message about a forbidden byte.
fn control_char_message(byte: u8) -> String {
    match byte {
        0 => "a NUL character is not allowed".to_owned(),
        b'\r' => "a carriage return without a newline is not allowed".to_owned(),
        0x1b => "an escape character (U+001B) is not allowed; in a string write `\\u001B`".to_owned(),
        byte => {
            format!("the control character U+{byte:04X} is not allowed; in a string write `\\u{byte:04X}`")
        }
    }
}
