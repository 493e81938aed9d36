//! On whole numbers: division, divisors, bits, counts. What doesn't fit an int is null.

use super::{Family, FunctionEntry, Gives, Kernel, Takes};
use crate::data::{Kind, Value};

const I: &[Takes] = &[Takes::Int];
const II: &[Takes] = &[Takes::Int, Takes::Int];

const fn ints(name: &'static str, takes: &'static [Takes], kernel: fn(&[Value], Kind) -> Value) -> FunctionEntry {
    FunctionEntry::new(name, Family::Number, takes, Gives::Is(Kind::Int), Kernel::Strict(kernel))
}

pub(super) static ENTRIES: &[FunctionEntry] = &[
    ints("div", II, |args, _| two(args, i64::checked_div)).doc(
        "div(x, y)",
        "How often y goes into x, cut towards zero; null of a division by zero.",
        "div(-7, 2)",
        "-3",
    ),
    ints("gcd", II, |args, _| two(args, gcd)).doc(
        "gcd(x, y)",
        "The greatest number that divides both; of zeros 0.",
        "gcd(12, -18)",
        "6",
    ),
    ints("lcm", II, |args, _| two(args, lcm)).doc(
        "lcm(x, y)",
        "The least number that both divide; 0 if one of them is.",
        "lcm(4, 6)",
        "12",
    ),
    ints("factorial", I, |args, _| one(args, factorial)).doc(
        "factorial(n)",
        "1 · 2 · … · n; null below 0 and beyond 20, where it is no int.",
        "factorial(5)",
        "120",
    ),
    ints("bit_and", II, |args, _| two(args, |x, y| Some(x & y))).doc(
        "bit_and(x, y)",
        "The bits that are set in both, `x & y`.",
        "bit_and(12, 10)",
        "8",
    ),
    ints("bit_or", II, |args, _| two(args, |x, y| Some(x | y))).doc(
        "bit_or(x, y)",
        "The bits that are set in either, `x | y`.",
        "bit_or(12, 10)",
        "14",
    ),
    ints("xor", II, |args, _| two(args, |x, y| Some(x ^ y))).also(&["bit_xor"]).doc(
        "xor(x, y)",
        "The bits that are set in one of them only.",
        "xor(12, 10)",
        "6",
    ),
    ints("shift_left", II, |args, _| two(args, shift_left)).doc(
        "shift_left(x, n)",
        "x · 2ⁿ, `x << n`; null for a negative n and where it is no int.",
        "shift_left(3, 4)",
        "48",
    ),
    ints("shift_right", II, |args, _| two(args, shift_right)).doc(
        "shift_right(x, n)",
        "x / 2ⁿ rounded down, `x >> n`; null for a negative n.",
        "shift_right(-9, 1)",
        "-5",
    ),
    ints("bit_count", I, |args, _| one(args, |x| Some(x.count_ones().into()))).doc(
        "bit_count(x)",
        "How many of its 64 bits are set.",
        "bit_count(255)",
        "8",
    ),
    ints("width_bucket", &[Takes::Number, Takes::Number, Takes::Number, Takes::Int], width_bucket).doc(
        "width_bucket(x, low, high, n)",
        "Which of n equal parts between low and high x is in, the first being 1; 0 before them, n + 1 behind them. `low` may be above `high`.",
        "width_bucket(35, 0, 100, 10)",
        "4",
    ),
    FunctionEntry::new(
        "to_hex",
        Family::Text,
        I,
        Gives::Is(Kind::Str),
        Kernel::Strict(|args, _| match args[0] {
            Value::Int(number) => Value::str(format!("{number:x}")),
            _ => Value::Null,
        }),
    )
    .also(&["hex"])
    .doc("to_hex(x)", "A whole number in base 16; a negative one as 2⁶⁴ more.", "to_hex(255)", "ff"),
];

fn one(args: &[Value], f: fn(i64) -> Option<i64>) -> Value {
    match args[0] {
        Value::Int(x) => f(x).map_or(Value::Null, Value::Int),
        _ => Value::Null,
    }
}

fn two(args: &[Value], f: fn(i64, i64) -> Option<i64>) -> Value {
    match (&args[0], &args[1]) {
        (Value::Int(x), Value::Int(y)) => f(*x, *y).map_or(Value::Null, Value::Int),
        _ => Value::Null,
    }
}

/// Euclid's algorithm.
fn common_divisor(x: i64, y: i64) -> u64 {
    let (mut x, mut y) = (x.unsigned_abs(), y.unsigned_abs());
    while y != 0 {
        (x, y) = (y, x % y);
    }
    x
}

fn gcd(x: i64, y: i64) -> Option<i64> {
    i64::try_from(common_divisor(x, y)).ok()
}

fn lcm(x: i64, y: i64) -> Option<i64> {
    if x == 0 || y == 0 {
        return Some(0);
    }
    let product = (x.unsigned_abs() / common_divisor(x, y)).checked_mul(y.unsigned_abs())?;
    i64::try_from(product).ok()
}

fn factorial(n: i64) -> Option<i64> {
    (0..=20).contains(&n).then(|| (1..=n).product())
}

fn shift_left(x: i64, n: i64) -> Option<i64> {
    if x == 0 && n >= 0 {
        return Some(0);
    }
    let n = u32::try_from(n).ok().filter(|n| *n < 64)?;
    i64::try_from(i128::from(x) << n).ok()
}

fn shift_right(x: i64, n: i64) -> Option<i64> {
    (n >= 0).then(|| x >> n.min(63))
}

/// As in PostgreSQL: a part holds its edge on the side of `low`.
fn width_bucket(args: &[Value], _: Kind) -> Value {
    let (Some(x), Some(low), Some(high)) = (args[0].as_f64(), args[1].as_f64(), args[2].as_f64()) else {
        return Value::Null;
    };
    let Value::Int(count) = args[3] else { return Value::Null };
    if count < 1 || low == high {
        return Value::Null;
    }
    let (before, behind) = if low < high { (x < low, x >= high) } else { (x > low, x <= high) };
    match (before, behind) {
        (true, _) => Value::Int(0),
        (_, true) => count.checked_add(1).map_or(Value::Null, Value::Int),
        // Halved, so that the width of all floats fits a float.
        _ => {
            let share = (x / 2.0 - low / 2.0) / (high / 2.0 - low / 2.0);
            Value::Int(((count as f64 * share) as i64).min(count - 1) + 1)
        }
    }
}
