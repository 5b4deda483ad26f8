//! Unix seconds as a date.

/// Seconds of the last moment that RFC 3339 has four digits of year for.
const LAST_SECOND: i64 = 253_402_300_799;
/// Seconds of the first one, in the year 0.
const FIRST_SECOND: i64 = -62_167_219_200;

/// `2024-02-29T12:34:56Z`; `None` outside the years 0 to 9999.
pub(crate) fn rfc3339(seconds: i64) -> Option<String> {
    if !(FIRST_SECOND..=LAST_SECOND).contains(&seconds) {
        return None;
    }
    let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = date(days);
    let (hour, minute, second) = (rest / 3_600, rest / 60 % 60, rest % 60);
    Some(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"))
}

/// The proleptic Gregorian date of a day counted from 1970-01-01. Years begin in March here, so that the day that may
/// be missing is the last one, and repeat every 400 years.
fn date(days: i64) -> (i64, i64, i64) {
    const DAYS_IN_400_YEARS: i64 = 146_097;
    let days = days + 719_468; // From 0000-03-01.
    let (era, day) = (days.div_euclid(DAYS_IN_400_YEARS), days.rem_euclid(DAYS_IN_400_YEARS));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * month + 2) / 5 + 1;
    let (month, next_year) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + next_year, month, day_of_month)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_dates() {
        let table = [
            (0, "1970-01-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_709_210_096, "2024-02-29T12:34:56Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (4_107_456_000, "2100-02-28T00:00:00Z"),
            (LAST_SECOND, "9999-12-31T23:59:59Z"),
            (FIRST_SECOND, "0000-01-01T00:00:00Z"),
        ];
        for (seconds, text) in table {
            assert_eq!(rfc3339(seconds).as_deref(), Some(text));
        }
        assert_eq!(rfc3339(LAST_SECOND + 1), None);
        assert_eq!(rfc3339(FIRST_SECOND - 1), None);
    }
}
