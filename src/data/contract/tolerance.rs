//! How many rows may break a rule before that is an error.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer};
use serde::{Serialize, Serializer};

/// How many rows may break a rule before that is an error; up to there it is a warning.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Tolerance {
    /// So many rows.
    Rows(usize),
    /// So many of a hundred rows, from 0 to 100: as it is written, since a share of it would be rounded.
    Percent(f64),
}

impl Tolerance {
    /// Whether it lets `broken` of `rows` rows pass.
    pub fn allows(self, broken: usize, rows: usize) -> bool {
        match self {
            Tolerance::Rows(most) => broken <= most,
            Tolerance::Percent(percent) => broken as f64 * 100.0 <= percent * rows as f64,
        }
    }
}

impl FromStr for Tolerance {
    type Err = String;

    /// The message ends with advice after a semicolon, as the decoder wants it.
    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let wrong = || format!("`{text}` is no number of rows; write `10`, `1%` or `all`");
        if text == "all" {
            return Ok(Tolerance::Percent(100.0));
        }
        match text.strip_suffix('%') {
            None => text.parse().map(Tolerance::Rows).map_err(|_| wrong()),
            Some(percent) => {
                let percent: Option<f64> = percent.trim().parse().ok().filter(|it| (0.0..=100.0).contains(it));
                percent.map(Tolerance::Percent).ok_or_else(wrong)
            }
        }
    }
}

impl fmt::Display for Tolerance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Tolerance::Rows(rows) => write!(f, "{rows}"),
            Tolerance::Percent(100.0) => f.write_str("all"),
            Tolerance::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

impl Serialize for Tolerance {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Tolerance {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // A number is asked for by its spelling: it may be followed by a percent sign.
        deserializer.deserialize_str(Visitor)
    }
}

struct Visitor;

impl de::Visitor<'_> for Visitor {
    type Value = Tolerance;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number of rows, a share such as 1%, or all")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Tolerance, E> {
        text.parse().map_err(E::custom)
    }
}

impl JsonSchema for Tolerance {
    fn schema_name() -> Cow<'static, str> {
        "Tolerance".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "How many rows may break a rule before it is an error: `10`, `1%` of the rows, or `all`.",
            "type": ["integer", "string"],
            "minimum": 0,
            "pattern": "^(all|[0-9]+|[0-9]+(\\.[0-9]+)?%)$"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_shares_and_all_are_read_and_shown() {
        for text in ["10", "1%", "0.5%", "7%", "57%", "all", "0"] {
            assert_eq!(text.parse::<Tolerance>().expect(text).to_string(), text);
        }
        for text in ["", "-1", "101%", "some", "1.5", "%", "nan%"] {
            assert!(text.parse::<Tolerance>().expect_err(text).contains("; write `10`"), "{text}");
        }
    }

    #[test]
    fn the_bound_itself_is_allowed() {
        let allows = |text: &str, broken| text.parse::<Tolerance>().expect(text).allows(broken, 200);
        assert!(allows("2", 2) && !allows("2", 3));
        assert!(allows("1%", 2) && !allows("1%", 3));
        assert!(allows("all", 200));
        for percent in 0..=100 {
            let tolerance: Tolerance = format!("{percent}%").parse().expect("a share");
            assert!(tolerance.allows(percent, 100) && !tolerance.allows(percent + 1, 100), "{percent}%");
        }
    }
}
