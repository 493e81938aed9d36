//! The standard normal distribution. Turned round it is Wichura's "Algorithm AS 241: The Percentage Points of the Normal
//! Distribution", 1988, PPND16, whose constants are here for every backend.

use std::f64::consts::SQRT_2;

use super::elementary::{erfc, ln};

/// A quotient of two polynomials: the coefficients of numerator and denominator, the constants first.
pub type Quotient = [[f64; 8]; 2];

/// Of [`SQUARE`] less the square of `p - 0.5`, where that is at most [`MIDDLE`] away from 0; times `p - 0.5`.
pub const CENTRE: Quotient = [
    [
        3.387_132_872_796_366_5,
        133.141_667_891_784_38,
        1_971.590_950_306_551_3,
        13_731.693_765_509_46,
        45_921.953_931_549_87,
        67_265.770_927_008_7,
        33_430.575_583_588_13,
        2_509.080_928_730_122_7,
    ],
    [
        1.0,
        42.313_330_701_600_91,
        687.187_007_492_057_9,
        5_394.196_021_424_751,
        21_213.794_301_586_597,
        39_307.895_800_092_71,
        28_729.085_735_721_943,
        5_226.495_278_852_854,
    ],
];
/// Of the root of `-ln` of the nearer tail less [`NEAR`], where the root is at most [`FAR`].
pub const SIDES: Quotient = [
    [
        1.423_437_110_749_683_5,
        4.630_337_846_156_546,
        5.769_497_221_460_691,
        3.647_848_324_763_204_5,
        1.270_458_252_452_368_4,
        0.241_780_725_177_450_6,
        0.022_723_844_989_269_184,
        0.000_774_545_014_278_341_4,
    ],
    [
        1.0,
        2.053_191_626_637_759,
        1.676_384_830_183_803_8,
        0.689_767_334_985_1,
        0.148_103_976_427_480_08,
        0.015_198_666_563_616_457,
        0.000_547_593_808_499_534_5,
        1.050_750_071_644_416_9e-9,
    ],
];
/// Of that root less [`FAR`], beyond.
pub const TAILS: Quotient = [
    [
        6.657_904_643_501_103,
        5.463_784_911_164_114,
        1.784_826_539_917_291_3,
        0.296_560_571_828_504_87,
        0.026_532_189_526_576_124,
        0.001_242_660_947_388_078_4,
        2.711_555_568_743_487_6e-5,
        2.010_334_399_292_288_1e-7,
    ],
    [
        1.0,
        0.599_832_206_555_888,
        0.136_929_880_922_735_8,
        0.014_875_361_290_850_615,
        0.000_786_869_131_145_613_3,
        1.846_318_317_510_054_8e-5,
        1.421_511_758_316_446e-7,
        2.044_263_103_389_939_7e-15,
    ],
];
/// See [`CENTRE`].
pub const MIDDLE: f64 = 0.425;
/// See [`CENTRE`].
pub const SQUARE: f64 = 0.180_625;
/// See [`SIDES`].
pub const NEAR: f64 = 1.6;
/// See [`SIDES`].
pub const FAR: f64 = 5.0;

/// The share of the distribution below `x`.
pub fn cdf(x: f64) -> f64 {
    0.5 * erfc(-x / SQRT_2)
}

/// The number below which a share `p` of the standard normal distribution lies; infinite or NaN unless 0 < p < 1.
pub fn probit(p: f64) -> f64 {
    let middle = p - 0.5;
    if middle.abs() <= MIDDLE {
        return middle * quotient(CENTRE, SQUARE - middle * middle);
    }
    let root = (-ln(p.min(1.0 - p))).sqrt();
    let size = if root <= FAR { quotient(SIDES, root - NEAR) } else { quotient(TAILS, root - FAR) };
    size * middle.signum()
}

fn quotient([above, below]: Quotient, x: f64) -> f64 {
    let at = |coefficients: [f64; 8]| coefficients.iter().rev().fold(0.0, |sum, coefficient| sum * x + coefficient);
    at(above) / at(below)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// scipy.special.ndtri of the same.
    #[test]
    fn the_normal_distribution_turned_round() {
        let known = [
            (1e-300, -37.047_096_299_361_2),
            (1e-7, -5.199_337_582_192_816_5),
            (0.01, -2.326_347_874_040_840_8),
            (0.3, -0.524_400_512_708_040_9),
            (0.5, 0.0),
            (0.95, 1.644_853_626_951_472_2),
            (1.0 - 1e-9, 5.997_807_019_601_637),
        ];
        for (p, wanted) in known {
            let found = probit(p);
            assert!((found - wanted).abs() <= 2e-15 * f64::abs(wanted), "{p}: {found}, not {wanted}");
            // Near 1 a share has few digits left to tell numbers apart.
            assert!((cdf(wanted) / p - 1.0).abs() < 1e-12, "{wanted}: {}, not {p}", cdf(wanted));
        }
        assert!([0.0, 1.0, -0.5, 1.5].iter().all(|p| !probit(*p).is_finite()));
    }
}
