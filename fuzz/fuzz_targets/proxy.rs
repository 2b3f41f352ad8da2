#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pushest_fuzz::proxy::check(data));
