//! Where the boxes and edges of a layered drawing are: layers by longest path, order within a layer by barycenters
//! (Sugiyama, Tagawa and Toda 1981), heights by isotonic regression towards the neighbours' mean.

use super::Graph;

/// Rounds of ordering, and of bringing neighbours to one height. Few are enough, and time stays linear.
const ROUNDS: usize = 6;
/// Edges over several layers get a place of their own in each, up to so many in all for each node and edge.
const MOST_BENDS: usize = 8;

/// What a box or a passing edge takes of its layer's height, gap included.
pub(super) const BOX: f64 = 64.0;
const BEND: f64 = 24.0;

/// A layered drawing, without widths.
pub(super) struct Layout {
    /// The layer of each slot: nodes first, then the places where edges pass.
    pub layers: Vec<usize>,
    /// The middle height of each slot; the least top edge is at 0.
    pub heights: Vec<f64>,
    /// The slots along each edge, from its first node to its last.
    pub routes: Vec<Vec<usize>>,
    /// How high the drawing is.
    pub height: f64,
}

/// Lays out a graph.
pub(super) fn layout(graph: &Graph) -> Layout {
    let links = graph.links();
    let mut layers = layers(graph, &links);
    let routes = bend(&mut layers, &links);
    let mut web = Web::new(graph.nodes.len(), layers, &routes);
    for round in 0..ROUNDS {
        web.sort(round % 2 == 0);
    }
    for round in 0..ROUNDS {
        web.level(round % 2 == 0);
    }
    let extent = |slot: usize| web.extent(slot) / 2.0;
    let slots = 0..web.heights.len();
    let top = slots.clone().map(|slot| web.heights[slot] - extent(slot)).fold(f64::INFINITY, f64::min);
    let bottom = slots.map(|slot| web.heights[slot] + extent(slot)).fold(f64::NEG_INFINITY, f64::max);
    let height = if top.is_finite() { bottom - top } else { 0.0 };
    let heights = web.heights.iter().map(|height| height - top).collect();
    Layout { layers: web.layers, heights, routes, height }
}

/// The length of the longest way to each node; a node that works on nothing stands right before the first that works on it.
fn layers(graph: &Graph, links: &[(usize, usize)]) -> Vec<usize> {
    let mut layers = vec![0; graph.nodes.len()];
    // Sorted by where they begin, and edges lead onward: a node's layer is settled before it is read.
    for &(from, to) in links {
        layers[to] = layers[to].max(layers[from] + 1);
    }
    let mut first = vec![usize::MAX; layers.len()];
    for &(from, to) in links {
        first[from] = first[from].min(layers[to]);
    }
    for (layer, first) in layers.iter_mut().zip(first) {
        if *layer == 0 && first != usize::MAX {
            *layer = first - 1;
        }
    }
    layers
}

/// The slots along each edge; new slots where it passes a layer.
fn bend(layers: &mut Vec<usize>, links: &[(usize, usize)]) -> Vec<Vec<usize>> {
    let passes: usize = links.iter().map(|&(from, to)| layers[to] - layers[from] - 1).sum();
    let bends = passes <= MOST_BENDS * (layers.len() + links.len());
    let mut routes = Vec::with_capacity(links.len());
    for &(from, to) in links {
        let mut route = vec![from];
        if bends {
            for layer in layers[from] + 1..layers[to] {
                route.push(layers.len());
                layers.push(layer);
            }
        }
        route.push(to);
        routes.push(route);
    }
    routes
}

/// Slots, layer by layer, and what they are tied to.
struct Web {
    nodes: usize,
    layers: Vec<usize>,
    rows: Vec<Vec<usize>>,
    before: Vec<Vec<usize>>,
    after: Vec<Vec<usize>>,
    heights: Vec<f64>,
}

impl Web {
    fn new(nodes: usize, layers: Vec<usize>, routes: &[Vec<usize>]) -> Self {
        let mut rows = vec![Vec::new(); layers.iter().max().map_or(0, |last| last + 1)];
        for (slot, &layer) in layers.iter().enumerate() {
            rows[layer].push(slot);
        }
        let mut before = vec![Vec::new(); layers.len()];
        let mut after = vec![Vec::new(); layers.len()];
        for pair in routes.iter().flat_map(|route| route.windows(2)) {
            before[pair[1]].push(pair[0]);
            after[pair[0]].push(pair[1]);
        }
        let mut web = Self { nodes, heights: vec![0.0; layers.len()], layers, rows, before, after };
        for row in 0..web.rows.len() {
            web.stack(row);
        }
        web
    }

