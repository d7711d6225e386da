//! Checks the answers that the fast path has read, where they lie in its buffer. Reads nothing itself.
//!
//! Most answers of a load are the same as the one before. Of an answer whose body, status and watched headers
//! are those of the last one, the findings are, too.

use std::cell::RefCell;

use hyper::HeaderMap;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};

use crate::io::http::attempt::FetchAttempt;
use crate::io::http::response::check::{ResponseChecker, ResponseFindings};

/// The last answer that was checked, and what was found.
#[derive(Debug, Default)]
pub(super) struct LastFindings {
    status: u16,
    /// The watched headers, each as the number of its name, its length and its value.
    headers: Vec<u8>,
    /// Those of the answer that is looked at.
    current: Vec<u8>,
    findings: Option<ResponseFindings>,
}

/// Checks one answer of a load.
pub(super) struct AnswerJudge<'a> {
    attempt: &'a FetchAttempt<'a>,
    checker: &'a ResponseChecker,
    last: &'a RefCell<LastFindings>,
    found: RefCell<ResponseFindings>,
}

impl<'a> AnswerJudge<'a> {
    /// The judge of a request; none if nothing is to be checked or captured.
    pub(super) fn new(
        attempt: &'a FetchAttempt<'a>,
        last: &'a RefCell<LastFindings>,
    ) -> Option<AnswerJudge<'a>> {
        let checker = attempt.checker?;
        Some(AnswerJudge { attempt, checker, last, found: RefCell::default() })
    }

    /// Checks a whole answer. `is_last_body`: the body is that of the last answer.
    pub(super) fn judge(
        &self,
        status: u16,
        headers: &[httparse::Header<'_>],
        (body, sha256): (&[u8], &[u8; 32]),
        is_last_body: bool,
    ) {
        let last = &mut *self.last.borrow_mut();
        last.current.clear();
        for (number, header) in self.watched(headers) {
            last.current.extend_from_slice(&number.to_le_bytes());
            last.current.extend_from_slice(&header.value.len().to_le_bytes());
            last.current.extend_from_slice(header.value);
        }
        let known = last
            .findings
            .as_ref()
            .filter(|_| is_last_body && last.status == status && last.headers == last.current);
        let findings = match known {
            Some(findings) => findings.clone(),
            None => {
                let content = if self.checker.needs_body() { body } else { &[] };
                self.attempt.judge(status, (content, sha256), &self.header_map(headers))
            }
        };
        if known.is_none() {
            last.status = status;
            std::mem::swap(&mut last.headers, &mut last.current);
            last.findings = Some(findings.clone());
        }
        *self.found.borrow_mut() = findings;
    }

    /// What was found in the answer.
    pub(super) fn into_findings(self) -> ResponseFindings {
        self.found.into_inner()
    }

    /// The headers that the check looks at, each with the number of its name.
    fn watched<'h, 'b>(
        &self,
        headers: &'h [httparse::Header<'b>],
    ) -> impl Iterator<Item = (u16, &'h httparse::Header<'b>)> {
        headers.iter().filter_map(|header| {
            let number = self.names().position(|name| is_named(header, name))?;
            Some((u16::try_from(number).unwrap_or(u16::MAX), header))
        })
    }

    /// The names of the headers that the check looks at.
    fn names(&self) -> impl Iterator<Item = &HeaderName> {
        let needs_type = self.checker.needs_body().then_some(&CONTENT_TYPE);
        self.checker.watched_headers().chain(needs_type)
    }

    fn header_map(&self, headers: &[httparse::Header<'_>]) -> HeaderMap {
        let mut watched = HeaderMap::new();
        for (number, header) in self.watched(headers) {
            let name = self.names().nth(usize::from(number));
            if let Some((name, value)) = name.zip(HeaderValue::from_bytes(header.value).ok()) {
                watched.append(name, value);
            }
        }
        watched
    }
}

fn is_named(header: &httparse::Header<'_>, name: &HeaderName) -> bool {
    header.name.len() == name.as_str().len() && header.name.eq_ignore_ascii_case(name.as_str())
}
