//! Fuzzes the reading of logs: any bytes are held to the same properties as in the tests
//! (`tests/it/common/any_bytes.rs`).

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../tests/it/common/any_bytes.rs"]
mod any_bytes;

fuzz_target!(|bytes: &[u8]| any_bytes::check(bytes));
