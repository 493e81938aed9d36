//! The scores against scikit-learn, and what goes and stays.

use std::path::PathBuf;

use polars::prelude::{Column, DataFrame};
use serde_json::Value as Json;

use super::score::{self, Answers};
use super::*;
use crate::data::Part;

fn reference(name: &str) -> String {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests", "reference", name].iter().collect();
    std::fs::read_to_string(path).expect("a reference file")
}

/// The columns of a data set, its target last.
fn columns(name: &str) -> Vec<Vec<f64>> {
    let text = reference(&format!("{name}.csv"));
    let rows: Vec<Vec<f64>> = text
        .lines()
        .skip(1)
        .map(|line| line.split(',').map(|cell| cell.parse().expect("a number")).collect())
        .collect();
    (0..rows[0].len()).map(|column| rows.iter().map(|row| row[column]).collect()).collect()
}

#[test]
fn scores_are_those_of_scikit_learn() {
    let known: Json = serde_json::from_str(&reference("select.json")).expect("JSON");
    for (name, kind) in [("iris", Kind::Category), ("wine", Kind::Category), ("diabetes", Kind::Float)] {
        let mut columns = columns(name);
        let target = Column::new("y".into(), columns.pop().expect("a target"));
        for (key, by) in [
            ("f_test", By::FTest),
            ("mutual_information", By::MutualInformation),
            ("variance", By::Variance),
            ("correlation", By::Correlation),
        ] {
            // Scikit-learn's correlation takes class numbers as numbers.
            let kind = if by == By::Correlation { Kind::Float } else { kind };
            let answers = Answers::of(&target, kind);
            for (place, values) in columns.iter().enumerate() {
                let column = Column::new("x".into(), values.clone());
                let score = score::of(by, &column, Some(&answers)).expect("a score");
                let wanted = known[name][key][place].as_f64().expect("a number");
                assert!((score - wanted).abs() <= 1e-9 * wanted.max(1.0), "{name} {key} {place}: {score} {wanted}");
            }
        }
    }
}

#[test]
fn importance_is_that_of_scikit_learns_forests_within_chance() {
    let known: Json = serde_json::from_str(&reference("select.json")).expect("JSON");
    for (name, kind) in [("iris", Kind::Category), ("wine", Kind::Category), ("diabetes", Kind::Float)] {
        let mut columns = columns(name);
        let answers = Answers::of(&Column::new("y".into(), columns.pop().expect("a target")), kind);
        let columns: Vec<Column> = columns.into_iter().map(|values| Column::new("x".into(), values)).collect();
        let columns: Vec<&Column> = columns.iter().collect();
        let scores = forest::scores(&columns, &answers, 7).expect("scores");
        assert_eq!(scores, forest::scores(&columns, &answers, 7).expect("the same again"));
        assert!((scores.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        let of = |key: &str, place: usize| known[name][key][place].as_f64().expect("a number");
        for (place, score) in scores.iter().enumerate() {
            let (mean, std) = (of("importance", place), of("importance_std", place));
            assert!((score - mean).abs() < 5.0 * std, "{name} {place}: {score}, not {mean} ± {std}");
        }
    }
}

fn table() -> Table {
    let shape =
        Shape::of([("y", Kind::Category), ("noise", Kind::Int), ("same", Kind::Category), ("half", Kind::Float)]);
    let y = ["a", "a", "b", "b", "a", "b"];
    let frame = DataFrame::new(
        6,
        vec![
            Column::new("y".into(), y),
            Column::new("noise".into(), [1i64, 2, 1, 2, 3, 3]),
            Column::new("same".into(), y),
            Column::new("half".into(), [Some(0.5), None, Some(1.5), Some(1.5), None, Some(0.5)]),
        ],
    )
    .expect("a frame");
    Table::of_parts(shape, vec![(Part::All, frame)])
}

fn fitted(best: usize, by: By, columns: Option<Selector>) -> Result<Vec<String>, Fault> {
    let cx = FitContext::alone(Some("y"), 0, None);
    let mut table = table();
    table.shape.protected.insert("y".into());
    Select { best, by, columns }.fit(&table, &cx).map(|gone| gone.into_iter().collect())
}

#[test]
fn the_least_telling_columns_go_and_the_target_stays() {
    assert_eq!(fitted(1, By::MutualInformation, None).expect("fitted"), ["half", "noise"]);
    assert_eq!(fitted(2, By::MutualInformation, None).expect("fitted"), ["noise"]);
    // A forest sees categories, and rows without a value.
    assert_eq!(fitted(1, By::Importance, None).expect("fitted"), ["half", "noise"]);
    assert_eq!(fitted(9, By::MutualInformation, None).expect("fitted"), [""; 0]);
    // A category has no F: it goes on untouched.
    assert_eq!(fitted(1, By::FTest, None).expect("fitted"), ["noise"]);
}

#[test]
fn a_named_column_that_cannot_be_scored_is_told() {
    let columns: Selector = serde_json::from_value(serde_json::json!(["same", "half"])).expect("a selector");
    let fault = fitted(1, By::FTest, Some(columns)).expect_err("a fault");
    assert!(fault.message.contains("`same` is category"), "{}", fault.message);
}
