//! Operators on each value by itself or with its partner: arithmetic, comparison, logic, choice, casts.

use super::super::proto::element;
use super::super::spec::{Op, Spec, need};
use super::super::tensor::{Tensor, Values, each, repeated, together};
use crate::data::elementary::powf;

pub(super) fn op(name: &str, spec: &Spec) -> Option<Result<Op, String>> {
    let made: Op = match name {
        "Add" => numbers(|a, b| a + b, |a, b| a + b, |a, b| Some(a.wrapping_add(b))),
        "Sub" => numbers(|a, b| a - b, |a, b| a - b, |a, b| Some(a.wrapping_sub(b))),
        "Mul" => numbers(|a, b| a * b, |a, b| a * b, |a, b| Some(a.wrapping_mul(b))),
        "Div" => numbers(|a, b| a / b, |a, b| a / b, i64::checked_div),
        "Mod" if spec.int("fmod", 0) == 1 => numbers(|a, b| a % b, |a, b| a % b, i64::checked_rem),
        "Pow" => {
            numbers(|a, b| powf(a.into(), b.into()) as f32, powf, |a, b| Some(a.wrapping_pow(u32::try_from(b).ok()?)))
        }
        "Equal" => compare(|order| order.is_some_and(std::cmp::Ordering::is_eq)),
        "Less" => compare(|order| order.is_some_and(std::cmp::Ordering::is_lt)),
        "LessOrEqual" => compare(|order| order.is_some_and(std::cmp::Ordering::is_le)),
        "Greater" => compare(|order| order.is_some_and(std::cmp::Ordering::is_gt)),
        "GreaterOrEqual" => compare(|order| order.is_some_and(std::cmp::Ordering::is_ge)),
        "And" => logic(|a, b| a && b),
        "Or" => logic(|a, b| a || b),
        "Xor" => logic(|a, b| a != b),
        "Not" => Box::new(|inputs| {
            let input = need(inputs, 0)?;
            Ok(vec![Tensor::new(input.shape.clone(), Values::Bool(truths(input)?.iter().map(|flag| !flag).collect()))?])
        }),
        "Where" => Box::new(|inputs| choose(need(inputs, 0)?, need(inputs, 1)?, need(inputs, 2)?)),
        "Max" => among(|a, b| if a >= b || a.is_nan() { a } else { b }),
        "Min" => among(|a, b| if a <= b || a.is_nan() { a } else { b }),
        "Cast" => {
            let to = spec.int("to", 0) as i32;
            Box::new(move |inputs| Ok(vec![cast(need(inputs, 0)?, to)?]))
        }
        "Identity" | "Dropout" => Box::new(|inputs| Ok(vec![need(inputs, 0)?.clone()])),
        _ => return None,
    };
    Some(Ok(made))
}

fn numbers(small: fn(f32, f32) -> f32, large: fn(f64, f64) -> f64, int: fn(i64, i64) -> Option<i64>) -> Op {
    Box::new(move |inputs| {
        let (a, b) = (need(inputs, 0)?, need(inputs, 1)?);
        let shape = together(&a.shape, &b.shape)?;
        let values = match (&a.values, &b.values) {
            (Values::F32(x), Values::F32(y)) => Values::F32(pairs(x, a, y, b, &shape, small)),
            (Values::F64(x), Values::F64(y)) => Values::F64(pairs(x, a, y, b, &shape, large)),
            (Values::I64(x), Values::I64(y)) => {
                let made: Option<Vec<i64>> = pairs(x, a, y, b, &shape, int).into_iter().collect();
                Values::I64(made.ok_or("integers are divided by zero")?)
            }
            _ => return Err("arithmetic takes two of one type of numbers".to_owned()),
        };
        Ok(vec![Tensor::new(shape, values)?])
    })
}

fn pairs<T: Copy, U: Copy, R>(
    x: &[T],
    a: &Tensor,
    y: &[U],
    b: &Tensor,
    shape: &[usize],
    f: impl Fn(T, U) -> R,
) -> Vec<R> {
    let (x, y) = (repeated(x, &a.shape, shape), repeated(y, &b.shape, shape));
    x.iter().zip(y.iter()).map(|(x, y)| f(*x, *y)).collect()
}

fn compare(test: fn(Option<std::cmp::Ordering>) -> bool) -> Op {
    Box::new(move |inputs| {
        let (a, b) = (need(inputs, 0)?, need(inputs, 1)?);
        let shape = together(&a.shape, &b.shape)?;
        let found = match (&a.values, &b.values) {
            (Values::F32(x), Values::F32(y)) => pairs(x, a, y, b, &shape, |x, y| test(x.partial_cmp(&y))),
            (Values::F64(x), Values::F64(y)) => pairs(x, a, y, b, &shape, |x, y| test(x.partial_cmp(&y))),
            (Values::I64(x), Values::I64(y)) => pairs(x, a, y, b, &shape, |x, y| test(x.partial_cmp(&y))),
            (Values::Bool(x), Values::Bool(y)) => pairs(x, a, y, b, &shape, |x, y| test(x.partial_cmp(&y))),
            (Values::Str(x), Values::Str(y)) => {
                let (x, y) = (repeated(x, &a.shape, &shape), repeated(y, &b.shape, &shape));
                x.iter().zip(y.iter()).map(|(x, y)| test(x.partial_cmp(y))).collect()
            }
            _ => return Err("values of two types are compared".to_owned()),
        };
        Ok(vec![Tensor::new(shape, Values::Bool(found))?])
    })
}

