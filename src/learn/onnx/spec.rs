//! One operator as a file describes it, and the settings that operators ask for.

use super::proto::{NodeProto, TensorProto};
use super::tensor::Tensor;

/// What an operator computes: its inputs, some of which may be left out, to its outputs.
pub(super) type Op = Box<dyn Fn(&[Option<&Tensor>]) -> Result<Vec<Tensor>, String> + Send + Sync>;

/// An operator's description.
pub(super) struct Spec<'a> {
    pub(super) node: &'a NodeProto,
    /// The version of ONNX's own operators.
    pub(super) opset: i64,
}

impl Spec<'_> {
    fn attribute(&self, name: &str) -> Option<&super::proto::Attribute> {
        self.node.attribute.iter().find(|attribute| attribute.name == name)
    }

    /// Whether a setting is there.
    pub(super) fn has(&self, name: &str) -> bool {
        self.attribute(name).is_some()
    }

    pub(super) fn int(&self, name: &str, default: i64) -> i64 {
        self.attribute(name).map_or(default, |attribute| attribute.i)
    }

    pub(super) fn float(&self, name: &str, default: f64) -> f64 {
        self.attribute(name).map_or(default, |attribute| f64::from(attribute.f))
    }

    pub(super) fn ints(&self, name: &str) -> Option<Vec<i64>> {
        self.attribute(name).map(|attribute| attribute.ints.clone())
    }

    pub(super) fn floats(&self, name: &str) -> Option<Vec<f64>> {
        self.attribute(name).map(|attribute| attribute.floats.iter().map(|value| f64::from(*value)).collect())
    }

    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.attribute(name).map(|attribute| String::from_utf8_lossy(&attribute.s).into_owned())
    }

    pub(super) fn texts(&self, name: &str) -> Option<Vec<String>> {
        let text = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).into_owned();
        self.attribute(name).map(|attribute| attribute.strings.iter().map(text).collect())
    }

    pub(super) fn tensor(&self, name: &str) -> Option<&TensorProto> {
        self.attribute(name).and_then(|attribute| attribute.t.as_ref())
    }

    /// Numbers that stand in `name`, or with more digits in `name_as_tensor`.
    pub(super) fn numbers(&self, name: &str) -> Result<Vec<f64>, String> {
        match self.tensor(&format!("{name}_as_tensor")) {
            Some(proto) => {
                let tensor = Tensor::read(proto)?;
                tensor.floats().map(std::borrow::Cow::into_owned).ok_or_else(|| format!("`{name}` holds no numbers"))
            }
            None => Ok(self.floats(name).unwrap_or_default()),
        }
    }
}

/// An input that must be there.
pub(super) fn need<'a>(inputs: &[Option<&'a Tensor>], nth: usize) -> Result<&'a Tensor, String> {
    inputs.get(nth).copied().flatten().ok_or_else(|| format!("input {} is missing", nth + 1))
}

/// An input that may be left out.
pub(super) fn maybe<'a>(inputs: &[Option<&'a Tensor>], nth: usize) -> Option<&'a Tensor> {
    inputs.get(nth).copied().flatten()
}
