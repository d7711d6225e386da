//! Parses a source: receives the events of the parser, and passes whole keys, values and headers to the
//! tree.

use std::borrow::Cow;

use toml_parser::decoder::{Encoding, ScalarKind};
use toml_parser::parser::{EventReceiver, RecursionGuard, ValidateWhitespace, parse_document};
use toml_parser::{ErrorSink, ParseError, Raw, Source, Span};

use super::syntax_errors::{MAX_ERRORS, SyntaxErrorSink};
use super::tree::{TableOrigin, TomlKey, TomlTree};
use super::{ByteRange, TomlDocument, TomlNode, TomlTableId, TomlValue, limits};
use crate::diagnostic::{Diagnostic, FilePlace};

/// The depth of the parser's own guard; [`limits`] refuses files of a smaller depth already.
const MAX_PARSER_DEPTH: u32 = 64;

/// A parsed source, and its errors.
pub(crate) struct ParsedToml {
    /// The part of the source that could be understood.
    pub(crate) document: TomlDocument,
    /// The errors about duplicate keys: the second value is left out, and the rest is complete.
    pub(crate) duplicate_keys: Vec<Diagnostic>,
    /// The syntax errors: the text near them may have been misread.
    pub(crate) syntax_errors: Vec<Diagnostic>,
    /// The error about a limit that the file exceeds; nothing of the file was read then.
    pub(crate) limit_error: Option<Diagnostic>,
}

/// Parses a source.
pub(crate) fn parse(source: &str, file: u32) -> ParsedToml {
    let mut builder = TreeBuilder::new(source, file);
    let toml = Source::new(source);
    let mut syntax = Vec::new();
    let mut limit = None;
    match limits::tokenize(toml) {
        Ok(tokens) => {
            let mut from = Some(0);
            while let Some(start) = from.filter(|_| syntax.len() < MAX_ERRORS) {
                let first = tokens.partition_point(|token| token.span().start() < start);
                let mut sink = SyntaxErrorSink::new();
                builder.reset();
                let mut whitespace = ValidateWhitespace::new(&mut builder, toml);
                let mut guard = RecursionGuard::new(&mut whitespace, MAX_PARSER_DEPTH);
                parse_document(&tokens[first..], &mut guard, &mut sink);
                let mut round = sink.finish(source, file);
                syntax.append(&mut round.diagnostics);
                from = round.resume_at.filter(|resume| *resume > start);
            }
        }
        Err((at, words)) => {
            let place = FilePlace { file, start: at.start, end: at.end };
            let help = "to repeat the same thing use `count`, or `every` with `times` or `for`";
            limit = Some(Diagnostic::error(place, words).with_help(help));
        }
    }
    let TomlTree { tables, diagnostics: doubled, .. } = builder.tree;
    let document = TomlDocument::new(tables.into_iter().map(|table| table.items).collect());
    ParsedToml { document, duplicate_keys: doubled, syntax_errors: syntax, limit_error: limit }
}

/// A construct that is open around the next event.
enum ParseFrame {
    /// `path.last =`, whose value has not come yet.
    Key { path: Vec<TomlKey>, last: TomlKey },
    /// `[`
    Array { items: Vec<TomlNode>, start: usize },
    /// `{`
    Braces { table: TomlTableId, start: usize },
}

/// The receiver of the events: the tree, and the constructs that are open.
struct TreeBuilder<'s> {
    tree: TomlTree<'s>,
    frames: Vec<ParseFrame>,
    /// The parts of the key that is being read, without the last one.
    path: Vec<TomlKey>,
    last_key: Option<TomlKey>,
    /// The start of the header that is open, and whether it is the header of an array.
    header: Option<(usize, bool)>,
}

