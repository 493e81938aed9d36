//! On numbers. A result that is no number is null.

use super::{Family, FunctionEntry, Gives, Kernel, Takes};
use crate::data::{Kind, Value, elementary};

const ONE: &[Takes] = &[Takes::Number];
const TWO: &[Takes] = &[Takes::Number, Takes::Number];

const fn float(name: &'static str, f: fn(f64) -> f64) -> FunctionEntry {
    FunctionEntry::new(name, Family::Number, ONE, Gives::Is(Kind::Float), Kernel::Float1(f))
}

const fn alike(name: &'static str, kernel: fn(&[Value], Kind) -> Value) -> FunctionEntry {
    FunctionEntry::new(name, Family::Number, ONE, Gives::First, Kernel::Strict(kernel))
}

pub(super) static ENTRIES: &[FunctionEntry] = &[
    alike("abs", |args, _| either(&args[0], i64::checked_abs, f64::abs)).doc(
        "abs(x)",
        "The absolute value.",
        "abs(-3)",
        "3",
    ),
    alike("sign", |args, _| either(&args[0], |x| Some(x.signum()), sign)).doc(
        "sign(x)",
        "-1, 0 or 1.",
        "sign(-2.5)",
        "-1",
    ),
    alike("floor", |args, _| either(&args[0], Some, f64::floor)).doc(
        "floor(x)",
        "The next whole number below.",
        "floor(-1.5)",
        "-2",
    ),
    alike("ceil", |args, _| either(&args[0], Some, f64::ceil)).also(&["ceiling"]).doc(
        "ceil(x)",
        "The next whole number above.",
        "ceil(1.2)",
        "2",
    ),
    alike("trunc", |args, _| either(&args[0], Some, f64::trunc)).also(&["truncate"]).doc(
        "trunc(x)",
        "The next whole number towards zero.",
        "trunc(-1.7)",
        "-1",
    ),
    FunctionEntry::new("round", Family::Number, &[Takes::Number, Takes::Int], Gives::First, Kernel::Strict(round))
        .least(1)
        .doc(
            "round(x[, digits])",
            "Rounded to so many decimals, half away from zero; negative digits round to tens, hundreds, ….",
            "round(2.345, 1)",
            "2.3",
        ),
    float("sqrt", f64::sqrt).doc("sqrt(x)", "The square root; null below zero.", "sqrt(9)", "3"),
    float("exp", elementary::exp).doc("exp(x)", "e to the power of x.", "exp(0)", "1"),
    float("ln", elementary::ln).also(&["log"]).doc(
        "ln(x)",
        "The natural logarithm, also called `log`; null unless above zero.",
        "ln(1)",
        "0",
    ),
    float("log10", elementary::log10).doc("log10(x)", "The logarithm to base 10.", "log10(1000)", "3"),
    float("log2", elementary::log2).doc("log2(x)", "The logarithm to base 2.", "log2(8)", "3"),
    float("log1p", elementary::ln_1p).doc("log1p(x)", "ln(1 + x), exact near zero.", "log1p(0)", "0"),
    float("expm1", elementary::exp_m1).doc("expm1(x)", "exp(x) - 1, exact near zero.", "expm1(0)", "0"),
    float("cbrt", elementary::cbrt).doc("cbrt(x)", "The cube root.", "cbrt(-27)", "-3"),
    float("gamma", elementary::gamma).doc(
        "gamma(x)",
        "The gamma function, for whole x (x - 1)!; null where it has no value.",
        "gamma(5)",
        "24",
    ),
    float("lgamma", elementary::ln_gamma).doc(
        "lgamma(x)",
        "The natural logarithm of the gamma function's absolute value.",
        "lgamma(1)",
        "0",
    ),
    FunctionEntry::new("pow", Family::Number, TWO, Gives::Is(Kind::Float), Kernel::Float2(elementary::powf))
        .also(&["power"])
        .doc("pow(x, y)", "x to the power of y, a float.", "pow(2, 10)", "1024"),
    FunctionEntry::new(
        "mod",
        Family::Number,
        TWO,
        Gives::By(numeric),
        Kernel::Number2 {
            int: |a, b| (b != 0).then(|| a.wrapping_rem(b)),
            float: |a, b| a % b,
            other: |_, _| Value::Null,
        },
    )
    .doc("mod(x, y)", "The remainder, `x % y`, with the sign of x.", "mod(-7, 3)", "-1"),
];

fn numeric(args: &mut [crate::expr::Expr]) -> Result<Kind, super::Mistake> {
    let float = args.iter().any(|arg| arg.kind() == Kind::Float);
    Ok(if float { Kind::Float } else { Kind::Int })
}

fn either(value: &Value, int: fn(i64) -> Option<i64>, float: fn(f64) -> f64) -> Value {
    match value {
        Value::Int(number) => int(*number).map_or(Value::Null, Value::Int),
        Value::Float(number) => Value::Float(float(*number)),
        _ => Value::Null,
    }
}

fn sign(number: f64) -> f64 {
    if number == 0.0 { 0.0 } else { number.signum() }
}

fn round(args: &[Value], _: Kind) -> Value {
    let digits = match args.get(1) {
        Some(Value::Int(digits)) => *digits,
        _ => 0,
    };
    match args[0] {
        Value::Int(number) => round_int(number, digits).map_or(Value::Null, Value::Int),
        Value::Float(number) => Value::Float(round_float(number, digits)),
        _ => Value::Null,
    }
}

fn round_int(number: i64, digits: i64) -> Option<i64> {
    if digits >= 0 {
        return Some(number);
    }
    let places = u32::try_from(digits.unsigned_abs()).ok().filter(|places| *places <= 19);
    let Some(places) = places else { return Some(0) };
    let unit = 10_i128.pow(places);
    let number = i128::from(number);
    let away = (number.abs() + unit / 2) / unit * unit;
    i64::try_from(away * number.signum()).ok()
}

/// Scaling by a power of ten that a float holds exactly (10²² is the last); finer than that nothing is left to round.
fn round_float(number: f64, digits: i64) -> f64 {
    const LAST: u64 = 22;
    let power = |places: u64| (0..places).fold(1.0, |power: f64, _| power * 10.0);
    let places = digits.unsigned_abs();
    if digits < 0 {
        return match places {
            309.. => 0.0,
            _ => {
                let rounded = (number / power(places)).round() * power(places);
                if rounded.is_finite() { rounded } else { number }
            }
        };
    }
    if places > LAST {
        return number;
    }
    let scaled = number * power(places);
    // From 2⁵² on every float is whole.
    if scaled.abs() < 4_503_599_627_370_496.0 { scaled.round() / power(places) } else { number }
}
