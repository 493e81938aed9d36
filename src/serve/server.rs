//! One server, from its runtime to its end.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Semaphore, oneshot};
use tokio::time::timeout;

use super::app::App;
use super::connection::{Door, Patience, Pulse};
use super::routes::router;
use super::shutdown::{Stops, signals};
use super::{Model, Models, Settings};
use crate::source::Fault;

/// How many connections are open at once; further ones wait until one is closed.
const CONNECTIONS: usize = 1000;
/// How long a connection may be silent between requests.
const IDLE: Duration = Duration::from_secs(75);
/// How long a refused client may go on sending before the connection is torn down.
const LINGER: Duration = Duration::from_secs(2);

/// Serves models until SIGTERM or SIGINT: then it takes no more connections, lets the requests that run end within
/// `settings.drain`, and returns. A second signal ends it at once. `ready` is called with the address once it listens.
///
/// # Errors
/// If there is no model, if one is named twice, or if it can't listen there (`address-in-use` if the port is taken).
pub fn serve(models: Vec<Model>, settings: &Settings, ready: impl FnOnce(SocketAddr)) -> Result<(), Fault> {
    let app = App::new(Models::new(models)?, settings);
    let runtime = runtime()?;
    let patience = patience(&app.settings);
    let result = runtime.block_on(async { run(app, patience, signals()?, ready).await });
    // Work that outlived the drain is given up: nobody waits for its answer.
    runtime.shutdown_background();
    result
}

/// How long connections are waited for.
pub(super) fn patience(settings: &Settings) -> Patience {
    Patience { idle: IDLE, head: settings.timeout, write: settings.timeout, linger: LINGER }
}

/// The runtime of a server: predictions run on as many threads as there are cores, the rest waits.
pub(super) fn runtime() -> Result<Runtime, Fault> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    Builder::new_multi_thread()
        .worker_threads(cores.max(2))
        // One more than cores: a host's name is looked up there, too.
        .max_blocking_threads(cores + 1)
        .thread_name("serve")
        .enable_all()
        .build()
        .map_err(|error| Fault::new("no-threads", "the server can't start its threads").because(error))
}

/// Serves until told to stop.
pub(super) async fn run(
    app: Arc<App>,
    patience: Patience,
    mut stops: Stops,
    ready: impl FnOnce(SocketAddr),
) -> Result<(), Fault> {
    let listener = bind(&app.settings).await?;
    let address = listener.local_addr().map_err(|error| unbound(&app.settings, error))?;
    let door = Door { listener, places: Arc::new(Semaphore::new(CONNECTIONS)), patience };
    let service = router(app.clone()).into_make_service_with_connect_info::<Pulse>();
    let (drain, drained) = oneshot::channel::<()>();
    let serving = axum::serve(door, service).with_graceful_shutdown(async {
        // A sender that is gone means the same.
        let _ = drained.await;
    });
    let serving = tokio::spawn(serving.into_future());
    ready(address);
    stops.recv().await;
    app.drain();
    drop(drain);
    tokio::select! {
        // However it ends, the server is to stop.
        _ = timeout(app.settings.drain, serving) => {}
        Some(()) = stops.recv() => {}
    }
    Ok(())
}

async fn bind(settings: &Settings) -> Result<TcpListener, Fault> {
    TcpListener::bind((settings.host.as_str(), settings.port)).await.map_err(|error| unbound(settings, error))
}

fn unbound(settings: &Settings, error: std::io::Error) -> Fault {
    let Settings { host, port, .. } = settings;
    match error.kind() {
        ErrorKind::AddrInUse => Fault::new("address-in-use", format!("port {port} is taken"))
            .help("stop what listens there, or choose another port; 0 takes a free one"),
        ErrorKind::PermissionDenied => Fault::new("no-permission", format!("port {port} may not be used"))
            .help("choose a port above 1023")
            .because(error),
        _ => Fault::new("bad-address", format!("the server can't listen at `{host}`, port {port}"))
            .help("name an address of this machine, as `127.0.0.1`, or `0.0.0.0` for all of them")
            .because(error),
    }
}
