//! Growing one tree: rows are parted in place, node after node, and small parts of it by themselves.

use rayon::prelude::*;

use super::Limits;
use super::bins::Bins;
use super::columns::{Code, Columns, LOCAL, Local};
use super::criterion::{Ask, Best, Criterion, Item, Place};
use super::keys::{Keys, NEAR};
use super::pair::contains;
use super::prune;
use super::search::{Search, renamed};
use super::trees::{Cut, Tree};
use crate::learn::Training;
use crate::learn::chance::Chance;
use crate::source::Fault;

/// Nodes of more rows than that look whether to stop.
const LONG: usize = 10_000;

/// No bounds on what a node may say.
pub(super) const FREE: [f64; 2] = [f64::NEG_INFINITY, f64::INFINITY];

/// A grown tree, or a part of one.
pub(super) struct Grown {
    pub(super) tree: Tree,
    /// Weight × impurity that each node's cut took away, in the criterion's units; 0 for leaves.
    pub(super) gains: Vec<f64>,
    /// Where each node would have its values as a leaf, if all were asked for.
    pub(super) own: Vec<u32>,
}

/// What a tree is grown from.
pub(super) struct Soil<'a, C> {
    pub(super) data: &'a Training<'a>,
    pub(super) bins: &'a Bins,
    /// The keys that cuts by chance are drawn from.
    pub(super) keys: Option<&'a Keys<'a>>,
    pub(super) criterion: &'a C,
    pub(super) limits: &'a Limits,
    /// The tree's stream of chance.
    pub(super) stream: u64,
    /// The weight of all rows of the tree.
    pub(super) total: f64,
}

impl<C: Criterion> Soil<'_, C> {
    /// What a leaf less may cost, in the criterion's units.
    fn alpha(&self) -> f64 {
        let alpha = self.limits.ccp_alpha / self.criterion.unit();
        if self.limits.ccp_alpha > 0.0 { alpha } else { f64::NEG_INFINITY }
    }
}

/// Rows that are still to be made a node of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Task {
    pub(super) node: usize,
    pub(super) first: usize,
    pub(super) end: usize,
    pub(super) depth: usize,
    /// Between which numbers the node and all beneath it stay.
    pub(super) bounds: [f64; 2],
    /// How many features are known to be constant.
    pub(super) constants: usize,
}

impl Task {
    pub(super) fn root(rows: usize) -> Self {
        Self { node: 0, first: 0, end: rows, depth: 0, bounds: FREE, constants: 0 }
    }

    pub(super) fn rows(&self) -> usize {
        self.end - self.first
    }

    /// The same node, grown from rows of its own.
    fn alone(&self) -> Self {
        Self { first: 0, end: self.rows(), constants: 0, ..*self }
    }
}

/// How a node is to be cut.
pub(super) struct Split {
    pub(super) feature: usize,
    pub(super) best: Best,
    /// A number to part the rows by instead of their bins.
    pub(super) exactly: Option<f64>,
    /// How much weight × impurity that takes away.
    pub(super) gain: f64,
    /// How many features are known to be constant.
    pub(super) constants: usize,
}

/// Whether a node is a leaf.
pub(super) enum Fate<'a> {
    Leaf,
    /// The rest of it is to be grown from copies of its rows' keys.
    Near(&'a Keys<'a>),
    /// The rest of it is to be grown from its rows' own values.
    Later,
    Cut(Split),
}

/// What a tree or a part of one is grown from.
#[derive(Clone, Copy, PartialEq)]
enum Reach {
    /// All rows' bins or keys. Nodes of few rows may be grown later.
    Whole,
    /// The keys of a few rows. Nodes whose rows have the same keys are grown later.
    Near,
    /// The values of a few rows.
    Values,
}

/// Grows a tree or a part of one, node after node.
pub(super) struct Grower<'a, C: Criterion, B: Columns> {
    pub(super) soil: &'a Soil<'a, C>,
    columns: &'a B,
    reach: Reach,
    pub(super) rows: Vec<C::Row>,
    spare: Vec<C::Row>,
    pub(super) search: &'a mut Search<C>,
    pub(super) sums: C::Sums,
    pub(super) grown: &'a mut Grown,
}

