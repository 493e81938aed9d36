//! Yeo and Johnson's power ("A New Family of Power Transformations to Improve Normality or Symmetry", Biometrika 87, 2000).
//! For x ≥ 0 it is ((x + 1)^λ - 1) / λ, or ln(x + 1) if λ = 0; for x < 0 it is -((1 - x)^(2 - λ) - 1) / (2 - λ), or -ln(1 - x)
//! if λ = 2. The likeliest one is found by the root of the likelihood's derivative.
//!
//! Up to a constant the logarithm of the likelihood is -n/2 · ln var(ψ) + (λ - 1) · Σ sign(x) · ln(1 + |x|), ψ being the bent
//! values (section 3 of the paper). It is concave in λ, so that its derivative, -n · cov(ψ, ψ') / var(ψ) + Σ …, falls and has
//! one root at most.

use super::elementary::{exp_m1, ln_1p};
use super::stats;

/// Powers beyond this aren't sought.
const FARTHEST: f64 = 1024.0;
/// How often the interval is halved: from 2 · 1024 to the last digits of a float.
const HALVINGS: usize = 60;

/// The value bent by a power. By 1 it is the value.
pub fn bend(x: f64, lambda: f64) -> f64 {
    if lambda == 1.0 { x } else { bent(signed_log(x), lambda).0 }
}

/// The value that a power bends to `bent`; infinite beyond all that it makes.
pub fn unbend(bent: f64, lambda: f64) -> f64 {
    // What is mirrored below 0 has the power 2 - λ.
    let power = if bent < 0.0 { 2.0 - lambda } else { lambda };
    let size = bent.abs();
    let x = if power == 0.0 { exp_m1(size) } else { exp_m1(ln_1p((power * size).max(-1.0)) / power) };
    if lambda == 1.0 { bent } else { x.copysign(bent) }
}

/// ln(1 + |x|) with the sign of x: all that a power reads of a value.
fn signed_log(x: f64) -> f64 {
    ln_1p(x.abs()).copysign(x)
}

/// What a power makes of a value, and the derivative of that by λ: L² · (z · eᶻ - eᶻ + 1) / z², where L is ln(1 + |x|), z is
/// p · L, and p is the exponent. It is the same for both signs of x, as the exponent of negative ones falls where λ rises.
fn bent(signed_log: f64, lambda: f64) -> (f64, f64) {
    let (log, power) = (signed_log.abs(), if signed_log < 0.0 { 2.0 - lambda } else { lambda });
    let z = power * log;
    let grown = exp_m1(z);
    let size = if power == 0.0 { log } else { grown / power };
    let share = if z.abs() < 1e-3 {
        // Its series, where the difference would lose all digits.
        0.5 + z * (1.0 / 3.0 + z * (1.0 / 8.0 + z * (1.0 / 30.0 + z / 144.0)))
    } else {
        (z * (grown + 1.0) - grown) / (z * z)
    };
    (size.copysign(signed_log), log * log * share)
}

/// The likeliest power for these values; 1, which changes nothing, where all are equal or no power is likelier.
pub fn lambda(values: &[f64]) -> f64 {
    let logs: Vec<f64> = values.iter().map(|x| signed_log(*x)).collect();
    let total = stats::sum(logs.iter().copied());
    let slope = |lambda: f64| slope(&logs, total, lambda);
    if values.iter().all(|value| *value == values[0]) || slope(1.0) == 0.0 {
        return 1.0;
    }
    let (mut low, mut high) = (-2.0, 2.0);
    while low > -FARTHEST && slope(low) < 0.0 {
        low *= 2.0;
    }
    while high < FARTHEST && slope(high) > 0.0 {
        high *= 2.0;
    }
    for _ in 0..HALVINGS {
        let middle = low + (high - low) / 2.0;
        if slope(middle) > 0.0 { low = middle } else { high = middle }
    }
    // At the edge of the floats only one end bends all values within them.
    let holds = |power: &f64| logs.iter().all(|log| bent(*log, *power).0.is_finite());
    [low, high].into_iter().find(holds).unwrap_or(1.0)
}

/// The sign of the derivative by λ, and its size where floats hold it.
///
/// Where a bent value is beyond the floats, the likelihood falls towards there: a positive value asks for a lower power, a
/// negative one for a higher.
fn slope(logs: &[f64], total: f64, lambda: f64) -> f64 {
    let (bent, grown): (Vec<f64>, Vec<f64>) = logs.iter().map(|log| bent(*log, lambda)).unzip();
    if let Some(far) = bent.iter().find(|value| !value.is_finite()) {
        return -far.signum();
    }
    // Both moments in units of the farthest value, whose square a float holds.
    let count = logs.len() as f64;
    let unit = bent.iter().fold(f64::MIN_POSITIVE, |far, value| far.max(value.abs()));
    let mean = stats::sum(bent.iter().map(|value| value / unit)) / count;
    let apart = |value: f64| value / unit - mean;
    let variance = stats::sum(bent.iter().map(|value| apart(*value).powi(2)));
    let covariance = stats::sum(bent.iter().zip(&grown).map(|(value, grown)| apart(*value) * (grown / unit)));
    // Where a power makes all values the same, it is too far from them.
    if variance > 0.0 { total - count * covariance / variance } else { total }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_derivative_is_that_of_the_bent_value() {
        for x in [-30.0, -2.0, -0.01, 0.0, 1e-6, 0.5, 7.0, 400.0] {
            for lambda in [-1.5, 0.0, 0.3, 1.0, 2.0, 2.7] {
                let step = 1e-5;
                let wanted = (bend(x, lambda + step) - bend(x, lambda - step)) / (2.0 * step);
                let found = bent(signed_log(x), lambda).1;
                assert!((found - wanted).abs() <= 1e-6 * wanted.abs().max(1e-6), "{x} {lambda}: {found}, not {wanted}");
            }
        }
    }

    #[test]
    fn what_is_bent_is_unbent() {
        for x in [-30.0, -2.0, -0.01, 0.0, 1e-6, 0.5, 7.0, 400.0] {
            for lambda in [-1.5, 0.0, 0.3, 1.0, 2.0, 2.7] {
                let back = unbend(bend(x, lambda), lambda);
                assert!((back - x).abs() <= 1e-9 * f64::abs(x).max(1e-6), "{x} {lambda}: {back}");
            }
        }
    }

    #[test]
    fn values_near_the_ends_of_the_floats_have_a_power() {
        for values in [&[1e300, 1.0, 5.0][..], &[-1e300, 1e300], &[-1e-300, 0.0, 1e-300], &[1e15, 1e15 + 1.0]] {
            let found = lambda(values);
            assert!(found.is_finite() && found.abs() <= FARTHEST, "{values:?}: {found}");
            assert!(values.iter().all(|x| bend(*x, found).is_finite()), "{values:?}: {found}");
        }
    }
}
