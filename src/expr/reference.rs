//! What DuckDB and Python give for functions over hard values (`tests/reference/make_functions.py`), held against ours.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::calendar::{read_date, read_moment};
use super::{Expr, Scope};
use crate::data::{Shape, Value};

/// The last bits of floats are each library's own.
fn near(ours: f64, theirs: f64) -> bool {
    (ours - theirs).abs() <= 4e-15 * theirs.abs().max(1e-300)
}

fn same(ours: &Value, theirs: &Json) -> bool {
    match (ours, theirs) {
        (Value::Null, Json::Null) => true,
        (Value::Float(ours), Json::Number(theirs)) => theirs.as_f64().is_some_and(|theirs| near(*ours, theirs)),
        (Value::Int(ours), Json::Number(theirs)) => theirs.as_i64() == Some(*ours),
        (Value::Date(ours), Json::String(theirs)) => read_date(theirs) == Some(*ours),
        (Value::Datetime(ours), Json::String(theirs)) => read_moment(theirs) == Some(*ours),
        (ours, Json::String(theirs)) => ours.to_string() == *theirs,
        _ => false,
    }
}

#[test]
fn functions_give_what_duckdb_and_python_give() {
    let told = include_str!("../../tests/reference/functions.json");
    let entries: Vec<(String, Json)> = serde_json::from_str(told).expect("the reference");
    let (shape, params) = (Shape::default(), BTreeMap::new());
    let scope = Scope { shape: &shape, params: &params };
    let mut wrong = Vec::new();
    for (sql, theirs) in &entries {
        let expr = Expr::parse(sql, &scope).unwrap_or_else(|faults| panic!("{sql}: {faults:?}"));
        let ours = expr.compile(&|_| None).expect("a constant").eval(&[]);
        if !same(&ours, theirs) {
            wrong.push(format!("{sql} is {ours:?}, theirs {theirs}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), entries.len(), wrong.join("\n"));
    assert!(entries.len() > 1000);
}
