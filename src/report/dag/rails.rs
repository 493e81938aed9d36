//! The rails beside a list of nodes: which column each node stands in, and how the columns join and part.
//!
//! A column belongs to a node from its own line to the line of the last node that works on it; so a node's output is one
//! rail, however many read it.

use super::Graph;

/// A line of the drawing.
pub(super) struct Line {
    /// The rails, one character a column, blanks between them drawn.
    pub rails: String,
    /// Which node stands on the line, and where its dot is among the characters of `rails`. `None` where rails only join.
    pub node: Option<(usize, usize)>,
}

/// All lines, and the number of columns of the widest.
pub(super) struct Rails {
    /// From top to bottom.
    pub lines: Vec<Line>,
    /// How many rails run beside each other at most.
    pub columns: usize,
}

/// Nodes in drawing order: each as late as possible before the first node that works on it, so that rails are short.
pub(super) fn order(graph: &Graph, inputs: &[Vec<usize>]) -> Vec<usize> {
    let mut ends = vec![true; graph.nodes.len()];
    for &input in inputs.iter().flatten() {
        ends[input] = false;
    }
    let mut drawn = vec![false; graph.nodes.len()];
    let mut order = Vec::with_capacity(graph.nodes.len());
    // Depth first without recursion: a chain may be long. The second entry is the next input to look at.
    let mut open: Vec<(usize, usize)> = Vec::new();
    for end in (0..graph.nodes.len()).filter(|&node| ends[node]) {
        open.push((end, 0));
        while let Some((node, next)) = open.pop() {
            if drawn[node] {
                continue;
            }
            match inputs[node].get(next) {
                Some(&input) => {
                    open.push((node, next + 1));
                    open.push((input, 0));
                }
                None => {
                    drawn[node] = true;
                    order.push(node);
                }
            }
        }
    }
    order
}

/// Lays the rails for nodes drawn in `order`; `None` if more than `most` would run beside each other.
pub(super) fn lay(order: &[usize], inputs: &[Vec<usize>], most: usize) -> Option<Rails> {
    let mut left = vec![0_usize; inputs.len()];
    for &input in inputs.iter().flatten() {
        left[input] += 1;
    }
    let mut yard = Yard { columns: Vec::new(), left };
    let mut rails = Rails { lines: Vec::with_capacity(order.len()), columns: 0 };
    for &node in order {
        let joins = yard.join(node, &inputs[node]);
        rails.columns = rails.columns.max(yard.columns.len());
        if rails.columns > most {
            return None;
        }
        rails.lines.extend(joins.map(|rails| Line { rails, node: None }));
        rails.lines.push(yard.stop(node));
    }
    Some(rails)
}

/// The columns between two lines.
struct Yard {
    /// Whose rail runs in each column.
    columns: Vec<Option<usize>>,
    /// How many nodes that work on a node are still to come.
    left: Vec<usize>,
}

impl Yard {
    /// Brings the rails of `inputs` to a column for `node`; the line that shows it, unless the rail goes straight down.
    fn join(&mut self, node: usize, inputs: &[usize]) -> Option<String> {
        for &input in inputs {
            self.left[input] -= 1;
        }
        let above = self.columns.clone();
        let joined: Vec<usize> =
            (0..above.len()).filter(|&column| above[column].is_some_and(|owner| inputs.contains(&owner))).collect();
        for column in &mut self.columns {
            if column.is_some_and(|owner| self.left[owner] == 0) {
                *column = None;
            }
        }
        let ended = joined.iter().copied().find(|&column| self.columns[column].is_none());
        let place = ended.unwrap_or_else(|| self.free(joined.first().map_or(0, |column| column + 1)));
        let low = joined.first().copied().unwrap_or(place).min(place);
        let high = joined.last().copied().unwrap_or(place).max(place);
        let line = (low < high).then(|| {
            let columns = above.len().max(place + 1);
            let glyph = |column: usize| {
                let up = above.get(column).copied().flatten().is_some();
                if !(low..=high).contains(&column) {
                    return if up { '│' } else { ' ' };
                }
                if column != place && !joined.contains(&column) {
                    return if up { '│' } else { '─' };
                }
                let down = column == place || self.columns[column].is_some();
                corner(up, down, column > low, column < high)
            };
            let between = |column: usize| if (low..high).contains(&column) { '─' } else { ' ' };
            (0..columns).flat_map(|column| [glyph(column), between(column)]).collect()
        });
        if place == self.columns.len() {
            self.columns.push(None);
        }
        self.columns[place] = Some(node);
        line
    }

    /// The line on which a node stands. Its rail ends there if nothing works on it.
    fn stop(&mut self, node: usize) -> Line {
        let place =
            self.columns.iter().position(|owner| *owner == Some(node)).expect("a node was joined before it stops");
        let rail = |owner: &Option<usize>| match owner {
            Some(owner) if *owner == node => '●',
            Some(_) => '│',
            None => ' ',
        };
        let rails = self.columns.iter().flat_map(|owner| [rail(owner), ' ']).collect();
        if self.left[node] == 0 {
            self.columns[place] = None;
        }
        while self.columns.last() == Some(&None) {
            self.columns.pop();
        }
        Line { rails, node: Some((node, 2 * place)) }
    }

    /// The first free column from `from` on, else the first at all, else a new one.
    fn free(&self, from: usize) -> usize {
        let free = |range: std::ops::Range<usize>| range.into_iter().find(|&column| self.columns[column].is_none());
        let all = self.columns.len();
        free(from.min(all)..all).or_else(|| free(0..from.min(all))).unwrap_or(all)
    }
}

fn corner(up: bool, down: bool, left: bool, right: bool) -> char {
    match (up, down, left, right) {
        (true, true, true, true) => '┼',
        (true, true, true, false) => '┤',
        (true, true, false, true) => '├',
        (true, false, true, true) => '┴',
        (true, false, true, false) => '╯',
        (true, false, false, true) => '╰',
        (false, true, true, true) => '┬',
        (false, true, true, false) => '╮',
        (false, true, false, true) => '╭',
        (_, _, true, _) | (_, _, _, true) => '─',
        _ => '│',
    }
}
