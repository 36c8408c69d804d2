//! `vigo_fuzz::age` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| vigo_fuzz::age(data));
