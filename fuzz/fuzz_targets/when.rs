//! `vigo_fuzz::when` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| vigo_fuzz::when(data));
