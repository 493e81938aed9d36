//! Property test: whatever expression it is, both backends give the same values, and text and serialized form read back.

use std::collections::BTreeMap;

use polars::prelude::DataFrame;
use proptest::prelude::*;

use super::function::{FunctionEntry, Takes, entries};
use super::{Expr, Scope};
use crate::data::{Kind, Shape, Value, column_of, value_at};

const ROWS: usize = 31;
const COLUMNS: [(&str, Kind); 14] = [
    ("i", Kind::Int),
    ("j", Kind::Int),
    ("f", Kind::Float),
    ("g", Kind::Float),
    ("b", Kind::Bool),
    ("order", Kind::Bool),
    ("s", Kind::Str),
    ("Ä b\"c", Kind::Category),
    ("text", Kind::Text),
    ("d", Kind::Date),
    ("e", Kind::Date),
    ("t", Kind::Datetime),
    ("date", Kind::Datetime),
    ("u", Kind::Duration),
];

/// Choices read one by one; after the last they are all 0, which stands for the simplest.
struct Tape<'a>(std::slice::Iter<'a, u8>);

impl Tape<'_> {
    fn pick(&mut self, among: usize) -> usize {
        usize::from(self.0.next().copied().unwrap_or(0)) % among
    }
}

fn pool(kind: Kind) -> Vec<Value> {
    let ints = [
        0,
        1,
        -1,
        2,
        3,
        10,
        -7,
        i64::MAX,
        i64::MIN,
        i64::MAX - 1,
        1 << 53,
        (1 << 53) + 1,
        86_400_000_000,
        1_700_000_000_123_456,
    ];
    let floats = [
        0.0,
        -0.0,
        1.0,
        -1.0,
        0.5,
        2.5,
        -2.5,
        1e-320,
        1e300,
        -1e300,
        f64::MAX,
        f64::MIN_POSITIVE,
        9_223_372_036_854_775_808.0,
        9_007_199_254_740_993.0,
        3.999_999_999_999_999_6,
    ];
    let texts = [
        "",
        "a",
        "A",
        "ab",
        "abc",
        "ÄÖ",
        "ß",
        "日本語",
        "e\u{301}",
        " a b ",
        "12",
        "-3.5",
        "1e400",
        "true",
        "2024-01-31",
        "2024-01-31 12:30:00",
        "31.01.2024",
        "it's",
        "a/b/c",
        "x\ny",
        "%_",
    ];
    let days = [0, 1, -1, 19_753, -719_528, 2_932_896, i32::MAX, i32::MIN, 11_016];
    match kind {
        Kind::Int => ints.map(Value::Int).to_vec(),
        Kind::Float => floats.map(Value::Float).to_vec(),
        Kind::Bool => [true, false].map(Value::Bool).to_vec(),
        Kind::Str | Kind::Category | Kind::Text => texts.map(Value::str).to_vec(),
        Kind::Date => days.map(Value::Date).to_vec(),
        Kind::Datetime => ints.map(Value::Datetime).to_vec(),
        Kind::Duration => ints.map(Value::Duration).to_vec(),
    }
}

/// Every column walks its pool, nulls between, at a pace of its own.
fn table() -> Vec<Vec<Value>> {
    let column = |(nth, (_, kind)): (usize, &(&str, Kind))| {
        let pool = pool(*kind);
        let cell = |row: usize| match (row + nth) % 7 {
            0 => Value::Null,
            _ => pool[(row * (nth + 1) + row / 5) % pool.len()].clone(),
        };
        (0..ROWS).map(cell).collect()
    };
    COLUMNS.iter().enumerate().map(column).collect()
}

fn leaf(tape: &mut Tape, fits: &dyn Fn(Kind) -> bool) -> Expr {
    let columns: Vec<&(&str, Kind)> = COLUMNS.iter().filter(|(_, kind)| fits(*kind)).collect();
    let (name, kind) = *columns[tape.pick(columns.len())];
    match tape.pick(4) {
        3 => constant(tape, kind),
        _ => Expr::column(name, kind),
    }
}

