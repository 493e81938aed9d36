//! Arithmetic and functions of numbers.

use super::super::builder::{Builder, Name};
use super::super::cell::Cell;
use super::super::expr::Call;
use crate::data::{Kind, Value};

pub(super) fn apply(call: &Call, builder: &mut Builder) -> Option<Result<Cell, String>> {
    Some(Ok(match (call.name, call.kind) {
        ("+" | "-", Kind::Int) if call.cells[0].kind == Kind::Date => days_between(call, builder),
        ("+" | "-" | "*" | "%" | "mod", Kind::Int) => whole(call, builder),
        ("+", Kind::Float) => two(call, builder, "Add"),
        ("-", Kind::Float) => two(call, builder, "Sub"),
        ("*", Kind::Float) => two(call, builder, "Mul"),
        ("/", _) => two(call, builder, "Div"),
        ("%" | "mod", Kind::Float) => {
            let (a, b) = (builder.float_of(&call.cells[0]), builder.float_of(&call.cells[1]));
            let made = builder.op_with("Mod", &[&a, &b], vec![super::super::builder::int("fmod", 1)]);
            builder.finite(&made)
        }
        ("pow", _) => power(call, builder),
        ("+" | "-", _) => moved(call, builder),
        ("neg", Kind::Int) => turned(call, builder, "Neg"),
        ("abs", Kind::Int) => turned(call, builder, "Abs"),
        ("neg", Kind::Float) => one(call, builder, "Neg"),
        ("abs", Kind::Float) => one(call, builder, "Abs"),
        ("sign", Kind::Int) => Cell { value: builder.op("Sign", &[&call.cells[0].value]), ..call.cells[0].clone() },
        ("sign", Kind::Float) => one(call, builder, "Sign"),
        ("floor" | "ceil" | "trunc", Kind::Int) => call.cells[0].clone(),
        ("floor", _) => one(call, builder, "Floor"),
        ("ceil", _) => one(call, builder, "Ceil"),
        ("trunc", _) => {
            let value = builder.trunc(&call.cells[0].value);
            Cell { value, ..call.cells[0].clone() }
        }
        ("round", _) => return Some(round(call, builder)),
        ("sqrt", _) => one(call, builder, "Sqrt"),
        ("exp", _) => one(call, builder, "Exp"),
        ("ln", _) => one(call, builder, "Log"),
        ("sin", _) => one(call, builder, "Sin"),
        ("cos", _) => one(call, builder, "Cos"),
        ("tan", _) => tangent(call, builder),
        ("tanh", _) => one(call, builder, "Tanh"),
        ("degrees", _) => scaled(call, builder, 180.0 / std::f64::consts::PI),
        ("radians", _) => scaled(call, builder, std::f64::consts::PI / 180.0),
        ("log10", _) => logarithm(call, builder, std::f64::consts::LN_10),
        ("log2", _) => logarithm(call, builder, std::f64::consts::LN_2),
        ("log1p", _) => log1p(call, builder),
        ("expm1", _) => {
            let x = builder.float_of(&call.cells[0]);
            let made = builder.expm1(&x);
            builder.finite(&made)
        }
        _ => return None,
    }))
}

/// A function of one float.
fn one(call: &Call, builder: &mut Builder, op: &str) -> Cell {
    let x = builder.float_of(&call.cells[0]);
    let made = builder.op(op, &[&x]);
    builder.finite(&made)
}

/// A float times a constant.
fn scaled(call: &Call, builder: &mut Builder, by: f64) -> Cell {
    let (x, by) = (builder.float_of(&call.cells[0]), builder.float(by));
    let made = builder.op("Mul", &[&x, &by]);
    builder.finite(&made)
}

fn tangent(call: &Call, builder: &mut Builder) -> Cell {
    let x = builder.float_of(&call.cells[0]);
    let (sine, cosine) = (builder.op("Sin", &[&x]), builder.op("Cos", &[&x]));
    let made = builder.op("Div", &[&sine, &cosine]);
    builder.finite(&made)
}

/// A function of two floats.
fn two(call: &Call, builder: &mut Builder, op: &str) -> Cell {
    let (a, b) = (builder.float_of(&call.cells[0]), builder.float_of(&call.cells[1]));
    let made = builder.op(op, &[&a, &b]);
    builder.finite(&made)
}

