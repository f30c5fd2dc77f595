//! Times as texts: ISO 8601, UTC, to the µs.

use std::time::{SystemTime, UNIX_EPOCH};

/// The host's clock, in µs since the Unix epoch.
pub fn wall_us() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX)
}

/// `YYYY-MM-DDTHH:MM:SS.ffffffZ`, from µs since the Unix epoch.
pub fn timestamp(ts: i64) -> String {
    let (seconds, us) = (ts.div_euclid(1_000_000), ts.rem_euclid(1_000_000));
    let (year, month, day) = civil_date(seconds.div_euclid(86_400));
    let second_of_day = seconds.rem_euclid(86_400);
    let (hour, minute, second) = (second_of_day / 3600, second_of_day / 60 % 60, second_of_day % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{us:06}Z")
}

/// Year, month and day of a number of days since 1970-01-01, in years that begin in March so that the leap day is
/// their last one.
fn civil_date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_are_utc_with_microseconds() {
        assert_eq!(timestamp(0), "1970-01-01T00:00:00.000000Z");
        assert_eq!(timestamp(951_827_696_789_000), "2000-02-29T12:34:56.789000Z");
        assert_eq!(timestamp(4_107_542_399_999_999), "2100-02-28T23:59:59.999999Z");
        assert_eq!(timestamp(4_107_542_400_000_000), "2100-03-01T00:00:00.000000Z");
        assert_eq!(timestamp(253_402_300_799_999_999), "9999-12-31T23:59:59.999999Z");
        assert_eq!(timestamp(253_402_300_800_000_000), "10000-01-01T00:00:00.000000Z");
    }
}
