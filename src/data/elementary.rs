//! The elementary functions that no processor has: the one place where they come from, in plain arithmetic.
//!
//! Those of the standard library are the C library's. They differ in the last bit between glibc and musl, from one
//! version to the next, and in glibc between processors with and without fused multiplication. Here each gives the same
//! bits everywhere, so that a sealed model answers on every machine as where it was made. Their errors are below one unit
//! in the last place, of `powf` and `hypot` as well; the gamma functions err by a few. What the standard library computes
//! exactly (`sqrt`, `floor`, the remainder, whole powers by multiplication) is used as it is.

/// e^x.
pub fn exp(x: f64) -> f64 {
    libm::exp(x)
}

/// e^x - 1, exact near 0.
pub fn exp_m1(x: f64) -> f64 {
    libm::expm1(x)
}

/// The natural logarithm; -∞ of 0, NaN below it.
pub fn ln(x: f64) -> f64 {
    libm::log(x)
}

/// ln(1 + x), exact near 0.
pub fn ln_1p(x: f64) -> f64 {
    libm::log1p(x)
}

/// The logarithm to base 2; whole for whole powers of 2.
pub fn log2(x: f64) -> f64 {
    libm::log2(x)
}

/// The logarithm to base 10.
pub fn log10(x: f64) -> f64 {
    libm::log10(x)
}

/// x to the power of y; NaN for a negative x and a y that isn't whole.
pub fn powf(x: f64, y: f64) -> f64 {
    libm::pow(x, y)
}

/// The sine of radians.
pub fn sin(x: f64) -> f64 {
    libm::sin(x)
}

/// The cosine of radians.
pub fn cos(x: f64) -> f64 {
    libm::cos(x)
}

/// The tangent of radians.
pub fn tan(x: f64) -> f64 {
    libm::tan(x)
}

/// The radians whose sine is x, from -π/2 to π/2; NaN beyond -1 and 1.
pub fn asin(x: f64) -> f64 {
    libm::asin(x)
}

/// The radians whose cosine is x, from 0 to π; NaN beyond -1 and 1.
pub fn acos(x: f64) -> f64 {
    libm::acos(x)
}

/// The radians whose tangent is x, from -π/2 to π/2.
pub fn atan(x: f64) -> f64 {
    libm::atan(x)
}

/// The angle of the point (x, y) in radians, from -π to π.
pub fn atan2(y: f64, x: f64) -> f64 {
    libm::atan2(y, x)
}

/// The hyperbolic sine.
pub fn sinh(x: f64) -> f64 {
    libm::sinh(x)
}

/// The hyperbolic cosine.
pub fn cosh(x: f64) -> f64 {
    libm::cosh(x)
}

/// The hyperbolic tangent.
pub fn tanh(x: f64) -> f64 {
    libm::tanh(x)
}

/// √(x² + y²), without overflow on the way.
pub fn hypot(x: f64, y: f64) -> f64 {
    libm::hypot(x, y)
}

/// The cube root.
pub fn cbrt(x: f64) -> f64 {
    libm::cbrt(x)
}

/// The gamma function; NaN for negative whole numbers.
pub fn gamma(x: f64) -> f64 {
    libm::tgamma(x)
}

/// The natural logarithm of the gamma function's absolute value.
pub fn ln_gamma(x: f64) -> f64 {
    libm::lgamma(x)
}

