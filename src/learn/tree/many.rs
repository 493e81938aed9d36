//! Cuts of answers of more than two classes. Rows are walked one by one in the order of their bins, each at the cost of
//! its own class, so that thousands of classes cost no more than three.

use super::answers::xlogx;
use super::columns::{Code, Columns};
use super::criterion::{Ask, Best, Criterion, Found, Item, Place};
use super::pair::{FEW, draw, goes_left, insert, sort_few};
use crate::learn::chance::Chance;

/// How often the axis of categories is turned toward the widest spread.
const TURNS: usize = 12;
/// With more classes than that, categories are ordered by the most frequent one.
const SPREAD: usize = 64;

/// Classes, judged by Gini's impurity 1 - Σp² or by the entropy -Σ p·ln p.
pub(super) struct Many<'a> {
    /// Each row's class.
    pub(super) codes: &'a [u32],
    /// How many classes.
    pub(super) count: usize,
    /// Entropy instead of Gini.
    pub(super) entropy: bool,
}

/// A row with its class.
#[derive(Clone, Copy)]
pub(super) struct Labelled {
    index: u32,
    class: u32,
    weight: f32,
}

impl Item for Labelled {
    #[inline(always)]
    fn index(self) -> usize {
        self.index as usize
    }

    fn renamed(self, index: u32) -> Self {
        Self { index, ..self }
    }
}

/// What rows sum to.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Shares {
    weight: f64,
    rows: usize,
    /// Each class' weight.
    classes: Vec<f64>,
    /// Σ of their squares, or of weight · ln weight.
    inner: f64,
}

impl Shares {
    fn of(count: usize) -> Self {
        Self { classes: vec![0.0; count], ..Self::default() }
    }

    /// Adds rows of a class, or with a negative weight takes them away.
    #[inline(always)]
    fn add<const ENTROPY: bool>(&mut self, class: u32, weight: f64) {
        let held = &mut self.classes[class as usize];
        let more = *held + weight;
        self.inner += if ENTROPY { xlogx(more) - xlogx(*held) } else { weight * (*held + more) };
        *held = more;
        self.weight += weight;
    }

    fn score<const ENTROPY: bool>(left: &Self, right: &Self) -> (f64, f64) {
        if ENTROPY {
            return (left.inner + right.inner - xlogx(left.weight) - xlogx(right.weight), 1.0);
        }
        (left.inner * right.weight + right.inner * left.weight, left.weight * right.weight)
    }
}

/// Rows of the same bin.
#[derive(Clone, Copy)]
struct Group {
    code: u16,
    first: u32,
    end: u32,
}

/// Room for a search.
#[derive(Default)]
pub(super) struct Space {
    /// How many rows each code has, then where its next one goes. All 0 between searches.
    places: Vec<u32>,
    groups: Vec<Group>,
    /// The code of each row, with its place.
    keys: Vec<u32>,
    /// Class and weight of the rows, in the order of their bins.
    sorted: Vec<(u32, f32)>,
    /// The code of each row.
    codes: Vec<u32>,
    left: Shares,
    right: Shares,
}

/// The best cut so far, its score as a fraction.
struct Record {
    over: f64,
    under: f64,
    /// After how many groups, and the side of missing values.
    cut: Option<(usize, Option<bool>)>,
}

impl Record {
    fn new() -> Self {
        Self { over: 0.0, under: 0.0, cut: None }
    }

    fn beaten_by(&self, (over, under): (f64, f64)) -> bool {
        under > 0.0 && over.is_finite() && (self.cut.is_none() || over * self.under > self.over * under)
    }
}

