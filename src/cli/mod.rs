//! The command line: one file a verb, each thin. Results go to stdout, everything else to stderr.

mod check;
mod choice;
mod ci;
mod completions;
mod dag;
mod exit;
mod export;
mod gc;
mod get;
mod init;
mod log;
mod machine;
mod models;
mod needs;
mod open;
mod orders;
mod plan;
mod predict;
mod profile;
mod rebuild;
mod reference;
mod render;
mod run;
mod runner;
mod schema;
mod serve;
mod show;
mod signals;
mod status;
mod test;
mod verify;
mod watch;
mod why;

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::{Args, Parser, Subcommand};

pub(crate) use exit::{Exit, Failure};
pub use reference::reference;

/// Turns a YAML file in git into a model in production, and keeps it in good shape.
#[derive(Parser)]
#[command(name = "gristmill", version, max_term_width = 110, arg_required_else_help = true)]
#[command(
    after_help = "Begin with:\n  gristmill init my-project      a project with an example in it\n  gristmill check                is the pipeline right?\n  gristmill run                  make what isn't made already\n  gristmill watch --serve        run again whenever data changes, and answer requests\n  gristmill serve                answer requests"
)]
struct Cli {
    /// Work as if started in this folder.
    #[arg(short = 'C', long, global = true, value_name = "DIR")]
    directory: Option<PathBuf>,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Begin a project: an example, a first pipeline for a table of yours, or a workflow for CI.
    Init(init::Init),
    /// Check pipelines, columns and types included, without reading data.
    Check(check::Check),
    /// Show what a run would do, why, and how long it may take.
    Plan(plan::PlanArgs),
    /// Make what isn't made already.
    Run(run::Run),
    /// Run pipelines whenever their files change, or the clock says so.
    Watch(watch::Watch),
    /// Run the tests of pipelines.
    Test(test::Test),
    /// Show whether what pipelines say is made, and how their last runs ended.
    Status(status::Status),
    /// Say why a step would run, or why it wouldn't.
    Why(why::Why),
    /// List the runs there were.
    Log(log::Log),
    /// Draw the graph: in the terminal, or as Mermaid, Graphviz or SVG.
    Dag(dag::Dag),
    /// Show what a step made, or what a run did.
    Show(show::Show),
    /// Write a step's table or a model to a file.
    Get(get::Get),
    /// Write a registered model as a file for other programs.
    Export(export::Export),
    /// Print a pipeline with overrides and templates applied.
    Render(render::Render),
    /// Look at a table: what each column holds. Write a first contract for it.
    Profile(profile::Profile),
    /// List, show, promote and roll back models.
    Models(models::Models),
    /// Let a model answer a file of records.
    Predict(predict::Predict),
    /// Answer requests over HTTP.
    Serve(serve::Serve),
    /// Drop kept results that nothing needs any more.
    Gc(gc::Gc),
    /// Read every kept result and compare it with its name; or make everything again and compare.
    Verify(verify::Verify),
    /// Print the JSON Schemas of pipelines and contracts, for editors.
    Schema(schema::SchemaArgs),
    /// Print completions for a shell.
    Completions(completions::Completions),
    /// Run a program and end all that it starts when standard input is closed.
    #[command(hide = true)]
    Supervise {
        /// The program and its arguments.
        #[arg(last = true, required = true)]
        command: Vec<std::ffi::OsString>,
    },
}

/// Values of params from the command line.
#[derive(Args, Clone, Debug, Default)]
struct ParamArgs {
    /// Give a param another value: `--set trees=300`.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// Take the values of params that the file has under this name in `profiles`.
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// Take values of params from a YAML file.
    #[arg(long = "params", value_name = "FILE")]
    params: Vec<PathBuf>,
    /// As the file has them, whatever is said outside.
    #[arg(skip)]
    as_written: bool,
}

/// The program.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { Exit::Wrong as u8 } else { 0 });
        }
    };
    if let Verb::Supervise { command } = &cli.verb {
        return crate::engine::supervise(command);
    }
    if let Some(folder) = &cli.directory
        && let Err(error) = std::env::set_current_dir(folder)
    {
        let why = match error.kind() {
            std::io::ErrorKind::NotFound => "there is no such folder".to_owned(),
            std::io::ErrorKind::NotADirectory => "it isn't a folder".to_owned(),
            _ => error.to_string(),
        };
        say(&format!("error: can't work in `{}`: {why}", folder.display()));
        return ExitCode::from(Exit::Wrong as u8);
    }
    let result = match &cli.verb {
        Verb::Init(verb) => init::run(verb),
        Verb::Check(verb) => check::run(verb),
        Verb::Plan(verb) => plan::run(verb),
        Verb::Run(verb) => run::run(verb),
        Verb::Watch(verb) => watch::run(verb),
        Verb::Test(verb) => test::run(verb),
        Verb::Status(verb) => status::run(verb),
        Verb::Why(verb) => why::run(verb),
        Verb::Log(verb) => log::run(verb),
        Verb::Dag(verb) => dag::run(verb),
        Verb::Show(verb) => show::run(verb),
        Verb::Get(verb) => get::run(verb),
        Verb::Export(verb) => export::run(verb),
        Verb::Render(verb) => render::run(verb),
        Verb::Profile(verb) => profile::run(verb),
        Verb::Models(verb) => models::run(verb),
        Verb::Predict(verb) => predict::run(verb),
        Verb::Serve(verb) => serve::run(verb),
        Verb::Gc(verb) => gc::run(verb),
        Verb::Verify(verb) => verify::run(verb),
        Verb::Schema(verb) => schema::run(verb),
        Verb::Completions(verb) => completions::run::<Cli>(verb),
        Verb::Supervise { .. } => Ok(Exit::Done),
    };
    match result {
        Ok(_) if LOST.load(Ordering::Relaxed) => {
            say("error: standard output could not be written: is the disk full?");
            ExitCode::from(Exit::Environment as u8)
        }
        Ok(exit) => ExitCode::from(exit as u8),
        Err(failure) => {
            // Whoever asked for JSON gets JSON, whatever happens.
            if std::env::args().any(|argument| argument == "--json") {
                out_json(&failure.to_json());
            }
            say(&failure.render(color(&std::io::stderr())));
            ci::tell_mistakes(&open::root(), failure.diagnostics());
            ExitCode::from(failure.exit() as u8)
        }
    }
}

/// Whether to write in color.
fn color(stream: &impl IsTerminal) -> bool {
    stream.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Whether standard output could not be written, by the disk's fault.
static LOST: AtomicBool = AtomicBool::new(false);

/// Prints a result; a reader that has gone away, as `head` does, is no error. Any other failure is told in the end.
fn out(text: &str) {
    let mut stdout = std::io::stdout().lock();
    let end: &[u8] = if text.ends_with('\n') { b"" } else { b"\n" };
    let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.write_all(end)).and_then(|()| stdout.flush());
    if written.is_err_and(|error| error.kind() != std::io::ErrorKind::BrokenPipe) {
        LOST.store(true, Ordering::Relaxed);
    }
}

/// Prints a result as JSON.
fn out_json(value: &serde_json::Value) {
    out(&serde_json::to_string_pretty(value).expect("JSON is written to memory"));
}

/// Tells something that isn't a result. Nobody may be listening: that is no error.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}
