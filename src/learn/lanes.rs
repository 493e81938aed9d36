//! exp and log as plain arithmetic, so that loops over many rows become vector instructions.
//!
//! They are polynomials fitted at Chebyshev's points; their errors are below two units in the last place.

/// Below it e^x is taken as e^LOWEST, about 3·10⁻³⁰⁸.
const LOWEST: f64 = -708.0;
/// 1.5 · 2⁵²: adding it rounds to a whole number that stands in the lowest bits.
const ROUNDER: f64 = 6_755_399_441_055_744.0;
/// ln 2 in two parts; whole numbers of up to 11 bits times the first are exact.
const LN2: (f64, f64) = (0.693_147_180_369_123_8, 1.908_214_929_270_587_7e-10);

/// (e^r - 1 - r) / r² for |r| ≤ ln 2 / 2, the highest power first.
const EXP: [f64; 10] = [
    2.510_038_549_551_032e-8,
    2.762_008_844_540_974_6e-7,
    2.755_726_845_999_706_4e-6,
    2.480_152_129_595_437_6e-5,
    1.984_126_986_305_361_8e-4,
    1.388_888_891_721_371_7e-3,
    8.333_333_333_330_062e-3,
    4.166_666_666_662_413e-2,
    0.166_666_666_666_666_69,
    0.5,
];

/// (log((1 + s) / (1 - s)) - 2s) / s³ in z = s², for s up to (√2 - 1) / (√2 + 1), the highest power first.
const LOG: [f64; 7] = [
    0.146_165_854_248_886_23,
    0.153_317_106_182_107_73,
    0.181_828_894_556_749_47,
    0.222_222_111_302_598_78,
    0.285_714_286_260_032_7,
    0.399_999_999_998_994_44,
    0.666_666_666_666_667,
];

/// e^x for x up to 709; NaN stays NaN.
#[inline(always)]
pub(super) fn exp(x: f64) -> f64 {
    let x = if x < LOWEST { LOWEST } else { x };
    let rounded = x * std::f64::consts::LOG2_E + ROUNDER;
    let power = rounded - ROUNDER;
    let r = (x - power * LN2.0) - power * LN2.1;
    let tail = EXP.iter().fold(0.0, |sum, c| sum * r + c);
    // The whole number goes into the exponent: what stands above its 12 bits is shifted out.
    let scale = f64::from_bits((rounded.to_bits() << 52).wrapping_add(1.0f64.to_bits()));
    (1.0 + (r + r * r * tail)) * scale
}

/// log(1 + x) for x from 0 to 1.
#[inline(always)]
pub(super) fn log1p(x: f64) -> f64 {
    let upper = x > std::f64::consts::SQRT_2 - 1.0;
    // 1 + x is either 1 + f or 2 · (1 + f).
    let f = if upper { (x - 1.0) * 0.5 } else { x };
    let whole = if upper { std::f64::consts::LN_2 } else { 0.0 };
    let s = f / (2.0 + f);
    let z = s * s;
    let tail = LOG.iter().fold(0.0, |sum, c| sum * z + c);
    whole + (2.0 * s + s * z * tail)
}

/// log(x) for x from 1 up.
#[inline(always)]
pub(super) fn log(x: f64) -> f64 {
    const MANTISSA: u64 = (1 << 52) - 1;
    const WHOLE: f64 = 4_503_599_627_370_496.0;
    let bits = x.to_bits();
    // The exponent as the last bits of 2⁵² + exponent.
    let power = f64::from_bits(WHOLE.to_bits() | (bits >> 52)) - (WHOLE + 1023.0);
    let mantissa = f64::from_bits((bits & MANTISSA) | 1.0f64.to_bits());
    power * std::f64::consts::LN_2 + log1p(mantissa - 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_is_that_of_the_standard_library() {
        for step in -70_800..=70_900 {
            let x = f64::from(step) * 0.01 + 1e-7;
            let (ours, theirs) = (exp(x), x.exp());
            assert!((ours / theirs - 1.0).abs() < 5e-16, "{x}: {ours}, not {theirs}");
        }
        assert_eq!(exp(0.0), 1.0);
        assert!(exp(-1e300) < 1e-307 && exp(f64::NEG_INFINITY) < 1e-307);
        assert!(exp(f64::NAN).is_nan());
    }

    #[test]
    fn log1p_is_that_of_the_standard_library() {
        for step in 0..=100_000 {
            for x in [f64::from(step) * 1e-5, f64::from(step) * 1e-12] {
                let (ours, theirs) = (log1p(x), x.ln_1p());
                assert!((ours - theirs).abs() <= 5e-16 * theirs, "{x}: {ours}, not {theirs}");
            }
        }
    }

    #[test]
    fn log_is_that_of_the_standard_library() {
        for step in 0..=100_000 {
            for x in [1.0 + f64::from(step) * 1e-5, 1.0 + f64::from(step) * 0.37, f64::from(step + 1) * 1e200] {
                let (ours, theirs) = (log(x), x.ln());
                assert!((ours - theirs).abs() <= 5e-16 * theirs, "{x}: {ours}, not {theirs}");
            }
        }
    }
}
