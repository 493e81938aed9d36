//! `gristmill schema`.

use clap::{Args, ValueEnum};

use super::{Exit, Failure, out_json};
use crate::spec::schema;

/// Print the JSON Schemas of pipelines and contracts, for editors.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  gristmill schema > schemas/pipeline.schema.json\n  gristmill schema contract > schemas/contract.schema.json\n\nThe first line of a pipeline tells an editor where it is:\n  # yaml-language-server: $schema=../schemas/pipeline.schema.json"
)]
pub(super) struct SchemaArgs {
    /// Of what.
    #[arg(value_enum, default_value = "pipeline")]
    of: Of,
}

#[derive(Clone, Copy, ValueEnum)]
enum Of {
    /// Pipelines.
    Pipeline,
    /// Data contracts.
    Contract,
}

pub(super) fn run(args: &SchemaArgs) -> Result<Exit, Failure> {
    out_json(&match args.of {
        Of::Pipeline => schema::pipeline(),
        Of::Contract => schema::contract(),
    });
    Ok(Exit::Done)
}
