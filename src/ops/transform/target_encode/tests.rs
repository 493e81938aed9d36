//! Encodings against scikit-learn, and what folds and strangers get.

use serde_json::Value as Json;

use crate::data::{Kind, Shape, Table, Value, column_of, positions, value_at};
use crate::ops::testing::{
    CX, applied, cells, faults, halved, mistakes, op, reference, shape_after, table_of, through,
};

fn numbers(json: &Json) -> Vec<f64> {
    serde_json::from_value(json.clone()).expect("numbers")
}

fn close(found: &[Value], wanted: &[f64], what: &str) {
    assert_eq!(found.len(), wanted.len(), "{what}");
    for (row, (found, wanted)) in found.iter().zip(wanted).enumerate() {
        let found = found.as_f64().expect("a number");
        assert!((found - wanted).abs() < 1e-12 * wanted.abs().max(1.0), "{what} {row}: {found} {wanted}");
    }
}

fn kind(case: &Json) -> Kind {
    serde_json::from_value(case["kind"].clone()).expect("a type")
}

#[test]
fn encodings_are_those_of_scikit_learn() {
    let known = &reference("encoders.json")["target"];
    let texts = cells(&known["texts"], Kind::Category);
    let asked = table_of(&[
        ("x", Kind::Category, cells(&known["asked"], Kind::Category)),
        ("y", Kind::Int, vec![Value::Null; 4]),
    ]);
    for case in known["cases"].as_array().expect("cases") {
        let argument = case["argument"].as_str().expect("an argument");
        let columns = [("x", Kind::Category, texts.clone()), ("y", kind(case), cells(&case["y"], kind(case)))];
        let made = through(argument, &columns);
        let table = table_of(&columns);
        let op = op(argument, &table.shape);
        let fitted = op.fit(&table, &CX).expect("fitted");
        let told = applied(op.as_ref(), &fitted, asked.clone());
        for (name, wanted) in case["columns"].as_object().expect("columns") {
            close(&made[name], &numbers(wanted), &format!("{argument} {name}"));
            close(&told[name], &numbers(&case["asked"][name]), &format!("{argument} {name} asked"));
        }
        assert_eq!(made.len(), case["columns"].as_object().expect("columns").len() + 1);
    }
}

/// The train rows of each fold are encoded as scikit-learn does it by the others.
#[test]
fn train_rows_are_encoded_by_the_other_folds() {
    let known = &reference("encoders.json")["target"];
    let texts = cells(&known["texts"], Kind::Category);
    for case in known["folds"].as_array().expect("cases") {
        let argument = case["argument"].as_str().expect("an argument");
        let table = table_of(&[("x", Kind::Category, texts.clone()), ("y", kind(case), cells(&case["y"], kind(case)))]);
        let op = op(argument, &table.shape);
        let fitted = op.fit(&table, &CX).expect("fitted");
        let after = op.table(&fitted, table, &CX).expect("done");
        for (name, wanted) in case["columns"].as_object().expect("columns") {
            let column = after.training().column(name).expect("made");
            let found: Vec<Value> = (0..column.len()).map(|row| value_at(column, row)).collect();
            close(&found, &numbers(wanted), &format!("{argument} {name}"));
        }
    }
}

/// x says nothing of y, but by chance: encoded by all rows it seems to, by other folds it doesn't.
fn noise() -> Table {
    let x = (0..400).map(|row| Value::str(format!("c{}", row * 7919 % 200))).collect();
    let y = (0..400).map(|row| Value::Bool(row * 31 % 17 < 8)).collect();
    table_of(&[("x", Kind::Category, x), ("y", Kind::Bool, y)])
}

#[test]
fn a_row_in_a_fold_of_its_own_knows_nothing_of_its_target() {
    let table = noise();
    let correlation = |argument: &str| {
        let op = op(argument, &table.shape);
        let fitted = op.fit(&table, &CX).expect("fitted");
        let after = op.table(&fitted, table.clone(), &CX).expect("done");
        let numbers = |name: &str| -> Vec<f64> {
            let column = after.training().column(name).expect("there");
            (0..column.len()).map(|row| value_at(column, row).as_f64().expect("a number")).collect()
        };
        let (x, y) = (numbers("x"), numbers("y"));
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let (mx, my) = (mean(&x), mean(&y));
        let dot =
            |a: &[f64], ma: f64, b: &[f64], mb: f64| a.iter().zip(b).map(|(a, b)| (a - ma) * (b - mb)).sum::<f64>();
        dot(&x, mx, &y, my) / (dot(&x, mx, &x, mx) * dot(&y, my, &y, my)).sqrt()
    };
    assert!(correlation("target_encode: {columns: x, smoothing: 1}") > 0.5);
    assert!(correlation("target_encode: {columns: x, smoothing: 1, folds: 5}") < 0.1);
}

