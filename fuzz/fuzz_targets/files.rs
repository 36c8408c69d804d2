//! `vigo_fuzz::files` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| vigo_fuzz::files(data));
