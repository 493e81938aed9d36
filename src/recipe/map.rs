//! A linear map: columns that are weighted sums of others. Principal components are lowered to it.

use polars::prelude::{Column, DataFrame, DataType, Float64Chunked, IntoColumn, IntoSeries, NewChunkedArray};
use serde::{Deserialize, Serialize};

use crate::data::{Value, unexpected};
use crate::source::Fault;

/// Each output is the sum over the inputs of `(input - center) × weight`, in the order of the inputs. Where an input has no
/// value, no output has one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct Map {
    inputs: Vec<String>,
    center: Vec<f64>,
    outputs: Vec<Mapped>,
}

/// One output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mapped {
    /// Its name.
    pub name: String,
    /// The weight of each input.
    pub weights: Vec<f64>,
}

#[derive(Deserialize)]
struct Written {
    inputs: Vec<String>,
    center: Vec<f64>,
    outputs: Vec<Mapped>,
}

impl TryFrom<Written> for Map {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        Map::new(written.inputs, written.center, written.outputs)
    }
}

impl Map {
    /// A map of so many inputs as there are centers and as each output has weights.
    ///
    /// # Errors
    /// When their numbers differ, or one isn't finite.
    pub fn new(inputs: Vec<String>, center: Vec<f64>, outputs: Vec<Mapped>) -> Result<Self, String> {
        let rows = || std::iter::once(&center).chain(outputs.iter().map(|output| &output.weights));
        if rows().any(|numbers| numbers.len() != inputs.len()) {
            return Err(format!("a map of {} columns with another number of weights", inputs.len()));
        }
        if rows().flatten().any(|number| !number.is_finite()) {
            return Err("a map with a weight that is no number".to_owned());
        }
        Ok(Self { inputs, center, outputs })
    }

    /// The columns that it reads.
    pub fn inputs(&self) -> &[String] {
        &self.inputs
    }

    /// What is taken from each input first.
    pub fn center(&self) -> &[f64] {
        &self.center
    }

    /// The columns that it makes.
    pub fn outputs(&self) -> &[Mapped] {
        &self.outputs
    }

    /// The same making only these columns; `None` if none is left.
    pub(super) fn only(&self, wanted: impl Fn(&str) -> bool) -> Option<Self> {
        let outputs: Vec<Mapped> = self.outputs.iter().filter(|output| wanted(&output.name)).cloned().collect();
        (!outputs.is_empty()).then(|| Self { outputs, ..self.clone() })
    }

    /// Takes the centers from one row of inputs, NaN being no value; `false` if one has none.
    pub(super) fn centered(&self, row: &mut [f64]) -> bool {
        row.iter_mut().zip(&self.center).for_each(|(value, center)| *value -= center);
        row.iter().all(|value| !value.is_nan())
    }

    /// An output of a centered row: both backends call it. A sum beyond the floats is no value.
    pub(super) fn output(&self, nth: usize, centered: &[f64]) -> Option<f64> {
        let products = self.outputs[nth].weights.iter().zip(centered).map(|(weight, value)| weight * value);
        Some(products.fold(0.0, |sum, product| sum + product)).filter(|sum: &f64| sum.is_finite())
    }

    /// A table with the columns that are made.
    pub(super) fn apply(&self, mut frame: DataFrame) -> Result<DataFrame, Fault> {
        let numbers = |name: &String| {
            let column = frame.column(name)?.cast(&DataType::Float64)?;
            Ok(column.f64()?.iter().map(|number| number.unwrap_or(f64::NAN)).collect())
        };
        let inputs: Vec<Vec<f64>> = self.inputs.iter().map(numbers).collect::<Result<_, _>>().map_err(unexpected)?;
        let mut made = vec![Vec::with_capacity(frame.height()); self.outputs.len()];
        let mut row = vec![0.0; inputs.len()];
        for at in 0..frame.height() {
            row.iter_mut().zip(&inputs).for_each(|(value, column)| *value = column[at]);
            let whole = self.centered(&mut row);
            for (nth, cells) in made.iter_mut().enumerate() {
                cells.push(if whole { self.output(nth, &row) } else { None });
            }
        }
        for (output, cells) in self.outputs.iter().zip(made) {
            let cells = Float64Chunked::from_iter_options(output.name.as_str().into(), cells.into_iter());
            let column: Column = cells.into_series().into_column();
            frame.with_column(column).map_err(unexpected)?;
        }
        Ok(frame)
    }

    /// The values that one record's inputs give.
    pub(super) fn values(&self, inputs: impl Iterator<Item = Option<f64>>) -> Vec<Value> {
        let mut row: Vec<f64> = inputs.map(|value| value.unwrap_or(f64::NAN)).collect();
        let whole = self.centered(&mut row);
        let value = |nth| if whole { self.output(nth, &row) } else { None };
        (0..self.outputs.len()).map(|nth| value(nth).map_or(Value::Null, Value::Float)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Kind, column_of, value_at};
    use crate::recipe::{Evaluator, RowStep, apply};

    fn map() -> Map {
        let output = |name: &str, weights: [f64; 2]| Mapped { name: name.to_owned(), weights: weights.to_vec() };
        let outputs = vec![output("p", [0.5, -2.0]), output("q", [1e308, 1e308])];
        Map::new(vec!["a".to_owned(), "b".to_owned()], vec![1.0, 0.1], outputs).expect("fits")
    }

    #[test]
    fn tables_and_records_come_out_the_same() {
        let a = [Value::Int(3), Value::Null, Value::Int(1), Value::Int(i64::MAX)];
        let b = [Value::Float(0.3), Value::Float(1.0), Value::Float(-0.0), Value::Float(1e300)];
        let steps = [RowStep::Map(map())];
        let columns = vec![column_of("a", Kind::Int, &a), column_of("b", Kind::Float, &b)];
        let frame = apply(&steps, DataFrame::new(4, columns).expect("a frame")).expect("applies").frame;
        let names = |names: [&str; 2]| names.map(str::to_owned).to_vec();
        let evaluator = Evaluator::new(&steps, &names(["a", "b"]), &names(["p", "q"])).expect("compiles");
        let (mut scratch, mut out, mut rows) = (Vec::new(), Vec::new(), Vec::new());
        for (row, record) in a.into_iter().zip(b).map(|(a, b)| [a, b]).enumerate() {
            evaluator.run(&record, &mut scratch, &mut out).expect("passes");
            let cells = ["p", "q"].map(|name| value_at(frame.column(name).expect("made"), row));
            assert_eq!(out, cells, "row {row}");
            rows.push(cells);
        }
        assert_eq!(rows[0], [Value::Float(0.5 * 2.0 + -2.0 * (0.3 - 0.1)), Value::Null]);
        assert_eq!(rows[1], [Value::Null, Value::Null]);
        assert_eq!(rows[2][0], Value::Float(0.2));
    }

    #[test]
    fn a_map_is_cut_to_what_is_wanted_and_checked_when_read() {
        let cut = map().only(|name| name == "p").expect("one is left");
        assert_eq!(cut.outputs().len(), 1);
        assert!(map().only(|_| false).is_none());
        let json = serde_json::to_string(&map()).expect("serializes");
        assert_eq!(serde_json::from_str::<Map>(&json).expect("reads"), map());
        for bad in [
            r#"{"inputs":["a"],"center":[],"outputs":[]}"#,
            r#"{"inputs":["a"],"center":[1],"outputs":[{"name":"p","weights":[1,2]}]}"#,
        ] {
            assert!(serde_json::from_str::<Map>(bad).is_err(), "{bad}");
        }
    }
}