/// Grows a tree on rows, of which there is at least one, in the memory of one that is no longer needed.
///
/// # Errors
/// If the fit was interrupted.
pub(super) fn grow<C: Criterion, B: Columns>(
    soil: &Soil<C>,
    columns: &B,
    rows: Vec<C::Row>,
    search: &mut Search<C>,
    mut grown: Grown,
) -> Result<Grown, Fault> {
    grown.clear(soil);
    let mut grower = Grower::new(soil, columns, Reach::Whole, rows, search, &mut grown);
    if let Some(leaves) = soil.limits.max_leaf_nodes {
        super::best_first::grow(&mut grower, leaves)?;
        return Ok(prune::prune(grown, soil.alpha(), soil.total));
    }
    let later = grower.depth_first(Task::root(grower.rows.len()))?;
    let rows = &grower.rows;
    // Each part has a stream of chance of its own, so that they may be grown in any order.
    let parts: Vec<Grown> = later
        .par_iter()
        .enumerate()
        .map_init(C::Space::default, |space, (nth, task)| part(soil, &rows[task.first..task.end], task, nth, space))
        .collect::<Result<_, Fault>>()?;
    for (task, part) in later.iter().zip(parts) {
        grown.graft(task.node, part);
    }
    Ok(if grown.own.is_empty() { grown } else { prune::prune(grown, soil.alpha(), soil.total) })
}

/// Grows a part of a tree that few rows end in, from their own values.
fn part<C: Criterion>(
    soil: &Soil<C>,
    rows: &[C::Row],
    task: &Task,
    nth: usize,
    space: &mut C::Space,
) -> Result<Grown, Fault> {
    let local = Local::new(soil.data.x, soil.bins, rows.iter().map(|row| row.index()));
    let chance = Chance::new(soil.data.seed, soil.stream | (nth as u64 + 1) << 32);
    let mut search = Search::new(local.columns(), chance, std::mem::take(space));
    let mut grown = Grown::new(soil.criterion.outputs());
    grown.clear(soil);
    let mut grower = Grower::new(soil, &local, Reach::Values, renamed(rows), &mut search, &mut grown);
    grower.depth_first(Task { node: 0, ..task.alone() })?;
    *space = search.space;
    Ok(grown)
}

impl Grown {
    /// A root and nothing else, of leaves of `outputs` values.
    pub(super) fn new(outputs: usize) -> Self {
        Self { tree: Tree::new(outputs), gains: Vec::new(), own: Vec::new() }
    }

    /// A root and nothing else again.
    fn clear<C: Criterion>(&mut self, soil: &Soil<C>) {
        let all = soil.limits.ccp_alpha > 0.0 || soil.limits.max_leaf_nodes.is_some();
        self.tree.clear();
        self.gains.clear();
        self.gains.push(0.0);
        self.own.clear();
        self.own.resize(usize::from(all), 0);
    }

    /// Puts a part in the place of a node.
    fn graft(&mut self, node: usize, part: Grown) {
        let leaves = self.tree.graft(node, &part.tree);
        self.gains[node] = part.gains[0];
        self.gains.extend_from_slice(&part.gains[1..]);
        if let Some((first, others)) = part.own.split_first() {
            self.own[node] = first + leaves;
            self.own.extend(others.iter().map(|own| own + leaves));
        }
    }
}

impl<'a, C: Criterion, B: Columns> Grower<'a, C, B> {
    fn new(
        soil: &'a Soil<'a, C>,
        columns: &'a B,
        reach: Reach,
        rows: Vec<C::Row>,
        search: &'a mut Search<C>,
        grown: &'a mut Grown,
    ) -> Self {
        Self { soil, columns, reach, spare: rows.clone(), rows, search, sums: soil.criterion.nothing(), grown }
    }

    /// Grows all beneath a node, and returns what is to be grown later.
    fn depth_first(&mut self, root: Task) -> Result<Vec<Task>, Fault> {
        let (mut tasks, mut later) = (vec![root], Vec::new());
        while let Some(task) = tasks.pop() {
            if task.rows() > LONG {
                self.soil.data.go_on()?;
            }
            match self.fate(&task) {
                Fate::Leaf => self.leaf(&task),
                Fate::Near(keys) => self.near(&task, keys)?,
                Fate::Later if self.soil.limits.random => self.by_values(&task)?,
                Fate::Later => later.push(task),
                Fate::Cut(split) => {
                    if !self.grown.own.is_empty() {
                        self.leaf(&task);
                    }
                    let [left, right] = self.cut(&task, &split);
                    tasks.extend([right, left]);
                }
            }
        }
        Ok(later)
    }

    /// Grows all beneath a node from copies of its rows' keys.
    fn near(&mut self, task: &Task, keys: &Keys) -> Result<(), Fault> {
        let rows = &self.rows[task.first..task.end];
        let few = keys.of(rows, std::mem::take(&mut self.search.room));
        let Self { soil, ref mut grown, .. } = *self;
        self.search.elsewhere(|search| {
            Grower::new(soil, &few, Reach::Near, renamed(rows), search, grown).depth_first(task.alone())
        })?;
        self.search.room = few.into_room();
        Ok(())
    }

