//! `vigo_fuzz::backup` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| vigo_fuzz::backup(data));