/// Arithmetic of integers.
fn whole(call: &Call, builder: &mut Builder) -> Cell {
    let (a, b) = (&call.cells[0].value, &call.cells[1].value);
    let (value, fits) = match call.name {
        "+" => builder.int_sum(a, b),
        "-" => builder.int_difference(a, b),
        "*" => builder.int_product(a, b),
        _ => builder.int_remainder(a, b),
    };
    let mask = builder.masks(&call.cells);
    let mask = builder.both(mask, Some(fits));
    Cell::masked(Kind::Int, value, mask)
}

/// The sign taken away or turned: the least integer has no partner.
fn turned(call: &Call, builder: &mut Builder, op: &str) -> Cell {
    let cell = &call.cells[0];
    let least = builder.int(i64::MIN);
    let is_least = builder.op("Equal", &[&cell.value, &least]);
    let fits = builder.op("Not", &[&is_least]);
    let mask = builder.mask(cell);
    let mask = builder.both(mask, Some(fits));
    Cell::masked(Kind::Int, builder.op(op, &[&cell.value]), mask)
}

fn days_between(call: &Call, builder: &mut Builder) -> Cell {
    let value = builder.op("Sub", &[&call.cells[0].value, &call.cells[1].value]);
    let mask = builder.masks(&call.cells);
    Cell::masked(Kind::Int, value, mask)
}

/// Days and moments moved by days or spans, and spans between moments.
fn moved(call: &Call, builder: &mut Builder) -> Cell {
    let wide = |cell: &Cell, builder: &mut Builder| match (call.kind, cell.kind) {
        (Kind::Datetime | Kind::Duration, Kind::Date) => builder.widened(cell, Kind::Datetime),
        _ => cell.clone(),
    };
    let (a, b) = (wide(&call.cells[0], builder), wide(&call.cells[1], builder));
    let (value, fits) = match call.name {
        "+" => builder.int_sum(&a.value, &b.value),
        _ => builder.int_difference(&a.value, &b.value),
    };
    let mask = builder.masks([&a, &b]);
    let mut mask = builder.both(mask, Some(fits));
    if call.kind == Kind::Date {
        let fits = builder.is_day(&value);
        mask = builder.both(mask, Some(fits));
    }
    Cell::masked(call.kind, value, mask)
}

/// ONNX has 1 for 1 to the power of NaN, and for NaN to the power of 0; here no value stays none.
fn power(call: &Call, builder: &mut Builder) -> Cell {
    let made = two(call, builder, "Pow");
    let Some(mask) = builder.masks(&call.cells) else { return made };
    let nan = builder.float(f64::NAN);
    Cell::float(builder.op("Where", &[&mask, &made.value, &nan]))
}

fn logarithm(call: &Call, builder: &mut Builder, of_base: f64) -> Cell {
    let x = builder.float_of(&call.cells[0]);
    let natural = builder.op("Log", &[&x]);
    let base = builder.float(of_base);
    let made = builder.op("Div", &[&natural, &base]);
    builder.finite(&made)
}

/// ln(1 + x) · x / ((1 + x) - 1), which is exact near zero (Kahan, in Higham, "Accuracy and Stability of Numerical
/// Algorithms", 2002, problem 1.5).
fn log1p(call: &Call, builder: &mut Builder) -> Cell {
    let x = builder.float_of(&call.cells[0]);
    let (zero, one) = (builder.float(0.0), builder.float(1.0));
    let sum = builder.op("Add", &[&one, &x]);
    let back = builder.op("Sub", &[&sum, &one]);
    let is_tiny = builder.op("Equal", &[&back, &zero]);
    let divisor = builder.op("Where", &[&is_tiny, &one, &back]);
    let log = builder.op("Log", &[&sum]);
    let ratio = builder.op("Div", &[&x, &divisor]);
    let scaled = builder.op("Mul", &[&log, &ratio]);
    let made = builder.op("Where", &[&is_tiny, &x, &scaled]);
    builder.finite(&made)
}

