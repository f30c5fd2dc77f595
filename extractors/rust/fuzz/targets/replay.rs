//! Any bytes as lines of messages, through parser, windows, features and output of all three extractors: no panic, each
//! line is counted once, and every output is strict JSON. The first byte chooses the settings.

#![no_main]

use libfuzzer_sys::fuzz_target;
use seclyzer_extractors::core::Settings;
use seclyzer_extractors::operators::Extractor;
use seclyzer_extractors::output::Writer;
use seclyzer_extractors::replay;
use seclyzer_extractors::schema::{Kind, Schema};
use seclyzer_extractors::window::Windows;

const SHAPES: [(i64, i64, i64); 4] = [
    (1_000_000, 1_000_000, 250_000),
    (5_000_000, 30_000_000, 250_000),
    (3_000_000, 7_000_000, 0),
    (1_000, 40_000, 3_600_000_000),
];

fuzz_target!(|data: &[u8]| {
    let Some((&choice, lines)) = data.split_first() else {
        return;
    };
    let (interval, window, lateness) = SHAPES[usize::from(choice & 3)];
    let settings = Settings {
        windows: Windows { interval, window, lateness },
        idle_timeout: 2_000_000,
        min_events: 1 + usize::from(choice >> 4 & 1),
        buffer_events: if choice & 4 == 0 { 10_000 } else { 3 },
        dev_mode: choice & 8 != 0,
    };
    let (mut events, mut malformed) = (0, Vec::new());
    for kind in Kind::ALL {
        let counters = counted(kind, settings, lines);
        let count = |name: &str| counters[name].as_u64().unwrap();
        assert!(count("late") + count("dropped") <= count("events"));
        assert_eq!((count("future"), count("ancient")), (0, 0), "a replay knows no clock");
        events += count("events");
        malformed.push(count("malformed"));
    }
    assert!(malformed.iter().all(|count| *count == malformed[0]), "what is malformed is so for all");
    let not_empty = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count() as u64;
    assert!(events + malformed[0] <= not_empty);
});

/// The counters after these lines.
fn counted(kind: Kind, settings: Settings, mut lines: &[u8]) -> serde_json::Value {
    let mut core = Extractor::new(kind, settings);
    let writer = Writer::new(kind, Schema::of(kind));
    let mut out = Vec::new();
    replay::run(&mut core, &writer, &mut lines, &mut out).unwrap();
    for line in std::str::from_utf8(&out).unwrap().lines() {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(row.is_object());
    }
    serde_json::from_str(&core.counters().json()).unwrap()
}