impl<'s> TreeBuilder<'s> {
    fn new(source: &'s str, file: u32) -> TreeBuilder<'s> {
        let tree = TomlTree::new(source, file);
        TreeBuilder { tree, frames: Vec::new(), path: Vec::new(), last_key: None, header: None }
    }

    /// Adds a finished value to the construct around it.
    fn close_value(&mut self, node: TomlNode) {
        match self.frames.pop() {
            Some(ParseFrame::Key { path, last }) => self.insert(path, last, node),
            Some(ParseFrame::Array { mut items, start }) => {
                items.push(node);
                self.frames.push(ParseFrame::Array { items, start });
            }
            Some(frame) => self.frames.push(frame),
            None => {}
        }
    }

    fn insert(&mut self, path: Vec<TomlKey>, last: TomlKey, node: TomlNode) {
        match self.frames.last() {
            Some(ParseFrame::Braces { table, .. }) => self.tree.insert_path(Some(*table), path, last, node),
            Some(_) => {}
            None => self.tree.insert_path(None, path, last, node),
        }
    }

    /// Drops a key whose value has not come.
    fn drop_open_key(&mut self) {
        if matches!(self.frames.last(), Some(ParseFrame::Key { .. })) {
            self.frames.pop();
        }
    }

    fn reset(&mut self) {
        self.frames.clear();
        self.path.clear();
        self.last_key = None;
    }

    fn open_header(&mut self, span: Span, is_array: bool) {
        self.reset();
        self.header = Some((span.start(), is_array));
    }

    fn close_header(&mut self, span: Span) {
        let path = std::mem::take(&mut self.path);
        if let (Some((start, is_array)), Some(last)) = (self.header.take(), self.last_key.take()) {
            self.tree.open_header(path, last, ByteRange::new(start, span.end()), is_array);
        } else {
            self.tree.current = self.tree.new_table(TableOrigin::Header);
        }
    }

    fn decode_scalar(
        &mut self,
        span: Span,
        kind: Option<Encoding>,
        error: &mut dyn ErrorSink,
    ) -> Option<TomlValue> {
        let raw = self.tree.source.get(span.start()..span.end())?;
        let mut decoded = Cow::Borrowed("");
        let mut is_wrong = false;
        let mut watch = |fault: ParseError| {
            is_wrong = true;
            error.report_error(fault);
        };
        let kind = Raw::new_unchecked(raw, kind, span).decode_scalar(&mut decoded, &mut watch);
        if matches!(raw, "0x" | "0o" | "0b") {
            // The parser takes a prefix alone for a number without digits.
            let fault = ParseError::new("this number has no digits").with_unexpected(span);
            watch(fault);
        }
        if is_wrong {
            return None;
        }
        Some(match kind {
            ScalarKind::String => TomlValue::String(self.tree.to_toml_str(decoded)),
            ScalarKind::Boolean(value) => TomlValue::Boolean(value),
            ScalarKind::DateTime => TomlValue::Datetime,
            ScalarKind::Float => TomlValue::Float,
            ScalarKind::Integer(radix) => {
                TomlValue::Integer(i64::from_str_radix(&decoded, radix.value()).ok())
            }
        })
    }
}

impl EventReceiver for TreeBuilder<'_> {
    fn std_table_open(&mut self, span: Span, _: &mut dyn ErrorSink) {
        self.open_header(span, false);
    }

    fn std_table_close(&mut self, span: Span, _: &mut dyn ErrorSink) {
        self.close_header(span);
    }

    fn array_table_open(&mut self, span: Span, _: &mut dyn ErrorSink) {
        self.open_header(span, true);
    }

    fn array_table_close(&mut self, span: Span, _: &mut dyn ErrorSink) {
        self.close_header(span);
    }

    fn inline_table_open(&mut self, span: Span, _: &mut dyn ErrorSink) -> bool {
        let table = self.tree.new_table(TableOrigin::Braces);
        self.frames.push(ParseFrame::Braces { table, start: span.start() });
        true
    }

    fn inline_table_close(&mut self, span: Span, _: &mut dyn ErrorSink) {
        while let Some(frame) = self.frames.pop() {
            if let ParseFrame::Braces { table, start } = frame {
                if span.is_empty() {
                    // It was never closed, so its content was misread.
                    return self.drop_open_key();
                }
                return self.close_value(TomlNode {
                    at: ByteRange::new(start, span.end()),
                    value: TomlValue::Table(table),
                });
            }
        }
    }

    fn array_open(&mut self, span: Span, _: &mut dyn ErrorSink) -> bool {
        self.frames.push(ParseFrame::Array { items: Vec::new(), start: span.start() });
        true
    }

    fn array_close(&mut self, span: Span, _: &mut dyn ErrorSink) {
        while let Some(frame) = self.frames.pop() {
            if let ParseFrame::Array { items, start } = frame {
                if span.is_empty() {
                    // It was never closed, so its content was misread.
                    return self.drop_open_key();
                }
                return self.close_value(TomlNode {
                    at: ByteRange::new(start, span.end()),
                    value: TomlValue::Array(items),
                });
            }
        }
    }

    fn simple_key(&mut self, span: Span, kind: Option<Encoding>, error: &mut dyn ErrorSink) {
        if matches!(self.frames.last(), Some(ParseFrame::Key { .. })) {
            // The value of the key before it is missing, which the parser has reported.
            self.frames.pop();
        }
        let mut decoded = Cow::Borrowed("");
        let Some(raw) = self.tree.source.get(span.start()..span.end()) else { return };
        Raw::new_unchecked(raw, kind, span).decode_key(&mut decoded, error);
        let key =
            TomlKey { text: self.tree.to_toml_str(decoded), at: ByteRange::new(span.start(), span.end()) };
        if let Some(before) = self.last_key.replace(key) {
            self.path.push(before);
        }
    }

    fn key_val_sep(&mut self, _: Span, _: &mut dyn ErrorSink) {
        let path = std::mem::take(&mut self.path);
        if let Some(last) = self.last_key.take() {
            self.frames.push(ParseFrame::Key { path, last });
        }
    }

    fn scalar(&mut self, span: Span, kind: Option<Encoding>, error: &mut dyn ErrorSink) {
        match self.decode_scalar(span, kind, error) {
            Some(value) => {
                self.close_value(TomlNode { at: ByteRange::new(span.start(), span.end()), value });
            }
            // Its fault has been reported: nothing else is to be said of this value.
            None => self.drop_open_key(),
        }
    }

    fn newline(&mut self, _: Span, _: &mut dyn ErrorSink) {
        if self.frames.is_empty() {
            // This is a key without `=`, which the parser has reported.
            self.path.clear();
            self.last_key = None;
        }
    }
}
