#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| converter::transcode::fuzzing::xing(bytes));
