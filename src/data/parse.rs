//! How the text of a cell is read as a value of a type, and which type fits the texts of a column.

use super::{Kind, Value};

/// The value of a cell's text. `None` if it isn't one of that type.
pub fn cell(text: &str, kind: Kind) -> Option<Value> {
    let text = if kind.is_string() { text } else { text.trim() };
    Some(match kind {
        Kind::Float if is_no_number(text) => Value::Null,
        Kind::Int => Value::Int(text.parse().ok()?),
        Kind::Float => Value::Float(float(text)?),
        Kind::Bool => match text {
            "true" | "True" | "TRUE" => Value::Bool(true),
            "false" | "False" | "FALSE" => Value::Bool(false),
            _ => return None,
        },
        Kind::Str | Kind::Category | Kind::Text => Value::str(text),
        Kind::Date => Value::Date(date(text)?),
        Kind::Datetime => Value::Datetime(datetime(text)?),
        Kind::Duration => Value::Duration(duration(text)?),
    })
}

/// The type that all these texts have; `category` if none other has, or if there are none.
pub fn infer<'a>(texts: impl Iterator<Item = &'a str>) -> Kind {
    let mut candidates = vec![Kind::Int, Kind::Float, Kind::Bool, Kind::Date, Kind::Datetime];
    let mut any = false;
    for text in texts {
        if is_no_number(text.trim()) {
            candidates.retain(|kind| *kind == Kind::Float);
        } else {
            any = true;
            candidates.retain(|kind| cell(text, *kind).is_some());
            if is_long_number(text.trim()) {
                candidates.clear();
            }
        }
        if candidates.is_empty() {
            return Kind::Category;
        }
    }
    if any { candidates[0] } else { Kind::Category }
}

/// What programs write for a float that is none.
fn is_no_number(text: &str) -> bool {
    let plain = text.strip_prefix(['-', '+']).unwrap_or(text);
    ["nan", "inf", "infinity"].iter().any(|word| plain.eq_ignore_ascii_case(word))
}

/// Digits that no int holds: a float would make one of different numbers, and they are more likely names of things.
fn is_long_number(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<i64>().is_err()
}

fn float(text: &str) -> Option<f64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-'));
    text.parse().ok().filter(|number: &f64| plain && number.is_finite())
}

/// Days since 1970 of `2024-01-31`.
fn date(text: &str) -> Option<i32> {
    if text.len() != 10 {
        return None;
    }
    let day: jiff::civil::Date = text.parse().ok()?;
    let days = day.since(jiff::civil::date(1970, 1, 1)).ok()?.get_days();
    Some(days)
}

/// Microseconds since 1970 of `2024-01-31T12:00:00Z`; without an offset it is taken as UTC. A day alone is its midnight.
fn datetime(text: &str) -> Option<i64> {
    if let Some(days) = date(text) {
        return Some(i64::from(days) * 86_400_000_000);
    }
    if !text.as_bytes().get(10).is_some_and(|byte| matches!(byte, b'T' | b't' | b' ')) {
        return None;
    }
    if let Ok(moment) = text.parse::<jiff::Timestamp>() {
        return Some(moment.as_microsecond());
    }
    let civil: jiff::civil::DateTime = text.parse().ok()?;
    let zoned = civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(zoned.timestamp().as_microsecond())
}

/// Microseconds of `28d`, `12h`, `2w`, `30m`, `45s`, or of a number of seconds.
pub fn duration(text: &str) -> Option<i64> {
    let unit = text.chars().last()?;
    let seconds = match unit {
        'w' => 604_800,
        'd' => 86_400,
        'h' => 3_600,
        'm' => 60,
        's' => 1,
        _ => return float(text).map(|seconds| (seconds * 1e6) as i64),
    };
    let count: i64 = text[..text.len() - unit.len_utf8()].trim().parse().ok()?;
    count.checked_mul(seconds)?.checked_mul(1_000_000)
}

/// Microseconds of a span of time with its unit, above 0.
pub fn span(text: &str) -> Option<i64> {
    let has_unit = text.ends_with(|last: char| last.is_ascii_alphabetic());
    duration(text).filter(|span| has_unit && *span > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_has_the_narrowest_type_that_fits_all() {
        let infer = |texts: &[&str]| infer(texts.iter().copied());
        assert_eq!(infer(&["1", "-2"]), Kind::Int);
        assert_eq!(infer(&["1", "2.5", "1e3"]), Kind::Float);
        assert_eq!(infer(&["1", "x"]), Kind::Category);
        assert_eq!(infer(&["true", "false"]), Kind::Bool);
        assert_eq!(infer(&["2024-02-29"]), Kind::Date);
        assert_eq!(infer(&["2024-02-29", "2024-02-29T12:00:00Z"]), Kind::Datetime);
        assert_eq!(infer(&["2024-02-30"]), Kind::Category);
        assert_eq!(infer(&["nan", "inf"]), Kind::Category);
        assert_eq!(infer(&["1", "99999999999999999999"]), Kind::Category);
        assert_eq!(infer(&["1", "NaN", "-inf"]), Kind::Float);
        assert_eq!(infer(&[" 1", "2 "]), Kind::Int);
        assert_eq!(cell("NaN", Kind::Float), Some(Value::Null));
        assert_eq!(infer(&[]), Kind::Category);
    }

    #[test]
    fn moments_are_utc() {
        assert_eq!(datetime("1970-01-02T00:00:00Z"), Some(86_400_000_000));
        assert_eq!(datetime("1970-01-02 00:00:00"), Some(86_400_000_000));
        assert_eq!(datetime("1970-01-02T01:00:00+01:00"), Some(86_400_000_000));
        assert_eq!(date("1969-12-31"), Some(-1));
        assert_eq!(duration("2d"), Some(172_800_000_000));
        assert_eq!(span("2d"), duration("2d"));
        assert!(["7", "-7d", "0d", "d", ""].iter().all(|text| span(text).is_none()));
    }
}