impl Many<'_> {
    /// Puts the rows in the order of their bins, those without a value last.
    fn sort<B: Columns>(&self, space: &mut Space, columns: &B, column: usize, rows: &[Labelled]) {
        let codes = columns.codes(column, rows.len());
        let bins = columns.count(column);
        let lacking = B::Code::MISSING.place();
        if rows.len() * 8 < bins || rows.len() < FEW {
            return space.sort_few(rows, |row| codes.of(row).place() as u32);
        }
        space.places.resize(<u16 as Code>::COUNT, 0);
        rows.iter().for_each(|row| space.places[codes.of(*row).place()] += 1);
        space.groups.clear();
        let mut first = 0;
        for code in (0..bins).chain([lacking]) {
            let count = space.places[code];
            if count > 0 {
                space.groups.push(Group { code: code as u16, first, end: first + count });
                space.places[code] = first;
                first += count;
            }
        }
        if space.groups.len() > 1 {
            space.sorted.clear();
            space.sorted.resize(rows.len(), (0, 0.0));
            for row in rows {
                let place = &mut space.places[codes.of(*row).place()];
                space.sorted[*place as usize] = (row.class, row.weight);
                *place += 1;
            }
        }
        space.groups.iter().for_each(|group| space.places[usize::from(group.code)] = 0);
    }

    fn search<B: Columns, const ENTROPY: bool>(
        &self,
        space: &mut Space,
        columns: &B,
        column: usize,
        ask: &Ask<Self>,
    ) -> Found {
        self.sort(space, columns, column, ask.rows);
        if space.groups.len() < 2 {
            return Found::Constant;
        }
        let lacking = B::Code::MISSING.place() as u16;
        let missing = space.groups.last().copied().filter(|group| group.code == lacking);
        let mut record = Record::new();
        if columns.is_category(column) {
            self.order(space);
            space.walk::<ENTROPY>(ask, space.groups.len() - 1, None, None, &mut record);
            return space.found(&record, |space, cut| {
                let mut set = [0; 4];
                let left = &space.groups[..cut];
                left.iter().filter(|g| g.code != lacking).for_each(|g| insert(&mut set, usize::from(g.code)));
                let there = left.iter().any(|group| group.code == lacking);
                (Place::Set(set), missing.map(|_| there))
            });
        }
        let present = space.groups.len() - usize::from(missing.is_some());
        // With missing values on the right, all that are present may go left.
        let last = if missing.is_some() { present } else { present - 1 };
        space.walk::<ENTROPY>(ask, last, None, missing.map(|_| false), &mut record);
        if missing.is_some() {
            space.walk::<ENTROPY>(ask, present - 1, missing, Some(true), &mut record);
        }
        let side = record.cut.and_then(|(_, side)| side);
        space.found(&record, |space, cut| match space.groups.get(cut).filter(|_| cut < present) {
            Some(next) => (Place::Number { last: space.groups[cut - 1].code, next: next.code }, side),
            None => (Place::Present, side),
        })
    }

    /// Puts the bins in the order of the first principal component of their class shares (Coppersmith, Hong and
    /// Hosking 1999), or with very many classes by the share of the most frequent one.
    fn order(&self, space: &mut Space) {
        let rows = |group: &Group| group.first as usize..group.end as usize;
        let mut totals = vec![0.0; self.count];
        space.sorted.iter().for_each(|&(class, weight)| totals[class as usize] += f64::from(weight));
        let mut axis = vec![0.0; self.count];
        let most = (1..self.count).fold(0, |most, class| if totals[class] > totals[most] { class } else { most });
        axis[most] = 1.0;
        let all: f64 = totals.iter().sum();
        totals.iter_mut().for_each(|total| *total /= all);
        let shares = |group: &Group| {
            let mut shares = vec![0.0; self.count];
            let rows = &space.sorted[rows(group)];
            let weight: f64 = rows.iter().map(|&(_, weight)| f64::from(weight)).sum();
            rows.iter().for_each(|&(class, part)| shares[class as usize] += f64::from(part) / weight);
            (weight, shares)
        };
        let along = |axis: &[f64], shares: &[f64]| -> f64 {
            axis.iter().zip(shares).zip(&totals).map(|((axis, share), mean)| axis * (share - mean)).sum()
        };
        let groups: Vec<(f64, Vec<f64>)> = space.groups.iter().map(shares).collect();
        for _ in 0..if self.count <= SPREAD { TURNS } else { 0 } {
            let mut turned = vec![0.0; self.count];
            for (weight, shares) in &groups {
                let far = weight * along(&axis, shares);
                turned.iter_mut().zip(shares).zip(&totals).for_each(|((to, share), mean)| *to += far * (share - mean));
            }
            let length = turned.iter().map(|part| part * part).sum::<f64>().sqrt();
            if length <= 0.0 {
                break;
            }
            axis = turned.into_iter().map(|part| part / length).collect();
        }
        let mut order: Vec<(f64, Group)> =
            groups.iter().zip(&space.groups).map(|((_, shares), group)| (along(&axis, shares), *group)).collect();
        order.sort_by(|a, b| a.0.total_cmp(&b.0));
        space.groups.iter_mut().zip(order).for_each(|(to, (_, group))| *to = group);
    }
}

