//! Whether one column alone tells the target: then it most likely is the target under another name.

use super::Target;

/// Of fewer rows, or fewer rows outside of the most frequent class, nothing is said: they may be told apart by luck.
const FEWEST_ROWS: usize = 100;
const FEWEST_OTHERS: usize = 20;
/// The share of pairs of rows of different classes that a column puts in the order of their classes (for two classes, the area
/// under the ROC curve).
const ORDERED: f64 = 0.999;
/// The share of the classes' entropy that a column's values take away (Theil's U, I(x; y) / H(y)).
const INFORMED: f64 = 0.99;
/// Pearson's correlation, or Spearman's.
const CORRELATED: f64 = 0.9999;
/// A column is read by its values, instead of by its order, where each stands in so many rows on average.
const ROWS_A_VALUE: usize = 20;
/// Of more classes only the values are looked at.
const MOST_CLASSES: usize = 50;
/// So many rows are looked at first: where they already tell that a column doesn't tell the target, the others aren't.
const SAMPLE: usize = 2_000;
/// How much less a sample may say.
const SLACK: f64 = 0.02;

/// Whether `column` alone tells `target` almost perfectly: one value a row in both, NaN where there is none.
/// `is_category` says that the numbers are places among categories, whose order means nothing.
pub fn tells_alone(column: &[f64], is_category: bool, target: &Target) -> bool {
    let rows = column.len();
    if rows < FEWEST_ROWS {
        return false;
    }
    if rows > SAMPLE {
        let every: Vec<usize> = (0..SAMPLE).map(|nth| nth * rows / SAMPLE).collect();
        let few: Vec<f64> = every.iter().map(|row| column[*row]).collect();
        if !may_tell(&few, is_category, &target.take(&every)) {
            return false;
        }
    }
    match target {
        Target::Numbers(numbers) => !is_category && follows(column, numbers, CORRELATED),
        Target::Classes { codes, count } => {
            let of = counts(codes, *count);
            if codes.len() - most(&of) < FEWEST_OTHERS {
                return false;
            }
            let groups = groups(column, codes, *count);
            informed(&presence(column, codes, *count), &of) >= INFORMED
                || (groups.len() * ROWS_A_VALUE <= rows && informed(&groups, &of) >= INFORMED)
                || (!is_category && orders(column, codes, *count, ORDERED))
        }
    }
}

/// Whether it may be so, by what a sample of the rows tells. What a sample can't tell may be.
fn may_tell(column: &[f64], is_category: bool, target: &Target) -> bool {
    match target {
        Target::Numbers(numbers) => !is_category && follows(column, numbers, CORRELATED - SLACK),
        Target::Classes { codes, count } => {
            let of = counts(codes, *count);
            most(&of) == codes.len()
                || informed(&presence(column, codes, *count), &of) >= INFORMED - SLACK
                // Of many values a sample has each but once or twice, and each seems to tell its rows' classes.
                || informed(&groups(column, codes, *count), &of) >= INFORMED - SLACK
                || (!is_category && orders(column, codes, *count, ORDERED - SLACK))
        }
    }
}

fn counts(codes: &[u32], count: usize) -> Vec<usize> {
    let mut of = vec![0usize; count];
    codes.iter().for_each(|code| of[*code as usize] += 1);
    of
}

fn most(of: &[usize]) -> usize {
    of.iter().max().copied().unwrap_or_default()
}

/// The rows that have a value, if half of them have one.
fn valued(column: &[f64]) -> Option<Vec<usize>> {
    let rows: Vec<usize> = (0..column.len()).filter(|row| column[*row].is_finite()).collect();
    (rows.len() * 2 >= column.len()).then_some(rows)
}

/// Whether a column follows numbers, in size or in order, where it has a value.
fn follows(column: &[f64], numbers: &[f64], enough: f64) -> bool {
    let Some(rows) = valued(column) else { return false };
    let of = |values: &[f64]| rows.iter().map(|row| values[*row]).collect::<Vec<f64>>();
    let (x, y) = (of(column), of(numbers));
    correlation(&x, &y).abs() >= enough || correlation(&ranks(&x), &ranks(&y)).abs() >= enough
}

