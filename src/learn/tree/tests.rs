//! What grown trees must hold to, whatever the rows.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::*;
use crate::data::Matrix;
use crate::learn::{Estimator, Prediction, Watch};

fn named(columns: usize, rows: usize, values: Vec<f64>) -> Matrix {
    Matrix::new((0..columns).map(|name| format!("c{name}")).collect(), rows, values)
}

fn table() -> (Matrix, Target) {
    let a = (0..200).map(|row| f64::from(row * 73 % 200));
    let b = (0..200).map(|row| f64::from(row * 31 % 17));
    let x = named(3, 200, a.chain(b).chain([4.0; 200]).collect());
    let codes = (0..200).map(|row| u32::from(x.at(row, 0) > 120.0) + u32::from(x.at(row, 1) > 9.0)).collect();
    (x, Target::Classes { codes, count: 3 })
}

/// Numbers without any ties, and answers that hang on them.
fn smooth(rows: usize) -> (Matrix, Target) {
    let mut chance = Chance::new(9, 9);
    let values: Vec<f64> = (0..rows * 3).map(|_| chance.unit()).collect();
    let x = named(3, rows, values);
    let answer = |row: usize| (7.0 * x.at(row, 0)).sin() + x.at(row, 1) * x.at(row, 2) + chance.unit() / 5.0;
    let y = Target::Numbers((0..rows).map(answer).collect());
    (x, y)
}

pub(super) fn plan(trees: usize, draws: Option<usize>) -> Plan {
    let limits = Limits {
        max_depth: usize::MAX,
        max_leaf_nodes: None,
        min_samples_split: 2,
        min_samples_leaf: 1,
        min_weight_leaf: 0.0,
        min_impurity_decrease: 0.0,
        features: 1,
        random: false,
        exact: false,
        monotone: Vec::new(),
        ccp_alpha: 0.0,
    };
    Plan { trees, draws, out_of_bag: false, entropy: false, limits }
}

/// One tree that looks at all features and at all numbers.
fn exact() -> Plan {
    let mut plan = plan(1, None);
    (plan.limits.features, plan.limits.exact) = (usize::MAX, true);
    plan
}

fn labels(forest: Forest, x: &Matrix) -> Vec<u32> {
    Estimator::Forest(forest).predict(x).expect("prediction").labels().expect("classes")
}

fn says(forest: Forest, x: &Matrix) -> Vec<f64> {
    let estimator = Estimator::Forest(forest);
    estimator.check().expect("sound");
    let (Prediction::Numbers(values) | Prediction::Probabilities { values, .. }) =
        estimator.predict(x).expect("prediction");
    let mut into = vec![0.0; estimator.outputs()];
    let mut row = vec![0.0; x.columns()];
    for (place, values) in values.chunks(into.len()).enumerate() {
        x.row(place, &mut row);
        estimator.predict_row(&row, &mut into);
        assert_eq!(into, values, "one by one as together");
    }
    values
}

fn near(said: &[f64], truth: &[f64]) {
    for (said, truth) in said.iter().zip(truth) {
        assert!((said - truth).abs() < 1e-9, "{said} {truth}");
    }
}

fn grown(x: &Matrix, y: &Target, plan: &Plan) -> Forest {
    forest(&Training::new(x, y), plan).expect("forest")
}

#[test]
fn a_tree_that_may_grow_knows_its_rows_by_heart() {
    let (x, y) = table();
    let Target::Classes { codes, .. } = &y else { panic!("classes") };
    for (entropy, random) in [(false, false), (true, false), (false, true), (true, true)] {
        let mut plan = Plan { entropy, ..plan(1, None) };
        plan.limits.random = random;
        let grown = grown(&x, &y, &plan);
        assert_eq!(grown.importance[2], 0.0, "a constant column is never cut");
        assert_eq!(&labels(grown, &x), codes);
    }
}