    fn extent(&self, slot: usize) -> f64 {
        if slot < self.nodes { BOX } else { BEND }
    }

    /// The mean height of a slot's neighbours on one side, or its own if it has none there.
    fn pull(&self, slot: usize, onward: bool) -> f64 {
        let near = if onward { &self.before[slot] } else { &self.after[slot] };
        if near.is_empty() {
            return self.heights[slot];
        }
        near.iter().map(|&other| self.heights[other]).sum::<f64>() / near.len() as f64
    }

    /// The layers in the direction of a round.
    fn rows(&self, onward: bool) -> Vec<usize> {
        if onward { (0..self.rows.len()).collect() } else { (0..self.rows.len()).rev().collect() }
    }

    /// Orders each layer by where its neighbours in the layer before it stand.
    fn sort(&mut self, onward: bool) {
        for row in self.rows(onward) {
            let mut keyed: Vec<(f64, usize)> =
                self.rows[row].iter().map(|&slot| (self.pull(slot, onward), slot)).collect();
            keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
            self.rows[row] = keyed.into_iter().map(|(_, slot)| slot).collect();
            self.stack(row);
        }
    }

    /// Stacks a layer's slots around the middle.
    fn stack(&mut self, row: usize) {
        let total: f64 = self.rows[row].iter().map(|&slot| self.extent(slot)).sum();
        let mut top = -total / 2.0;
        for &slot in &self.rows[row] {
            let extent = if slot < self.nodes { BOX } else { BEND };
            self.heights[slot] = top + extent / 2.0;
            top += extent;
        }
    }

    /// Brings each slot as near to its neighbours' mean height as its layer's order lets it.
    fn level(&mut self, onward: bool) {
        for row in self.rows(onward) {
            let mut below = 0.0;
            let mut offsets = Vec::with_capacity(self.rows[row].len());
            let mut wanted = Vec::with_capacity(self.rows[row].len());
            for &slot in &self.rows[row] {
                offsets.push(below + self.extent(slot) / 2.0);
                below += self.extent(slot);
                wanted.push(self.pull(slot, onward) - offsets[offsets.len() - 1]);
            }
            for ((place, shift), offset) in isotonic(&wanted).into_iter().enumerate().zip(offsets) {
                self.heights[self.rows[row][place]] = shift + offset;
            }
        }
    }
}

/// The rising sequence that is nearest to `wanted` by squares: neighbours that would fall are pooled to their mean.
fn isotonic(wanted: &[f64]) -> Vec<f64> {
    let mut pools: Vec<(f64, usize)> = Vec::with_capacity(wanted.len());
    for &value in wanted {
        let mut pool = (value, 1);
        while let Some(&(sum, count)) = pools.last() {
            if sum / count as f64 <= pool.0 / pool.1 as f64 {
                break;
            }
            pools.pop();
            pool = (pool.0 + sum, pool.1 + count);
        }
        pools.push(pool);
    }
    pools.into_iter().flat_map(|(sum, count)| std::iter::repeat_n(sum / count as f64, count)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{chain, node, penguins};
    use super::*;

    #[test]
    fn pools_are_means() {
        assert_eq!(isotonic(&[1.0, 3.0, 2.0, 4.0, 0.0]), [1.0, 2.25, 2.25, 2.25, 2.25]);
        assert_eq!(isotonic(&[]), [0.0; 0]);
    }

    #[test]
    fn penguins_in_layers() {
        let laid = layout(&penguins());
        assert_eq!(laid.layers, [0, 1, 2, 3, 3, 4, 5]);
        assert_eq!(laid.heights, [64.0, 64.0, 64.0, 32.0, 96.0, 64.0, 64.0]);
        assert_eq!(laid.height, 128.0);
    }

    #[test]
    fn boxes_never_overlap_and_long_edges_pass_each_layer() {
        let mut graph = chain(30);
        graph.edges.extend((0..28).map(|place| (place, (place + 5).min(29))));
        graph.nodes.push(node("late", "source", ""));
        let laid = layout(&graph);
        for route in &laid.routes {
            assert!(route.windows(2).all(|pair| laid.layers[pair[0]] + 1 == laid.layers[pair[1]]));
        }
        for one in 0..laid.layers.len() {
            for other in (0..one).filter(|&other| laid.layers[one] == laid.layers[other]) {
                let both_boxes = one < graph.nodes.len() && other < graph.nodes.len();
                let least = if both_boxes { BOX } else { BEND };
                assert!((laid.heights[one] - laid.heights[other]).abs() > least - 1e-6, "{one} {other}");
            }
        }
    }
}
