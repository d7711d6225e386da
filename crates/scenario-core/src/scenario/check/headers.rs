//! The headers of a fetch: those that the program writes itself are refused, so that what a scenario gives is
//! what is sent.

use crate::diagnostic::Diagnostic;
use crate::scenario::diagnostics::Diagnostics;
use crate::scenario::schema::collections::NamedEntry;

/// The headers of a connection, which HTTP/2 does not have (RFC 9113, section 8.2.2).
const CONNECTION_HEADERS: [&str; 4] = ["connection", "keep-alive", "proxy-connection", "upgrade"];

/// Reports headers that cannot be sent as they are given. `speaks_two`: the requests are of HTTP/2 only.
pub(super) fn report_unsendable<T>(headers: &[NamedEntry<T>], speaks_two: bool, found: &mut Diagnostics) {
    for (index, header) in headers.iter().enumerate() {
        let name = &header.name;
        let is = |other: &str| name.eq_ignore_ascii_case(other);
        let mut refuse = |message: String, help: &str| {
            found.add(Diagnostic::error(header.place, message).with_help(help));
        };
        if is("content-length") {
            refuse(
                format!("`{name}` cannot be given: the program sends the real length of the body"),
                "leave this header out",
            );
        } else if is("transfer-encoding") {
            refuse(
                format!("`{name}` cannot be given: the program sends the body in one piece, with its length"),
                "leave this header out",
            );
        } else if is("host") && headers[..index].iter().any(|other| other.name.eq_ignore_ascii_case(name)) {
            refuse("`Host` is given twice, and a request has one".to_owned(), "leave one of them out");
        } else if speaks_two && CONNECTION_HEADERS.iter().any(|other| is(other)) {
            refuse(
                format!("HTTP/2 has no header `{name}`"),
                "leave this header out, or speak HTTP/1.1: http2 = \"never\"",
            );
        }
    }
}
