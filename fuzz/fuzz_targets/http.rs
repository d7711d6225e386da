//! Fuzzes the reading of HTTP/1 answers: a load and a plain fetch must read the same, in whatever pieces the
//! bytes arrive.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| scenario::io::http::fuzzing::check_answer(bytes));
