//! A producer that lags: it stalls, and then sends what it held.

use proptest::prelude::*;
use seclyzer_extractors::core::{Moment, Settings};
use seclyzer_extractors::output::Record;
use seclyzer_extractors::schema::Kind;
use seclyzer_extractors::window::Windows;

use crate::{Run, S, START, defaults};

const MS: i64 = 1000;
const HOUR: i64 = 3600 * S;
/// Of 30 s each 5 s, of 3 s each second, and of 5 s that touch.
const SHAPES: [Windows; 3] = [
    Windows { interval: 5 * S, window: 30 * S, lateness: 250 * MS },
    Windows { interval: S, window: 3 * S, lateness: 250 * MS },
    Windows { interval: 5 * S, window: 5 * S, lateness: 250 * MS },
];

/// An event, and when it is sent; both in µs after `START`.
type Sent = (i64, i64);

fn settings(windows: Windows) -> Settings {
    Settings { windows, min_events: 1, buffer_events: 100_000, ..defaults(Kind::Keystroke) }
}

/// Events of every `step` µs, each sent when it happens, but for stalls of (number of the first one that is held, µs).
fn stalled(step: i64, count: i64, stalls: &[(i64, i64)]) -> Vec<Sent> {
    let sent_at = |ts: i64| {
        stalls.iter().fold(ts, |at, (first, long)| {
            let begun = 1 + first * step;
            if (begun..begun + long).contains(&at) { begun + long } else { at }
        })
    };
    (0..count).map(|place| 1 + place * step).map(|ts| (ts, sent_at(ts))).collect()
}

/// Live, by a clock that begins at `START`; what is due is done before each event.
fn live(windows: Windows, sent: &[Sent]) -> Run {
    let mut run = Run::with(Kind::Keystroke, settings(windows));
    run.core.clock().start(0);
    for (ts, at) in sent {
        while let Some(due) =
            run.core.due().and_then(|due| run.core.clock().real_at(due)).filter(|due| due < at)
        {
            run.tick(due);
        }
        run.tick(at - 1);
        let message = message(*ts);
        run.core.message(message.as_bytes(), Moment { wall: None, real: Some(*at) }, &mut run.records);
    }
    run.finish();
    run
}

