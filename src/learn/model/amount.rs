//! "So many, or such a share of them": a whole number, or a fraction up to 1.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};

/// How many of something.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Amount {
    /// So many.
    Count(u64),
    /// A share of all.
    Share(f64),
}

impl Amount {
    /// How many that is of `all`: at least 1, and a share is rounded down.
    pub(super) fn of(self, all: usize) -> usize {
        match self {
            Amount::Count(count) => usize::try_from(count).unwrap_or(usize::MAX).max(1),
            Amount::Share(share) => ((share * all as f64) as usize).max(1),
        }
    }

    /// How many that is of `all` at least: at least 1, and a share is rounded up.
    pub(super) fn least_of(self, all: usize) -> usize {
        match self {
            Amount::Count(_) => self.of(all),
            Amount::Share(share) => ((share * all as f64).ceil() as usize).max(1),
        }
    }

    /// Whether it is a count of at least 1, or a share above 0 and up to 1.
    pub(super) fn is_sound(self) -> bool {
        match self {
            Amount::Count(count) => count > 0,
            Amount::Share(share) => share > 0.0 && share <= 1.0,
        }
    }
}

/// How many features a node looks at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Features {
    /// The root of their number.
    Sqrt,
    /// The logarithm of their number, to base 2.
    Log2,
    /// All.
    All,
    /// So many.
    Some(Amount),
}

impl Features {
    /// How many that is of `all`, at least 1 and at most `all`.
    pub(super) fn of(self, all: usize) -> usize {
        let wanted = match self {
            Features::Sqrt => all.isqrt(),
            Features::Log2 => all.checked_ilog2().unwrap_or(0) as usize,
            Features::All => all,
            Features::Some(amount) => amount.of(all),
        };
        wanted.clamp(1, all.max(1))
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Amount::Count(count) => serializer.serialize_u64(*count),
            Amount::Share(share) => serializer.serialize_f64(*share),
        }
    }
}

impl Serialize for Features {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Features::Sqrt => serializer.serialize_str("sqrt"),
            Features::Log2 => serializer.serialize_str("log2"),
            Features::All => serializer.serialize_str("all"),
            Features::Some(amount) => amount.serialize(serializer),
        }
    }
}

/// Reads both; `words` is whether words are allowed.
struct Reader {
    words: bool,
}

impl Visitor<'_> for Reader {
    type Value = Features;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.words {
            f.write_str("`sqrt`, `log2`, `all`, ")?;
        }
        f.write_str("a whole number or a share of at most 1")
    }

    fn visit_u64<E: de::Error>(self, count: u64) -> Result<Features, E> {
        Ok(Features::Some(Amount::Count(count)))
    }

    fn visit_i64<E: de::Error>(self, count: i64) -> Result<Features, E> {
        let count = u64::try_from(count).map_err(|_| E::invalid_value(de::Unexpected::Signed(count), &self))?;
        self.visit_u64(count)
    }

    fn visit_f64<E: de::Error>(self, share: f64) -> Result<Features, E> {
        Ok(Features::Some(Amount::Share(share)))
    }

    fn visit_str<E: de::Error>(self, word: &str) -> Result<Features, E> {
        match word {
            "sqrt" if self.words => Ok(Features::Sqrt),
            "log2" if self.words => Ok(Features::Log2),
            "all" if self.words => Ok(Features::All),
            _ => Err(E::invalid_value(de::Unexpected::Str(word), &self)),
        }
    }
}

impl<'de> Deserialize<'de> for Features {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader { words: true })
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match deserializer.deserialize_any(Reader { words: false })? {
            Features::Some(amount) => Ok(amount),
            _ => Err(de::Error::custom("a number is expected")),
        }
    }
}

impl JsonSchema for Amount {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Amount".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [{"type": "integer", "minimum": 1}, {"type": "number", "exclusiveMinimum": 0, "maximum": 1}]
        })
    }
}

impl JsonSchema for Features {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Features".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let amount = generator.subschema_for::<Amount>();
        json_schema!({"anyOf": [{"enum": ["sqrt", "log2", "all"]}, amount]})
    }
}
