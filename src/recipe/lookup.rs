//! A small table that travels with the recipe: rows are found by key, and bring columns along. Sealed joins and encoders
//! of many categories are lowered to it.

use std::collections::HashMap;

use polars::prelude::{BooleanChunked, DataFrame, IdxCa, IdxSize};
use serde::{Deserialize, Serialize};

use crate::data::{Cells, Kind, Value, column_of, push_key, row_keys, unexpected, value_at};
use crate::source::Fault;

/// Which columns are looked up, in what, and what they bring.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct Lookup {
    on: Vec<String>,
    keys: Vec<Cells>,
    #[serde(skip_serializing_if = "Option::is_none")]
    asof: Option<AsOf>,
    columns: Vec<Looked>,
    /// Why a record is refused for which no row is found; without it, the defaults stand in.
    #[serde(skip_serializing_if = "Option::is_none")]
    refuse: Option<String>,
}

/// Of the rows with the key, the last whose time isn't after the record's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AsOf {
    /// The record's column of time.
    pub on: String,
    /// The time of each row of the table.
    pub times: Cells,
    /// How much older a row may be, in the unit of the times (days or microseconds).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub within: Option<i64>,
}

/// A column that is brought along.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Looked {
    /// Its name in the record.
    pub name: String,
    /// The value of each row of the table.
    pub cells: Cells,
    /// What stands where no row is found.
    pub otherwise: Value,
}

#[derive(Deserialize)]
struct Written {
    on: Vec<String>,
    keys: Vec<Cells>,
    asof: Option<AsOf>,
    columns: Vec<Looked>,
    refuse: Option<String>,
}

impl TryFrom<Written> for Lookup {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let lookup = Lookup::new(written.on, written.keys, written.asof, written.columns)?;
        Ok(Lookup { refuse: written.refuse, ..lookup })
    }
}

impl Lookup {
    /// A table by its columns: a key of so many columns as `on` names, and what is brought. Of rows with the same key the
    /// first is found; a key that misses a value is found by records that miss it too.
    ///
    /// # Errors
    /// When the columns aren't of one length, or a default isn't of its column's type.
    pub fn new(on: Vec<String>, keys: Vec<Cells>, asof: Option<AsOf>, columns: Vec<Looked>) -> Result<Self, String> {
        let times = asof.iter().map(|asof| &asof.times);
        let lengths = keys.iter().chain(times).chain(columns.iter().map(|looked| &looked.cells)).map(Cells::len);
        let lengths: Vec<usize> = lengths.collect();
        if on.len() != keys.len()
            || on.is_empty() && asof.is_none()
            || lengths.windows(2).any(|pair| pair[0] != pair[1])
        {
            return Err("a lookup whose columns don't fit each other".to_owned());
        }
        if let Some(asof) = &asof
            && !asof.times.kind().is_temporal()
        {
            return Err(format!("a lookup by time whose times are {}", asof.times.kind()));
        }
        for looked in &columns {
            let kind = looked.cells.kind();
            if looked.otherwise.clone().coerced(kind).as_ref() != Some(&looked.otherwise) {
                return Err(format!("`{}` is {kind}, and its default isn't", looked.name));
            }
        }
        Ok(Self { on, keys, asof, columns, refuse: None })
    }

    /// A table of one key column.
    ///
    /// # Panics
    /// When a column is of another length, or its default of another type: the caller made all of them.
    pub fn by(on: &str, keys: Cells, columns: Vec<Looked>) -> Self {
        Lookup::new(vec![on.to_owned()], vec![keys], None, columns).expect("columns made together")
    }

    /// The same refusing records for which no row is found.
    #[must_use]
    pub fn or_refuse(self, reason: impl Into<String>) -> Self {
        Self { refuse: Some(reason.into()), ..self }
    }

    /// The same refusing no record.
    pub(super) fn unrefusing(self) -> Self {
        Self { refuse: None, ..self }
    }

    /// Why a record is refused for which no row is found, if it is.
    pub fn refuses(&self) -> Option<&str> {
        self.refuse.as_deref()
    }

    /// The columns that it reads.
    pub fn reads(&self) -> impl Iterator<Item = &String> {
        self.on.iter().chain(self.asof.iter().map(|asof| &asof.on))
    }

    /// The columns that it brings.
    pub fn brings(&self) -> &[Looked] {
        &self.columns
    }

    fn rows(&self) -> usize {
        let times = self.asof.iter().map(|asof| &asof.times);
        self.keys.iter().chain(times).map(Cells::len).next().unwrap_or(0)
    }

