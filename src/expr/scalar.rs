//! The row backend: an expression bound to the places of a record, run on one record at a time.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::calendar;
use super::function::{Kernel, Prepared};
use super::tree::{Expr, Node};
use crate::data::{Kind, Value};
use crate::source::Fault;

/// How two values stand to each other; `None` when one is null. Ints meet floats as floats, dates datetimes as midnights.
pub fn compare(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => Some(a.cmp(b)),
        (Value::Float(a), Value::Float(b)) => a.partial_cmp(b),
        (Value::Int(a), Value::Float(b)) => (*a as f64).partial_cmp(b),
        (Value::Float(a), Value::Int(b)) => a.partial_cmp(&(*b as f64)),
        (Value::Str(a), Value::Str(b)) => Some(a.as_bytes().cmp(b.as_bytes())),
        (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
        (Value::Date(a), Value::Date(b)) => Some(a.cmp(b)),
        (Value::Datetime(a), Value::Datetime(b)) | (Value::Duration(a), Value::Duration(b)) => Some(a.cmp(b)),
        (Value::Date(a), Value::Datetime(b)) => calendar::midnight(*a).map(|a| a.cmp(b)),
        (Value::Datetime(a), Value::Date(b)) => calendar::midnight(*b).map(|b| a.cmp(&b)),
        _ => None,
    }
}

/// Whether two values are equal and not null.
pub fn same(a: &Value, b: &Value) -> bool {
    compare(a, b) == Some(Ordering::Equal)
}

/// A value as the wider type `kind`: ints as floats, dates as their midnights.
pub fn widen(value: &Value, kind: Kind) -> Value {
    match (value, kind) {
        (Value::Int(number), Kind::Float) => Value::Float(*number as f64),
        (Value::Date(days), Kind::Datetime) => calendar::midnight(*days).map_or(Value::Null, Value::Datetime),
        _ => value.clone(),
    }
}

/// A float result: NaN and infinity are no values.
pub fn finite(number: f64) -> Value {
    if number.is_finite() { Value::Float(number) } else { Value::Null }
}

/// An expression whose columns are places of a record.
pub struct Compiled(Step);

enum Step {
    Slot(usize),
    Const(Value),
    Prepared(Prepared, Box<Step>),
    Call { kernel: Kernel, kind: Kind, args: Box<[Step]> },
}

impl Expr {
    /// Binds every column to a place: `slots` answers which.
    ///
    /// # Errors
    /// When a column has no place.
    pub fn compile(&self, slots: &dyn Fn(&str) -> Option<usize>) -> Result<Compiled, Fault> {
        bind(self, slots).map(Compiled)
    }
}

impl Compiled {
    /// The value for one record. A place beyond the record's end is null.
    pub fn eval(&self, row: &[Value]) -> Value {
        self.0.peek(row).into_owned()
    }
}

fn bind(expr: &Expr, slots: &dyn Fn(&str) -> Option<usize>) -> Result<Step, Fault> {
    let (function, args, kind) = match &expr.0 {
        Node::Literal { value, .. } => return Ok(Step::Const(value.clone())),
        Node::Column { name, .. } => {
            return slots(name)
                .map(Step::Slot)
                .ok_or_else(|| Fault::new("unknown-column", format!("there is no column `{name}` here")));
        }
        Node::Call { function, args, kind } => (function, args, *kind),
    };
    let step = match prepared(expr)? {
        Some(ready) => Step::Prepared(ready, Box::new(bind(&args[0], slots)?)),
        None => Step::Call {
            kernel: function.kernel,
            kind,
            args: args.iter().map(|arg| bind(arg, slots)).collect::<Result<_, _>>()?,
        },
    };
    // What reads no column is worked out once.
    Ok(if expr.is_constant() { Step::Const(step.peek(&[]).into_owned()) } else { step })
}

/// The kernel of a call with constants, made ready; `None` for other calls.
pub fn prepared(expr: &Expr) -> Result<Option<Prepared>, Fault> {
    let Node::Call { function, args, kind } = &expr.0 else { return Ok(None) };
    let Kernel::Prepared(prepare) = function.kernel else { return Ok(None) };
    let constants: Vec<Value> = args[1..].iter().filter_map(|arg| arg.as_literal().cloned()).collect();
    prepare(&constants, *kind).map(Some).map_err(|why| Fault::new("expression", why.message))
}