#[test]
fn limits_hold() {
    let (x, y) = table();
    let distinct = |plan: &Plan| {
        let values = says(grown(&x, &y, plan), &x);
        let mut rows: Vec<Vec<u64>> = values.chunks(3).map(|row| row.iter().map(|p| p.to_bits()).collect()).collect();
        rows.sort();
        rows.chunk_by(|a, b| a == b).map(<[_]>::len).collect::<Vec<_>>()
    };
    for random in [false, true] {
        let base = || {
            let mut plan = plan(1, None);
            (plan.limits.features, plan.limits.random) = (3, random);
            plan
        };
        let mut stump = base();
        stump.limits.max_depth = 1;
        assert_eq!(distinct(&stump).len(), 2);
        let mut wide = base();
        wide.limits.min_samples_leaf = 30;
        assert!(distinct(&wide).iter().all(|&rows| rows >= 30));
        let mut heavy = base();
        heavy.limits.min_weight_leaf = 0.2;
        assert!(distinct(&heavy).iter().all(|&rows| rows >= 40));
        let mut few = base();
        few.limits.max_leaf_nodes = Some(4);
        assert_eq!(grown(&x, &y, &few).trees.leaves(), 4);
        let mut hard = base();
        hard.limits.min_impurity_decrease = 0.7;
        assert_eq!(distinct(&hard), [200]);
    }
}

#[test]
fn rows_without_weight_are_as_good_as_dropped() {
    let (x, y) = table();
    let weights: Vec<f64> = (0..200).map(|row| if row % 4 == 0 { 0.0 } else { 1.0 }).collect();
    let kept: Vec<usize> = (0..200).filter(|row| row % 4 != 0).collect();
    let plan = plan(7, Some(150));
    let one = forest(&Training::new(&x, &y).weighted(&weights), &plan).expect("forest");
    let (few, answers) = (x.take(&kept), y.take(&kept));
    assert_eq!(one, forest(&Training::new(&few, &answers), &plan).expect("forest"));
    assert_ne!(one, forest(&Training::new(&few, &answers).seeded(1), &plan).expect("forest"));
}

#[test]
fn a_row_twice_is_a_weight_of_two() {
    let (x, y) = smooth(700);
    let classes = |y: &Target, cuts: &[f64]| {
        let Target::Numbers(numbers) = y else { panic!("numbers") };
        let code = |number: &f64| cuts.iter().filter(|cut| number > cut).count() as u32;
        Target::Classes { codes: numbers.iter().map(code).collect(), count: cuts.len() + 1 }
    };
    for y in [classes(&y, &[0.3]), classes(&y, &[-0.2, 0.5]), y] {
        let twice: Vec<usize> = (0..x.rows()).flat_map(|row| vec![row; 1 + usize::from(row % 3 == 0)]).collect();
        let weights: Vec<f64> = (0..x.rows()).map(|row| if row % 3 == 0 { 2.0 } else { 1.0 }).collect();
        let mut plan = exact();
        plan.limits.max_depth = 6;
        let one = forest(&Training::new(&x, &y).weighted(&weights), &plan).expect("forest");
        let two = grown(&x.take(&twice), &y.take(&twice), &plan);
        for (a, b) in says(one, &x).iter().zip(says(two, &x)) {
            assert!((a - b).abs() < 1e-9, "{a} {b}");
        }
    }
}

#[test]
fn the_order_of_rows_and_columns_and_constant_columns_change_no_exact_tree() {
    let (x, y) = smooth(900);
    let mut plan = exact();
    plan.limits.min_samples_leaf = 5;
    let base = says(grown(&x, &y, &plan), &x);
    let mut order: Vec<usize> = (0..900).collect();
    Chance::new(1, 1).shuffle(&mut order);
    let turned = says(grown(&x.take(&order), &y.take(&order), &plan), &x);
    let swapped = named(3, 900, [x.column(2), x.column(0), x.column(1)].concat());
    let swapped = says(grown(&swapped, &y, &plan), &swapped);
    let padded = named(4, 900, [x.column(0), &[3.5; 900], x.column(1), x.column(2)].concat());
    let padded = says(grown(&padded, &y, &plan), &padded);
    for (place, base) in base.iter().enumerate() {
        for other in [turned[place], swapped[place], padded[place]] {
            assert!((base - other).abs() < 1e-9, "{base} {other}");
        }
    }
}

