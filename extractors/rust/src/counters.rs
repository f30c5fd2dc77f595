//! What an extractor counts while it reads events.

use crate::json::Object;
use crate::{IMPLEMENTATION, VERSION};

/// The counters of the pure core; those of the live service stand in its stats.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Valid events of the own type, late ones too.
    pub events: u64,
    /// Messages that break a rule.
    pub malformed: u64,
    /// Events of the own type from too far ahead of the host's clock.
    pub future: u64,
    /// Events of the own type from too long before the host's clock.
    pub ancient: u64,
    /// Events that fit closed windows only; of applications those that came after one with a later `ts` was taken.
    pub late: u64,
    /// Events that missed a closed window, and were used for an open one.
    pub behind: u64,
    /// Events that a full buffer had no room for.
    pub dropped: u64,
    /// How often time was set back.
    pub sessions: u64,
    /// Windows that were put out; transitions of applications.
    pub windows: u64,
    /// Windows closed with events, but too few.
    pub windows_short: u64,
    /// The `ts` of the event counted last, in µs; 0 when there was none.
    pub last_event_ts: i64,
    /// The end of the window put out last, in µs; 0 when there was none.
    pub last_window_ts: i64,
}

impl Counters {
    /// Names and values, in the order in which they are written.
    pub fn named(&self) -> [(&'static str, i64); 12] {
        let count = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        [
            ("events", count(self.events)),
            ("malformed", count(self.malformed)),
            ("future", count(self.future)),
            ("ancient", count(self.ancient)),
            ("late", count(self.late)),
            ("behind", count(self.behind)),
            ("dropped", count(self.dropped)),
            ("sessions", count(self.sessions)),
            ("windows", count(self.windows)),
            ("windows_short", count(self.windows_short)),
            ("last_event_ts", self.last_event_ts),
            ("last_window_ts", self.last_window_ts),
        ]
    }

    /// One JSON object, for `--stats`.
    pub fn json(&self) -> String {
        let mut object = Object::new();
        object.text("implementation", IMPLEMENTATION).text("version", VERSION);
        for (name, value) in self.named() {
            object.integer(name, value);
        }
        object.finish()
    }
}
