//! The hash `seclyzer:stats:<kind>`: what an extractor is, and what it has done so far.

use crate::counters::Counters;
use crate::store::StoreStats;
use crate::{IMPLEMENTATION, VERSION};

/// What the service around the core knows.
#[derive(Debug)]
pub struct Facts<'a> {
    /// When the process started, in µs since the Unix epoch.
    pub started_at: i64,
    /// The stream entry read last.
    pub last_id: &'a str,
    /// How often Redis had to be connected to anew.
    pub redis_reconnects: u64,
    /// How often the stream was trimmed before it was read.
    pub gaps: u64,
    /// How often the stream was made anew.
    pub streams_reset: u64,
    /// Entries taken out of the stream because it was too large.
    pub entries_trimmed: u64,
    /// Texts that the output queue had no room for.
    pub outputs_dropped: u64,
    /// Commands that failed inside a transaction.
    pub output_errors: u64,
}

/// Names and values of the hash.
pub fn fields(counters: &Counters, store: &StoreStats, facts: &Facts<'_>) -> Vec<(&'static str, String)> {
    let mut fields = vec![
        ("implementation", IMPLEMENTATION.to_owned()),
        ("version", VERSION.to_owned()),
        ("pid", std::process::id().to_string()),
        ("started_at", facts.started_at.to_string()),
        ("last_id", facts.last_id.to_owned()),
    ];
    fields.extend(counters.named().map(|(name, value)| (name, value.to_string())));
    fields.extend([
        ("points_written", store.written.to_string()),
        ("points_spooled", store.spooled.to_string()),
        ("points_rejected", store.rejected.to_string()),
        ("points_dropped", store.dropped.to_string()),
        ("spool_bytes", store.spool_bytes.to_string()),
        ("redis_reconnects", facts.redis_reconnects.to_string()),
        ("influx_errors", store.errors.to_string()),
        ("gaps", facts.gaps.to_string()),
        ("streams_reset", facts.streams_reset.to_string()),
        ("entries_trimmed", facts.entries_trimmed.to_string()),
        ("outputs_dropped", facts.outputs_dropped.to_string()),
        ("output_errors", facts.output_errors.to_string()),
    ]);
    if let Some(refusal) = &store.refusal {
        let year = refusal.year.as_deref().unwrap_or("0");
        fields.extend([
            ("rejected_reason", refusal.reason.name().to_owned()),
            ("rejected_year", year.to_owned()),
        ]);
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_of_the_contract_is_there() {
        let facts = Facts {
            started_at: 5,
            last_id: "0-0",
            redis_reconnects: 1,
            gaps: 4,
            streams_reset: 5,
            entries_trimmed: 6,
            outputs_dropped: 2,
            output_errors: 3,
        };
        let fields = fields(&Counters::default(), &StoreStats::default(), &facts);
        let mut names: Vec<&str> = fields.iter().map(|(name, _)| *name).collect();
        names.sort_unstable();
        let mut expected: Vec<&str> = "implementation version pid started_at events malformed future ancient late behind dropped \
            sessions windows windows_short last_id last_event_ts last_window_ts points_written points_spooled \
            points_rejected points_dropped spool_bytes redis_reconnects influx_errors gaps \
            streams_reset entries_trimmed outputs_dropped output_errors"
            .split_whitespace()
            .collect();
        expected.sort_unstable();
        assert_eq!(names, expected);
        assert!(fields.iter().all(|(_, value)| !value.is_empty()));
    }
}
