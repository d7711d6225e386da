//! Fuzzes the reading of scenario files: any bytes are held to the same properties as in the tests
//! (`tests/it/common/any_scenario.rs`).

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../tests/it/common/any_scenario.rs"]
mod any_scenario;

fuzz_target!(|bytes: &[u8]| any_scenario::check(bytes));
