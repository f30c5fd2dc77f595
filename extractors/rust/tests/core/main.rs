//! The pure core against the contract: messages in, records out. No Redis, no clock.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests say what is wrong by panicking"
)]

mod apps;
mod golden;
mod keystroke;
mod layout;
mod mouse;
mod parse;
mod sessions;
mod stalls;
mod windows;

use seclyzer_extractors::core::{Moment, Outcome, Settings};
use seclyzer_extractors::counters::Counters;
use seclyzer_extractors::operators::Extractor;
use seclyzer_extractors::output::{Record, Value};
use seclyzer_extractors::schema::{Kind, Schema};
use seclyzer_extractors::window::Windows;

/// One second, in µs.
const S: i64 = 1_000_000;
/// A multiple of every interval used here; tests begin 1 µs after it.
const START: i64 = 1_700_000_000 * S;

fn defaults(kind: Kind) -> Settings {
    Settings {
        windows: Windows { interval: 5 * S, window: 30 * S, lateness: 250_000 },
        idle_timeout: 2 * S,
        min_events: kind.default_min_events(),
        buffer_events: kind.default_buffer_events(),
        dev_mode: false,
    }
}

/// A core, and what it has put out so far.
struct Run {
    core: Extractor,
    records: Vec<Record>,
    kind: Kind,
}

impl Run {
    fn new(kind: Kind) -> Run {
        Run::with(kind, defaults(kind))
    }

    fn with(kind: Kind, settings: Settings) -> Run {
        Run { core: Extractor::new(kind, settings), records: Vec::new(), kind }
    }

    /// Reads one message outside of time.
    fn read(&mut self, message: &str) -> Outcome {
        self.core.message(message.as_bytes(), Moment::default(), &mut self.records)
    }

    fn key(&mut self, ts: i64, key: &str, event: &str) -> Outcome {
        self.read(&format!(r#"{{"type":"keystroke","ts":{ts},"key":"{key}","event":"{event}"}}"#))
    }

    fn focus(&mut self, ts: i64, app: &str) -> Outcome {
        self.read(&format!(r#"{{"type":"app","ts":{ts},"app_name":"{app}"}}"#))
    }

    fn finish(&mut self) {
        self.core.finish(&mut self.records);
    }

    /// Real time goes on to there.
    fn tick(&mut self, real: i64) {
        self.core.tick(real, &mut self.records);
    }

    /// Reads a message when a host's clock shows `wall`.
    fn read_by_clock(&mut self, message: &str, wall: i64) -> Outcome {
        let at = Moment { wall: Some(wall), real: None };
        self.core.message(message.as_bytes(), at, &mut self.records)
    }

    fn counters(&self) -> &Counters {
        self.core.counters()
    }

    /// The ends of the windows emitted so far, in s from the start.
    fn ends(&self) -> Vec<i64> {
        self.records.iter().map(|record| (record.ts - START) / S).collect()
    }

    /// A feature of a record, as a number.
    fn feature(&self, record: usize, name: &str) -> f64 {
        match self.value(record, name) {
            Value::Number(number) => number,
            Value::Count(count) => count as f64,
            Value::Bool(flag) => f64::from(u8::from(flag)),
            Value::Text(text) => panic!("{name} is {text}"),
        }
    }

    fn value(&self, record: usize, name: &str) -> Value {
        let schema = Schema::of(self.kind);
        assert_eq!(schema.features.len(), self.records[record].values.len());
        let index = schema.features.iter().position(|feature| feature.name == name).unwrap();
        self.records[record].values[index].clone()
    }
}

/// Holds features of the first record against expected values.
fn assert_features(run: &Run, expected: &[(&str, f64)], tolerance: f64) {
    for (name, value) in expected {
        let found = run.feature(0, name);
        assert!((found - value).abs() <= tolerance * value.abs(), "{name} is {found}, not {value}");
    }
}
