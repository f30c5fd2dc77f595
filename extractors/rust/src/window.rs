//! Stream time and windows: pure functions of times, all in whole µs.
//!
//! Windows end at every multiple of `interval` of Unix time and cover `(end - window, end]`. A window is closed as
//! soon as stream time is past `end + lateness`.

/// The shape of the windows, in µs: `0 < interval <= window`, `lateness >= 0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Windows {
    /// From one window's end to the next.
    pub interval: i64,
    /// How far back a window reaches.
    pub window: i64,
    /// How long a window waits for events that are late.
    pub lateness: i64,
}

impl Windows {
    /// The end of the first window that holds an event of time `ts`.
    pub fn first_end(&self, ts: i64) -> i64 {
        -(-ts).div_euclid(self.interval) * self.interval
    }

    /// The end of the last window that holds an event of time `ts`.
    pub fn last_end(&self, ts: i64) -> i64 {
        (ts + self.window - 1).div_euclid(self.interval) * self.interval
    }

    /// The largest end of which `end + lateness` is before stream time `now`.
    pub fn closed_through(&self, now: i64) -> i64 {
        (now - self.lateness - 1).div_euclid(self.interval) * self.interval
    }

    /// The stream time at which the window that ends at `end` is closed.
    pub fn due(&self, end: i64) -> i64 {
        end + self.lateness + 1
    }

    /// An event at or before this is held by no window after the one that ends at `closed`.
    pub fn useless_through(&self, closed: i64) -> i64 {
        closed + self.interval - self.window
    }
}

/// Stream time: the largest `ts` seen plus the real time that has been counted since it was seen, less the idle timeout. So
/// while events come, only their own times move it: a producer that lags makes nothing late.
///
/// Real time is a monotonic clock's µs, and counts only while it runs: the owner [stops](StreamClock::stop) it when a
/// read failed or is overdue, and [starts](StreamClock::start) it when all there was has been read. In a replay it
/// never runs.
#[derive(Clone, Debug)]
pub struct StreamClock {
    idle_timeout: i64,
    largest: Option<i64>,
    counted: i64,
    /// Up to where real time has been counted; none while it stands still.
    anchor: Option<i64>,
}

impl StreamClock {
    /// One that has seen nothing, and that real time moves when no event with a larger `ts` came for so long (µs).
    pub fn new(idle_timeout: i64) -> StreamClock {
        StreamClock { idle_timeout, largest: None, counted: 0, anchor: None }
    }

    /// Stream time now; none before the first event.
    pub fn now(&self) -> Option<i64> {
        self.largest.map(|largest| largest + (self.counted - self.idle_timeout).max(0))
    }

    /// The largest `ts` seen.
    pub fn largest(&self) -> Option<i64> {
        self.largest
    }

    /// An event of time `ts` was seen at `real`.
    pub fn see(&mut self, ts: i64, real: Option<i64>) {
        if self.largest.is_none_or(|largest| ts > largest) {
            self.set(ts, real);
        }
    }

    /// Starts anew with an event of time `ts`: a new session.
    pub fn set(&mut self, ts: i64, real: Option<i64>) {
        self.largest = Some(ts);
        self.counted = 0;
        if self.anchor.is_some() {
            self.anchor = real;
        }
    }

    /// Whether real time counts.
    pub fn is_running(&self) -> bool {
        self.anchor.is_some()
    }

    /// Real time counts from `real` on, if it did not yet.
    pub fn start(&mut self, real: i64) {
        self.anchor.get_or_insert(real);
    }

    /// Real time stands still.
    pub fn stop(&mut self) {
        self.anchor = None;
    }

    /// The `ts` of an event that comes at `real`, if its producer does not lag behind the last one; none while it stands
    /// still.
    pub fn soon(&self, real: i64) -> Option<i64> {
        Some(self.largest? + self.counted + (real - self.anchor?).max(0))
    }

    /// The real time at which an event of this `ts` may come, if its producer does not lag behind the last one; none while it
    /// stands still.
    pub fn real_soon(&self, ts: i64) -> Option<i64> {
        Some(self.anchor? + ts - self.largest? - self.counted)
    }

    /// The real time at which stream time will be `stream`, were no event to come; none while it stands still.
    pub fn real_at(&self, stream: i64) -> Option<i64> {
        let is_there = self.largest? >= stream;
        Some(self.real_soon(stream)? + if is_there { 0 } else { self.idle_timeout })
    }

