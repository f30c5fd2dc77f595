//! The examples of the contract's section 6, with the values that it gives for them.

use seclyzer_extractors::output::Value;
use seclyzer_extractors::schema::Kind;

use crate::{Run, S, START, assert_features};

/// Exact but for the last bits of a division.
const EXACT: f64 = 1e-15;

#[test]
fn the_typed_sentence_has_the_features_of_the_contract() {
    let mut run = Run::new(Kind::Keystroke);
    let typed = "0 KeyT p; 80000 KeyT r; 150000 KeyH p; 240000 KeyH r; 300000 KeyE p; 360000 Space p; 390000 KeyE r; \
         430000 Space r; 700000 KeyT p; 790000 KeyT r; 880000 KeyH p; 980000 KeyH r; 3980000 Backspace p; \
         4060000 Backspace r";
    for event in typed.split("; ") {
        let [offset, key, event] = event.split(' ').collect::<Vec<_>>()[..] else { panic!("{event}") };
        let offset: i64 = offset.parse().unwrap();
        run.key(START + 1 + offset, key, if event == "p" { "press" } else { "release" });
    }
    run.finish();
    assert_eq!(run.ends(), [5]);
    assert_features(
        &run,
        &[
            ("dwell_mean", 600.0 / 7.0),
            ("dwell_min", 70.0),
            ("dwell_max", 100.0),
            ("dwell_median", 90.0),
            ("dwell_q25", 80.0),
            ("dwell_q75", 90.0),
            ("dwell_range", 30.0),
            ("dwell_count", 7.0),
            ("flight_mean", 122.0),
            ("flight_median", 90.0),
            ("flight_q25", 70.0),
            ("flight_q75", 120.0),
            ("flight_count", 5.0),
            ("digraph_0_mean", 165.0),
            ("digraph_1_mean", 150.0),
            ("digraph_2_mean", 60.0),
            ("digraph_3_mean", 340.0),
            ("digraph_4_mean", 0.0),
            ("backspace_count", 1.0),
            ("backspace_frequency", 1.0 / 7.0),
            ("correction_rate", 1.0 / 6.0),
            ("clean_typing_ratio", 6.0 / 7.0),
            ("burst_frequency", 0.5),
            ("pause_frequency", 0.5),
            ("avg_burst_speed", 120.0),
            ("avg_pause_duration", 3620.0 / 3.0),
            ("typing_speed_wpm", 12000.0 / (3980.0 / 6.0)),
            ("total_keys", 7.0),
            ("dev_mode", 0.0),
        ],
        EXACT,
    );
}

#[test]
fn the_moved_mouse_has_the_features_of_the_contract() {
    let mut run = Run::new(Kind::Mouse);
    let start = START + 1;
    for i in 0..40 {
        let (ts, x, y) = (start + i * 20_000, 100 + 3 * i + i % 5, 200 + i * i % 17);
        run.read(&format!(r#"{{"type":"mouse","event":"move","ts":{ts},"x":{x},"y":{y}}}"#));
    }
    for (button, down, up) in
        [("Left", 1_000_000, 1_090_000), ("Left", 1_300_000, 1_420_000), ("Right", 2_000_000, 2_200_000)]
    {
        for (event, offset) in [("press", down), ("release", up)] {
            let ts = start + offset;
            run.read(&format!(r#"{{"type":"mouse","event":"{event}","ts":{ts},"button":"{button}"}}"#));
        }
    }
    for (offset, delta) in [(3_000_000, 1), (3_100_000, 1), (3_300_000, -1), (3_350_000, 0)] {
        let ts = start + offset;
        run.read(&format!(r#"{{"type":"mouse","event":"scroll","ts":{ts},"scroll_delta":{delta}}}"#));
    }
    run.finish();
    assert_eq!(run.ends(), [5]);
    assert_features(
        &run,
        &[
            ("click_0", 410.0 / 3.0),
            ("click_2", 2.0),
            ("click_3", 1.0),
            ("click_4", 0.0),
            ("click_5", 2.0 / 3.0),
            ("click_6", 1.0),
            ("click_7", 1.0 / 3.0),
            ("click_8", 0.1),
            ("click_9", 120.0),
            ("scroll_0", 0.75),
            ("scroll_2", 2.0),
            ("scroll_3", 1.0),
            ("scroll_4", 0.5),
            ("scroll_5", 4.0 / 30.0),
            ("scroll_6", 0.35 / 3.0),
        ],
        EXACT,
    );
    assert_features(
        &run,
        &[
            ("move_0", 333.653036),
            ("move_3", 320.156212),
            ("move_8", 1.273410),
            ("move_9", 0.969097),
            ("move_12", 260.249368),
            ("move_13", 121.264174),
        ],
        1e-6,
    );
}

#[test]
fn the_switched_applications_have_the_transitions_of_the_contract() {
    let mut run = Run::new(Kind::App);
    for (app, s) in [("a", 0), ("a", 10), ("b", 15), ("a", 14), ("c", 20)] {
        run.focus(START + 1 + s * S, app);
    }
    run.finish();
    let transitions: Vec<(i64, Value, Value, f64)> = (0..run.records.len())
        .map(|i| {
            let after = (run.records[i].ts - START - 1) / S;
            (after, run.value(i, "from_app"), run.value(i, "to_app"), run.feature(i, "duration_ms"))
        })
        .collect();
    let text = |text: &str| Value::Text(text.to_owned());
    assert_eq!(transitions, [(15, text("a"), text("b"), 15_000.0), (20, text("b"), text("c"), 5_000.0)]);
    assert_eq!((run.counters().late, run.records.len()), (0, 2));
}
