//! Which windows are closed, which of them are emitted, and when.

use seclyzer_extractors::core::{Moment, Outcome};
use seclyzer_extractors::operators::Extractor;
use seclyzer_extractors::schema::Kind;

use crate::{Run, S, START, defaults};

/// A run that emits windows of `min_events` or more.
fn run(min_events: usize) -> Run {
    Run::with(
        Kind::Keystroke,
        seclyzer_extractors::core::Settings { min_events, ..defaults(Kind::Keystroke) },
    )
}

#[test]
fn a_window_holds_its_end_and_not_its_start() {
    let mut run = run(1);
    run.key(START, "a", "press");
    run.key(START + 30 * S, "b", "press");
    run.finish();
    assert_eq!(run.ends(), [0, 30]);
    assert_eq!(run.feature(1, "total_keys"), 1.0);
}

#[test]
fn a_window_is_emitted_only_when_its_last_interval_holds_an_event() {
    let mut run = run(1);
    run.key(START + 1, "a", "press");
    run.key(START + 40 * S, "b", "press");
    run.finish();
    assert_eq!(run.ends(), [5, 40]);
    assert_eq!(run.counters().windows_short, 0);
}

#[test]
fn a_window_with_too_few_events_is_counted_as_short() {
    let mut run = run(3);
    run.key(START + 1, "a", "press");
    run.key(START + 2, "a", "release");
    run.finish();
    assert!(run.ends().is_empty());
    assert_eq!(run.counters().windows_short, 6);
}

#[test]
fn every_event_counts_towards_the_minimum_repeats_too() {
    let mut run = run(10);
    for i in 0..10 {
        run.key(START + 1 + i * 30_000, "a", "press");
    }
    run.finish();
    assert_eq!(run.ends(), [5]);
    assert_eq!(run.feature(0, "total_keys"), 1.0);
}

#[test]
fn a_window_is_closed_as_soon_as_stream_time_is_past_its_lateness() {
    let mut run = run(1);
    run.key(START + 5 * S, "a", "press");
    run.key(START + 5 * S + 250_000, "b", "press");
    assert!(run.ends().is_empty());
    run.key(START + 5 * S + 250_001, "c", "press");
    assert_eq!(run.ends(), [5]);
    assert_eq!(run.feature(0, "total_keys"), 1.0);
}

#[test]
fn a_late_event_is_used_for_the_windows_that_are_still_open() {
    let mut run = run(1);
    run.key(START + 10 * S, "a", "press");
    // The windows that end at 5 s and before are closed; those that end later hold it.
    assert_eq!(run.key(START + 3 * S, "b", "press"), Outcome::Taken);
    run.finish();
    assert_eq!(run.ends(), [10]);
    assert_eq!(run.feature(0, "total_keys"), 2.0);
}

#[test]
fn an_event_that_fits_closed_windows_only_is_late() {
    let mut run = run(1);
    run.key(START + 60 * S, "a", "press");
    // Closed are the windows up to the end at 55 s, the last that holds an event of second 30.
    assert_eq!(run.key(START + 30 * S, "b", "press"), Outcome::Late);
    assert_eq!(run.key(START + 30 * S + 1, "b", "press"), Outcome::Taken);
    assert_eq!((run.counters().late, run.counters().events), (1, 3));
    assert_eq!(run.counters().last_event_ts, START + 30 * S + 1);
}

#[test]
fn events_are_ordered_by_time_then_arrival() {
    let mut run = run(1);
    run.key(START + 200_000, "a", "release");
    run.key(START + 100_000, "a", "press");
    run.key(START + 200_000, "b", "press");
    run.finish();
    assert_eq!(run.feature(0, "dwell_mean"), 100.0);
    // The release of `a` came first, so the press at the same time is no flight.
    assert_eq!(run.feature(0, "flight_count"), 0.0);
}

#[test]
fn a_jump_over_empty_windows_passes_over_them() {
    let mut run = run(1);
    run.key(1, "a", "press");
    run.key(253_402_300_799_999_999, "b", "press");
    run.finish();
    assert_eq!(
        run.records.iter().map(|record| record.ts).collect::<Vec<_>>(),
        [5 * S, 253_402_300_800_000_000]
    );
}

#[test]
fn a_full_buffer_drops_the_smallest_be_it_the_new_one() {
    let settings =
        seclyzer_extractors::core::Settings { min_events: 1, buffer_events: 3, ..defaults(Kind::Keystroke) };
    let mut run = Run::with(Kind::Keystroke, settings);
    for offset in [1, 2, 3, 4, 0] {
        run.key(START + 10 + offset, &format!("k{offset}"), "press");
    }
    run.finish();
    assert_eq!((run.counters().dropped, run.counters().events), (2, 5));
    assert_eq!(run.feature(0, "total_keys"), 3.0);
}

#[test]
fn intervals_need_not_divide_windows() {
    let mut settings = defaults(Kind::Keystroke);
    settings.min_events = 1;
    settings.windows = seclyzer_extractors::window::Windows { interval: 7 * S, window: 10 * S, lateness: 0 };
    let mut run = Run::with(Kind::Keystroke, settings);
    let start = START.div_euclid(7 * S) * 7 * S;
    run.key(start + 4 * S, "a", "press");
    run.key(start + 4 * S + 1, "b", "press");
    run.key(start + 8 * S, "c", "press");
    run.finish();
    let seen: Vec<(i64, f64)> = (0..run.records.len())
        .map(|i| ((run.records[i].ts - start) / S, run.feature(i, "total_keys")))
        .collect();
    assert_eq!(seen, [(7, 2.0), (14, 2.0)]);
}

