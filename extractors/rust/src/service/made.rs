//! What the core has made and was not put out yet, and when it closed.

use std::time::Instant;

use crate::output::Record;

/// Records in order, and of the first of them when they closed.
#[derive(Debug, Default)]
pub struct Made {
    /// For the core to add to.
    pub records: Vec<Record>,
    closed_at: Vec<Instant>,
}

impl Made {
    /// When those closed that were added since the last call, by their `ts`.
    pub fn close(&mut self, at: impl FnMut(i64) -> Instant) {
        let added = self.records[self.closed_at.len()..].iter();
        self.closed_at.extend(added.map(|record| record.ts).map(at));
    }

    /// Each with when it closed; what that is not known of has closed now.
    pub fn closed(mut self) -> impl Iterator<Item = (Record, Instant)> {
        if self.closed_at.len() < self.records.len() {
            let now = Instant::now();
            self.close(|_| now);
        }
        self.records.into_iter().zip(self.closed_at)
    }
}
