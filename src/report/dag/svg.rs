//! As a picture of its own: SVG with its style inside, for light and dark pages.

use std::fmt::Write;

use super::layout::{BOX, Layout, layout};
use super::{Graph, GraphNode, clip, line};

/// The least distance between the boxes of two layers, for the edges.
const GAP: f64 = 56.0;
const MARGIN: f64 = 16.0;
/// The room between a layer's boxes.
const BETWEEN: f64 = 16.0;
/// Longer texts are clipped; the whole is in the box's title.
const MOST: usize = 30;

/// Plain colors first and the dark ones after them, in a rule of their own: programs that know no schemes show the light one.
const STYLE: &str = "
.gm-dag text{font-family:system-ui,-apple-system,\"Segoe UI\",Helvetica,Arial,sans-serif}
.gm-dag .name{font-size:13px;font-weight:600;fill:#0f172a}
.gm-dag .note{font-size:11px;fill:#475569}
.gm-dag rect{fill:#f8fafc;stroke-width:1.5}
.gm-dag .edge{fill:none;stroke:#64748b;stroke-width:1.5}
.gm-dag .tip{fill:#64748b}
.gm-dag .source rect{stroke:#0e7490}
.gm-dag .clean rect{stroke:#0369a1}
.gm-dag .transform rect{stroke:#4338ca}
.gm-dag .train rect{stroke:#b45309}
.gm-dag .evaluate rect{stroke:#a21caf}
.gm-dag .deploy rect{stroke:#15803d}
@media (prefers-color-scheme:dark){
.gm-dag .name{fill:#f1f5f9}
.gm-dag .note{fill:#cbd5e1}
.gm-dag rect{fill:#1e293b}
.gm-dag .edge{stroke:#94a3b8}
.gm-dag .tip{fill:#94a3b8}
.gm-dag .source rect{stroke:#22d3ee}
.gm-dag .clean rect{stroke:#38bdf8}
.gm-dag .transform rect{stroke:#818cf8}
.gm-dag .train rect{stroke:#fbbf24}
.gm-dag .evaluate rect{stroke:#e879f9}
.gm-dag .deploy rect{stroke:#4ade80}
}
";

/// Draws a graph as an SVG document that needs nothing else.
pub fn svg(graph: &Graph) -> String {
    let laid = layout(graph);
    let columns = columns(graph, &laid);
    let width = columns.last().map_or(0.0, |last| last.left + last.width) + MARGIN;
    let height = laid.height - if graph.nodes.is_empty() { 0.0 } else { BETWEEN } + 2.0 * MARGIN;
    let mut out = Out(String::new());
    out.put(format_args!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"gm-dag\" role=\"img\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\">",
        number(width.max(2.0 * MARGIN)), number(height)
    ));
    out.put(format_args!("<title>{}</title>\n<style>{STYLE}</style>", escaped(&graph.name)));
    out.put(format_args!(
        "<defs><marker id=\"gm-dag-tip\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\"><path class=\"tip\" d=\"M0 0L8 4L0 8z\"/></marker></defs>"
    ));
    for route in &laid.routes {
        out.put(format_args!(
            "<path class=\"edge\" marker-end=\"url(#gm-dag-tip)\" d=\"{}\"/>",
            curve(route, &laid, &columns)
        ));
    }
    for (place, node) in graph.nodes.iter().enumerate() {
        draw(&mut out, node, &columns[laid.layers[place]], middle(&laid, place));
    }
    out.put(format_args!("</svg>"));
    out.0
}

struct Out(String);

impl Out {
    fn put(&mut self, text: std::fmt::Arguments) {
        writeln!(self.0, "{text}").expect("a string takes all text");
    }
}

/// Where a layer's boxes are.
struct Column {
    left: f64,
    width: f64,
}

/// A layer is as wide as its widest box.
fn columns(graph: &Graph, laid: &Layout) -> Vec<Column> {
    let mut widths = vec![0.0_f64; laid.layers.iter().max().map_or(0, |last| last + 1)];
    for (node, &layer) in graph.nodes.iter().zip(&laid.layers) {
        let wide = extent(&clip(&node.name, MOST), 13.0).max(extent(&clip(&node.subtitle(), MOST), 11.0));
        widths[layer] = widths[layer].max((wide + 24.0).max(88.0).round());
    }
    let mut left = MARGIN;
    let mut columns = Vec::with_capacity(widths.len());
    for width in widths {
        columns.push(Column { left, width });
        left += width + GAP;
    }
    columns
}

/// About how wide a text is, as there is no font at hand: Latin letters are narrower than they are high, others may be as wide.
fn extent(text: &str, size: f64) -> f64 {
    text.chars().map(|c| if u32::from(c) < 0x1100 { 0.6 * size } else { size }).sum()
}

fn middle(laid: &Layout, slot: usize) -> f64 {
    laid.heights[slot] + MARGIN - BETWEEN / 2.0
}

/// From the right side of the first box to the left side of the last, level where it passes a layer.
fn curve(route: &[usize], laid: &Layout, columns: &[Column]) -> String {
    let end = |slot: usize| columns[laid.layers[slot]].left + columns[laid.layers[slot]].width;
    let mut from = (end(route[0]), middle(laid, route[0]));
    let mut path = format!("M{} {}", number(from.0), number(from.1));
    for &slot in &route[1..] {
        let to = (columns[laid.layers[slot]].left, middle(laid, slot));
        let half = number((from.0 + to.0) / 2.0);
        let step = format!("C{half} {} {half} {} {} {}", number(from.1), number(to.1), number(to.0), number(to.1));
        path.push_str(&step);
        from = (end(slot), to.1);
        if Some(&slot) != route.last() {
            path.push_str(&format!("H{}", number(from.0)));
        }
    }
    path
}

fn draw(out: &mut Out, node: &GraphNode, column: &Column, middle: f64) {
    let high = BOX - BETWEEN;
    out.put(format_args!(
        "<g class=\"{}\"><title>{}: {}</title>",
        node.class(),
        escaped(&node.name),
        escaped(&node.subtitle())
    ));
    out.put(format_args!(
        "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"8\"/>",
        number(column.left),
        number(middle - high / 2.0),
        number(column.width),
        number(high)
    ));
    let texts = [("name", -4.0, clip(&node.name, MOST)), ("note", 13.0, clip(&node.subtitle(), MOST))];
    for (class, down, text) in texts {
        let (x, y) = (number(column.left + 12.0), number(middle + down));
        out.put(format_args!("<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{}</text>", escaped(&text)));
    }
    out.put(format_args!("</g>"));
}

/// To a tenth of a pixel.
fn number(value: f64) -> String {
    let tenths = (value * 10.0).round() / 10.0;
    // No `-0`, which is another text for the same place.
    format!("{}", tenths + 0.0)
}

/// As XML's text: no markup, and none of the characters that XML has no room for.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in line(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => out.push(' '),
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::tests::{hostile, penguins};
    use super::*;

    /// Every tag that opens closes, in order; attributes are quoted; no `<` or bare `&` is left in texts.
    fn well_formed(document: &str) {
        let mut open: Vec<&str> = Vec::new();
        let mut rest = document.trim_end();
        while let Some(at) = rest.find('<') {
            assert!(!rest[..at].contains('>'), "a bare > in {:?}", &rest[..at]);
            for piece in rest[..at].split('&').skip(1) {
                assert!(["amp;", "lt;", "gt;", "quot;"].iter().any(|name| piece.starts_with(name)), "{piece}");
            }
            let end = at + rest[at..].find('>').expect("a tag ends");
            let tag = &rest[at + 1..end];
            assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
            rest = &rest[end + 1..];
            if let Some(name) = tag.strip_prefix('/') {
                assert_eq!(open.pop(), Some(name), "{tag}");
            } else if !tag.ends_with('/') {
                open.push(tag.split_whitespace().next().expect("a tag has a name"));
            }
            if open.is_empty() {
                assert_eq!(rest, "", "one root");
            }
        }
        assert!(open.is_empty(), "{open:?}");
    }

    #[test]
    fn penguins_in_a_picture() {
        let drawn = svg(&penguins());
        well_formed(&drawn);
        assert!(
            drawn.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"gm-dag\" role=\"img\" width=\""),
            "{drawn}"
        );
        let source = "
<g class=\"source\"><title>penguins: source · data/penguins.csv</title>
<rect x=\"16\" y=\"48\" width=\"196\" height=\"48\" rx=\"8\"/>
<text class=\"name\" x=\"28\" y=\"68\">penguins</text>
<text class=\"note\" x=\"28\" y=\"85\">source · data/penguins.csv</text>
</g>
";
        assert!(drawn.contains(source), "{drawn}");
        assert_eq!(drawn.matches("class=\"edge\"").count(), 7);
        assert!(drawn.contains("d=\"M212 72C240 72 240 72 268 72\""), "{drawn}");
        assert_eq!(drawn, svg(&penguins()));
    }

    #[test]
    fn texts_are_escaped_and_nothing_may_be_drawn() {
        let drawn = svg(&hostile());
        well_formed(&drawn);
        assert!(drawn.contains("<title>a &quot;b&quot; &lt;c&gt; --- &amp; ]]&gt;</title>"), "{drawn}");
        assert!(!drawn.contains('\u{1b}') && !drawn.contains('\0'));
        let empty = svg(&Graph::default());
        well_formed(&empty);
        assert!(empty.contains("viewBox=\"0 0 32 32\""), "{empty}");
    }
}
