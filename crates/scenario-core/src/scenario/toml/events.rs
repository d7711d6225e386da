//! Reads a source: takes what the parser tells, event by event, and hands whole keys, values and
//! headers to the tree.

use std::borrow::Cow;

use toml_parser::decoder::{Encoding, ScalarKind};
use toml_parser::parser::{EventReceiver, RecursionGuard, ValidateWhitespace, parse_document};
use toml_parser::{ErrorSink, Raw, Source, Span};

use super::syntax::{MOST_ERRORS, Sink};
use super::tree::{Key, Origin, Tree};
use super::{Document, Node, Range, TableId, Value, limits};
use crate::diagnostic::{Diagnostic, Place};

/// The parser's own guard; [`limits`] refuses less deep files already.
const GUARD: u32 = 64;

/// A parsed source, and what is wrong with it.
pub(crate) struct Outcome {
    /// What could be understood.
    pub(crate) document: Document,
    /// Keys that are there twice: the second value is left out, the rest is whole.
    pub(crate) doubled: Vec<Diagnostic>,
    /// Wrong syntax: what stands near may have been misunderstood.
    pub(crate) syntax: Vec<Diagnostic>,
    /// The limit that the file goes past, in which case nothing was read of it.
    pub(crate) limit: Option<Diagnostic>,
}

/// Reads a source.
pub(crate) fn parse(source: &str, file: u32) -> Outcome {
    let mut builder = Builder::new(source, file);
    let toml = Source::new(source);
    let mut syntax = Vec::new();
    let mut limit = None;
    match limits::tokens(toml) {
        Ok(tokens) => {
            let mut from = Some(0);
            while let Some(start) = from.filter(|_| syntax.len() < MOST_ERRORS) {
                let first = tokens.partition_point(|token| token.span().start() < start);
                let mut sink = Sink::new();
                builder.reset();
                let mut whitespace = ValidateWhitespace::new(&mut builder, toml);
                let mut guard = RecursionGuard::new(&mut whitespace, GUARD);
                parse_document(&tokens[first..], &mut guard, &mut sink);
                let mut round = sink.round(source, file);
                syntax.append(&mut round.faults);
                from = round.resume.filter(|resume| *resume > start);
            }
        }
        Err((at, words)) => {
            let place = Place { file, start: at.start, end: at.end };
            let help = "to say the same thing often use `count`, or `every` with `times` or `for`";
            limit = Some(Diagnostic::error(place, words).help(help));
        }
    }
    let Tree { tables, found: doubled, .. } = builder.tree;
    let document = Document { tables: tables.into_iter().map(|table| table.items).collect() };
    Outcome { document, doubled, syntax, limit }
}

/// What is open around the next event.
enum Frame {
    /// `path.last =`, which waits for its value.
    Key { path: Vec<Key>, last: Key },
    /// `[`
    Array { items: Vec<Node>, start: usize },
    /// `{`
    Braces { table: TableId, start: usize },
}

/// Takes the events: the tree, and what is open.
struct Builder<'s> {
    tree: Tree<'s>,
    frames: Vec<Frame>,
    /// The key that is being read: its parts but the last, and the last.
    path: Vec<Key>,
    last: Option<Key>,
    /// The start of the header that is open, and whether it is one of an array.
    header: Option<(usize, bool)>,
}

