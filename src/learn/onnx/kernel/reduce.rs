//! Operators along an axis: sums, extremes, softmax.

use super::super::spec::{Op, Spec, maybe, need};
use super::super::tensor::{Tensor, Values, place};
use crate::data::elementary::{exp, ln};

pub(super) fn op(name: &str, spec: &Spec) -> Option<Result<Op, String>> {
    let made: Op = match name {
        "ReduceSum" => reduce(spec, 13, |along| along.iter().sum()),
        "ReduceMean" => reduce(spec, 18, |along| along.iter().sum::<f64>() / along.len() as f64),
        "ReduceMax" => reduce(spec, 18, |along| along.iter().copied().fold(f64::NEG_INFINITY, f64::max)),
        "ReduceMin" => reduce(spec, 18, |along| along.iter().copied().fold(f64::INFINITY, f64::min)),
        "ReduceProd" => reduce(spec, 18, |along| along.iter().product()),
        "ReduceSumSquare" => reduce(spec, 18, |along| along.iter().map(|x| x * x).sum()),
        "ReduceL1" => reduce(spec, 18, |along| along.iter().map(|x| x.abs()).sum()),
        "ReduceL2" => reduce(spec, 18, |along| along.iter().map(|x| x * x).sum::<f64>().sqrt()),
        "ReduceLogSumExp" => reduce(spec, 18, |along| {
            let largest = along.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            if largest.is_finite() {
                largest + ln(along.iter().map(|x| exp(x - largest)).sum::<f64>())
            } else {
                largest
            }
        }),
        "ArgMax" => extreme(spec, |a, b| a > b),
        "ArgMin" => extreme(spec, |a, b| a < b),
        "Softmax" => softmax(spec, |x, largest, total| exp(x - largest) / total),
        "LogSoftmax" => softmax(spec, |x, largest, total| x - largest - ln(total)),
        "TopK" => topk(spec),
        _ => return None,
    };
    Some(Ok(made))
}

/// The values along an axis, one line after another: `each(outer, inner, line)`.
fn lines(values: &[f64], around: (usize, usize, usize), mut each: impl FnMut(usize, usize, &[f64])) {
    let (before, size, behind) = around;
    let mut line = vec![0.0; size];
    for outer in 0..before {
        for inner in 0..behind {
            for (at, slot) in line.iter_mut().enumerate() {
                *slot = values[(outer * size + at) * behind + inner];
            }
            each(outer, inner, &line);
        }
    }
}

fn like(tensor: &Tensor, values: Vec<f64>) -> Values {
    match tensor.values {
        Values::F32(_) => Values::F32(values.into_iter().map(|x| x as f32).collect()),
        Values::I64(_) => Values::I64(values.into_iter().map(|x| x as i64).collect()),
        _ => Values::F64(values),
    }
}

/// Axes are a setting before version `since`, an input from then on; without any it is all axes.
fn reduce(spec: &Spec, since: i64, f: fn(&[f64]) -> f64) -> Op {
    let keep = spec.int("keepdims", 1) != 0;
    let said = if spec.opset < since { spec.ints("axes") } else { None };
    let nothing = spec.int("noop_with_empty_axes", 0) != 0;
    Box::new(move |inputs| {
        let input = need(inputs, 0)?;
        let given = match maybe(inputs, 1) {
            Some(axes) => Some(axes.ints()?.to_vec()),
            None => said.clone(),
        };
        let axes = match given.filter(|axes| !axes.is_empty()) {
            Some(axes) => axes.iter().map(|axis| place(*axis, input.shape.len())).collect::<Result<Vec<_>, _>>()?,
            None if nothing => return Ok(vec![input.clone()]),
            None => (0..input.shape.len()).collect(),
        };
        // All of the axes are one line, so that a mean is of all values at once.
        let mut sofar = Tensor::new(
            input.shape.clone(),
            Values::F64(input.floats().ok_or("numbers are needed here")?.into_owned()),
        )?;
        sofar = together_last(&sofar, &axes)?;
        let (before, size, _) = sofar.around(-1)?;
        if size == 0 {
            return Err("there is nothing along this axis".to_owned());
        }
        let mut made = vec![0.0; before];
        let floats = sofar.floats().expect("they are floats");
        lines(&floats, (before, size, 1), |outer, _, line| made[outer] = f(line));
        let mut shape: Vec<usize> = Vec::new();
        for (axis, size) in input.shape.iter().enumerate() {
            match axes.contains(&axis) {
                true if keep => shape.push(1),
                true => {}
                false => shape.push(*size),
            }
        }
        Ok(vec![Tensor::new(shape, like(input, made))?])
    })
}

