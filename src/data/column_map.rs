//! Something for each of several columns, which are named as a selector names them.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::Shape;
use super::selector::Pattern;
use crate::source::Fault;

/// Values by column. When several keys match a column, a name beats a glob beats a selector; equals are an error.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnMap<T>(Vec<(Pattern, T)>);

impl<T> ColumnMap<T> {
    /// The keys as they were written, with their values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        self.0.iter().map(|(pattern, value)| (pattern.text(), value))
    }

    /// The values.
    pub fn values(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|(_, value)| value)
    }

    /// Each column that is meant, in the shape's order, with what is said for it.
    ///
    /// # Errors
    /// Every key that picks no column, and every column that two equal keys pick.
    pub fn resolve(&self, shape: &Shape) -> Result<Vec<(String, &T)>, Vec<Fault>> {
        let mut faults = Vec::new();
        let mut found: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (index, (pattern, _)) in self.0.iter().enumerate() {
            match pattern.select(shape) {
                Ok(columns) => {
                    for column in columns {
                        found.entry(column).or_default().push(index);
                    }
                }
                Err(fault) => faults.push(fault.on_key().within(pattern.text())),
            }
        }
        let mut chosen = Vec::new();
        for (column, indexes) in found {
            let best = indexes.iter().map(|index| self.0[*index].0.rank()).max().unwrap_or_default();
            let mut equals = indexes.iter().filter(|index| self.0[**index].0.rank() == best);
            let Some(first) = equals.next() else { continue };
            if let Some(second) = equals.next() {
                let (one, two) = (self.0[*first].0.text(), self.0[*second].0.text());
                let message = format!("`{one}` and `{two}` both pick `{column}`");
                let help = format!("say `{column}` itself, which beats both");
                faults.push(Fault::new("ambiguous-column", message).help(help).on_key().within(two));
            }
            chosen.push((column, &self.0[*first].1));
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let place = |column: &str| shape.names().position(|name| name == column).unwrap_or(usize::MAX);
        chosen.sort_by_key(|(column, _)| place(column));
        Ok(chosen)
    }

    /// The key that picks `column`, as it was written.
    pub fn key_of<'a>(&'a self, column: &'a str, shape: &Shape) -> &'a str {
        self.0
            .iter()
            .filter(|(pattern, _)| {
                pattern.text() == column || shape.known(column).is_some_and(|kind| pattern.picks(column, kind, shape))
            })
            .max_by_key(|(pattern, _)| pattern.rank())
            .map_or(column, |(pattern, _)| pattern.text())
    }
}

impl<T> FromIterator<(String, T)> for ColumnMap<T> {
    fn from_iter<I: IntoIterator<Item = (String, T)>>(entries: I) -> Self {
        Self(entries.into_iter().map(|(key, value)| (Pattern::of(&key), value)).collect())
    }
}

impl<T: Serialize> Serialize for ColumnMap<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter().collect::<BTreeMap<_, _>>())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for ColumnMap<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MapVisitor(PhantomData))
    }
}

struct MapVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> de::Visitor<'de> for MapVisitor<T> {
    type Value = ColumnMap<T>;

    fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str("a map from columns, as in `{age: …}`")
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<ColumnMap<T>, A::Error> {
        let mut entries: Vec<(String, T)> = Vec::new();
        while let Some(key) = map.next_key()? {
            entries.push((key, map.next_value()?));
        }
        if entries.is_empty() {
            return Err(de::Error::custom("at least one column is needed"));
        }
        Ok(entries.into_iter().collect())
    }
}

impl<T: JsonSchema> JsonSchema for ColumnMap<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("ColumnsTo{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let value = generator.subschema_for::<T>();
        json_schema!({"type": "object", "minProperties": 1, "additionalProperties": value,
            "description": "By column: a name, a selector such as `numeric`, or a quoted glob."})
    }
}