impl Space {
    /// Puts a few rows in the order of their bins.
    fn sort_few(&mut self, rows: &[Labelled], code: impl Fn(Labelled) -> u32) {
        self.keys.clear();
        self.keys.extend(rows.iter().enumerate().map(|(place, &row)| code(row) << 16 | place as u32));
        sort_few(&mut self.keys);
        self.groups.clear();
        self.sorted.clear();
        for (&key, place) in self.keys.iter().zip(0..) {
            let (code, row) = ((key >> 16) as u16, rows[(key & 0xffff) as usize]);
            self.sorted.push((row.class, row.weight));
            match self.groups.last_mut() {
                Some(group) if group.code == code => group.end = place + 1,
                _ => self.groups.push(Group { code, first: place, end: place + 1 }),
            }
        }
    }

    /// The score of the rows of `left` against the others, each class summed once.
    fn score<const ENTROPY: bool>(
        &mut self,
        ask: &Ask<Many>,
        left: impl Iterator<Item = Labelled>,
    ) -> Option<(f64, f64)> {
        let (here, there) = (&mut self.left, &mut self.right);
        here.classes.clear();
        here.classes.resize(ask.sums.classes.len(), 0.0);
        (here.weight, here.rows) = (0.0, 0);
        for row in left {
            here.classes[row.class as usize] += f64::from(row.weight);
            here.weight += f64::from(row.weight);
            here.rows += 1;
        }
        (there.weight, there.rows) = (ask.sums.weight - here.weight, ask.sums.rows - here.rows);
        let part = |weight: f64| if ENTROPY { xlogx(weight) } else { weight * weight };
        here.inner = here.classes.iter().map(|&class| part(class)).sum();
        there.inner = ask.sums.classes.iter().zip(&here.classes).map(|(all, left)| part(all - left)).sum();
        keeps(ask, here, there).then(|| Shares::score::<ENTROPY>(here, there))
    }

    /// Makes the left side empty and the right one whole, at the cost of the rows' classes.
    fn reset(&mut self, sums: &Shares) {
        let count = sums.classes.len();
        let sized = self.left.classes.len() == count && self.right.classes.len() == count;
        if !sized || count <= 2 * self.sorted.len() {
            self.left.classes.clear();
            self.left.classes.resize(count, 0.0);
            self.right.classes.clone_from(&sums.classes);
        } else {
            for &(class, _) in &self.sorted {
                self.left.classes[class as usize] = 0.0;
                self.right.classes[class as usize] = sums.classes[class as usize];
            }
        }
        (self.left.weight, self.left.rows, self.left.inner) = (0.0, 0, 0.0);
        (self.right.weight, self.right.rows, self.right.inner) = (sums.weight, sums.rows, sums.inner);
    }

    fn shift<const ENTROPY: bool>(&mut self, group: Group) {
        for &(class, weight) in &self.sorted[group.first as usize..group.end as usize] {
            self.left.add::<ENTROPY>(class, f64::from(weight));
            self.right.add::<ENTROPY>(class, -f64::from(weight));
        }
        let rows = (group.end - group.first) as usize;
        self.left.rows += rows;
        self.right.rows -= rows;
    }

    /// Looks at the cuts after 1 to `last` groups, `start` on the left from the beginning.
    fn walk<const ENTROPY: bool>(
        &mut self,
        ask: &Ask<Many>,
        last: usize,
        start: Option<Group>,
        side: Option<bool>,
        record: &mut Record,
    ) {
        self.reset(ask.sums);
        if let Some(group) = start {
            self.shift::<ENTROPY>(group);
        }
        for cut in 0..last {
            self.shift::<ENTROPY>(self.groups[cut]);
            let score = Shares::score::<ENTROPY>(&self.left, &self.right);
            if record.beaten_by(score) && keeps(ask, &self.left, &self.right) {
                *record = Record { over: score.0, under: score.1, cut: Some((cut + 1, side)) };
            }
        }
    }

