//! Probabilities from decision values: Platt's sigmoid without its offset, and the coupling of pairs of classes.

use super::Votes;
use crate::learn::linear::sigmoid;

/// Newton's steps at most.
const STEPS: usize = 100;
/// Decisions nearer to 0 tell nothing.
const SMALLEST: f64 = 1e-200;

/// One decision value of a row that its machine hasn't seen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    /// Above 0 for the second class.
    pub(super) decision: f64,
    pub(super) second: bool,
    pub(super) weight: f64,
}

/// The slope a ≥ 0 with which 1 / (1 + e^(-a·decision)) tells the second class' probability best: log-loss with Platt's
/// softened targets (Platt 1999). There is no offset, as in LIBSVM's, so that the likelier class is always the one
/// that the machine decides for.
pub(super) fn slope(held: &[Held]) -> f64 {
    let sum = |second: bool| held.iter().filter(|row| row.second == second).map(|row| row.weight).sum::<f64>();
    let (first, second) = (sum(false), sum(true));
    let (low, high) = (1.0 / (first + 2.0), (second + 1.0) / (second + 2.0));
    let size: f64 = held.iter().map(|row| row.weight * row.decision.abs()).sum::<f64>() / (first + second);
    if !(size > SMALLEST && size.is_finite()) {
        return 1.0;
    }
    // Where nothing can be told, a slope is left that keeps the order of the decisions.
    let least = 1e-3 / size;
    let derivatives = |slope: f64| {
        held.iter().fold((0.0, 0.0), |(gradient, curvature), row| {
            let told = sigmoid(slope * row.decision);
            let target = if row.second { high } else { low };
            let each = row.weight * row.decision;
            (gradient + each * (told - target), curvature + each * row.decision * told * (1.0 - told))
        })
    };
    let (mut below, mut above, mut at) = (least, f64::INFINITY, 1.0 / size);
    for _ in 0..STEPS {
        let (gradient, curvature) = derivatives(at);
        if gradient > 0.0 {
            above = at;
        } else {
            below = at;
        }
        let newton = at - gradient / curvature;
        let next = if newton > below && newton < above {
            newton
        } else if above.is_finite() {
            f64::midpoint(below, above)
        } else {
            2.0 * at
        };
        let done = (next - at).abs() <= 1e-10 * at;
        at = next;
        if done {
            break;
        }
    }
    at
}

/// Each class' probability from those of pairs: the second method of Wu, Lin & Weng (2004). The p with sum 1 for which
/// pᵀQp is least solves Qp = λ·1. `pairs` has, for each two of `into.len()` classes in the order (0, 1), (0, 2) …
/// (1, 2) …, the probability of the second of them.
pub(super) fn couple(pairs: &[f64], into: &mut [f64]) {
    let count = into.len();
    // Q = Σ over others of r² on the diagonal, and -r·r' beside it. Where pairs agree it has no inverse; with 1 more
    // everywhere it has one, and the least is at the same p.
    let mut q = vec![1.0; count * count];
    let mut pair = 0;
    for first in 0..count {
        for second in first + 1..count {
            let told = pairs[pair].clamp(Votes::LEAST_SURE, 1.0 - Votes::LEAST_SURE);
            q[first * count + first] += told * told;
            q[second * count + second] += (1.0 - told) * (1.0 - told);
            q[first * count + second] -= told * (1.0 - told);
            q[second * count + first] -= told * (1.0 - told);
            pair += 1;
        }
    }
    into.fill(1.0);
    solve(&mut q, into);
    into.iter_mut().for_each(|p| *p = p.max(0.0));
    let total: f64 = into.iter().sum();
    into.iter_mut().for_each(|p| *p /= total);
}

