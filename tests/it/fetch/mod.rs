//! HTTP requests against real sockets: servers with one behaviour each, on this machine and in the same
//! thread.

pub(crate) mod harness;

mod answers;
mod broken;
mod captures;
mod checks;
mod client_certs;
mod credentials;
mod crowds;
mod cut_streams;
mod decoded;
mod http2;
mod keys;
mod loads;
mod lost_files;
mod odd_heads;
mod players;
mod proxies;
mod redirects;
mod resent;
mod shortages;
mod sockets;
pub(crate) mod tls;
mod tls_ends;

use harness::{Server, fetch, job, local};

#[test]
fn a_plain_answer_is_reported_completely() {
    local(async {
        let server =
            Server::answering("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nSet-Cookie: a=b\r\n\r\nhello").await;
        let run = fetch(job(&server.url("/x?y"))).await;
        let (status, version, headers) = run.responded();
        assert_eq!((status, version), (200, "HTTP/1.1"));
        assert_eq!(headers, "content-length: 5\nset-cookie: [redacted]\n");
        let fetched = run.fetched();
        assert_eq!((fetched.status, fetched.bytes), (200, 5));
        assert_eq!(fetched.sha256[..4], [0x2c, 0xf2, 0x4d, 0xba], "the digest of \"hello\"");
        let timings = fetched.timings;
        assert!(timings.dns.is_none() && timings.tls.is_none());
        assert!(timings.connect.is_some() && timings.first_byte.is_some() && timings.body.is_some());
        assert!(fetched.took >= timings.first_byte.unwrap());
        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(
            server.requests(),
            [format!(
                "GET /x?y HTTP/1.1\r\nHost: {}\r\nAccept: */*\r\nUser-Agent: scenario/{version}\r\n\r\n",
                server.address()
            )]
        );
    });
}