/// Whether a column stands in the order of the classes where it has a value.
fn orders(column: &[f64], codes: &[u32], count: usize, enough: f64) -> bool {
    let Some(rows) = valued(column).filter(|_| count <= MOST_CLASSES) else { return false };
    let column: Vec<f64> = rows.iter().map(|row| column[*row]).collect();
    let codes: Vec<u32> = rows.iter().map(|row| codes[*row]).collect();
    let of = counts(&codes, count);
    most(&of) < codes.len() && ordered(&column, &codes, &groups(&column, &codes, count), &of) >= enough
}

/// How many rows of each class have a value, and how many have none.
fn presence(column: &[f64], codes: &[u32], count: usize) -> [Vec<usize>; 2] {
    let mut of = [vec![0; count], vec![0; count]];
    column.iter().zip(codes).for_each(|(value, code)| of[usize::from(value.is_nan())][*code as usize] += 1);
    of
}

/// How many rows of each class every value of a column has, in the order of the values; NaN comes last.
fn groups(column: &[f64], codes: &[u32], count: usize) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..column.len()).collect();
    order.sort_unstable_by(|a, b| column[*a].total_cmp(&column[*b]));
    order
        .chunk_by(|a, b| column[*a].total_cmp(&column[*b]).is_eq())
        .map(|rows| {
            let mut of = vec![0; count];
            rows.iter().for_each(|row| of[codes[*row] as usize] += 1);
            of
        })
        .collect()
}

/// Theil's U of the classes, given the values: 1 - H(y | x) / H(y).
fn informed(groups: &[Vec<usize>], of: &[usize]) -> f64 {
    // Σ n ln(n / rows), which is the entropy times -rows.
    let spread = |counts: &[usize]| -> f64 {
        let rows = counts.iter().sum::<usize>() as f64;
        let terms = counts.iter().filter(|count| **count > 0);
        terms.map(|count| *count as f64 * crate::data::elementary::ln(*count as f64 / rows)).sum()
    };
    let left: f64 = groups.iter().map(|counts| spread(counts)).sum();
    1.0 - left / spread(of)
}

/// The share of pairs of rows of two classes that stand in the order of the classes' means; those with one value count half.
fn ordered(column: &[f64], codes: &[u32], groups: &[Vec<usize>], of: &[usize]) -> f64 {
    let mut sums = vec![0.0; of.len()];
    column.iter().zip(codes).for_each(|(value, code)| sums[*code as usize] += value);
    let mut classes: Vec<usize> = (0..of.len()).filter(|class| of[*class] > 0).collect();
    let mean = |class: &usize| sums[*class] / of[*class] as f64;
    classes.sort_by(|a, b| mean(a).total_cmp(&mean(b)));
    let mut below = vec![0usize; classes.len()];
    let (mut right, mut all) = (0.0, 0.0);
    for group in groups {
        let (mut lower, mut tied) = (0usize, 0usize);
        for (place, class) in classes.iter().enumerate() {
            let rows = group[*class] as f64;
            right += rows * (lower as f64 + tied as f64 / 2.0);
            lower += below[place];
            tied += group[*class];
        }
        classes.iter().zip(&mut below).for_each(|(class, below)| *below += group[*class]);
    }
    let mut before = 0usize;
    for class in &classes {
        all += of[*class] as f64 * before as f64;
        before += of[*class];
    }
    right / all
}

/// Pearson's correlation; 0 where one of the two doesn't vary.
fn correlation(x: &[f64], y: &[f64]) -> f64 {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (mean_x, mean_y) = (mean(x), mean(y));
    let (mut xx, mut yy, mut xy) = (0.0, 0.0, 0.0);
    for (x, y) in x.iter().zip(y) {
        let (x, y) = (x - mean_x, y - mean_y);
        xx += x * x;
        yy += y * y;
        xy += x * y;
    }
    if xx > 0.0 && yy > 0.0 { xy / (xx.sqrt() * yy.sqrt()) } else { 0.0 }
}