#[test]
fn dev_mode_is_that_of_any_event_of_the_window() {
    let mut run = run(1);
    run.key(START + 1, "a", "press");
    let ts = START + 6 * S;
    run.read(&format!(r#"{{"type":"keystroke","ts":{ts},"key":"b","event":"press","dev_mode":true}}"#));
    run.finish();
    assert_eq!((run.feature(0, "dev_mode"), run.feature(1, "dev_mode")), (0.0, 1.0));
}

#[test]
fn events_of_others_pass_uncounted_and_malformed_ones_count_for_everybody() {
    let mut run = run(1);
    assert_eq!(run.focus(START, "a"), Outcome::Passed);
    assert_eq!(run.read(r#"{"type":"x"}"#), Outcome::Passed);
    assert_eq!(run.read(r#"{"type":"mouse","event":"move"}"#), Outcome::Malformed);
    assert_eq!((run.counters().events, run.counters().malformed), (0, 1));
}

#[test]
fn an_event_from_the_future_is_not_believed() {
    let mut run = run(1);
    let mut read = |ts: i64| {
        let message = format!(r#"{{"type":"keystroke","ts":{ts},"key":"a","event":"press"}}"#);
        let at = Moment { wall: Some(START), real: None };
        run.core.message(message.as_bytes(), at, &mut run.records)
    };
    assert_eq!(read(START + 5 * S), Outcome::Taken);
    assert_eq!(read(START + 5 * S + 1), Outcome::Future);
    assert_eq!((run.counters().future, run.counters().events), (1, 1));
}

#[test]
fn an_event_of_more_than_400_days_ago_is_not_believed_by_a_host_s_clock() {
    let wall = START + 400 * 86_400 * S;
    for kind in Kind::ALL {
        let message = |ts: i64| match kind {
            Kind::Keystroke => format!(r#"{{"type":"keystroke","ts":{ts},"key":"a","event":"press"}}"#),
            Kind::Mouse => format!(r#"{{"type":"mouse","ts":{ts},"event":"scroll"}}"#),
            Kind::App => format!(r#"{{"type":"app","ts":{ts},"app_name":"a"}}"#),
        };
        let mut run = Run::new(kind);
        assert_eq!(run.read_by_clock(&message(START - 1), wall), Outcome::Ancient);
        assert_eq!((run.core.clock().now(), run.core.ancient_ts()), (None, START - 1));
        assert_eq!(run.read_by_clock(&message(START), wall), Outcome::Taken);
        assert_eq!(run.read_by_clock(&message(START), wall + 1), Outcome::Ancient);
        assert_eq!((run.counters().ancient, run.counters().events), (2, 1));
        // A replay knows no clock.
        let mut replay = Run::new(kind);
        assert_eq!(replay.read(&message(START / 1000)), Outcome::Taken);
        assert_eq!(replay.counters().ancient, 0);
    }
}

/// Live: an event of `ts` is read at `real` µs of the monotonic clock.
fn read_at(run: &mut Run, real: i64, ts: i64) -> Outcome {
    let message = format!(r#"{{"type":"keystroke","ts":{ts},"key":"a","event":"press"}}"#);
    run.core.message(message.as_bytes(), Moment { wall: None, real: Some(real) }, &mut run.records)
}

#[test]
fn real_time_closes_windows_when_nothing_more_comes() {
    let mut run = run(1);
    run.core.clock().start(0);
    read_at(&mut run, 1_000, START + S);
    let real_at = |core: &mut Extractor, stream: Option<i64>| core.clock().real_at(stream.unwrap()).unwrap();
    let (prepared, due) = (run.core.preparable().unwrap(), run.core.due());
    assert_eq!(run.core.clock().real_soon(prepared), Some(1_000 + 4 * S + 125_001));
    let real = real_at(&mut run.core, due);
    assert_eq!(real, 1_000 + 4 * S + 250_001 + 2 * S);
    run.core.prepare(real - 1);
    assert!(run.core.preparable().is_none() && run.ends().is_empty());
    run.core.tick(real - 1, &mut run.records);
    assert!(run.ends().is_empty());
    run.core.tick(real + S, &mut run.records);
    assert_eq!(run.ends(), [5]);
    assert_eq!(run.core.due_at(run.records[0].ts), Some(real));
}

#[test]
fn while_real_time_stands_still_nothing_becomes_late() {
    let mut run = run(1);
    run.core.clock().start(0);
    read_at(&mut run, 0, START + S);
    run.core.clock().stop();
    run.core.tick(3600 * S, &mut run.records);
    assert_eq!(read_at(&mut run, 3600 * S, START + S + 1), Outcome::Taken);
    assert!(run.ends().is_empty());
}

#[test]
fn what_real_time_has_closed_stays_closed() {
    let mut run = run(1);
    run.core.clock().start(0);
    read_at(&mut run, 0, START + S);
    run.core.tick(100 * S, &mut run.records);
    assert_eq!(run.ends(), [5]);
    // Stream time was START + 99 s. A late event with a larger ts than any before moves it, here back; what was
    // closed is not opened again.
    assert_eq!(read_at(&mut run, 100 * S, START + 60 * S), Outcome::Late);
    assert_eq!(run.core.clock().now(), Some(START + 60 * S));
    assert_eq!(read_at(&mut run, 100 * S, START + 61 * S), Outcome::Late);
    assert_eq!(read_at(&mut run, 100 * S, START + 97 * S), Outcome::Taken);
    assert_eq!(run.counters().behind, 0);
}
