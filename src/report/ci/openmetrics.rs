//! Scores, gates and times as OpenMetrics text.

use crate::report::Ran;

/// The figures of some runs. What isn't a number is left out.
pub fn openmetrics(runs: &[Ran]) -> String {
    let mut scores = Vec::new();
    let mut gates = Vec::new();
    let mut times = Vec::new();
    for ran in runs {
        let pipeline = label("pipeline", &ran.pipeline);
        for (step, models) in &ran.metrics {
            for (model, metrics) in models {
                for (metric, value) in metrics {
                    let Some(value) = value.filter(|value| value.is_finite()) else { continue };
                    let labels = [label("step", step), label("model", model), label("metric", metric)].join(",");
                    scores.push(format!("gristmill_score{{{pipeline},{labels}}} {value}"));
                }
            }
        }
        for (step, found) in &ran.gates {
            for gate in found {
                let labels = [label("step", step), label("metric", &gate.metric)].join(",");
                gates.push(format!("gristmill_gate_passed{{{pipeline},{labels}}} {}", u8::from(gate.passed)));
            }
        }
        for step in ran.steps.iter().filter(|step| step.outcome == "ran") {
            let step_label = label("step", &step.step);
            times.push(format!("gristmill_step_seconds{{{pipeline},{step_label}}} {:.3}", step.seconds));
        }
    }
    let families = [
        ("gristmill_score", "A metric of a model on the rows it is judged on.", scores),
        ("gristmill_gate_passed", "Whether a gate holds.", gates),
        ("gristmill_step_seconds", "How long a step took that was made.", times),
    ];
    let mut text = String::new();
    for (name, help, samples) in families.iter().filter(|(_, _, samples)| !samples.is_empty()) {
        text.push_str(&format!("# TYPE {name} gauge\n# HELP {name} {help}\n{}\n", samples.join("\n")));
    }
    text.push_str("# EOF\n");
    text
}

fn label(name: &str, value: &str) -> String {
    let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("{name}=\"{value}\"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn figures_are_told_with_their_names_and_end_with_eof() {
        let ran = Ran::of(&json!({
            "pipeline": "p", "steps": [{"step": "a \"b\"", "outcome": "ran", "seconds": 0.25}, {"step": "c", "outcome": "cached"}],
            "metrics": {"q": {"m": {"f1": 0.5, "mcc": null}}},
            "gates": {"q": [{"metric": "f1", "passed": true}]}
        }));
        let expected = "# TYPE gristmill_score gauge\n# HELP gristmill_score A metric of a model on the rows it is judged on.\n\
            gristmill_score{pipeline=\"p\",step=\"q\",model=\"m\",metric=\"f1\"} 0.5\n\
            # TYPE gristmill_gate_passed gauge\n# HELP gristmill_gate_passed Whether a gate holds.\n\
            gristmill_gate_passed{pipeline=\"p\",step=\"q\",metric=\"f1\"} 1\n\
            # TYPE gristmill_step_seconds gauge\n# HELP gristmill_step_seconds How long a step took that was made.\n\
            gristmill_step_seconds{pipeline=\"p\",step=\"a \\\"b\\\"\"} 0.250\n# EOF\n";
        assert_eq!(openmetrics(&[ran]), expected);
        assert_eq!(openmetrics(&[]), "# EOF\n");
    }
}
