//! How many rows the ops after a split have left of a part.

use super::run::Cx;
use crate::data::Part;
use crate::plan::Train;

/// How many rows of `part` there were at the split that a model's rows come from.
pub(super) fn at_split(cx: &Cx, train: &Train, part: Part) -> Option<usize> {
    let (_, steps) = cx.plan.chain(train.input);
    let step = steps.into_iter().find(|step| cx.plan.table(*step).is_some_and(|table| table.split.is_some()))?;
    // The first segment ends with the split.
    cx.done(step).segments()[0].table.part(part).map(|meta| meta.rows)
}
