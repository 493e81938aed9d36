//! What is done with another estimator's answers: calibrated probabilities, numbers from another scale.

use super::super::builder::{Builder, Name, doubles, int, ints};
use crate::learn::onnx::proto::element;
use crate::learn::{Calibration, CurveView, TargetScale, YeoJohnson};

/// Numbers brought back from the scale on which they were learned.
///
/// # Errors
/// The normal distribution has no operator for numbers of this precision.
pub(super) fn back(scale: &TargetScale, from: &str, builder: &mut Builder) -> Result<Name, String> {
    let made = match scale {
        TargetScale::Log1p => builder.expm1(from),
        TargetScale::Log => builder.op("Exp", &[from]),
        TargetScale::Sqrt => {
            let zero = builder.float(0.0);
            let root = builder.op("Max", &[from, &zero]);
            builder.op("Mul", &[&root, &root])
        }
        TargetScale::YeoJohnson(of) => unpowered(of, from, builder),
        TargetScale::Quantile(_) => return Err("`target_transform: quantile` reads a normal distribution".to_owned()),
    };
    let (least, most) = (builder.float(-f64::MAX), builder.float(f64::MAX));
    let made = builder.op("Max", &[&made, &least]);
    Ok(builder.op("Min", &[&made, &most]))
}

/// Numbers of which Yeo and Johnson's power has made these, before they were standardized.
fn unpowered(of: &YeoJohnson, from: &str, builder: &mut Builder) -> Name {
    let (mean, std, zero) = (builder.float(of.mean), builder.float(of.std), builder.float(0.0));
    let spread = builder.op("Mul", &[from, &std]);
    let t = builder.op("Add", &[&spread, &mean]);
    let size = builder.op("Abs", &[&t]);
    let above = root(of.lambda, &size, builder);
    let below = root(2.0 - of.lambda, &size, builder);
    let below = builder.op("Neg", &[&below]);
    let is_below = builder.op("Less", &[&t, &zero]);
    builder.op("Where", &[&is_below, &below, &above])
}

/// (1 + power · size)^(1 / power) - 1, and e^size - 1 where the power is 0.
fn root(power: f64, size: &str, builder: &mut Builder) -> Name {
    if power.abs() < f64::EPSILON {
        return builder.expm1(size);
    }
    let (factor, one, zero) = (builder.float(power), builder.float(1.0), builder.float(0.0));
    let product = builder.op("Mul", &[size, &factor]);
    let sum = builder.op("Add", &[&product, &one]);
    let base = builder.op("Max", &[&sum, &zero]);
    let inverse = builder.float(1.0 / power);
    let raised = builder.op("Pow", &[&base, &inverse]);
    builder.op("Sub", &[&raised, &one])
}

/// Calibrated probabilities, `[rows, classes]`.
pub(super) fn calibrated(of: &Calibration, from: &str, classes: usize, builder: &mut Builder) -> Name {
    let axis = || vec![int("axis", 1)];
    let curves: Vec<CurveView> = of.curves().collect();
    let read = if of.reads_log_odds() { log_odds(from, classes, builder) } else { from.to_owned() };
    let column = |class: usize, builder: &mut Builder| {
        let place = builder.tensor(ints(&[1], &[class as i64]));
        builder.op_with("Gather", &[&read, &place], axis())
    };
    if classes == 2 {
        let second = column(1, builder);
        let second = curve(&curves[0], &second, builder);
        let one = builder.float(1.0);
        let first = builder.op("Sub", &[&one, &second]);
        return builder.op_with("Concat", &[&first, &second], axis());
    }
    let mut parts = Vec::new();
    for (class, view) in curves.iter().enumerate() {
        let own = column(class, builder);
        parts.push(curve(view, &own, builder));
    }
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let all = builder.op_with("Concat", &parts, axis());
    let along = builder.tensor(ints(&[1], &[1]));
    let total = builder.op("ReduceSum", &[&all, &along]);
    let (zero, even) = (builder.float(0.0), builder.float(1.0 / classes as f64));
    let is_some = builder.op("Greater", &[&total, &zero]);
    let shares = builder.op("Div", &[&all, &total]);
    builder.op("Where", &[&is_some, &shares, &even])
}

/// The log-odds of each class against the others.
fn log_odds(from: &str, classes: usize, builder: &mut Builder) -> Name {
    let others: Vec<f64> = (0..classes * classes).map(|at| f64::from(u8::from(at / classes != at % classes))).collect();
    let others = builder.tensor(doubles(&[classes, classes], &others));
    let rest = builder.op("MatMul", &[from, &others]);
    let least = builder.float(f64::MIN_POSITIVE);
    let log = |value: &str, builder: &mut Builder| {
        let safe = builder.op("Max", &[value, &least]);
        builder.op("Log", &[&safe])
    };
    let (own, rest) = (log(from, builder), log(&rest, builder));
    builder.op("Sub", &[&own, &rest])
}

fn curve(of: &CurveView, x: &str, builder: &mut Builder) -> Name {
    match of {
        CurveView::Sigmoid { slope, offset } => {
            let (slope, offset) = (builder.float(-slope), builder.float(-offset));
            let product = builder.op("Mul", &[x, &slope]);
            let sum = builder.op("Add", &[&product, &offset]);
            builder.op("Sigmoid", &[&sum])
        }
        CurveView::Steps { x: known, y } => steps(known, y, x, builder),
    }
}

/// Between the point before and the point after, straight.
fn steps(known: &[f64], y: &[f64], x: &str, builder: &mut Builder) -> Name {
    let (points, values) = (builder.tensor(doubles(&[known.len()], known)), builder.tensor(doubles(&[y.len()], y)));
    let is_passed = builder.op("GreaterOrEqual", &[x, &points]);
    let passed = builder.cast(&is_passed, element::INT64);
    let along = builder.tensor(ints(&[1], &[1]));
    let after = builder.op("ReduceSum", &[&passed, &along]);
    let (zero, one, last) = (builder.int(0), builder.int(1), builder.int(known.len() as i64 - 1));
    let before = builder.op("Sub", &[&after, &one]);
    let before = builder.op("Max", &[&before, &zero]);
    let after = builder.op("Min", &[&after, &last]);
    let at = |table: &str, place: &str, builder: &mut Builder| builder.op("Gather", &[table, place]);
    let (x0, x1) = (at(&points, &before, builder), at(&points, &after, builder));
    let (y0, y1) = (at(&values, &before, builder), at(&values, &after, builder));
    let (width, height) = (builder.op("Sub", &[&x1, &x0]), builder.op("Sub", &[&y1, &y0]));
    let (nothing, whole) = (builder.float(0.0), builder.float(1.0));
    let is_end = builder.op("Equal", &[&width, &nothing]);
    let width = builder.op("Where", &[&is_end, &whole, &width]);
    let way = builder.op("Sub", &[x, &x0]);
    let share = builder.op("Div", &[&way, &width]);
    let rise = builder.op("Mul", &[&share, &height]);
    builder.op("Add", &[&y0, &rise])
}
