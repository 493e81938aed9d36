//! GitLab CI: mistakes as a Code Quality report, which the merge request shows at the YAML's line.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use crate::source::{Diagnostic, Severity};
use crate::store::Digest;

/// The report's entries. `prefix` leads from the repository's root to the project's, with a `/` at its end, or is empty.
/// A fingerprint stays when lines move: it is of what is said, where equal mistakes are counted.
pub fn code_quality(found: &[Diagnostic], prefix: &str) -> Vec<Json> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    found
        .iter()
        .map(|found| {
            // Every entry must have a place: what no file is at fault for stands at the project's root.
            let file = if found.file.is_empty() { "." } else { &found.file };
            let path = format!("{prefix}{file}");
            let said = format!("{}\n{path}\n{}", found.code, found.message);
            let nth = seen.entry(said.clone()).or_default();
            *nth += 1;
            let fingerprint = Digest::of(format!("{said}\n{nth}").as_bytes()).hex();
            let description = match &found.help {
                Some(help) => format!("{} ({help})", found.message),
                None => found.message.clone(),
            };
            json!({
                "description": description,
                "check_name": found.code,
                "fingerprint": fingerprint,
                "severity": match found.severity { Severity::Error => "major", Severity::Warning => "minor" },
                "location": {"path": path, "lines": {"begin": found.line.max(1)}},
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Document, Fault, Route};

    fn report(text: &str) -> Vec<Json> {
        let document = Document::parse("pipelines/p.yaml", text).expect("YAML");
        let fault = Fault::warning("leak", "it has seen the test rows").help("mend it");
        let found = document.diagnose(&fault.under(&Route::of(["steps", "t"])));
        code_quality(&[found.clone(), found], "")
    }

    #[test]
    fn a_fingerprint_stays_when_lines_move_and_differs_for_equal_mistakes() {
        let before = report("steps:\n  t: {clean: q}\n");
        let after = report("name: x\n\nsteps:\n  t: {clean: q}\n");
        assert_eq!(before[0]["location"], json!({"path": "pipelines/p.yaml", "lines": {"begin": 2}}));
        assert_eq!(after[0]["location"]["lines"]["begin"], 4);
        assert_eq!(before[0]["fingerprint"], after[0]["fingerprint"]);
        assert_ne!(before[0]["fingerprint"], before[1]["fingerprint"]);
        assert_eq!((&before[0]["severity"], &before[0]["check_name"]), (&json!("minor"), &json!("leak")));
        assert_eq!(before[0]["description"], "it has seen the test rows (mend it)");
    }
}