/// Each value's place in their order; equal ones share the middle of their places.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_unstable_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    let mut from = 0;
    for rows in order.chunk_by(|a, b| values[*a] == values[*b]) {
        let middle = from as f64 + (rows.len() - 1) as f64 / 2.0;
        rows.iter().for_each(|row| ranks[*row] = middle);
        from += rows.len();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers without order, between 0 and 1.
    fn mixed(row: usize) -> f64 {
        (row as f64 * 0.618_033_988_749_895).fract()
    }

    fn classes(rows: usize, of: impl Fn(usize) -> u32) -> Target {
        let codes: Vec<u32> = (0..rows).map(of).collect();
        Target::Classes { count: *codes.iter().max().expect("rows") as usize + 1, codes }
    }

    #[test]
    fn a_column_that_is_the_target_otherwise_tells_it_and_one_that_hints_does_not() {
        for rows in [400, 9_000] {
            let column = |of: &dyn Fn(f64) -> f64| (0..rows).map(|row| of(mixed(row))).collect::<Vec<f64>>();
            let three = classes(rows, |row| (mixed(row) * 3.0) as u32);
            assert!(tells_alone(&column(&|x| x * 10.0), false, &three), "classes cut from a number");
            let turned = column(&|x| [2.0, 0.0, 1.0][(x * 3.0) as usize]);
            assert!(tells_alone(&turned, true, &three), "classes by other names");
            assert!(!tells_alone(&column(&|x| (x * 7.0).fract()), false, &three));
            let hint: Vec<f64> = (0..rows).map(|row| if row % 50 == 0 { 1.0 } else { turned[row] }).collect();
            assert!(!tells_alone(&hint, true, &three), "2 of 100 rows are told wrong");

            let y = Target::Numbers(column(&|x| x));
            assert!(tells_alone(&column(&|x| 3.0 - 2.0 * x), false, &y));
            assert!(tells_alone(&column(&|x| x.powi(9)), false, &y), "by rank");
            let noisy: Vec<f64> = (0..rows).map(|row| mixed(row) + 0.1 * mixed(row * 7 + 3)).collect();
            assert!(!tells_alone(&noisy, false, &y));
            assert!(!tells_alone(&vec![1.0; rows], false, &y));
        }
    }

    #[test]
    fn what_is_there_for_one_class_only_tells_it_and_so_do_many_values() {
        let y = classes(9_000, |row| u32::from(mixed(row) < 0.3));
        let refund = |row: usize| if mixed(row) < 0.3 { 10.0 + mixed(3 * row) } else { f64::NAN };
        let refund: Vec<f64> = (0..9_000).map(refund).collect();
        assert!(tells_alone(&refund, false, &y));
        let often: Vec<f64> = (0..9_000).map(|row| if row % 3 == 0 { f64::NAN } else { mixed(row) }).collect();
        assert!(tells_alone(&often, false, &y), "where it has a value, that tells");
        let by_chance: Vec<f64> =
            (0..9_000).map(|row| if row % 3 == 0 { f64::NAN } else { mixed(7 * row + 1) }).collect();
        assert!(!tells_alone(&by_chance, false, &y));
        // 300 codes of 30 rows each: more than a sample has 20 rows of.
        let codes: Vec<f64> = (0..9_000).map(|row| (row * 7 % 300) as f64).collect();
        let turned = classes(9_000, |row| ((row * 7 % 300) * 13 % 3) as u32);
        assert!(tells_alone(&codes, true, &turned));
    }

    #[test]
    fn names_of_rows_and_few_rows_tell_nothing() {
        let y = classes(300, |row| u32::from(mixed(row) < 0.5));
        let names: Vec<f64> = (0..300).map(|row| row as f64).collect();
        assert!(!tells_alone(&names, true, &y));
        let rare = classes(300, |row| u32::from(row >= 295));
        assert!(!tells_alone(&names, false, &rare), "5 rows may stand apart by luck");
        let few = classes(60, |row| u32::from(row >= 30));
        assert!(!tells_alone(&names[..60], false, &few));
    }

    #[test]
    fn the_measures_are_those_of_scikit_learn() {
        // roc_auc_score([0, 0, 1, 1, 0, 1], [1, 2, 2, 3, 4, 5]) is 0.722222…
        let (x, codes) = ([1.0, 2.0, 2.0, 3.0, 4.0, 5.0], [0, 0, 1, 1, 0, 1]);
        let groups = groups(&x, &codes, 2);
        assert!((ordered(&x, &codes, &groups, &[3, 3]) - 13.0 / 18.0).abs() < 1e-12);
        // mutual_info_score(y, [0, 0, 1, 1, 2, 2]) / ln 2 for y = [0, 0, 1, 1, 0, 1] is 2/3.
        let of = super::groups(&[0.0, 0.0, 1.0, 1.0, 2.0, 2.0], &codes, 2);
        assert!((informed(&of, &[3, 3]) - 2.0 / 3.0).abs() < 1e-12);
        assert_eq!(ranks(&[3.0, 1.0, 3.0, 2.0]), [2.5, 0.0, 2.5, 1.0]);
    }
}
