//! Operators that move values without changing them.

use super::super::spec::{Op, Spec, maybe, need};
use super::super::tensor::{Tensor, Values, count, each, place, repeated, together};
use super::arithmetic::reshaped;

pub(super) fn op(name: &str, spec: &Spec) -> Option<Result<Op, String>> {
    let axis = spec.int("axis", 0);
    let axes = spec.ints("axes");
    Some(Ok(match name {
        "Constant" => return Some(constant(spec)),
        "ConstantOfShape" => return Some(filled(spec)),
        "Reshape" => {
            let zero = spec.int("allowzero", 0) != 0;
            Box::new(move |inputs| reshape(need(inputs, 0)?, need(inputs, 1)?.ints()?, zero))
        }
        "Flatten" => {
            let axis = spec.int("axis", 1);
            Box::new(move |inputs| flatten(need(inputs, 0)?, axis))
        }
        "Squeeze" => Box::new(move |inputs| squeeze(need(inputs, 0)?, said(inputs, axes.as_ref())?)),
        "Unsqueeze" => Box::new(move |inputs| {
            let axes = said(inputs, axes.as_ref())?.ok_or("no axes are said")?;
            unsqueeze(need(inputs, 0)?, &axes)
        }),
        "Transpose" => {
            let order = spec.ints("perm");
            Box::new(move |inputs| {
                let input = need(inputs, 0)?;
                let order = match &order {
                    Some(order) => {
                        order.iter().map(|axis| place(*axis, input.shape.len())).collect::<Result<_, _>>()?
                    }
                    None => (0..input.shape.len()).rev().collect::<Vec<_>>(),
                };
                Ok(vec![permuted(input, &order)?])
            })
        }
        "Concat" => Box::new(move |inputs| concat(inputs, axis)),
        "Gather" => Box::new(move |inputs| Ok(vec![gather(need(inputs, 0)?, need(inputs, 1)?, axis)?])),
        "Slice" => {
            let (starts, ends) = (spec.ints("starts"), spec.ints("ends"));
            Box::new(move |inputs| slice(inputs, starts.as_ref(), ends.as_ref(), axes.as_ref()))
        }
        "Split" => {
            let sizes = spec.ints("split");
            let parts = spec.node.output.len();
            Box::new(move |inputs| split(need(inputs, 0)?, axis, said(inputs, sizes.as_ref())?, parts))
        }
        "Shape" => Box::new(|inputs| {
            let sizes: Vec<i64> = need(inputs, 0)?.shape.iter().map(|size| *size as i64).collect();
            Ok(vec![Tensor::new(vec![sizes.len()], Values::I64(sizes))?])
        }),
        "Expand" => Box::new(|inputs| {
            let input = need(inputs, 0)?;
            let shape = together(&input.shape, &sizes(need(inputs, 1)?.ints()?)?)?;
            let values = each!(&input.values, values => repeated(values, &input.shape, &shape).into_owned());
            Ok(vec![Tensor::new(shape.clone(), values)?])
        }),
        _ => return None,
    }))
}

/// What is an input since some version and was a setting before.
fn said(inputs: &[Option<&Tensor>], setting: Option<&Vec<i64>>) -> Result<Option<Vec<i64>>, String> {
    match maybe(inputs, 1) {
        Some(tensor) => Ok(Some(tensor.ints()?.to_vec())),
        None => Ok(setting.cloned()),
    }
}

fn sizes(found: &[i64]) -> Result<Vec<usize>, String> {
    found.iter().map(|size| usize::try_from(*size).map_err(|_| "a negative size".to_owned())).collect()
}

fn constant(spec: &Spec) -> Result<Op, String> {
    let made = if let Some(proto) = spec.tensor("value") {
        Tensor::read(proto)?
    } else if spec.has("value_float") {
        Tensor::new(vec![], Values::F32(vec![spec.float("value_float", 0.0) as f32]))?
    } else if spec.has("value_int") {
        Tensor::new(vec![], Values::I64(vec![spec.int("value_int", 0)]))?
    } else if let Some(ints) = spec.ints("value_ints") {
        Tensor::new(vec![ints.len()], Values::I64(ints))?
    } else if let Some(floats) = spec.floats("value_floats") {
        Tensor::new(vec![floats.len()], Values::F32(floats.into_iter().map(|x| x as f32).collect()))?
    } else {
        return Err("a constant of a kind that isn't known here".to_owned());
    };
    Ok(Box::new(move |_| Ok(vec![made.clone()])))
}

