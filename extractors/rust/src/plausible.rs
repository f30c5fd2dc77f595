//! Which times an event can have, by the host's clock. All times are µs since the Unix epoch.

/// An event more than this ahead of the host's clock is not believed.
const FUTURE: i64 = 5_000_000;
/// Nor is one more than this before it.
const ANCIENT: i64 = 400 * 86_400_000_000;

/// What was saved and is more than this ahead of the host's clock is from before the clock was set back.
const FUTURE_SAVED: i64 = 10_000_000;
/// Advice on events whose unit is right.
pub const CLOCK_ADVICE: &str = "is the clock of their producer right?";

/// The largest saved time that is believed when the host's clock shows `wall`.
pub fn latest_saved(wall: i64) -> i64 {
    wall + FUTURE_SAVED
}

/// The largest `ts` that is believed when the host's clock shows `wall`.
pub fn latest(wall: i64) -> i64 {
    wall + FUTURE
}

/// The smallest `ts` that is believed when the host's clock shows `wall`.
pub fn earliest(wall: i64) -> i64 {
    wall - ANCIENT
}

/// What to look at when events of this `ts` are not believed for their age: its unit, if it would be right in that one.
pub fn advice(ts: i64, wall: i64) -> &'static str {
    let is_right_in =
        |us: i64| ts.checked_mul(us).is_some_and(|ts| (earliest(wall)..=latest(wall)).contains(&ts));
    if is_right_in(1_000) {
        "their ts looks like milliseconds: it has to be in microseconds"
    } else if is_right_in(1_000_000) {
        "their ts looks like seconds: it has to be in microseconds"
    } else {
        CLOCK_ADVICE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_790_000_000_000_000;

    #[test]
    fn a_time_is_believed_from_400_days_ago_to_5_s_ahead() {
        assert_eq!(latest(NOW), NOW + 5_000_000);
        assert_eq!(earliest(NOW), NOW - 34_560_000_000_000);
    }

    #[test]
    fn the_unit_is_named_in_which_the_time_would_be_believed() {
        let unit = |ts| advice(ts, NOW).split_whitespace().nth(4).unwrap_or_default().trim_end_matches(':');
        assert_eq!(unit(NOW / 1_000), "milliseconds");
        assert_eq!(unit(NOW / 1_000_000), "seconds");
        assert_eq!(unit(earliest(NOW) / 1_000), "milliseconds");
        for other in [earliest(NOW) / 1_000 - 1, latest(NOW) / 1_000 + 1, 1, NOW / 2, earliest(NOW) - 1] {
            assert_eq!(advice(other, NOW), CLOCK_ADVICE, "{other}");
        }
        assert_eq!(advice(i64::MAX, NOW), CLOCK_ADVICE);
    }
}
