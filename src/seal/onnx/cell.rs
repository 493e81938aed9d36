//! A column within the graph: its values, and which of them are none.

use super::builder::{Builder, Name};
use crate::data::{Kind, Value};
use crate::learn::onnx::proto::element;

/// A column: `[rows, 1]`, or `[1]` where every row has the same.
///
/// Ints and all that is temporal are 64-bit integers, floats 64-bit floats, strings texts, truths truths.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    pub(super) kind: Kind,
    pub(super) value: Name,
    pub(super) valid: Valid,
}

/// Which rows have a value.
#[derive(Clone, Debug)]
pub(super) enum Valid {
    /// All.
    Always,
    /// Those that aren't NaN; only floats are so.
    NotNan,
    /// Those where this is true. In the others stands anything.
    Mask(Name),
}

impl Cell {
    /// A column that has a value in every row.
    pub(super) fn sure(kind: Kind, value: Name) -> Self {
        Self { kind, value, valid: Valid::Always }
    }

    /// Floats; NaN is no value.
    pub(super) fn float(value: Name) -> Self {
        Self { kind: Kind::Float, value, valid: Valid::NotNan }
    }

    /// A column with its mask, if it has one.
    pub(super) fn masked(kind: Kind, value: Name, mask: Option<Name>) -> Self {
        Self { kind, value, valid: mask.map_or(Valid::Always, Valid::Mask) }
    }
}

impl Builder {
    /// Where a column's value is that one. Truths are compared by what every runtime knows.
    pub(super) fn is_value(&mut self, cell: &Cell, value: &Value) -> Name {
        let constant = self.literal(value, cell.kind);
        if cell.kind == Kind::Bool {
            let other = self.op("Xor", &[&cell.value, &constant.value]);
            return self.op("Not", &[&other]);
        }
        self.op("Equal", &[&cell.value, &constant.value])
    }

    /// A constant.
    pub(super) fn literal(&mut self, value: &Value, kind: Kind) -> Cell {
        let name = match value {
            Value::Null if kind == Kind::Float => {
                let name = self.float(f64::NAN);
                return Cell::float(name);
            }
            Value::Null => {
                let value = self.any(kind);
                let mask = self.truth(false);
                return Cell::masked(kind, value, Some(mask));
            }
            Value::Bool(flag) => self.truth(*flag),
            Value::Int(number) | Value::Datetime(number) | Value::Duration(number) => self.int(*number),
            Value::Date(days) => self.int((*days).into()),
            Value::Float(number) => self.float(*number),
            Value::Str(text) => self.text(text),
        };
        Cell::sure(kind, name)
    }

    /// Some value of a type, where it doesn't matter which.
    pub(super) fn any(&mut self, kind: Kind) -> Name {
        match kind {
            Kind::Bool => self.truth(false),
            Kind::Float => self.float(0.0),
            kind if kind.is_string() => self.text(""),
            _ => self.int(0),
        }
    }

    /// True where there is a value; nothing if there always is.
    pub(super) fn mask(&mut self, cell: &Cell) -> Option<Name> {
        match &cell.valid {
            Valid::Always => None,
            Valid::NotNan => {
                let is_nan = self.op("IsNaN", &[&cell.value]);
                Some(self.op("Not", &[&is_nan]))
            }
            Valid::Mask(mask) => Some(mask.clone()),
        }
    }

    /// True where all of them have a value; nothing if they always have.
    pub(super) fn masks<'a>(&mut self, cells: impl IntoIterator<Item = &'a Cell>) -> Option<Name> {
        let mut all = None;
        for cell in cells {
            let mask = self.mask(cell);
            all = self.both(all, mask);
        }
        all
    }

    /// Where both are true; nothing is always true.
    pub(super) fn both(&mut self, a: Option<Name>, b: Option<Name>) -> Option<Name> {
        match (a, b) {
            (Some(a), Some(b)) if a != b => Some(self.op("And", &[&a, &b])),
            (a, b) => a.or(b),
        }
    }

    /// A number as a float; where there is no value it is NaN.
    pub(super) fn float_of(&mut self, cell: &Cell) -> Name {
        if cell.kind == Kind::Float {
            return cell.value.clone();
        }
        let value = self.cast(&cell.value, element::DOUBLE);
        match self.mask(cell) {
            None => value,
            Some(mask) => {
                let nan = self.float(f64::NAN);
                self.op("Where", &[&mask, &value, &nan])
            }
        }
    }

    /// Floats of which infinite ones are no values.
    pub(super) fn finite(&mut self, value: &str) -> Cell {
        let infinite = self.op("IsInf", &[value]);
        let nan = self.float(f64::NAN);
        Cell::float(self.op("Where", &[&infinite, &nan, value]))
    }

    /// A condition as one truth a row: false where it isn't known.
    pub(super) fn holds(&mut self, cell: &Cell) -> Name {
        match self.mask(cell) {
            None => cell.value.clone(),
            Some(mask) => self.op("And", &[&cell.value, &mask]),
        }
    }

    /// As the wider type: ints as floats, dates as their midnights.
    pub(super) fn widened(&mut self, cell: &Cell, kind: Kind) -> Cell {
        match (cell.kind, kind) {
            (Kind::Int | Kind::Bool, Kind::Float) => {
                let sure = matches!(cell.valid, Valid::Always);
                let value = self.float_of(cell);
                if sure { Cell::sure(Kind::Float, value) } else { Cell::float(value) }
            }
            (Kind::Date, Kind::Datetime) => self.midnight(cell),
            _ => Cell { kind, ..cell.clone() },
        }
    }

    /// The midnight of a day, in microseconds. Days too far away have none.
    fn midnight(&mut self, cell: &Cell) -> Cell {
        const DAY: i64 = 86_400_000_000;
        let (day, most) = (self.int(DAY), self.int(i64::MAX / DAY));
        let value = self.op("Mul", &[&cell.value, &day]);
        let far = self.op("Abs", &[&cell.value]);
        let near = self.op("LessOrEqual", &[&far, &most]);
        let mask = self.mask(cell);
        let mask = self.both(mask, Some(near));
        Cell::masked(Kind::Datetime, value, mask)
    }

    /// `yes` where `when` is true, else `no`; both are of one type.
    pub(super) fn choose(&mut self, when: &str, yes: &Cell, no: &Cell) -> Cell {
        let value = match yes.kind {
            Kind::Bool => self.truth_where(when, &yes.value, &no.value),
            _ => self.op("Where", &[when, &yes.value, &no.value]),
        };
        if yes.kind == Kind::Float {
            let sure = matches!((&yes.valid, &no.valid), (Valid::Always, Valid::Always));
            return if sure { Cell::sure(Kind::Float, value) } else { Cell::float(value) };
        }
        let mask = match (self.mask(yes), self.mask(no)) {
            (None, None) => None,
            (yes, no) => {
                let always = self.truth(true);
                let (yes, no) = (yes.unwrap_or_else(|| always.clone()), no.unwrap_or(always));
                Some(self.truth_where(when, &yes, &no))
            }
        };
        Cell::masked(yes.kind, value, mask)
    }
}
