//! Operators that turn labels into other labels, or pick columns.

use std::collections::HashMap;
use std::sync::Arc;

use super::super::spec::{Op, Spec, need};
use super::super::tensor::{Tensor, Values, count};
use super::shape::gather;

pub(super) fn op(name: &str, spec: &Spec) -> Option<Result<Op, String>> {
    match name {
        "LabelEncoder" => Some(encoder(spec)),
        "OneHotEncoder" => Some(one_hot(spec)),
        "ArrayFeatureExtractor" => Some(Ok(Box::new(|inputs| {
            let (input, places) = (need(inputs, 0)?, need(inputs, 1)?);
            let flat = Tensor::new(vec![places.values.len()], places.values.clone())?;
            let mut made = gather(input, &flat, -1)?;
            // The set has it so: a single axis comes out as one row.
            if made.shape.len() == 1 {
                made.shape.insert(0, 1);
            }
            Ok(vec![made])
        }))),
        // Maps of names to probabilities are the same numbers in a dress that nothing here needs.
        "ZipMap" => Some(Ok(Box::new(|inputs| Ok(vec![need(inputs, 0)?.clone()])))),
        _ => None,
    }
}

/// What a label is looked up by.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Key {
    Text(Arc<str>),
    Int(i64),
    /// The bits of a float; NaN is one key.
    Float(u64),
}

fn float_key(value: f64) -> Key {
    Key::Float(if value.is_nan() { f64::NAN.to_bits() } else { (value + 0.0).to_bits() })
}

fn keys(tensor: &Tensor) -> Result<Vec<Key>, String> {
    Ok(match &tensor.values {
        Values::Str(values) => values.iter().map(|text| Key::Text(Arc::clone(text))).collect(),
        Values::I64(values) => values.iter().map(|value| Key::Int(*value)).collect(),
        Values::F32(values) => values.iter().map(|value| float_key((*value).into())).collect(),
        Values::F64(values) => values.iter().map(|value| float_key(*value)).collect(),
        Values::Bool(_) => return Err("truths aren't looked up".to_owned()),
    })
}

fn encoder(spec: &Spec) -> Result<Op, String> {
    let texts = |name: &str| spec.texts(name).filter(|texts| !texts.is_empty());
    let found: Vec<Key> = if let Some(own) = texts("keys_strings") {
        own.iter().map(|text| Key::Text(text.as_str().into())).collect()
    } else if let Some(own) = spec.ints("keys_int64s").filter(|own| !own.is_empty()) {
        own.into_iter().map(Key::Int).collect()
    } else if let Some(own) = spec.floats("keys_floats").filter(|own| !own.is_empty()) {
        own.into_iter().map(float_key).collect()
    } else {
        return Err("it has no keys of a kind that is known here".to_owned());
    };
    let places: HashMap<Key, usize> = found.iter().cloned().zip(0..).collect();
    let count = found.len();
    macro_rules! made {
        ($kind:ident, $values:expr, $default:expr) => {{
            let (values, default) = ($values, $default);
            if values.len() != count {
                return Err("it has other than one value a key".to_owned());
            }
            Ok(Box::new(move |inputs: &[Option<&Tensor>]| {
                let input = need(inputs, 0)?;
                let pick = |key| places.get(key).map_or(&default, |place| &values[*place]).clone();
                Ok(vec![Tensor::new(input.shape.clone(), Values::$kind(keys(input)?.iter().map(pick).collect()))?])
            }))
        }};
    }
    if let Some(values) = texts("values_strings") {
        let values: Vec<Arc<str>> = values.iter().map(|text| text.as_str().into()).collect();
        let default: Arc<str> = spec.text("default_string").unwrap_or_else(|| "_Unused".to_owned()).into();
        return made!(Str, values, default);
    }
    if let Some(values) = spec.ints("values_int64s").filter(|own| !own.is_empty()) {
        return made!(I64, values, spec.int("default_int64", -1));
    }
    if let Some(values) = spec.floats("values_floats").filter(|own| !own.is_empty()) {
        let values: Vec<f32> = values.into_iter().map(|value| value as f32).collect();
        return made!(F32, values, spec.float("default_float", -0.0) as f32);
    }
    Err("it has no values of a kind that is known here".to_owned())
}

fn one_hot(spec: &Spec) -> Result<Op, String> {
    let texts = spec.texts("cats_strings").unwrap_or_default();
    let ints = spec.ints("cats_int64s").unwrap_or_default();
    let known: Vec<Key> = if texts.is_empty() {
        ints.into_iter().map(Key::Int).collect()
    } else {
        texts.iter().map(|text| Key::Text(text.as_str().into())).collect()
    };
    let strict = spec.int("zeros", 1) == 0;
    Ok(Box::new(move |inputs| {
        let input = need(inputs, 0)?;
        let own = match &input.values {
            Values::F32(_) | Values::F64(_) => {
                let floats = input.floats().ok_or("labels are needed here")?;
                floats.iter().map(|value| Key::Int(*value as i64)).collect()
            }
            _ => keys(input)?,
        };
        let mut made = Vec::with_capacity(count(&[own.len(), known.len()])?);
        for key in &own {
            if strict && !known.contains(key) {
                return Err("a label that it doesn't know".to_owned());
            }
            made.extend(known.iter().map(|other| if other == key { 1.0 } else { 0.0 }));
        }
        let mut shape = input.shape.clone();
        shape.push(known.len());
        Ok(vec![Tensor::new(shape, Values::F32(made))?])
    }))
}
