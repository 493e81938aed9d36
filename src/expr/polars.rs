//! The table backend. Logic, choices and comparisons within one type are polars' own; the rest maps the kernels of the
//! row backend over columns, so that both give the same by construction.

use polars::prelude::{
    self as pl, Column, Float64Chunked, Int64Chunked, IntoColumn, IntoSeries, PolarsResult, col, lit, when,
};

use super::column::Reader;
use super::function::{FunctionEntry, Kernel};
use super::scalar;
use super::tree::{Expr, Node};
use crate::data::collect;
use crate::data::{Kind, Value};

/// A CASE with more arguments than this isn't nested: polars takes a time that grows much faster than they do.
const MOST_NESTED: usize = 33;

impl Expr {
    /// As an expression of polars, over the columns of the same names. Its dtype is `self.kind().dtype()`.
    pub fn to_polars(&self) -> pl::Expr {
        if self.is_constant() {
            return constant(&self.constant_value(), self.kind());
        }
        match &self.0 {
            Node::Column { name, .. } => col(name.as_str()),
            Node::Literal { value, kind } => constant(value, *kind),
            Node::Call { function, args, kind } => call(self, function, args, *kind),
        }
    }

    /// The value of an expression without columns.
    fn constant_value(&self) -> Value {
        self.compile(&|_| None).map_or(Value::Null, |compiled| compiled.eval(&[]))
    }
}

fn constant(value: &Value, kind: Kind) -> pl::Expr {
    match value {
        Value::Null => lit(pl::NULL).cast(kind.dtype()),
        Value::Bool(flag) => lit(*flag),
        Value::Int(number) if kind == Kind::Float => lit(*number as f64),
        // A bare literal would take a narrower type where nothing else tells one.
        Value::Int(number) => lit(*number).cast(kind.dtype()),
        Value::Float(number) => lit(*number),
        Value::Str(text) => lit(text.to_string()),
        Value::Date(days) => lit(*days).cast(kind.dtype()),
        Value::Datetime(micros) | Value::Duration(micros) => lit(*micros).cast(kind.dtype()),
    }
}

fn call(whole: &Expr, function: &'static FunctionEntry, args: &[Expr], kind: Kind) -> pl::Expr {
    let native = |nth: usize| args[nth].to_polars();
    match (function.kernel, function.name) {
        (Kernel::And, _) => fold(args, pl::Expr::and),
        (Kernel::Or, _) => fold(args, pl::Expr::or),
        (Kernel::Case, _) if args.len() > MOST_NESTED => {
            mapped(args, kind, move |inputs, rows| Ok(chosen(inputs, kind, rows)))
        }
        (Kernel::Case, _) => case(args, kind),
        (Kernel::Coalesce, _) => mapped(args, kind, move |inputs, rows| Ok(first_solid(inputs, kind, rows))),
        (_, "not") => native(0).not(),
        (_, "is_null") => native(0).is_null(),
        (_, "is_true") => native(0).fill_null(lit(false)),
        (_, "is_false") => native(0).not().fill_null(lit(false)),
        (Kernel::Compare(_), sign) if comparable(args[0].kind(), args[1].kind()) => {
            comparison(sign, as_number(&args[0], &args[1]), as_number(&args[1], &args[0]))
        }
        (Kernel::Float1(f), _) => mapped(args, kind, move |inputs, rows| Ok(floats1(inputs, rows, f))),
        (Kernel::Float2(f), _) => mapped(args, kind, move |inputs, rows| Ok(floats2(inputs, rows, f))),
        (Kernel::Number2 { float, .. }, _) if kind == Kind::Float => {
            mapped(args, kind, move |inputs, rows| Ok(floats2(inputs, rows, float)))
        }
        (Kernel::Number2 { int, .. }, _) if args.iter().all(|arg| arg.kind() == Kind::Int) => {
            mapped(args, kind, move |inputs, rows| Ok(ints2(inputs, rows, int)))
        }
        (Kernel::Prepared(_), _) => constants_apart(whole, &args[0], kind),
        (kernel, _) => mapped(args, kind, move |inputs, rows| Ok(any(kernel, inputs, kind, rows))),
    }
}

fn fold(args: &[Expr], join: fn(pl::Expr, pl::Expr) -> pl::Expr) -> pl::Expr {
    let mut parts = args.iter().map(Expr::to_polars);
    let first = parts.next().expect("AND and OR have two arguments");
    parts.fold(first, join)
}

/// Built from the last case up: `when … then … otherwise (when …)`.
fn case(args: &[Expr], kind: Kind) -> pl::Expr {
    let last = args.len() - 1;
    args[..last].chunks_exact(2).rev().fold(widened(&args[last], kind), |otherwise, pair| {
        when(pair[0].to_polars()).then(widened(&pair[1], kind)).otherwise(otherwise)
    })
}

/// An argument in the wider type of the call.
fn widened(arg: &Expr, kind: Kind) -> pl::Expr {
    match (arg.kind(), kind) {
        _ if arg.is_constant() => constant(&scalar::widen(&arg.constant_value(), kind), kind),
        (Kind::Int, Kind::Float) => arg.to_polars().cast(kind.dtype()),
        (Kind::Date, Kind::Datetime) => mapped(std::slice::from_ref(arg), kind, move |inputs, rows| {
            Ok(collect("".into(), kind, rows, |row| scalar::widen(&inputs[0].at(row), kind)))
        }),
        _ => arg.to_polars(),
    }
}

