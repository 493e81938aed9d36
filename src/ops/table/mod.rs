//! Ops on whole tables: which rows there are, in which order, and what other tables or rows bring in.

mod aggregate;
mod balance;
mod join;
mod lag;
mod limit;
mod ordered;
mod pairs;
mod rolling;
mod sample;
mod sort;
mod statistic;

pub(super) use aggregate::Aggregate;
pub(super) use balance::Balance;
pub(super) use join::Join;
pub(super) use lag::Lag;
pub(super) use limit::Limit;
pub(super) use rolling::Rolling;
pub(super) use sample::Sample;
pub(super) use sort::Sort;

use crate::data::Table;
use crate::ops::{FitContext, Rows};
use crate::source::Fault;

/// The rows that an op works on, in their order over all parts: the place of the part, and the row in it.
fn worked_on(table: &Table, cx: &FitContext) -> Result<Vec<(usize, usize)>, Fault> {
    let only_train = cx.rows == Some(Rows::Train);
    let works: Vec<bool> = table.parts().map(|(part, _)| !only_train || part.trains()).collect();
    Ok(table.in_order()?.into_iter().filter(|(part, _)| works[*part]).collect())
}

/// The table without these of its rows.
fn without(table: Table, gone: &[(usize, usize)]) -> Result<Table, Fault> {
    let mut marks: Vec<Vec<bool>> = table.parts().map(|(_, frame)| vec![true; frame.height()]).collect();
    gone.iter().for_each(|(part, row)| marks[*part][*row] = false);
    table.only_marked(&marks)
}
