//! `gristmill serve`.

use std::time::Duration;

use clap::Args;

use super::{Exit, Failure, open};
use crate::serve::{Settings, load, serve};

/// Answer requests over HTTP.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  gristmill serve                                  every model that is deployed `to: rest`\n  gristmill serve penguin-species@3 --port 9000\n\n  curl localhost:8080/predict -d '{\"input_data\": [{\"island\": \"Biscoe\", …}]}'"
)]
pub(super) struct Serve {
    /// Models: `name`, `name@alias`, `name@3`; without one, what is deployed `to: rest`.
    models: Vec<String>,
    /// The address to listen on.
    #[arg(long, default_value = "127.0.0.1")]
    host: String,
    /// The port; without it, the one that the deployment says.
    #[arg(long)]
    port: Option<u16>,
    /// The largest body that is read, in bytes.
    #[arg(long, default_value_t = 2 << 20)]
    max_body: usize,
    /// The longest time for a request, in seconds.
    #[arg(long, default_value_t = 10)]
    timeout: u64,
}

pub(super) fn run(args: &Serve) -> Result<Exit, Failure> {
    let root = open::root();
    let models = load(&root, &args.models)?;
    let mut settings = Settings {
        host: args.host.clone(),
        max_body: args.max_body,
        timeout: Duration::from_secs(args.timeout),
        ..Settings::default()
    };
    settings.port = args.port.or_else(|| port(&root)).unwrap_or(settings.port);
    for model in &models {
        let alias = model.alias.as_ref().map(|alias| format!(" ({alias})")).unwrap_or_default();
        super::say(&format!("serving {} version {}{alias}", model.name, model.version));
    }
    serve(models, &settings, |address| super::say(&format!("listening on http://{address}")))?;
    super::say("stopped");
    Ok(Exit::Done)
}

/// The port that the first deployment says.
pub(super) fn port(root: &std::path::Path) -> Option<u16> {
    let served = crate::registry::Registry::open(root).ok()?.served().ok()?;
    served.iter().find_map(|served| u16::try_from(served.settings["port"].as_u64()?).ok())
}
