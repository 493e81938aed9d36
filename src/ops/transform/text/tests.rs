//! Words against scikit-learn, and where there are none.

use std::collections::BTreeMap;

use crate::data::{Kind, Shape, Value};
use crate::ops::testing::{CX, cells, faults, mistakes, op, reference, shape_after, table_of, through};

#[test]
fn words_are_counted_as_by_scikit_learn() {
    let known = &reference("encoders.json")["text"];
    let texts = cells(&known["texts"], Kind::Text);
    for case in known["cases"].as_array().expect("cases") {
        let argument = case["argument"].as_str().expect("an argument");
        let made = through(&format!("text: {{t: {argument}}}"), &[("t", Kind::Text, texts.clone())]);
        let wanted: BTreeMap<String, Vec<f64>> = serde_json::from_value(case["columns"].clone()).expect("columns");
        let names = |columns: Vec<&String>| -> Vec<String> { columns.into_iter().cloned().collect() };
        assert_eq!(names(made.keys().collect()), names(wanted.keys().collect()), "{argument}");
        for (name, wanted) in &wanted {
            for (row, wanted) in wanted.iter().enumerate() {
                let found = made[name][row].as_f64().expect("a number");
                assert!((found - wanted).abs() < 1e-12, "{argument} {name} {row}: {found} {wanted}");
            }
        }
    }
}

#[test]
fn texts_without_words_are_told() {
    for texts in [vec![], vec![Value::Null], vec![Value::str("a - b")]] {
        let table = table_of(&[("t", Kind::Text, texts)]);
        let fault = op("text: {t: counts}", &table.shape).fit(&table, &CX).expect_err("a fault");
        assert!(fault.message.starts_with("no word of any of"), "{}", fault.message);
    }
    let taken = table_of(&[("t", Kind::Text, vec![Value::str("two words")]), ("t_two", Kind::Int, vec![Value::Null])]);
    let fault = op("text: {t: counts}", &taken.shape).fit(&taken, &CX).expect_err("a fault");
    assert_eq!(fault.message, "there is a column `t_two` already");
}

#[test]
fn words_no_train_row_has_count_for_nothing() {
    let columns = |texts: &[&str]| table_of(&[("t", Kind::Text, texts.iter().map(Value::str).collect())]);
    let learned = columns(&["good food", "good"]);
    let op = op("text: {t: tfidf}", &learned.shape);
    let fitted = op.fit(&learned, &CX).expect("fitted");
    let made = crate::ops::testing::applied(op.as_ref(), &fitted, columns(&["bad", "GOOD bad good"]));
    assert_eq!(made["t_good"], [Value::Float(0.0), Value::Float(1.0)]);
    assert_eq!(made["t_food"], [Value::Float(0.0), Value::Float(0.0)]);
}

#[test]
fn a_hundred_thousand_words_are_no_matter() {
    let texts: Vec<Value> = (0..10_000)
        .map(|row| Value::str((0..10).map(|nth| format!("w{} ", row * 10 + nth)).collect::<String>()))
        .collect();
    let table = table_of(&[("t", Kind::Text, texts)]);
    let op = op("text: {t: {tfidf: {max: 20}}}", &table.shape);
    let fitted = op.fit(&table, &CX).expect("fitted");
    let after = op.table(&fitted, table, &CX).expect("done");
    assert_eq!(after.shape.fields.len(), 20);
}

#[test]
fn mistakes_in_the_options_are_told() {
    let found = mistakes("text: {t: {counts: {max: 0, ngrams: [2, 1], min_df: 1.5, max_df: -1}}}");
    assert_eq!(
        found,
        [
            "`max` is at least 1, and this is 0",
            "`ngrams` is from how many to how many words, as in [1, 2]",
            "`min_df` is a number of rows or a share of them, and this is 1.5",
            "`max_df` is a number of rows or a share of them, and this is -1"
        ]
    );
    assert!(mistakes("text: {t: tf_idf}")[0].contains("did you mean `tfidf`?"), "{:?}", mistakes("text: {t: tf_idf}"));
    let shape = Shape::of([("t", Kind::Text), ("n", Kind::Int)]);
    assert_eq!(faults("text: {n: counts}", &shape), ["`n` is int: only texts have words"]);
    let open = shape_after("text: {text: tfidf}", &shape);
    assert_eq!((open.families[0].prefix.as_str(), open.families[0].kind), ("t_", Kind::Float));
}
