//! The graph of a pipeline, drawn: for a terminal, for Mermaid, for Graphviz, and as a picture.

mod dot;
mod layout;
mod mermaid;
mod rails;
mod svg;
mod text;

pub use dot::dot;
pub use mermaid::mermaid;
pub use svg::svg;
pub use text::text;

/// What is to be drawn. Edges that don't lead onward to a later node are left out of every drawing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Graph {
    /// The pipeline's name.
    pub name: String,
    /// Sources and steps, in topological order.
    pub nodes: Vec<GraphNode>,
    /// `(from, to)`, as places in `nodes`.
    pub edges: Vec<(usize, usize)>,
}

/// A source or a step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GraphNode {
    /// Its name.
    pub name: String,
    /// What it does: `source`, `clean`, `transform`, `train`, `evaluate` or `deploy`.
    pub verb: String,
    /// What else there is to say in a few words: a file, a model; may be empty.
    pub note: String,
}

/// The verbs, in the order of a pipeline. A verb that isn't among them is drawn as the plainest one.
const VERBS: [&str; 6] = ["source", "clean", "transform", "train", "evaluate", "deploy"];

impl Graph {
    /// The edges that can be drawn, each once, sorted.
    fn links(&self) -> Vec<(usize, usize)> {
        let mut links: Vec<(usize, usize)> =
            self.edges.iter().copied().filter(|&(from, to)| from < to && to < self.nodes.len()).collect();
        links.sort_unstable();
        links.dedup();
        links
    }

    /// For each node, the nodes that it works on, rising.
    fn inputs(&self) -> Vec<Vec<usize>> {
        let mut inputs = vec![Vec::new(); self.nodes.len()];
        for (from, to) in self.links() {
            inputs[to].push(from);
        }
        inputs
    }
}

impl GraphNode {
    /// The verb as a class of a style sheet.
    fn class(&self) -> &'static str {
        VERBS.into_iter().find(|verb| *verb == self.verb).unwrap_or("transform")
    }

    /// The verb and the note in one line.
    fn subtitle(&self) -> String {
        if self.note.is_empty() { self.verb.clone() } else { format!("{} · {}", self.verb, self.note) }
    }
}

/// In one line: whatever would break or steer a line is a blank.
fn line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c }).collect()
}

/// At most `most` characters, the last of them `…` if some are missing.
fn clip(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut kept: String = text.chars().take(most.saturating_sub(1)).collect();
    kept.push('…');
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn node(name: &str, verb: &str, note: &str) -> GraphNode {
        GraphNode { name: name.to_owned(), verb: verb.to_owned(), note: note.to_owned() }
    }

    pub(super) fn penguins() -> Graph {
        Graph {
            name: "penguins".to_owned(),
            nodes: vec![
                node("penguins", "source", "data/penguins.csv"),
                node("tidy", "clean", "3 ops"),
                node("features", "transform", "5 ops"),
                node("forest", "train", "random_forest"),
                node("logistic", "train", "logistic_regression"),
                node("quality", "evaluate", "f1"),
                node("live", "deploy", "penguin-species"),
            ],
            edges: vec![(0, 1), (1, 2), (2, 3), (2, 4), (3, 5), (4, 5), (5, 6)],
        }
    }

    pub(super) fn hostile() -> Graph {
        Graph {
            name: "a \"b\" <c>\n--- & ]]>".to_owned(),
            nodes: vec![node("x\"];y", "so<urce", "a\\b\n`c` #d; \u{1b}[31m\u{0}"), node("</text>", "train", "&amp;")],
            edges: vec![(0, 1), (0, 1), (1, 0), (0, 0), (0, 9)],
        }
    }

    pub(super) fn chain(nodes: usize) -> Graph {
        Graph {
            name: "chain".to_owned(),
            nodes: (0..nodes).map(|place| node(&format!("step_{place}"), "transform", "")).collect(),
            edges: (1..nodes).map(|place| (place - 1, place)).collect(),
        }
    }

    #[test]
    fn a_long_chain_is_drawn_at_once() {
        let graph = chain(1000);
        let begun = std::time::Instant::now();
        assert_eq!(text(&graph, false).lines().count(), 1000);
        assert_eq!(mermaid(&graph).matches(" --> ").count(), 999);
        assert_eq!(dot(&graph).matches(" -> ").count(), 999);
        assert_eq!(svg(&graph).matches("<rect").count(), 1000);
        assert!(begun.elapsed().as_secs() < 2, "{:?}", begun.elapsed());
    }

    #[test]
    fn links_lead_onward_and_are_told_once() {
        assert_eq!(hostile().links(), [(0, 1)]);
        assert_eq!(clip("penguins", 5), "peng…");
    }
}
