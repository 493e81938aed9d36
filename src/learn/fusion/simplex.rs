//! The best weights of a mean: none below 0, and all together 1. Both losses are convex, so there is one best value.

use crate::data::elementary::ln;
use crate::data::stats::sum;
use crate::learn::Training;
use crate::source::Fault;

/// How many members trade weight at most, for each of them.
const TRADES: usize = 20_000;
/// How many times the log loss is taken for a parabola at most.
const STEPS: usize = 200;
/// How far a loss may be from the best that can be.
const NEAR: f64 = 1e-12;
/// What is added to the curvature, relatively, so that members that say the same share.
const RIDGE: f64 = 1e-12;
/// The share of the promised decrease that a step must bring.
const DECREASE: f64 = 1e-4;

/// The weights whose mean of the columns has the smallest squared error.
pub(super) fn of_numbers(data: &Training, y: &[f64]) -> Result<Vec<f64>, Fault> {
    let members = data.x.columns();
    // Weights that sum to 1 take the truth off each member: what is left are products of errors.
    let error = |member: usize, row: usize| data.x.at(row, member) - y[row];
    let mut size = 0.0f64;
    for member in 0..members {
        size = (0..y.len()).map(|row| error(member, row).abs()).fold(size, f64::max);
    }
    if !size.is_finite() {
        return Err(Fault::new("numbers-too-large", "the members' errors are too large to be weighed"));
    }
    let size = if size > 0.0 { size } else { 1.0 };
    let total = sum((0..y.len()).map(|row| data.weight(row)));
    let product = |a: usize, b: usize| {
        sum((0..y.len()).map(|row| data.weight(row) * (error(a, row) / size) * (error(b, row) / size))) / total
    };
    let curvature = symmetric(members, product);
    Ok(parabola(&curvature, &vec![0.0; members], vec![1.0 / members as f64; members]))
}

/// The weights whose mean of the members' probabilities of the truth has the smallest log loss. `chances` holds them
/// member by member.
pub(super) fn of_classes(data: &Training, chances: &[Vec<f64>]) -> Result<Vec<f64>, Fault> {
    let (members, rows) = (chances.len(), chances[0].len());
    let total = sum((0..rows).map(|row| data.weight(row)));
    let chance = |member: usize, row: usize| chances[member][row].max(f64::EPSILON);
    let means = |at: &[f64]| -> Vec<f64> {
        (0..rows).map(|row| (0..members).map(|member| at[member] * chance(member, row)).sum()).collect()
    };
    let loss = |means: &[f64]| -sum((0..rows).map(|row| data.weight(row) * ln(means[row]))) / total;
    let mut at = vec![1.0 / members as f64; members];
    let mut mean = means(&at);
    let mut value = loss(&mean);
    for _ in 0..STEPS {
        data.go_on()?;
        let share = |member: usize, row: usize| chance(member, row) / mean[row];
        let slope: Vec<f64> = (0..members)
            .map(|member| -sum((0..rows).map(|row| data.weight(row) * share(member, row))) / total)
            .collect();
        // The slope along the weights themselves is -1: no loss is further from the best than this.
        if slope.iter().all(|slope| *slope >= -1.0 - NEAR) {
            break;
        }
        let curvature = symmetric(members, |a, b| {
            sum((0..rows).map(|row| data.weight(row) * share(a, row) * share(b, row))) / total
        });
        let linear: Vec<f64> = (0..members).map(|member| slope[member] - dot(&curvature[member], &at)).collect();
        let goal = parabola(&curvature, &linear, at.clone());
        let direction: Vec<f64> = goal.iter().zip(&at).map(|(goal, at)| goal - at).collect();
        let promised = dot(&slope, &direction);
        let Some(next) = (0..50).map(|nth| 0.5f64.powi(nth)).find_map(|length| {
            let next: Vec<f64> = at.iter().zip(&direction).map(|(at, step)| (at + length * step).max(0.0)).collect();
            let mean = means(&next);
            let found = loss(&mean);
            (found < value + DECREASE * length * promised).then_some((next, mean, found))
        }) else {
            break;
        };
        (at, mean, value) = next;
    }
    Ok(whole(at))
}

fn symmetric(members: usize, product: impl Fn(usize, usize) -> f64) -> Vec<Vec<f64>> {
    let half: Vec<Vec<f64>> = (0..members).map(|a| (0..=a).map(|b| product(a, b)).collect()).collect();
    (0..members).map(|a| (0..members).map(|b| half[a.max(b)][a.min(b)]).collect()).collect()
}

/// The lowest point of ½ w·C·w + l·w among weights, from `at` on: the two members that gain most trade weight, until
/// no trade gains.
fn parabola(curvature: &[Vec<f64>], linear: &[f64], mut at: Vec<f64>) -> Vec<f64> {
    let members = at.len();
    let largest = (0..members).map(|member| curvature[member][member]).fold(0.0, f64::max);
    let ridge = RIDGE * if largest > 0.0 { largest } else { 1.0 };
    let mut slope: Vec<f64> =
        (0..members).map(|member| dot(&curvature[member], &at) + linear[member] + ridge * at[member]).collect();
    for _ in 0..TRADES * members {
        let mut to = 0;
        let mut from = None;
        for member in 0..members {
            if slope[member] < slope[to] {
                to = member;
            }
            if at[member] > 0.0 && from.is_none_or(|from: usize| slope[member] > slope[from]) {
                from = Some(member);
            }
        }
        let from = from.expect("the weights sum to 1");
        let gain = slope[from] - slope[to];
        if gain <= NEAR * largest.max(f64::MIN_POSITIVE) {
            break;
        }
        let bend = curvature[to][to] + curvature[from][from] - 2.0 * curvature[to][from] + 2.0 * ridge;
        let step = if bend > 0.0 { (gain / bend).min(at[from]) } else { at[from] };
        at[to] += step;
        at[from] = if step == at[from] { 0.0 } else { at[from] - step };
        for member in 0..members {
            slope[member] += step * (curvature[member][to] - curvature[member][from]);
        }
        slope[to] += step * ridge;
        slope[from] -= step * ridge;
    }
    whole(at)
}

/// What rounding took from the sum is given back.
fn whole(mut at: Vec<f64>) -> Vec<f64> {
    let total: f64 = at.iter().sum();
    at.iter_mut().for_each(|weight| *weight /= total);
    at
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
