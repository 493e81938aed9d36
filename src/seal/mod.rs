//! Sealed models: the way from a raw record to an answer, as data only, in one canonical binary form.

mod answer;
mod contributions;
mod feature;
mod format;
pub mod onnx;
mod predictor;
mod reference;
mod sealed;
mod trained;

pub use answer::{Answer, FieldFault};
pub use contributions::Contributions;
pub use feature::Feature;
pub use predictor::{Explained, Predictor, Unexplained};
pub use reference::{ColumnReference, reference};
pub use sealed::{FORMAT, InputField, Sample, Sealed, Signature};
pub use trained::Trained;
