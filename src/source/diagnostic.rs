//! A mistake with its place, and the one renderer of carets.

use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use serde::Serialize;

use super::{Fault, Severity};

/// A mistake that has found its line.
#[derive(Clone, Debug, Serialize)]
pub struct Diagnostic {
    /// A short stable name of the kind of mistake.
    pub code: &'static str,
    /// Whether it stops the pipeline.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// The file, as it was named; empty when no file is at fault.
    pub file: String,
    /// The line, from 1; 0 when no file is at fault.
    pub line: usize,
    /// The column, from 1, in characters.
    pub column: usize,
    /// How many characters are meant.
    pub length: usize,
    /// What was probably meant, or what to do.
    pub help: Option<String>,
    #[serde(skip)]
    text: Arc<str>,
    #[serde(skip)]
    span: Range<usize>,
}

impl Diagnostic {
    /// A fault at the bytes `span` of `text`.
    pub fn new(file: &str, text: &Arc<str>, span: Range<usize>, fault: &Fault) -> Self {
        let start = floor(text, span.start);
        let end = floor(text, span.end).max(start);
        // A place of several lines is told by its first.
        let end = text[start..end].find('\n').map_or(end, |newline| start + newline);
        let line_start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            code: fault.code,
            severity: fault.severity,
            message: fault.to_string(),
            file: file.to_owned(),
            line: text[..start].matches('\n').count() + 1,
            column: text[line_start..start].chars().count() + 1,
            length: text[start..end].chars().count(),
            help: fault.help.clone(),
            text: Arc::clone(text),
            span: start..end,
        }
    }

    /// A fault that no file is to blame for.
    pub fn placeless(fault: &Fault) -> Self {
        Self {
            code: fault.code,
            severity: fault.severity,
            message: fault.to_string(),
            file: String::new(),
            line: 0,
            column: 0,
            length: 0,
            help: fault.help.clone(),
            text: Arc::from(""),
            span: 0..0,
        }
    }

    /// With its line and a caret under it.
    pub fn render(&self, color: bool) -> String {
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let title = level.primary_title(self.message.as_str());
        let mut group = if self.file.is_empty() {
            annotate_snippets::Group::with_title(title)
        } else {
            let lines = self.excerpt();
            let shown = self.span.start - lines.start..self.span.end - lines.start;
            let first = self.text[..lines.start].matches('\n').count() + 1;
            let snippet = Snippet::source(&self.text[lines])
                .line_start(first)
                .path(self.file.as_str())
                .annotation(AnnotationKind::Primary.span(shown));
            title.element(snippet)
        };
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        renderer.decor_style(DecorStyle::Ascii).render(&[group])
    }

    /// The bytes of the line that is meant.
    fn excerpt(&self) -> Range<usize> {
        let start = self.text[..self.span.start].rfind('\n').map_or(0, |newline| newline + 1);
        let end = self.text[self.span.end..].find('\n').map_or(self.text.len(), |newline| self.span.end + newline);
        start..end
    }
}

/// The nearest character boundary at or below `at`.
fn floor(text: &str, at: usize) -> usize {
    text.floor_char_boundary(at.min(text.len()))
}

/// All of them, in the order of the text, errors and warnings alike; one blank line between.
pub fn render(diagnostics: &[Diagnostic], color: bool) -> String {
    let shown: Vec<String> = diagnostics.iter().map(|found| found.render(color)).collect();
    shown.join("\n\n")
}

/// Sorted by file and place, each said once.
pub fn in_order(mut diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
    diagnostics.sort_by(|a, b| (&a.file, a.line, a.column, &a.message).cmp(&(&b.file, b.line, b.column, &b.message)));
    diagnostics.dedup_by(|a, b| (&a.file, a.line, a.column, &a.message) == (&b.file, b.line, b.column, &b.message));
    diagnostics
}
