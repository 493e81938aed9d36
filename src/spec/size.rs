//! Amounts of memory, as people write them: `512MiB`, `4GiB`, `2GB`.

use std::str::FromStr;

use serde::de::{self, Deserialize, Deserializer};

/// What an amount of memory looks like, for JSON Schemas.
pub const MEMORY: &str = r"^\s*[0-9]+(\.[0-9]+)?\s*([KMGT]i?)?B\s*$";

const ADVICE: &str = "write a number and its unit, as `512MiB`, `4GiB` or `2GB`";

/// The units, with their bytes.
const UNITS: [(&str, u64); 9] = [
    ("kb", 1_000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("tb", 1_000_000_000_000),
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
    ("tib", 1 << 40),
    ("b", 1),
];

/// An amount of memory in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Memory(pub u64);

impl FromStr for Memory {
    type Err = String;

    /// The message ends with advice after a semicolon, as the decoder wants it.
    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let digits = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let unit = unit.trim().to_lowercase();
        let known = UNITS.iter().find(|(name, _)| *name == unit);
        match (number.parse::<f64>(), known) {
            (Ok(number), Some((_, bytes))) if number > 0.0 && number * (*bytes as f64) < u64::MAX as f64 => {
                Ok(Self((number * *bytes as f64) as u64))
            }
            (Ok(_), None) if unit.is_empty() => Err(format!("`{text}` has no unit; {ADVICE}")),
            _ => Err(format!("`{text}` isn't an amount of memory; {ADVICE}")),
        }
    }
}

impl<'de> Deserialize<'de> for Memory {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_with_their_units() {
        for (text, bytes) in [("4GiB", 4 << 30), ("1.5 MiB", 3 << 19), ("2GB", 2_000_000_000), ("7b", 7)] {
            assert_eq!(text.parse(), Ok(Memory(bytes)), "{text}");
        }
        for text in ["4", "GiB", "-1GiB", "4 apples", "", "0GiB", "99999999999TiB"] {
            assert!(text.parse::<Memory>().expect_err(text).contains("; write a number"), "{text}");
        }
    }
}
