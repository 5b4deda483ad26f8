//! libFuzzer's program for [`fuzz::seekable`].
#![no_main]
#![allow(unsafe_code, reason = "the macro exports a C function")]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuzz::seekable(input));
