//! The row backend: steps compiled once, run on one record at a time.

use std::collections::BTreeMap;

use super::lookup::{Index, Looked, Lookup};
use super::map::Map;
use super::step::{RowStep, missing};
use super::words;
use crate::data::Value;
use crate::expr::Compiled;
use crate::source::Fault;

/// Steps over numbered places. A column that is made gets a place of its own, a rename moves nothing.
pub struct Evaluator {
    inputs: usize,
    places: usize,
    acts: Vec<Act>,
    output: Vec<usize>,
}

enum Act {
    Look { index: Index, asked: Vec<usize>, brings: Vec<Looked>, place: usize, refusal: Option<Refusal> },
    Map { map: Map, read: Vec<usize>, place: usize },
    Count { words: words::Index, read: usize, place: usize },
    Set { value: Compiled, place: usize },
    Refuse { when: Compiled, refusal: Refusal },
}

/// A record that the steps don't let through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub reason: String,
    /// The field that is to blame.
    pub field: Option<String>,
}

type Names = BTreeMap<String, usize>;

impl Evaluator {
    /// Binds steps to records with the fields `input`, in that order, and to the columns wanted in the end.
    ///
    /// # Errors
    /// When a step, or the output, names a column that isn't there by then.
    pub fn new(steps: &[RowStep], input: &[String], output: &[String]) -> Result<Self, Fault> {
        let brought: Names = input.iter().cloned().zip(0..).collect();
        // What is asked for later isn't there before.
        let mut names = brought.clone();
        for step in steps {
            if let RowStep::Ask { columns, .. } = step {
                names.retain(|name, _| !columns.contains(name));
            }
        }
        let mut made = Self { inputs: input.len(), places: input.len(), acts: Vec::new(), output: Vec::new() };
        for step in steps {
            match step {
                RowStep::Ask { columns, anew } => {
                    if *anew {
                        names.clear();
                        made.acts.clear();
                    }
                    for name in columns {
                        names.extend(brought.get(name).map(|place| (name.clone(), *place)));
                    }
                }
                step => made.add(step, &mut names)?,
            }
        }
        made.output = output.iter().map(|name| place(&names, name)).collect::<Result<_, _>>()?;
        Ok(made)
    }

    /// Runs one record: `record` in the order of the input, `out` then in the order of the output.
    /// `scratch` and `out` are overwritten; kept from call to call they spare allocations.
    ///
    /// # Errors
    /// When a step refuses the record.
    pub fn run(&self, record: &[Value], scratch: &mut Vec<Value>, out: &mut Vec<Value>) -> Result<(), Refusal> {
        scratch.clear();
        scratch.extend(record.iter().take(self.inputs).cloned());
        scratch.resize(self.places, Value::Null);
        for act in &self.acts {
            match act {
                Act::Look { index, asked, brings, place, refusal } => {
                    let row = index.find(asked.iter().map(|place| scratch[*place].clone()), &mut Vec::new());
                    if let (None, Some(refusal)) = (row, refusal) {
                        return Err(refusal.clone());
                    }
                    for (nth, looked) in brings.iter().enumerate() {
                        let found = row.and_then(|row| looked.cells.values().get(row));
                        scratch[place + nth] = found.unwrap_or(&looked.otherwise).clone();
                    }
                }
                Act::Map { map, read, place } => {
                    let values = map.values(read.iter().map(|from| scratch[*from].as_f64()));
                    put(values, *place, scratch);
                }
                Act::Count { words, read, place } => put(words.values(&scratch[*read]), *place, scratch),
                Act::Set { value, place } => scratch[*place] = value.eval(scratch),
                Act::Refuse { when, refusal } if when.eval(scratch) == Value::Bool(true) => return Err(refusal.clone()),
                Act::Refuse { .. } => {}
            }
        }
        out.clear();
        out.extend(self.output.iter().map(|place| scratch[*place].clone()));
        Ok(())
    }

    fn add(&mut self, step: &RowStep, names: &mut Names) -> Result<(), Fault> {
        match step {
            RowStep::Set { columns } => self.set(columns, names)?,
            RowStep::Lookup(lookup) => self.look(lookup, names)?,
            RowStep::Ask { .. } => {}
            RowStep::Map(map) => {
                let read = map.inputs().iter().map(|name| place(names, name)).collect::<Result<_, _>>()?;
                let place = self.fresh(map.outputs().iter().map(|output| &output.name), names);
                self.acts.push(Act::Map { map: map.clone(), read, place });
            }
            RowStep::Words(words) => {
                let read = place(names, words.column())?;
                let place = self.fresh(words.outputs(), names);
                self.acts.push(Act::Count { words: words.index(), read, place });
            }
            RowStep::Refuse { when, reason, field } => self.acts.push(Act::Refuse {
                when: when.compile(&|name| names.get(name).copied())?,
                refusal: Refusal { reason: reason.clone(), field: field.clone() },
            }),
            RowStep::Keep { columns } => {
                *names =
                    columns.iter().map(|name| Ok((name.clone(), place(names, name)?))).collect::<Result<_, Fault>>()?;
            }
            RowStep::Rename { columns } => {
                let moved: Vec<(&String, usize)> =
                    columns.iter().map(|(old, new)| Ok((new, place(names, old)?))).collect::<Result<_, Fault>>()?;
                for (old, _) in columns {
                    names.remove(old);
                }
                names.extend(moved.into_iter().map(|(new, place)| (new.clone(), place)));
            }
        }
        Ok(())
    }

