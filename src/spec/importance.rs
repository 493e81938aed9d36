//! `importance`: which columns matter to a model that is judged.

use serde::Deserialize;

use super::step::ImportanceSpec;
use crate::source::{Data, Fault, Fields, Node, decode};

/// The only way to tell, by its name.
pub(super) const PERMUTATION: &str = "permutation";
/// How often the values of each column are shuffled, where it isn't said.
pub(super) const REPEATS: usize = 5;
/// More repeats tell nothing that these don't.
pub(super) const MOST_REPEATS: usize = 100;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    repeats: Option<usize>,
    metric: Option<String>,
}

/// Reads what is asked for. Faults have their routes from the step.
pub(super) fn read(node: &Node, fields: &mut Fields) -> Option<ImportanceSpec> {
    let mut faults = Vec::new();
    let found = of(node, &mut faults);
    faults.into_iter().for_each(|fault| fields.fault(fault.within("importance")));
    found
}

fn of(node: &Node, faults: &mut Vec<Fault>) -> Option<ImportanceSpec> {
    if !matches!(node.data, Data::Map(_)) {
        if matches!(&node.data, Data::Str(word) if word == PERMUTATION) {
            return Some(ImportanceSpec { repeats: REPEATS, metric: None });
        }
        let fault = Fault::new("wrong-type", "`importance` is `permutation`, or a map with `repeats` and `metric`");
        faults.push(fault.help("write `importance: permutation` or `importance: {repeats: 10, metric: f1}`"));
        return None;
    }
    let Asked { repeats, metric } = decode(node, faults)?;
    let repeats = repeats.unwrap_or(REPEATS);
    if !(1..=MOST_REPEATS).contains(&repeats) {
        let message = format!("`repeats` is from 1 to {MOST_REPEATS}, and this is {repeats}");
        faults.push(Fault::new("out-of-range", message).within("repeats"));
        return None;
    }
    Some(ImportanceSpec { repeats, metric })
}