    /// Grows all beneath a node from the values of its rows.
    fn by_values(&mut self, task: &Task) -> Result<(), Fault> {
        let rows = &self.rows[task.first..task.end];
        let Self { soil, columns, ref mut grown, .. } = *self;
        let local = Local::new(soil.data.x, soil.bins, rows.iter().map(|row| columns.row(row.index())));
        self.search.elsewhere(|search| {
            Grower::new(soil, &local, Reach::Values, renamed(rows), search, grown).depth_first(task.alone())
        })?;
        Ok(())
    }

    fn is_done(&self, task: &Task) -> bool {
        let limits = self.soil.limits;
        task.depth >= limits.max_depth
            || task.rows() < limits.min_samples_split
            || task.rows() < 2 * limits.min_samples_leaf
            || self.soil.criterion.weight(&self.sums) < 2.0 * limits.min_weight_leaf * self.soil.total
            || self.soil.criterion.is_pure(&self.rows[task.first..task.end], &self.sums)
    }

    /// Sums up a node's rows, and says what becomes of it.
    pub(super) fn fate(&mut self, task: &Task) -> Fate<'a> {
        let Soil { criterion, limits, total, .. } = *self.soil;
        self.sums = criterion.nothing();
        criterion.sum(&self.rows[task.first..task.end], &mut self.sums);
        self.grown.tree.set_cover(task.node, criterion.weight(&self.sums) / total);
        if self.is_done(task) {
            return Fate::Leaf;
        }
        let (few, deep) = (task.rows() <= LOCAL, limits.max_leaf_nodes.is_none());
        // Cuts by chance are drawn from the numbers themselves, as far as these can be told apart.
        let whole = self.reach == Reach::Whole;
        let exact = whole && limits.exact && !limits.random;
        if deep
            && whole
            && task.rows() <= NEAR
            && let Some(keys) = self.soil.keys
        {
            return Fate::Near(keys);
        }
        if exact && few && deep {
            return Fate::Later;
        }
        let ask = Ask {
            rows: &self.rows[task.first..task.end],
            sums: &self.sums,
            least: limits.min_samples_leaf,
            weight: limits.min_weight_leaf * total,
            sign: 0,
            bounds: task.bounds,
        };
        let (mut found, mut constants) = (None, task.constants);
        if exact && few {
            found = self.search.local(self.soil, &ask);
        } else {
            let among = self.search.among(criterion, self.columns, limits, &ask, task.constants);
            constants = among.1;
            if let Some((feature, best)) = among.0 {
                let (best, exactly) =
                    if exact { self.search.finer(self.soil, self.columns, feature, best, &ask) } else { (best, None) };
                found = Some((feature, best, exactly));
            } else if constants == self.columns.columns() && self.hides(&ask) {
                if few && deep {
                    return Fate::Later;
                }
                found = self.search.within(self.soil, self.columns, &ask);
            }
        }
        let Some((feature, best, exactly)) = found else {
            return Fate::Leaf;
        };
        let gain = criterion.gain(best.score, &self.sums);
        if gain / total * criterion.unit() + f64::EPSILON < limits.min_impurity_decrease {
            return Fate::Leaf;
        }
        Fate::Cut(Split { feature, best, exactly, gain, constants })
    }

    /// Whether rows that share all bins may have different values none the less.
    fn hides(&self, ask: &Ask<C>) -> bool {
        let mut inexact = (0..self.columns.columns()).filter(|&column| !self.columns.is_exact(column));
        inexact.any(|column| {
            let values = self.soil.data.x.column(column);
            let first = values[self.columns.row(ask.rows[0].index())];
            ask.rows.iter().any(|row| values[self.columns.row(row.index())] != first && !first.is_nan())
        })
    }

    /// Makes a leaf of a node whose rows were summed up last.
    pub(super) fn leaf(&mut self, task: &Task) {
        let (criterion, sums) = (self.soil.criterion, &self.sums);
        let place = self.grown.tree.write_leaf(task.node, |into| criterion.leaf(sums, task.bounds, into));
        if let Some(own) = self.grown.own.get_mut(task.node) {
            *own = place;
        }
    }

    /// Cuts a node, and returns what is to be made of its sides.
    pub(super) fn cut(&mut self, task: &Task, split: &Split) -> [Task; 2] {
        let middle = task.first + self.part(task, split);
        // Values that were missing in no row of the node go where more rows go.
        let missing_left = split.best.missing_left.unwrap_or(middle - task.first > task.end - middle);
        let at = self.place(task, split, middle, missing_left);
        let node = self.grown.tree.cut(task.node, split.feature, &at, missing_left, [0.0; 2]);
        self.grown.gains[task.node] = split.gain.max(0.0);
        self.grown.gains.extend([0.0; 2]);
        if !self.grown.own.is_empty() {
            self.grown.own.extend([0; 2]);
        }
        let [under, over] = self.bounds(task, split.feature, middle);
        let constants = split.constants;
        let depth = task.depth + 1;
        [
            Task { node, first: task.first, end: middle, depth, bounds: under, constants },
            Task { node: node + 1, first: middle, end: task.end, depth, bounds: over, constants },
        ]
    }

    /// Between which numbers the sides of a cut stay.
    fn bounds(&self, task: &Task, feature: usize, middle: usize) -> [[f64; 2]; 2] {
        let sign = self.soil.limits.monotone.get(feature).copied().unwrap_or_default();
        if sign == 0 {
            return [task.bounds; 2];
        }
        let mean = |rows: &[C::Row]| {
            let mut sums = self.soil.criterion.nothing();
            self.soil.criterion.sum(rows, &mut sums);
            self.soil.criterion.mean(&sums)
        };
        let [low, high] = task.bounds;
        let between = (mean(&self.rows[task.first..middle]) + mean(&self.rows[middle..task.end])) / 2.0;
        if sign > 0 { [[low, between], [between, high]] } else { [[between, high], [low, between]] }
    }

    /// The cut as a row that was never seen meets it.
    fn place(&self, task: &Task, split: &Split, middle: usize, missing_left: bool) -> Cut {
        if let Some(threshold) = split.exactly {
            return Cut::Number(threshold);
        }
        match split.best.place {
            Place::Number { last, next } => {
                Cut::Number(self.columns.threshold(split.feature, usize::from(last), usize::from(next)))
            }
            Place::Drawn { last, threshold } => {
                Cut::Number(self.columns.settled(split.feature, last as usize, threshold))
            }
            Place::Present => Cut::Number(f64::MAX),
            Place::Set(mut set) => {
                // Categories that the node lacks go where more rows go.
                if middle - task.first > task.end - middle {
                    let mut there = [0; 4];
                    let codes = self.columns.codes(split.feature, task.rows());
                    for &row in &self.rows[task.first..task.end] {
                        super::pair::insert(&mut there, codes.of(row).place().min(255));
                    }
                    set.iter_mut().zip(there).for_each(|(set, there)| *set |= !there);
                }
                let bins: Vec<u8> = (0..=254).filter(|&bin| contains(&set, usize::from(bin))).collect();
                Cut::Set(self.soil.bins.set_or_rare(split.feature, &bins, missing_left))
            }
        }
    }

    /// Puts the rows of the left side first, and says how many they are.
    fn part(&mut self, task: &Task, split: &Split) -> usize {
        let rows = &mut self.rows[task.first..task.end];
        let (spare, columns) = (&mut self.spare[..], self.columns);
        let codes = columns.codes(split.feature, task.rows());
        let missing_left = split.best.missing_left.unwrap_or_default();
        if let Some(threshold) = split.exactly {
            let values = self.soil.data.x.column(split.feature);
            return stable(rows, spare, |row| {
                let value = values[columns.row(row.index())];
                value <= threshold || (missing_left && value.is_nan())
            });
        }
        if let Some(last) = split.best.place.last() {
            let last = B::Code::of(last);
            if missing_left {
                let goes = |code| code <= last || code == B::Code::MISSING;
                return stable(rows, spare, |row| goes(codes.of(row)));
            }
            return stable(rows, spare, |row| codes.of(row) <= last);
        }
        match split.best.place {
            Place::Number { .. } | Place::Drawn { .. } | Place::Present => {
                stable(rows, spare, |row| codes.of(row) != B::Code::MISSING)
            }
            Place::Set(set) => stable(rows, spare, |row| {
                let code = codes.of(row);
                if code == B::Code::MISSING { missing_left } else { contains(&set, code.place()) }
            }),
        }
    }
}

/// Puts the rows that go left first, all in the order they were in, and says how many they are.
fn stable<R: Copy>(rows: &mut [R], spare: &mut [R], left: impl Fn(R) -> bool) -> usize {
    let (mut kept, mut moved) = (0, 0);
    // Both places are written and one is kept: no branch waits for a row's side.
    for place in 0..rows.len() {
        let row = rows[place];
        let goes = left(row);
        rows[kept] = row;
        spare[moved] = row;
        kept += usize::from(goes);
        moved += usize::from(!goes);
    }
    rows[kept..].copy_from_slice(&spare[..moved]);
    kept
}
