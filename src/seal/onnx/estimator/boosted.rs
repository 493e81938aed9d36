//! Trees that are summed up.

use super::super::builder::{Builder, Name, doubles};
use super::Table;
use super::trees::{ensemble, nodes};
use crate::learn::{Boosted, Link};

/// Sums of trees, and what they stand for.
pub(super) fn boosted(of: &Boosted, table: &Table, builder: &mut Builder) -> Name {
    let heads = of.start.len();
    let sums = ensemble(&nodes(&of.trees), heads, "SUM", &|tree, _| tree % heads, table, builder);
    let start = builder.tensor(doubles(&[1, heads], &of.start));
    let sums = builder.op("Add", &[&sums, &start]);
    match of.link {
        Link::Identity => sums,
        Link::Log => builder.op("Exp", &[&sums]),
        Link::Logit => builder.odds(&sums, &of.present, of.count, table),
    }
}
