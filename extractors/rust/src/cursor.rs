//! How far output has come: what makes a restart exact.
//!
//! The hash `seclyzer:cursor:<kind>` holds the end of the last window `published`, moved in the same transaction as
//! the window's output, and of the last one `stored`, moved when InfluxDB has answered or the spool has it. After a restart the stream is
//! read again from its start, and what lies at or before them is not put out a second time.

use std::collections::VecDeque;

use crate::output::Record;
use crate::plausible;

/// What the last run had done, and what of this run waits for InfluxDB.
#[derive(Debug, Default)]
pub struct Cursor {
    published: Option<i64>,
    stored: Option<i64>,
    waiting: VecDeque<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    sequence: u64,
    ts: i64,
    /// Kept for applications, whose stream is not read again.
    record: Option<Record>,
}

impl Cursor {
    /// From the values of the hash; those ahead of the clock at `now` are ignored.
    pub fn new(published: Option<i64>, stored: Option<i64>, now: i64) -> Cursor {
        let believed = |ts: &i64| *ts <= plausible::latest_saved(now);
        Cursor {
            published: published.filter(believed),
            stored: stored.filter(believed),
            waiting: VecDeque::new(),
        }
    }

    /// Whether a record of time `ts` is still to be published.
    pub fn wants_published(&self, ts: i64) -> bool {
        self.published.is_none_or(|published| ts > published)
    }

    /// What `published` becomes when everything up to `ts` has been put out: it does not move back behind what the
    /// last run had done.
    pub fn published_through(&self, ts: Option<i64>) -> Option<i64> {
        ts.map(|ts| self.published.map_or(ts, |published| published.max(ts)))
    }

    /// Whether a record of time `ts` is still to be stored.
    pub fn wants_stored(&self, ts: i64) -> bool {
        self.stored.is_none_or(|stored| ts > stored)
    }

    /// Everything from now on is new: the clock was set back after all that the last run left had been read.
    pub fn forget_last_run(&mut self) {
        self.published = None;
        self.stored = None;
    }

    /// A point was handed to the store under this number; numbers rise.
    pub fn handed_over(&mut self, sequence: u64, ts: i64, record: Option<Record>) {
        self.waiting.push_back(Waiting { sequence, ts, record });
    }

    /// The store has settled all points up to this number. The `stored` to write, if it moved.
    pub fn stored_through(&mut self, sequence: u64) -> Option<i64> {
        let mut stored = None;
        while self.waiting.front().is_some_and(|first| first.sequence <= sequence) {
            stored = self.waiting.pop_front().map(|first| first.ts);
        }
        stored
    }

    /// The records that were kept and are not answered yet.
    pub fn unanswered(&self) -> impl Iterator<Item = &Record> {
        self.waiting.iter().filter_map(|waiting| waiting.record.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_lies_after_the_cursor_is_put_out() {
        let cursor = Cursor::new(Some(100), Some(50), 1_000);
        assert!(!cursor.wants_published(100) && cursor.wants_published(101));
        assert!(!cursor.wants_stored(50) && cursor.wants_stored(51));
        let fresh = Cursor::new(None, None, 1_000);
        assert!(fresh.wants_published(1) && fresh.wants_stored(1));
    }

    #[test]
    fn what_is_read_again_does_not_move_published_back() {
        let mut cursor = Cursor::new(Some(100), None, 1_000);
        assert_eq!(
            [Some(90), Some(110), None].map(|ts| cursor.published_through(ts)),
            [Some(100), Some(110), None]
        );
        cursor.forget_last_run();
        assert_eq!(cursor.published_through(Some(90)), Some(90));
    }

    #[test]
    fn a_cursor_from_before_the_clock_was_set_back_is_ignored() {
        let now = 1_000_000_000;
        assert!(!Cursor::new(Some(plausible::latest_saved(now)), None, now).wants_published(now));
        assert!(Cursor::new(Some(plausible::latest_saved(now) + 1), None, now).wants_published(now));
    }

    #[test]
    fn stored_moves_with_the_answers() {
        let mut cursor = Cursor::new(None, None, 0);
        for (sequence, ts) in [(1, 500), (2, 1000), (3, 1500)] {
            cursor.handed_over(sequence, ts, Some(Record { ts, values: vec![] }));
        }
        assert_eq!(cursor.stored_through(0), None);
        assert_eq!(cursor.stored_through(2), Some(1000));
        assert_eq!(cursor.unanswered().map(|record| record.ts).collect::<Vec<_>>(), [1500]);
        assert_eq!(cursor.stored_through(2), None);
    }
}
