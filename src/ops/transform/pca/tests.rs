//! The components against scikit-learn, and where there are none.

use crate::data::{Kind, Shape, Value};
use crate::ops::testing::{CX, faults, mistakes, op, reference, shape_after, table_of, through};

#[test]
fn components_are_those_of_scikit_learn() {
    let known = reference("encoders.json");
    for case in known["pca"].as_array().expect("cases") {
        let rows: Vec<Vec<f64>> = serde_json::from_value(case["rows"].clone()).expect("rows");
        let names: Vec<String> = (0..rows[0].len()).map(|nth| format!("c{nth}")).collect();
        let column = |nth: usize| rows.iter().map(|row| Value::Float(row[nth])).collect();
        let columns: Vec<_> =
            names.iter().enumerate().map(|(nth, name)| (name.as_str(), Kind::Float, column(nth))).collect();
        let argument = case["argument"].as_str().expect("an argument");
        let made = through(&format!("pca: {argument}"), &columns);
        let wanted: Vec<Vec<f64>> = serde_json::from_value(case["components"].clone()).expect("rows");
        assert_eq!(made.len(), wanted[0].len(), "{argument}");
        for (row, wanted) in wanted.iter().enumerate() {
            for (nth, wanted) in wanted.iter().enumerate() {
                let found = made[&format!("pca_{}", nth + 1)][row].as_f64().expect("a number");
                assert!(
                    (found - wanted).abs() < 1e-8 * wanted.abs().max(1.0),
                    "{argument} {row} {nth}: {found} {wanted}"
                );
            }
        }
    }
}

#[test]
fn a_missing_value_is_told_with_advice() {
    let table = table_of(&[("a", Kind::Float, [1.0, 2.0, f64::NAN].map(Value::float).to_vec())]);
    let fault = op("pca: a", &table.shape).fit(&table, &CX).expect_err("a fault");
    assert_eq!(fault.message, "`a` has no value in row 3");
    assert_eq!(fault.help.as_deref(), Some("put `fill_missing: {a: median}` or `drop_missing: [a]` before"));
    let one = table_of(&[("a", Kind::Int, vec![Value::Int(1)])]);
    assert_eq!(op("pca: a", &one.shape).fit(&one, &CX).expect_err("a fault").code, "too-few-rows");
    let huge = table_of(&[("a", Kind::Float, [1e300, -1e300].map(Value::Float).to_vec())]);
    assert_eq!(op("pca: a", &huge.shape).fit(&huge, &CX).expect_err("a fault").code, "out-of-range");
}

#[test]
fn a_constant_column_has_a_component_of_nothing() {
    let made = through("pca: {columns: a, whiten: true}", &[("a", Kind::Int, vec![Value::Int(7); 3])]);
    assert_eq!(made["pca_1"], vec![Value::Float(0.0); 3]);
}

#[test]
fn names_are_known_as_far_as_they_can_be() {
    let shape = Shape::of([("a", Kind::Int), ("s", Kind::Category), ("b", Kind::Float)]);
    let known = shape_after("pca: {columns: numeric, components: 2, as: z}", &shape);
    assert_eq!(known.names().collect::<Vec<_>>(), ["s", "z_1", "z_2"]);
    let open = shape_after("pca: {columns: numeric, variance: 0.9}", &shape);
    assert_eq!((open.fields.len(), open.families[0].prefix.as_str()), (1, "pca_"));
    assert_eq!(
        faults("pca: {columns: [a, b], components: 3}", &shape),
        ["2 columns have at most 2 components, and 3 are asked for"]
    );
    assert_eq!(faults("pca: [s]", &shape), ["`s` is category: only numbers have components"]);
    assert_eq!(
        mistakes("pca: {columns: a, components: 0, variance: 1.5}"),
        [
            "`components` is at least 1, and this is 0",
            "1.5 isn't a share of the variance: write a number between 0 and 1",
            "`components` and `variance` don't go together"
        ]
    );
}
