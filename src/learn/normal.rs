//! The standard normal distribution.

use std::f64::consts::{PI, SQRT_2};

use crate::data::elementary::{erfc, exp, ln};

/// The share of the distribution below `z`.
pub(super) fn cdf(z: f64) -> f64 {
    0.5 * erfc(-z / SQRT_2)
}

/// The number below which a share `p` of the distribution lies, for `p` between 0 and 1: an estimate that is right to
/// 4.5e-4 (Abramowitz and Stegun 26.2.23), made exact by Halley's steps.
pub(super) fn quantile(p: f64) -> f64 {
    if p > 0.5 {
        return -quantile(1.0 - p);
    }
    let t = (-2.0 * ln(p)).sqrt();
    let above = 2.515_517 + t * (0.802_853 + t * 0.010_328);
    let below = 1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308));
    let mut z = above / below - t;
    for _ in 0..3 {
        let step = (cdf(z) - p) * (2.0 * PI).sqrt() * exp(z * z / 2.0);
        z -= step / (1.0 + z * step / 2.0);
    }
    z
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_and_numbers_are_those_of_scipy() {
        let known = [
            (-5.0, 2.866515718791933e-7),
            (-3.6, 0.00015910859015753364),
            (-3.5, 0.00023262907903552502),
            (-1.0, 0.15865525393145707),
            (0.0, 0.5),
            (0.5, 0.6914624612740131),
            (2.0, 0.9772498680518208),
            (4.0, 0.9999683287581669),
        ];
        for (z, p) in known {
            assert!((cdf(z) / p - 1.0).abs() < 1e-14, "{z}: {}", cdf(z));
            // Near 1 a share has few digits left to tell numbers apart.
            let near = if z > 3.0 { 1e-11 } else { 1e-13 };
            assert!((quantile(p) - z).abs() < near, "{p}: {}", quantile(p));
        }
    }
}
