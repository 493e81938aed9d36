//! Growing one tree: always the leaf whose cut gains most is cut next.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rayon::prelude::*;

use super::gradient::Gradients;
use super::histogram::{Cells, Codes, WIDTH};
use super::node::{Node, Offer};
use super::objective::Objective;
use super::part::part;
use super::scan::{Counts, Rule, Scan, Set, Split, Whole};
use crate::learn::chance::Chance;
use crate::learn::tree::bins::{Bins, MISSING};
use crate::learn::tree::trees::{Cut, Tree};

/// From so many additions on a histogram is worth the help of another thread.
const SHARED: usize = 100_000;

/// Where trees stop, in the user's units.
#[derive(Clone, Debug)]
pub(in crate::learn) struct Limits {
    /// How many leaves a tree has at most.
    pub(in crate::learn) leaves: usize,
    /// How many cuts lie between the root and a leaf at most.
    pub(in crate::learn) depth: usize,
    /// How many rows a leaf has at least.
    pub(in crate::learn) rows: usize,
    /// How much curvature a leaf has at least.
    pub(in crate::learn) curvature: f64,
    /// How much a cut gains at least.
    pub(in crate::learn) gain: f64,
    /// What is added to a leaf's curvature.
    pub(in crate::learn) l2: f64,
    /// What an answer is multiplied by.
    pub(in crate::learn) rate: f64,
}

/// What all trees of a fit have in common.
pub(super) struct Ground<'a> {
    /// The columns' bins.
    pub(super) bins: &'a Bins,
    /// The codes of the features that vary.
    pub(super) codes: &'a Codes,
    /// The loss.
    pub(super) objective: &'a Objective<'a>,
    /// Where trees stop.
    pub(super) limits: &'a Limits,
    /// How many features a cut looks at.
    pub(super) features: usize,
}

/// Room for a tree, kept from one to the next.
#[derive(Default)]
pub(super) struct Space {
    /// The slopes and curvatures at hand.
    pub(super) gradients: Gradients,
    index: Vec<u32>,
    scratch: Vec<u32>,
    gathered: Vec<i64>,
    spare: Vec<Vec<Cells>>,
}

/// A node for rows that are codes already.
struct Step {
    feature: usize,
    left: Set,
    child: usize,
    answer: f64,
}

/// A grown tree.
pub(super) struct Grown {
    /// The tree.
    pub(super) tree: Tree,
    /// What each feature that varies gained.
    pub(super) gains: Vec<f64>,
    /// How large an answer is at most.
    pub(super) largest: f64,
    steps: Vec<Step>,
}

impl Grown {
    /// Whether any node was cut.
    pub(super) fn is_cut(&self) -> bool {
        self.steps.len() > 1
    }

    /// What it answers for a row of the codes it was grown on.
    pub(super) fn answer(&self, codes: &Codes, row: usize) -> f64 {
        let mut step = &self.steps[0];
        while step.child != 0 {
            let right = usize::from(!step.left.holds(codes.code(step.feature, row)));
            step = &self.steps[step.child + right];
        }
        step.answer
    }
}

struct Grower<'a> {
    ground: &'a Ground<'a>,
    space: &'a mut Space,
    rule: Rule,
    chance: Chance,
    nodes: Vec<Node>,
    offers: BinaryHeap<Offer>,
    tree: Tree,
    steps: Vec<Step>,
    gains: Vec<f64>,
}

/// Grows a tree on `rows` by the slopes and curvatures in `space`, and adds what it answers to their scores.
pub(super) fn grow(ground: &Ground, space: &mut Space, rows: &[u32], scores: &mut [f64], chance: Chance) -> Grown {
    let (limits, objective, gradients) = (ground.limits, ground.objective, &space.gradients);
    let penalty = objective.penalty() / gradients.curvature;
    let rule = Rule {
        fields: gradients.fields,
        l2: limits.l2 * penalty,
        least: limits.curvature * penalty,
        rows: limits.rows,
        smooth: 10.0 * penalty,
        gain: limits.gain * objective.gain() * gradients.curvature / (gradients.slope * gradients.slope),
        bounded: ground.codes.features.iter().any(|feature| feature.monotone != 0),
    };
    space.index.clear();
    space.index.extend_from_slice(rows);
    space.scratch.resize(rows.len(), 0);
    let mut grower = Grower {
        ground,
        space,
        rule,
        chance,
        nodes: Vec::new(),
        offers: BinaryHeap::new(),
        tree: Tree::new(1),
        steps: Vec::new(),
        gains: vec![0.0; ground.codes.features.len()],
    };
    grower.root();
    let mut leaves = 1;
    while leaves < limits.leaves
        && let Some(offer) = grower.offers.pop()
    {
        leaves += usize::from(grower.cut(offer.node.0, leaves + 1 == limits.leaves));
    }
    grower.finish(scores)
}