fn truths(tensor: &Tensor) -> Result<&[bool], String> {
    match &tensor.values {
        Values::Bool(values) => Ok(values),
        _ => Err("truths are needed here".to_owned()),
    }
}

fn logic(f: fn(bool, bool) -> bool) -> Op {
    Box::new(move |inputs| {
        let (a, b) = (need(inputs, 0)?, need(inputs, 1)?);
        let shape = together(&a.shape, &b.shape)?;
        let made = pairs(truths(a)?, a, truths(b)?, b, &shape, f);
        Ok(vec![Tensor::new(shape, Values::Bool(made))?])
    })
}

fn choose(when: &Tensor, yes: &Tensor, no: &Tensor) -> Result<Vec<Tensor>, String> {
    let shape = together(&together(&yes.shape, &no.shape)?, &when.shape)?;
    let flags = repeated(truths(when)?, &when.shape, &shape);
    macro_rules! pick {
        ($kind:ident, $a:ident, $b:ident) => {{
            let (a, b) = (repeated($a, &yes.shape, &shape), repeated($b, &no.shape, &shape));
            let each = flags.iter().zip(a.iter().zip(b.iter()));
            Values::$kind(each.map(|(flag, (a, b))| if *flag { a } else { b }.clone()).collect())
        }};
    }
    let values = match (&yes.values, &no.values) {
        (Values::F32(a), Values::F32(b)) => pick!(F32, a, b),
        (Values::F64(a), Values::F64(b)) => pick!(F64, a, b),
        (Values::I64(a), Values::I64(b)) => pick!(I64, a, b),
        (Values::Bool(a), Values::Bool(b)) => pick!(Bool, a, b),
        (Values::Str(a), Values::Str(b)) => pick!(Str, a, b),
        _ => return Err("a choice is made between values of two types".to_owned()),
    };
    Ok(vec![Tensor::new(shape, values)?])
}

/// The greatest or least of any number of inputs.
fn among(f: fn(f64, f64) -> f64) -> Op {
    Box::new(move |inputs| {
        let mut sofar = need(inputs, 0)?.clone();
        for nth in 1..inputs.len() {
            let next = need(inputs, nth)?;
            let shape = together(&sofar.shape, &next.shape)?;
            let values = match (&sofar.values, &next.values) {
                (Values::F32(x), Values::F32(y)) => {
                    Values::F32(pairs(x, &sofar, y, next, &shape, |x, y| f(x.into(), y.into()) as f32))
                }
                (Values::F64(x), Values::F64(y)) => Values::F64(pairs(x, &sofar, y, next, &shape, f)),
                (Values::I64(x), Values::I64(y)) => {
                    let pick = |x: i64, y: i64| if (f(1.0, 0.0) == 1.0) == (x > y) { x } else { y };
                    Values::I64(pairs(x, &sofar, y, next, &shape, pick))
                }
                _ => return Err("values of two types are compared".to_owned()),
            };
            sofar = Tensor::new(shape, values)?;
        }
        Ok(vec![sofar])
    })
}

/// A tensor with elements of another type.
pub(in crate::learn::onnx) fn cast(tensor: &Tensor, to: i32) -> Result<Tensor, String> {
    let unknown = || format!("texts aren't cast here, and nothing to type {to}");
    let values = match (&tensor.values, to) {
        (Values::Bool(values), element::STRING) => {
            Values::Str(values.iter().map(|value| if *value { "True".into() } else { "False".into() }).collect())
        }
        (Values::I64(values), element::STRING) => Values::Str(values.iter().map(|v| v.to_string().into()).collect()),
        (Values::Str(_), element::STRING) => tensor.values.clone(),
        (Values::I64(values), element::INT64) => Values::I64(values.clone()),
        (_, element::FLOAT) => Values::F32(tensor.floats().ok_or_else(unknown)?.iter().map(|v| *v as f32).collect()),
        (_, element::DOUBLE) => Values::F64(tensor.floats().ok_or_else(unknown)?.into_owned()),
        (_, element::INT64) => Values::I64(tensor.floats().ok_or_else(unknown)?.iter().map(|v| *v as i64).collect()),
        (_, element::INT32) => {
            let floats = tensor.floats().ok_or_else(unknown)?;
            Values::I64(floats.iter().map(|value| i64::from(*value as i32)).collect())
        }
        (_, element::BOOL) => Values::Bool(tensor.floats().ok_or_else(unknown)?.iter().map(|v| *v != 0.0).collect()),
        _ => return Err(unknown()),
    };
    Tensor::new(tensor.shape.clone(), values)
}

/// The same values in another shape.
pub(super) fn reshaped(tensor: &Tensor, shape: Vec<usize>) -> Result<Vec<Tensor>, String> {
    Ok(vec![Tensor::new(shape, each!(&tensor.values, values => values.clone()))?])
}