/// Every event is of a key of its own, and so `total_keys` tells how many a window holds.
fn message(ts: i64) -> String {
    format!(r#"{{"type":"keystroke","ts":{},"key":"k{ts}","event":"press"}}"#, START + ts)
}

fn replayed(windows: Windows, sent: &[Sent]) -> Vec<Record> {
    let mut run = Run::with(Kind::Keystroke, settings(windows));
    for (ts, _) in sent {
        run.read(&message(*ts));
    }
    run.finish();
    run.records
}

/// The ends of the windows that hold an event at `ts`, in µs after `START`.
fn ends_of(ts: i64, windows: Windows) -> impl Iterator<Item = i64> {
    let first = windows.first_end(START + ts) - START;
    (first..)
        .step_by(windows.interval.unsigned_abs() as usize)
        .take_while(move |end| end - windows.window < ts)
}

/// The place of the first event that finds the window of this end closed, by the contract's words.
fn first_too_late(end: i64, windows: Windows, sent: &[Sent]) -> usize {
    let (mut largest, mut seen_at) = sent[0];
    for (place, (ts, at)) in sent.iter().enumerate() {
        if largest + (at - 1 - seen_at - 2 * S).max(0) > end + windows.lateness {
            return place;
        }
        if *ts > largest {
            (largest, seen_at) = (*ts, *at);
        }
    }
    sent.len()
}

fn windows() -> impl Strategy<Value = Windows> {
    prop::sample::select(SHAPES.to_vec())
}

fn step() -> impl Strategy<Value = i64> {
    prop::sample::select(vec![50 * MS, 130 * MS, 700 * MS])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// `silent` is from the last event that it sends to the first one that it had held.
    #[test]
    fn up_to_the_idle_timeout_every_window_is_that_of_the_replay(
        windows in windows(), step in step(), first in 1..250i64, silent in 0..=2 * S,
    ) {
        let sent = stalled(step, 300, &[(first, (silent - step).max(0))]);
        let run = live(windows, &sent);
        prop_assert_eq!(&run.records, &replayed(windows, &sent));
        let counters = run.counters();
        prop_assert_eq!((counters.late, counters.behind, counters.sessions), (0, 0, 0));
    }

    #[test]
    fn what_a_stall_changes_is_explained_event_by_event_and_no_session_begins(
        windows in windows(), step in step(), stalls in prop::collection::vec((1..250i64, 0..110 * S), 0..3),
    ) {
        // Two that run into one another are one long one: past the window and 120 s it may begin a session.
        prop_assume!(stalls.iter().map(|(_, long)| long).sum::<i64>() < 110 * S);
        let sent = stalled(step, 300, &stalls);
        let run = live(windows, &sent);
        let mut ends: Vec<i64> = sent.iter().flat_map(|(ts, _)| ends_of(*ts, windows)).collect();
        ends.sort_unstable();
        ends.dedup();
        let (mut missed, mut used) = (vec![false; sent.len()], vec![false; sent.len()]);
        let mut expected = Vec::new();
        for end in ends {
            let until = first_too_late(end, windows, &sent);
            let held = |ts: i64| end - windows.window < ts && ts <= end;
            let whole = sent.iter().enumerate().filter(|(_, (ts, _))| held(*ts));
            whole.for_each(|(place, _)| if place < until { used[place] = true } else { missed[place] = true });
            let in_time: Vec<i64> = sent[..until].iter().map(|(ts, _)| *ts).filter(|ts| held(*ts)).collect();
            if in_time.last().is_some_and(|last| *last > end - windows.interval) {
                expected.push((START + end, in_time.len() as f64));
            }
        }
        let found: Vec<(i64, f64)> = (0..run.records.len())
            .map(|place| (run.records[place].ts, run.feature(place, "total_keys")))
            .collect();
        prop_assert_eq!(found, expected);
        let of_those = |used_too: bool| {
            missed.iter().zip(&used).filter(|(missed, used)| **missed && **used == used_too).count() as u64
        };
        let counters = run.counters();
        prop_assert_eq!((counters.late, counters.behind, counters.sessions), (of_those(false), of_those(true), 0));
    }

    #[test]
    fn a_window_whose_end_did_not_pass_in_the_stall_is_that_of_the_replay(
        windows in windows(), first in 100..200i64, long in 2 * S..100 * S,
    ) {
        let sent = stalled(100 * MS, 1500, &[(first, long)]);
        let begun = 1 + first * 100 * MS;
        let others = |records: Vec<Record>| {
            let stall = START + begun..START + begun + long;
            records.into_iter().filter(|record| !stall.contains(&record.ts)).collect::<Vec<_>>()
        };
        prop_assert_eq!(others(live(windows, &sent).records), others(replayed(windows, &sent)));
    }
}

/// At 1000 events/s: between the last event that an open window holds and the window's length they are late.
#[test]
fn a_stall_up_to_the_window_begins_no_session_though_hundreds_of_events_come_late() {
    for windows in SHAPES {
        for percent in [50, 93, 100] {
            let sent = stalled(MS, 45_000, &[(4_000, windows.window * percent / 100)]);
            let run = live(windows, &sent);
            assert_eq!(run.counters().sessions, 0);
            // Of the small ones real time closes no more than two.
            assert!(percent < 100 || windows.window == 3 * S || run.counters().late > 500);
        }
    }
}

/// Events that happen `after` the last of 20 s, by a clock that was set back meanwhile; 100 ms apart.
fn back(by: i64, count: i64, after: i64) -> impl Iterator<Item = Sent> {
    let first = 20 * S + after;
    (0..count).map(move |place| (first - by + place * 100 * MS, first + place * 100 * MS))
}

/// After two hours without a key the event is newer than any before, and yet all its windows have closed.
#[test]
fn a_clock_set_back_by_an_hour_begins_a_session_also_after_a_long_rest() {
    for after in [100 * MS, 10 * S, 2 * HOUR] {
        for (count, sessions) in [(19, 0), (100, 1)] {
            let mut sent = stalled(100 * MS, 200, &[]);
            sent.extend(back(HOUR, count, after));
            let run = live(SHAPES[0], &sent);
            assert_eq!((run.counters().late, run.counters().sessions), (19, sessions), "{after} {count}");
        }
    }
}

#[test]
fn a_clock_set_back_by_as_little_as_makes_events_late_begins_a_session_while_a_person_types() {
    let mut sent = stalled(100 * MS, 200, &[]);
    sent.extend(back(36 * S, 40, 100 * MS));
    let run = live(SHAPES[0], &sent);
    assert_eq!((run.counters().late, run.counters().sessions), (19, 1));
}

#[test]
fn an_event_that_missed_some_of_its_windows_is_behind_and_one_that_missed_all_is_late() {
    let mut run = Run::with(Kind::Keystroke, settings(SHAPES[0]));
    run.core.clock().start(0);
    let read = |run: &mut Run, ts: i64, at: i64| {
        let message = message(ts);
        run.core.message(message.as_bytes(), Moment { wall: None, real: Some(at) }, &mut run.records)
    };
    read(&mut run, 100 * S, 0);
    run.tick(12 * S + 250_001); // closed are all through 110 s
    for (ts, late, behind) in [(85 * S, 1, 0), (85 * S + 1, 1, 1), (110 * S, 1, 2), (110 * S + 1, 1, 2)] {
        read(&mut run, ts, 13 * S);
        assert_eq!((run.counters().late, run.counters().behind), (late, behind), "{ts}");
    }
}

#[test]
fn a_producer_that_lags_loses_no_transition_however_long_it_stalls() {
    let focus = |place: i64| {
        format!(r#"{{"type":"app","ts":{},"app_name":"{}"}}"#, START + place * 100 * MS, place % 3)
    };
    let (mut run, mut replay) = (Run::new(Kind::App), Run::new(Kind::App));
    run.core.clock().start(0);
    for place in 0..600 {
        // It stalls from 10 s to 50 s: real time has taken all that it sent before, and has gone on.
        let at = 100 * MS * if place < 100 { place } else { place.max(500) };
        run.tick(at);
        run.core.message(focus(place).as_bytes(), Moment { wall: None, real: Some(at) }, &mut run.records);
        replay.read(&focus(place));
    }
    run.finish();
    replay.finish();
    assert_eq!((run.records.len(), run.counters().late, run.counters().sessions), (599, 0, 0));
    assert_eq!(run.records, replay.records);
}
