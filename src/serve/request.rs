//! Reading a request's body: only what the model asks for is kept, so that memory is bounded by the body's size.

use std::collections::HashSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value as Json};

use super::errors::Failure;
use crate::seal::Signature;
use axum::http::StatusCode;

/// What a body must look like.
const FORM: &str = "send `{\"input_data\": [{…}, …]}`";
/// The field that holds the records.
const RECORDS: &str = "input_data";

/// A record, or none where the client sent something that isn't an object.
pub(super) type Row = Option<Map<String, Json>>;

/// The records of a body, at most `most`, with the fields of `signature` only.
pub(super) fn records(body: &[u8], signature: &Signature, most: usize) -> Result<Vec<Row>, Failure> {
    let fields = signature.iter().map(|field| field.name.as_str()).collect();
    let reader = Reader { fields: &fields, most };
    let mut json = serde_json::Deserializer::from_slice(body);
    let found = Body(&reader).deserialize(&mut json).and_then(|found| json.end().map(|()| found));
    match found.map_err(|error| not_json(&error))? {
        Found::NoObject => Err(Failure::body(None, &format!("the body must be an object: {FORM}"))),
        Found::NoRecords => Err(Failure::body(Some(RECORDS), &format!("is missing: {FORM}"))),
        Found::Neither => Err(Failure::body(Some(RECORDS), &format!("must be a record or a list of records: {FORM}"))),
        Found::TooMany => Err(Failure::too_many(most)),
        Found::Rows(rows) if rows.is_empty() => Err(Failure::body(Some(RECORDS), &format!("holds no record: {FORM}"))),
        Found::Rows(rows) => Ok(rows),
    }
}

fn not_json(error: &serde_json::Error) -> Failure {
    let (line, column) = (error.line(), error.column());
    let text = error.to_string();
    let what = if text.starts_with("recursion limit") {
        "it is nested too deeply"
    } else if error.is_eof() {
        "it ends too early"
    } else {
        "it can't be read from there on"
    };
    Failure::new(StatusCode::BAD_REQUEST, format!("the body isn't JSON, line {line}, column {column}: {what}; {FORM}"))
}

/// What a body turned out to be.
enum Found {
    NoObject,
    NoRecords,
    Neither,
    TooMany,
    Rows(Vec<Row>),
}

struct Reader<'a> {
    fields: &'a HashSet<&'a str>,
    most: usize,
}

/// The visitor methods of scalars, all with one result.
macro_rules! scalars {
    ($value:expr) => {
        fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
            Ok($value)
        }
        fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
            Ok($value)
        }
        fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
            Ok($value)
        }
        fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
            Ok($value)
        }
        fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
            Ok($value)
        }
        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok($value)
        }
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("JSON")
        }
    };
}

/// Anything, read and forgotten. Unlike serde's own it counts how deep it goes.
struct Skip;

impl<'de> Deserialize<'de> for Skip {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_any(Skip)
    }
}

impl<'de> Visitor<'de> for Skip {
    type Value = Skip;
    scalars!(Skip);
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Skip, A::Error> {
        while seq.next_element::<Skip>()?.is_some() {}
        Ok(Skip)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Skip, A::Error> {
        while map.next_entry::<Skip, Skip>()?.is_some() {}
        Ok(Skip)
    }
}

/// The whole body.
struct Body<'a>(&'a Reader<'a>);

impl<'de> DeserializeSeed<'de> for Body<'_> {
    type Value = Found;
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Found, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Body<'_> {
    type Value = Found;
    scalars!(Found::NoObject);
    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Found, A::Error> {
        Skip.visit_seq(seq)?;
        Ok(Found::NoObject)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Found, A::Error> {
        let mut found = Found::NoRecords;
        while let Some(key) = map.next_key::<String>()? {
            if key == RECORDS {
                found = map.next_value_seed(Rows(self.0))?;
            } else {
                map.next_value::<Skip>()?;
            }
        }
        Ok(found)
    }
}

/// What stands under `input_data`.
struct Rows<'a>(&'a Reader<'a>);

impl<'de> DeserializeSeed<'de> for Rows<'_> {
    type Value = Found;
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Found, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Rows<'_> {
    type Value = Found;
    scalars!(Found::Neither);
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Found, A::Error> {
        let mut rows = Vec::new();
        while rows.len() < self.0.most {
            match seq.next_element_seed(Record(self.0))? {
                Some(row) => rows.push(row),
                None => return Ok(Found::Rows(rows)),
            }
        }
        let mut more = false;
        while seq.next_element::<Skip>()?.is_some() {
            more = true;
        }
        Ok(if more { Found::TooMany } else { Found::Rows(rows) })
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Found, A::Error> {
        Ok(Found::Rows(vec![Record(self.0).visit_map(map)?]))
    }
}

/// One record.
struct Record<'a>(&'a Reader<'a>);

impl<'de> DeserializeSeed<'de> for Record<'_> {
    type Value = Row;
    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Row, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Record<'_> {
    type Value = Row;
    scalars!(None);
    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Row, A::Error> {
        Skip.visit_seq(seq)?;
        Ok(None)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Row, A::Error> {
        let mut record = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            if self.0.fields.contains(key.as_str()) {
                let Cell(value) = map.next_value()?;
                record.insert(key, value);
            } else {
                map.next_value::<Skip>()?;
            }
        }
        Ok(Some(record))
    }
}

/// A field's value. What isn't a scalar is never a value, so only that it was a list or an object is kept.
struct Cell(Json);

impl<'de> Deserialize<'de> for Cell {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_any(CellVisitor)
    }
}

struct CellVisitor;

impl<'de> Visitor<'de> for CellVisitor {
    type Value = Cell;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }
    fn visit_bool<E>(self, flag: bool) -> Result<Cell, E> {
        Ok(Cell(flag.into()))
    }
    fn visit_i64<E>(self, number: i64) -> Result<Cell, E> {
        Ok(Cell(number.into()))
    }
    fn visit_u64<E>(self, number: u64) -> Result<Cell, E> {
        Ok(Cell(number.into()))
    }
    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Cell, E> {
        serde_json::Number::from_f64(number)
            .map(|number| Cell(number.into()))
            .ok_or_else(|| E::custom("number out of range"))
    }
    fn visit_str<E>(self, text: &str) -> Result<Cell, E> {
        Ok(Cell(text.into()))
    }
    fn visit_unit<E>(self) -> Result<Cell, E> {
        Ok(Cell(Json::Null))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Cell, A::Error> {
        Skip.visit_seq(seq)?;
        Ok(Cell(Json::Array(Vec::new())))
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Cell, A::Error> {
        Skip.visit_map(map)?;
        Ok(Cell(Json::Object(Map::new())))
    }
}
