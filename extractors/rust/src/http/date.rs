//! `Retry-After`: seconds, or a date in one of HTTP's three forms.

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// How many seconds are asked for, when it is `now` (in s since the Unix epoch). None when it is not understood.
pub fn retry_after(value: &str, now: i64) -> Option<u64> {
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // Digits that are too many mean very long.
        return Some(value.parse().unwrap_or(u64::MAX));
    }
    let seconds = date(value)?.saturating_sub(now);
    Some(u64::try_from(seconds).unwrap_or(0))
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT` or `Sun Nov  6 08:49:37 1994`.
fn date(text: &str) -> Option<i64> {
    let words: Vec<&str> = text.split([' ', ',', '-']).filter(|word| !word.is_empty()).collect();
    let (day, month, year, time) = match words.as_slice() {
        [_, day, month, year, time, "GMT"] => (day, month, year, time),
        [_, month, day, time, year] => (day, month, year, time),
        _ => return None,
    };
    let month = MONTHS.iter().position(|name| name == month)? as i64 + 1;
    let year = match (number(year)?, year.len()) {
        // Of two digits: this century, as long as nobody meets the dates of the last one any more.
        (year, 2) => 2000 + year,
        (year, _) => year,
    };
    let day = number(day).filter(|day| (1..=31).contains(day))?;
    let mut parts = time.split(':').map(number);
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next()??);
    (parts.next().is_none() && hour < 24 && minute < 60 && second <= 60)
        .then(|| ((days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second)
}

/// A whole number of at most four digits.
fn number(text: &str) -> Option<i64> {
    let plain = (1..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| plain)
}

/// Days since 1970-01-01 in the Gregorian calendar. The year is taken to begin in March.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1994-11-06T08:49:37Z.
    const THEN: i64 = 784_111_777;

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
