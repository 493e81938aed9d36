//! `rest`: records that a model is to be served, and how. `gristmill serve` opens the port.

use serde_json::Value as Json;

use crate::engine::Registration;
use crate::registry::Registry;
use crate::source::Fault;

/// Records the settings of the target.
pub(super) fn reconcile(registry: &mut Registry, of: &Registration, target: &Json) -> Result<(), Fault> {
    if of.moves_alias {
        registry.set_serving(&of.name, &of.alias, target)?;
    }
    Ok(())
}