fn round(call: &Call, builder: &mut Builder) -> Result<Cell, String> {
    let digits = match call.args.get(1).map(|arg| arg.as_literal()) {
        None => 0,
        Some(Some(Value::Int(digits))) => *digits,
        Some(_) => return Err("the number of digits must be a constant".to_owned()),
    };
    let cell = &call.cells[0];
    if cell.kind == Kind::Int {
        return match digits {
            0.. => Ok(cell.clone()),
            -18..0 => Ok(round_int(cell, 10_i64.pow(digits.unsigned_abs() as u32), builder)),
            _ => Err("an int is rounded to more than 18 places".to_owned()),
        };
    }
    let x = &cell.value;
    let power = (0..digits.unsigned_abs().min(309)).fold(1.0, |power: f64, _| power * 10.0);
    let unit = builder.float(power);
    let made = match digits {
        23.. => x.clone(),
        0..23 => {
            let scaled = builder.op("Mul", &[x, &unit]);
            let rounded = builder.nearest(&scaled);
            let back = builder.op("Div", &[&rounded, &unit]);
            // From 2⁵² on every float is whole.
            let (size, whole) = (builder.op("Abs", &[&scaled]), builder.float(4_503_599_627_370_496.0));
            let is_small = builder.op("Less", &[&size, &whole]);
            builder.op("Where", &[&is_small, &back, x])
        }
        -308..0 => {
            let scaled = builder.op("Div", &[x, &unit]);
            let rounded = builder.nearest(&scaled);
            let back = builder.op("Mul", &[&rounded, &unit]);
            let is_infinite = builder.op("IsInf", &[&back]);
            builder.op("Where", &[&is_infinite, x, &back])
        }
        _ => {
            let zero = builder.float(0.0);
            builder.op("Mul", &[x, &zero])
        }
    };
    Ok(Cell { value: made, ..cell.clone() })
}

/// To a multiple of `unit`, half away from zero.
fn round_int(cell: &Cell, unit: i64, builder: &mut Builder) -> Cell {
    let by = builder.int(unit);
    let whole = builder.op("Div", &[&cell.value, &by]);
    let taken = builder.op("Mul", &[&whole, &by]);
    let rest = builder.op("Sub", &[&cell.value, &taken]);
    let size = builder.op("Abs", &[&rest]);
    let half = builder.int(unit / 2);
    let is_far = builder.op("GreaterOrEqual", &[&size, &half]);
    let (zero, sign) = (builder.int(0), builder.op("Sign", &[&cell.value]));
    let more = builder.op("Where", &[&is_far, &sign, &zero]);
    let count = builder.op("Add", &[&whole, &more]);
    let (value, fits) = builder.int_product(&count, &by);
    let mask = builder.mask(cell);
    let mask = builder.both(mask, Some(fits));
    Cell::masked(Kind::Int, value, mask)
}

impl Builder {
    /// e^x - 1: near zero as (e^x - 1) · x / ln(e^x), which is exact (of the same book, section 1.14.1).
    pub(in crate::seal::onnx) fn expm1(&mut self, x: &str) -> Name {
        let (one, half) = (self.float(1.0), self.float(0.5));
        let power = self.op("Exp", &[x]);
        let less = self.op("Sub", &[&power, &one]);
        let log = self.op("Log", &[&power]);
        let size = self.op("Abs", &[x]);
        let is_near = self.op("Less", &[&size, &half]);
        let is_tiny = self.op("Equal", &[&power, &one]);
        let divisor = self.op("Where", &[&is_tiny, &one, &log]);
        let ratio = self.op("Div", &[x, &divisor]);
        let scaled = self.op("Mul", &[&less, &ratio]);
        let near = self.op("Where", &[&is_tiny, x, &scaled]);
        self.op("Where", &[&is_near, &near, &less])
    }

    /// The next whole number towards zero.
    pub(in crate::seal::onnx) fn trunc(&mut self, x: &str) -> Name {
        let zero = self.float(0.0);
        let below = self.op("Less", &[x, &zero]);
        let (up, down) = (self.op("Ceil", &[x]), self.op("Floor", &[x]));
        self.op("Where", &[&below, &up, &down])
    }

    /// The nearest whole number, half away from zero. (ONNX's own rounds half to even.)
    fn nearest(&mut self, x: &str) -> Name {
        let whole = self.trunc(x);
        let rest = self.op("Sub", &[x, &whole]);
        let size = self.op("Abs", &[&rest]);
        let (half, zero) = (self.float(0.5), self.float(0.0));
        let is_far = self.op("GreaterOrEqual", &[&size, &half]);
        let sign = self.op("Sign", &[x]);
        let more = self.op("Where", &[&is_far, &sign, &zero]);
        self.op("Add", &[&whole, &more])
    }

    /// Whether an integer is a day that a date can be.
    pub(in crate::seal::onnx) fn is_day(&mut self, value: &str) -> Name {
        let (least, most) = (self.int(i32::MIN.into()), self.int(i32::MAX.into()));
        let above = self.op("GreaterOrEqual", &[value, &least]);
        let below = self.op("LessOrEqual", &[value, &most]);
        self.op("And", &[&above, &below])
    }
}
