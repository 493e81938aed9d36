//! Functions of one number: those of neural networks and of arithmetic.

use super::super::spec::{Op, Spec, maybe, need};
use super::super::tensor::{Tensor, Values, repeated, together};
use crate::data::elementary;

pub(super) fn op(name: &str, spec: &Spec) -> Option<Result<Op, String>> {
    let alpha = |default: f64| spec.float("alpha", default);
    let made: Op = match name {
        "Abs" => number(f64::abs),
        "Neg" => number(|x| -x),
        "Sign" => number(|x| if x == 0.0 || x.is_nan() { x } else { x.signum() }),
        "Floor" => number(f64::floor),
        "Ceil" => number(f64::ceil),
        "Round" => number(f64::round_ties_even),
        "Sqrt" => number(f64::sqrt),
        "Reciprocal" => number(|x| 1.0 / x),
        "Exp" => number(elementary::exp),
        "Log" => number(elementary::ln),
        "Sin" => number(elementary::sin),
        "Cos" => number(elementary::cos),
        "Tanh" => number(elementary::tanh),
        "Relu" => number(|x| if x < 0.0 { 0.0 } else { x }),
        "Sigmoid" => number(crate::learn::linear::sigmoid),
        "Softplus" => number(|x| x.max(0.0) + elementary::ln_1p(elementary::exp(-x.abs()))),
        "Softsign" => number(|x| x / (1.0 + x.abs())),
        "HardSwish" => number(|x| x * (x / 6.0 + 0.5).clamp(0.0, 1.0)),
        "LeakyRelu" => {
            let slope = alpha(0.01);
            number(move |x| if x < 0.0 { slope * x } else { x })
        }
        "ThresholdedRelu" => {
            let least = alpha(1.0);
            number(move |x| if x > least { x } else { 0.0 })
        }
        "Elu" => {
            let scale = alpha(1.0);
            number(move |x| if x < 0.0 { scale * elementary::exp_m1(x) } else { x })
        }
        "Selu" => {
            let (scale, gamma) = (alpha(1.673_263_192_176_818_8), spec.float("gamma", 1.050_701_022_148_132_3));
            number(move |x| gamma * if x > 0.0 { x } else { scale * elementary::exp_m1(x) })
        }
        "HardSigmoid" => {
            let (slope, offset) = (alpha(0.2), spec.float("beta", 0.5));
            number(move |x| (slope * x + offset).clamp(0.0, 1.0))
        }
        "IsNaN" => test(f64::is_nan),
        "IsInf" => test(f64::is_infinite),
        "PRelu" => Box::new(|inputs| {
            let (input, slope) = (need(inputs, 0)?, need(inputs, 1)?);
            let (Values::F32(x), Values::F32(slopes)) = (&input.values, &slope.values) else {
                return Err("PRelu takes floats".to_owned());
            };
            let shape = together(&input.shape, &slope.shape)?;
            let (x, slopes) = (repeated(x, &input.shape, &shape), repeated(slopes, &slope.shape, &shape));
            let made = x.iter().zip(slopes.iter()).map(|(x, slope)| if *x < 0.0 { slope * x } else { *x });
            Ok(vec![Tensor::new(shape.clone(), Values::F32(made.collect()))?])
        }),
        "Clip" => clip(spec),
        _ => return None,
    };
    Some(Ok(made))
}

/// Worked out in 64 bits, kept in the input's type.
fn number(f: impl Fn(f64) -> f64 + Send + Sync + 'static) -> Op {
    Box::new(move |inputs| {
        let input = need(inputs, 0)?;
        let values = match &input.values {
            Values::F32(values) => Values::F32(values.iter().map(|x| f(f64::from(*x)) as f32).collect()),
            Values::F64(values) => Values::F64(values.iter().map(|x| f(*x)).collect()),
            Values::I64(values) => Values::I64(values.iter().map(|x| f(*x as f64) as i64).collect()),
            _ => return Err("numbers are needed here".to_owned()),
        };
        Ok(vec![Tensor::new(input.shape.clone(), values)?])
    })
}

fn test(f: fn(f64) -> bool) -> Op {
    Box::new(move |inputs| {
        let input = need(inputs, 0)?;
        let floats = input.floats().ok_or("numbers are needed here")?;
        Ok(vec![Tensor::new(input.shape.clone(), Values::Bool(floats.iter().map(|x| f(*x)).collect()))?])
    })
}

/// Its bounds are settings until version 10, inputs from then on.
fn clip(spec: &Spec) -> Op {
    let (low, high) = (spec.float("min", f64::NEG_INFINITY), spec.float("max", f64::INFINITY));
    Box::new(move |inputs| {
        let bound = |nth: usize, default: f64| {
            maybe(inputs, nth).and_then(|tensor| tensor.floats()?.first().copied()).unwrap_or(default)
        };
        let (low, high) = (bound(1, low), bound(2, high));
        number(move |x| {
            if x < low {
                low
            } else if x > high {
                high
            } else {
                x
            }
        })(&inputs[..1])
    })
}