#[test]
fn more_depth_and_more_leaves_raise_no_loss() {
    let (x, y) = smooth(2500);
    let Target::Numbers(truth) = &y else { panic!("numbers") };
    let loss = |plan: &Plan| -> f64 {
        says(grown(&x, &y, plan), &x).iter().zip(truth).map(|(said, truth)| (said - truth).powi(2)).sum()
    };
    for random in [false, true] {
        let mut last = [f64::INFINITY; 2];
        for size in 1..9 {
            let (mut deep, mut wide) = (exact(), exact());
            (deep.limits.max_depth, deep.limits.random) = (size, random);
            wide.limits.max_leaf_nodes = Some(size + 1);
            let now = [loss(&deep), loss(&wide)];
            assert!(random || now.iter().zip(last).all(|(now, last)| *now <= last), "{now:?} {last:?}");
            last = now;
        }
    }
}

#[test]
fn monotone_answers_never_turn() {
    let (x, numbers) = smooth(1500);
    let Target::Numbers(answers) = &numbers else { panic!("numbers") };
    let codes = answers.iter().map(|answer| u32::from(*answer > 0.3)).collect();
    let grid: Vec<f64> = (0..40).map(|step| f64::from(step) / 40.0).collect();
    for y in [Target::Classes { codes, count: 2 }, numbers.clone()] {
        for (sign, random, leaves) in [(1, false, None), (-1, false, Some(30)), (1, true, None), (-1, true, None)] {
            let mut plan = exact();
            plan.limits.monotone = vec![sign, 0, 1];
            (plan.limits.random, plan.limits.max_leaf_nodes) = (random, leaves);
            let estimator = Estimator::Forest(grown(&x, &y, &plan));
            for (b, c) in [(0.1, 0.9), (0.5, 0.5), (0.8, 0.2)] {
                let say = |a: f64| {
                    let mut into = vec![0.0; estimator.outputs()];
                    estimator.predict_row(&[a, b, c], &mut into);
                    into[estimator.outputs() - 1] * f64::from(sign)
                };
                assert!(grid.windows(2).all(|pair| say(pair[0]) <= say(pair[1]) + 1e-12));
            }
        }
    }
}

#[test]
fn missing_values_go_where_they_belong() {
    // Without a value the answer is 5; else it is the number's own half.
    let mut values: Vec<f64> = (0..300).map(|row| f64::from(row % 60)).collect();
    (0..300).filter(|row| row % 7 == 0).for_each(|row| values[row] = f64::NAN);
    let answers = values.iter().map(|value| if value.is_nan() { 5.0 } else { f64::from(u8::from(*value > 29.0)) });
    let y = Target::Numbers(answers.collect());
    let x = named(1, 300, values);
    for random in [false, true] {
        let mut plan = exact();
        plan.limits.random = random;
        let Target::Numbers(truth) = &y else { panic!("numbers") };
        near(&says(grown(&x, &y, &plan), &x), truth);
    }
    // Missing in no row that was seen: they go with the more.
    let x = named(1, 4, vec![1.0, 2.0, 3.0, 9.0]);
    let y = Target::Numbers(vec![0.0, 0.0, 0.0, 1.0]);
    let estimator = Estimator::Forest(grown(&x, &y, &exact()));
    let mut into = [9.0];
    estimator.predict_row(&[f64::NAN], &mut into);
    near(&into, &[0.0]);
}

