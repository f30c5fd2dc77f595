"""Times as text."""

SECOND_US = 1_000_000
DAY_S = 86_400


def timestamp(us: int) -> str:
    """`YYYY-MM-DDTHH:MM:SS.ffffffZ` of µs since the Unix epoch; the last window may end in the year 10000."""
    seconds, micros = divmod(us, SECOND_US)
    days, rest = divmod(seconds, DAY_S)
    year, month, day = _civil(days)
    hour, minute, second = rest // 3600, rest // 60 % 60, rest % 60
    return f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z"


def _civil(days: int) -> tuple[int, int, int]:
    """Year, month and day of a number of days since 1970-01-01 in the Gregorian calendar.

    Years are counted from March, in eras of 400 years, so that the leap day comes last.
    """
    era, day_of_era = divmod(days + 719_468, 146_097)
    year_of_era = (day_of_era - day_of_era // 1_460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    month_from_march = (5 * day_of_year + 2) // 153
    day = day_of_year - (153 * month_from_march + 2) // 5 + 1
    month = month_from_march + 3 if month_from_march < 10 else month_from_march - 9
    return era * 400 + year_of_era + (month <= 2), month, day
