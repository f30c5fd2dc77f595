//! Any bytes as a message: no panic, and what is called valid keeps the contract's bounds.

#![no_main]

use libfuzzer_sys::fuzz_target;
use seclyzer_extractors::event::{Action, Event, MAX_BYTES, Parsed, parse, strip_line_ending};

const MAX_TS: i64 = 253_402_300_799_999_999;

fuzz_target!(|data: &[u8]| {
    let parsed = parse(data);
    if strip_line_ending(data).len() > MAX_BYTES {
        assert_eq!(parsed, Parsed::Malformed);
    }
    if !data.ends_with(b"\r") && !data.ends_with(b"\n") {
        let line = [data, b"\n"].concat();
        assert_eq!(parse(&line), parsed, "a line ending is no part of the message");
    }
    let Parsed::Valid(event) = parsed else {
        return;
    };
    assert!(std::str::from_utf8(data).is_ok());
    assert!((1..=MAX_TS).contains(&event.ts()));
    match event {
        Event::Keystroke(event) => assert!((1..=64).contains(&event.key.chars().count())),
        Event::App(event) => assert!((1..=256).contains(&event.app.chars().count())),
        Event::Mouse(event) => match event.action {
            Action::Move(x, y) => assert!(x.abs() <= 1e6 && y.abs() <= 1e6),
            Action::Scroll(Some(delta)) => assert!(delta.abs() <= 1e6),
            _ => {}
        },
    }
});
