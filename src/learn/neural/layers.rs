//! The passes through a network, forward and back, for a block of rows: matrix products in single precision.

use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView2, ArrayViewMut2};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

const SHAPE: &str = "buffers have the lengths that the sizes ask for";

/// How a hidden layer's sums are bent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// The sum where it is above 0, else 0.
    #[default]
    Relu,
    /// The hyperbolic tangent.
    Tanh,
    /// 1 / (1 + e^-x)
    Logistic,
    /// Not at all.
    Identity,
}

impl Activation {
    /// Adds each unit's constant and bends the sums of all rows.
    fn bend(self, sums: &mut [f32], constants: &[f32]) {
        let each = |sums: &mut [f32], bent: fn(f32) -> f32| {
            for row in sums.chunks_mut(constants.len()) {
                row.iter_mut().zip(constants).for_each(|(sum, constant)| *sum = bent(*sum + constant));
            }
        };
        match self {
            Activation::Relu => each(sums, |x| if x > 0.0 { x } else { 0.0 }),
            Activation::Tanh => each(sums, |x| 1.0 - 2.0 / (exp(2.0 * x) + 1.0)),
            Activation::Logistic => each(sums, |x| 1.0 / (exp(-x) + 1.0)),
            Activation::Identity => each(sums, |x| x),
        }
    }

    /// Multiplies by the slope, which the bent values tell.
    fn unbend(self, deltas: &mut [f32], bent: &[f32]) {
        let each = |deltas: &mut [f32], slope: fn(f32, f32) -> f32| {
            deltas.iter_mut().zip(bent).for_each(|(delta, bent)| *delta = slope(*delta, *bent));
        };
        match self {
            Activation::Relu => each(deltas, |delta, bent| if bent > 0.0 { delta } else { 0.0 }),
            Activation::Tanh => each(deltas, |delta, bent| delta * (1.0 - bent * bent)),
            Activation::Logistic => each(deltas, |delta, bent| delta * bent * (1.0 - bent)),
            Activation::Identity => {}
        }
    }
}

/// e^x in single precision: 2^n times a polynomial, in steps that compilers turn into vector instructions.
#[inline]
fn exp(x: f32) -> f32 {
    /// Adding it rounds to a whole number, which stands in the lowest bits then.
    const ROUND: f32 = 12_582_912.0;
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    let x = if x > 87.0 { 87.0 } else { x };
    let x = if x < -87.0 { -87.0 } else { x };
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = (x - n * LN2_HIGH) - n * LN2_LOW;
    let mut sum = 1.0 / 720.0;
    for factor in [1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
        sum = sum * r + factor;
    }
    f32::from_bits(sum.to_bits().wrapping_add(shifted.to_bits() << 23))
}

/// A network's form.
#[derive(Clone, Copy)]
pub(in crate::learn) struct Net<'a> {
    /// The features, each hidden layer's units, and the last layer's.
    pub(in crate::learn) sizes: &'a [usize],
    pub(in crate::learn) activation: Activation,
}

impl Net<'_> {
    /// How many layers of weights.
    pub(super) fn layers(self) -> usize {
        self.sizes.len() - 1
    }

    /// Where a layer's weights start among the parameters, where its constants do, and where they end.
    pub(super) fn places(self, layer: usize) -> (usize, usize, usize) {
        let before = self.sizes.windows(2).take(layer);
        let start: usize = before.map(|pair| (pair[0] + 1) * pair[1]).sum();
        let constants = start + self.sizes[layer] * self.sizes[layer + 1];
        (start, constants, constants + self.sizes[layer + 1])
    }

    /// How many parameters there are.
    pub(super) fn parameters(self) -> usize {
        self.places(self.layers() - 1).2
    }
}

/// The buffers for a pass of some rows.
pub(in crate::learn) struct Pass<'a> {
    net: Net<'a>,
    rows: usize,
    /// What each layer gives, the features first.
    values: Vec<Vec<f32>>,
    /// How the loss changes with the sums of the layer at hand, and of the one before.
    deltas: [Vec<f32>; 2],
}

impl<'a> Pass<'a> {
    pub(in crate::learn) fn new(net: Net<'a>, rows: usize) -> Self {
        let values = net.sizes.iter().map(|size| vec![0.0; size * rows]).collect();
        Self { net, rows, values, deltas: [Vec::new(), Vec::new()] }
    }

    /// Makes room for another number of rows.
    pub(super) fn resize(&mut self, rows: usize) {
        if rows == self.rows {
            return;
        }
        self.rows = rows;
        for (values, size) in self.values.iter_mut().zip(self.net.sizes) {
            values.resize(size * rows, 0.0);
        }
    }

    /// Where the rows' features go, row after row.
    pub(in crate::learn) fn input(&mut self) -> &mut [f32] {
        &mut self.values[0]
    }

    /// The last layer's sums, row after row.
    pub(in crate::learn) fn sums(&self) -> &[f32] {
        &self.values[self.net.layers()]
    }

