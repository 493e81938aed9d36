//! Dates as integers: days since 1970-01-01, microseconds since its midnight, and their text. Proleptic Gregorian.

/// Microseconds of a day.
pub const DAY: i64 = 86_400_000_000;

/// A day of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Civil {
    /// The year, astronomical: 0 is 1 BC.
    pub year: i64,
    /// From 1.
    pub month: i64,
    /// From 1.
    pub day: i64,
}

/// The calendar day of a day number (Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`).
pub fn civil(days: i64) -> Civil {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * of_year + 2) / 153;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    Civil {
        year: year_of_era + era * 400 + i64::from(month <= 2),
        month,
        day: of_year - (153 * march_month + 2) / 5 + 1,
    }
}

/// The day number of a calendar day that exists (`days_from_civil` of the same paper).
pub fn days(day: Civil) -> i64 {
    let year = day.year - i64::from(day.month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let march_month = (day.month + 9) % 12;
    let of_year = (153 * march_month + 2) / 5 + day.day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year - 719_468
}

/// Day 1 to 366 of its year.
pub fn day_of_year(number: i64) -> i64 {
    let year = civil(number).year;
    number - days(Civil { year, month: 1, day: 1 }) + 1
}

/// Monday is 1, Sunday 7. (1970-01-01 was a Thursday.)
pub fn weekday(days: i64) -> i64 {
    (days + 3).rem_euclid(7) + 1
}

/// The week of its year by ISO 8601, 1 to 53: weeks start on Monday, and a week is of the year that its Thursday is in.
pub fn week(number: i64) -> i64 {
    let thursday = number - weekday(number) + 4;
    (day_of_year(thursday) - 1) / 7 + 1
}

/// How many days its month has.
pub fn days_in_month(number: i64) -> i64 {
    let Civil { year, month, .. } = civil(number);
    let next =
        if month == 12 { Civil { year: year + 1, month: 1, day: 1 } } else { Civil { year, month: month + 1, day: 1 } };
    days(next) - days(Civil { year, month, day: 1 })
}

/// The midnight a date starts with, in microseconds, if those fit.
pub fn midnight(days: i32) -> Option<i64> {
    i64::from(days).checked_mul(DAY)
}

/// The day a moment is in.
pub fn day_of(micros: i64) -> i64 {
    micros.div_euclid(DAY)
}

/// `2024-01-31`.
pub fn date_text(days: i64) -> String {
    let Civil { year, month, day } = civil(days);
    let sign = if year < 0 { "-" } else { "" };
    format!("{sign}{:04}-{month:02}-{day:02}", year.abs())
}

/// `2024-01-31T12:30:00Z`, with a fraction if there is one.
pub fn moment_text(micros: i64) -> String {
    let of_day = micros.rem_euclid(DAY);
    let seconds = of_day / 1_000_000;
    let fraction = match of_day % 1_000_000 {
        0 => String::new(),
        fraction => format!(".{fraction:06}").trim_end_matches('0').to_owned(),
    };
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{}T{hour:02}:{minute:02}:{second:02}{fraction}Z", date_text(day_of(micros)))
}

/// Reads `2024-01-31` fully, blanks around it aside.
pub fn read_date(text: &str) -> Option<i32> {
    let mut rest = text.trim().as_bytes();
    let days = take_date(&mut rest)?;
    rest.is_empty().then_some(days)
}

/// Reads `2024-01-31`, `2024-01-31 12:30`, `2024-01-31T12:30:00.25Z` or with an offset (`+02:00`) fully.
/// Digits after the sixth of a fraction are cut off.
pub fn read_moment(text: &str) -> Option<i64> {
    let mut rest = text.trim().as_bytes();
    let midnight = midnight(take_date(&mut rest)?)?;
    if rest.is_empty() {
        return Some(midnight);
    }
    if !take(&mut rest, b"Tt ") {
        return None;
    }
    let time = take_time(&mut rest)?;
    let offset = take_offset(&mut rest)?;
    rest.is_empty().then_some(midnight + time - offset)
}

fn take_date(rest: &mut &[u8]) -> Option<i32> {
    let year = digits(rest, 4)?;
    take(rest, b"-").then_some(())?;
    let month = digits(rest, 2)?;
    take(rest, b"-").then_some(())?;
    let day = Civil { year, month, day: digits(rest, 2)? };
    let number = days(day);
    // A day that doesn't exist comes back as another one.
    let exists = (1..=12).contains(&month) && civil(number) == day;
    exists.then_some(number)?.try_into().ok()
}

fn take_time(rest: &mut &[u8]) -> Option<i64> {
    let hour = digits(rest, 2)?;
    take(rest, b":").then_some(())?;
    let minute = digits(rest, 2)?;
    let second = if take(rest, b":") { digits(rest, 2)? } else { 0 };
    let fraction = if take(rest, b".") { take_fraction(rest)? } else { 0 };
    let fits = hour < 24 && minute < 60 && second < 60;
    fits.then_some(((hour * 60 + minute) * 60 + second) * 1_000_000 + fraction)
}

fn take_fraction(rest: &mut &[u8]) -> Option<i64> {
    let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if count == 0 {
        return None;
    }
    let micros = (0..6).fold(0, |sum, nth| {
        let digit = if nth < count { i64::from(rest[nth] - b'0') } else { 0 };
        sum * 10 + digit
    });
    *rest = &rest[count..];
    Some(micros)
}

fn take_offset(rest: &mut &[u8]) -> Option<i64> {
    if rest.is_empty() || take(rest, b"Zz") {
        return Some(0);
    }
    let sign = if take(rest, b"+") {
        1
    } else if take(rest, b"-") {
        -1
    } else {
        return None;
    };
    let hour = digits(rest, 2)?;
    let minute = if take(rest, b":") || !rest.is_empty() { digits(rest, 2)? } else { 0 };
    (hour < 24 && minute < 60).then_some(sign * (hour * 60 + minute) * 60_000_000)
}

fn take(rest: &mut &[u8], any: &[u8]) -> bool {
    let hit = rest.first().is_some_and(|byte| any.contains(byte));
    if hit {
        *rest = &rest[1..];
    }
    hit
}

fn digits(rest: &mut &[u8], count: usize) -> Option<i64> {
    let head = rest.get(..count)?;
    let number =
        head.iter().try_fold(0, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + i64::from(byte - b'0')))?;
    *rest = &rest[count..];
    Some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_calendar_are_inverse() {
        for number in (-3_000_000..3_000_000).step_by(379) {
            assert_eq!(days(civil(number)), number);
        }
        assert_eq!(date_text(19_753), "2024-01-31");
        assert_eq!((weekday(0), weekday(-4), weekday(3)), (4, 7, 7));
        assert_eq!(day_of_year(19_753), 31);
        // Of 2021-01-03, 2021-01-04, 2024-12-30 and 2026-12-31.
        assert_eq!([18_630, 18_631, 20_087, 20_818].map(week), [53, 1, 1, 53]);
        // Of 2000-02-01, 1900-02-28, 2024-12-31.
        assert_eq!([10_988, -25_509, 20_088].map(days_in_month), [29, 28, 31]);
        assert_eq!(civil(i64::from(i32::MIN)).year, -5_877_641);
    }

    #[test]
    fn text_reads_back() {
        assert_eq!(read_date("2024-02-30"), None);
        assert_eq!(read_date(" 1600-02-29 ").map(|day| date_text(day.into())), Some("1600-02-29".into()));
        let moment = read_moment("2024-01-31 12:30:00.2500009+02:00").expect("a moment");
        assert_eq!(moment_text(moment), "2024-01-31T10:30:00.25Z");
        assert_eq!(read_moment("2024-01-31"), read_moment("2024-01-31T00:00"));
        assert_eq!(read_moment("2024-01-31T25:00"), None);
    }
}
