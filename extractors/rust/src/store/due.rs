//! When points are sent, and when they go to disk: pure functions of times.

use std::time::{Duration, Instant};

use super::memory_buffer;
use crate::waits::{BATCH, PROVE_EVERY};

/// How many points go into one write at most.
pub const LARGEST_BATCH: usize = 5000;
/// A point waits in memory no longer than half of what the stream keeps: behind that it could not be made again.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// What the decision hangs on.
#[derive(Clone, Copy, Debug)]
pub struct Situation {
    /// Now.
    pub now: Instant,
    /// How many points wait in memory.
    pub points: usize,
    /// Since when the oldest of them waits.
    pub oldest: Option<Instant>,
    /// When InfluxDB last settled points.
    pub last_answer: Option<Instant>,
    /// When it was asked last, or the process began.
    pub last_request: Instant,
    /// All has gone to disk for its silence, and it is still silent.
    pub away: bool,
    /// The last attempt failed. Points that were not sent yet have not been refused an answer.
    pub failing: bool,
    /// The spool holds points.
    pub spooled: bool,
    /// InfluxDB is not to be asked before.
    pub next_try: Option<Instant>,
    /// The spool is not to be written to before; none when there is no spool.
    pub next_put: Option<Instant>,
    /// How long InfluxDB may be silent.
    pub timeout: Duration,
}

impl Situation {
    /// InfluxDB has been silent for so long that everything goes to disk.
    pub fn is_silent(&self) -> bool {
        self.failing && self.oldest.is_some_and(|oldest| self.silent_at(oldest) <= self.now)
    }

    fn silent_at(&self, oldest: Instant) -> Instant {
        self.last_answer.map_or(oldest, |last| last.max(oldest)) + self.timeout
    }

    /// When what is in memory goes to disk, were nothing to happen; none for never.
    pub fn put_at(&self) -> Option<Instant> {
        let (oldest, next_put) = (self.oldest?, self.next_put?);
        let due = if self.points >= memory_buffer::MOST {
            self.now
        } else if self.away {
            oldest + BATCH
        } else if self.failing {
            self.silent_at(oldest).min(oldest + LONGEST_WAIT)
        } else {
            oldest + LONGEST_WAIT
        };
        Some(due.max(next_put))
    }

    /// When InfluxDB is asked, were nothing to happen; none for never. What is on disk goes first.
    pub fn send_at(&self) -> Option<Instant> {
        let ripe = if self.spooled || self.points >= LARGEST_BATCH { self.now } else { self.oldest? + BATCH };
        Some(self.next_try.map_or(ripe, |next| ripe.max(next)))
    }

    /// When InfluxDB is asked whether it would take points, if there is none to send.
    pub fn prove_at(&self) -> Instant {
        self.next_try.unwrap_or(self.last_request + PROVE_EVERY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    /// One point, `waited` s old, InfluxDB never heard of, a spool that may be written to.
    fn one(waited: u32) -> (Situation, Instant) {
        let start = Instant::now();
        let situation = Situation {
            now: start + waited * S,
            points: 1,
            oldest: Some(start),
            last_answer: None,
            last_request: start,
            away: false,
            failing: true,
            spooled: false,
            next_try: None,
            next_put: Some(start),
            timeout: 10 * S,
        };
        (situation, start)
    }

    #[test]
    fn a_point_is_sent_after_a_second_and_goes_to_disk_after_ten() {
        let (one, start) = one(0);
        assert_eq!((one.send_at(), one.put_at()), (Some(start + S), Some(start + 10 * S)));
        let nothing = Situation { points: 0, oldest: None, ..one };
        assert_eq!((nothing.send_at(), nothing.put_at()), (None, None));
        let full_batch = Situation { points: LARGEST_BATCH, ..one };
        assert_eq!(full_batch.send_at(), Some(start));
    }

    #[test]
    fn silence_counts_from_the_last_answer() {
        let (one, start) = one(12);
        assert!(one.is_silent());
        let answered = Situation { last_answer: Some(start + 5 * S), ..one };
        assert!(!answered.is_silent());
        assert_eq!(answered.put_at(), Some(start + 15 * S));
    }

    #[test]
    fn a_point_waits_a_minute_at_most_while_others_are_answered() {
        let (one, start) = one(55);
        let busy = Situation { last_answer: Some(start + 54 * S), spooled: true, ..one };
        assert_eq!(busy.put_at(), Some(start + 60 * S));
        assert_eq!(busy.send_at(), Some(start + 55 * S));
    }

    #[test]
    fn who_was_not_asked_yet_is_not_silent() {
        let (one, start) = one(12);
        let unasked = Situation { failing: false, ..one };
        assert!(!unasked.is_silent());
        assert_eq!((unasked.send_at(), unasked.put_at()), (Some(start + S), Some(start + 60 * S)));
    }

    #[test]
    fn while_influxdb_is_away_points_wait_for_their_batch_only() {
        let (one, start) = one(0);
        assert_eq!(Situation { away: true, ..one }.put_at(), Some(start + S));
    }

    #[test]
    fn a_full_memory_goes_to_disk_at_once() {
        let (one, start) = one(3);
        let full = Situation { points: memory_buffer::MOST, ..one };
        assert_eq!(full.put_at(), Some(start + 3 * S));
        let failing = Situation { next_put: Some(start + 9 * S), ..full };
        assert_eq!(failing.put_at(), Some(start + 9 * S));
        assert_eq!(Situation { next_put: None, ..full }.put_at(), None);
    }

    #[test]
    fn who_was_asked_nothing_for_a_minute_is_asked_to_prove_itself() {
        let (one, start) = one(3);
        assert_eq!(one.prove_at(), start + 60 * S);
        let failing = Situation { next_try: Some(start + 7 * S), ..one };
        assert_eq!(failing.prove_at(), start + 7 * S);
    }

    #[test]
    fn pauses_are_kept() {
        let (one, start) = one(3);
        let paused = Situation { next_try: Some(start + 30 * S), ..one };
        assert_eq!(paused.send_at(), Some(start + 30 * S));
        assert_eq!(Situation { spooled: true, ..paused }.send_at(), Some(start + 30 * S));
    }
}
