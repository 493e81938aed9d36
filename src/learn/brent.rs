//! The lowest point of a function of one number, without its slope.

/// So near the lowest point is told: closer, a smooth function doesn't tell its values apart.
const NEAR: f64 = 1e-9;
const MOST_STEPS: usize = 200;

/// Where `f` is lowest between `low` and `high`, if it has one valley there: golden sections, and parabolas where these lead
/// on (Brent, "Algorithms for Minimization without Derivatives", 1973, chapter 5).
pub(super) fn minimize(mut low: f64, mut high: f64, f: impl Fn(f64) -> f64) -> f64 {
    let golden = (3.0 - 5f64.sqrt()) / 2.0;
    let mut best = low + golden * (high - low);
    let mut at_best = f(best);
    // The second best point and the one before it, with their values.
    let (mut second, mut third) = ((best, at_best), (best, at_best));
    let (mut step, mut before): (f64, f64) = (0.0, 0.0);
    for _ in 0..MOST_STEPS {
        let middle = (low + high) / 2.0;
        let near = NEAR * (1.0 + best.abs());
        if (best - middle).abs() <= 2.0 * near - (high - low) / 2.0 {
            break;
        }
        let r = (best - second.0) * (at_best - third.1);
        let q = (best - third.0) * (at_best - second.1);
        let (rise, run) = ((best - third.0) * q - (best - second.0) * r, 2.0 * (q - r));
        let parabola = -rise / run;
        let lies_within = best + parabola > low && best + parabola < high;
        if before.abs() > near && lies_within && parabola.abs() < before.abs() / 2.0 {
            before = step;
            step = parabola;
        } else {
            before = if best < middle { high - best } else { low - best };
            step = golden * before;
        }
        let next = best + if step.abs() < near { near.copysign(step) } else { step };
        let at_next = f(next);
        if at_next <= at_best {
            if next < best {
                high = best
            } else {
                low = best
            }
            third = second;
            second = (best, at_best);
            (best, at_best) = (next, at_next);
        } else {
            if next < best {
                low = next
            } else {
                high = next
            }
            if at_next <= second.1 || second.0 == best {
                third = second;
                second = (next, at_next);
            } else if at_next <= third.1 || third.0 == best || third.0 == second.0 {
                third = (next, at_next);
            }
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::minimize;

    #[test]
    fn valleys_are_found_wherever_they_lie() {
        for lowest in [-1.9, -0.3, 0.0, 1e-3, 1.7] {
            let found = minimize(-2.0, 2.0, |x| (x - lowest).powi(2) + 3.0);
            assert!((found - lowest).abs() < 1e-7, "{lowest}: {found}");
            let found = minimize(-2.0, 2.0, |x| (x - lowest).cosh() + (x - lowest).powi(4));
            assert!((found - lowest).abs() < 1e-7, "{lowest}: {found}");
        }
        assert!(minimize(-2.0, 2.0, |x| x) < -1.999_999);
        assert!(minimize(-2.0, 2.0, |_| f64::INFINITY).is_finite());
    }
}
