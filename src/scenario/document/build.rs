//! Builds the tree of a document from the parser's events, and keeps TOML's rules on what may be
//! defined where.
//!
//! A doubled key is told with both places; its second value is parsed and left out.

use std::borrow::Cow;
use std::collections::HashMap;

use toml_parser::decoder::{Encoding, ScalarKind};
use toml_parser::parser::{EventReceiver, RecursionGuard, ValidateWhitespace, parse_document};
use toml_parser::{ErrorSink, Expected, ParseError, Source, Span};

use super::{Document, Item, Node, Range, Str, TableId, Value, limits};
use crate::words::diagnostic::{Diagnostic, Place, quoted};

/// The most syntax errors of one file that are told.
const MOST_ERRORS: usize = 100;
/// The parser's own guard; [`limits`] refuses less deep files already.
const GUARD: u32 = 64;
/// From how many keys on a table is searched by hash.
const MANY_KEYS: usize = 16;

/// Reads a source. With errors the document holds what could be understood.
pub(crate) fn parse(source: &str, file: u32) -> (Document, Vec<Diagnostic>) {
    let mut builder = Builder::new(source, file);
    let toml = Source::new(source);
    let mut sink = Sink { file, found: Vec::new() };
    match limits::tokens(toml) {
        Ok(tokens) => {
            let mut whitespace = ValidateWhitespace::new(&mut builder, toml);
            let mut guard = RecursionGuard::new(&mut whitespace, GUARD);
            parse_document(&tokens, &mut guard, &mut sink);
        }
        Err((at, limit)) => {
            let place = Place { file, start: at.start, end: at.end };
            sink.found.push(
                Diagnostic::error(place, limit)
                    .help("to say the same thing often use `count`, or `every` with `times` or `for`"),
            );
        }
    }
    let mut found = sink.found;
    found.append(&mut builder.found);
    (Document { tables: builder.tables.into_iter().map(|table| table.items).collect() }, found)
}

/// Takes the parser's errors, and no more of them than can be read.
struct Sink {
    file: u32,
    found: Vec<Diagnostic>,
}

impl ErrorSink for Sink {
    fn report_error(&mut self, error: ParseError) {
        if self.found.len() < MOST_ERRORS {
            self.found.push(told(&error, self.file));
        }
    }
}

/// A parser's error as ours.
fn told(error: &ParseError, file: u32) -> Diagnostic {
    let span = error.unexpected().or(error.context()).unwrap_or(Span::new_unchecked(0, 0));
    let Range { start, end } = Range::new(span.start(), span.end());
    let place = Place { file, start, end };
    if start == end && error.description() == "string values must be quoted" {
        return Diagnostic::error(place, "here a value is missing");
    }
    let mut fault = Diagnostic::error(place, error.description().to_owned());
    if let Some(expected) = error.expected().filter(|expected| !expected.is_empty()) {
        fault = fault.label(format!("expected {}", expectations(expected)));
    }
    match error.context().map(|context| Range::new(context.start(), context.end())) {
        Some(context) if error.description() == "duplicate key" || context.end + 200 < start => {
            fault.related(Place { file, start: context.start, end: context.end }, "it begins here")
        }
        _ => fault,
    }
}

fn expectations(expected: &[Expected]) -> String {
    let names: Vec<String> = expected
        .iter()
        .map(|one| match one {
            Expected::Literal("\n") => "a newline".to_owned(),
            Expected::Literal(sign) => quoted(sign),
            Expected::Description(words) => (*words).to_owned(),
            _ => "something else".to_owned(),
        })
        .collect();
    names.join(" or ")
}

/// How a table came to be, which decides what may be added to it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// By its own header, or it is the root.
    Header,
    /// By the header of a table inside it.
    Implied,
    /// By a dotted key.
    Dotted,
    /// By braces.
    Braces,
    /// By a dotted key inside braces.
    DottedInBraces,
}

struct Table {
    items: Vec<Item>,
    by_key: HashMap<Box<str>, usize>,
    origin: Origin,
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

struct Key {
    text: Str,
    at: Range,
}

struct Builder<'s> {
    source: &'s str,
    file: u32,
    tables: Vec<Table>,
    /// Arrays that `[[…]]` headers made, by the place of their first header: others cannot be extended.
    header_arrays: std::collections::HashSet<Range>,
    current: TableId,
    frames: Vec<Frame>,
    path: Vec<Key>,
    last: Option<Key>,
    header: Option<(usize, bool)>,
    found: Vec<Diagnostic>,
}

