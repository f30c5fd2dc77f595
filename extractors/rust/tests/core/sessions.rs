//! A clock that was set back: late events in a row start a new session.

use seclyzer_extractors::core::{Outcome, Settings};
use seclyzer_extractors::schema::Kind;

use crate::{Run, S, START, defaults};

fn run() -> Run {
    Run::with(Kind::Keystroke, Settings { min_events: 1, ..defaults(Kind::Keystroke) })
}

#[test]
fn the_twentieth_late_event_in_a_row_starts_a_new_session() {
    let mut run = run();
    run.key(START + 100 * S, "a", "press");
    for i in 0..19 {
        assert_eq!(run.key(START + i, "a", "press"), Outcome::Late);
    }
    assert!(run.ends().is_empty());
    assert_eq!(run.key(START + 19, "b", "press"), Outcome::Taken);
    // The open window of the old session is closed, and the event is used in the new one.
    assert_eq!(run.ends(), [100]);
    assert_eq!((run.counters().late, run.counters().sessions, run.counters().events), (19, 1, 21));
    run.finish();
    assert_eq!(run.ends(), [100, 5]);
    assert_eq!(run.feature(1, "total_keys"), 1.0);
}

#[test]
fn an_event_in_time_breaks_the_row_and_others_do_not() {
    let mut run = run();
    run.key(START + 100 * S, "a", "press");
    for i in 0..19 {
        run.key(START + i, "a", "press");
    }
    run.key(START + 100 * S, "a", "release");
    assert_eq!(run.key(START, "a", "press"), Outcome::Late);
    for i in 0..18 {
        run.read("malformed");
        run.read(r#"{"type":"else"}"#);
        run.focus(START + i, "a");
        assert_eq!(run.key(START + i, "a", "press"), Outcome::Late);
    }
    assert_eq!(run.key(START + 19, "a", "press"), Outcome::Taken);
    assert_eq!((run.counters().late, run.counters().sessions), (38, 1));
}

#[test]
fn a_window_end_that_comes_again_is_emitted_again() {
    let mut run = run();
    run.key(START + 1, "a", "press");
    run.key(START + 60 * S, "a", "press");
    for i in 0..20 {
        run.key(START + 2 + i, "b", "press");
    }
    run.finish();
    assert_eq!(run.ends(), [5, 60, 5]);
}

#[test]
fn applications_start_a_new_session_with_the_third_late_event_and_no_current_one() {
    let mut run = Run::new(Kind::App);
    run.focus(START + 100 * S, "a");
    run.focus(START + 101 * S, "b");
    assert_eq!(run.focus(START + 1, "c"), Outcome::Late);
    assert_eq!(run.focus(START + 2, "c"), Outcome::Late);
    assert_eq!(run.focus(START + 3, "c"), Outcome::Taken);
    // What was pending is taken first; nothing leads from `b` to `c`.
    assert_eq!(run.ends(), [101]);
    run.focus(START + 10 * S, "d");
    run.finish();
    assert_eq!(run.ends(), [101, 10]);
    assert_eq!((run.counters().late, run.counters().sessions), (2, 1));
}
