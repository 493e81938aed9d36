//! Naive Bayes.

use super::super::builder::{Builder, Name, doubles, int, ints};
use super::Table;
use crate::data::elementary::ln;
use crate::learn::onnx::proto::element;
use crate::learn::{Bayes, Likelihood};

/// Each class' probability.
pub(super) fn bayes(of: &Bayes, table: &Table, builder: &mut Builder) -> Name {
    let columns = of.columns;
    let joint = match &of.likelihood {
        Likelihood::Gaussian { means, variances } => {
            let along = builder.tensor(ints(&[1], &[1]));
            let mut parts = Vec::new();
            for place in 0..of.present.len() {
                let own = |all: &[f64]| doubles(&[1, columns], &all[place * columns..(place + 1) * columns]);
                let (mean, variance) = (builder.tensor(own(means)), builder.tensor(own(variances)));
                let apart = builder.op("Sub", &[&table.all, &mean]);
                let square = builder.op("Mul", &[&apart, &apart]);
                let scaled = builder.op("Div", &[&square, &variance]);
                parts.push(builder.op("ReduceSum", &[&scaled, &along]));
            }
            let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
            let sums = builder.op_with("Concat", &parts, vec![int("axis", 1)]);
            let half = builder.float(-0.5);
            let sums = builder.op("Mul", &[&sums, &half]);
            let constant = |place: usize| {
                let own = variances[place * columns..(place + 1) * columns].iter();
                of.priors[place] - 0.5 * own.map(|variance| ln(*variance)).sum::<f64>()
            };
            let constants: Vec<f64> = (0..of.present.len()).map(constant).collect();
            let constants = builder.tensor(doubles(&[1, constants.len()], &constants));
            builder.op("Add", &[&sums, &constants])
        }
        Likelihood::Bernoulli { threshold, above, below } => {
            let threshold = builder.float(*threshold);
            let is = builder.op("Greater", &[&table.all, &threshold]);
            let is = builder.cast(&is, element::DOUBLE);
            let more: Vec<f64> = above.iter().zip(below).map(|(above, below)| above - below).collect();
            let constant =
                |place: usize| of.priors[place] + below[place * columns..(place + 1) * columns].iter().sum::<f64>();
            let constants: Vec<f64> = (0..of.present.len()).map(constant).collect();
            builder.sums(&more, &constants, &Table { all: is, columns: Vec::new() })
        }
    };
    let found = builder.op_with("Softmax", &[&joint], vec![int("axis", 1)]);
    builder.spread(&found, &of.present, of.count, table)
}