impl Grower<'_> {
    fn root(&mut self) {
        let rows = self.space.index.len();
        let whole = Whole { packed: 0, rows, bounds: [f64::NEG_INFINITY, f64::INFINITY] };
        self.add(Node {
            first: 0,
            end: rows,
            depth: 0,
            whole,
            cells: Vec::new(),
            looks: Vec::new(),
            split: None,
            counted: false,
        });
        let codes = self.ground.codes;
        if codes.features.is_empty() || !self.may_grow(&self.nodes[0]) {
            return;
        }
        let mut cells = self.fresh();
        let all = rows == self.space.gradients.packed.len();
        if !all {
            self.gather(0, rows);
        }
        let Space { index, gathered, gradients, .. } = &*self.space;
        let packed = if all { &gradients.packed } else { gathered };
        let fill = |(group, cells): (usize, &mut [Cells])| codes.fill(group, index, packed, cells);
        if rows * codes.features.len() > SHARED {
            cells.par_chunks_mut(WIDTH).enumerate().for_each(fill);
        } else {
            cells.chunks_mut(WIDTH).enumerate().for_each(fill);
        }
        let bins = codes.features[0].bins;
        self.nodes[0].whole.packed = cells[0][..bins].iter().sum::<i64>() + cells[0][usize::from(MISSING)];
        self.nodes[0].cells = cells;
        self.nodes[0].looks = self.draw();
        self.search(0, None);
    }

    fn add(&mut self, node: Node) {
        self.nodes.push(node);
        self.steps.push(Step { feature: 0, left: Set::default(), child: 0, answer: 0.0 });
    }

    fn fresh(&mut self) -> Vec<Cells> {
        let features = self.ground.codes.features.len();
        self.space.spare.pop().unwrap_or_else(|| vec![[0; 256]; features])
    }

    /// Whether a node is large enough to be cut.
    fn may_grow(&self, node: &Node) -> bool {
        let rows = node.end - node.first;
        rows >= 2 && rows >= self.rule.rows.saturating_mul(2) && node.depth < self.ground.limits.depth
    }

    /// The packed numbers of a node's rows, one after another.
    fn gather(&mut self, first: usize, end: usize) {
        let Space { index, gathered, gradients, .. } = &mut *self.space;
        gathered.clear();
        gathered.extend(index[first..end].iter().map(|&row| gradients.packed[row as usize]));
    }

    /// The features that a node looks at; empty if all.
    fn draw(&mut self) -> Vec<bool> {
        let all = self.ground.codes.features.len();
        if self.ground.features >= all {
            return Vec::new();
        }
        let mut order: Vec<usize> = (0..all).collect();
        let mut looks = vec![false; all];
        for nth in 0..self.ground.features {
            let other = nth + self.chance.below(all - nth);
            order.swap(nth, other);
            looks[order[nth]] = true;
        }
        looks
    }

    /// Looks for a node's best cut in its histograms, and offers it.
    fn search(&mut self, node: usize, counts: Option<&[Counts]>) {
        let found = self.best(&self.nodes[node], 0, &self.nodes[node].cells, counts);
        self.offer(node, found);
    }

    fn offer(&mut self, node: usize, split: Option<Split>) {
        if let Some(split) = split {
            self.offers.push(Offer { gain: split.gain, node: Reverse(node) });
        } else {
            let cells = std::mem::take(&mut self.nodes[node].cells);
            self.keep(cells);
        }
        self.nodes[node].split = split;
    }

    fn keep(&mut self, cells: Vec<Cells>) {
        if !cells.is_empty() {
            self.space.spare.push(cells);
        }
    }

    /// The best cut by the features from `first` on that `cells` are of.
    fn best(&self, node: &Node, first: usize, cells: &[Cells], counts: Option<&[Counts]>) -> Option<Split> {
        let mut best: Option<Split> = None;
        for (nth, cells) in cells.iter().enumerate() {
            let feature = first + nth;
            if node.looks.get(feature).is_some_and(|looks| !looks) {
                continue;
            }
            let scan = Scan {
                rule: &self.rule,
                whole: &node.whole,
                feature: &self.ground.codes.features[feature],
                cells,
                counts: counts.map(|counts| &counts[feature]),
            };
            best = better(best, scan.best(feature));
        }
        best
    }

    /// Cuts a node as offered; false if that would leave a leaf too small after all. Children of the `last` cut aren't
    /// cut again.
    fn cut(&mut self, id: usize, last: bool) -> bool {
        let split = self.nodes[id].split.expect("a node that is offered has a cut");
        let Node { first, end, depth, whole, .. } = self.nodes[id];
        let codes = self.ground.codes.group(split.feature / WIDTH);
        let place = split.feature % WIDTH;
        let rows = &mut self.space.index[first..end];
        let taken = part(rows, &mut self.space.scratch[first..end], &split.left, |row| codes[row as usize][place]);
        let fewest = taken.min(rows.len() - taken);
        if fewest < self.rule.rows.max(1) {
            // Curvatures tell the number of rows only roughly.
            self.recount(id);
            return false;
        }
        let left = self.grown(id, &split, [taken, end - first - taken]);
        let [low, high] = self.bounds(&split, &whole);
        let rest = whole.packed - split.packed;
        let sides = [(first, first + taken, split.packed, low), (first + taken, end, rest, high)];
        for (first, end, packed, bounds) in sides {
            self.add(Node {
                first,
                end,
                depth: depth + 1,
                whole: Whole { packed, rows: end - first, bounds },
                cells: Vec::new(),
                looks: Vec::new(),
                split: None,
                counted: false,
            });
        }
        if last {
            let cells = std::mem::take(&mut self.nodes[id].cells);
            self.keep(cells);
        } else {
            self.children(id, left);
        }
        true
    }

    /// Writes a cut into the tree, and names the left child.
    fn grown(&mut self, id: usize, split: &Split, rows: [usize; 2]) -> usize {
        let Ground { bins, codes, .. } = self.ground;
        let feature = &codes.features[split.feature];
        let cut = if feature.category {
            let left: Vec<u8> = (0..feature.bins as u8).filter(|&code| split.left.holds(code)).collect();
            Cut::Set(bins.set(feature.column, &left))
        } else if usize::from(split.last) + 1 == feature.bins {
            Cut::Number(f64::MAX)
        } else {
            Cut::Number(bins.threshold(feature.column, split.last, split.last + 1))
        };
        let all = self.space.index.len() as f64;
        let missing = split.left.holds(MISSING);
        let left = self.tree.cut(id, feature.column, &cut, missing, rows.map(|rows| rows as f64 / all));
        let gradients = &self.space.gradients;
        let scale = gradients.slope * gradients.slope / gradients.curvature;
        self.gains[split.feature] += split.gain * scale;
        self.steps[id] = Step { feature: split.feature, left: split.left, child: left, answer: 0.0 };
        left
    }

    /// The bounds of both sides: where the feature is monotone, they meet midway.
    fn bounds(&self, split: &Split, whole: &Whole) -> [[f64; 2]; 2] {
        let feature = &self.ground.codes.features[split.feature];
        let mut sides = [whole.bounds; 2];
        if feature.monotone == 0 {
            return sides;
        }
        let scan = Scan { rule: &self.rule, whole, feature, cells: &[0; 256], counts: None };
        let middle = (scan.answer(split.packed) + scan.answer(whole.packed - split.packed)) / 2.0;
        let lower = usize::from(feature.monotone < 0);
        sides[lower][1] = middle;
        sides[1 - lower][0] = middle;
        sides
    }

    /// Looks for the best cuts of two children: the smaller one's histograms are filled, the other's are what is left
    /// of their parent's.
    fn children(&mut self, parent: usize, left: usize) {
        let rows = |id: usize| self.nodes[id].end - self.nodes[id].first;
        let (small, large) = if rows(left) <= rows(left + 1) { (left, left + 1) } else { (left + 1, left) };
        let grows = [small, large].map(|id| self.may_grow(&self.nodes[id]));
        let mut of_large = std::mem::take(&mut self.nodes[parent].cells);
        if grows == [false; 2] {
            return self.keep(of_large);
        }
        for id in [left, left + 1] {
            self.nodes[id].looks = self.draw();
        }
        let mut of_small = self.fresh();
        let (first, end) = (self.nodes[small].first, self.nodes[small].end);
        self.gather(first, end);
        let found = self.both(grows, [small, large], &mut of_small, &mut of_large);
        self.nodes[small].cells = of_small;
        self.nodes[large].cells = of_large;
        self.offer(small, found[0]);
        self.offer(large, found[1]);
    }

    fn both(
        &self,
        grows: [bool; 2],
        [small, large]: [usize; 2],
        of_small: &mut [Cells],
        of_large: &mut [Cells],
    ) -> [Option<Split>; 2] {
        let codes = self.ground.codes;
        let [small, large] = [small, large].map(|id| &self.nodes[id]);
        let rows = &self.space.index[small.first..small.end];
        let one = |(group, (of_small, of_large)): (usize, (&mut [Cells], &mut [Cells]))| {
            codes.fill(group, rows, &self.space.gathered, of_small);
            let of_small = &*of_small;
            let first = group * WIDTH;
            let mut found = [None; 2];
            if grows[1] {
                codes.subtract(group, of_large, of_small);
                found[1] = self.best(large, first, of_large, None);
            }
            if grows[0] {
                found[0] = self.best(small, first, of_small, None);
            }
            found
        };
        // Whoever finds it, the first of the best wins.
        let join = |a: [Option<Split>; 2], b: [Option<Split>; 2]| [better(a[0], b[0]), better(a[1], b[1])];
        if rows.len() * codes.features.len() > SHARED {
            let groups = of_small.par_chunks_mut(WIDTH).zip(of_large.par_chunks_mut(WIDTH));
            let found: Vec<[Option<Split>; 2]> = groups.enumerate().map(one).collect();
            return found.into_iter().fold([None; 2], join);
        }
        of_small.chunks_mut(WIDTH).zip(of_large.chunks_mut(WIDTH)).enumerate().map(one).fold([None; 2], join)
    }

    /// Counts a node's rows code by code, and looks for its best cut once more.
    fn recount(&mut self, id: usize) {
        if self.nodes[id].counted {
            return self.offer(id, None);
        }
        self.nodes[id].counted = true;
        let codes = self.ground.codes;
        let mut counts: Vec<Counts> = vec![[0; 256]; codes.features.len()];
        let rows = &self.space.index[self.nodes[id].first..self.nodes[id].end];
        for (group, counts) in counts.chunks_mut(WIDTH).enumerate() {
            let codes = codes.group(group);
            for &row in rows {
                let codes = codes[row as usize];
                counts.iter_mut().zip(codes).for_each(|(counts, code)| counts[usize::from(code)] += 1);
            }
        }
        self.search(id, Some(&counts));
    }

    /// Says what leaves answer, and adds that to their rows' scores.
    fn finish(mut self, scores: &mut [f64]) -> Grown {
        for node in 0..self.nodes.len() {
            let cells = std::mem::take(&mut self.nodes[node].cells);
            self.keep(cells);
        }
        let leaves: Vec<usize> = (0..self.nodes.len()).filter(|&node| self.steps[node].child == 0).collect();
        let answer = |&id: &usize| self.answer(&self.nodes[id], scores);
        let shared = self.space.index.len() > SHARED / 4;
        let answers: Vec<f64> =
            if shared { leaves.par_iter().map(answer).collect() } else { leaves.iter().map(answer).collect() };
        for (&id, answer) in leaves.iter().zip(answers) {
            let node = &self.nodes[id];
            for &row in &self.space.index[node.first..node.end] {
                scores[row as usize] += answer;
            }
            self.tree.leaf(id, [answer * self.ground.objective.answer_unit()]);
            self.steps[id].answer = answer;
        }
        let largest = self.tree.values_mut().iter().fold(0.0, |most: f64, value| most.max(value.abs()));
        Grown { tree: self.tree, gains: self.gains, largest, steps: self.steps }
    }

    /// What a leaf answers, from its rows themselves.
    fn answer(&self, node: &Node, scores: &[f64]) -> f64 {
        let (limits, objective) = (self.ground.limits, self.ground.objective);
        let rows = &self.space.index[node.first..node.end];
        if let Some(answer) = objective.leaf(rows, scores) {
            return answer * limits.rate;
        }
        let gradients = &self.space.gradients;
        let add = |[a, b]: [f64; 2], row: &u32| {
            let [g, h] = gradients.pairs[*row as usize];
            [a + f64::from(g), b + f64::from(h)]
        };
        let [g, h] = rows.iter().fold([0.0; 2], add);
        let h = h + limits.l2 * objective.penalty();
        let answer = if h > 0.0 { -g / h } else { 0.0 };
        let unit = gradients.slope / gradients.curvature;
        let bounds = node.whole.bounds.map(|bound| bound * unit);
        answer.clamp(bounds[0], bounds[1]) * limits.rate
    }
}

/// The one that gains more, the first of equals.
fn better(a: Option<Split>, b: Option<Split>) -> Option<Split> {
    match (a, b) {
        (Some(a), Some(b)) => Some(if b.gain > a.gain { b } else { a }),
        (a, b) => a.or(b),
    }
}