/// Gauss' elimination in place. The matrix is positive definite, so rows needn't change places.
fn solve(matrix: &mut [f64], right: &mut [f64]) {
    let count = right.len();
    for at in 0..count {
        let (above, below) = matrix.split_at_mut((at + 1) * count);
        let pivot = &above[at * count..];
        for (nth, row) in below.chunks_exact_mut(count).enumerate() {
            let factor = row[at] / pivot[at];
            row[at..].iter_mut().zip(&pivot[at..]).for_each(|(value, pivot)| *value -= factor * pivot);
            right[at + 1 + nth] -= factor * right[at];
        }
    }
    for at in (0..count).rev() {
        let row = &matrix[at * count..(at + 1) * count];
        let known: f64 = row[at + 1..].iter().zip(&right[at + 1..]).map(|(value, x)| value * x).sum();
        right[at] = (right[at] - known) / row[at];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::elementary::ln;

    #[test]
    fn the_slope_is_where_the_loss_is_least() {
        let held: Vec<Held> = (0..200)
            .map(|nth| {
                let decision = f64::from(nth) / 50.0 - 1.7;
                Held { decision, second: (nth * 29) % 200 < nth, weight: 1.0 + f64::from(nth % 3) }
            })
            .collect();
        let loss = |slope: f64| {
            let sum = |second| held.iter().filter(|row| row.second == second).map(|row| row.weight).sum::<f64>();
            let (low, high) = (1.0 / (sum(false) + 2.0), (sum(true) + 1.0) / (sum(true) + 2.0));
            held.iter()
                .map(|row| {
                    let (told, target) = (sigmoid(slope * row.decision), if row.second { high } else { low });
                    -row.weight * (target * ln(told) + (1.0 - target) * ln(1.0 - told))
                })
                .sum::<f64>()
        };
        let found = slope(&held);
        assert!(found > 0.1);
        for beside in [0.99, 1.01] {
            assert!(loss(found) < loss(found * beside), "{found}");
        }
    }

    #[test]
    fn decisions_that_tell_nothing_or_all_keep_a_finite_slope() {
        let row = |decision, second| Held { decision, second, weight: 1.0 };
        assert_eq!(slope(&[row(0.0, true), row(0.0, false)]), 1.0);
        let wrong = slope(&[row(1.0, false), row(-1.0, true)]);
        assert!(wrong > 0.0 && wrong < 0.01, "{wrong}");
        let right: Vec<Held> = (0..50).map(|nth| row(if nth % 2 == 0 { 2.0 } else { -2.0 }, nth % 2 == 0)).collect();
        let right = slope(&right);
        assert!(right > 1.0 && right < 10.0, "{right}");
    }

    #[test]
    fn pairs_that_agree_give_back_the_probabilities_they_were_made_of() {
        let truth = [0.5, 0.2, 0.25, 0.05];
        let mut pairs = Vec::new();
        for first in 0..4 {
            for second in first + 1..4 {
                pairs.push(truth[second] / (truth[first] + truth[second]));
            }
        }
        let mut found = [0.0; 4];
        couple(&pairs, &mut found);
        for (found, truth) in found.iter().zip(truth) {
            assert!((found - truth).abs() < 1e-12, "{found} {truth}");
        }
    }

    #[test]
    fn pairs_at_odds_are_coupled_where_their_errors_are_least() {
        let loss = |pairs: &[f64], p: &[f64]| {
            let mut pair = 0;
            let mut sum = 0.0;
            for first in 0..p.len() {
                for second in first + 1..p.len() {
                    sum += (pairs[pair] * p[first] - (1.0 - pairs[pair]) * p[second]).powi(2);
                    pair += 1;
                }
            }
            sum
        };
        for pairs in [[0.9, 0.2, 0.7, 0.4, 0.35, 0.8], [1.0, 1.0, 0.0, 1.0, 0.0, 0.0], [0.5; 6]] {
            let mut found = [0.0; 4];
            couple(&pairs, &mut found);
            assert!((found.iter().sum::<f64>() - 1.0).abs() < 1e-12 && found.iter().all(|p| *p >= 0.0), "{found:?}");
            let least = loss(&pairs, &found);
            for from in 0..4 {
                for to in 0..4 {
                    let mut beside = found;
                    let step = 1e-4_f64.min(beside[from]);
                    beside[from] -= step;
                    beside[to] += step;
                    assert!(loss(&pairs, &beside) >= least - 1e-12, "{pairs:?} {found:?} {beside:?}");
                }
            }
        }
    }
}