/// 1 less the error function.
pub fn erfc(x: f64) -> f64 {
    libm::erfc(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bits of a fixed walk through a function's range, folded into one number.
    fn folded(f: impl Fn(f64) -> f64, low: f64, high: f64) -> u64 {
        let points = (0..20_000).map(|nth| low + (high - low) * (f64::from(nth) + 0.37) / 20_000.0);
        points.fold(0xcbf2_9ce4_8422_2325, |seen, x| (seen ^ f(x).to_bits()).wrapping_mul(0x100_0000_01b3))
    }

    #[test]
    fn they_are_those_of_the_standard_library_to_the_last_bits() {
        type Function = fn(f64) -> f64;
        let pairs: [(Function, Function, f64, f64); 16] = [
            (exp, f64::exp, -700.0, 700.0),
            (exp_m1, f64::exp_m1, -30.0, 30.0),
            (ln, f64::ln, 1e-9, 1e6),
            (ln_1p, f64::ln_1p, -0.99, 100.0),
            (log2, f64::log2, 1e-9, 1e6),
            (log10, f64::log10, 1e-9, 1e6),
            (sin, f64::sin, -1e4, 1e4),
            (cos, f64::cos, -1e4, 1e4),
            (tanh, f64::tanh, -20.0, 20.0),
            (tan, f64::tan, -1e3, 1e3),
            (asin, f64::asin, -1.0, 1.0),
            (acos, f64::acos, -1.0, 1.0),
            (atan, f64::atan, -50.0, 50.0),
            (sinh, f64::sinh, -20.0, 20.0),
            (cosh, f64::cosh, -20.0, 20.0),
            (cbrt, f64::cbrt, -1e6, 1e6),
        ];
        for (nth, (ours, theirs, low, high)) in pairs.into_iter().enumerate() {
            for step in 0..10_000 {
                let x = low + (high - low) * (f64::from(step) + 0.37) / 10_000.0;
                let (ours, theirs) = (ours(x), theirs(x));
                assert!((ours - theirs).abs() <= 5e-16 * theirs.abs(), "{nth} of {x}: {ours}, not {theirs}");
            }
        }
        for step in 1..10_000 {
            let (x, y) = (f64::from(step) * 0.013, f64::from(step % 37) - 18.3);
            assert!((powf(x, y) / x.powf(y) - 1.0).abs() <= 5e-16, "{x}^{y}");
            assert!((hypot(x, y) / x.hypot(y) - 1.0).abs() <= 5e-16, "{x}, {y}");
        }
    }

    #[test]
    fn their_bits_are_those_of_every_machine() {
        let found = [
            folded(exp, -700.0, 700.0),
            folded(exp_m1, -30.0, 30.0),
            folded(ln, 1e-9, 1e6),
            folded(ln_1p, -0.99, 100.0),
            folded(log2, 1e-9, 1e6),
            folded(log10, 1e-9, 1e6),
            folded(|x| powf(x, 1.7), 1e-9, 500.0),
            folded(sin, -1e4, 1e4),
            folded(cos, -1e4, 1e4),
            folded(tanh, -20.0, 20.0),
            folded(|x| hypot(x, 3.3), 0.1, 500.0),
        ];
        let known = [
            0xe1e2_7ee6_dcce_f329,
            0x71a9_d814_2909_dde3,
            0xc3d1_67f9_6fbd_b33b,
            0x6851_8d5a_d791_6a9c,
            0x60db_eb89_b529_358e,
            0xfe34_03a5_4f5d_2703,
            0x2a96_37ed_21f0_3495,
            0xd843_aedb_ff52_77a7,
            0x55ee_5233_ff13_cabb,
            0x6ef6_9d57_f207_9b85,
            0x92b0_c64a_de03_8984,
        ];
        assert_eq!(found, known, "{found:#x?}");
    }

    #[test]
    fn the_ends_of_their_ranges_are_the_usual_ones() {
        assert_eq!((exp(0.0), exp(710.0), exp(-800.0)), (1.0, f64::INFINITY, 0.0));
        assert_eq!((ln(1.0), ln(0.0), log10(1000.0), log2(1024.0)), (0.0, f64::NEG_INFINITY, 3.0, 10.0));
        assert!(ln(-1.0).is_nan() && exp(f64::NAN).is_nan() && powf(-2.0, 0.5).is_nan());
        assert_eq!((powf(2.0, 10.0), powf(0.0, 0.0), powf(-2.0, 3.0)), (1024.0, 1.0, -8.0));
        assert_eq!((tanh(50.0), ln_1p(0.0), exp_m1(0.0), hypot(3.0, 4.0)), (1.0, 0.0, 0.0, 5.0));
    }
}
