//! Encoded bodies are decoded whatever their pieces; other bytes are an error.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use hyper::header::HeaderValue;

use super::*;

fn headers(encoding: &'static str) -> HeaderMap {
    HeaderMap::from_iter([(CONTENT_ENCODING, HeaderValue::from_static(encoding))])
}

fn decoder(encoding: &'static str) -> BodyDecoder {
    BodyDecoder::for_headers(&headers(encoding)).unwrap().unwrap()
}

/// Decodes bytes, `at_once` at a time. Also returns whether they are a complete body.
fn decoded(encoding: &'static str, bytes: &[u8], at_once: usize) -> Result<(Vec<u8>, bool), BodyDecodeError> {
    let mut decoder = decoder(encoding);
    let mut all = Vec::new();
    for mut chunk in bytes.chunks(at_once) {
        loop {
            let piece = decoder.next_chunk(&mut chunk)?;
            all.extend_from_slice(piece);
            if piece.is_empty() && chunk.is_empty() {
                break;
            }
        }
    }
    Ok((all, decoder.is_complete()))
}

/// A text in every encoding. (No crate here encodes `br`: that body was made with its own tool.)
fn encoded() -> Vec<(&'static str, Vec<u8>, Vec<u8>)> {
    let text: Vec<u8> =
        (0..30_000_u32).flat_map(|n| (n % 9_000).wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
    let mut bare = DeflateEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(&text).unwrap();
    zlib.write_all(&text).unwrap();
    bare.write_all(&text).unwrap();
    let mut zstd = Vec::with_capacity(zstd_safe::compress_bound(text.len()));
    zstd_safe::compress(&mut zstd, &text, 1).unwrap();
    vec![
        ("gzip", gzip.finish().unwrap(), text.clone()),
        ("X-GZip", [].to_vec(), [].to_vec()),
        ("deflate", zlib.finish().unwrap(), text.clone()),
        ("deflate", bare.finish().unwrap(), text.clone()),
        ("zstd", zstd, text),
        ("br", hex("8b058068656c6c6f0a776f726c640a03"), b"hello\nworld\n".to_vec()),
    ]
}

fn hex(digits: &str) -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
    (0..digits.len()).step_by(2).map(byte).collect()
}

#[test]
fn all_encodings_come_back_in_pieces_of_any_size() {
    for (encoding, bytes, text) in encoded() {
        for at_once in [1, 7, 1_000, usize::MAX] {
            let (all, whole) = decoded(encoding, &bytes, at_once).unwrap();
            assert!(all == text && whole, "{encoding} {at_once}");
        }
    }
}

#[test]
fn a_body_that_is_cut_anywhere_is_not_complete() {
    for (encoding, bytes, text) in encoded().into_iter().filter(|(_, bytes, _)| !bytes.is_empty()) {
        for cut in [1, 2, 5, bytes.len() / 2, bytes.len() - 1] {
            let (all, whole) = decoded(encoding, &bytes[..cut], usize::MAX).unwrap();
            assert!(text.starts_with(&all) && !whole, "{encoding} {cut}");
        }
    }
}

#[test]
fn several_members_follow_each_other_and_nothing_else_does() {
    for (encoding, bytes, text) in encoded().into_iter().filter(|(_, bytes, _)| !bytes.is_empty()) {
        let twice = decoded(encoding, &[&bytes[..], &bytes].concat(), 1_000);
        match encoding {
            "gzip" | "zstd" => assert_eq!(twice.unwrap(), ([&text[..], &text].concat(), true)),
            _ => assert!(twice.is_err(), "{encoding}"),
        }
        assert!(decoded(encoding, &[&bytes[..], b"xyzxyz"].concat(), 1_000).is_err(), "{encoding}");
    }
}

#[test]
fn other_bytes_are_an_error() {
    for encoding in ["gzip", "deflate", "br", "zstd"] {
        let error = decoded(encoding, b"\xff\xfe<html>hello</html>", usize::MAX).unwrap_err();
        assert!(!error.to_string().is_empty(), "{encoding}");
    }
}

#[test]
fn a_window_over_eight_mebibytes_is_refused() {
    // A frame of RFC 8878 with a window of 16 MiB, and one of 8 MiB, with an empty block each.
    let frame = |window: u8| [&[0x28, 0xb5, 0x2f, 0xfd, 0x00, window][..], &[0x01, 0x00, 0x00]].concat();
    assert_eq!(decoded("zstd", &frame((23 - 10) << 3), 99).unwrap(), (Vec::new(), true));
    assert!(decoded("zstd", &frame((24 - 10) << 3), 99).is_err());
}

#[test]
fn only_accepted_encodings_are_decoded_and_only_once() {
    for accepted in ["gzip", "deflate", "br", "zstd"] {
        assert_eq!(decoder(accepted).coding_name(), accepted);
    }
    assert!(BodyDecoder::for_headers(&HeaderMap::new()).unwrap().is_none());
    assert!(BodyDecoder::for_headers(&headers(" identity ,")).unwrap().is_none());
    for other in ["compress", "gzip, br", "aes128gcm"] {
        let message = BodyDecoder::for_headers(&headers(other)).unwrap_err().message;
        assert!(message.contains("not asked for"), "{message}");
    }
}
