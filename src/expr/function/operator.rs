//! Signs and keywords: arithmetic, comparison, logic.

use std::cmp::Ordering;
use std::sync::Arc;

use super::typing::{Mistake, common};
use super::{Family, FunctionEntry, Gives, Kernel, Prepared, Takes};
use crate::data::{Kind, Value};
use crate::expr::calendar;
use crate::expr::pattern;
use crate::expr::scalar::{compare, same};
use crate::expr::tree::Expr;

const TWO: &[Takes] = &[Takes::Alike, Takes::Alike];
const PLAIN: &[Takes] = &[Takes::Any, Takes::Any];
const PATTERN: &[Takes] = &[Takes::Str, Takes::Constant];

const fn sign(
    name: &'static str,
    rule: fn(&mut [Expr]) -> Result<Kind, Mistake>,
    int: fn(i64, i64) -> Option<i64>,
    float: fn(f64, f64) -> f64,
    other: fn(&[Value], Kind) -> Value,
) -> FunctionEntry {
    FunctionEntry::new(name, Family::Operator, PLAIN, Gives::By(rule), Kernel::Number2 { int, float, other })
}

const fn order(name: &'static str, test: fn(Ordering) -> bool) -> FunctionEntry {
    FunctionEntry::new(name, Family::Operator, TWO, Gives::By(ordered), Kernel::Compare(test))
}

const fn is(name: &'static str, takes: &'static [Takes], test: fn(&[Value], Kind) -> Value) -> FunctionEntry {
    FunctionEntry::new(name, Family::Operator, takes, Gives::Is(Kind::Bool), Kernel::Lenient(test))
}

const fn logic(name: &'static str, kernel: Kernel) -> FunctionEntry {
    FunctionEntry::new(name, Family::Operator, &[Takes::Bool, Takes::Bool], Gives::Is(Kind::Bool), kernel)
}

pub(super) static ENTRIES: &[FunctionEntry] = &[
    sign("+", plus, i64::checked_add, |a, b| a + b, add),
    sign("-", minus, i64::checked_sub, |a, b| a - b, subtract),
    sign("*", numbers, i64::checked_mul, |a, b| a * b, |_, _| Value::Null),
    sign("%", numbers, remainder, |a, b| a % b, |_, _| Value::Null),
    FunctionEntry::new(
        "/",
        Family::Operator,
        &[Takes::Number, Takes::Number],
        Gives::Is(Kind::Float),
        Kernel::Float2(|a, b| a / b),
    ),
    FunctionEntry::new("neg", Family::Operator, &[Takes::Number], Gives::First, Kernel::Strict(negative)),
    order("=", Ordering::is_eq),
    order("<>", Ordering::is_ne),
    order("<", Ordering::is_lt),
    order("<=", Ordering::is_le),
    order(">", Ordering::is_gt),
    order(">=", Ordering::is_ge),
    logic("and", Kernel::And).more(),
    logic("or", Kernel::Or).more(),
    FunctionEntry::new(
        "not",
        Family::Operator,
        &[Takes::Bool],
        Gives::Is(Kind::Bool),
        Kernel::Strict(|args, _| Value::Bool(args[0] == Value::Bool(false))),
    ),
    is("is_null", &[Takes::Any], |args, _| Value::Bool(args[0].is_null())),
    is("is_true", &[Takes::Bool], |args, _| Value::Bool(args[0] == Value::Bool(true))),
    is("is_false", &[Takes::Bool], |args, _| Value::Bool(args[0] == Value::Bool(false))),
    FunctionEntry::new(
        "||",
        Family::Operator,
        &[Takes::Str, Takes::Str],
        Gives::Is(Kind::Str),
        Kernel::Strict(|args, _| super::text::join(args)),
    ),
    FunctionEntry::new("in", Family::Operator, TWO, Gives::By(ordered), Kernel::Prepared(member)).more(),
    FunctionEntry::new(
        "like",
        Family::Operator,
        PATTERN,
        Gives::Is(Kind::Bool),
        Kernel::Prepared(|args, _| like(args, false)),
    ),
    FunctionEntry::new(
        "ilike",
        Family::Operator,
        PATTERN,
        Gives::Is(Kind::Bool),
        Kernel::Prepared(|args, _| like(args, true)),
    ),
];

fn ordered(args: &mut [Expr]) -> Result<Kind, Mistake> {
    common(args, |_| true).map(|_| Kind::Bool)
}

fn numbers(args: &mut [Expr]) -> Result<Kind, Mistake> {
    for nth in 0..args.len() {
        let other = args[1 - nth].kind();
        let arg = &mut args[nth];
        if arg.is_null_literal() && !arg.kind().is_numeric() {
            *arg = Expr::null(if other.is_numeric() { other } else { Kind::Int });
        }
        if !arg.kind().is_numeric() {
            return Err(Mistake::of(
                Some(nth),
                format!("arithmetic takes numbers, and this is of type {}", arg.kind()),
            ));
        }
    }
    let float = args.iter().any(|arg| arg.kind() == Kind::Float);
    Ok(if float { Kind::Float } else { Kind::Int })
}