#[test]
fn other_rows_get_the_encoding_of_all_train_rows() {
    let parts = halved(&noise());
    let after = |argument: &str| {
        let op = op(argument, &parts.shape);
        let fitted = op.fit(&parts, &CX).expect("fitted");
        let after = op.table(&fitted, parts.clone(), &CX).expect("done");
        let of = |nth: usize| after.parts().nth(nth).expect("a part").1.column("x").expect("there").clone();
        (of(0), of(1), fitted)
    };
    let (train, test, fitted) = after("target_encode: x");
    let (folded, same, fitted_too) = after("target_encode: {columns: x, folds: 4}");
    assert!(crate::data::same(&test, &same) && !crate::data::same(&train, &folded));
    assert_eq!(fitted, fitted_too);
}

#[test]
fn copies_of_a_row_are_in_the_same_fold() {
    let table = noise();
    let balanced = op("balance: y", &table.shape);
    let fitted = balanced.fit(&table, &CX).expect("fitted");
    let table = balanced.table(&fitted, table, &CX).expect("balanced");
    assert!(table.rows() > 400);
    let op = op("target_encode: {columns: x, smoothing: 0, folds: 3}", &table.shape);
    let fitted = op.fit(&table, &CX).expect("fitted");
    let after = op.table(&fitted, table, &CX).expect("done");
    let column = after.training().column("x").expect("there");
    let mut seen = std::collections::BTreeMap::new();
    for (row, position) in positions(after.training()).expect("rows").iter().enumerate() {
        let value = value_at(column, row);
        assert_eq!(seen.entry(position).or_insert_with(|| value.clone()), &value);
    }
}

#[test]
fn what_cannot_be_encoded_is_told() {
    let shape = Shape::of([("x", Kind::Float)]);
    assert_eq!(faults("target_encode: x", &shape), ["`x` is float: it has no categories"]);
    assert_eq!(
        mistakes("target_encode: {columns: x, smoothing: -1, folds: 1}"),
        ["`smoothing` is at least 0, and this is -1", "`folds` is at least 2, and this is 1"]
    );
    let fault = |rows: Vec<Value>, argument: &str| {
        let table = table_of(&[("x", Kind::Str, vec![Value::str("a"); rows.len()]), ("y", Kind::Int, rows)]);
        op(argument, &table.shape).fit(&table, &CX).expect_err("a fault").message
    };
    assert_eq!(fault(vec![Value::Null], "target_encode: x"), "the target `y` has no value in 1 of 1 train rows");
    assert_eq!(
        fault(vec![Value::Int(1)], "target_encode: {columns: x, folds: 2}"),
        "1 train rows are too few for 2 folds"
    );
    assert!(fault(Vec::new(), "target_encode: x").ends_with("0 of 0 train rows"));
}

#[test]
fn the_columns_are_known_unless_the_target_has_classes() {
    let mut shape = Shape::of([("x", Kind::Category), ("y", Kind::Bool)]);
    shape.guard("y");
    assert_eq!(shape_after("target_encode: x", &shape).known("x"), Some(Kind::Float));
    shape.set("y", Kind::Category);
    let open = shape_after("target_encode: x", &shape);
    assert_eq!((open.known("x"), open.kind("x"), open.kind("x_a")), (None, Some(Kind::Float), Some(Kind::Float)));
}

#[test]
fn a_hundred_thousand_categories_are_no_matter() {
    let x: Vec<Value> = (0..100_000).map(|row| Value::str(format!("c{row}"))).collect();
    let y: Vec<Value> = (0..100_000).map(|row| Value::Float(f64::from(row))).collect();
    let frame =
        polars::prelude::DataFrame::new(100_000, vec![column_of("x", Kind::Str, &x), column_of("y", Kind::Float, &y)]);
    let table =
        Table::new(Shape::of([("x", Kind::Str), ("y", Kind::Float)]), frame.expect("a frame")).expect("a table");
    let op = op("target_encode: {columns: x, folds: 5}", &table.shape);
    let fitted = op.fit(&table, &CX).expect("fitted");
    assert_eq!(op.table(&fitted, table, &CX).expect("done").rows(), 100_000);
}