fn filled(spec: &Spec) -> Result<Op, String> {
    let value = match spec.tensor("value") {
        Some(proto) => Tensor::read(proto)?,
        None => Tensor::new(vec![1], Values::F32(vec![0.0]))?,
    };
    Ok(Box::new(move |inputs| {
        let shape = sizes(need(inputs, 0)?.ints()?)?;
        let total = count(&shape)?;
        if value.values.len() == 0 {
            return Err("a constant without a value".to_owned());
        }
        let values = each!(&value.values, values => picked(values, &vec![0; total]));
        Ok(vec![Tensor::new(shape, values)?])
    }))
}

fn reshape(input: &Tensor, wanted: &[i64], zero: bool) -> Result<Vec<Tensor>, String> {
    let mut shape = Vec::new();
    for (axis, size) in wanted.iter().enumerate() {
        shape.push(match size {
            0 if !zero => *input.shape.get(axis).ok_or("a shape with more axes than there are")?,
            -1 => 1,
            size => usize::try_from(*size).map_err(|_| "a negative size".to_owned())?,
        });
    }
    if let Some(free) = wanted.iter().position(|size| *size == -1) {
        let rest = count(&shape)?;
        shape[free] = input.values.len().checked_div(rest).unwrap_or(0);
    }
    reshaped(input, shape)
}

fn flatten(input: &Tensor, axis: i64) -> Result<Vec<Tensor>, String> {
    let axis = if axis < 0 { axis + input.shape.len() as i64 } else { axis };
    let axis = usize::try_from(axis).ok().filter(|axis| *axis <= input.shape.len()).ok_or("there is no such axis")?;
    let (before, behind) = input.shape.split_at(axis);
    reshaped(input, vec![before.iter().product(), behind.iter().product()])
}

fn squeeze(input: &Tensor, axes: Option<Vec<i64>>) -> Result<Vec<Tensor>, String> {
    let gone: Vec<usize> = match axes {
        Some(axes) => axes.iter().map(|axis| place(*axis, input.shape.len())).collect::<Result<_, _>>()?,
        None => (0..input.shape.len()).filter(|axis| input.shape[*axis] == 1).collect(),
    };
    if gone.iter().any(|axis| input.shape[*axis] != 1) {
        return Err(format!("an axis of shape {:?} can't be taken away", input.shape));
    }
    let kept = input.shape.iter().enumerate().filter(|(axis, _)| !gone.contains(axis));
    reshaped(input, kept.map(|(_, size)| *size).collect())
}

fn unsqueeze(input: &Tensor, axes: &[i64]) -> Result<Vec<Tensor>, String> {
    let total = input.shape.len() + axes.len();
    let fresh = axes.iter().map(|axis| place(*axis, total)).collect::<Result<Vec<_>, _>>()?;
    let mut sizes = input.shape.iter();
    let mut shape = Vec::new();
    for axis in 0..total {
        let next = if fresh.contains(&axis) { Some(&1) } else { sizes.next() };
        shape.push(*next.ok_or("an axis is added twice")?);
    }
    reshaped(input, shape)
}

/// The values at some places.
fn picked<T: Clone>(values: &[T], places: &[usize]) -> Vec<T> {
    places.iter().map(|at| values[*at].clone()).collect()
}

/// The same values with the axes in another order.
pub(super) fn permuted(input: &Tensor, order: &[usize]) -> Result<Tensor, String> {
    let axes = input.shape.len();
    if order.len() != axes || (0..axes).any(|axis| !order.contains(&axis)) {
        return Err(format!("{order:?} isn't an order of {axes} axes"));
    }
    let mut strides = vec![1; axes];
    for axis in (1..axes).rev() {
        strides[axis - 1] = strides[axis] * input.shape[axis];
    }
    let shape: Vec<usize> = order.iter().map(|axis| input.shape[*axis]).collect();
    let total = count(&shape)?;
    let mut places = Vec::with_capacity(total);
    for nth in 0..total {
        let (mut rest, mut at) = (nth, 0);
        for (axis, size) in shape.iter().enumerate().rev() {
            at += rest % size * strides[order[axis]];
            rest /= size;
        }
        places.push(at);
    }
    let values = each!(&input.values, values => picked(values, &places));
    Tensor::new(shape, values)
}