/// `date + int` counts days; spans are added to moments and to each other.
fn plus(args: &mut [Expr]) -> Result<Kind, Mistake> {
    match (args[0].kind(), args[1].kind()) {
        (Kind::Date, Kind::Int) | (Kind::Int, Kind::Date) => Ok(Kind::Date),
        (Kind::Date | Kind::Datetime, Kind::Duration) | (Kind::Duration, Kind::Date | Kind::Datetime) => {
            Ok(Kind::Datetime)
        }
        (Kind::Duration, Kind::Duration) => Ok(Kind::Duration),
        (left, right) if left.is_string() || right.is_string() => {
            numbers(args).map_err(|why| why.help("strings are joined with `||`"))
        }
        _ => numbers(args),
    }
}

/// `date - date` is a number of days, the difference of moments a span.
fn minus(args: &mut [Expr]) -> Result<Kind, Mistake> {
    match (args[0].kind(), args[1].kind()) {
        (Kind::Date, Kind::Date) => Ok(Kind::Int),
        (Kind::Date, Kind::Int) => Ok(Kind::Date),
        (Kind::Date | Kind::Datetime, Kind::Date | Kind::Datetime) => Ok(Kind::Duration),
        (Kind::Date | Kind::Datetime, Kind::Duration) => Ok(Kind::Datetime),
        (Kind::Duration, Kind::Duration) => Ok(Kind::Duration),
        _ => numbers(args),
    }
}

/// The sign is the dividend's. (`MIN % -1` overflows in the processor only.)
fn remainder(a: i64, b: i64) -> Option<i64> {
    (b != 0).then(|| a.wrapping_rem(b))
}

fn negative(args: &[Value], _: Kind) -> Value {
    match args[0] {
        Value::Int(number) => number.checked_neg().map_or(Value::Null, Value::Int),
        Value::Float(number) => Value::Float(-number),
        _ => Value::Null,
    }
}

fn add(args: &[Value], kind: Kind) -> Value {
    match (&args[0], &args[1]) {
        (Value::Date(day), Value::Int(days)) | (Value::Int(days), Value::Date(day)) => later(*day, Some(*days)),
        (a, b) => span(micros(a).zip(micros(b)).and_then(|(a, b)| a.checked_add(b)), kind),
    }
}

fn subtract(args: &[Value], kind: Kind) -> Value {
    match (&args[0], &args[1]) {
        (Value::Date(a), Value::Date(b)) if kind == Kind::Int => Value::Int(i64::from(*a) - i64::from(*b)),
        (Value::Date(day), Value::Int(days)) => later(*day, days.checked_neg()),
        (a, b) => span(micros(a).zip(micros(b)).and_then(|(a, b)| a.checked_sub(b)), kind),
    }
}

fn later(day: i32, days: Option<i64>) -> Value {
    days.and_then(|days| i64::from(day).checked_add(days))
        .and_then(|day| i32::try_from(day).ok())
        .map_or(Value::Null, Value::Date)
}

fn micros(value: &Value) -> Option<i64> {
    match value {
        Value::Date(day) => calendar::midnight(*day),
        Value::Datetime(micros) | Value::Duration(micros) => Some(*micros),
        _ => None,
    }
}

fn span(micros: Option<i64>, kind: Kind) -> Value {
    match (micros, kind) {
        (Some(micros), Kind::Datetime) => Value::Datetime(micros),
        (Some(micros), Kind::Duration) => Value::Duration(micros),
        _ => Value::Null,
    }
}

/// Sets of more than a few are sorted and searched by halves.
fn member(constants: &[Value], _: Kind) -> Result<Prepared, Mistake> {
    let with_null = constants.iter().any(Value::is_null);
    let mut set: Vec<Value> = constants.iter().filter(|value| !value.is_null()).cloned().collect();
    // A list that mixes ints and floats isn't in one order beyond 2⁵³, so it is walked.
    let sorted = set.len() > 8 && set.iter().all(|value| value.kind() == set[0].kind());
    if sorted {
        set.sort_by(|a, b| compare(a, b).unwrap_or(Ordering::Equal));
    }
    Ok(Arc::new(move |value| {
        let found = if sorted && value.kind() == set[0].kind() {
            set.binary_search_by(|each| compare(each, value).unwrap_or(Ordering::Less)).is_ok()
        } else {
            set.iter().any(|each| same(each, value))
        };
        match found {
            false if with_null => Value::Null,
            found => Value::Bool(found),
        }
    }))
}

fn like(constants: &[Value], fold: bool) -> Result<Prepared, Mistake> {
    let Some(Value::Str(text)) = constants.first() else {
        return Err(Mistake::of(Some(1), "the pattern must be a string constant"));
    };
    let pattern = pattern::Like::new(text, fold).map_err(|why| Mistake::of(Some(1), why))?;
    Ok(Arc::new(move |value| match value {
        Value::Str(text) => Value::Bool(pattern.matches(text)),
        _ => Value::Null,
    }))
}
