//! Arrays of numbers, truths or texts, as they flow between operators.

use std::borrow::Cow;
use std::sync::Arc;

use super::proto::{TensorProto, element};

/// The most values that one tensor may have: a file from outside can't ask for all memory.
pub(super) const MOST: usize = 1 << 27;

/// Values of one type. Integers of all sizes are 64 bits wide.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// 32-bit floats.
    F32(Vec<f32>),
    /// 64-bit floats.
    F64(Vec<f64>),
    /// Integers.
    I64(Vec<i64>),
    /// Truths.
    Bool(Vec<bool>),
    /// Texts.
    Str(Vec<Arc<str>>),
}

/// Applies one expression to the vector within, whatever its type.
macro_rules! each {
    ($values:expr, $name:ident => $body:expr) => {
        match $values {
            $crate::learn::onnx::tensor::Values::F32($name) => $crate::learn::onnx::tensor::Values::F32($body),
            $crate::learn::onnx::tensor::Values::F64($name) => $crate::learn::onnx::tensor::Values::F64($body),
            $crate::learn::onnx::tensor::Values::I64($name) => $crate::learn::onnx::tensor::Values::I64($body),
            $crate::learn::onnx::tensor::Values::Bool($name) => $crate::learn::onnx::tensor::Values::Bool($body),
            $crate::learn::onnx::tensor::Values::Str($name) => $crate::learn::onnx::tensor::Values::Str($body),
        }
    };
}
pub(super) use each;

impl Values {
    /// How many.
    pub(in crate::learn::onnx) fn len(&self) -> usize {
        match self {
            Values::F32(values) => values.len(),
            Values::F64(values) => values.len(),
            Values::I64(values) => values.len(),
            Values::Bool(values) => values.len(),
            Values::Str(values) => values.len(),
        }
    }
}

/// An array: values in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Its size along each axis; none for a single value.
    pub shape: Vec<usize>,
    /// As many as the sizes' product.
    pub values: Values,
}

/// How many values a shape has, if they aren't too many. An axis of none hides no other that is too long.
pub(super) fn count(shape: &[usize]) -> Result<usize, String> {
    let count = shape.iter().try_fold(1usize, |count, size| count.checked_mul((*size).max(1)));
    let count =
        count.filter(|count| *count <= MOST).ok_or_else(|| format!("a tensor of shape {shape:?} is too large"))?;
    Ok(if shape.contains(&0) { 0 } else { count })
}

impl Tensor {
    /// # Errors
    /// If the values are more or fewer than the shape has.
    pub fn new(shape: Vec<usize>, values: Values) -> Result<Self, String> {
        let wanted = count(&shape)?;
        if values.len() != wanted {
            return Err(format!("{} values don't make a tensor of shape {shape:?}", values.len()));
        }
        Ok(Self { shape, values })
    }

    /// A constant of a file.
    ///
    /// # Errors
    /// If it isn't whole, or of a type that isn't known here.
    pub fn read(proto: &TensorProto) -> Result<Self, String> {
        if proto.data_location != 0 || !proto.external_data.is_empty() {
            return Err(format!("the values of `{}` are kept in another file", proto.name));
        }
        let shape = proto.dims.iter().map(|size| usize::try_from(*size));
        let shape: Vec<usize> = shape.collect::<Result<_, _>>().map_err(|_| "a negative size".to_owned())?;
        count(&shape)?;
        let values = read_values(proto).ok_or_else(|| {
            format!("`{}` holds elements of type {}, which isn't known here", proto.name, proto.data_type)
        })?;
        Self::new(shape, values)
    }

    /// As floats of 64 bits, whatever numbers they are; `None` for texts.
    pub fn floats(&self) -> Option<Cow<'_, [f64]>> {
        Some(match &self.values {
            Values::F64(values) => Cow::Borrowed(values),
            Values::F32(values) => values.iter().map(|value| f64::from(*value)).collect(),
            Values::I64(values) => values.iter().map(|value| *value as f64).collect(),
            Values::Bool(values) => values.iter().map(|value| f64::from(u8::from(*value))).collect(),
            Values::Str(_) => return None,
        })
    }

    /// As integers, if that is what they are.
    pub fn ints(&self) -> Result<&[i64], String> {
        match &self.values {
            Values::I64(values) => Ok(values),
            _ => Err("integers are needed here".to_owned()),
        }
    }

    /// The sizes before, along and behind an axis, which counts from the end if it is negative.
    pub fn around(&self, axis: i64) -> Result<(usize, usize, usize), String> {
        let at = place(axis, self.shape.len())?;
        Ok((self.shape[..at].iter().product(), self.shape[at], self.shape[at + 1..].iter().product()))
    }
}

