//! Transitions and patterns of applications.

use seclyzer_extractors::core::Outcome;
use seclyzer_extractors::operators::Extractor;
use seclyzer_extractors::output::{Value, patterns_json};
use seclyzer_extractors::patterns::{KEPT_NAMES, OTHER};
use seclyzer_extractors::schema::Kind;
use seclyzer_extractors::state::State;
use serde_json::json;

use crate::{Run, S, START, defaults};

fn patterns(run: &mut Run) -> serde_json::Value {
    let apps = run.core.apps().unwrap();
    let patterns = apps.patterns();
    serde_json::from_str(&patterns_json(&patterns.report(apps.dev_mode()), patterns.taken_ts)).unwrap()
}

fn durations(run: &Run) -> Vec<f64> {
    (0..run.records.len()).map(|i| run.feature(i, "duration_ms")).collect()
}

#[test]
fn events_are_taken_in_order_once_their_lateness_has_passed() {
    let mut run = Run::new(Kind::App);
    run.focus(START, "a");
    run.focus(START + 200_000, "c");
    run.focus(START + 100_000, "b");
    assert_eq!(run.records.len(), 0);
    run.focus(START + 450_000, "d");
    assert_eq!(durations(&run), [100.0, 100.0]);
    run.finish();
    assert_eq!(durations(&run), [100.0, 100.0, 250.0]);
}

#[test]
fn an_event_is_late_only_when_one_with_a_later_time_has_been_taken() {
    let to_apps = |run: &Run| -> Vec<String> {
        run.records.iter().map(|record| format!("{:?}", record.values[1])).collect()
    };
    let apps =
        |names: &str| -> Vec<String> { names.chars().map(|name| format!("Text(\"{name}\")")).collect() };
    // `a` and `c` are taken.
    for (ts, outcome, expected) in [(10 * S - 1, Outcome::Late, "cd"), (10 * S, Outcome::Taken, "cbd")] {
        let mut run = Run::new(Kind::App);
        for (s, app) in [(0, "a"), (10, "c"), (20, "d")] {
            run.focus(START + s * S, app);
        }
        assert_eq!(run.focus(START + ts, "b"), outcome);
        run.finish();
        assert_eq!(to_apps(&run), apps(expected));
    }
    // `d` waits.
    let mut run = Run::new(Kind::App);
    for (s, app) in [(0, "a"), (20, "d"), (1, "b"), (10, "c")] {
        assert_eq!(run.focus(START + s * S, app), Outcome::Taken);
    }
    run.finish();
    assert_eq!(to_apps(&run), apps("bcd"));
}

#[test]
fn what_was_taken_before_the_clock_was_set_back_makes_nothing_late_after_it() {
    let mut run = Run::new(Kind::App);
    for (s, app) in [(100, "a"), (105, "b"), (1, "x"), (2, "y"), (3, "z")] {
        run.focus(START + s * S, app);
    }
    assert_eq!(run.counters().sessions, 1);
    assert_eq!(run.focus(START + 2_900_000, "a"), Outcome::Taken);
}

#[test]
fn without_lateness_an_event_is_taken_at_once() {
    let mut settings = defaults(Kind::App);
    settings.windows.lateness = 0;
    let mut run = Run::with(Kind::App, settings);
    run.focus(START, "a");
    run.focus(START + 1999, "b");
    assert_eq!(durations(&run), [1.0]);
    assert_eq!(run.focus(START + 1999, "c"), Outcome::Taken);
    assert_eq!(durations(&run), [1.0, 0.0]);
    assert_eq!(run.focus(START + 1998, "d"), Outcome::Late);
}

#[test]
fn a_repeat_changes_nothing_and_durations_round_down() {
    let mut run = Run::new(Kind::App);
    for (offset, app) in [(0, "a"), (S, "a"), (S + 999, "b")] {
        run.focus(START + offset, app);
    }
    run.finish();
    assert_eq!(durations(&run), [1000.0]);
}

