//! The limits of a file, which are checked on its tokens before a tree is built, so that the largest file
//! takes little memory and a deep one takes no stack.

use toml_parser::Source;
use toml_parser::lexer::{Token, TokenKind};

use super::ByteRange;

/// The largest number of tables: timeline entries, presets, braces.
pub(crate) const MAX_TABLES: usize = 250_000;
/// The largest number of values.
pub(crate) const MAX_VALUES: usize = 1_000_000;
/// The largest number of tokens: words, strings, signs, spaces, line breaks.
const MAX_TOKENS: usize = 9_000_000;
/// The deepest nesting of brackets and braces.
const MAX_DEPTH: usize = 32;
/// The largest number of parts of a dotted key.
const MAX_KEY_PARTS: usize = 32;

/// The tokens of a source. The error is a limit that the source exceeds, and where.
pub(super) fn tokenize(source: Source<'_>) -> Result<Vec<Token>, (ByteRange, String)> {
    let mut count = TokenCounts::default();
    let mut tokens = Vec::with_capacity((source.input().len() / 6).min(MAX_TOKENS));
    for token in source.lex() {
        if let Some(limit) = count.count(token.kind(), tokens.len()) {
            let span = token.span();
            return Err((ByteRange::new(span.start(), span.end()), limit));
        }
        tokens.push(token);
    }
    Ok(tokens)
}

/// The counts of the tokens so far.
#[derive(Default)]
struct TokenCounts {
    tables: usize,
    values: usize,
    depth: usize,
    dots: usize,
    line_start: bool,
}

impl TokenCounts {
    /// Counts the next token; gives the limit that it exceeds, if it does.
    fn count(&mut self, kind: TokenKind, index: usize) -> Option<String> {
        let at_line_start = index == 0 || self.line_start;
        self.line_start = false;
        match kind {
            TokenKind::LeftSquareBracket | TokenKind::LeftCurlyBracket => {
                self.dots = 0;
                self.depth += 1;
                let header = at_line_start && self.depth == 1;
                self.tables += usize::from(header || kind == TokenKind::LeftCurlyBracket);
            }
            TokenKind::RightSquareBracket | TokenKind::RightCurlyBracket => {
                self.depth = self.depth.saturating_sub(1);
            }
            TokenKind::Dot => self.dots += 1,
            TokenKind::Equals | TokenKind::Comma => {
                self.dots = 0;
                self.values += 1;
            }
            TokenKind::Newline => {
                self.dots = 0;
                self.line_start = true;
            }
            TokenKind::Whitespace => self.line_start = at_line_start,
            _ => {}
        }
        self.exceeded_limit(index)
    }

    fn exceeded_limit(&self, tokens: usize) -> Option<String> {
        if self.depth > MAX_DEPTH {
            return Some(format!("brackets are nested deeper than {MAX_DEPTH}"));
        }
        if self.dots >= MAX_KEY_PARTS {
            return Some(format!("this key has more than {MAX_KEY_PARTS} parts"));
        }
        if self.tables > MAX_TABLES {
            return Some(format!("this file has more than {MAX_TABLES} tables"));
        }
        if self.values > MAX_VALUES {
            return Some(format!("this file has more than {MAX_VALUES} values"));
        }
        (tokens > MAX_TOKENS).then(|| format!("this file has more than {MAX_TOKENS} words and signs"))
    }
}
