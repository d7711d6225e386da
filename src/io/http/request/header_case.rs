//! The names of headers as the scenario writes them, such as `SOAPAction`. HTTP does not tell capitals from
//! small letters, but some servers do. HTTP/2 has small letters only.

use std::cell::Cell;
use std::convert::Infallible;
use std::pin::pin;
use std::task::{Context, Waker};

use http_body_util::Empty;
use hyper::body::{Bytes, Incoming};
use hyper::http::Extensions;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;

use super::http1::title_case;

/// The record that hyper writes the names of headers by; empty if it would write these names so by itself.
///
/// The type of the record is private to hyper: the only way to get one is to let hyper read a request.
pub(super) fn name_record<'a>(names: impl Iterator<Item = &'a str> + Clone) -> Extensions {
    if names.clone().all(|name| title_case(&name.to_ascii_lowercase()) == name) {
        return Extensions::new();
    }
    let headers: String = names.map(|name| format!("{name}: x\r\n")).collect();
    let request = format!("GET / HTTP/1.1\r\n{headers}\r\n");
    let record = Cell::new(Extensions::new());
    let keep_record = service_fn(|request: Request<Incoming>| {
        record.set(request.into_parts().0.extensions);
        std::future::ready(Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new())))
    });
    let stream = TokioIo::new(tokio::io::join(request.as_bytes(), tokio::io::sink()));
    {
        let reading = http1::Builder::new()
            .preserve_header_case(true)
            .max_headers(MAX_HEADERS)
            .serve_connection(stream, keep_record);
        // All of it is there already, so one turn reads it.
        let _ = pin!(reading).poll(&mut Context::from_waker(Waker::noop()));
    }
    record.into_inner()
}

/// The most headers of one request.
const MAX_HEADERS: usize = 5000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_unusual_names_need_a_record() {
        assert!(name_record(["Accept", "X-Own"].into_iter()).is_empty());
        assert!(!name_record(["Accept", "SOAPAction"].into_iter()).is_empty());
        assert!(!name_record(["x-own"].into_iter()).is_empty());
    }
}
