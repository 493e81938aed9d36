//! What of a chain of steps a model needs: columns that nobody reads are dropped, and with them the raw columns that
//! a request would have had to bring for nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::lookup::Lookup;
use super::step::{RowStep, of_record};
use crate::expr::Expr;

/// A chain cut down to what is needed.
#[derive(Clone, Debug, PartialEq)]
pub struct Pruned {
    /// The steps that are left.
    pub steps: Vec<RowStep>,
    /// The raw columns they, or the model directly, read.
    pub inputs: BTreeSet<String>,
}

/// Cuts `steps` down to what makes the columns `needed`. Refusals stay, with what they read, unless any of that is made,
/// however indirectly, from an `excluded` raw column: a request can't be judged by what it doesn't have.
pub fn prune(steps: &[RowStep], needed: &BTreeSet<String>, excluded: &BTreeSet<String>) -> Pruned {
    let steps = of_record(steps);
    let barred = barred_refusals(steps, excluded);
    let mut live = needed.clone();
    let mut asked = BTreeSet::new();
    let mut kept = Vec::new();
    for (nth, step) in steps.iter().enumerate().rev() {
        let left = match step {
            RowStep::Set { columns } => set(columns, &mut live),
            RowStep::Refuse { when, .. } => (!barred.contains(&nth)).then(|| {
                live.extend(when.columns());
                step.clone()
            }),
            RowStep::Lookup(lookup) if barred.contains(&nth) && !brings_any(lookup, &live) => None,
            RowStep::Lookup(lookup) => lookup.only(|name| live.contains(name)).map(|lookup| {
                for looked in lookup.brings() {
                    live.remove(&looked.name);
                }
                live.extend(lookup.reads().cloned());
                RowStep::Lookup(lookup)
            }),
            RowStep::Ask { columns, .. } => {
                let wanted: Vec<String> = columns.iter().filter(|name| live.remove(*name)).cloned().collect();
                asked.extend(wanted.iter().cloned());
                (!wanted.is_empty()).then(|| RowStep::ask(wanted))
            }
            RowStep::Map(map) => map.only(|name| live.contains(name)).map(|map| {
                for output in map.outputs() {
                    live.remove(&output.name);
                }
                live.extend(map.inputs().iter().cloned());
                RowStep::Map(map)
            }),
            // Whole or not at all: the weight of a word depends on the others.
            RowStep::Words(words) => words.outputs().any(|name| live.contains(name)).then(|| {
                for name in words.outputs() {
                    live.remove(name);
                }
                live.insert(words.column().clone());
                step.clone()
            }),
            RowStep::Keep { columns } => keep(columns, &live),
            RowStep::Rename { columns } => rename(columns, &mut live),
        };
        kept.extend(left);
    }
    kept.reverse();
    live.extend(asked);
    Pruned { steps: kept, inputs: live }
}

/// Forward: at each step, the columns that derive from excluded ones; by it, the refusals that read such.
fn barred_refusals(steps: &[RowStep], excluded: &BTreeSet<String>) -> BTreeSet<usize> {
    let mut tainted = excluded.clone();
    let mut barred = BTreeSet::new();
    for (nth, step) in steps.iter().enumerate() {
        match step {
            RowStep::Set { .. } | RowStep::Lookup(_) | RowStep::Map(_) | RowStep::Words(_) => {
                if let RowStep::Lookup(lookup) = step
                    && lookup.reads().any(|name| tainted.contains(name))
                {
                    barred.insert(nth);
                }
                let marks = step.makes().into_iter().map(|(name, read)| (name, !read.is_disjoint(&tainted)));
                for (name, mark) in marks.collect::<Vec<_>>() {
                    if mark {
                        tainted.insert(name.to_owned());
                    } else {
                        tainted.remove(name);
                    }
                }
            }
            // What a record brings is made of nothing, and may be excluded itself.
            RowStep::Ask { columns, .. } => {
                tainted.retain(|name| !columns.contains(name));
                tainted.extend(columns.iter().filter(|name| excluded.contains(*name)).cloned());
            }
            RowStep::Refuse { when, .. } => {
                if !when.columns().is_disjoint(&tainted) {
                    barred.insert(nth);
                }
            }
            RowStep::Keep { columns } => tainted.retain(|name| columns.contains(name)),
            RowStep::Rename { columns } => {
                let to: BTreeMap<&String, &String> = columns.iter().map(|(old, new)| (old, new)).collect();
                tainted = tainted.iter().map(|name| (*to.get(name).unwrap_or(&name)).clone()).collect();
            }
        }
    }
    barred
}

fn brings_any(lookup: &Lookup, live: &BTreeSet<String>) -> bool {
    lookup.brings().iter().any(|looked| live.contains(&looked.name))
}

fn set(columns: &[(String, Expr)], live: &mut BTreeSet<String>) -> Option<RowStep> {
    let wanted: Vec<(String, Expr)> = columns.iter().filter(|(name, _)| live.contains(name)).cloned().collect();
    for (name, _) in &wanted {
        live.remove(name);
    }
    for (_, expr) in &wanted {
        live.extend(expr.columns());
    }
    (!wanted.is_empty()).then(|| RowStep::set(wanted))
}