#[test]
fn categories_are_parted_by_what_they_say() {
    let rows = 600;
    let code = |row: usize| (row * 37 % 12) as f64;
    let values = (0..rows).map(|row| if row % 50 == 0 { f64::NAN } else { code(row) });
    let x = named(1, rows, values.collect()).with_levels(vec![Some(14)]);
    let odd = |row: usize| x.at(row, 0).is_nan() || [1.0, 4.0, 5.0, 10.0].contains(&x.at(row, 0));
    let two = Target::Classes { codes: (0..rows).map(|row| u32::from(odd(row))).collect(), count: 2 };
    let numbers = Target::Numbers((0..rows).map(|row| f64::from(u8::from(odd(row)))).collect());
    let three = |row: usize| if odd(row) { 2 } else { u32::from(x.at(row, 0) > 6.0) };
    let three = Target::Classes { codes: (0..rows).map(three).collect(), count: 3 };
    for (y, cuts) in [(&two, 1), (&numbers, 1), (&three, 2)] {
        let forest = grown(&x, y, &exact());
        // Fisher's order needs one cut for what twelve numbers would need many for.
        assert_eq!(forest.trees.leaves(), cuts + 1);
        match y {
            Target::Numbers(truth) => near(&says(forest, &x), truth),
            Target::Classes { codes, .. } => assert_eq!(&labels(forest, &x), codes),
        }
        let mut plan = exact();
        plan.limits.random = true;
        let chance = grown(&x, y, &plan);
        match y {
            Target::Numbers(truth) => near(&says(chance, &x), truth),
            Target::Classes { codes, .. } => assert_eq!(&labels(chance, &x), codes),
        }
    }
    // A category that was never seen goes with the more, and an unknown one as a missing one does.
    let estimator = Estimator::Forest(grown(&x, &numbers, &exact()));
    let say = |value: f64| {
        let mut into = [9.0];
        estimator.predict_row(&[value], &mut into);
        into[0].round()
    };
    assert_eq!((say(13.0), say(99.0), say(f64::NAN), say(-1.0)), (0.0, 1.0, 1.0, 1.0));
}

#[test]
fn values_that_share_a_bin_are_told_apart_where_nothing_else_is_left() {
    let rows = 6000;
    let values: Vec<f64> = (0..rows).map(|row| f64::from(row * 7 % rows)).collect();
    let answers: Vec<f64> = values.iter().map(|value| (value / 3.0).floor()).collect();
    let (x, y) = (named(1, rows as usize, values), Target::Numbers(answers.clone()));
    for (exact, random) in [(true, false), (false, false), (false, true), (true, true)] {
        let mut plan = plan(1, None);
        (plan.limits.exact, plan.limits.random) = (exact, random);
        near(&says(grown(&x, &y, &plan), &x), &answers);
    }
}

#[test]
fn pruning_takes_what_hardly_helps() {
    let (x, y) = smooth(800);
    let leaves = |alpha: f64| {
        let mut plan = exact();
        plan.limits.ccp_alpha = alpha;
        grown(&x, &y, &plan).trees.leaves()
    };
    let counts = [1e-9, 1e-4, 1e-3, 1e-2, 10.0].map(leaves);
    assert!(counts.windows(2).all(|pair| pair[0] > pair[1]), "{counts:?}");
    assert_eq!(counts[4], 1);
}

#[test]
fn rows_out_of_the_bag_judge() {
    let (x, y) = smooth(400);
    let plan = Plan { out_of_bag: true, ..plan(40, Some(400)) };
    let forest = grown(&x, &y, &plan);
    let score = forest.oob_score.expect("a score");
    assert!((0.5..0.95).contains(&score), "{score}");
    assert!(Estimator::Forest(forest).facts().contains(&("oob_score", score)));
    let one = Plan { trees: 1, draws: Some(100_000), ..plan };
    assert_eq!(grown(&x, &y, &one).oob_score, None, "every row was drawn");
}

