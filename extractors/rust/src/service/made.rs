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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_record_closes_once_and_none_is_left_out() {
        let epoch = Instant::now();
        let at = |ts| epoch + Duration::from_secs(ts);
        let mut made = Made::default();
        for (ts, known) in [(1, true), (2, true), (3, false)] {
            made.records.push(Record { ts, values: Vec::new() });
            if known {
                made.close(|ts| at(ts.unsigned_abs()));
            }
        }
        let closed: Vec<_> = made.closed().map(|(record, closed_at)| (record.ts, closed_at)).collect();
        assert_eq!(closed[..2], [(1, at(1)), (2, at(2))]);
        assert!(closed.len() == 3 && closed[2].0 == 3 && closed[2].1 < at(1));
    }
}
