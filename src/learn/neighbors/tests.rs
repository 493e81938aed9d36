//! The three ways to look rows up find the same rows.

use super::brute::Products;
use super::*;
use crate::learn::chance::Chance;

/// Rows of whole numbers below `bound`, so that many are equally far.
fn points(count: usize, columns: usize, bound: usize, offset: f64, seed: u64) -> Vec<f64> {
    let mut chance = Chance::new(seed, 0);
    (0..count * columns).map(|_| offset + chance.below(bound) as f64 * 0.1).collect()
}

fn held(rows: &[f64], columns: usize, wanted: usize, metric: Metric, tree: bool) -> Neighbors {
    let numbers = (0..rows.len() / columns).map(|row| row as f64).collect();
    let ask = Ask { n_neighbors: wanted, by_distance: false, metric, tree };
    Neighbors::new(columns, rows.to_vec(), Answers::Numbers(numbers), None, &ask)
}

/// The nearest rows by sorting all of them.
fn sorted(rows: &[f64], query: &[f64], wanted: usize, metric: Metric) -> Vec<(f64, u32)> {
    let distance = |(place, row)| (metric.between(query, row), place as u32);
    let mut all: Vec<(f64, u32)> = rows.chunks(query.len()).enumerate().map(distance).collect();
    all.sort_by(|a, b| a.partial_cmp(b).expect("numbers"));
    all.truncate(wanted);
    all
}

#[test]
fn every_way_finds_the_rows_that_sorting_finds() {
    for (columns, bound, offset) in [(1, 50, 0.0), (2, 8, 1e6), (3, 1000, -7.0), (6, 3, 0.0), (12, 5, 1e4)] {
        for metric in [Metric::Euclidean, Metric::Manhattan] {
            for count in [1, 31, 32, 33, 65, 700] {
                let rows = points(count, columns, bound, offset, 1);
                let mut queries = points(40, columns, bound, offset, 2);
                queries[0] += 1e7;
                queries[columns] = f64::MAX;
                for wanted in [1, 5.min(count), count] {
                    let tree = Tree::new(&rows, columns);
                    let brute = Brute::new(&rows, columns, metric);
                    let expected: Vec<_> = queries.chunks(columns).map(|q| sorted(&rows, q, wanted, metric)).collect();
                    for (query, expected) in queries.chunks(columns).zip(&expected) {
                        let mut nearest = Nearest::new(wanted);
                        tree.search(query, metric, &mut nearest);
                        assert_eq!(nearest.sorted(), expected, "tree, {columns} columns, {count} rows");
                        nearest.clear();
                        brute::search(&rows, query, metric, &mut nearest);
                        assert_eq!(nearest.sorted(), expected, "brute, {columns} columns, {count} rows");
                    }
                    brute.search_all(&rows, &queries, &mut Nearest::new(wanted), |nth, nearest| {
                        assert_eq!(nearest, expected[nth], "products, {columns} columns, {count} rows");
                    });
                }
            }
        }
    }
}

#[test]
fn few_rows_are_left_for_the_exact_comparison() {
    let rows = points(3000, 20, 1000, 5.0, 3);
    let queries = points(100, 20, 1000, 5.0, 4);
    let candidates = Products::new(&rows, 20).expect("products").candidates(&queries, 20, 5);
    let left: usize = candidates.iter().map(|rows| rows.as_ref().expect("near enough").len()).sum();
    assert!((500..520).contains(&left), "{left}");
}

#[test]
fn near_rows_count_more_by_distance_and_equals_alone() {
    let mut by_distance = held(&[0.0, 1.0, 4.0], 1, 3, Metric::Euclidean, false);
    by_distance.by_distance = true;
    by_distance.answers = Answers::Numbers(vec![10.0, 20.0, 30.0]);
    let mut into = [0.0];
    by_distance.row(&[2.0], &mut into);
    // Distances 2, 1 and 2.
    assert!((into[0] - (0.5 * 10.0 + 20.0 + 0.5 * 30.0) / 2.0).abs() < 1e-12);
    by_distance.row(&[4.0], &mut into);
    assert_eq!(into, [30.0]);
    by_distance.row(&[f64::MAX], &mut into);
    assert!((into[0] - 20.0).abs() < 1e-12);
    by_distance.weights = Some(vec![1.0, 1.0, 0.5]);
    by_distance.row(&[2.0], &mut into);
    assert!((into[0] - (0.5 * 10.0 + 20.0 + 0.25 * 30.0) / 1.75).abs() < 1e-12);
}

#[test]
fn rows_and_answers_that_do_not_go_together_are_told() {
    let sound = held(&points(20, 2, 9, 0.0, 1), 2, 5, Metric::Euclidean, true);
    assert!(sound.is_sound());
    let broken: [fn(&mut Neighbors); 8] = [
        |n| n.columns = 0,
        |n| n.columns = 3,
        |n| n.n_neighbors = 0,
        |n| n.n_neighbors = 21,
        |n| n.rows[3] = f64::NAN,
        |n| n.answers = Answers::Numbers(vec![0.0; 19]),
        |n| n.answers = Answers::Classes { codes: vec![2; 20], count: 2 },
        |n| n.weights = Some(vec![0.0; 20]),
    ];
    for damage in broken {
        let mut damaged = sound.clone();
        damage(&mut damaged);
        assert!(!damaged.is_sound());
    }
}