    /// Its keys, if they are of one column and no time counts: for backends that know no others.
    pub fn single(&self) -> Option<(&str, &Cells)> {
        match (self.on.as_slice(), self.keys.as_slice(), &self.asof) {
            ([on], [keys], None) => Some((on, keys)),
            _ => None,
        }
    }

    /// The same bringing only these columns; `None` if nothing is left to do.
    pub(super) fn only(&self, wanted: impl Fn(&str) -> bool) -> Option<Self> {
        let columns: Vec<Looked> = self.columns.iter().filter(|looked| wanted(&looked.name)).cloned().collect();
        (!columns.is_empty() || self.refuse.is_some()).then(|| Self { columns, ..self.clone() })
    }

    /// Made ready to be asked.
    pub(super) fn index(&self) -> Index {
        let rows = self.rows();
        let mut found: HashMap<Vec<u8>, Vec<u32>> = HashMap::with_capacity(rows);
        let mut key = Vec::new();
        for row in 0..rows {
            key.clear();
            self.keys.iter().for_each(|cells| spell(&cells.values()[row], cells.kind(), &mut key));
            match found.get_mut(&key) {
                None => drop(found.insert(key.clone(), vec![row as u32])),
                // Without a time, only the first of equals is ever asked for.
                Some(rows) if self.asof.is_some() => rows.push(row as u32),
                Some(_) => {}
            }
        }
        let times: Vec<Option<i64>> =
            self.asof.iter().flat_map(|asof| asof.times.values().iter().map(moment)).collect();
        if self.asof.is_some() {
            for rows in found.values_mut() {
                rows.retain(|row| times[*row as usize].is_some());
                rows.sort_by_key(|row| times[*row as usize]);
            }
        }
        let within = self.asof.as_ref().and_then(|asof| asof.within);
        Index { kinds: self.keys.iter().map(Cells::kind).collect(), found, times, within, asof: self.asof.is_some() }
    }

    /// A table with the columns that are brought.
    pub(super) fn apply(&self, mut frame: DataFrame) -> Result<DataFrame, Fault> {
        let index = self.index();
        let time = self.asof.as_ref().map(|asof| frame.column(&asof.on)).transpose().map_err(unexpected)?;
        let nowhere = self.rows() as IdxSize;
        let keys = row_keys(&frame, &self.on)?.into_iter().enumerate();
        let found = keys.map(|(row, key)| index.row(&key, || time.map_or(Value::Null, |time| value_at(time, row))));
        let rows: Vec<IdxSize> = found.map(|row| row.map_or(nowhere, |row| row as IdxSize)).collect();
        let rows = IdxCa::from_vec("".into(), rows);
        for looked in &self.columns {
            let mut cells = looked.cells.values().to_vec();
            cells.push(looked.otherwise.clone());
            let column = column_of(&looked.name, looked.cells.kind(), &cells);
            frame.with_column(column.take(&rows).map_err(unexpected)?).map_err(unexpected)?;
        }
        if self.refuse.is_some() {
            let stays: BooleanChunked = rows.iter().map(|row| Some(row != Some(nowhere))).collect();
            return frame.filter(&stays).map_err(unexpected);
        }
        Ok(frame)
    }
}

/// The rows of a lookup by their keys.
pub(super) struct Index {
    kinds: Vec<Kind>,
    found: HashMap<Vec<u8>, Vec<u32>>,
    times: Vec<Option<i64>>,
    within: Option<i64>,
    asof: bool,
}

impl Index {
    /// The row for these values: one for each key column, then the time if it counts. `key` is overwritten.
    pub(super) fn find(&self, mut values: impl Iterator<Item = Value>, key: &mut Vec<u8>) -> Option<usize> {
        key.clear();
        for kind in &self.kinds {
            spell(&values.next()?, *kind, key);
        }
        self.row(key, || values.next().unwrap_or(Value::Null))
    }

    /// The row for a key, and a time if it counts.
    fn row(&self, key: &[u8], time: impl FnOnce() -> Value) -> Option<usize> {
        let rows = self.found.get(key)?;
        if !self.asof {
            return rows.first().map(|row| *row as usize);
        }
        let now = moment(&time())?;
        let before = rows.partition_point(|row| self.times[*row as usize].is_some_and(|time| time <= now));
        let row = rows[before.checked_sub(1)?] as usize;
        let age = now - self.times[row]?;
        self.within.is_none_or(|most| age <= most).then_some(row)
    }
}

/// A value as a key column of that type has it: an int among floats is a float.
fn spell(value: &Value, kind: Kind, key: &mut Vec<u8>) {
    match value {
        Value::Int(int) if kind == Kind::Float => push_key(key, &Value::Float(*int as f64)),
        value => push_key(key, value),
    }
}

