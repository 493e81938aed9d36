//! `gristmill models`.

use clap::{Args, Subcommand};
use serde_json::{Value as Json, json};

use super::runner::actor;
use super::{Exit, Failure, open, out, out_json};
use crate::engine::{ModelReport, object, reports};
use crate::registry::{CHAMPION, Registry};
use crate::report::table::{Align, Table};
use crate::report::{classes, importance};
use crate::seal::Sealed;
use crate::source::{Fault, suggest};
use crate::store::Store;

/// List, show, export, promote and roll back models.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  gristmill models list\n  gristmill models show penguin-species@champion\n  gristmill models promote penguin-species@3\n  gristmill models rollback penguin-species"
)]
pub(super) struct Models {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// All models, with their aliases.
    List {
        /// Only the versions of this one.
        model: Option<String>,
        /// Print it as JSON.
        #[arg(long)]
        json: bool,
    },
    /// One version: where it comes from, what it asks for, what it learned, who moved its aliases.
    Show {
        /// `name`, `name@alias` or `name@3`.
        model: String,
        /// Print it as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Write one version as a file for other programs, as `gristmill export` does.
    Export(super::export::Export),
    /// Let an alias point to a version.
    Promote {
        /// `name@3`.
        model: String,
        /// The alias.
        #[arg(long = "to", default_value = CHAMPION)]
        alias: String,
    },
    /// Take the last move of an alias back.
    Rollback {
        /// The model's name.
        model: String,
        /// The alias.
        #[arg(long, default_value = CHAMPION)]
        alias: String,
    },
}

pub(super) fn run(args: &Models) -> Result<Exit, Failure> {
    if let Verb::Export(export) = &args.verb {
        return super::export::run(export);
    }
    let root = open::root();
    let mut registry = Registry::open(&root)?;
    match &args.verb {
        Verb::Export(_) => {}
        Verb::List { model: None, json } => list(&registry, *json)?,
        Verb::List { model: Some(model), json } => versions(&registry, model, *json)?,
        Verb::Show { model, json } => show(&registry, &Store::open(&root)?, model, *json)?,
        Verb::Promote { model, alias } => {
            let row = registry.resolve(model)?;
            let moved = registry.promote(&row.name, row.version, alias, &actor())?;
            out(&format!(
                "{} {} {alias} {} version {}",
                row.name,
                "·",
                if moved { "is now" } else { "was already" },
                row.version
            ));
        }
        Verb::Rollback { model, alias } => {
            let version = registry.rollback(model, alias, &actor())?;
            out(&format!("{model} · {alias} is version {version} again"));
        }
    }
    Ok(Exit::Done)
}

fn list(registry: &Registry, as_json: bool) -> Result<(), Failure> {
    let models = registry.models()?;
    if as_json {
        out_json(&json!({"models": models}));
        return Ok(());
    }
    if models.is_empty() {
        super::say("no model is registered yet; a pipeline's `deploy` step registers one");
        return Ok(());
    }
    let mut table = Table::new([
        ("model", Align::Left),
        ("versions", Align::Right),
        ("aliases", Align::Left),
        ("since", Align::Left),
    ]);
    for model in models {
        let aliases: Vec<String> =
            model.aliases.iter().map(|(alias, version)| format!("{alias} → {version}")).collect();
        table.row([model.name, model.versions.to_string(), aliases.join(", "), model.created]);
    }
    out(&table.to_string());
    Ok(())
}

fn versions(registry: &Registry, model: &str, as_json: bool) -> Result<(), Failure> {
    let versions = registry.versions(model)?;
    if versions.is_empty() {
        let models = registry.models()?;
        let known = models.iter().map(|model| model.name.as_str());
        return Err(Fault::new("unknown-model", format!("there is no model `{model}`"))
            .maybe_help(suggest(model, known))
            .into());
    }
    if as_json {
        out_json(&json!({"versions": versions}));
        return Ok(());
    }
    let mut table = Table::new([
        ("version", Align::Right),
        ("aliases", Align::Left),
        ("registered", Align::Left),
        ("digest", Align::Left),
        ("trained by", Align::Left),
    ]);
    for row in versions {
        let step = row.lineage["step"].as_str().unwrap_or_default().to_owned();
        table.row([row.version.to_string(), row.aliases.join(", "), row.created, row.digest.short(), step]);
    }
    out(&table.to_string());
    Ok(())
}

/// What was known of a version when its pipeline judged it; none if it was deployed unjudged, or that isn't kept any more.
fn judged(store: &Store, lineage: &Json) -> Option<ModelReport> {
    let place = usize::try_from(lineage["judged"]["place"].as_u64()?).ok()?;
    let digest = lineage["judged"]["report"].as_str()?.parse().ok()?;
    reports(store, &digest).ok()?.into_iter().nth(place)
}

fn show(registry: &Registry, store: &Store, model: &str, as_json: bool) -> Result<(), Failure> {
    let row = registry.resolve(model)?;
    let predictor = Sealed::open(&object(store, &row.digest)?)?;
    let sealed = predictor.sealed();
    let trained = &sealed.trained;
    let ledger: Vec<_> = registry.ledger(&row.name)?.into_iter().filter(|line| line.version == row.version).collect();
    let judged = judged(store, &row.lineage);
    if as_json {
        out_json(
            &json!({"model": row, "judged": judged, "request": sealed.signature, "trained": {"model": trained.model, "rows": trained.rows, "target": trained.target, "features": trained.features, "importance": trained.importance()}, "ledger": ledger}),
        );
        return Ok(());
    }
    let mut text = format!("{} version {}", row.name, row.version);
    if !row.aliases.is_empty() {
        text.push_str(&format!(" ({})", row.aliases.join(", ")));
    }
    text.push_str(&format!("\nregistered {}, {}\n", row.created, row.digest));
    for key in ["pipeline", "step", "run", "commit"] {
        if let Some(value) = row.lineage[key].as_str() {
            text.push_str(&format!("{key:9} {value}\n"));
        }
    }
    text.push_str(&format!(
        "\n{} from {} rows × {} features, predicts {} from\n\n{}",
        trained.model,
        trained.rows,
        trained.features.len(),
        trained.target,
        super::show::signature(sealed)
    ));
    if trained.estimator.importance().is_some() {
        text.push_str(&format!("\n{}", importance(&trained.importance())));
    }
    if let Some(metrics) = row.lineage["metrics"].as_object() {
        let of = match row.lineage["refit"].is_object() {
            true => "scores of the model before it was fitted once more on all rows",
            false => "scores when it was registered",
        };
        text.push_str(&format!("\n{of}\n"));
        for (name, values) in metrics {
            let shown: Vec<String> = values
                .as_object()
                .into_iter()
                .flatten()
                .map(|(metric, value)| format!("{metric} {:.4}", value.as_f64().unwrap_or(f64::NAN)))
                .collect();
            text.push_str(&format!("  {name}: {}\n", shown.join(", ")));
        }
    }
    if let Some(judged) = judged.filter(|judged| judged.overall.is_some()) {
        text.push_str(&format!("\n{}", classes(&judged)));
    }
    for line in ledger {
        text.push_str(&format!(
            "\n{} {} {} → version {} by {} {}",
            line.at, line.what, line.alias, line.version, line.actor, line.why
        ));
    }
    out(&text);
    Ok(())
}