impl Step {
    /// The value, borrowed where it lies in the record or the expression.
    fn peek<'a>(&'a self, row: &'a [Value]) -> Cow<'a, Value> {
        match self {
            Step::Slot(place) => row.get(*place).map_or(Cow::Owned(Value::Null), Cow::Borrowed),
            Step::Const(value) => Cow::Borrowed(value),
            Step::Prepared(ready, arg) => Cow::Owned(match &*arg.peek(row) {
                Value::Null => Value::Null,
                value => ready(value),
            }),
            Step::Call { kernel, kind, args } => call(*kernel, *kind, args, row),
        }
    }
}

fn call<'a>(kernel: Kernel, kind: Kind, args: &'a [Step], row: &'a [Value]) -> Cow<'a, Value> {
    match kernel {
        Kernel::And => Cow::Owned(decide(args, row, false)),
        Kernel::Or => Cow::Owned(decide(args, row, true)),
        Kernel::Case => wide(choose(args, row).peek(row), kind),
        Kernel::Coalesce => {
            let values = args.iter().map(|arg| wide(arg.peek(row), kind));
            let mut solid = values.filter(|value| !value.is_null());
            solid.next().unwrap_or(Cow::Owned(Value::Null))
        }
        // Strings aren't taken from the record just to be compared.
        Kernel::Compare(test) => Cow::Owned(
            compare(&args[0].peek(row), &args[1].peek(row)).map_or(Value::Null, |order| Value::Bool(test(order))),
        ),
        _ => Cow::Owned(gather(kernel, kind, args, row)),
    }
}

/// Calls with the arguments side by side, on the stack if they are few.
fn gather(kernel: Kernel, kind: Kind, args: &[Step], row: &[Value]) -> Value {
    let own = |nth: usize| args[nth].peek(row).into_owned();
    match args.len() {
        1 => apply(kernel, kind, &[own(0)]),
        2 => apply(kernel, kind, &[own(0), own(1)]),
        3 => apply(kernel, kind, &[own(0), own(1), own(2)]),
        count => apply(kernel, kind, &(0..count).map(own).collect::<Vec<_>>()),
    }
}

/// Kleene's AND (`wins` is false) and OR (`wins` is true): the winning value decides whatever the others are.
fn decide(args: &[Step], row: &[Value], wins: bool) -> Value {
    let mut unknown = false;
    for arg in args {
        match &*arg.peek(row) {
            Value::Bool(flag) if *flag == wins => return Value::Bool(wins),
            Value::Bool(_) => {}
            _ => unknown = true,
        }
    }
    if unknown { Value::Null } else { Value::Bool(!wins) }
}

fn choose<'a>(args: &'a [Step], row: &[Value]) -> &'a Step {
    let pairs = args.chunks_exact(2);
    let otherwise = &args[args.len() - 1];
    pairs.into_iter().find(|pair| *pair[0].peek(row) == Value::Bool(true)).map_or(otherwise, |pair| &pair[1])
}

fn wide(value: Cow<'_, Value>, kind: Kind) -> Cow<'_, Value> {
    match (&*value, kind) {
        (Value::Int(_), Kind::Float) | (Value::Date(_), Kind::Datetime) => Cow::Owned(widen(&value, kind)),
        _ => value,
    }
}

/// Applies a kernel that looks at all its arguments. Both backends end here.
pub fn apply(kernel: Kernel, kind: Kind, args: &[Value]) -> Value {
    match kernel {
        Kernel::Float1(f) => args[0].as_f64().map_or(Value::Null, |x| finite(f(x))),
        Kernel::Float2(f) => match (args[0].as_f64(), args[1].as_f64()) {
            (Some(x), Some(y)) => finite(f(x, y)),
            _ => Value::Null,
        },
        Kernel::Compare(test) => compare(&args[0], &args[1]).map_or(Value::Null, |order| Value::Bool(test(order))),
        Kernel::Strict(_) | Kernel::Number2 { .. } if args.iter().any(Value::is_null) => Value::Null,
        Kernel::Number2 { int, float, other } => match (&args[0], &args[1]) {
            (Value::Int(a), Value::Int(b)) => int(*a, *b).map_or(Value::Null, Value::Int),
            (a @ (Value::Int(_) | Value::Float(_)), b @ (Value::Int(_) | Value::Float(_))) => {
                a.as_f64().zip(b.as_f64()).map_or(Value::Null, |(a, b)| finite(float(a, b)))
            }
            _ => other(args, kind),
        },
        Kernel::Strict(f) | Kernel::Lenient(f) => guard(f(args, kind)),
        Kernel::Prepared(_) | Kernel::And | Kernel::Or | Kernel::Case | Kernel::Coalesce => {
            unreachable!("these don't look at all their arguments, and are run apart")
        }
    }
}

fn guard(value: Value) -> Value {
    match value {
        Value::Float(number) => finite(number),
        other => other,
    }
}
