//! What all requests share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;

use super::{Models, Settings, openapi};

/// Longer waits are as good as none, and a moment that far away still exists.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// What all requests share.
pub(super) struct App {
    /// What is served.
    pub models: Models,
    /// What is allowed.
    pub settings: Settings,
    /// One permit a request for predictions that waits or runs.
    pub gate: Arc<Semaphore>,
    /// The OpenAPI document, written once.
    pub openapi: String,
    draining: AtomicBool,
}

impl App {
    /// For these models.
    pub fn new(models: Models, settings: &Settings) -> Arc<Self> {
        Arc::new(Self {
            openapi: openapi::document(&models, settings).to_string(),
            gate: Arc::new(Semaphore::new(settings.concurrency.clamp(1, Semaphore::MAX_PERMITS))),
            models,
            settings: Settings {
                timeout: settings.timeout.min(LONGEST),
                drain: settings.drain.min(LONGEST),
                ..settings.clone()
            },
            draining: AtomicBool::new(false),
        })
    }

    /// From now on no new requests are wanted.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Release);
    }

    /// Whether it was told to stop.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }
}
