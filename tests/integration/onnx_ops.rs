//! Ops in ONNX: what is learned of rows and exported says of the same rows what the sealed model says.

use std::collections::BTreeMap;

use gristmill::data::{Shape, Table, column_of};
use gristmill::expr::{Expr, Scope};
use gristmill::ops::{FitContext, find};
use gristmill::recipe::RowStep;
use gristmill::seal::Sealed;
use gristmill::seal::onnx::export;
use gristmill::source::Document;
use polars::prelude::DataFrame;
use serde_json::Value as Json;

use crate::mill::Mill;
use crate::onnx::{COLUMNS, ROWS, by_own, cell, columns, differ, ours, python, script, sealed};

/// An op, its argument, and a number of the columns after it.
type Form = (&'static str, &'static str, &'static str);

const GO: &[Form] = &[
    ("fill_missing", "{f: median, s: mode}", "if(s = 'a', f, 0)"),
    ("bin", "{i: [-10, 0, 3, 20], f: {quantiles: 3}}", "if(i = '[0, 3)', 1, 0)"),
    ("one_hot", "[s, b]", "if(s_a, 1, 0)"),
    ("standardize", "[i, f]", "i"),
    ("min_max", "{columns: [f], clip: true, feature_range: [-1, 2]}", "f"),
    ("min_max", "[i]", "i"),
    ("robust_scale", "numeric", "f"),
    ("max_abs", "numeric", "i"),
    ("log", "{columns: [i, f], offset: 1}", "f"),
    ("log", "{columns: [i, f], offset: 10}", "i"),
    ("sqrt", "numeric", "f"),
    ("yeo_johnson", "[i]", "i"),
    ("yeo_johnson", "{columns: [i], standardize: false}", "i"),
    ("quantile_transform", "{columns: numeric, n_quantiles: 5}", "f"),
    ("quantile_transform", "numeric", "i"),
    ("quantile_transform", "{columns: [g], output_distribution: normal}", "g"),
    ("polynomial", "[i, j]", "i_x_j"),
    ("polynomial", "{columns: [i, f, b], degree: 3}", "i_pow_2_x_b"),
    ("date_parts", "{d: [week, is_weekend]}", "if(d_is_weekend, d_week, -d_week)"),
    ("date_parts", "{m: [days_in_month, is_month_end]}", "if(m_is_month_end, 0, m_days_in_month)"),
    ("date_parts", "{m: [epoch, is_month_start]}", "if(m_is_month_start, 0, m_epoch)"),
    ("cyclical", "{i: 24}", "i_cos"),
    ("ordinal", "[s]", "s"),
    ("ordinal", "[i, b, d]", "i + b + d"),
    ("ordinal", "{s: [b, a], i: [3, 0, -1]}", "i + s"),
    ("ordinal", "{columns: {b: [true, false]}, unknown: refuse}", "b"),
    ("ordinal", "{columns: {i: [3, 0, -1, 15]}, unknown: refuse}", "i"),
    ("replace", "{s: {a: ä, ä: null, A: z}}", "if(s = 'ä', 1, if(s = 'z', 2, 3))"),
    ("replace", "{i: {3: 7, 0: null, -1: 9007199254740993}, b: {true: null}}", "if(b IS NULL, i, -1)"),
    ("replace", "{f: {0.5: 7, 2.5: null, 0: 1}, d: {1970-01-01: 2024-01-31}}", "if(d = DATE '2024-01-31', f, -f)"),
    ("clip", "{i: [0, 20], f: {quantile: [0.2, 0.8]}}", "i + f"),
];

/// Ops that have no form there, with what is told.
const STAY: &[(&str, &str)] = &[("trim", "trim(s)"), ("lower", "lower(s)"), ("upper", "upper(s)")];

/// A model that learned an op of the rows, and says a number of them.
fn model((name, argument, sql): (&str, &str, &str)) -> Sealed {
    let (shape, params) = (Shape::of(COLUMNS), BTreeMap::new());
    let columns = COLUMNS
        .iter()
        .enumerate()
        .map(|(nth, (name, kind))| column_of(name, *kind, &(0..ROWS).map(|row| cell(row, nth)).collect::<Vec<_>>()));
    let frame = DataFrame::new(ROWS, columns.collect()).expect("a frame");
    let table = Table::new(shape.clone(), frame).expect("a table");
    let document = Document::parse("argument", argument).expect("YAML");
    let read = (find(name).expect("an op").read)(&document.root, &Scope { shape: &shape, params: &params });
    let op = read.unwrap_or_else(|faults| panic!("{name}: {argument}: {faults:?}"));
    let fitted = op.fit(&table, &FitContext::alone(None, 0, None));
    let fitted = fitted.unwrap_or_else(|fault| panic!("{name}: {argument}: {fault:?}"));
    let mut steps = op.lower(&fitted, &shape).expect("lowered");
    let after = op.shape(&shape, Some(&fitted), &mut Vec::new());
    let expr = Expr::parse(sql, &Scope { shape: &after, params: &params });
    steps.push(RowStep::set(vec![("x".to_owned(), expr.unwrap_or_else(|why| panic!("{sql}: {why:?}")))]));
    sealed(steps)
}

#[test]
fn every_op_goes_or_says_why_not() {
    let mut wrong = Vec::new();
    let mut numbers = 0;
    for form in GO {
        let model = model(*form);
        let bytes = export(&model).unwrap_or_else(|fault| panic!("{form:?}: {}", fault.message));
        let ours = ours(&model);
        numbers += ours.iter().flatten().count();
        wrong.extend(differ(&format!("{form:?}"), "its own runtime", &ours, &by_own(&bytes)));
    }
    assert!(wrong.is_empty(), "{}", wrong.concat());
    assert!(numbers > GO.len() * ROWS / 3, "{numbers} values");
    for (name, told) in STAY {
        let fault = export(&model((name, "[s]", "if(s = 'a', 1, 0)"))).expect_err("a fault");
        assert!(fault.message.contains(told), "{name}: {}", fault.message);
    }
}

#[test]
fn onnxruntime_gives_what_every_op_gives_here() {
    let Some(python) = python() else { return };
    let mill = Mill::new();
    for (nth, form) in GO.iter().enumerate() {
        std::fs::write(mill.at(&format!("{nth}.onnx")), export(&model(*form)).expect("it goes")).expect("written");
    }
    mill.file("inputs.json", &columns().to_string());
    let told = script(&python, "run.py", &[mill.path()]);
    let mut wrong = Vec::new();
    for (nth, form) in GO.iter().enumerate() {
        let found = told[nth.to_string()]["prediction"].as_array().expect("predictions");
        let found: Vec<Option<f64>> = found.iter().map(Json::as_f64).collect();
        wrong.extend(differ(&format!("{form:?}"), "onnxruntime", &ours(&model(*form)), &found));
    }
    assert!(wrong.is_empty(), "{}", wrong.concat());
}
