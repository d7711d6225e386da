//! Any bytes as a log: what the tests hold generated ones to (`tests/common/any_bytes.rs`).

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../tests/it/common/any_bytes.rs"]
mod any_bytes;

fuzz_target!(|bytes: &[u8]| any_bytes::check(bytes));