/// An axis that may count from the end.
pub(super) fn place(axis: i64, axes: usize) -> Result<usize, String> {
    let at = if axis < 0 { axis + axes as i64 } else { axis };
    usize::try_from(at).ok().filter(|at| *at < axes).ok_or_else(|| format!("there is no axis {axis} among {axes}"))
}

fn read_values(proto: &TensorProto) -> Option<Values> {
    let raw = &proto.raw_data;
    let ints = || proto.int32_data.iter().map(|value| i64::from(*value)).collect();
    macro_rules! raw_ints {
        ($of:ty, $size:literal) => {
            if raw.is_empty() {
                ints()
            } else {
                pieces::<$size>(raw).map(|bytes| <$of>::from_le_bytes(bytes) as i64).collect()
            }
        };
    }
    Some(match proto.data_type {
        element::FLOAT if raw.is_empty() => Values::F32(proto.float_data.clone()),
        element::FLOAT => Values::F32(pieces(raw).map(f32::from_le_bytes).collect()),
        element::DOUBLE if raw.is_empty() => Values::F64(proto.double_data.clone()),
        element::DOUBLE => Values::F64(pieces(raw).map(f64::from_le_bytes).collect()),
        element::INT64 if raw.is_empty() => Values::I64(proto.int64_data.clone()),
        element::INT64 => Values::I64(pieces(raw).map(i64::from_le_bytes).collect()),
        element::UINT32 if raw.is_empty() => Values::I64(proto.uint64_data.iter().map(|value| *value as i64).collect()),
        element::UINT32 => Values::I64(pieces(raw).map(|bytes| i64::from(u32::from_le_bytes(bytes))).collect()),
        element::INT32 => Values::I64(raw_ints!(i32, 4)),
        element::INT16 => Values::I64(raw_ints!(i16, 2)),
        element::UINT16 => Values::I64(raw_ints!(u16, 2)),
        element::INT8 => Values::I64(raw_ints!(i8, 1)),
        element::UINT8 => Values::I64(raw_ints!(u8, 1)),
        element::BOOL if raw.is_empty() => Values::Bool(proto.int32_data.iter().map(|value| *value != 0).collect()),
        element::BOOL => Values::Bool(raw.iter().map(|byte| *byte != 0).collect()),
        element::STRING => {
            let texts = proto.string_data.iter().map(|bytes| String::from_utf8_lossy(bytes).as_ref().into());
            Values::Str(texts.collect())
        }
        _ => return None,
    })
}

fn pieces<const N: usize>(raw: &[u8]) -> impl Iterator<Item = [u8; N]> {
    raw.chunks_exact(N).map(|bytes| bytes.try_into().expect("a piece of that size"))
}

/// The shape that two have together: sizes are equal, or one is 1 and repeats.
pub(super) fn together(a: &[usize], b: &[usize]) -> Result<Vec<usize>, String> {
    let axes = a.len().max(b.len());
    let size = |shape: &[usize], axis: usize| (axis + shape.len()).checked_sub(axes).map_or(1, |at| shape[at]);
    let sizes = (0..axes).map(|axis| match (size(a, axis), size(b, axis)) {
        (a, b) if a == b || b == 1 => Ok(a),
        (1, b) => Ok(b),
        _ => Err(format!("shapes {a:?} and {b:?} don't go together")),
    });
    let shape: Vec<usize> = sizes.collect::<Result<_, _>>()?;
    count(&shape)?;
    Ok(shape)
}

/// The values of a shape repeated to fill a larger one that goes together with it.
pub(super) fn repeated<'a, T: Clone>(values: &'a [T], shape: &[usize], to: &[usize]) -> Cow<'a, [T]> {
    if shape == to {
        return Cow::Borrowed(values);
    }
    let mut strides = vec![0; to.len()];
    let mut stride = 1;
    for (axis, size) in shape.iter().enumerate().rev() {
        strides[axis + to.len() - shape.len()] = if *size == 1 { 0 } else { stride };
        stride *= size;
    }
    let total: usize = to.iter().product();
    let mut filled = Vec::with_capacity(total);
    let (mut at, mut index) = (0, vec![0; to.len()]);
    while filled.len() < total {
        filled.push(values[at].clone());
        for axis in (0..to.len()).rev() {
            index[axis] += 1;
            at += strides[axis];
            if index[axis] < to[axis] {
                break;
            }
            at -= strides[axis] * to[axis];
            index[axis] = 0;
        }
    }
    Cow::Owned(filled)
}