    /// From the features to the last sums. What a row gives depends on that row alone.
    pub(in crate::learn) fn forward(&mut self, parameters: &[f32]) {
        for layer in 0..self.net.layers() {
            let (start, constants, end) = self.net.places(layer);
            let (inputs, units) = (self.net.sizes[layer], self.net.sizes[layer + 1]);
            let (before, after) = self.values.split_at_mut(layer + 1);
            let left = ArrayView2::from_shape((self.rows, inputs), &before[layer]).expect(SHAPE);
            let weights = ArrayView2::from_shape((inputs, units), &parameters[start..constants]).expect(SHAPE);
            let mut sums = ArrayViewMut2::from_shape((self.rows, units), &mut after[0]).expect(SHAPE);
            general_mat_mul(1.0, &left, &weights, 0.0, &mut sums);
            let last = layer + 1 == self.net.layers();
            let activation = if last { Activation::Identity } else { self.net.activation };
            activation.bend(&mut after[0], &parameters[constants..end]);
        }
    }

    /// From how the loss changes with the last sums to how it changes with each parameter.
    pub(super) fn backward(&mut self, parameters: &[f32], deltas: &[f32], gradient: &mut [f32]) {
        let [own, before] = &mut self.deltas;
        own.clear();
        own.extend_from_slice(deltas);
        for layer in (0..self.net.layers()).rev() {
            let (start, constants, end) = self.net.places(layer);
            let (inputs, units) = (self.net.sizes[layer], self.net.sizes[layer + 1]);
            let values = ArrayView2::from_shape((self.rows, inputs), &self.values[layer]).expect(SHAPE);
            let changes = ArrayView2::from_shape((self.rows, units), &own[..]).expect(SHAPE);
            let (weights, rest) = gradient[start..end].split_at_mut(constants - start);
            let mut weights = ArrayViewMut2::from_shape((inputs, units), weights).expect(SHAPE);
            general_mat_mul(1.0, &values.t(), &changes, 0.0, &mut weights);
            rest.fill(0.0);
            for row in own.chunks(units) {
                rest.iter_mut().zip(row).for_each(|(sum, delta)| *sum += delta);
            }
            if layer == 0 {
                break;
            }
            before.clear();
            before.resize(self.rows * inputs, 0.0);
            let weights = ArrayView2::from_shape((inputs, units), &parameters[start..constants]).expect(SHAPE);
            let mut into = ArrayViewMut2::from_shape((self.rows, inputs), &mut before[..]).expect(SHAPE);
            general_mat_mul(1.0, &changes, &weights.t(), 0.0, &mut into);
            self.net.activation.unbend(before, &self.values[layer]);
            std::mem::swap(own, before);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_of_e_are_near_enough() {
        for nth in -8600..8600 {
            let x = nth as f32 / 100.0;
            assert!((exp(x) / x.exp() - 1.0).abs() < 2e-6, "{x}");
        }
        assert!(exp(1e30).is_finite() && exp(-1e30) > 0.0);
    }

    #[test]
    fn the_gradient_is_the_slope_of_the_sums() {
        for activation in [Activation::Relu, Activation::Tanh, Activation::Logistic, Activation::Identity] {
            let net = Net { sizes: &[3, 5, 4, 2], activation };
            let parameters: Vec<f32> = (0..net.parameters()).map(|at| ((at * 29 % 41) as f32 - 20.0) / 20.0).collect();
            let input: Vec<f32> = (0..21).map(|at| ((at * 17 % 23) as f32 - 11.0) / 9.0).collect();
            let deltas: Vec<f32> = (0..14).map(|at| (at % 5) as f32 - 1.5).collect();
            let mut pass = Pass::new(net, 7);
            let value = |parameters: &[f32]| -> f64 {
                let mut pass = Pass::new(net, 7);
                pass.input().copy_from_slice(&input);
                pass.forward(parameters);
                pass.sums().iter().zip(&deltas).map(|(sum, delta)| f64::from(*sum) * f64::from(*delta)).sum()
            };
            pass.input().copy_from_slice(&input);
            pass.forward(&parameters);
            let mut gradient = vec![0.0; net.parameters()];
            pass.backward(&parameters, &deltas, &mut gradient);
            for at in 0..parameters.len() {
                let beside = |by: f32| {
                    let mut parameters = parameters.clone();
                    parameters[at] += by;
                    value(&parameters)
                };
                let slope = (beside(1e-2) - beside(-1e-2)) / 2e-2;
                assert!((slope - f64::from(gradient[at])).abs() < 0.02 * (1.0 + slope.abs()), "{activation:?} {at}");
            }
        }
    }

    #[test]
    fn a_row_gives_the_same_alone_and_among_others() {
        for sizes in [&[30, 64, 32, 1][..], &[7, 3, 5], &[600, 9, 2], &[1, 1, 1]] {
            let net = Net { sizes, activation: Activation::Tanh };
            let parameters: Vec<f32> = (0..net.parameters()).map(|at| ((at * 29 % 41) as f32 - 20.0) / 90.0).collect();
            let (columns, rows) = (sizes[0], 37);
            let input: Vec<f32> = (0..rows * columns).map(|at| ((at * 17 % 23) as f32 - 11.0) / 9.0).collect();
            let mut all = Pass::new(net, rows);
            all.input().copy_from_slice(&input);
            all.forward(&parameters);
            let units = sizes[sizes.len() - 1];
            for row in 0..rows {
                let mut one = Pass::new(net, 1);
                one.input().copy_from_slice(&input[row * columns..(row + 1) * columns]);
                one.forward(&parameters);
                assert_eq!(one.sums(), &all.sums()[row * units..(row + 1) * units]);
            }
        }
    }
}
