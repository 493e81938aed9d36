//! Being told to stop: the first signal lets a run end in order, within a second; the second ends it at once.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value as Json, json};

use super::Exit;

static STOP: AtomicBool = AtomicBool::new(false);
/// The run that goes on, and its pipeline.
static GOING: Mutex<Option<Going>> = Mutex::new(None);

/// How long a run may take to end in order. Steps look up often whether they are still wanted, but reading a large table is
/// one piece of work. Nothing is lost by leaving in the middle: what isn't finished has no name yet.
const GRACE: Duration = Duration::from_millis(800);

/// A run that can't end in order in time: its name, and its pipeline's.
pub(super) type Going = (String, String);

/// Listens for Ctrl-C and SIGTERM, and gives what they set.
pub(super) fn stop_on_signal() -> &'static AtomicBool {
    // None is going when all is told already, and the program is about to end by itself.
    stop_on_signal_and(|| (), |going, _| going.into_iter().for_each(leave))
}

/// The same. `wake` is called after the first signal, for whoever sleeps. `end` is called when a run was given time enough to
/// end in order, if there is one, and at each further signal, of which it is told.
pub(super) fn stop_on_signal_and(
    wake: impl Fn() + Send + 'static,
    end: impl Fn(Option<Going>, bool) + Send + 'static,
) -> &'static AtomicBool {
    std::thread::spawn(move || {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
        runtime.block_on(async {
            signal().await;
            STOP.store(true, Ordering::Relaxed);
            super::say("stopping; once more to stop at once");
            wake();
            // Whichever comes first: a second signal, or the end of patience.
            let mut again = tokio::time::timeout(GRACE, signal()).await.is_ok();
            loop {
                end(GOING.lock().expect("no holder panicked").take(), again);
                signal().await;
                again = true;
            }
        });
    });
    &STOP
}

/// Notes which run goes on, so that it can be named when the program must leave in the middle of it.
pub(super) fn going(run: Option<(&str, &str)>) {
    let mut going = GOING.lock().expect("no holder panicked");
    *going = run.map(|(run, pipeline)| (run.to_owned(), pipeline.to_owned()));
}

fn leave((run, pipeline): Going) {
    if std::env::args().any(|argument| argument == "--json") {
        super::out_json(&interrupted(&run, &pipeline));
    }
    super::say("stopped; what is done is kept");
    std::process::exit(Exit::Interrupted as i32);
}

fn interrupted(run: &str, pipeline: &str) -> Json {
    json!({"run": run, "pipeline": pipeline, "status": "interrupted", "steps": []})
}

#[cfg(unix)]
async fn signal() {
    let mut term =
        tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).expect("SIGTERM can be listened to");
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = term.recv() => {}
    }
}

#[cfg(not(unix))]
async fn signal() {
    let _ = tokio::signal::ctrl_c().await;
}
