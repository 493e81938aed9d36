//! GitHub Actions: annotations at the YAML's line, by workflow commands. They are read from stderr as well as from stdout.

use crate::source::{Diagnostic, Severity};

/// A workflow command that shows a mistake at its place. `prefix` leads from the repository's root to the project's, with
/// a `/` at its end, or is empty.
pub fn annotation(found: &Diagnostic, prefix: &str) -> String {
    let command = match found.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let mut properties = Vec::new();
    if !found.file.is_empty() {
        properties.push(format!("file={}", property(&format!("{prefix}{}", found.file))));
        properties.push(format!("line={}", found.line));
        properties.push(format!("col={}", found.column));
        if found.length > 0 {
            properties.push(format!("endColumn={}", found.column + found.length));
        }
    }
    properties.push(format!("title={}", property(&format!("gristmill: {}", found.code))));
    let message = match &found.help {
        Some(help) => format!("{}\n{help}", found.message),
        None => found.message.clone(),
    };
    format!("::{command} {}::{}", properties.join(","), data(&message))
}

/// What may stand as a command's message.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// What may stand as a property's value.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Document, Fault, Route};

    #[test]
    fn a_mistake_is_shown_at_its_place_and_escaped() {
        let document = Document::parse("pipelines/a,b.yaml", "steps:\n  t: {clean: q}\n").expect("YAML");
        let fault = Fault::new("unknown-name", "100% wrong: a,b\nand more").help("did you mean `p`?");
        let found = document.diagnose(&fault.under(&Route::of(["steps", "t", "clean"])));
        assert_eq!(
            annotation(&found, "ml/"),
            "::error file=ml/pipelines/a%2Cb.yaml,line=2,col=14,endColumn=15,title=gristmill%3A unknown-name::\
             100%25 wrong: a,b%0Aand more%0Adid you mean `p`?"
        );
    }

    #[test]
    fn a_warning_without_a_place_has_none() {
        let found = Diagnostic::placeless(&Fault::warning("w", "careful"));
        assert_eq!(annotation(&found, ""), "::warning title=gristmill%3A w::careful");
    }
}