fn moment(value: &Value) -> Option<i64> {
    match value {
        Value::Date(days) => Some((*days).into()),
        Value::Datetime(micros) | Value::Duration(micros) => Some(*micros),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::{Evaluator, RowStep, apply};

    fn strings(texts: &[&str]) -> Vec<Value> {
        texts.iter().map(|text| if text.is_empty() { Value::Null } else { Value::str(text) }).collect()
    }

    /// Both backends on one frame.
    fn both(lookup: Lookup, inputs: &[(&str, Kind, Vec<Value>)], out: &[&str]) -> Vec<Vec<Value>> {
        let steps = [RowStep::Lookup(lookup)];
        let rows = inputs[0].2.len();
        let columns = inputs.iter().map(|(name, kind, values)| column_of(name, *kind, values)).collect();
        let frame = apply(&steps, DataFrame::new(rows, columns).expect("a frame")).expect("applies").frame;
        let names: Vec<String> = inputs.iter().map(|(name, ..)| (*name).to_owned()).collect();
        let wanted: Vec<String> = out.iter().map(|name| (*name).to_owned()).collect();
        let evaluator = Evaluator::new(&steps, &names, &wanted).expect("compiles");
        let (mut scratch, mut made) = (Vec::new(), Vec::new());
        (0..rows)
            .map(|row| {
                let record: Vec<Value> = inputs.iter().map(|(.., values)| values[row].clone()).collect();
                evaluator.run(&record, &mut scratch, &mut made).expect("passes");
                let cells: Vec<Value> =
                    wanted.iter().map(|name| value_at(frame.column(name).expect("there"), row)).collect();
                assert_eq!(made, cells);
                cells
            })
            .collect()
    }

    #[test]
    fn rows_are_found_by_key_in_tables_and_records_alike() {
        let looked = Looked {
            name: "n".to_owned(),
            cells: Cells::new(Kind::Int, [1, 2, 3, 4].map(Value::Int)),
            otherwise: Value::Int(-1),
        };
        let lookup = Lookup::by("s", Cells::new(Kind::Str, strings(&["a", "b", "a", ""])), vec![looked]);
        let json = serde_json::to_string(&lookup).expect("serializes");
        assert_eq!(serde_json::from_str::<Lookup>(&json).expect("reads"), lookup);
        let made = both(lookup, &[("s", Kind::Str, strings(&["b", "a", "x", ""]))], &["n", "s"]);
        let ints: Vec<Value> = made.into_iter().map(|row| row[0].clone()).collect();
        assert_eq!(ints, [2, 1, -1, 4].map(Value::Int));
    }

    #[test]
    fn the_last_row_before_a_moment_is_found() {
        let asof =
            AsOf { on: "t".to_owned(), times: Cells::new(Kind::Date, [5, 1, 9, 2].map(Value::Date)), within: Some(3) };
        let looked = Looked {
            name: "x".to_owned(),
            cells: Cells::new(Kind::Float, [0.5, 0.1, 0.9, 0.2].map(Value::Float)),
            otherwise: Value::Null,
        };
        let keys = vec![Cells::new(Kind::Int, [1, 1, 1, 2].map(Value::Int))];
        let lookup = Lookup::new(vec!["k".to_owned()], keys, Some(asof), vec![looked]).expect("fits");
        let ks = [1, 1, 1, 1, 2, 3].map(Value::Int).to_vec();
        let ts = [5, 8, 4, 0, 7, 5].map(Value::Date).to_vec();
        let made = both(lookup, &[("k", Kind::Int, ks), ("t", Kind::Date, ts)], &["x"]);
        let expected = [Value::Float(0.5), Value::Float(0.5), Value::Float(0.1), Value::Null, Value::Null, Value::Null];
        assert_eq!(made.into_iter().map(|row| row[0].clone()).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_lookup_made_by_hand_is_checked() {
        for bad in [
            r#"{"on":["a"],"keys":[],"columns":[]}"#,
            r#"{"on":["a"],"keys":[{"kind":"int","values":[1,2]}],"columns":[{"name":"x","cells":{"kind":"int","values":[1]},"otherwise":"null"}]}"#,
            r#"{"on":["a"],"keys":[{"kind":"int","values":[1]}],"columns":[{"name":"x","cells":{"kind":"int","values":[1]},"otherwise":{"str":"y"}}]}"#,
        ] {
            assert!(serde_json::from_str::<Lookup>(bad).is_err(), "{bad}");
        }
    }
}
