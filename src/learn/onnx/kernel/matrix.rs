//! Products of matrices. Each row of a product is summed in one order, whatever rows stand beside it.

use super::super::spec::{Op, Spec, maybe, need};
use super::super::tensor::{Tensor, Values, count, repeated};

pub(super) fn op(name: &str, spec: &Spec) -> Option<Result<Op, String>> {
    let made: Op = match name {
        "MatMul" => Box::new(|inputs| Ok(vec![product(need(inputs, 0)?, need(inputs, 1)?)?])),
        "Gemm" => gemm(spec),
        "BatchNormalization" => normalization(spec),
        _ => return None,
    };
    Some(Ok(made))
}

trait Number: Copy + std::ops::Add<Output = Self> + std::ops::Mul<Output = Self> + std::ops::AddAssign {
    const ZERO: Self;
}

impl Number for f32 {
    const ZERO: Self = 0.0;
}

impl Number for f64 {
    const ZERO: Self = 0.0;
}

/// (rows × inner) · (inner × columns): a row's sums run over `inner` in order.
fn multiply<T: Number>(a: &[T], b: &[T], inner: usize, columns: usize) -> Vec<T> {
    let rows = a.len().checked_div(inner).unwrap_or(0);
    let mut made = vec![T::ZERO; rows * columns];
    if columns == 0 {
        return made;
    }
    for (row, into) in a.chunks_exact(inner.max(1)).zip(made.chunks_exact_mut(columns)) {
        for (value, line) in row.iter().zip(b.chunks_exact(columns)) {
            for (to, factor) in into.iter_mut().zip(line) {
                *to += *value * *factor;
            }
        }
    }
    made
}

/// The left side may have more axes of rows; the right side is a matrix or a vector.
fn product(a: &Tensor, b: &Tensor) -> Result<Tensor, String> {
    let (inner, columns) = match b.shape[..] {
        [inner] => (inner, 1),
        [inner, columns] => (inner, columns),
        _ => return Err("products of more than two axes aren't known here".to_owned()),
    };
    if a.shape.last() != Some(&inner) {
        return Err(format!("a product of shapes {:?} and {:?}", a.shape, b.shape));
    }
    let mut shape = a.shape[..a.shape.len() - 1].to_vec();
    if b.shape.len() == 2 {
        shape.push(columns);
    }
    // Before memory is taken.
    count(&shape)?;
    let values = match (&a.values, &b.values) {
        (Values::F32(x), Values::F32(y)) => Values::F32(multiply(x, y, inner, columns)),
        (Values::F64(x), Values::F64(y)) => Values::F64(multiply(x, y, inner, columns)),
        _ => return Err("a product takes two of one type of floats".to_owned()),
    };
    Tensor::new(shape, values)
}

fn turned<T: Copy>(values: &[T], rows: usize, columns: usize) -> Vec<T> {
    (0..columns).flat_map(|column| (0..rows).map(move |row| values[row * columns + column])).collect()
}

/// A matrix turned over, if it shall be.
pub(super) fn transposed(tensor: &Tensor, turn: bool) -> Result<Tensor, String> {
    let [rows, columns] = tensor.shape[..] else {
        return Err("a matrix is needed here".to_owned());
    };
    if !turn {
        return Ok(tensor.clone());
    }
    let values = match &tensor.values {
        Values::F32(values) => Values::F32(turned(values, rows, columns)),
        Values::F64(values) => Values::F64(turned(values, rows, columns)),
        Values::I64(values) => Values::I64(turned(values, rows, columns)),
        _ => return Err("a matrix of numbers is needed here".to_owned()),
    };
    Tensor::new(vec![columns, rows], values)
}

/// alpha · A · B + beta · C.
fn gemm(spec: &Spec) -> Op {
    let (alpha, beta) = (spec.float("alpha", 1.0), spec.float("beta", 1.0));
    let (turn_a, turn_b) = (spec.int("transA", 0) != 0, spec.int("transB", 0) != 0);
    Box::new(move |inputs| {
        let mut made = product(&transposed(need(inputs, 0)?, turn_a)?, &transposed(need(inputs, 1)?, turn_b)?)?;
        let plus = maybe(inputs, 2);
        match &mut made.values {
            Values::F32(values) => {
                let plus = plus.map(|c| match &c.values {
                    Values::F32(own) => repeats(own, c, &made.shape),
                    _ => Err("values of two types are added".to_owned()),
                });
                finish(values, alpha as f32, beta as f32, plus.transpose()?);
            }
            Values::F64(values) => {
                let plus = plus.map(|c| match &c.values {
                    Values::F64(own) => repeats(own, c, &made.shape),
                    _ => Err("values of two types are added".to_owned()),
                });
                finish(values, alpha, beta, plus.transpose()?);
            }
            _ => unreachable!("a product is of floats"),
        }
        Ok(vec![made])
    })
}

fn repeats<T: Copy>(own: &[T], of: &Tensor, shape: &[usize]) -> Result<Vec<T>, String> {
    if super::super::tensor::together(&of.shape, shape)? != shape {
        return Err(format!("shapes {:?} and {shape:?} don't go together", of.shape));
    }
    Ok(repeated(own, &of.shape, shape).into_owned())
}

fn finish<T: Number>(values: &mut [T], alpha: T, beta: T, plus: Option<Vec<T>>) {
    for value in values.iter_mut() {
        *value = *value * alpha;
    }
    for (value, plus) in values.iter_mut().zip(plus.unwrap_or_default()) {
        *value += plus * beta;
    }
}

/// As learned: (x - mean) / √(variance + ε) · scale + shift, for each column.
fn normalization(spec: &Spec) -> Op {
    let epsilon = spec.float("epsilon", 1e-5);
    Box::new(move |inputs| {
        let input = need(inputs, 0)?;
        let [_, columns] = input.shape[..] else {
            return Err("only rows of columns are normalized here".to_owned());
        };
        let learned = |nth: usize| -> Result<Vec<f64>, String> {
            let found = need(inputs, nth)?.floats().ok_or("numbers are needed here")?.into_owned();
            if found.len() == columns { Ok(found) } else { Err("one value a column is needed".to_owned()) }
        };
        let (scale, shift, mean, variance) = (learned(1)?, learned(2)?, learned(3)?, learned(4)?);
        let floats = input.floats().ok_or("numbers are needed here")?;
        let made = floats.iter().enumerate().map(|(at, x)| {
            let column = at % columns;
            (x - mean[column]) / (variance[column] + epsilon).sqrt() * scale[column] + shift[column]
        });
        let values = match &input.values {
            Values::F32(_) => Values::F32(made.map(|x| x as f32).collect()),
            _ => Values::F64(made.collect()),
        };
        Ok(vec![Tensor::new(input.shape.clone(), values)?])
    })
}
