//! Any bytes as answers of Redis: no panic, a frame lies within its bytes, and the same bytes in pieces are the same
//! frames: what is cut short is incomplete or nonsense, never another frame.

#![no_main]

use libfuzzer_sys::fuzz_target;
use seclyzer_extractors::resp::parse;

fuzz_target!(|data: &[u8]| {
    let mut rest = data;
    while let Ok(Some((frame, length))) = parse(rest) {
        assert!((1..=rest.len()).contains(&length));
        assert_eq!(parse(&rest[..length]), Ok(Some((frame, length))));
        for cut in [0, 1, length / 2, length - 1] {
            assert!(!matches!(parse(&rest[..cut]), Ok(Some(_))), "a frame out of {cut} of {length} bytes");
        }
        rest = &rest[length..];
    }
});
