//! Checks the answers that the fast path has read, where they lie in its buffer, and takes the cookies of a
//! player's answers. Reads nothing itself.
//!
//! Most answers of a load are the same as the one before. Of an answer whose body, status and watched headers
//! are those of the two before it, the findings are, too.

use std::cell::RefCell;

use hyper::HeaderMap;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue, SET_COOKIE};

use crate::io::http::attempt::FetchAttempt;
use crate::io::http::response::check::{ResponseChecker, ResponseFindings};

/// The last answer that was checked, and what was found.
#[derive(Debug, Default)]
pub(crate) struct LastFindings {
    status: u16,
    /// The watched headers, each as the number of its name, its length and its value.
    headers: Vec<u8>,
    /// Those of the answer that is looked at.
    current: Vec<u8>,
    findings: Option<ResponseFindings>,
}

/// Checks one answer of a load or of a player.
pub(crate) struct AnswerJudge<'a> {
    attempt: &'a FetchAttempt<'a>,
    checker: Option<&'a ResponseChecker>,
    last: &'a RefCell<LastFindings>,
    found: RefCell<JudgedAnswer>,
}

/// The findings in an answer.
#[derive(Debug, Default)]
pub(crate) struct JudgedAnswer {
    pub(crate) findings: ResponseFindings,
    /// The values of its `Set-Cookie`, if the request is one of a session.
    pub(crate) cookies: Vec<HeaderValue>,
}

impl<'a> AnswerJudge<'a> {
    /// The judge of a request; none if nothing of its answer is looked at.
    pub(crate) fn new(
        attempt: &'a FetchAttempt<'a>,
        last: &'a RefCell<LastFindings>,
    ) -> Option<AnswerJudge<'a>> {
        if attempt.checker.is_none() && attempt.session.is_none() {
            return None;
        }
        Some(AnswerJudge { attempt, checker: attempt.checker, last, found: RefCell::default() })
    }

    /// Checks a whole answer. `is_last_body`: the body is that of the last answer.
    pub(super) fn judge(
        &self,
        status: u16,
        headers: &[httparse::Header<'_>],
        (body, sha256): (&[u8], &[u8; 32]),
        is_last_body: bool,
    ) {
        let mut found = self.found.borrow_mut();
        if self.attempt.session.is_some() {
            let cookies = headers.iter().filter(|header| is_named(header, &SET_COOKIE));
            found.cookies.extend(cookies.filter_map(|cookie| HeaderValue::from_bytes(cookie.value).ok()));
        }
        let Some(checker) = self.checker else { return };
        let last = &mut *self.last.borrow_mut();
        last.current.clear();
        for (number, header) in watched(checker, headers) {
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
                let content = if checker.needs_body() { body } else { &[] };
                self.attempt.judge(status, (content, sha256), &header_map(checker, headers))
            }
        };
        if known.is_none() {
            last.status = status;
            std::mem::swap(&mut last.headers, &mut last.current);
            // A body that has come twice may come again; most bodies that have come once do not.
            last.findings = is_last_body.then(|| findings.clone());
        }
        found.findings = findings;
    }

    /// The findings in the answer.
    pub(crate) fn into_found(self) -> JudgedAnswer {
        self.found.into_inner()
    }
}

/// The headers that a check looks at, each with the number of its name.
fn watched<'h, 'b>(
    checker: &ResponseChecker,
    headers: &'h [httparse::Header<'b>],
) -> impl Iterator<Item = (u16, &'h httparse::Header<'b>)> {
    headers.iter().filter_map(|header| {
        let number = names(checker).position(|name| is_named(header, name))?;
        Some((u16::try_from(number).unwrap_or(u16::MAX), header))
    })
}

/// The names of the headers that a check looks at.
fn names(checker: &ResponseChecker) -> impl Iterator<Item = &HeaderName> {
    let needs_type = checker.needs_body().then_some(&CONTENT_TYPE);
    checker.watched_headers().chain(needs_type)
}

fn header_map(checker: &ResponseChecker, headers: &[httparse::Header<'_>]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (number, header) in watched(checker, headers) {
        let name = names(checker).nth(usize::from(number));
        if let Some((name, value)) = name.zip(HeaderValue::from_bytes(header.value).ok()) {
            map.append(name, value);
        }
    }
    map
}

fn is_named(header: &httparse::Header<'_>, name: &HeaderName) -> bool {
    header.name.len() == name.as_str().len() && header.name.eq_ignore_ascii_case(name.as_str())
}