fn keep(columns: &[String], live: &BTreeSet<String>) -> Option<RowStep> {
    let wanted: Vec<String> = columns.iter().filter(|name| live.contains(*name)).cloned().collect();
    (!wanted.is_empty()).then(|| RowStep::keep(wanted))
}

/// A pair nobody reads stays if it makes room for one that is read, as in a swap of two names.
fn rename(columns: &[(String, String)], live: &mut BTreeSet<String>) -> Option<RowStep> {
    let mut picked: Vec<bool> = columns.iter().map(|(_, new)| live.contains(new)).collect();
    while let Some(room) = (0..columns.len()).find(|&nth| {
        let taken = |other: usize| picked[other] && columns[other].1 == columns[nth].0;
        !picked[nth] && (0..columns.len()).any(taken)
    }) {
        picked[room] = true;
    }
    let wanted: Vec<(String, String)> =
        columns.iter().zip(&picked).filter(|(_, picked)| **picked).map(|(pair, _)| pair.clone()).collect();
    for (_, new) in &wanted {
        live.remove(new);
    }
    live.extend(wanted.iter().map(|(old, _)| old.clone()));
    (!wanted.is_empty()).then(|| RowStep::rename(wanted))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Kind, Value};
    use crate::recipe::{Map, Mapped, Term, Words};

    fn column(name: &str) -> Expr {
        Expr::column(name, Kind::Int)
    }

    fn names(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn set(name: &str, expr: Expr) -> RowStep {
        RowStep::set(vec![(name.to_owned(), expr)])
    }

    #[test]
    fn what_nobody_reads_goes() {
        let steps = [
            set("x", column("a").add(column("b"))),
            set("unused", column("c")),
            RowStep::rename(vec![("x".into(), "y".into()), ("d".into(), "e".into())]),
            RowStep::keep(vec!["e".into(), "y".into()]),
        ];
        let pruned = prune(&steps, &names(&["y"]), &names(&[]));
        assert_eq!(pruned.inputs, names(&["a", "b"]));
        assert_eq!(
            pruned.steps,
            [steps[0].clone(), RowStep::rename(vec![("x".into(), "y".into())]), RowStep::keep(vec!["y".into()]),]
        );
    }

    #[test]
    fn refusals_stay_unless_they_read_the_target() {
        let steps = [
            RowStep::refuse(column("age").is_null(), "no age", Some("age")),
            set("log_price", column("price")),
            RowStep::rename(vec![("log_price".into(), "target".into())]),
            RowStep::refuse(column("target").is_null(), "no target", None),
            set("target", Expr::literal(Value::Int(1))),
            RowStep::refuse(column("target").is_null(), "never", None),
        ];
        let pruned = prune(&steps, &names(&["f"]), &names(&["price"]));
        assert_eq!(pruned.steps, [steps[0].clone(), steps[4].clone(), steps[5].clone()]);
        assert_eq!(pruned.inputs, names(&["age", "f"]));
    }

    #[test]
    fn a_swap_of_names_stays_whole() {
        let swap = RowStep::rename(vec![("a".into(), "b".into()), ("b".into(), "a".into()), ("c".into(), "d".into())]);
        let pruned = prune(&[swap], &names(&["b"]), &names(&[]));
        assert_eq!(pruned.steps, [RowStep::rename(vec![("a".into(), "b".into()), ("b".into(), "a".into())])]);
        assert_eq!(pruned.inputs, names(&["a", "b"]));
    }

    #[test]
    fn a_map_makes_only_what_is_read_and_words_stay_together() {
        let mapped = |name: &str| Mapped { name: name.into(), weights: vec![1.0, 2.0] };
        let map =
            |outputs| RowStep::Map(Map::new(vec!["a".into(), "b".into()], vec![0.0, 0.0], outputs).expect("fits"));
        let term = |term: &str| Term { term: term.into(), name: format!("t_{term}") };
        let words = RowStep::Words(Words::new("t", [1, 1], vec![term("x"), term("y")], None).expect("fits"));
        let steps = [words.clone(), map(vec![mapped("p"), mapped("q")])];
        let pruned = prune(&steps, &names(&["q", "t_y"]), &names(&[]));
        assert_eq!(pruned.steps, [words, map(vec![mapped("q")])]);
        assert_eq!(pruned.inputs, names(&["a", "b", "t"]));
        assert_eq!(prune(&steps, &names(&["a"]), &names(&[])).steps, []);
    }

    #[test]
    fn a_column_made_from_itself_is_still_read() {
        let steps = [set("a", column("a").add(column("b")))];
        let pruned = prune(&steps, &names(&["a"]), &names(&[]));
        assert_eq!(pruned.inputs, names(&["a", "b"]));
        assert_eq!(pruned.steps.len(), 1);
    }
}