    fn found(&self, record: &Record, place: impl Fn(&Self, usize) -> (Place, Option<bool>)) -> Found {
        Found::Varied(record.cut.map(|(cut, _)| {
            let (place, missing_left) = place(self, cut);
            Best { score: record.over / record.under, place, missing_left }
        }))
    }
}

/// Whether both sides keep what they must.
fn keeps(ask: &Ask<Many>, left: &Shares, right: &Shares) -> bool {
    left.rows >= ask.least && right.rows >= ask.least && left.weight >= ask.weight && right.weight >= ask.weight
}

impl Criterion for Many<'_> {
    type Row = Labelled;
    type Sums = Shares;
    type Space = Space;

    fn outputs(&self) -> usize {
        self.count
    }

    fn row(&self, index: usize, weight: f64) -> Labelled {
        Labelled { index: index as u32, class: self.codes[index], weight: weight as f32 }
    }

    fn nothing(&self) -> Shares {
        Shares::of(self.count)
    }

    fn sum(&self, rows: &[Labelled], sums: &mut Shares) {
        for row in rows {
            let weight = f64::from(row.weight);
            sums.classes[row.class as usize] += weight;
            sums.weight += weight;
        }
        sums.rows += rows.len();
        let inner = sums.classes.iter().map(|&class| if self.entropy { xlogx(class) } else { class * class });
        sums.inner = inner.sum();
    }

    fn weight(&self, sums: &Shares) -> f64 {
        sums.weight
    }

    fn is_pure(&self, rows: &[Labelled], _: &Shares) -> bool {
        rows.iter().all(|row| row.class == rows[0].class)
    }

    fn gain(&self, score: f64, sums: &Shares) -> f64 {
        score - if self.entropy { sums.inner - xlogx(sums.weight) } else { sums.inner / sums.weight }
    }

    fn leaf(&self, sums: &Shares, _: [f64; 2], into: &mut Vec<f64>) {
        into.extend(sums.classes.iter().map(|class| class / sums.weight));
    }

    fn mean(&self, _: &Shares) -> f64 {
        0.0
    }

    fn best<B: Columns>(&self, space: &mut Space, columns: &B, column: usize, ask: &Ask<Self>) -> Found {
        if self.entropy {
            return self.search::<B, true>(space, columns, column, ask);
        }
        self.search::<B, false>(space, columns, column, ask)
    }

    fn drawn<B: Columns>(
        &self,
        space: &mut Space,
        columns: &B,
        column: usize,
        ask: &Ask<Self>,
        chance: &mut Chance,
    ) -> Found {
        let Some(draw) = draw(columns, column, ask.rows, &mut space.codes, chance) else {
            return Found::Constant;
        };
        let lacking = B::Code::MISSING.place() as u32;
        let missing_left = draw.missing.then_some(draw.missing_left);
        let (mut record, dense) = (Record::new(), self.count <= 4 * ask.rows.len());
        if dense {
            let codes = std::mem::take(&mut space.codes);
            let coded = ask.rows.iter().zip(&codes);
            let goes = |code: u32| goes_left(&draw.place, code, lacking, draw.missing_left);
            let left = coded.filter(|(_, code)| goes(**code)).map(|(row, _)| *row);
            let score = if self.entropy { space.score::<true>(ask, left) } else { space.score::<false>(ask, left) };
            if let Some((over, under)) = score.filter(|score| record.beaten_by(*score)) {
                record = Record { over, under, cut: Some((1, None)) };
            }
            space.codes = codes;
        } else {
            // The left side's rows as one group: what a walk over it finds is the cut.
            let coded = ask.rows.iter().zip(&space.codes);
            let left = coded.filter(|(_, code)| goes_left(&draw.place, **code, lacking, draw.missing_left));
            space.sorted.clear();
            space.sorted.extend(left.map(|(row, _)| (row.class, row.weight)));
            space.groups.clear();
            space.groups.push(Group { code: 0, first: 0, end: space.sorted.len() as u32 });
            if self.entropy {
                space.walk::<true>(ask, 1, None, None, &mut record);
            } else {
                space.walk::<false>(ask, 1, None, None, &mut record);
            }
        }
        space.found(&record, |_, _| (draw.place, missing_left))
    }
}
