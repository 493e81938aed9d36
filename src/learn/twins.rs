//! Rows of one part that stand in another too: then a judgement asks for what was learned by heart.

use std::collections::HashSet;

use super::Target;
use crate::data::Matrix;

/// Rows count as told apart where a column of numbers has this share of different values among the rows that differ.
const APART: f64 = 0.9;

/// How many of `other`'s rows stand in `train` with the same features and the same answer. None where rows may honestly be
/// alike: there is one feature alone, or no column of numbers (the target among them) that nearly tells rows apart.
///
/// Both matrices have the same columns. Rows are compared by a hash of 64 bits.
pub fn twins(train: (&Matrix, &Target), other: (&Matrix, &Target)) -> Option<usize> {
    let (x, y) = train;
    if x.columns() < 2 {
        return None;
    }
    let known: HashSet<u64> = hashes(x, y).into_iter().collect();
    let found = hashes(other.0, other.1).into_iter().filter(|row| known.contains(row)).count();
    let apart = |values: &[f64]| {
        let different: HashSet<u64> = values.iter().map(|value| value.to_bits()).collect();
        different.len() as f64 >= APART * known.len() as f64
    };
    let numbers = (0..x.columns()).filter(|column| x.levels(*column).is_none()).map(|column| x.column(column));
    let answers = match y {
        Target::Numbers(numbers) => Some(numbers.as_slice()),
        Target::Classes { .. } => None,
    };
    (found > 0 && numbers.chain(answers).any(apart)).then_some(found)
}

fn hashes(x: &Matrix, y: &Target) -> Vec<u64> {
    let mut rows: Vec<u64> = match y {
        Target::Numbers(numbers) => numbers.iter().map(|number| mix(1, *number)).collect(),
        Target::Classes { codes, .. } => codes.iter().map(|code| mix(1, f64::from(*code))).collect(),
    };
    for column in 0..x.columns() {
        rows.iter_mut().zip(x.column(column)).for_each(|(row, value)| *row = mix(*row, *value));
    }
    rows
}

/// The finalizer of SplitMix64 (Steele, Lea and Flood, 2014) over the hash so far and one more value. 0 and -0 are one value,
/// and so is every NaN.
fn mix(hash: u64, value: f64) -> u64 {
    let bits = if value.is_nan() { f64::NAN.to_bits() } else { (value + 0.0).to_bits() };
    let mut mixed = (hash ^ bits).wrapping_add(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(rows: &[[f64; 2]]) -> Matrix {
        let values = (0..2).flat_map(|column| rows.iter().map(move |row| row[column])).collect();
        Matrix::new(vec!["a".to_owned(), "b".to_owned()], rows.len(), values)
    }

    fn answers(of: &[u32]) -> Target {
        Target::Classes { codes: of.to_vec(), count: 2 }
    }

    #[test]
    fn a_row_is_the_same_by_all_features_and_the_answer() {
        let train = table(&[[0.0, 1.5], [1.0, 2.5], [1.0, 2.5], [0.0, f64::NAN]]);
        let y = answers(&[0, 1, 1, 0]);
        let test = table(&[[-0.0, 1.5], [1.0, 2.5], [0.0, -f64::NAN], [1.0, 1.5]]);
        assert_eq!(twins((&train, &y), (&test, &answers(&[0, 1, 0, 0]))), Some(3));
        assert_eq!(twins((&train, &y), (&test, &answers(&[1, 0, 1, 0]))), None, "with another answer");
    }

    #[test]
    fn rows_that_may_honestly_be_alike_are_not_counted() {
        let rows: Vec<[f64; 2]> = (0..40).map(|row| [f64::from(row % 2), f64::from(row % 5)]).collect();
        let y = answers(&[0; 40]);
        assert_eq!(twins((&table(&rows), &y), (&table(&rows), &y)), None);
        let one = Matrix::new(vec!["a".to_owned()], 40, (0..40).map(f64::from).collect());
        assert_eq!(twins((&one, &y), (&one, &y)), None, "one column alone");
    }
}