    fn look(&mut self, lookup: &Lookup, names: &mut Names) -> Result<(), Fault> {
        let asked = lookup.reads().map(|name| place(names, name)).collect::<Result<_, _>>()?;
        let brings = lookup.brings().to_vec();
        let place = self.fresh(brings.iter().map(|looked| &looked.name), names);
        let field = lookup.reads().next().cloned();
        let refusal = lookup.refuses().map(|reason| Refusal { reason: reason.to_owned(), field });
        self.acts.push(Act::Look { index: lookup.index(), asked, brings, place, refusal });
        Ok(())
    }

    /// Places side by side for columns that a step makes; the first of them.
    fn fresh<'a>(&mut self, made: impl Iterator<Item = &'a String>, names: &mut Names) -> usize {
        let first = self.places;
        for name in made {
            names.insert(name.clone(), self.places);
            self.places += 1;
        }
        first
    }

    fn set(&mut self, columns: &[(String, crate::expr::Expr)], names: &mut Names) -> Result<(), Fault> {
        let mut fresh = Vec::new();
        for (name, expr) in columns {
            let value = expr.compile(&|name| names.get(name).copied())?;
            self.acts.push(Act::Set { value, place: self.places });
            fresh.push((name.clone(), self.places));
            self.places += 1;
        }
        // Only now: every expression reads the step's input.
        names.extend(fresh);
        Ok(())
    }
}

fn put(values: Vec<Value>, place: usize, scratch: &mut [Value]) {
    scratch[place..].iter_mut().zip(values).for_each(|(cell, value)| *cell = value);
}

fn place(names: &Names, name: &str) -> Result<usize, Fault> {
    names.get(name).copied().ok_or_else(|| missing(name, names.keys().map(String::as_str)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Kind;
    use crate::expr::Expr;

    fn strings(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    /// The two backends on one chain: same rows left, same values.
    #[test]
    fn tables_and_records_come_out_the_same() {
        let (f, s) = (Expr::column("f", Kind::Float), Expr::column("s", Kind::Str));
        let two = Expr::literal(Value::Int(2));
        let steps = [
            RowStep::refuse(s.clone().is_null(), "no s", Some("s")),
            RowStep::set(vec![
                ("f".into(), f.clone().or_else(two.clone()).div(two.clone())),
                ("n".into(), Expr::call("length", vec![s.clone()])),
            ]),
            RowStep::refuse(f.clone().gt(two), "large", None),
            RowStep::rename(vec![("f".into(), "s".into()), ("s".into(), "f".into())]),
            RowStep::keep(strings(&["n", "s"])),
        ];
        let fs = [Value::Float(1.5), Value::Null, Value::Float(9.0), Value::Float(-0.0)];
        let ss = [Value::str("ä"), Value::str(""), Value::str("x"), Value::Null];
        let columns = vec![crate::data::column_of("f", Kind::Float, &fs), crate::data::column_of("s", Kind::Str, &ss)];
        let frame = polars::prelude::DataFrame::new(4, columns).expect("a frame");
        let applied = crate::recipe::apply(&steps, frame).expect("applies");
        let evaluator = Evaluator::new(&steps, &strings(&["f", "s"]), &strings(&["n", "s"])).expect("compiles");
        let (mut scratch, mut out, mut row) = (Vec::new(), Vec::new(), 0);
        for record in fs.into_iter().zip(ss).map(|(f, s)| [f, s]) {
            if evaluator.run(&record, &mut scratch, &mut out).is_ok() {
                let cells: Vec<Value> =
                    applied.frame.columns().iter().map(|column| crate::data::value_at(column, row)).collect();
                assert_eq!(out, cells);
                row += 1;
            }
        }
        assert_eq!((row, applied.refused), (2, 2));
    }

    #[test]
    fn sets_are_simultaneous_and_refusals_name_the_field() {
        let (a, b) = (Expr::column("a", Kind::Int), Expr::column("b", Kind::Int));
        let steps = [
            RowStep::set(vec![("a".into(), b.clone()), ("b".into(), a.clone())]),
            RowStep::refuse(b.clone().lt(Expr::literal(Value::Int(0))), "negative", Some("a")),
            RowStep::rename(vec![("a".into(), "x".into())]),
            RowStep::keep(strings(&["x"])),
        ];
        let evaluator = Evaluator::new(&steps, &strings(&["a", "b"]), &strings(&["x"])).expect("compiles");
        let (mut scratch, mut out) = (Vec::new(), Vec::new());
        evaluator.run(&[Value::Int(1), Value::str("s")], &mut scratch, &mut out).expect("passes");
        assert_eq!(out, [Value::str("s")]);
        let refusal = evaluator.run(&[Value::Int(-1), Value::Null], &mut scratch, &mut out).expect_err("refused");
        assert_eq!(refusal, Refusal { reason: "negative".into(), field: Some("a".into()) });
        let gone = Evaluator::new(&steps, &strings(&["a", "b"]), &strings(&["a"]));
        assert_eq!(gone.err().expect("a fault").code, "unknown-column");
    }
}
