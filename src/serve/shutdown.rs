//! Being told to stop.

use tokio::sync::mpsc;

use crate::source::Fault;

/// What tells a server to stop: the first message drains it, the second ends it at once.
pub(super) type Stops = mpsc::Receiver<()>;

/// SIGTERM and SIGINT as messages. Must be called on a runtime.
#[cfg(unix)]
pub(super) fn signals() -> Result<Stops, Fault> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut terminate = signal(SignalKind::terminate()).map_err(unheard)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(unheard)?;
    let (sender, stops) = mpsc::channel(2);
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if sender.send(()).await.is_err() {
                return;
            }
        }
    });
    Ok(stops)
}

/// Ctrl-C as messages. Must be called on a runtime.
#[cfg(not(unix))]
pub(super) fn signals() -> Result<Stops, Fault> {
    let (sender, stops) = mpsc::channel(2);
    tokio::spawn(async move { while tokio::signal::ctrl_c().await.is_ok() && sender.send(()).await.is_ok() {} });
    Ok(stops)
}

#[cfg(unix)]
fn unheard(error: std::io::Error) -> Fault {
    Fault::new("no-signals", "the server can't listen for the signals that stop it").because(error)
}
