//! `gristmill watch`.

mod job;
mod serving;

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use serde_json::{Map, Value as Json};

use self::job::Pipeline;
use self::serving::Serving;
use super::runner::Options;
use super::signals::Going;
use super::{Exit, Failure, ParamArgs, open, out, signals};
use crate::engine::Project;
use crate::serve::{self, Closer};
use crate::source::Fault;
use crate::store::Clock;
use crate::watch::{End, Event, Settings, inbox, watch};

/// Run pipelines whenever their files change, or the clock says so.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  gristmill watch                       every pipeline of the project, new ones too\n  gristmill watch penguins --serve      and answer requests with the newest champion\n  gristmill watch --poll=10             look every 10 s: for disks of other machines\n  gristmill watch --json | jq 'select(.event == \"run_ended\")'\n\nCtrl-C or SIGTERM ends it. Exit codes: 0 ended between runs, 130 a run was interrupted, 2 the command line is wrong, 5 the port is taken."
)]
pub(super) struct Watch {
    /// Pipelines; without one, all in `pipelines/`, new ones too.
    pipelines: Vec<String>,
    #[command(flatten)]
    params: ParamArgs,
    /// How many steps run at once; as many as there are processors without it.
    #[arg(long, short)]
    jobs: Option<NonZeroUsize>,
    /// When a step fails, go on with what doesn't need it.
    #[arg(long, short)]
    keep_going: bool,
    /// Write the lock and move aliases although params are overridden.
    #[arg(long)]
    record: bool,
    /// Answer requests with what is deployed `to: rest`, and swap in each new champion.
    #[arg(long)]
    serve: bool,
    /// The address to listen on.
    #[arg(long, default_value = "127.0.0.1", requires = "serve")]
    host: String,
    /// The port; without it, the one that the deployment says.
    #[arg(long, requires = "serve")]
    port: Option<u16>,
    /// Look at all files every so many seconds instead of listening to the system; every 2 if no number is said.
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, require_equals = true, default_missing_value = "2", value_parser = seconds)]
    poll: Option<Duration>,
    /// Print one JSON object a line for everything that happens.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Watch) -> Result<Exit, Failure> {
    let root = open::root();
    // The system tells of changes by real paths.
    let root = root.canonicalize().unwrap_or(root);
    let (inbox, stopper) = inbox();
    let closer = Arc::new(OnceLock::<Closer>::new());
    let door = Arc::clone(&closer);
    let wake = move || {
        stopper.wake();
        door.get().into_iter().for_each(Closer::close);
    };
    let json = args.json;
    let stop = signals::stop_on_signal_and(wake, move |going, again| leave(going, again, json));
    let options = Options { jobs: args.jobs, keep_going: args.keep_going, record: args.record, ..Options::default() };
    let pipeline = |name: &str| -> Result<Pipeline, Fault> {
        let file = Project::pipeline(&root, name)?;
        Ok(Pipeline::new(&root, file, args.params.clone(), options.clone(), stop, args.json))
    };
    let mut jobs = named(args, &root)?.iter().map(|name| pipeline(name)).collect::<Result<Vec<_>, _>>()?;
    let serving = args.serve.then(|| serve(args, &root, &mut jobs)).transpose()?;
    if let Some(serving) = &serving {
        closer.get_or_init(|| serving.closer());
    }
    let mut more = |known: &[String]| -> Vec<Pipeline> {
        let names = Project::names(&root).into_iter().filter(|name| !known.contains(name));
        // A file that went away again a moment later is none.
        names.filter_map(|name| pipeline(&name).ok()).collect()
    };
    let all = args.pipelines.is_empty();
    let settings = Settings { root: root.clone(), poll: args.poll, clock: Clock::default() };
    let mut tell = |event: &Event| {
        told(event, args.json);
        if let (Event::RunEnded { .. }, Some(serving)) = (event, &serving) {
            serving.follow();
        }
    };
    let end = watch(&settings, jobs, all.then_some(&mut more), &inbox, stop, &mut tell);
    if let Some(serving) = serving {
        serving.stop()?;
    }
    Ok(match end {
        End::Idle => Exit::Done,
        End::Interrupted => Exit::Interrupted,
    })
}

/// The pipelines to begin with.
fn named(args: &Watch, root: &Path) -> Result<Vec<String>, Fault> {
    if !args.pipelines.is_empty() {
        return Ok(args.pipelines.clone());
    }
    let names = Project::names(root);
    if names.is_empty() {
        // It says where they are looked for.
        open::file_of(root, None)?;
    }
    Ok(names)
}

fn serve(args: &Watch, root: &Path, jobs: &mut [Pipeline]) -> Result<Serving, Fault> {
    let said = serve::Settings::default();
    let port = args.port.or_else(|| super::serve::port(root));
    let port = port.or_else(|| jobs.iter_mut().find_map(Pipeline::port)).unwrap_or(said.port);
    Serving::start(root, &serve::Settings { host: args.host.clone(), port, ..said }, args.json)
}

/// Ends the program where it stands: a run that doesn't end in time, or requests that go on although it was told twice.
fn leave(going: Option<Going>, again: bool, json: bool) {
    let exit = match going {
        Some((run, pipeline)) => {
            let result = Map::from_iter([
                ("run".to_owned(), Json::from(run)),
                ("status".to_owned(), Json::from("interrupted")),
                ("exit".to_owned(), Json::from(Exit::Interrupted as u8)),
            ]);
            told(&Event::RunEnded { pipeline, summary: "interrupted; what is done is kept".to_owned(), result }, json);
            Exit::Interrupted
        }
        None if again => Exit::Done,
        // It ends by itself.
        None => return,
    };
    told(&Event::Stopped, json);
    std::process::exit(exit as i32);
}

/// Tells people on stderr, machines on stdout.
fn told(event: &Event, json: bool) {
    if json {
        out(&event.to_json(Timestamp::now()).to_string());
        return;
    }
    match event {
        // The run that starts says the same.
        Event::Changed { waits: None, .. } => {}
        Event::RunEnded { .. } => out(&event.to_text()),
        _ => super::say(&event.to_text()),
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().filter(|seconds: &f64| *seconds >= 0.01 && *seconds <= 86_400.0);
    seconds.map(Duration::from_secs_f64).ok_or_else(|| "a number of seconds from 0.01 to 86400".to_owned())
}
