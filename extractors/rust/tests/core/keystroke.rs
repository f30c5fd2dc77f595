//! Keystroke features: auto-repeat, lost releases, limits.

use seclyzer_extractors::core::Settings;
use seclyzer_extractors::schema::Kind;

use crate::{Run, START, assert_features};

const MS: i64 = 1000;

/// The features of one window: `(ms, key, "press" or "release")`.
fn typed(events: &[(i64, &str, &str)]) -> Run {
    let mut settings = crate::defaults(Kind::Keystroke);
    settings.min_events = 1;
    let mut run = Run::with(Kind::Keystroke, settings);
    for (ms, key, event) in events {
        run.key(START + 1 + ms * MS, key, event);
    }
    run.finish();
    run
}

#[test]
fn auto_repeat_is_ignored_everywhere() {
    let mut events = vec![(0, "a", "press")];
    events.extend((1..30).map(|i| (i * 30, "a", "press")));
    events.push((900, "a", "release"));
    events.push((1000, "b", "press"));
    assert_features(
        &typed(&events),
        &[
            ("total_keys", 2.0),
            ("dwell_mean", 900.0),
            ("dwell_count", 1.0),
            ("flight_mean", 100.0),
            ("digraph_0_mean", 1000.0),
        ],
        0.0,
    );
}

#[test]
fn a_press_of_a_key_that_is_down_for_long_means_that_its_release_was_lost() {
    let run = typed(&[(0, "a", "press"), (1000, "a", "press"), (1100, "a", "release")]);
    assert_features(&run, &[("total_keys", 2.0), ("dwell_count", 1.0), ("dwell_mean", 100.0)], 0.0);
    // Each repeat starts the second anew.
    let run = typed(&[(0, "a", "press"), (999, "a", "press"), (1998, "a", "press"), (2000, "a", "release")]);
    assert_features(&run, &[("total_keys", 1.0), ("dwell_count", 0.0)], 0.0);
}

#[test]
fn a_release_of_a_key_that_is_up_has_no_dwell_but_begins_a_flight() {
    let run = typed(&[(0, "a", "release"), (70, "b", "press")]);
    assert_features(&run, &[("dwell_count", 0.0), ("flight_mean", 70.0)], 0.0);
}

#[test]
fn times_at_their_limits_are_not_kept() {
    let run = typed(&[
        (0, "a", "press"),
        (1000, "a", "release"),
        (3000, "b", "press"),
        (3000, "b", "release"),
        (4999, "c", "press"),
        (9999, "d", "press"),
    ]);
    // Dwell 1000 and 0, flight 2000 and 1999, digraph 3000, 1999 and 5000, gap 3000 and 1999 but not 5000.
    assert_features(
        &run,
        &[
            ("dwell_count", 0.0),
            ("flight_count", 1.0),
            ("flight_mean", 1999.0),
            ("digraph_0_mean", 1999.0),
            ("digraph_1_mean", 0.0),
            ("avg_pause_duration", 3000.0),
            ("avg_burst_speed", 1999.0),
        ],
        0.0,
    );
}

#[test]
fn digraphs_are_ranked_by_count_then_first_appearance() {
    let keys = ["a", "b", "c", "a", "b", "d", "c", "a"];
    let mut events: Vec<(i64, &str, &str)> =
        keys.iter().enumerate().map(|(i, key)| (i as i64 * 600, *key, "press")).collect();
    events[4].0 += 50;
    let run = typed(&events);
    // ab twice (600, 650), ca twice (600, 600), then bc, bd, dc.
    assert_features(
        &run,
        &[
            ("digraph_0_mean", 625.0),
            ("digraph_1_mean", 600.0),
            ("digraph_2_mean", 600.0),
            ("digraph_3_mean", 550.0),
            ("digraph_4_mean", 600.0),
            ("digraph_5_mean", 0.0),
        ],
        0.0,
    );
}

#[test]
fn delete_keys_of_every_name_are_corrections() {
    let run = typed(&[(0, "Backspace", "press"), (100, "KeyDelete", "press"), (200, "Del", "press")]);
    assert_features(
        &run,
        &[
            ("backspace_count", 2.0),
            ("backspace_frequency", 2.0 / 3.0),
            ("correction_rate", 2.0),
            ("clean_typing_ratio", 1.0 / 3.0),
        ],
        0.0,
    );
}

#[test]
fn without_gaps_the_rhythm_is_zero() {
    let run = typed(&[(0, "a", "press"), (50, "a", "release")]);
    for name in [
        "rhythm_consistency",
        "burst_frequency",
        "pause_frequency",
        "avg_burst_speed",
        "avg_pause_duration",
        "rhythm_variation",
        "typing_speed_wpm",
        "rhythm_stability",
    ] {
        assert_eq!(run.feature(0, name), 0.0, "{name}");
    }
    assert_eq!(run.feature(0, "clean_typing_ratio"), 1.0);
}

#[test]
fn a_window_of_releases_only_has_every_feature_at_zero() {
    let run = typed(&[(0, "a", "release"), (50, "b", "release")]);
    let schema = seclyzer_extractors::schema::Schema::of(Kind::Keystroke);
    for feature in schema.features {
        assert_eq!(run.feature(0, feature.name), 0.0, "{}", feature.name);
    }
}

#[test]
fn at_the_start_of_a_window_all_keys_are_up() {
    let mut settings = crate::defaults(Kind::Keystroke);
    settings.min_events = 1;
    let mut run = Run::with(Kind::Keystroke, settings);
    // Held over the start of the window that ends 30 s later.
    run.key(START, "a", "press");
    run.key(START + 500 * MS, "a", "release");
    run.key(START + 30_000 * MS, "b", "press");
    run.finish();
    let last = run.records.len() - 1;
    assert_eq!((run.feature(last, "total_keys"), run.feature(last, "dwell_count")), (1.0, 0.0));
}

/// A producer makes up names. When they have left the windows they are forgotten, and the keys get lower numbers: also
/// those of events that stay.
#[test]
fn keys_that_get_other_numbers_while_they_are_typed_stay_the_same_keys() {
    let settings = Settings { min_events: 1, ..crate::defaults(Kind::Keystroke) };
    let mut run = Run::with(Kind::Keystroke, settings);
    for n in 0..10_000 {
        let ms = n * 10;
        if n < 3000 {
            run.key(START + 1 + ms * MS, &format!("Made{n}"), "press");
        } else if n % 10 == 0 {
            run.key(START + 1 + ms * MS, ["a", "b", "Backspace"][n as usize / 10 % 3], "press");
            run.key(START + 1 + (ms + 5) * MS, ["a", "b", "Backspace"][n as usize / 10 % 3], "release");
        }
    }
    run.finish();
    let ends = run.ends();
    for record in (0..ends.len()).filter(|record| ends[*record] >= 60) {
        let pairs = ["digraph_2_mean", "digraph_3_mean"].map(|name| run.feature(record, name));
        assert_eq!(pairs, [100.0, 0.0], "three pairs in the window that ends at {} s", ends[record]);
    }
}
