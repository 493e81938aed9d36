//! Searches of every kind, on functions whose best is known.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::*;
use crate::learn::Target;

fn space(dimensions: &[(&str, Dimension)]) -> Space {
    Space(dimensions.iter().map(|(name, dimension)| ((*name).to_owned(), dimension.clone())).collect())
}

fn float(low: f64, high: f64, log: bool) -> Dimension {
    Dimension::Float { low, high, step: None, log }
}

fn int(low: i64, high: i64, step: i64, log: bool) -> Dimension {
    Dimension::Int { low, high, step, log }
}

fn mixed() -> Space {
    space(&[
        ("criterion", Dimension::Choice(vec![json!("gini"), json!("entropy"), json!(null)])),
        ("depth", int(3, 12, 1, false)),
        ("rate", float(0.001, 0.3, true)),
        ("trees", int(1, 1000, 1, true)),
        ("share", Dimension::Float { low: 0.5, high: 1.0, step: Some(0.1), log: false }),
    ])
}

/// A whole search, with `score` for each trial.
fn search(
    method: Method,
    space: &Space,
    seed: u64,
    trials: usize,
    score: impl Fn(&[Json]) -> Option<f64>,
) -> Vec<Tried> {
    let mut tried = Vec::new();
    loop {
        let next = propose(method, space, seed, trials, &tried, BATCH);
        if next.is_empty() {
            return tried;
        }
        tried.extend(next.into_iter().map(|values| Tried { score: score(&values), values }));
    }
}

#[test]
fn values_stay_in_their_range_and_logs_reach_every_magnitude() {
    let mut small = 0;
    let mut depths = [0; 13];
    let all = search(Method::Random, &mixed(), 1, 600, |_| None);
    for tried in &all {
        let of = |nth: usize| tried.values[nth].as_f64();
        depths[of(1).expect("a number") as usize] += 1;
        let (rate, share, trees) = (of(2).expect("rate"), of(3).expect("share"), of(4).expect("trees"));
        assert!((0.001..=0.3).contains(&rate) && (1.0..=1000.0).contains(&trees));
        assert!(((share * 10.0) - (share * 10.0).round()).abs() < 1e-9 && (0.5..=1.0).contains(&share));
        small += usize::from(rate < 0.0173);
    }
    assert_eq!(all.len(), 600);
    assert!((250..350).contains(&small), "half of the rates are below the geometric middle: {small}");
    assert!(depths[3..].iter().all(|count| (30..95).contains(count)), "{depths:?}");
}

#[test]
fn more_trials_begin_with_the_same_ones_and_no_combination_comes_twice() {
    for method in [Method::Random, Method::Tpe] {
        let score = |values: &[Json]| values[2].as_f64();
        let (few, many) = (search(method, &mixed(), 3, 20, score), search(method, &mixed(), 3, 40, score));
        assert_eq!(few, many[..20]);
        assert_ne!(few, search(method, &mixed(), 4, 20, score));
        let texts: std::collections::BTreeSet<String> =
            many.iter().map(|tried| json!(tried.values).to_string()).collect();
        assert_eq!(texts.len(), 40);
    }
}

#[test]
fn what_is_drawn_for_one_does_not_depend_on_the_others() {
    let alone = space(&[("rate", float(0.001, 0.3, true))]);
    let rates = |space: &Space, place: usize| -> Vec<Json> {
        search(Method::Random, space, 5, 10, |_| None).into_iter().map(|tried| tried.values[place].clone()).collect()
    };
    assert_eq!(rates(&alone, 0), rates(&mixed(), 2));
}

#[test]
fn a_grid_is_tried_whole_and_in_order() {
    let grid = space(&[("a", int(1, 5, 2, false)), ("b", Dimension::Choice(vec![json!("x"), json!("y")]))]);
    assert_eq!(grid.size(), Some(6));
    let all = search(Method::Grid, &grid, 0, 100, |_| Some(1.0));
    let values: Vec<Json> = all.iter().map(|tried| json!(tried.values)).collect();
    assert_eq!(json!(values), json!([[1, "x"], [1, "y"], [3, "x"], [3, "y"], [5, "x"], [5, "y"]]));
    // So is any space with no more combinations than trials.
    assert_eq!(search(Method::Random, &grid, 7, 30, |_| None).len(), 6);
    assert_eq!(search(Method::Random, &grid, 7, 5, |_| None).len(), 5);
    assert_eq!(mixed().size(), None);
}

