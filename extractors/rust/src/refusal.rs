//! Why InfluxDB refused points, in words of this project: InfluxDB's own quote lines and series, which name
//! applications.

use crate::output::line_ts;
use crate::timestamp::timestamp;

/// What is known to speak against a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It is older than the bucket keeps points.
    BeyondRetention,
    /// The bucket has a field of that name and another type.
    FieldType,
    /// One point is more than a request may be.
    TooLarge,
    /// It is no line protocol.
    Unreadable,
    /// Anything else.
    Other,
}

impl Reason {
    /// By the status, and the words of the answer.
    pub fn of(status: u16, message: &str) -> Reason {
        match status {
            _ if message.contains("retention policy") => Reason::BeyondRetention,
            _ if message.contains("field type conflict") => Reason::FieldType,
            400 => Reason::Unreadable,
            413 => Reason::TooLarge,
            _ => Reason::Other,
        }
    }

    /// Its name in the stats hash.
    pub fn name(self) -> &'static str {
        match self {
            Reason::BeyondRetention => "beyond_retention",
            Reason::FieldType => "field_type",
            Reason::TooLarge => "too_large",
            Reason::Unreadable => "unreadable",
            Reason::Other => "other",
        }
    }

    /// Its words in the log.
    pub fn words(self) -> &'static str {
        match self {
            Reason::BeyondRetention => "beyond the retention of the bucket",
            Reason::FieldType => "a field has another type in the bucket",
            Reason::TooLarge => "a single point is too large",
            Reason::Unreadable => "not readable as line protocol",
            Reason::Other => "InfluxDB's answer has no known reason",
        }
    }
}

/// The last one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The status of the answer.
    pub status: u16,
    /// Why.
    pub reason: Reason,
    /// The year (UTC) of the oldest point; none when no time is readable.
    pub year: Option<i64>,
}

impl Refusal {
    /// What an answer to these lines means.
    pub fn new(status: u16, reason: Reason, lines: &[&[u8]]) -> Refusal {
        Refusal { status, reason, year: oldest_year(lines) }
    }
}

/// The year (UTC) of the oldest of lines, whose times are µs.
fn oldest_year(lines: &[&[u8]]) -> Option<i64> {
    let oldest = lines.iter().filter_map(|line| line_ts(line)).min()?;
    timestamp(oldest).split('-').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_phrases_and_statuses_have_a_reason() {
        let beyond =
            "failure writing points to database: partial write: points beyond retention policy dropped=1";
        assert_eq!(Reason::of(422, beyond), Reason::BeyondRetention);
        let conflict =
            "partial write: field type conflict: input field \"x\" on measurement \"Firefox\" dropped=1";
        assert_eq!(Reason::of(422, conflict), Reason::FieldType);
        assert_eq!(Reason::of(400, "unable to parse 'Firefox'"), Reason::Unreadable);
        assert_eq!(Reason::of(413, ""), Reason::TooLarge);
        assert_eq!(Reason::of(422, "?"), Reason::Other);
    }

    #[test]
    fn the_oldest_time_gives_the_year() {
        let lines: [&[u8]; 4] = [b"a b=1 1700000000000000", b"a b=1 5000000", b"a b=1", b"\xff"];
        assert_eq!(oldest_year(&lines), Some(1970));
        assert_eq!(oldest_year(&lines[..1]), Some(2023));
        assert_eq!(oldest_year(&lines[2..]), None);
        assert_eq!(oldest_year(&[b"a 99999999999999999999"]), None);
    }
}
