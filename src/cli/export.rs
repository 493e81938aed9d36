//! `gristmill export`, and `gristmill models export`, which is the same.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::{Exit, Failure, open, out_json};
use crate::engine::object;
use crate::registry::Registry;
use crate::seal::{Sealed, onnx};
use crate::store::{Store, write_atomic};

/// Write a registered model as a file for other programs.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  gristmill export penguin-species\n  gristmill export penguin-species@3 --format onnx -o model.onnx\n  gristmill models export penguin-species@champion --format onnx\n\nThe file holds the whole way from the raw record to the probability. What has no form in ONNX is listed, each part\nwith its reason, and then nothing is written."
)]
pub(super) struct Export {
    /// `name`, `name@alias` or `name@3`.
    model: String,
    /// The format.
    #[arg(long, value_enum, default_value = "onnx")]
    format: ExportFormat,
    /// The file; named after the model without it.
    #[arg(short, long)]
    output: Option<PathBuf>,
    /// Print what was written as JSON.
    #[arg(long)]
    json: bool,
}

/// What a model is written as.
#[derive(Clone, Copy, ValueEnum)]
enum ExportFormat {
    /// ONNX, for onnxruntime and all that reads it.
    Onnx,
}

pub(super) fn run(args: &Export) -> Result<Exit, Failure> {
    let root = open::root();
    let row = Registry::open(&root)?.resolve(&args.model)?;
    let predictor = Sealed::open(&object(&Store::open(&root)?, &row.digest)?)?;
    let (bytes, extension) = match args.format {
        ExportFormat::Onnx => (onnx::export(predictor.sealed())?, "onnx"),
    };
    let path = args.output.clone().unwrap_or_else(|| PathBuf::from(format!("{}.{extension}", row.name)));
    write_atomic(&path, &bytes)?;
    if args.json {
        out_json(&json!({
            "model": row.name, "version": row.version, "format": extension,
            "path": path.display().to_string(), "bytes": bytes.len(),
        }));
    }
    super::say(&format!("{} version {}: {} bytes written to {}", row.name, row.version, bytes.len(), path.display()));
    Ok(Exit::Done)
}
