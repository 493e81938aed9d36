//! Columns of two tables that belong together: a name that both have, a list of such, or `{one: other}`.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};

/// Pairs of names, in the order they were written.
pub(super) struct Pairs(Vec<(String, String)>);

impl Pairs {
    /// The pairs.
    pub(super) fn into_vec(self) -> Vec<(String, String)> {
        self.0
    }
}

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PairsVisitor)
    }
}

struct PairsVisitor;

impl<'de> de::Visitor<'de> for PairsVisitor {
    type Value = Pairs;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a column, a list of columns, or a map such as `{dest: faa}`")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Pairs, E> {
        Ok(Pairs(vec![(name.to_owned(), name.to_owned())]))
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Pairs, A::Error> {
        let mut pairs = Vec::new();
        while let Some(name) = list.next_element::<String>()? {
            pairs.push((name.clone(), name));
        }
        if pairs.is_empty() {
            return Err(de::Error::custom("at least one column is needed"));
        }
        Ok(Pairs(pairs))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = map.next_entry::<String, String>()? {
            pairs.push(pair);
        }
        if pairs.is_empty() {
            return Err(de::Error::custom("at least one column is needed"));
        }
        // The order of a map means nothing.
        pairs.sort_unstable();
        Ok(Pairs(pairs))
    }
}

impl JsonSchema for Pairs {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Pairs".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"anyOf": [
            {"type": "string"},
            {"type": "array", "items": {"type": "string"}, "minItems": 1},
            {"type": "object", "additionalProperties": {"type": "string"}, "minProperties": 1}
        ]})
    }
}