/// Where polars' comparison is ours: numbers, and values of one type.
fn comparable(a: Kind, b: Kind) -> bool {
    a == b || a.is_numeric() && b.is_numeric() || a.is_string() && b.is_string()
}

fn as_number(arg: &Expr, other: &Expr) -> pl::Expr {
    match (arg.kind(), other.kind()) {
        (Kind::Int, Kind::Float) => widened(arg, Kind::Float),
        _ => arg.to_polars(),
    }
}

fn comparison(sign: &str, a: pl::Expr, b: pl::Expr) -> pl::Expr {
    match sign {
        "=" => a.eq(b),
        "<>" => a.neq(b),
        "<" => a.lt(b),
        "<=" => a.lt_eq(b),
        ">" => a.gt(b),
        _ => a.gt_eq(b),
    }
}

/// A kernel over whole columns. Constants are taken along, the other arguments become inputs.
fn mapped<F>(args: &[Expr], kind: Kind, kernel: F) -> pl::Expr
where
    F: Fn(&[Reader], usize) -> PolarsResult<Column> + Send + Sync + 'static,
{
    let fixed: Vec<Option<Value>> = args.iter().map(|arg| arg.is_constant().then(|| arg.constant_value())).collect();
    let kinds: Vec<Kind> = args.iter().filter(|arg| !arg.is_constant()).map(Expr::kind).collect();
    let mut inputs = args.iter().filter(|arg| !arg.is_constant()).map(Expr::to_polars);
    let first = inputs.next().expect("a call without columns was folded");
    let rest: Vec<pl::Expr> = inputs.collect();
    let run = move |columns: &mut [Column]| {
        let rows = columns.iter().map(Column::len).find(|len| *len != 1).unwrap_or(1);
        let name = columns[0].name().clone();
        let mut open = columns.iter().zip(&kinds).map(|(column, kind)| Reader::open(column, *kind, rows));
        let readers = fixed
            .iter()
            .map(|value| match value {
                Some(value) => Ok(Reader::Const(value.clone())),
                None => open.next().expect("one input for each argument that isn't constant"),
            })
            .collect::<PolarsResult<Vec<Reader>>>()?;
        Ok(kernel(&readers, rows)?.with_name(name))
    };
    let output = move |_: &pl::Schema, fields: &[pl::Field]| Ok(pl::Field::new(fields[0].name().clone(), kind.dtype()));
    first.map_many(run, &rest, output)
}

/// Kernels with a pattern or a set, made ready once.
fn constants_apart(whole: &Expr, arg: &Expr, kind: Kind) -> pl::Expr {
    let ready = scalar::prepared(whole).ok().flatten().expect("constants were checked when the call was typed");
    mapped(std::slice::from_ref(arg), kind, move |inputs, rows| {
        Ok(collect("".into(), kind, rows, |row| match inputs[0].at(row) {
            Value::Null => Value::Null,
            value => ready(&value),
        }))
    })
}

fn any(kernel: Kernel, inputs: &[Reader], kind: Kind, rows: usize) -> Column {
    match inputs {
        [a] => collect("".into(), kind, rows, |row| scalar::apply(kernel, kind, &[a.at(row)])),
        [a, b] => collect("".into(), kind, rows, |row| scalar::apply(kernel, kind, &[a.at(row), b.at(row)])),
        _ => collect("".into(), kind, rows, |row| {
            let cells: Vec<Value> = inputs.iter().map(|input| input.at(row)).collect();
            scalar::apply(kernel, kind, &cells)
        }),
    }
}

fn first_solid(inputs: &[Reader], kind: Kind, rows: usize) -> Column {
    collect("".into(), kind, rows, |row| {
        let cells = inputs.iter().map(|input| scalar::widen(&input.at(row), kind));
        cells.into_iter().find(|cell| !cell.is_null()).unwrap_or(Value::Null)
    })
}

/// The value beside the first condition that is true, else the last.
fn chosen(inputs: &[Reader], kind: Kind, rows: usize) -> Column {
    let (otherwise, pairs) = inputs.split_last().expect("a CASE has an ELSE");
    collect("".into(), kind, rows, |row| {
        let mut pairs = pairs.chunks_exact(2);
        let chosen = pairs.find(|pair| pair[0].at(row) == Value::Bool(true)).map_or(otherwise, |pair| &pair[1]);
        scalar::widen(&chosen.at(row), kind)
    })
}

fn floats1(inputs: &[Reader], rows: usize, f: fn(f64) -> f64) -> Column {
    let out: Float64Chunked = (0..rows).map(|row| inputs[0].float(row).map(f).filter(|x| x.is_finite())).collect();
    out.into_series().into_column()
}

fn floats2(inputs: &[Reader], rows: usize, f: fn(f64, f64) -> f64) -> Column {
    let (a, b) = (&inputs[0], &inputs[1]);
    let one = |row| Some(f(a.float(row)?, b.float(row)?)).filter(|x| x.is_finite());
    let out: Float64Chunked = (0..rows).map(one).collect();
    out.into_series().into_column()
}

fn ints2(inputs: &[Reader], rows: usize, f: fn(i64, i64) -> Option<i64>) -> Column {
    let (a, b) = (&inputs[0], &inputs[1]);
    let out: Int64Chunked = (0..rows).map(|row| f(a.int(row)?, b.int(row)?)).collect();
    out.into_series().into_column()
}