/// Moves axes behind the others and makes one of them.
fn together_last(tensor: &Tensor, axes: &[usize]) -> Result<Tensor, String> {
    let others: Vec<usize> = (0..tensor.shape.len()).filter(|axis| !axes.contains(axis)).collect();
    let order: Vec<usize> = others.iter().chain(axes).copied().collect();
    let turned = super::shape::permuted(tensor, &order)?;
    let mut shape: Vec<usize> = others.iter().map(|axis| tensor.shape[*axis]).collect();
    shape.push(axes.iter().map(|axis| tensor.shape[*axis]).product());
    Tensor::new(shape, turned.values)
}

fn extreme(spec: &Spec, better: fn(f64, f64) -> bool) -> Op {
    let (axis, keep) = (spec.int("axis", 0), spec.int("keepdims", 1) != 0);
    let last = spec.int("select_last_index", 0) != 0;
    Box::new(move |inputs| {
        let input = need(inputs, 0)?;
        let around = input.around(axis)?;
        if around.1 == 0 {
            return Err("there is nothing along this axis".to_owned());
        }
        let mut made = Vec::with_capacity(around.0 * around.2);
        let floats = input.floats().ok_or("numbers are needed here")?;
        lines(&floats, around, |_, _, line| {
            let mut best = 0;
            for (at, value) in line.iter().enumerate() {
                if better(*value, line[best]) || last && *value == line[best] {
                    best = at;
                }
            }
            made.push(best as i64);
        });
        let at = place(axis, input.shape.len())?;
        let mut shape = input.shape.clone();
        if keep {
            shape[at] = 1;
        } else {
            shape.remove(at);
        }
        Ok(vec![Tensor::new(shape, Values::I64(made))?])
    })
}

/// Before version 13 all axes from the given one on are one.
fn softmax(spec: &Spec, f: fn(f64, f64, f64) -> f64) -> Op {
    let old = spec.opset < 13;
    let axis = spec.int("axis", if old { 1 } else { -1 });
    Box::new(move |inputs| {
        let input = need(inputs, 0)?;
        let (before, size, behind) = input.around(axis)?;
        let around = if old { (before, size * behind, 1) } else { (before, size, behind) };
        let floats = input.floats().ok_or("numbers are needed here")?;
        let mut made = vec![0.0; floats.len()];
        lines(&floats, around, |outer, inner, line| {
            let largest = line.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let total: f64 = line.iter().map(|x| exp(x - largest)).sum();
            for (at, x) in line.iter().enumerate() {
                made[(outer * around.1 + at) * around.2 + inner] = f(*x, largest, total);
            }
        });
        Ok(vec![Tensor::new(input.shape.clone(), like(input, made))?])
    })
}

/// The first `k` along an axis in order; of equals the one that stands first.
fn topk(spec: &Spec) -> Op {
    let (axis, largest) = (spec.int("axis", -1), spec.int("largest", 1) != 0);
    Box::new(move |inputs| {
        let input = need(inputs, 0)?;
        let around = input.around(axis)?;
        let k = need(inputs, 1)?.ints()?.first().and_then(|k| usize::try_from(*k).ok()).filter(|k| *k <= around.1);
        let k = k.ok_or("more is asked for than there is along this axis")?;
        let floats = input.floats().ok_or("numbers are needed here")?;
        let total = around.0 * k * around.2;
        let (mut values, mut places) = (vec![0.0; total], vec![0; total]);
        lines(&floats, around, |outer, inner, line| {
            let mut order: Vec<usize> = (0..line.len()).collect();
            order.sort_by(|a, b| {
                let order = line[*a].total_cmp(&line[*b]);
                if largest { order.reverse() } else { order }
            });
            for (nth, at) in order[..k].iter().enumerate() {
                let to = (outer * k + nth) * around.2 + inner;
                values[to] = line[*at];
                places[to] = *at as i64;
            }
        });
        let mut shape = input.shape.clone();
        let at = place(axis, shape.len())?;
        shape[at] = k;
        Ok(vec![Tensor::new(shape.clone(), like(input, values))?, Tensor::new(shape, Values::I64(places))?])
    })
}
