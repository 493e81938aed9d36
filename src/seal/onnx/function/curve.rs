//! Curves: through points, and of the normal distribution.

use super::super::builder::{Builder, Name, doubles, int};
use super::super::cell::Cell;
use super::super::expr::Call;
use crate::data::normal::{CENTRE, FAR, MIDDLE, NEAR, Quotient, SIDES, SQUARE, TAILS};
use crate::learn::onnx::proto::element;

pub(super) fn apply(call: &Call, builder: &mut Builder) -> Option<Result<Cell, String>> {
    Some(Ok(match call.name {
        "interpolate" => interpolate(call, builder),
        "probit" => probit(call, builder),
        "sigmoid" => sigmoid(call, builder),
        _ => return None,
    }))
}

/// The points at both sides are found by counting those below; where points lie above each other it is halfway.
fn interpolate(call: &Call, builder: &mut Builder) -> Cell {
    let numbers: Vec<f64> = call.args[1..].iter().filter_map(|arg| arg.as_literal()?.as_f64()).collect();
    let (xs, ys): (Vec<f64>, Vec<f64>) = numbers.chunks_exact(2).map(|pair| (pair[0], pair[1])).unzip();
    let x = builder.float_of(&call.cells[0]);
    let (row, last) = (builder.tensor(doubles(&[1, xs.len()], &xs)), builder.int(xs.len() as i64 - 1));
    let (zero, one) = (builder.int(0), builder.int(1));
    let below = builder.op("Less", &[&row, &x]);
    let upto = builder.op("LessOrEqual", &[&row, &x]);
    let (below, upto) = (builder.count(&below), builder.count(&upto));
    let before = builder.op("Sub", &[&below, &one]);
    let final_upto = builder.op("Sub", &[&upto, &one]);
    let is_hit = builder.op("Less", &[&below, &upto]);
    let left = builder.op("Where", &[&is_hit, &below, &before]);
    let right = builder.op("Where", &[&is_hit, &final_upto, &below]);
    let (left, right) = (builder.op("Max", &[&left, &zero]), builder.op("Min", &[&right, &last]));
    let (xs, ys) = (builder.tensor(doubles(&[xs.len()], &xs)), builder.tensor(doubles(&[ys.len()], &ys)));
    let [x_left, x_right] = [&left, &right].map(|place| builder.op("Gather", &[&xs, place]));
    let [y_left, y_right] = [&left, &right].map(|place| builder.op("Gather", &[&ys, place]));
    let (rise, width) = (builder.op("Sub", &[&y_right, &y_left]), builder.op("Sub", &[&x_right, &x_left]));
    let nothing = builder.float(0.0);
    let is_point = builder.op("Equal", &[&width, &nothing]);
    let unit = builder.float(1.0);
    let width = builder.op("Where", &[&is_point, &unit, &width]);
    let way = builder.op("Sub", &[&x, &x_left]);
    let share = builder.op("Div", &[&way, &width]);
    let step = builder.op("Mul", &[&share, &rise]);
    let line = builder.op("Add", &[&y_left, &step]);
    let (half, sum) = (builder.float(0.5), builder.op("Add", &[&y_left, &y_right]));
    let halfway = builder.op("Mul", &[&half, &sum]);
    // Beyond the ends both points are the end, and nothing is halfway between.
    let made = builder.op("Where", &[&is_point, &halfway, &line]);
    let mask = builder.mask(&call.cells[0]);
    let Some(mask) = mask else { return builder.finite(&made) };
    let nan = builder.float(f64::NAN);
    let made = builder.op("Where", &[&mask, &made, &nan]);
    builder.finite(&made)
}

fn probit(call: &Call, builder: &mut Builder) -> Cell {
    let p = builder.float_of(&call.cells[0]);
    let [half, one, most, square, near, far] = [0.5, 1.0, MIDDLE, SQUARE, NEAR, FAR].map(|value| builder.float(value));
    let middle = builder.op("Sub", &[&p, &half]);
    let squared = builder.op("Mul", &[&middle, &middle]);
    let inner = builder.op("Sub", &[&square, &squared]);
    let inner = builder.quotient(CENTRE, &inner);
    let centre = builder.op("Mul", &[&middle, &inner]);
    let other = builder.op("Sub", &[&one, &p]);
    let tail = builder.op("Min", &[&p, &other]);
    let log = builder.op("Log", &[&tail]);
    let log = builder.op("Neg", &[&log]);
    let root = builder.op("Sqrt", &[&log]);
    let (side, beyond) = (builder.op("Sub", &[&root, &near]), builder.op("Sub", &[&root, &far]));
    let (side, beyond) = (builder.quotient(SIDES, &side), builder.quotient(TAILS, &beyond));
    let is_side = builder.op("LessOrEqual", &[&root, &far]);
    let size = builder.op("Where", &[&is_side, &side, &beyond]);
    let sign = builder.op("Sign", &[&middle]);
    let outer = builder.op("Mul", &[&size, &sign]);
    let reach = builder.op("Abs", &[&middle]);
    let is_centre = builder.op("LessOrEqual", &[&reach, &most]);
    let made = builder.op("Where", &[&is_centre, &centre, &outer]);
    builder.finite(&made)
}

fn sigmoid(call: &Call, builder: &mut Builder) -> Cell {
    let (x, one) = (builder.float_of(&call.cells[0]), builder.float(1.0));
    let turned = builder.op("Neg", &[&x]);
    let power = builder.op("Exp", &[&turned]);
    let sum = builder.op("Add", &[&one, &power]);
    let made = builder.op("Div", &[&one, &sum]);
    builder.finite(&made)
}

impl Builder {
    /// How many of a row are true: `[rows, n]` to `[rows, 1]`.
    fn count(&mut self, truths: &str) -> Name {
        let ones = self.cast(truths, element::INT64);
        let along = self.int(1);
        self.op_with("ReduceSum", &[&ones, &along], vec![int("keepdims", 1)])
    }

    fn quotient(&mut self, [above, below]: Quotient, x: &str) -> Name {
        let (above, below) = (self.polynomial(&above, x), self.polynomial(&below, x));
        self.op("Div", &[&above, &below])
    }

    /// By Horner's scheme; the constant comes first.
    fn polynomial(&mut self, coefficients: &[f64], x: &str) -> Name {
        let mut sum = self.float(coefficients[coefficients.len() - 1]);
        for coefficient in coefficients.iter().rev().skip(1) {
            let coefficient = self.float(*coefficient);
            let product = self.op("Mul", &[&sum, x]);
            sum = self.op("Add", &[&product, &coefficient]);
        }
        sum
    }
}