fn constant(tape: &mut Tape, kind: Kind) -> Expr {
    let pool = pool(kind);
    match tape.pick(8) {
        7 => Expr::null(kind),
        // The first few of each pool can be written in SQL.
        _ => Expr::literal(pool[tape.pick(pool.len().min(4))].clone()),
    }
}

fn expr(tape: &mut Tape, depth: usize, fits: &dyn Fn(Kind) -> bool) -> Expr {
    for _ in 0..3 {
        if depth == 0 || tape.pick(5) == 0 {
            break;
        }
        let entry = pick_entry(tape);
        if let Some(made) = call(tape, entry, depth).filter(|made| fits(made.kind())) {
            return made;
        }
    }
    leaf(tape, fits)
}

fn pick_entry(tape: &mut Tape) -> &'static FunctionEntry {
    let all: Vec<_> = entries().collect();
    all[tape.pick(all.len())]
}

fn call(tape: &mut Tape, entry: &'static FunctionEntry, depth: usize) -> Option<Expr> {
    let extra = if entry.more { tape.pick(3) } else { tape.pick(entry.takes.len() - entry.least + 1) };
    let mut count = entry.least + extra;
    if entry.name == "case" {
        count |= 1;
    }
    let kind =
        [Kind::Int, Kind::Float, Kind::Str, Kind::Date, Kind::Datetime, Kind::Bool, Kind::Duration, Kind::Category]
            [tape.pick(8)];
    let alike = move |other: Kind| {
        other == kind || other.is_numeric() && kind.is_numeric() || other.is_string() && kind.is_string()
    };
    let args = (0..count).map(|nth| {
        let below = depth - 1;
        match entry.takes[nth.min(entry.takes.len() - 1)] {
            _ if entry.name == "case" && nth % 2 == 0 && nth + 1 < count => {
                expr(tape, below, &|kind| kind == Kind::Bool)
            }
            _ if entry.name == "in" && nth > 0 => constant(tape, kind),
            _ if entry.name == "regexp_extract" && nth == 2 => Expr::literal(Value::Int(0)),
            _ if entry.name == "interpolate" && nth > 0 => constant(tape, Kind::Float),
            Takes::Constant => Expr::literal(Value::str(text_constant(tape, entry.name))),
            Takes::Any | Takes::Alike => expr(tape, below, &alike),
            Takes::Bool => expr(tape, below, &|kind| kind == Kind::Bool),
            Takes::Int => expr(tape, below, &|kind| kind == Kind::Int),
            Takes::Number => expr(tape, below, &Kind::is_numeric),
            Takes::Str => expr(tape, below, &Kind::is_string),
            Takes::Day => expr(tape, below, &|kind| matches!(kind, Kind::Date | Kind::Datetime)),
            Takes::Time => expr(tape, below, &Kind::is_temporal),
        }
    });
    let args = args.collect();
    entry.apply(args).ok()
}

fn text_constant(tape: &mut Tape, function: &str) -> &'static str {
    let among: &[&str] = match function {
        "like" | "ilike" => &["%", "a%", "_b%", "%ö", "", "\\%_"],
        "regexp_replace" => &["a", "g", "b+|ß", ""],
        name if name.starts_with("regexp") => &["^a", "[0-9]+", "", "ß|b"],
        "at_time_zone" | "from_time_zone" => &["Europe/Rome", "America/New_York", "Asia/Kathmandu", "UTC"],
        "strftime" => &["%Y-%m-%d", "%d.%m.%y %H:%M:%S", "week %V"],
        "parse_date" => &["%Y-%m-%d", "%d.%m.%Y"],
        "parse_datetime" => &["%Y-%m-%d %H:%M:%S", "%d.%m.%Y"],
        _ => &["day", "year", "quarter", "month", "week", "hour", "minute", "second"],
    };
    among[tape.pick(among.len())]
}

fn identical(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Float(a), Value::Float(b)) => a.to_bits() == b.to_bits(),
        _ => a == b,
    }
}