#[test]
fn a_transition_is_in_dev_mode_when_one_of_its_ends_is() {
    let mut run = Run::new(Kind::App);
    for (i, (app, dev_mode)) in [("a", false), ("b", true), ("c", false), ("d", false)].iter().enumerate() {
        let ts = START + i as i64 * S;
        run.read(&format!(r#"{{"type":"app","ts":{ts},"app_name":"{app}","dev_mode":{dev_mode}}}"#));
    }
    run.finish();
    let dev_modes: Vec<Value> = (0..3).map(|i| run.value(i, "dev_mode")).collect();
    assert_eq!(dev_modes, [Value::Bool(true), Value::Bool(true), Value::Bool(false)]);
    assert_eq!(patterns(&mut run)["dev_mode"], json!(true));
}

#[test]
fn patterns_show_shares_hours_and_durations() {
    let mut run = Run::new(Kind::App);
    // START is 22:13:20 UTC.
    for (s, app) in [(0, "a"), (2, "b"), (3, "a"), (7, "c"), (3600, "a")] {
        run.focus(START + s * S, app);
    }
    run.finish();
    let patterns = patterns(&mut run);
    assert_eq!(
        patterns["transition_matrix"],
        json!({"a": {"b": 0.5, "c": 0.5}, "b": {"a": 1.0}, "c": {"a": 1.0}})
    );
    let third = 1.0 / 3.0;
    assert_eq!(
        patterns["time_preferences"],
        json!({"a": {"22": 2.0 * third, "23": third}, "b": {"22": 1.0}, "c": {"22": 1.0}})
    );
    assert_eq!(
        patterns["usage_stats"],
        json!({
            "most_used": [["a", 2], ["b", 1], ["c", 1]],
            "avg_durations": {"a": 3.0, "b": 1.0, "c": 3593.0},
            "total_transitions": 4,
            "unique_apps": 3,
        })
    );
    assert_eq!((&patterns["type"], &patterns["ts"]), (&json!("app_patterns"), &json!(START + 3600 * S)));
}

#[test]
fn patterns_of_nothing_are_empty() {
    let patterns = patterns(&mut Run::new(Kind::App));
    assert_eq!((&patterns["timestamp"], &patterns["ts"]), (&json!(null), &json!(null)));
    assert_eq!(patterns["usage_stats"]["most_used"], json!([]));
}

/// Focuses n0, n1, … one second apart.
fn many(count: i64) -> Run {
    let mut run = Run::new(Kind::App);
    for i in 0..count {
        run.focus(START + i * S, &format!("n{i}"));
    }
    run
}

#[test]
fn up_to_the_limit_every_name_is_kept() {
    let mut run = many(KEPT_NAMES as i64);
    run.finish();
    let patterns = patterns(&mut run);
    assert_eq!(patterns["time_preferences"].as_object().unwrap().len(), KEPT_NAMES);
    assert_eq!(patterns["time_preferences"].get(OTHER), None);
}

#[test]
fn past_the_limit_the_one_not_seen_for_longest_is_folded() {
    let mut run = many(KEPT_NAMES as i64);
    // n0 gains the focus again, so n1 is the oldest; then a new one comes.
    run.focus(START + 300 * S, "n0");
    run.focus(START + 310 * S, "new");
    run.finish();
    let patterns = patterns(&mut run);
    let matrix = &patterns["transition_matrix"];
    assert_eq!(matrix.get("n1"), None);
    assert_eq!(matrix[OTHER], json!({"n2": 1.0}));
    assert_eq!(matrix["n0"], json!({OTHER: 0.5, "new": 0.5}));
    assert_eq!(patterns["usage_stats"]["avg_durations"][OTHER], json!(1.0));
    assert_eq!(patterns["usage_stats"]["unique_apps"], json!(201));
    assert_eq!(patterns["time_preferences"].as_object().unwrap().len(), KEPT_NAMES + 1);
    // What was published keeps its real names.
    assert_eq!(run.value(0, "to_app"), Value::Text("n1".into()));
}

#[test]
fn folded_neighbours_become_a_transition_of_the_rest_to_itself() {
    let mut run = many(KEPT_NAMES as i64 + 2);
    run.focus(START + 1000 * S, "n0");
    run.finish();
    let patterns = patterns(&mut run);
    // n0, n1 and n2 are folded: n0→n1 and n1→n2 lie within, n2→n3 leads out; n0 comes back as a new name.
    assert_eq!(patterns["transition_matrix"][OTHER], json!({OTHER: 2.0 / 3.0, "n3": 1.0 / 3.0}));
    assert_eq!(patterns["usage_stats"]["unique_apps"], json!(203));
}

#[test]
fn an_application_that_is_named_like_the_rest_goes_into_it() {
    let mut run = Run::new(Kind::App);
    for (s, app) in [(0, OTHER), (1, "a"), (2, OTHER)] {
        run.focus(START + s * S, app);
    }
    run.finish();
    let patterns = patterns(&mut run);
    assert_eq!(patterns["transition_matrix"], json!({OTHER: {"a": 1.0}, "a": {OTHER: 1.0}}));
    assert_eq!(patterns["usage_stats"]["unique_apps"], json!(1));
}

/// A tracker that goes on from the state that this one would save.
fn restarted(run: &mut Run, wall: i64) -> Run {
    let max_ts = run.core.clock().largest();
    let snapshot = run.core.apps().unwrap().snapshot();
    let state = State::new(snapshot, "5-0", max_ts).json().unwrap();
    let mut next = Run::new(Kind::App);
    let Run { core, records, .. } = &mut next;
    Extractor::restore(core, &State::from_json(state.as_bytes()).unwrap(), wall, records);
    next
}

#[test]
fn a_restart_goes_on_where_the_last_run_was() {
    let mut whole = many(250);
    let mut first = many(120);
    let mut second = restarted(&mut first, START + 119 * S);
    for i in 120..250 {
        second.focus(START + i * S, &format!("n{i}"));
    }
    whole.finish();
    second.finish();
    assert_eq!(patterns(&mut second), patterns(&mut whole));
    first.records.append(&mut second.records);
    assert_eq!(first.records, whole.records);
}

#[test]
fn what_was_late_before_a_restart_is_late_after_it() {
    let mut first = many(10);
    let mut second = restarted(&mut first, START + 9 * S);
    assert_eq!(second.focus(START + 8 * S, "x"), Outcome::Taken);
    assert_eq!(second.focus(START + 8 * S - 1, "x"), Outcome::Late);
}

/// It holds stream time less lateness where the `ts` of the event taken last is now.
#[test]
fn a_state_of_an_older_program_makes_nothing_late_that_is_not() {
    let mut first = many(10);
    let max_ts = first.core.clock().largest();
    let mut state = State::new(first.core.apps().unwrap().snapshot(), "5-0", max_ts);
    assert_eq!(state.taken_through, Some(START + 8 * S));
    state.taken_through = Some(START + 8 * S + 750_000);
    let Run { core, records, .. } = &mut first;
    Extractor::restore(core, &state, START + 9 * S, records);
    assert_eq!(first.focus(START + 8 * S, "x"), Outcome::Taken);
    assert_eq!(first.focus(START + 8 * S - 1, "x"), Outcome::Late);
}

#[test]
fn a_state_from_before_the_clock_was_set_back_ends_its_session() {
    let mut first = many(10);
    let mut second = restarted(&mut first, START - 3600 * S);
    // n9 was pending and is taken; after that no application has the focus.
    assert_eq!(second.records.len(), 1);
    second.focus(START - 3600 * S, "x");
    second.finish();
    assert_eq!(second.records.len(), 1);
}

#[test]
fn pending_events_are_bounded() {
    let mut settings = defaults(Kind::App);
    settings.buffer_events = 2;
    let mut run = Run::with(Kind::App, settings);
    for (offset, app) in [(1, "a"), (2, "b"), (3, "c"), (0, "d")] {
        run.focus(START + offset, app);
    }
    run.finish();
    assert_eq!(run.counters().dropped, 2);
    assert_eq!(run.value(0, "from_app"), Value::Text("b".into()));
}
