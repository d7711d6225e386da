//! The error codes of HTTP/2 (RFC 9113, section 7) in words.

use h2::Reason;

/// The message for a stream or a connection that the server ended.
pub(super) fn remote_message(error: &h2::Error, reason: Reason, when: &str) -> String {
    if reason == Reason::REFUSED_STREAM {
        return "the server refused the HTTP/2 stream: it did not process the request".to_owned();
    }
    if error.is_go_away() && reason == Reason::NO_ERROR {
        return "the server closed the HTTP/2 connection before it processed the request".to_owned();
    }
    let ended = if error.is_go_away() { "closed the HTTP/2 connection" } else { "gave up the HTTP/2 stream" };
    format!("the server {ended} {when}: {} ({})", reason_words(reason), reason_name(reason))
}

/// The name of an error code as the RFC writes it.
pub(super) fn reason_name(reason: Reason) -> String {
    let name = match reason {
        Reason::NO_ERROR => "NO_ERROR",
        Reason::PROTOCOL_ERROR => "PROTOCOL_ERROR",
        Reason::INTERNAL_ERROR => "INTERNAL_ERROR",
        Reason::FLOW_CONTROL_ERROR => "FLOW_CONTROL_ERROR",
        Reason::SETTINGS_TIMEOUT => "SETTINGS_TIMEOUT",
        Reason::STREAM_CLOSED => "STREAM_CLOSED",
        Reason::FRAME_SIZE_ERROR => "FRAME_SIZE_ERROR",
        Reason::REFUSED_STREAM => "REFUSED_STREAM",
        Reason::CANCEL => "CANCEL",
        Reason::COMPRESSION_ERROR => "COMPRESSION_ERROR",
        Reason::CONNECT_ERROR => "CONNECT_ERROR",
        Reason::ENHANCE_YOUR_CALM => "ENHANCE_YOUR_CALM",
        Reason::INADEQUATE_SECURITY => "INADEQUATE_SECURITY",
        Reason::HTTP_1_1_REQUIRED => "HTTP_1_1_REQUIRED",
        other => return format!("error code {}", u32::from(other)),
    };
    name.to_owned()
}

fn reason_words(reason: Reason) -> &'static str {
    match reason {
        Reason::NO_ERROR => "it gave no error",
        Reason::INTERNAL_ERROR => "it had an internal error",
        Reason::CANCEL => "it no longer needs the stream",
        Reason::CONNECT_ERROR => "its own connection broke",
        Reason::ENHANCE_YOUR_CALM => "it wants fewer requests",
        Reason::INADEQUATE_SECURITY => "it demands a better encryption",
        Reason::HTTP_1_1_REQUIRED => "it demands HTTP/1.1, which `http2 = \"never\"` speaks",
        Reason::PROTOCOL_ERROR
        | Reason::FLOW_CONTROL_ERROR
        | Reason::SETTINGS_TIMEOUT
        | Reason::STREAM_CLOSED
        | Reason::FRAME_SIZE_ERROR
        | Reason::COMPRESSION_ERROR => "it says that the request breaks the rules of HTTP/2",
        _ => "it gave an error that HTTP/2 does not define",
    }
}
