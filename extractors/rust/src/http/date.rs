//! `Retry-After`: seconds, or a date in one of HTTP's three forms.

use std::time::{Duration, UNIX_EPOCH};

/// How many seconds are required, when it is `now` (in s since the Unix epoch). None when it is not understood.
pub fn retry_after(value: &str, now: u64) -> Option<u64> {
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // Digits that are too many mean very long.
        return Some(value.parse().unwrap_or(u64::MAX));
    }
    let until = httpdate::parse_http_date(value).ok()?;
    let left = until.duration_since(UNIX_EPOCH + Duration::from_secs(now));
    Some(left.map_or(0, |left| left.as_secs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1994-11-06T08:49:37Z.
    const THEN: u64 = 784_111_777;

    #[test]
    fn seconds_are_taken_as_they_are() {
        assert_eq!(retry_after("120", THEN), Some(120));
        assert_eq!(retry_after("0", THEN), Some(0));
        assert_eq!(retry_after("99999999999999999999999", THEN), Some(u64::MAX));
    }

    #[test]
    fn dates_are_counted_from_now() {
        for text in ["Sun, 06 Nov 1994 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"] {
            assert_eq!(retry_after(text, THEN - 90), Some(90), "{text}");
            assert_eq!(retry_after(text, THEN + 90), Some(0), "{text}");
        }
        assert_eq!(retry_after("Monday, 23-Nov-26 17:00:00 GMT", 1_795_453_200 - 7), Some(7));
        assert_eq!(retry_after("Thu, 29 Feb 2024 00:00:00 GMT", 1_709_164_800), Some(0));
        assert_eq!(retry_after("Fri, 01 Mar 2024 00:00:01 GMT", 1_709_251_200), Some(1));
    }

    #[test]
    fn what_is_neither_is_not_understood() {
        for text in [
            "",
            "-1",
            "1.5",
            "soon",
            "Sun, 06 Nov 1994",
            "Sun, 06 Nov 1994 25:00:00 GMT",
            "Sun, 06 Nov 1994 08:49:37 CET",
            "Sun, 32 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nob 1994 08:49:37 GMT",
            "Sun, 06 Nov 99999999999 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49 GMT",
            "Sun, 06 Nov 1994 +8:49:37 GMT",
        ] {
            assert_eq!(retry_after(text, THEN), None, "{text}");
        }
    }
}
