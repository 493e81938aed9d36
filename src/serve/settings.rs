//! Where it listens and what it allows.

use std::time::Duration;

/// What one server allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The address or name it listens at.
    pub host: String,
    /// The port; 0 takes a free one.
    pub port: u16,
    /// The largest body, in bytes.
    pub max_body: usize,
    /// How long reading a body and answering it may take together.
    pub timeout: Duration,
    /// How many records one request may hold.
    pub max_rows: usize,
    /// How many requests for predictions may wait or run at once; the next is told to come back.
    pub concurrency: usize,
    /// How long requests that run may go on once the server was told to stop.
    pub drain: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            host: "127.0.0.1".into(),
            port: 8080,
            max_body: 2 << 20,
            timeout: Duration::from_secs(10),
            max_rows: 10_000,
            concurrency: 256,
            drain: Duration::from_secs(10),
        }
    }
}
