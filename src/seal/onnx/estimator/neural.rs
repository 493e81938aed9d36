//! Neural networks, layer by layer; in 64 bits, which is nearer to the truth than the 32 that they are run in here.

use super::super::builder::{Builder, Name, doubles};
use super::Table;
use crate::learn::{Activation, Network, Output};

/// The largest number that a network reads, and the largest of its sums that counts.
const LARGEST: [f64; 2] = [1e18, 1e30];

/// Each class' probability, or a number.
pub(super) fn network(of: &Network, table: &Table, builder: &mut Builder) -> Name {
    let mut sums = within(&table.all, LARGEST[0], builder);
    let mut from = 0;
    for (nth, pair) in of.sizes.windows(2).enumerate() {
        let &[inputs, units] = pair else { unreachable!("windows of two") };
        let own = &of.parameters[from..from + (inputs + 1) * units];
        from += (inputs + 1) * units;
        let own: Vec<f64> = own.iter().map(|value| f64::from(*value)).collect();
        let (weights, constants) = own.split_at(inputs * units);
        let (weights, constants) =
            (builder.tensor(doubles(&[inputs, units], weights)), builder.tensor(doubles(&[1, units], constants)));
        let product = builder.op("MatMul", &[&sums, &weights]);
        sums = builder.op("Add", &[&product, &constants]);
        if nth + 2 < of.sizes.len() {
            sums = match of.activation {
                Activation::Relu => builder.op("Relu", &[&sums]),
                Activation::Tanh => builder.op("Tanh", &[&sums]),
                Activation::Logistic => builder.op("Sigmoid", &[&sums]),
                Activation::Identity => sums,
            };
        }
    }
    let sums = within(&sums, LARGEST[1], builder);
    match &of.output {
        Output::Classes { count, present } => builder.odds(&sums, present, *count, table),
        Output::Number { scale, shift } => {
            let (scale, shift) = (builder.float(*scale), builder.float(*shift));
            let product = builder.op("Mul", &[&sums, &scale]);
            builder.op("Add", &[&product, &shift])
        }
    }
}

/// Cut to what 32 bits hold.
fn within(from: &str, largest: f64, builder: &mut Builder) -> Name {
    let (least, most) = (builder.float(-largest), builder.float(largest));
    let above = builder.op("Max", &[from, &least]);
    builder.op("Min", &[&above, &most])
}
