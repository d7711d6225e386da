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
    headers: HeaderMap,
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
        let mut last = self.last.borrow_mut();
        let headers = self.watched(headers);
        let is_known = is_last_body && last.status == status && last.headers == headers;
        if !is_known || last.findings.is_none() {
            let content = if self.checker.needs_body() { body } else { &[] };
            let findings = self.attempt.judge(status, (content, sha256), &headers);
            *last = LastFindings { status, headers, findings: Some(findings) };
        }
        if let Some(findings) = &last.findings {
            *self.found.borrow_mut() = findings.clone();
        }
    }

    /// What was found in the answer.
    pub(super) fn into_findings(self) -> ResponseFindings {
        self.found.into_inner()
    }

    /// The headers that the check looks at.
    fn watched(&self, headers: &[httparse::Header<'_>]) -> HeaderMap {
        let mut watched = HeaderMap::new();
        let needs_type = self.checker.needs_body().then_some(&CONTENT_TYPE);
        for name in self.checker.watched_headers().chain(needs_type) {
            if watched.contains_key(name) {
                continue;
            }
            let same = headers.iter().filter(|header| is_named(header, name));
            for value in same.filter_map(|header| HeaderValue::from_bytes(header.value).ok()) {
                watched.append(name, value);
            }
        }
        watched
    }
}

fn is_named(header: &httparse::Header<'_>, name: &HeaderName) -> bool {
    header.name.len() == name.as_str().len() && header.name.eq_ignore_ascii_case(name.as_str())
}
