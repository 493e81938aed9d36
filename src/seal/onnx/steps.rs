//! Row steps as operators: what the recipe makes of a record, and which rows it refuses.

use std::collections::BTreeSet;

use super::builder::{Builder, Name};
use super::cell::{Cell, Valid};
use super::expr::{self, Columns, Obstacle};
use super::{lookup, map};
use crate::data::{Kind, Value};
use crate::learn::onnx::proto::{ValueInfo, element};
use crate::recipe::RowStep;
use crate::seal::InputField;

/// What is no value among days and moments: numpy's NaT.
pub(super) const NAT: i64 = i64::MIN;

/// A recipe on its way into a graph.
pub(super) struct Steps {
    /// The raw columns.
    brought: Columns,
    /// The columns by now.
    pub(super) columns: Columns,
    /// What the graph reads.
    pub(super) inputs: Vec<ValueInfo>,
    /// True for rows that are refused; none if none ever is.
    pub(super) refused: Option<Name>,
    /// What can't go.
    pub(super) obstacles: BTreeSet<Obstacle>,
}

impl Steps {
    /// From raw columns.
    pub(super) fn new(signature: &[InputField], builder: &mut Builder) -> Self {
        let mut made = Self {
            brought: Columns::new(),
            columns: Columns::new(),
            inputs: Vec::new(),
            refused: None,
            obstacles: BTreeSet::new(),
        };
        for field in signature {
            let (of, doc) = match field.kind {
                Kind::Int | Kind::Float => (element::DOUBLE, "a number; NaN is no value"),
                Kind::Bool => (element::DOUBLE, "1 for true, 0 for false; NaN is no value"),
                Kind::Date => (element::INT64, "days since 1970-01-01; the least integer is no value"),
                Kind::Datetime => (element::INT64, "microseconds since 1970 UTC; the least integer is no value"),
                Kind::Duration => (element::INT64, "microseconds; the least integer is no value"),
                Kind::Str | Kind::Category | Kind::Text => (element::STRING, "a text; an empty one is no value"),
            };
            made.inputs.push(ValueInfo::tensor(&field.name, of, &[None, Some(1)], doc));
            let cell = made.read(field, builder);
            made.allowed(field, &cell, builder);
            made.columns.insert(field.name.clone(), cell);
        }
        made.brought.clone_from(&made.columns);
        made
    }

    /// A raw column.
    fn read(&mut self, field: &InputField, builder: &mut Builder) -> Cell {
        let name = field.name.as_str();
        match field.kind {
            Kind::Float => builder.finite(name),
            Kind::Int | Kind::Bool => self.whole(field, builder),
            Kind::Date | Kind::Datetime | Kind::Duration => {
                let least = builder.int(NAT);
                let none = builder.op("Equal", &[name, &least]);
                let mask = builder.op("Not", &[&none]);
                Cell::masked(field.kind, name.to_owned(), Some(mask))
            }
            Kind::Str | Kind::Category | Kind::Text => {
                let mut missing = vec![String::new()];
                missing.extend(field.missing.iter().cloned());
                let none = builder.is_among(name, &missing);
                let mask = builder.op("Not", &[&none]);
                Cell::masked(field.kind, name.to_owned(), Some(mask))
            }
        }
    }

    /// Ints and truths come as floats, so that they can be missing. One with a fraction is refused, as in a request.
    fn whole(&mut self, field: &InputField, builder: &mut Builder) -> Cell {
        let finite = builder.finite(&field.name);
        let mask = builder.mask(&finite).expect("floats may be missing");
        let zero = builder.float(0.0);
        let safe = builder.op("Where", &[&mask, &finite.value, &zero]);
        let floor = builder.op("Floor", &[&safe]);
        let mut fits = builder.op("Equal", &[&floor, &safe]);
        let value = if field.kind == Kind::Bool {
            let one = builder.float(1.0);
            let (is_zero, is_one) = (builder.op("Equal", &[&safe, &zero]), builder.op("Equal", &[&safe, &one]));
            fits = builder.op("Or", &[&is_zero, &is_one]);
            is_one
        } else {
            builder.cast(&floor, element::INT64)
        };
        let bad = builder.op("Not", &[&fits]);
        self.refuse(bad, builder);
        Cell::masked(field.kind, value, Some(mask))
    }

    /// Refuses what the signature doesn't allow.
    fn allowed(&mut self, field: &InputField, cell: &Cell, builder: &mut Builder) {
        let mut rules: Vec<Name> = Vec::new();
        if !field.one_of.is_empty() {
            rules.push(self.one_of(field, cell, builder));
        }
        for (bound, op) in [(field.min, "Less"), (field.max, "Greater")] {
            if let Some(bound) = bound.filter(|_| field.kind.is_numeric()) {
                let (value, bound) = (builder.float_of(cell), builder.float(bound));
                let beyond = builder.op(op, &[&value, &bound]);
                rules.push(builder.op("Not", &[&beyond]));
            }
        }
        for rule in rules {
            let broken = builder.op("Not", &[&rule]);
            let broken = match builder.mask(cell) {
                Some(mask) => builder.op("And", &[&mask, &broken]),
                None => broken,
            };
            self.refuse(broken, builder);
        }
    }

    fn one_of(&self, field: &InputField, cell: &Cell, builder: &mut Builder) -> Name {
        if cell.kind.is_string() {
            let text = |value: &Value| match value {
                Value::Str(text) => Some(text.to_string()),
                _ => None,
            };
            let texts: Vec<String> = field.one_of.iter().filter_map(text).collect();
            return builder.is_among(&cell.value, &texts);
        }
        let mut found = builder.truth(false);
        for value in &field.one_of {
            let same = builder.is_value(cell, value);
            found = builder.op("Or", &[&found, &same]);
        }
        found
    }

