//! For Mermaid, as code hosts draw it in Markdown.

use std::fmt::Write;

use super::{Graph, VERBS, line};

/// Draws a graph as a Mermaid flowchart from left to right.
pub fn mermaid(graph: &Graph) -> String {
    let title = serde_json::Value::String(line(&graph.name));
    let mut out = format!("---\ntitle: {title}\n---\nflowchart LR\n");
    for (place, node) in graph.nodes.iter().enumerate() {
        let (open, close) = match node.class() {
            "source" => ("[(", ")]"),
            "evaluate" => ("{{", "}}"),
            "deploy" => ("([", "])"),
            _ => ("[", "]"),
        };
        let label = format!("{}<br/>{}", escaped(&node.name), escaped(&node.subtitle()));
        put(&mut out, format_args!("  n{place}{open}\"{label}\"{close}:::{}", node.class()));
    }
    for (from, to) in graph.links() {
        put(&mut out, format_args!("  n{from} --> n{to}"));
    }
    for verb in VERBS.into_iter().filter(|verb| graph.nodes.iter().any(|node| node.class() == *verb)) {
        put(&mut out, format_args!("  classDef {verb} {}", style(verb)));
    }
    out
}

fn put(out: &mut String, text: std::fmt::Arguments) {
    writeln!(out, "{text}").expect("a string takes all text");
}

/// Dark text on light boxes: readable on any page.
fn style(verb: &str) -> &'static str {
    match verb {
        "source" => "fill:#cffafe,stroke:#0e7490,color:#083344",
        "clean" => "fill:#e0f2fe,stroke:#0369a1,color:#082f49",
        "train" => "fill:#fef3c7,stroke:#b45309,color:#451a03",
        "evaluate" => "fill:#fae8ff,stroke:#a21caf,color:#4a044e",
        "deploy" => "fill:#dcfce7,stroke:#15803d,color:#052e16",
        _ => "fill:#e0e7ff,stroke:#4338ca,color:#1e1b4b",
    }
}

/// As Mermaid's entities: what ends a label, what is markup in it, and what begins an entity.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in line(text).chars() {
        match c {
            '"' => out.push_str("#quot;"),
            '<' => out.push_str("#lt;"),
            '>' => out.push_str("#gt;"),
            '&' => out.push_str("#amp;"),
            '#' | '`' | '\\' | '*' | ';' => {
                write!(out, "#{};", u32::from(c)).expect("a string takes all text");
            }
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::tests::{hostile, penguins};
    use super::*;

    #[test]
    fn penguins_in_mermaid() {
        let drawn = mermaid(&penguins());
        let expected = r#"
---
title: "penguins"
---
flowchart LR
  n0[("penguins<br/>source · data/penguins.csv")]:::source
  n1["tidy<br/>clean · 3 ops"]:::clean
  n2["features<br/>transform · 5 ops"]:::transform
  n3["forest<br/>train · random_forest"]:::train
  n4["logistic<br/>train · logistic_regression"]:::train
  n5{{"quality<br/>evaluate · f1"}}:::evaluate
  n6(["live<br/>deploy · penguin-species"]):::deploy
  n0 --> n1
  n1 --> n2
  n2 --> n3
  n2 --> n4
  n3 --> n5
  n4 --> n5
  n5 --> n6
"#;
        assert_eq!(drawn.split("  classDef").next(), Some(expected.trim_start()));
        assert_eq!(drawn.matches("  classDef").count(), 6);
    }

    #[test]
    fn labels_are_escaped() {
        let drawn = mermaid(&hostile());
        assert!(drawn.starts_with("---\ntitle: \"a \\\"b\\\" <c> --- & ]]>\"\n---\n"), "{drawn}");
        assert!(drawn.contains("  n1[\"#lt;/text#gt;<br/>train · #amp;amp#59;\"]:::train\n"), "{drawn}");
        assert!(drawn.contains("  n0[\"x#quot;]#59;y<br/>so#lt;urce · a#92;b #96;c#96; #35;d#59;"), "{drawn}");
        assert_eq!(mermaid(&Graph::default()), "---\ntitle: \"\"\n---\nflowchart LR\n");
    }
}
