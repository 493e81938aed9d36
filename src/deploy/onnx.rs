//! `onnx`: a file of the project that holds the model its alias points to.

use std::path::Path;

use serde_json::Value as Json;

use crate::engine::object;
use crate::registry::Registry;
use crate::seal::{Sealed, onnx};
use crate::source::Fault;
use crate::store::{Digest, Store, write_atomic};

/// Whether a model can go there: nothing is registered that can't go where it is said to.
///
/// # Errors
/// `no-onnx` with all that has no form in ONNX.
pub(super) fn check(store: &Store, digest: &Digest) -> Result<Vec<u8>, Fault> {
    onnx::export(Sealed::open(&object(store, digest)?)?.sealed())
}

/// Writes the file if it is missing or holds something else.
pub(super) fn reconcile(
    root: &Path,
    store: &Store,
    registry: &Registry,
    model: &str,
    target: &Json,
) -> Result<(), Fault> {
    let bytes = check(store, &registry.resolve(model)?.digest)?;
    let path = root.join(target["path"].as_str().unwrap_or_default());
    if std::fs::read(&path).ok().as_deref() != Some(&bytes) {
        write_atomic(&path, &bytes)?;
    }
    Ok(())
}