fn concat(inputs: &[Option<&Tensor>], axis: i64) -> Result<Vec<Tensor>, String> {
    let parts = (0..inputs.len()).map(|nth| need(inputs, nth)).collect::<Result<Vec<_>, _>>()?;
    let first = *parts.first().ok_or("there is nothing to join")?;
    let at = place(axis, first.shape.len())?;
    let (before, _, behind) = first.around(axis)?;
    let mut shape = first.shape.clone();
    for part in &parts[1..] {
        let mut other = part.shape.clone();
        let size = *other.get(at).ok_or("parts of different shapes are joined")?;
        other[at] = first.shape[at];
        if other != first.shape {
            return Err("parts of different shapes are joined".to_owned());
        }
        shape[at] += size;
    }
    macro_rules! join {
        ($kind:ident) => {{
            let mut own = Vec::new();
            for part in &parts {
                match &part.values {
                    Values::$kind(values) => own.push((values, part.shape[at] * behind)),
                    _ => return Err("parts of different types are joined".to_owned()),
                }
            }
            let mut all = Vec::with_capacity(count(&shape)?);
            for outer in 0..before {
                for (values, size) in &own {
                    all.extend_from_slice(&values[outer * size..(outer + 1) * size]);
                }
            }
            Values::$kind(all)
        }};
    }
    let values = match first.values {
        Values::F32(_) => join!(F32),
        Values::F64(_) => join!(F64),
        Values::I64(_) => join!(I64),
        Values::Bool(_) => join!(Bool),
        Values::Str(_) => join!(Str),
    };
    Ok(vec![Tensor::new(shape, values)?])
}

/// The slices of an axis that indexes ask for.
pub(super) fn gather(input: &Tensor, indexes: &Tensor, axis: i64) -> Result<Tensor, String> {
    let at = place(axis, input.shape.len())?;
    let (before, size, behind) = input.around(axis)?;
    let places = indexes.ints()?.iter().map(|index| place(*index, size)).collect::<Result<Vec<_>, _>>()?;
    let mut shape = input.shape[..at].to_vec();
    shape.extend(&indexes.shape);
    shape.extend(&input.shape[at + 1..]);
    let total = count(&shape)?;
    let values = each!(&input.values, values => {
        let mut all = Vec::with_capacity(total);
        for outer in 0..before {
            for place in &places {
                let from = (outer * size + place) * behind;
                all.extend_from_slice(&values[from..from + behind]);
            }
        }
        all
    });
    Tensor::new(shape, values)
}

/// Settings before version 10, inputs from then on.
fn slice(
    inputs: &[Option<&Tensor>],
    starts: Option<&Vec<i64>>,
    ends: Option<&Vec<i64>>,
    axes: Option<&Vec<i64>>,
) -> Result<Vec<Tensor>, String> {
    let input = need(inputs, 0)?;
    let told = |nth: usize, setting: Option<&Vec<i64>>| -> Result<Option<Vec<i64>>, String> {
        match maybe(inputs, nth) {
            Some(tensor) => Ok(Some(tensor.ints()?.to_vec())),
            None => Ok(setting.cloned()),
        }
    };
    let starts = told(1, starts)?.ok_or("no start is said")?;
    let ends = told(2, ends)?.ok_or("no end is said")?;
    let axes = told(3, axes)?.unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = told(4, None)?.unwrap_or_else(|| vec![1; starts.len()]);
    if ends.len() != starts.len() || axes.len() != starts.len() || steps.len() != starts.len() {
        return Err("a slice with more starts than ends".to_owned());
    }
    let mut made = input.clone();
    for (nth, axis) in axes.iter().enumerate() {
        let size = made.shape[place(*axis, made.shape.len())?] as i64;
        let step = steps[nth];
        if step == 0 {
            return Err("a slice with a step of 0".to_owned());
        }
        let bound = |at: i64| if at < 0 { at.saturating_add(size) } else { at };
        let mut indexes = Vec::new();
        if step > 0 {
            let (mut at, end) = (bound(starts[nth]).clamp(0, size), bound(ends[nth]).clamp(0, size));
            while at < end {
                indexes.push(at);
                at = at.saturating_add(step);
            }
        } else {
            let (mut at, end) = (bound(starts[nth]).clamp(-1, size - 1), bound(ends[nth]).clamp(-1, size - 1));
            while at > end {
                indexes.push(at);
                at = at.saturating_add(step);
            }
        }
        made = gather(&made, &Tensor::new(vec![indexes.len()], Values::I64(indexes))?, *axis)?;
    }
    Ok(vec![made])
}

fn split(input: &Tensor, axis: i64, sizes: Option<Vec<i64>>, parts: usize) -> Result<Vec<Tensor>, String> {
    let (_, size, _) = input.around(axis)?;
    let even = size.div_ceil(parts.max(1));
    let sizes = match sizes {
        Some(sizes) => self::sizes(&sizes)?,
        None => (0..parts).map(|nth| even.min(size.saturating_sub(nth * even))).collect(),
    };
    let total = sizes.iter().try_fold(0usize, |total, part| total.checked_add(*part));
    if sizes.len() != parts || total != Some(size) {
        return Err("the parts don't make the whole".to_owned());
    }
    let mut from = 0;
    sizes
        .into_iter()
        .map(|part| {
            let indexes: Vec<i64> = (from..from + part).map(|at| at as i64).collect();
            from += part;
            gather(input, &Tensor::new(vec![part], Values::I64(indexes))?, axis)
        })
        .collect()
}