    /// Counts the real time up to `real`, if it runs.
    pub fn run_to(&mut self, real: i64) {
        if let Some(anchor) = self.anchor.filter(|anchor| *anchor < real) {
            self.counted += real - anchor;
            self.anchor = Some(real);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const S: i64 = 1_000_000;
    const WINDOWS: Windows = Windows { interval: 5 * S, window: 30 * S, lateness: 250_000 };

    #[test]
    fn a_window_holds_its_end_and_not_its_start() {
        assert_eq!(WINDOWS.first_end(100 * S), 100 * S);
        assert_eq!(WINDOWS.first_end(100 * S + 1), 105 * S);
        assert_eq!(WINDOWS.last_end(100 * S), 125 * S);
        assert_eq!(WINDOWS.last_end(100 * S + 1), 130 * S);
    }

    #[test]
    fn a_window_is_closed_only_after_its_lateness() {
        assert_eq!(WINDOWS.closed_through(105 * S + 250_000), 100 * S);
        assert_eq!(WINDOWS.closed_through(105 * S + 250_001), 105 * S);
        assert_eq!(WINDOWS.due(105 * S), 105 * S + 250_001);
    }

    #[test]
    fn before_the_first_multiple_nothing_is_closed_that_could_hold_an_event() {
        assert!(WINDOWS.closed_through(1) < WINDOWS.first_end(1));
    }

    proptest! {
        #[test]
        fn the_ends_of_an_event_are_exactly_the_windows_that_hold_it(
            ts in 1..200_000_000i64, interval in 1..9_000i64, more in 0..40_000i64, k in 0..200_000i64,
        ) {
            let windows = Windows { interval: interval * 1000, window: (interval + more) * 1000, lateness: 0 };
            let end = k * windows.interval;
            let holds = ts <= end && end - windows.window < ts;
            prop_assert_eq!(holds, windows.first_end(ts) <= end && end <= windows.last_end(ts));
            prop_assert!(windows.first_end(ts) <= windows.last_end(ts));
        }

        #[test]
        fn due_is_the_first_moment_at_which_a_window_is_closed(end in 0..100_000i64, lateness in 0..3_000_000i64) {
            let windows = Windows { lateness, ..WINDOWS };
            let end = end * windows.interval;
            prop_assert!(windows.closed_through(windows.due(end)) >= end);
            prop_assert!(windows.closed_through(windows.due(end) - 1) < end);
        }
    }

    #[test]
    fn stream_time_is_the_largest_ts_while_no_real_time_runs() {
        let mut clock = StreamClock::new(0);
        assert_eq!(clock.now(), None);
        clock.see(50, None);
        clock.see(40, None);
        clock.run_to(1_000);
        assert_eq!(clock.now(), Some(50));
    }

    #[test]
    fn real_time_counts_from_the_idle_timeout_on_after_the_largest_ts_was_seen() {
        let mut clock = StreamClock::new(20);
        clock.start(100);
        clock.see(5_000, Some(150));
        clock.run_to(170);
        assert_eq!(
            (clock.now(), clock.real_at(5_001), clock.real_at(5_100)),
            (Some(5_000), Some(171), Some(270))
        );
        clock.run_to(180);
        assert_eq!((clock.now(), clock.real_at(5_100)), (Some(5_010), Some(270)));
        assert_eq!((clock.real_at(5_000), clock.real_at(4_990)), (Some(150), Some(140)), "it is there");
        assert_eq!(
            (clock.soon(250), clock.soon(179), clock.real_soon(5_100)),
            (Some(5_100), Some(5_030), Some(250))
        );
        clock.see(5_005, Some(180));
        assert_eq!((clock.now(), clock.real_at(5_100)), (Some(5_005), Some(295)));
    }

    #[test]
    fn a_stopped_clock_stands_still_until_it_is_started_again() {
        let mut clock = StreamClock::new(4);
        clock.start(0);
        clock.see(1_000, Some(0));
        clock.run_to(10);
        clock.stop();
        clock.run_to(500);
        assert_eq!((clock.now(), clock.real_at(2_000)), (Some(1_006), None));
        assert_eq!((clock.soon(600), clock.real_soon(2_000)), (None, None));
        clock.start(600);
        clock.run_to(605);
        assert_eq!(clock.now(), Some(1_011));
    }

    #[test]
    fn an_event_does_not_start_a_stopped_clock() {
        let mut clock = StreamClock::new(0);
        clock.see(1_000, Some(0));
        clock.run_to(50);
        assert_eq!(clock.now(), Some(1_000));
    }
}
