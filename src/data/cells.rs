//! Cells of one type side by side, in a form as short as JSON allows: for small tables that travel within a recipe.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::{Kind, Value};

/// Cells of one type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "Written", try_from = "Written")]
pub struct Cells {
    kind: Kind,
    values: Vec<Value>,
}

/// `{"kind": "str", "values": ["a", null]}`; days and microseconds are written as numbers.
#[derive(Serialize, Deserialize)]
struct Written {
    kind: Kind,
    values: Vec<Json>,
}

impl Cells {
    /// Cells of `kind`. A value of another type is none.
    pub fn new(kind: Kind, values: impl IntoIterator<Item = Value>) -> Self {
        let fits = |value: Value| value.coerced(kind).unwrap_or(Value::Null);
        Self { kind, values: values.into_iter().map(fits).collect() }
    }

    /// Their type.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The cells.
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }
}

impl From<Cells> for Written {
    fn from(cells: Cells) -> Self {
        let json = |value: Value| match value {
            Value::Date(days) => days.into(),
            Value::Datetime(micros) | Value::Duration(micros) => micros.into(),
            other => other.to_json(),
        };
        Written { kind: cells.kind, values: cells.values.into_iter().map(json).collect() }
    }
}

impl TryFrom<Written> for Cells {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let kind = written.kind;
        let value = |json: Json| {
            let found = match (&json, kind) {
                (Json::Null, _) => Some(Value::Null),
                (Json::Number(days), Kind::Date) => {
                    days.as_i64().and_then(|days| i32::try_from(days).ok()).map(Value::Date)
                }
                (Json::Number(micros), Kind::Datetime) => micros.as_i64().map(Value::Datetime),
                (Json::Number(micros), Kind::Duration) => micros.as_i64().map(Value::Duration),
                _ => Value::from_json(&json, kind),
            };
            found.ok_or_else(|| format!("{json} isn't a {kind}"))
        };
        Ok(Cells { kind, values: written.values.into_iter().map(value).collect::<Result<_, _>>()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_come_back_as_they_were() {
        for cells in [
            Cells::new(Kind::Category, [Value::str("a"), Value::Null, Value::str("")]),
            Cells::new(Kind::Int, [Value::Int(i64::MAX), Value::Int(-1)]),
            Cells::new(Kind::Float, [Value::Float(0.1), Value::Int(3)]),
            Cells::new(Kind::Date, [Value::Date(-3)]),
            Cells::new(Kind::Datetime, [Value::Datetime(1_700_000_000_000_001)]),
            Cells::new(Kind::Duration, [Value::Duration(7)]),
            Cells::new(Kind::Bool, [Value::Bool(true), Value::Null]),
        ] {
            let json = serde_json::to_string(&cells).expect("serializes");
            assert_eq!(serde_json::from_str::<Cells>(&json).expect(&json), cells);
        }
        assert!(serde_json::from_str::<Cells>(r#"{"kind":"int","values":["x"]}"#).is_err());
    }
}