#[test]
fn weights_that_are_no_whole_numbers_are_the_same_trees() {
    let (x, y) = smooth(500);
    let Target::Numbers(numbers) = &y else { panic!("numbers") };
    let two = Target::Classes { codes: numbers.iter().map(|number| u32::from(*number > 0.4)).collect(), count: 2 };
    for y in [y.clone(), two] {
        let mut plan = exact();
        plan.limits.max_depth = 5;
        let counted = says(forest(&Training::new(&x, &y).weighted(&[3.0; 500]), &plan).expect("forest"), &x);
        let mut odd = vec![1.5; 500];
        odd[0] = 1.5000001;
        let weighed = says(forest(&Training::new(&x, &y).weighted(&odd), &plan).expect("forest"), &x);
        assert!(counted.iter().zip(&weighed).all(|(a, b)| (a - b).abs() < 1e-6));
    }
}

#[test]
fn ten_thousand_classes_are_learned() {
    let rows = 20_000;
    let x = named(
        2,
        rows,
        (0..2 * rows).map(|cell| (cell % rows / 2) as f64 * if cell < rows { 1.0 } else { -2.0 }).collect(),
    );
    let y = Target::Classes { codes: (0..rows as u32).map(|row| row / 2).collect(), count: 10_000 };
    let mut plan = plan(1, None);
    plan.limits.max_leaf_nodes = Some(40);
    assert_eq!(grown(&x, &y, &plan).trees.leaves(), 40);
}

#[test]
fn a_fit_tells_how_far_it_is_and_stops_when_told() {
    #[derive(Default)]
    struct Listener(AtomicUsize, AtomicBool);
    impl Watch for Listener {
        fn progress(&self, done: usize, total: usize, _: &'static str) {
            assert_eq!(total, 7);
            self.0.fetch_max(done, Ordering::Relaxed);
        }
        fn cancelled(&self) -> bool {
            self.1.load(Ordering::Relaxed)
        }
    }
    let (x, y) = table();
    let listener = Listener::default();
    let data = Training::new(&x, &y).watched(&listener);
    forest(&data, &plan(7, Some(200))).expect("forest");
    assert_eq!(listener.0.load(Ordering::Relaxed), 7);
    listener.1.store(true, Ordering::Relaxed);
    assert_eq!(forest(&data, &plan(7, Some(200))).expect_err("fault").code, "interrupted");
}

#[test]
fn broken_trees_are_told() {
    let (x, y) = table();
    let sound = serde_json::to_value(Estimator::Forest(grown(&x, &y, &plan(2, Some(200))))).expect("JSON");
    for (route, value) in
        [("roots/0", 9999), ("nodes/0/0", 3), ("nodes/0/0", 1 << 30), ("nodes/0/0", 3 << 29), ("nodes/0/2", 0)]
    {
        let mut broken = sound.clone();
        *broken.pointer_mut(&format!("/forest/trees/{route}")).expect("a number") = value.into();
        let broken: Estimator = serde_json::from_value(broken).expect("estimator");
        assert_eq!(broken.check().expect_err("fault").code, "broken-model", "{route}");
    }
}

#[test]
fn the_first_trees_can_be_kept_alone() {
    let (x, y) = table();
    let (few, mut many) = (grown(&x, &y, &plan(2, Some(200))), grown(&x, &y, &plan(5, Some(200))));
    many.trees.truncate(2);
    assert_eq!(few.trees, many.trees);
    let nodes: usize = (0..2).map(|tree| few.trees.tree(tree).len()).sum();
    assert_eq!(nodes, few.trees.nodes());
    let (root, cover) = few.trees.tree(1).next().expect("a root");
    assert!(cover == 1.0 && !matches!(root, trees::View::Leaf(_)));
}

#[test]
fn leaves_that_are_sure_of_a_class_are_kept_once() {
    let (x, y) = table();
    let tree = grown(&x, &y, &plan(1, None)).trees;
    let Target::Classes { count, .. } = y else { panic!("classes") };
    assert!(tree.leaves() > count);
    let kept = serde_json::to_value(&tree).expect("JSON")["values"].as_array().expect("values").len();
    assert!(kept <= count * count, "{kept} values");
}