#[test]
fn tpe_finds_better_than_chance() {
    let space = space(&[
        ("x", float(-5.0, 5.0, false)),
        ("y", float(1e-4, 1.0, true)),
        ("kind", Dimension::Choice(vec![json!("a"), json!("b"), json!("c"), json!("d")])),
    ]);
    // In the order of names: kind, x, y. Best at c, 2, 0.01.
    let score = |values: &[Json]| {
        let (x, y) = (values[1].as_f64().expect("x"), values[2].as_f64().expect("y"));
        let kind = if values[0] == "c" { 0.0 } else { 4.0 };
        Some(-((x - 2.0).powi(2) + (y.log10() + 2.0).powi(2) + kind))
    };
    let best = |method, seed| {
        let all = search(method, &space, seed, 60, score);
        all.iter().filter_map(|tried| tried.score).fold(f64::NEG_INFINITY, f64::max)
    };
    let seeds = 0..12;
    let bests = |method| {
        let mut bests: Vec<f64> = seeds.clone().map(|seed| best(method, seed)).collect();
        bests.sort_by(f64::total_cmp);
        bests
    };
    let wins = seeds.clone().filter(|seed| best(Method::Tpe, *seed) > best(Method::Random, *seed)).count();
    let (guided, random) = (bests(Method::Tpe), bests(Method::Random));
    assert!(wins >= 9, "{wins} of 12: {guided:?} {random:?}");
    assert!(guided[6] > 0.5 * random[6], "{guided:?} {random:?}");
}

#[test]
fn trials_without_a_score_are_no_good_ones() {
    let space = space(&[("x", float(0.0, 1.0, false))]);
    let all = search(Method::Tpe, &space, 1, 40, |values| {
        let x = values[0].as_f64().expect("x");
        (x < 0.5).then_some(x)
    });
    let failed = all[20..].iter().filter(|tried| tried.score.is_none()).count();
    assert!(failed < 8, "{failed} of the later 20");
    assert_eq!(search(Method::Tpe, &space, 1, 12, |_| None).len(), 12);
}

#[test]
fn only_trials_that_are_clearly_behind_are_ended() {
    let done: Vec<Vec<f64>> =
        [0.80, 0.82, 0.84, 0.86, 0.88].iter().map(|mean| vec![mean - 0.02, *mean, mean + 0.02]).collect();
    assert!(!falls_behind(&[0.1], &done[..4]), "too few to compare with");
    assert!(!falls_behind(&[], &done));
    assert!(!falls_behind(&[0.81], &done), "behind, but by less than folds differ");
    assert!(falls_behind(&[0.79], &done));
    assert!(falls_behind(&[0.79, 0.81], &done));
    assert!(!falls_behind(&[0.79, 0.90], &done));
}

#[test]
fn rungs_have_a_third_of_the_trials_and_three_times_the_rows() {
    let found: Vec<(usize, f64)> =
        rungs(30, 0.0).iter().map(|rung| (rung.trials, (rung.share * 27.0).round())).collect();
    assert_eq!(found, [(30, 1.0), (10, 3.0), (3, 9.0), (1, 27.0)]);
    assert_eq!(rungs(30, 0.2), [Rung { trials: 30, share: 1.0 / 3.0 }, Rung { trials: 10, share: 1.0 }]);
    assert_eq!(rungs(1, 0.0), [Rung { trials: 1, share: 1.0 }]);
}

#[test]
fn a_sample_keeps_the_classes_and_grows_by_adding() {
    let y = Target::Classes { codes: (0..300).map(|row| u32::from(row % 100 == 7)).collect(), count: 2 };
    let (small, large) = (sample(&y, 1.0 / 9.0, 3), sample(&y, 1.0 / 3.0, 3));
    assert_eq!((small.len(), large.len()), (34, 100));
    assert!(small.iter().all(|row| large.contains(row)) && large.is_sorted());
    assert_eq!(small.iter().filter(|row| *row % 100 == 7).count(), 1);
    assert_eq!(sample(&Target::Numbers(vec![0.0; 10]), 1.0, 3), (0..10).collect::<Vec<_>>());
    assert_eq!(sample(&Target::Numbers(vec![0.0; 10]), 0.31, 3).len(), 4);
}

#[test]
fn what_matters_is_told_from_the_trials() {
    let score = |values: &[Json]| Some(-(values[2].as_f64()?.log10() + 1.0).powi(2));
    let all = search(Method::Random, &mixed(), 2, 40, score);
    let found: BTreeMap<String, f64> = importance(&mixed(), &all, 0).expect("a forest").expect("enough");
    assert!((found.values().sum::<f64>() - 1.0).abs() < 1e-9);
    assert!(found["rate"] > 0.8, "{found:?}");
    assert_eq!(importance(&mixed(), &all[..9], 0).expect("no forest"), None);
}