impl<'s> Builder<'s> {
    fn new(source: &'s str, file: u32) -> Builder<'s> {
        let tree = Tree::new(source, file);
        Builder { tree, frames: Vec::new(), path: Vec::new(), last: None, header: None }
    }

    /// Puts a finished value where it belongs.
    fn finish(&mut self, node: Node) {
        match self.frames.pop() {
            Some(Frame::Key { path, last }) => self.put(path, last, node),
            Some(Frame::Array { mut items, start }) => {
                items.push(node);
                self.frames.push(Frame::Array { items, start });
            }
            Some(frame) => self.frames.push(frame),
            None => {}
        }
    }

    fn put(&mut self, path: Vec<Key>, last: Key, node: Node) {
        match self.frames.last() {
            Some(Frame::Braces { table, .. }) => self.tree.put(Some(*table), path, last, node),
            Some(_) => {}
            None => self.tree.put(None, path, last, node),
        }
    }

    /// Leaves the key that waits for a value without one.
    fn abandon(&mut self) {
        if matches!(self.frames.last(), Some(Frame::Key { .. })) {
            self.frames.pop();
        }
    }

    fn reset(&mut self) {
        self.frames.clear();
        self.path.clear();
        self.last = None;
    }

    fn open_header(&mut self, span: Span, is_array: bool) {
        self.reset();
        self.header = Some((span.start(), is_array));
    }

    fn close_header(&mut self, span: Span) {
        let path = std::mem::take(&mut self.path);
        if let (Some((start, is_array)), Some(last)) = (self.header.take(), self.last.take()) {
            self.tree.open(path, last, Range::new(start, span.end()), is_array);
        } else {
            self.tree.current = self.tree.new_table(Origin::Header);
        }
    }

    fn scalar_value(
        &mut self,
        span: Span,
        kind: Option<Encoding>,
        error: &mut dyn ErrorSink,
    ) -> Option<Value> {
        let raw = self.tree.source.get(span.start()..span.end())?;
        let mut decoded = Cow::Borrowed("");
        let kind = Raw::new_unchecked(raw, kind, span).decode_scalar(&mut decoded, error);
        Some(match kind {
            ScalarKind::String => Value::String(self.tree.text(decoded)),
            ScalarKind::Boolean(value) => Value::Boolean(value),
            ScalarKind::DateTime => Value::Datetime,
            ScalarKind::Float => Value::Float,
            ScalarKind::Integer(radix) => Value::Integer(i64::from_str_radix(&decoded, radix.value()).ok()),
        })
    }
}

impl EventReceiver for Builder<'_> {
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
        let table = self.tree.new_table(Origin::Braces);
        self.frames.push(Frame::Braces { table, start: span.start() });
        true
    }

    fn inline_table_close(&mut self, span: Span, _: &mut dyn ErrorSink) {
        while let Some(frame) = self.frames.pop() {
            if let Frame::Braces { table, start } = frame {
                if span.is_empty() {
                    // Never closed: what is in it was misread.
                    return self.abandon();
                }
                return self.finish(Node { at: Range::new(start, span.end()), value: Value::Table(table) });
            }
        }
    }

    fn array_open(&mut self, span: Span, _: &mut dyn ErrorSink) -> bool {
        self.frames.push(Frame::Array { items: Vec::new(), start: span.start() });
        true
    }

    fn array_close(&mut self, span: Span, _: &mut dyn ErrorSink) {
        while let Some(frame) = self.frames.pop() {
            if let Frame::Array { items, start } = frame {
                if span.is_empty() {
                    // Never closed: what is in it was misread.
                    return self.abandon();
                }
                return self.finish(Node { at: Range::new(start, span.end()), value: Value::Array(items) });
            }
        }
    }

    fn simple_key(&mut self, span: Span, kind: Option<Encoding>, error: &mut dyn ErrorSink) {
        if matches!(self.frames.last(), Some(Frame::Key { .. })) {
            // The value before it never came; the parser has said so.
            self.frames.pop();
        }
        let mut decoded = Cow::Borrowed("");
        let Some(raw) = self.tree.source.get(span.start()..span.end()) else { return };
        Raw::new_unchecked(raw, kind, span).decode_key(&mut decoded, error);
        let key = Key { text: self.tree.text(decoded), at: Range::new(span.start(), span.end()) };
        if let Some(before) = self.last.replace(key) {
            self.path.push(before);
        }
    }

    fn key_val_sep(&mut self, _: Span, _: &mut dyn ErrorSink) {
        let path = std::mem::take(&mut self.path);
        if let Some(last) = self.last.take() {
            self.frames.push(Frame::Key { path, last });
        }
    }

    fn scalar(&mut self, span: Span, kind: Option<Encoding>, error: &mut dyn ErrorSink) {
        if let Some(value) = self.scalar_value(span, kind, error) {
            self.finish(Node { at: Range::new(span.start(), span.end()), value });
        }
    }

    fn newline(&mut self, _: Span, _: &mut dyn ErrorSink) {
        if self.frames.is_empty() {
            // A key without a sign behind it, which the parser has told.
            self.path.clear();
            self.last = None;
        }
    }
}