/// Fails where they differ; tells how many values there were that aren't null.
fn backends_agree(expr: &Expr) -> Result<usize, TestCaseError> {
    let table = table();
    let columns = COLUMNS.iter().zip(&table).map(|((name, kind), cells)| column_of(name, *kind, cells)).collect();
    let frame = DataFrame::new(ROWS, columns).expect("a frame");
    let place = |name: &str| COLUMNS.iter().position(|(own, _)| *own == name);
    let compiled = expr.compile(&place).expect("compiles");
    let made = polars::prelude::IntoLazy::lazy(frame.clone()).with_columns([expr.to_polars().alias("value")]).collect();
    let column = made
        .and_then(|made| made.column("value").cloned())
        .map_err(|fault| TestCaseError::fail(format!("{expr}: {fault}")))?;
    let mut solid = 0;
    prop_assert_eq!(column.len(), ROWS);
    prop_assert_eq!(column.dtype(), &expr.kind().dtype(), "{}", expr);
    for row in 0..ROWS {
        let record: Vec<Value> = table.iter().map(|cells| cells[row].clone()).collect();
        let (one, other) = (compiled.eval(&record), value_at(&column, row));
        prop_assert!(identical(&one, &other), "{expr}\nrow {row}: {one:?} by rows, {other:?} by columns");
        let fits = one.kind().is_none_or(|kind| kind == expr.kind() || expr.kind().is_string() && kind == Kind::Str);
        prop_assert!(fits, "{expr} is {one:?}, not a {}", expr.kind());
        solid += usize::from(!one.is_null());
    }
    Ok(solid)
}

fn reads_back(expr: &Expr) -> Result<(), TestCaseError> {
    let (shape, params) = (Shape::of(COLUMNS), BTreeMap::new());
    let sql = expr.to_string();
    let again = Expr::parse(&sql, &Scope { shape: &shape, params: &params })
        .map_err(|faults| TestCaseError::fail(format!("{sql}: {faults:?}")))?;
    prop_assert_eq!(&again, expr, "{}", sql);
    let json = serde_json::to_string(expr).expect("serializes");
    prop_assert_eq!(&serde_json::from_str::<Expr>(&json).map_err(|why| TestCaseError::fail(why.to_string()))?, expr);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_expressions_agree_and_read_back(tape in proptest::collection::vec(any::<u8>(), 0..120)) {
        let mut tape = Tape(tape.iter());
        let entry = pick_entry(&mut tape);
        let made = call(&mut tape, entry, 3);
        if let Some(made) = made {
            backends_agree(&made)?;
            reads_back(&made)?;
        }
    }
}

/// Each function by itself, over columns only, many times: so none hides behind another's nulls.
#[test]
fn every_function_agrees() {
    for (nth, entry) in entries().enumerate() {
        let mut solid = 0;
        for seed in 0..60_u64 {
            let bytes: Vec<u8> = (0..40)
                .map(|at| (seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(at * 7) >> 13) as u8 ^ nth as u8)
                .collect();
            let Some(made) = call(&mut Tape(bytes.iter()), entry, 1) else { continue };
            solid += backends_agree(&made).unwrap_or_else(|why| panic!("{}: {why}", entry.name));
            reads_back(&made).unwrap_or_else(|why| panic!("{}: {why}", entry.name));
        }
        assert!(solid > 20, "{} gave {solid} values", entry.name);
    }
}

/// In a table such a CASE isn't nested.
#[test]
fn a_case_of_many_cases_agrees() {
    let number = |name: &str| Expr::column(name, Kind::Int);
    let value = |nth: i64| match nth % 3 {
        0 => Expr::column("f", Kind::Float),
        1 => Expr::null(Kind::Float),
        _ => Expr::literal(Value::Int(nth)),
    };
    let case = |nth: i64| (number("i").lte(Expr::literal(Value::Int(nth - 5))), value(nth));
    for otherwise in [None, Some(number("j"))] {
        let made = Expr::case((0..40).map(case).collect(), otherwise);
        let solid = backends_agree(&made).unwrap_or_else(|why| panic!("{why}"));
        assert!(solid > 5, "{solid} values");
    }
}
