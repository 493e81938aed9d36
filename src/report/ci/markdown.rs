//! A run as Markdown, for the summary of a job.

use std::collections::BTreeMap;

use crate::report::judgement::with_interval;
use crate::report::{Ran, RanStep, seconds};

/// Runs of more steps than this list only what wasn't kept.
const ALL: usize = 50;
/// No summary lists more steps than this.
const MOST: usize = 500;

/// The summary of a run, which took `took` seconds.
pub fn markdown(ran: &Ran, took: Option<f64>) -> String {
    let mark = if ran.status == "done" { "✅" } else { "❌" };
    let took = took.map_or(String::new(), |took| format!(" in {}", seconds(took)));
    let mut text = format!("## {mark} {}: {}{took}\n\n", escape(&ran.pipeline), ran.status.replace('_', " "));
    text.push_str(&format!("Run `{}`: {}.\n", ran.run, ran.outcomes()));
    for error in &ran.errors {
        text.push_str(&format!("\n> **error** {}\n", quoted(&error.line())));
    }
    for warning in &ran.warnings {
        text.push_str(&format!("\n> **warning** {}\n", quoted(&warning.line())));
    }
    text.push_str(&steps(&ran.steps));
    for (step, models) in &ran.metrics {
        text.push_str(&metrics(ran, step, models));
        for gate in ran.gates.get(step).into_iter().flatten() {
            text.push_str(&format!("- {} {}\n", if gate.passed { "✅" } else { "❌" }, escape(&gate.words())));
        }
    }
    if !ran.deployed.is_empty() {
        text.push_str("\n### Deployed\n\n");
    }
    for deployed in &ran.deployed {
        text.push_str(&format!("- {}\n", escape(&deployed.words())));
    }
    text.push('\n');
    text
}

fn steps(all: &[RanStep]) -> String {
    let shown: Vec<&RanStep> =
        all.iter().filter(|step| all.len() <= ALL || step.outcome != "cached").take(MOST).collect();
    if shown.is_empty() {
        return String::new();
    }
    let mut text = "\n| step | outcome | took | why |\n| --- | --- | ---: | --- |\n".to_owned();
    for step in shown {
        let took = if step.outcome == "ran" { seconds(step.seconds) } else { String::new() };
        let why = step.reason.lines().next().unwrap_or_default();
        text.push_str(&format!("| {} | {} | {took} | {} |\n", escape(&step.step), step.outcome, escape(why)));
    }
    text
}

fn metrics(ran: &Ran, step: &str, models: &BTreeMap<String, BTreeMap<String, Option<f64>>>) -> String {
    let best = ran.best.get(step);
    let names: Vec<&String> = models.values().next().map(|of| of.keys().collect()).unwrap_or_default();
    let heads: String = names.iter().map(|name| format!(" {} |", escape(name))).collect();
    let mut text = format!("\n### {}\n\n| model |{heads}\n| --- |{}\n", escape(step), " ---: |".repeat(names.len()));
    for (model, of) in models {
        let cell = |value, name: &str| with_interval(value, ran.interval(step, model, name));
        let cells: String =
            names.iter().map(|name| format!(" {} |", escape(&cell(of.get(*name).copied().flatten(), name)))).collect();
        let name = escape(model);
        let name = if best == Some(model) && models.len() > 1 { format!("**{name}**") } else { name };
        text.push_str(&format!("| {name} |{cells}\n"));
    }
    text.push('\n');
    text
}

/// Text that stays what it is in a cell: no column, no tag, no emphasis, no link outside of code.
fn escape(text: &str) -> String {
    let mut escaped = String::new();
    let mut code = false;
    for c in text.chars() {
        match c {
            '\n' | '\r' => escaped.push(' '),
            '`' => {
                code = !code;
                escaped.push(c);
            }
            // Also within code: a cell ends at any bar.
            '|' => escaped.push_str("\\|"),
            '<' if !code => escaped.push_str("&lt;"),
            '*' | '_' | '[' | ']' | '\\' | '#' | '!' if !code => {
                escaped.push('\\');
                escaped.push(c);
            }
            c => escaped.push(c),
        }
    }
    escaped
}

/// Several lines within one quotation.
fn quoted(text: &str) -> String {
    text.lines().map(escape).collect::<Vec<_>>().join("<br>\n> ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_run_is_told_with_its_steps_scores_gates_and_errors() {
        let ran = Ran::of(&json!({
            "run": "20260101-000000000-aaaa", "pipeline": "p_q", "status": "gate_failed",
            "steps": [
                {"step": "tidy", "outcome": "ran", "reason": "`filter`: a | b → c", "seconds": 1.25},
                {"step": "live", "outcome": "skipped", "reason": "a gate failed"}
            ],
            "metrics": {"quality": {"forest": {"f1": 0.5, "mcc": null}, "line": {"f1": 0.25, "mcc": 0.1}}},
            "intervals": {"quality": {"forest": {"f1": [0.45, 0.55]}}},
            "best": {"quality": "forest"},
            "gates": {"quality": [{"metric": "f1", "min": 0.9, "value": 0.5, "passed": false}]},
            "deployed": [{"model": "m", "version": 3, "alias": "champion", "promoted": true}],
            "errors": [{"message": "broken:\n  row <2>", "file": "p.yaml", "line": 3, "column": 1}]
        }));
        let expected = "## ❌ p\\_q: gate failed in 2.0 s\n\nRun `20260101-000000000-aaaa`: 1 ran, 1 skipped.\n\n\
            > **error** p.yaml:3:1: broken:<br>\n>   row &lt;2>\n\n\
            | step | outcome | took | why |\n| --- | --- | ---: | --- |\n\
            | tidy | ran | 1.2 s | `filter`: a \\| b → c |\n| live | skipped |  | a gate failed |\n\n\
            ### quality\n\n| model | f1 | mcc |\n| --- | ---: | ---: |\n\
            | **forest** | 0.5000 \\[0.450, 0.550\\] | – |\n| line | 0.2500 | 0.1000 |\n\n- ❌ f1 0.5000 isn't at least 0.9\n\n\
            ### Deployed\n\n- m version 3 (champion)\n\n";
        assert_eq!(markdown(&ran, Some(2.0)), expected);
    }

    #[test]
    fn many_kept_steps_are_only_counted() {
        let steps: Vec<_> = (0..60).map(|n| json!({"step": format!("s{n}"), "outcome": "cached"})).collect();
        let text = markdown(&Ran::of(&json!({"status": "done", "steps": steps})), None);
        assert!(text.contains("60 cached") && !text.contains("| s1 "), "{text}");
    }
}
