//! What all requests share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::Semaphore;

use super::{Models, Settings, openapi};

/// Longer waits are as good as none, and a moment that far away still exists.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// The models, and what is written from them: they are swapped as one, so that no request meets half of each.
pub(super) struct Served {
    /// What is served.
    pub models: Models,
    /// The OpenAPI document, written once.
    pub openapi: String,
}

impl Served {
    fn new(models: Models, settings: &Settings) -> Self {
        Self { openapi: openapi::document(&models, settings).to_string(), models }
    }
}

/// What all requests share.
pub(super) struct App {
    served: ArcSwap<Served>,
    /// What is allowed.
    pub settings: Settings,
    /// One permit a request for predictions that waits or runs.
    pub gate: Arc<Semaphore>,
    draining: AtomicBool,
}

impl App {
    /// For these models.
    pub fn new(models: Models, settings: &Settings) -> Arc<Self> {
        Arc::new(Self {
            served: ArcSwap::from_pointee(Served::new(models, settings)),
            gate: Arc::new(Semaphore::new(settings.concurrency.clamp(1, Semaphore::MAX_PERMITS))),
            settings: Settings {
                timeout: settings.timeout.min(LONGEST),
                drain: settings.drain.min(LONGEST),
                ..settings.clone()
            },
            draining: AtomicBool::new(false),
        })
    }

    /// What is served now. A request asks once, and keeps what it got until its end.
    pub fn served(&self) -> Arc<Served> {
        self.served.load_full()
    }

    /// From now on, requests that begin meet these models; those that run keep theirs.
    pub fn swap(&self, models: Models) {
        self.served.store(Arc::new(Served::new(models, &self.settings)));
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
