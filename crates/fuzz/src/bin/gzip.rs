//! libFuzzer's program for [`fuzz::gzip`].
#![no_main]
#![allow(unsafe_code, reason = "the macro exports a C function")]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuzz::gzip(input));
