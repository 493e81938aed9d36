//! The nearest training rows: distances to all of them, feature by feature.

use super::super::builder::{Builder, Name, doubles, int, ints};
use super::Table;
use crate::learn::onnx::proto::element;
use crate::learn::{Answers, Distance, Neighbors};

/// What the nearest rows say.
pub(super) fn neighbors(of: &Neighbors, table: &Table, builder: &mut Builder) -> Name {
    let sums = distances(of, table, builder);
    let count = builder.tensor(ints(&[1], &[of.n_neighbors as i64]));
    let order = vec![int("axis", 1), int("largest", 0), int("sorted", 1)];
    let (sums, places) = builder.op_two("TopK", &[&sums, &count], order);
    let shares = shares(of, &sums, &places, builder);
    let along = builder.tensor(ints(&[1], &[1]));
    match &of.answers {
        Answers::Numbers(numbers) => {
            let numbers = builder.tensor(doubles(&[numbers.len()], numbers));
            let own = builder.op("Gather", &[&numbers, &places]);
            let parts = builder.op("Mul", &[&own, &shares]);
            builder.op("ReduceSum", &[&parts, &along])
        }
        Answers::Classes { codes, count } => {
            let codes: Vec<i64> = codes.iter().map(|code| i64::from(*code)).collect();
            let codes = builder.tensor(ints(&[codes.len()], &codes));
            let own = builder.op("Gather", &[&codes, &places]);
            let last = builder.tensor(ints(&[1], &[2]));
            let own = builder.op("Unsqueeze", &[&own, &last]);
            let classes: Vec<i64> = (0..*count as i64).collect();
            let classes = builder.tensor(ints(&[*count], &classes));
            let is = builder.op("Equal", &[&own, &classes]);
            let is = builder.cast(&is, element::DOUBLE);
            let shares = builder.op("Unsqueeze", &[&shares, &last]);
            let parts = builder.op("Mul", &[&is, &shares]);
            builder.op_with("ReduceSum", &[&parts, &along], vec![int("keepdims", 0)])
        }
    }
}

/// What grows with the distance of each row to each training row, `[rows, training rows]`; summed in the features' order.
fn distances(of: &Neighbors, table: &Table, builder: &mut Builder) -> Name {
    let held = of.rows.len() / of.columns;
    let mut sum: Option<Name> = None;
    for feature in 0..of.columns {
        let own: Vec<f64> = of.rows.iter().skip(feature).step_by(of.columns).copied().collect();
        let own = builder.tensor(doubles(&[1, held], &own));
        let difference = builder.op("Sub", &[&table.columns[feature], &own]);
        let part = match of.metric {
            Distance::Euclidean => builder.op("Mul", &[&difference, &difference]),
            Distance::Manhattan => builder.op("Abs", &[&difference]),
        };
        sum = Some(match sum {
            None => part,
            Some(sofar) => builder.op("Add", &[&sofar, &part]),
        });
    }
    sum.expect("rows have features")
}

/// How much each of the nearest counts, summing up to 1: `[rows, neighbors]`.
fn shares(of: &Neighbors, sums: &str, places: &str, builder: &mut Builder) -> Name {
    let weights = match &of.weights {
        Some(weights) => builder.tensor(doubles(&[weights.len()], weights)),
        None => builder.tensor(doubles(&[of.rows.len() / of.columns], &vec![1.0; of.rows.len() / of.columns])),
    };
    let mut votes = builder.op("Gather", &[&weights, places]);
    if of.by_distance {
        let distance = match of.metric {
            Distance::Euclidean => builder.op("Sqrt", &[sums]),
            Distance::Manhattan => sums.to_owned(),
        };
        let first = builder.tensor(ints(&[1], &[0]));
        let closest = builder.op_with("Gather", &[&distance, &first], vec![int("axis", 1)]);
        let is_closest = builder.op("Equal", &[&distance, &closest]);
        let zero = builder.float(0.0);
        let is_apart = builder.op("Greater", &[&closest, &zero]);
        let ratio = builder.op("Div", &[&closest, &distance]);
        let nearer = builder.op("Mul", &[&votes, &ratio]);
        let others = builder.op("Where", &[&is_apart, &nearer, &zero]);
        votes = builder.op("Where", &[&is_closest, &votes, &others]);
    }
    let along = builder.tensor(ints(&[1], &[1]));
    let total = builder.op("ReduceSum", &[&votes, &along]);
    builder.op("Div", &[&votes, &total])
}