    /// Refuses rows where this is true.
    pub(super) fn refuse(&mut self, when: Name, builder: &mut Builder) {
        self.refused = Some(match self.refused.take() {
            None => when,
            Some(sofar) => builder.op("Or", &[&sofar, &when]),
        });
    }

    /// Does what a step says.
    pub(super) fn step(&mut self, step: &RowStep, builder: &mut Builder) {
        match step {
            RowStep::Set { columns } => {
                let made: Vec<(String, Option<Cell>)> =
                    columns.iter().map(|(name, expr)| (name.clone(), self.expr(expr, builder))).collect();
                for (name, cell) in made {
                    match cell {
                        Some(cell) => drop(self.columns.insert(name, cell)),
                        // What reads it can't go either, and is told by it.
                        None => drop(self.columns.remove(&name)),
                    }
                }
            }
            RowStep::Lookup(table) => match lookup::columns(table, &self.columns, builder) {
                Ok(Some((brought, strangers))) => {
                    self.columns.extend(brought);
                    if table.refuses().is_some() {
                        self.refuse(strangers, builder);
                    }
                }
                Ok(None) => table.brings().iter().for_each(|looked| drop(self.columns.remove(&looked.name))),
                Err(why) => {
                    let names: Vec<String> = table.reads().map(|name| format!("`{name}`")).collect();
                    self.obstacles.insert(Obstacle { what: format!("a lookup by {}", names.join(", ")), why });
                    table.brings().iter().for_each(|looked| drop(self.columns.remove(&looked.name)));
                }
            },
            RowStep::Map(table) => {
                let made = self.like(builder).and_then(|like| map::columns(table, &self.columns, &like, builder));
                match made {
                    Some(made) => self.columns.extend(made),
                    None => table.outputs().iter().for_each(|output| drop(self.columns.remove(&output.name))),
                }
            }
            RowStep::Words(words) => {
                let why = "ONNX has no operator that parts a text into words".to_owned();
                self.obstacles.insert(Obstacle { what: format!("the words of `{}`", words.column()), why });
                words.outputs().for_each(|name| drop(self.columns.remove(name)));
            }
            RowStep::Refuse { when, .. } => {
                if let Some(cell) = self.expr(when, builder) {
                    let when = builder.holds(&cell);
                    self.refuse(when, builder);
                }
            }
            RowStep::Ask { columns, .. } => {
                for name in columns {
                    self.columns.extend(self.brought.get(name).map(|cell| (name.clone(), cell.clone())));
                }
            }
            RowStep::Keep { columns } => self.columns.retain(|name, _| columns.contains(name)),
            RowStep::Rename { columns } => {
                let moved: Vec<(String, Option<Cell>)> =
                    columns.iter().map(|(old, new)| (new.clone(), self.columns.get(old).cloned())).collect();
                for (old, _) in columns {
                    self.columns.remove(old);
                }
                self.columns.extend(moved.into_iter().filter_map(|(new, cell)| Some((new, cell?))));
            }
        }
    }

    fn expr(&mut self, expr: &crate::expr::Expr, builder: &mut Builder) -> Option<Cell> {
        let mut found = Vec::new();
        let cell = expr::cell(expr, &self.columns, builder, &mut found);
        self.obstacles.extend(found);
        cell
    }

    /// A column as a model reads it: `[rows, 1]` of floats, NaN where there is no value.
    pub(super) fn feature(
        &mut self,
        feature: &crate::seal::Feature,
        like: &str,
        builder: &mut Builder,
    ) -> Option<Name> {
        let cell = self.columns.get(&feature.name)?.clone();
        let value = match &feature.categories {
            None => match cell.kind {
                kind if kind.is_numeric() || kind == Kind::Bool => builder.float_of(&cell),
                _ => builder.float(f64::NAN),
            },
            Some(categories) => category(&cell, categories, builder),
        };
        Some(repeated(&value, like, builder))
    }
}

/// Floats that may be the same in every row, repeated for each.
pub(super) fn repeated(value: &str, like: &str, builder: &mut Builder) -> Name {
    let zero = builder.op("Mul", &[like, like]);
    let never = builder.float(-1.0);
    let is_row = builder.op("Less", &[&zero, &never]);
    builder.op("Where", &[&is_row, &never, value])
}

/// A category as its place.
fn category(cell: &Cell, categories: &[Value], builder: &mut Builder) -> Name {
    let nan = builder.float(f64::NAN);
    let place = if cell.kind.is_string() {
        let texts: Vec<String> = categories.iter().map(ToString::to_string).collect();
        let places: Vec<i64> = (0..texts.len() as i64).collect();
        let place = builder.places(&cell.value, &texts, &places, -1);
        let zero = builder.int(0);
        let known = builder.op("GreaterOrEqual", &[&place, &zero]);
        let place = builder.cast(&place, element::DOUBLE);
        builder.op("Where", &[&known, &place, &nan])
    } else {
        let mut place = nan.clone();
        for (nth, value) in categories.iter().enumerate() {
            let same = builder.is_value(cell, value);
            let own = builder.float(nth as f64);
            place = builder.op("Where", &[&same, &own, &place]);
        }
        place
    };
    match (&cell.valid, builder.mask(cell)) {
        (Valid::Always, _) | (_, None) => place,
        (_, Some(mask)) => builder.op("Where", &[&mask, &place, &nan]),
    }
}