impl std::hash::Hash for Range {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        (self.start, self.end).hash(state);
    }
}

impl<'s> Builder<'s> {
    fn new(source: &'s str, file: u32) -> Builder<'s> {
        let root = Table { items: Vec::new(), by_key: HashMap::new(), origin: Origin::Header };
        Builder {
            source,
            file,
            tables: vec![root],
            header_arrays: std::collections::HashSet::new(),
            current: Document::ROOT,
            frames: Vec::new(),
            path: Vec::new(),
            last: None,
            header: None,
            found: Vec::new(),
        }
    }

    fn text(&self, decoded: Cow<'s, str>) -> Str {
        match decoded {
            Cow::Borrowed(text) => {
                // The parser lends a part of the source; an empty one may come from anywhere.
                let start = (text.as_ptr() as usize).wrapping_sub(self.source.as_ptr() as usize);
                if text.is_empty() || start > self.source.len() {
                    return Str { range: Range::default(), owned: (!text.is_empty()).then(|| text.into()) };
                }
                Str { range: Range::new(start, start + text.len()), owned: None }
            }
            Cow::Owned(text) => Str { range: Range::default(), owned: Some(text.into()) },
        }
    }

    fn new_table(&mut self, origin: Origin) -> TableId {
        self.tables.push(Table { items: Vec::new(), by_key: HashMap::new(), origin });
        TableId(u32::try_from(self.tables.len() - 1).unwrap_or(u32::MAX))
    }

    fn table(&mut self, id: TableId) -> &mut Table {
        &mut self.tables[id.0 as usize]
    }

    fn find(&self, table: TableId, key: &Str) -> Option<usize> {
        let table = &self.tables[table.0 as usize];
        let key = key.get(self.source);
        if table.items.len() < MANY_KEYS {
            return table.items.iter().position(|item| item.key.get(self.source) == key);
        }
        table.by_key.get(key).copied()
    }

    fn insert(&mut self, table: TableId, key: Key, node: Node) {
        let source = self.source;
        let table = self.table(table);
        if table.items.len() + 1 >= MANY_KEYS {
            if table.by_key.is_empty() {
                for (index, item) in table.items.iter().enumerate() {
                    table.by_key.insert(item.key.get(source).into(), index);
                }
            }
            table.by_key.insert(key.text.get(source).into(), table.items.len());
        }
        table.items.push(Item { key: key.text, key_at: key.at, node });
    }

    fn doubled(&mut self, key: &Key, table: TableId, index: usize) {
        if self.found.len() >= MOST_ERRORS {
            return;
        }
        let first = self.tables[table.0 as usize].items[index].key_at;
        let place = |at: Range| Place { file: self.file, start: at.start, end: at.end };
        let name = quoted(key.text.get(self.source));
        let fault = Diagnostic::error(place(key.at), format!("{name} is defined twice"))
            .label("the second time")
            .related(place(first), "the first time");
        self.found.push(fault);
    }

    fn cannot_extend(&mut self, key: &Key, table: TableId, index: usize, what: &str) {
        if self.found.len() >= MOST_ERRORS {
            return;
        }
        let first = self.tables[table.0 as usize].items[index].key_at;
        let place = |at: Range| Place { file: self.file, start: at.start, end: at.end };
        let name = quoted(key.text.get(self.source));
        let fault =
            Diagnostic::error(place(key.at), format!("{name} is {what}: nothing can be added to it here"))
                .related(place(first), "it is defined here");
        self.found.push(fault);
    }

    /// Goes down one key of a path, making the table if there is none; `None` after an error.
    fn descend(&mut self, table: TableId, key: Key, made: Origin) -> Option<TableId> {
        let Some(index) = self.find(table, &key.text) else {
            let new = self.new_table(made);
            let at = key.at;
            self.insert(table, key, Node { at, value: Value::Table(new) });
            return Some(new);
        };
        let node = &self.tables[table.0 as usize].items[index].node;
        let (inner, is_array) = match &node.value {
            Value::Table(id) => (*id, false),
            Value::Array(items) if self.header_arrays.contains(&node.at) && made == Origin::Implied => {
                match items.last().map(|item| &item.value) {
                    Some(Value::Table(id)) => (*id, true),
                    _ => return None,
                }
            }
            Value::Array(_) => {
                self.cannot_extend(&key, table, index, "an array");
                return None;
            }
            _ => {
                self.cannot_extend(&key, table, index, "no table");
                return None;
            }
        };
        let origin = self.tables[inner.0 as usize].origin;
        let allowed = is_array
            || match made {
                Origin::Implied => !matches!(origin, Origin::Braces | Origin::DottedInBraces),
                Origin::Dotted => matches!(origin, Origin::Dotted | Origin::Implied),
                _ => origin == Origin::DottedInBraces,
            };
        if !allowed {
            self.cannot_extend(&key, table, index, "complete");
            return None;
        }
        if made == Origin::Dotted {
            self.table(inner).origin = Origin::Dotted;
        }
        Some(inner)
    }

    /// Opens the table of a header.
    fn open(&mut self, path: Vec<Key>, last: Key, at: Range, is_array: bool) {
        let mut parent = Document::ROOT;
        for key in path {
            match self.descend(parent, key, Origin::Implied) {
                Some(table) => parent = table,
                None => return self.current = self.new_table(Origin::Header),
            }
        }
        match self.find(parent, &last.text) {
            None => {
                self.current = self.new_table(Origin::Header);
                let node = Node { at, value: Value::Table(self.current) };
                if !is_array {
                    return self.insert(parent, last, node);
                }
                self.header_arrays.insert(at);
                self.insert(parent, last, Node { at, value: Value::Array(vec![node]) });
            }
            Some(index) => self.reopen(parent, index, last, at, is_array),
        }
    }

    /// Opens the table of a header whose key is there already.
    fn reopen(&mut self, parent: TableId, index: usize, last: Key, at: Range, is_array: bool) {
        let implied = match &self.tables[parent.0 as usize].items[index].node.value {
            Value::Table(id) if !is_array && self.tables[id.0 as usize].origin == Origin::Implied => {
                Some(*id)
            }
            _ => None,
        };
        if let Some(id) = implied {
            self.table(id).origin = Origin::Header;
            self.current = id;
            let item = &mut self.table(parent).items[index];
            item.node.at = at;
            item.key_at = last.at;
            return;
        }
        let new = self.new_table(Origin::Header);
        self.current = new;
        let old = &mut self.tables[parent.0 as usize].items[index].node;
        match &mut old.value {
            Value::Array(items) if is_array && self.header_arrays.contains(&old.at) => {
                items.push(Node { at, value: Value::Table(new) });
            }
            _ => self.doubled(&last, parent, index),
        }
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
        let (mut table, made) = match self.frames.last() {
            Some(Frame::Braces { table, .. }) => (*table, Origin::DottedInBraces),
            Some(_) => return,
            None => (self.current, Origin::Dotted),
        };
        for key in path {
            match self.descend(table, key, made) {
                Some(inner) => table = inner,
                None => return,
            }
        }
        match self.find(table, &last.text) {
            Some(index) => self.doubled(&last, table, index),
            None => self.insert(table, last, node),
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
            self.open(path, last, Range::new(start, span.end()), is_array);
        } else {
            self.current = self.new_table(Origin::Header);
        }
    }

    fn scalar_value(
        &mut self,
        span: Span,
        kind: Option<Encoding>,
        error: &mut dyn ErrorSink,
    ) -> Option<Value> {
        let raw = self.source.get(span.start()..span.end())?;
        let mut decoded = Cow::Borrowed("");
        let kind = toml_parser::Raw::new_unchecked(raw, kind, span).decode_scalar(&mut decoded, error);
        Some(match kind {
            ScalarKind::String => Value::String(self.text(decoded)),
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
        let table = self.new_table(Origin::Braces);
        self.frames.push(Frame::Braces { table, start: span.start() });
        true
    }

    fn inline_table_close(&mut self, span: Span, _: &mut dyn ErrorSink) {
        while let Some(frame) = self.frames.pop() {
            if let Frame::Braces { table, start } = frame {
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
        let Some(raw) = self.source.get(span.start()..span.end()) else { return };
        toml_parser::Raw::new_unchecked(raw, kind, span).decode_key(&mut decoded, error);
        let key = Key { text: self.text(decoded), at: Range::new(span.start(), span.end()) };
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
