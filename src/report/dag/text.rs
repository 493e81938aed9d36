//! For a terminal: one line a node, with rails at the left that show what flows where.

use super::{Graph, GraphNode, clip, line, rails};

/// How many characters a line has at most.
const WIDTH: usize = 100;
/// More rails than this beside each other can't be followed by eye; then each node names its inputs instead.
const MOST_RAILS: usize = 20;
/// Longer names are clipped.
const NAME: usize = 36;
/// How many inputs are named beside a node.
const INPUTS: usize = 4;

/// Draws a graph for a terminal, at most 100 characters wide, with a newline at the end. With `color`, in ANSI colors.
///
/// A rail that passes under another is broken by it (`─│─`); one that joins it has a knot (`┼`).
pub fn text(graph: &Graph, color: bool) -> String {
    if graph.nodes.is_empty() {
        return "nothing to draw: there are no steps\n".to_owned();
    }
    let inputs = graph.inputs();
    let order = rails::order(graph, &inputs);
    let columns = Columns::of(graph);
    let Some(laid) = rails::lay(&order, &inputs, MOST_RAILS) else {
        return listed(graph, &order, &inputs, &columns, color);
    };
    let mut out = String::new();
    for found in &laid.lines {
        let Some((node, dot)) = found.node else {
            out.push_str(found.rails.trim_end());
            out.push('\n');
            continue;
        };
        let shown = &graph.nodes[node];
        let before: String = found.rails.chars().take(dot).collect();
        let after: String = found.rails.chars().skip(dot + 1).collect();
        let pad = 2 * laid.columns - found.rails.chars().count();
        let mut row = format!("{before}{}{after}{:pad$}", paint("●", shown, color), "");
        row.push_str(&columns.row(shown, 2 * laid.columns, &line(&shown.note), color));
        out.push_str(row.trim_end());
        out.push('\n');
    }
    out
}

/// Without rails: each node with the names of what it works on.
fn listed(graph: &Graph, order: &[usize], inputs: &[Vec<usize>], columns: &Columns, color: bool) -> String {
    let mut out = String::new();
    for &node in order {
        let shown = &graph.nodes[node];
        let mut told = line(&shown.note);
        if !inputs[node].is_empty() {
            let named: Vec<String> =
                inputs[node].iter().take(INPUTS).map(|&input| line(&graph.nodes[input].name)).collect();
            let more = inputs[node].len() - named.len();
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let space = if told.is_empty() { "" } else { " " };
            told = format!("{told}{space}← {}{more}", named.join(", "));
        }
        let row = format!("{} {}", paint("●", shown, color), columns.row(shown, 2, &told, color));
        out.push_str(row.trim_end());
        out.push('\n');
    }
    out
}

/// How wide the columns of names and verbs are.
struct Columns {
    name: usize,
    verb: usize,
}

impl Columns {
    fn of(graph: &Graph) -> Self {
        let widest =
            |text: fn(&GraphNode) -> &str| graph.nodes.iter().map(|node| text(node).chars().count()).max().unwrap_or(0);
        Self { name: widest(|node| &node.name).min(NAME), verb: widest(|node| &node.verb).min(NAME) }
    }

    /// Name, verb and a note, where `used` characters of the line are taken.
    fn row(&self, node: &GraphNode, used: usize, note: &str, color: bool) -> String {
        let name = format!("{:width$}", clip(&line(&node.name), self.name), width = self.name);
        let verb = format!("{:width$}", clip(&line(&node.verb), self.verb), width = self.verb);
        let room = WIDTH.saturating_sub(used + self.name + self.verb + 4);
        let note = clip(note, room);
        if !color {
            return format!("{name}  {verb}  {note}");
        }
        format!("\u{1b}[1m{name}\u{1b}[0m  {}  \u{1b}[2m{note}\u{1b}[0m", paint(&verb, node, true))
    }
}

/// In the color of the node's verb.
fn paint(text: &str, node: &GraphNode, color: bool) -> String {
    if !color {
        return text.to_owned();
    }
    let code = match node.class() {
        "source" => 36,
        "train" => 33,
        "evaluate" => 35,
        "deploy" => 32,
        _ => 34,
    };
    format!("\u{1b}[{code}m{text}\u{1b}[0m")
}

#[cfg(test)]
mod tests {
    use super::super::tests::{chain, hostile, node, penguins};
    use super::*;

    #[test]
    fn penguins_in_a_terminal() {
        let expected = "
●   penguins  source     data/penguins.csv
●   tidy      clean      3 ops
●   features  transform  5 ops
├─╮
│ ● forest    train      random_forest
● │ logistic  train      logistic_regression
├─╯
●   quality   evaluate   f1
●   live      deploy     penguin-species
";
        assert_eq!(text(&penguins(), false), expected.trim_start());
    }

    #[test]
    fn rails_pass_join_and_end() {
        let names = ["a", "b", "c", "d", "e", "f"];
        let graph = Graph {
            name: "knots".to_owned(),
            nodes: names.into_iter().map(|name| node(name, "clean", "")).collect(),
            edges: vec![(0, 3), (1, 3), (2, 3), (0, 4), (2, 4), (0, 5), (1, 5), (3, 5), (4, 5)],
        };
        let expected = "
●       a  clean
│ ●     b  clean
│ │ ●   c  clean
├─┼─┼─╮
│ │ │ ● d  clean
├─│─┤ │
│ │ ● │ e  clean
├─┴─┴─╯
●       f  clean
";
        assert_eq!(text(&graph, false), expected.trim_start());
    }

    #[test]
    fn nothing_breaks_a_line() {
        assert_eq!(text(&hostile(), false).lines().count(), 2);
        assert!(!text(&hostile(), false).contains('\u{1b}'));
        assert_eq!(text(&Graph::default(), false), "nothing to draw: there are no steps\n");
        let mut long = chain(3);
        long.nodes[1].note = "x".repeat(300);
        assert!(text(&long, false).lines().all(|line| line.chars().count() <= WIDTH));
    }

    #[test]
    fn colors_add_nothing_but_colors() {
        let mut plain = String::new();
        let colored = text(&penguins(), true);
        for piece in colored.split('\u{1b}') {
            plain.push_str(piece.split_once('m').filter(|_| piece.starts_with('[')).map_or(piece, |(_, rest)| rest));
        }
        let trimmed: Vec<&str> = plain.lines().map(str::trim_end).collect();
        assert_eq!(trimmed.join("\n") + "\n", text(&penguins(), false));
    }

    #[test]
    fn a_wide_graph_names_its_inputs() {
        let mut graph = chain(41);
        graph.edges = (1..40).flat_map(|place| [(0, place), (place, 40)]).collect();
        let drawn = text(&graph, false);
        assert_eq!(drawn.lines().count(), 41);
        assert!(drawn.ends_with("step_40  transform  ← step_1, step_2, step_3, step_4 and 35 more\n"), "{drawn}");
    }
}
