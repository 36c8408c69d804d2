//! `vigo_fuzz::server` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| vigo_fuzz::server(data));
