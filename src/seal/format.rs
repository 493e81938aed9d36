//! The binary form: CBOR of plain data with fields in a fixed order, so that equal models have equal bytes.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::source::Fault;

/// How deep data from outside may nest.
const DEPTH: usize = 128;

/// The canonical bytes of plain data.
pub(super) fn to_bytes<T: Serialize>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).expect("plain data is written to memory");
    bytes
}

/// Plain data from bytes that may come from anywhere.
pub(super) fn from_bytes<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Fault> {
    ciborium::de::from_reader_with_recursion_limit(bytes, DEPTH).map_err(|error| {
        Fault::new("broken-model", "the file isn't a model that this gristmill can read")
            .because(error)
            .help("train it again, or use the gristmill that made it")
    })
}
