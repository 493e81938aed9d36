//! A search for hyper-parameters: what it found, its best trials, and what mattered.

use serde_json::{Value as Json, json};

use super::judgement::number;
use super::table::{Align, Table};
use crate::engine::{Trial, TrialStatus, Trials};
use crate::learn::tune::LEAST_FOR_IMPORTANCE;

/// How many trials are shown.
const SHOWN: usize = 10;

/// The winner's hyper-parameters, the best trials, and each hyper-parameter's importance.
pub fn trials(found: &Trials) -> String {
    let count = |status: TrialStatus| found.trials.iter().filter(|trial| trial.status == status).count();
    let best = found.best();
    let judged = if found.using == "cv" { "cross-validation" } else { "the validation part" };
    let mut text = format!("{} trials ({}) judged by {judged}", found.trials.len(), found.method);
    for (status, word) in [(TrialStatus::Pruned, "ended early"), (TrialStatus::Failed, "failed")] {
        if count(status) > 0 {
            text.push_str(&format!(", {} {word}", count(status)));
        }
    }
    let params: Vec<String> =
        found.params.iter().zip(&best.values).map(|(name, value)| format!("{name}: {}", plain(value))).collect();
    text.push_str(&format!("\nbest: {{{}}} with {} {}\n\n", params.join(", "), found.metric, score(best)));
    text.push_str(&table(found).to_string());
    if found.trials.len() > SHOWN {
        text.push_str(&format!("and {} more: `gristmill get STEP.trials -o trials.csv`\n", found.trials.len() - SHOWN));
    }
    match &found.importance {
        Some(shares) => {
            let mut shares: Vec<(&String, &f64)> = shares.iter().collect();
            shares.sort_by(|a, b| b.1.total_cmp(a.1));
            let mut table = Table::new([("hyper-parameter", Align::Left), ("share", Align::Right), ("", Align::Left)]);
            for (name, share) in shares {
                let bar = "█".repeat((share * 40.0).round() as usize);
                table.row([name.clone(), format!("{:.1}%", share * 100.0), bar]);
            }
            text.push_str(&format!("\n{table}"));
        }
        None if found.params.len() > 1 => text.push_str(&format!(
            "\nwhich hyper-parameter mattered can be told from {LEAST_FOR_IMPORTANCE} scored trials on\n"
        )),
        None => {}
    }
    text
}

fn table(found: &Trials) -> Table {
    let mut heads = vec![("trial".to_owned(), Align::Right)];
    heads.extend(found.params.iter().map(|name| (name.clone(), Align::Right)));
    heads.extend([(found.metric.clone(), Align::Right), (String::new(), Align::Left)]);
    let mut table = Table::new(heads);
    for trial in found.ranked().into_iter().take(SHOWN) {
        let mut cells = vec![trial.trial.to_string()];
        cells.extend(trial.values.iter().map(plain));
        cells.push(score(trial));
        cells.push(match (trial.status, &trial.error) {
            (TrialStatus::Ok, _) => String::new(),
            (TrialStatus::Pruned, _) if trial.share < 1.0 => format!("ended at {:.3} of the resource", trial.share),
            (TrialStatus::Pruned, _) => format!("ended after fold {}", trial.folds.len()),
            (TrialStatus::Failed, error) => format!("failed: {}", error.as_deref().unwrap_or_default()),
        });
        table.row(cells);
    }
    table
}

/// "0.9312 ± 0.0120".
fn score(trial: &Trial) -> String {
    let std = trial.std.map_or(String::new(), |std| format!(" ± {}", number(Some(std))));
    format!("{}{std}", number(trial.score))
}

fn plain(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The same for machines.
pub fn trials_json(found: &Trials) -> Json {
    let trials: Vec<Json> = found
        .trials
        .iter()
        .map(|trial| {
            json!({
                "trial": trial.trial, "params": found.named(trial), "status": trial.status.name(), "score": trial.score,
                "std": trial.std, "folds": trial.folds, "share": trial.share, "error": trial.error
            })
        })
        .collect();
    json!({
        "metric": found.metric, "method": found.method, "using": found.using, "best": found.best_json(),
        "importance": found.importance, "trials": trials
    })
}
