//! Mouse features: degenerate movements, other buttons, lost releases, scrolls without a delta.

use std::f64::consts::PI;

use seclyzer_extractors::schema::{Kind, Schema};

use crate::{Run, START, assert_features};

const MS: i64 = 1000;

/// The features of one window: `(ms, fields)`.
fn moved(events: &[(i64, &str)]) -> Run {
    let mut settings = crate::defaults(Kind::Mouse);
    settings.min_events = 1;
    let mut run = Run::with(Kind::Mouse, settings);
    for (ms, fields) in events {
        let ts = START + 1 + ms * MS;
        run.read(&format!(r#"{{"type":"mouse","ts":{ts},{fields}}}"#));
    }
    assert_eq!(run.counters().malformed, 0);
    run.finish();
    run
}

fn at(x: i64, y: i64) -> String {
    format!(r#""event":"move","x":{x},"y":{y}"#)
}

const LEFT_DOWN: &str = r#""event":"press","button":"Left""#;
const LEFT_UP: &str = r#""event":"release","button":"Left""#;
const OTHER_DOWN: &str = r#""event":"press","button":"Unknown(8)""#;

#[test]
fn with_fewer_than_three_moves_the_moves_are_zero_and_the_rest_is_not() {
    let run = moved(&[(0, &at(0, 0)), (100, &at(10, 0)), (200, LEFT_DOWN)]);
    for i in 0..20 {
        assert_eq!(run.feature(0, &format!("move_{i}")), 0.0);
    }
    assert_eq!(run.feature(0, "click_2"), 1.0);
}

#[test]
fn a_way_there_and_back_turns_by_pi_and_is_not_straight() {
    let run = moved(&[(0, &at(0, 0)), (100, &at(30, 40)), (200, &at(0, 0))]);
    assert_features(
        &run,
        &[
            ("move_12", 100.0),
            ("move_13", 0.0),
            ("move_7", 1.0),
            ("move_18", 0.0),
            ("move_0", 500.0),
            ("move_1", 0.0),
            ("move_8", PI),
            ("move_14", 100.0 / 3.0),
            ("move_15", 0.0),
            ("move_16", 0.1),
            ("move_19", 0.1),
        ],
        1e-15,
    );
}

#[test]
fn turns_are_folded_across_the_negative_axis() {
    // From almost west by north to almost west by south: a small turn, not one of almost 2π.
    let run = moved(&[(0, &at(0, 0)), (100, &at(-100, 1)), (200, &at(-200, 0))]);
    assert_features(&run, &[("move_8", 2.0 * (0.01f64).atan())], 1e-12);
}

#[test]
fn moves_at_the_same_time_are_a_millisecond_apart() {
    let run = moved(&[(0, &at(0, 0)), (0, &at(3, 4)), (0, &at(6, 8))]);
    assert_features(&run, &[("move_0", 5000.0), ("move_16", 0.001), ("move_13", 10.0)], 1e-15);
}

#[test]
fn speeds_accelerations_and_jerks_beyond_their_limits_are_left_out_each_for_itself() {
    // 10 px in 1 ms is 10 000 px/s: not below the limit. The way still counts.
    let run = moved(&[(0, &at(0, 0)), (1, &at(10, 0)), (101, &at(20, 0)), (201, &at(30, 0))]);
    assert_features(&run, &[("move_2", 100.0), ("move_12", 30.0), ("move_4", 0.0), ("move_6", 0.0)], 1e-9);
}

#[test]
fn standing_still_divides_by_nothing() {
    let run = moved(&[(0, &at(5, 5)), (100, &at(5, 5)), (300, &at(5, 5))]);
    for feature in Schema::of(Kind::Mouse).features {
        assert!(run.feature(0, feature.name).is_finite());
    }
    assert_features(&run, &[("move_7", 1.0), ("move_15", 0.5), ("move_8", 0.0)], 0.0);
}

#[test]
fn other_buttons_count_as_events_and_nowhere_among_the_features() {
    let run = moved(&[(0, OTHER_DOWN), (100, LEFT_DOWN), (150, OTHER_DOWN), (300, LEFT_DOWN)]);
    assert_features(
        &run,
        &[("click_2", 2.0), ("click_5", 1.0), ("click_6", 1.0), ("click_8", 2.0 / 30.0)],
        0.0,
    );
    assert_eq!(run.counters().events, 4);
}

#[test]
fn durations_pair_the_last_press_with_the_next_release() {
    let run = moved(&[(0, LEFT_UP), (100, LEFT_DOWN), (900, LEFT_DOWN), (1000, LEFT_UP), (1100, LEFT_UP)]);
    assert_features(&run, &[("click_0", 100.0), ("click_9", 100.0), ("click_1", 0.0), ("click_2", 2.0)], 0.0);
    let run = moved(&[(0, LEFT_DOWN), (5000, LEFT_UP)]);
    assert_features(&run, &[("click_0", 0.0)], 0.0);
}

#[test]
fn a_double_click_is_less_than_500_ms() {
    let run = moved(&[(0, LEFT_DOWN), (500, LEFT_DOWN), (999, LEFT_DOWN), (999, LEFT_DOWN)]);
    assert_features(&run, &[("click_6", 2.0), ("click_7", 0.5)], 0.0);
}

#[test]
fn scrolls_without_a_delta_count_as_scrolls_only() {
    let scroll = r#""event":"scroll""#;
    let up = r#""event":"scroll","scroll_delta":2"#;
    let run = moved(&[(0, scroll), (100, up), (300, scroll)]);
    assert_features(
        &run,
        &[
            ("scroll_0", 2.0),
            ("scroll_1", 0.0),
            ("scroll_2", 1.0),
            ("scroll_3", 0.0),
            ("scroll_4", 1.0),
            ("scroll_5", 0.1),
            ("scroll_6", (0.1 + 0.2) / 2.0),
            ("scroll_7", 0.05),
        ],
        1e-12,
    );
}
