//! For Graphviz.

use std::fmt::Write;

use super::{Graph, line};

/// Draws a graph in Graphviz' language, from left to right.
pub fn dot(graph: &Graph) -> String {
    let mut out = format!("digraph {} {{\n  rankdir=LR;\n", quoted(&graph.name));
    out.push_str("  node [shape=box, style=\"rounded,filled\", fontname=\"Helvetica\", fillcolor=white];\n");
    for (place, node) in graph.nodes.iter().enumerate() {
        let label = format!("\"{}\\n{}\"", escaped(&node.name), escaped(&node.subtitle()));
        let shape = if node.class() == "source" { ", shape=cylinder, style=filled" } else { "" };
        writeln!(out, "  n{place} [label={label}, fillcolor=\"{}\"{shape}];", fill(node.class()))
            .expect("a string takes all text");
    }
    for (from, to) in graph.links() {
        writeln!(out, "  n{from} -> n{to};").expect("a string takes all text");
    }
    out.push_str("}\n");
    out
}

fn fill(verb: &str) -> &'static str {
    match verb {
        "source" => "#cffafe",
        "clean" => "#e0f2fe",
        "train" => "#fef3c7",
        "evaluate" => "#fae8ff",
        "deploy" => "#dcfce7",
        _ => "#e0e7ff",
    }
}

/// What a quoted string holds. A backslash would begin an escape of labels (`\N`, `\l`) or hide the closing quote.
fn escaped(text: &str) -> String {
    line(text).replace('\\', "\\\\").replace('"', "\\\"")
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{hostile, penguins};
    use super::*;

    #[test]
    fn penguins_in_graphviz() {
        let drawn = dot(&penguins());
        assert!(drawn.starts_with("digraph \"penguins\" {\n  rankdir=LR;\n"), "{drawn}");
        let source = "  n0 [label=\"penguins\\nsource · data/penguins.csv\", fillcolor=\"#cffafe\", shape=cylinder, style=filled];\n";
        assert!(drawn.contains(source), "{drawn}");
        assert!(drawn.contains("  n3 [label=\"forest\\ntrain · random_forest\", fillcolor=\"#fef3c7\"];\n"), "{drawn}");
        assert!(drawn.ends_with("  n3 -> n5;\n  n4 -> n5;\n  n5 -> n6;\n}\n"), "{drawn}");
    }

    #[test]
    fn quotes_and_backslashes_are_escaped() {
        let drawn = dot(&hostile());
        assert!(drawn.starts_with("digraph \"a \\\"b\\\" <c> --- & ]]>\" {\n"), "{drawn}");
        assert!(drawn.contains("label=\"x\\\"];y\\nso<urce · a\\\\b `c` #d;"), "{drawn}");
        assert!(dot(&Graph::default()).ends_with("fillcolor=white];\n}\n"));
    }
}
