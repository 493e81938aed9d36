//! What a step may take, and what happens when it fails: keys that every verb has.

use serde::Deserialize;

use super::{Memory, TimeSpan};
use crate::source::{Fault, Fields};

/// How often a step may be tried again.
const MOST_RETRIES: u32 = 100;

/// What a step may take.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Limits {
    /// How long one try may take.
    pub timeout: Option<TimeSpan>,
    /// How often it is tried again when it fails.
    pub retries: u32,
    /// How many processors it keeps busy, if that was said.
    pub cpu: Option<u32>,
    /// How much memory it needs, if that was said.
    pub memory: Option<Memory>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Resources {
    cpu: Option<u32>,
    memory: Option<Memory>,
}

impl Limits {
    pub(super) fn read(fields: &mut Fields) -> Self {
        let timeout: Option<TimeSpan> = fields.take("timeout");
        if timeout.is_some_and(|timeout| timeout.0.is_zero()) {
            fields.fault(Fault::new("out-of-range", "no step ends in no time").within("timeout"));
        }
        let retries = fields.take("retries").unwrap_or(0);
        if retries > MOST_RETRIES {
            let message = format!("a step is tried again at most {MOST_RETRIES} times");
            fields.fault(Fault::new("out-of-range", message).within("retries"));
        }
        let resources: Option<Resources> = fields.take("resources");
        let (cpu, memory) = resources.map_or((None, None), |resources| (resources.cpu, resources.memory));
        if cpu == Some(0) {
            let fault = Fault::new("out-of-range", "a step needs 1 processor at least");
            fields.fault(fault.within("cpu").within("resources"));
        }
        Self { timeout, retries, cpu, memory }
    }
}
