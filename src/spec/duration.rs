//! Lengths of time, as people write them: `500ms`, `2s`, `10m`, `1h`, `1h30m`, `1d`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::de::{self, Deserialize, Deserializer};

/// What a length of time looks like, for JSON Schemas.
pub const TIME_SPAN: &str = r"^\s*([0-9]+(\.[0-9]+)?\s*(ms|s|m|h|d|w)\s*)+$";

/// The units, with their milliseconds, from long to short. `ms` stands before `m`, which it begins with.
const UNITS: [(&str, u64); 6] =
    [("ms", 1), ("w", 604_800_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)];

/// The longest that is taken: anything beyond is a slip, and sums with it could overflow.
const LONGEST: u64 = 100 * 366 * 86_400_000;

/// A length of time with its unit. A number alone is refused: nobody remembers whether it meant seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeSpan(pub Duration);

impl FromStr for TimeSpan {
    type Err = String;

    /// The message ends with advice after a semicolon, as the decoder wants it.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut rest = text.trim();
        if rest.is_empty() {
            return Err(format!("a length of time is missing; {ADVICE}"));
        }
        let mut total: u64 = 0;
        while !rest.is_empty() {
            let (milliseconds, after) = amount(rest).map_err(|why| format!("`{}` {why}", text.trim()))?;
            total = total.saturating_add(milliseconds);
            rest = after;
        }
        if total > LONGEST {
            return Err(format!("`{}` is longer than 100 years", text.trim()));
        }
        Ok(Self(Duration::from_millis(total)))
    }
}

const ADVICE: &str = "write a number and its unit, as `500ms`, `2s`, `10m`, `1h` or `1d`";

/// One number and its unit, in milliseconds, and what stands behind it.
fn amount(text: &str) -> Result<(u64, &str), String> {
    let digits = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let (number, rest) = text.split_at(digits);
    let rest = rest.trim_start();
    let letters = rest.find(|c: char| !c.is_alphabetic()).unwrap_or(rest.len());
    let (unit, after) = rest.split_at(letters);
    let whole = number.starts_with(|c: char| c.is_ascii_digit()) && !number.ends_with('.');
    let Some(number) = number.parse::<f64>().ok().filter(|_| whole) else {
        return Err(format!("isn't a length of time; {ADVICE}"));
    };
    if unit.is_empty() {
        return Err(format!("has no unit; {ADVICE}"));
    }
    let Some((_, size)) = UNITS.iter().find(|(name, _)| *name == unit) else {
        return Err(format!("has the unit `{unit}`, which isn't known; the units are `ms`, `s`, `m`, `h`, `d`, `w`"));
    };
    // Saturates: what is too long is refused by the sum.
    Ok(((number * *size as f64).round() as u64, after.trim_start()))
}

impl fmt::Display for TimeSpan {
    /// With the longest unit that leaves a whole number: `90s`, `2h`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let milliseconds = u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX);
        let whole = |size: &u64| milliseconds > 0 && milliseconds.is_multiple_of(*size);
        let fitting = UNITS.iter().filter(|(_, size)| whole(size)).max_by_key(|(_, size)| *size);
        let (unit, size) = fitting.unwrap_or(&("s", 1_000));
        write!(f, "{}{unit}", milliseconds / size)
    }
}

impl<'de> Deserialize<'de> for TimeSpan {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // A number is asked for by its spelling, so that the message is about the unit that it lacks.
        deserializer.deserialize_str(Visitor)
    }
}

struct Visitor;

impl de::Visitor<'_> for Visitor {
    type Value = TimeSpan;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a length of time such as 500ms, 2s, 10m, 1h or 1d")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<TimeSpan, E> {
        text.parse().map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Document, decode};

    fn read(text: &str) -> Result<u64, String> {
        text.parse().map(|TimeSpan(span)| u64::try_from(span.as_millis()).expect("small"))
    }

    #[test]
    fn every_unit_is_read() {
        let read = |text| read(text).expect("right");
        assert_eq!([read("500ms"), read("2s"), read("10m")], [500, 2_000, 600_000]);
        assert_eq!([read("1h"), read("1d"), read("2w")], [3_600_000, 86_400_000, 1_209_600_000]);
        assert_eq!([read("1h30m"), read("1.5h"), read(" 1 h 30 m "), read("0s")], [5_400_000, 5_400_000, 5_400_000, 0]);
    }

    #[test]
    fn what_is_wrong_is_said_with_advice() {
        let told = |text| read(text).expect_err("wrong");
        assert!(told("30").starts_with("`30` has no unit; write"), "{}", told("30"));
        assert!(told("2 sec").contains("the unit `sec`"), "{}", told("2 sec"));
        for text in ["", "fast", "-1s", ".s", "1.s", ".5s", "1..2s", "s", "1s x"] {
            assert!(told(text).contains("; write"), "{text}: {}", told(text));
        }
        assert!(told("99999999999999999999d").contains("100 years"));
        assert!(told("5000w 5000w").contains("100 years"));
    }

    #[test]
    fn a_number_alone_and_a_list_are_faults_at_their_place() {
        let fault = |text: &str| {
            let document = Document::parse("a.yaml", text).unwrap_or_else(|_| panic!("{text}: YAML"));
            let mut faults = Vec::new();
            assert_eq!(decode::<TimeSpan>(document.root.get("x").expect("x"), &mut faults), None);
            let fault = faults.remove(0);
            (fault.code, fault.message, fault.help.unwrap_or_default())
        };
        let (code, message, help) = fault("x: 30");
        assert_eq!((code, message.as_str()), ("bad-value", "`30` has no unit"));
        assert!(help.contains("`10m`"), "{help}");
        assert_eq!(fault("x: [1s]").0, "wrong-type");
    }

    #[test]
    fn it_is_shown_as_it_may_be_written() {
        for text in ["500ms", "90s", "2h", "1d", "3w", "0s"] {
            assert_eq!(text.parse::<TimeSpan>().expect("right").to_string(), text);
        }
    }
}
