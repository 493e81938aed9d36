//! Tables that a run holds in memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use polars::prelude::DataFrame;

use crate::store::Digest;

/// Tables that this run has made or read.
#[derive(Default)]
pub(super) struct Frames(Mutex<HashMap<Digest, Arc<DataFrame>>>);

impl Frames {
    pub(super) fn get(&self, digest: &Digest) -> Option<Arc<DataFrame>> {
        self.0.lock().expect("no holder panicked").get(digest).cloned()
    }

    pub(super) fn keep(&self, digest: Digest, frame: DataFrame) -> Arc<DataFrame> {
        let mut frames = self.0.lock().expect("no holder panicked");
        Arc::clone(frames.entry(digest).or_insert_with(|| Arc::new(frame)))
    }
}
