//! `gristmill completions`.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Exit, Failure};

/// Print completions for a shell.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  gristmill completions bash > /etc/bash_completion.d/gristmill\n  gristmill completions zsh > ~/.zfunc/_gristmill"
)]
pub(super) struct Completions {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

pub(super) fn run<C: CommandFactory>(args: &Completions) -> Result<Exit, Failure> {
    clap_complete::generate(args.shell, &mut C::command(), "gristmill", &mut std::io::stdout());
    Ok(Exit::Done)
}
