//! Cuts of answers that sum to two numbers: two classes, or one number.

use super::columns::{Code, Columns};
use super::criterion::{Ask, Best, Criterion, Found, Item, Place};
use crate::learn::chance::Chance;

/// Fewer rows than that are sorted.
const FEW: usize = 24;

/// What rows sum to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Cell {
    /// Their weight.
    pub(super) weight: f64,
    /// Weight × answer: the weight of the second class, or of the number.
    pub(super) answer: f64,
    /// How many they are.
    pub(super) rows: u64,
}

impl Cell {
    #[inline(always)]
    pub(super) fn add(&mut self, other: Cell) {
        self.weight += other.weight;
        self.answer += other.answer;
        self.rows += other.rows;
    }

    #[inline(always)]
    fn without(self, other: Cell) -> Cell {
        Cell { weight: self.weight - other.weight, answer: self.answer - other.answer, rows: self.rows - other.rows }
    }

    fn mean(self) -> f64 {
        self.answer / self.weight
    }
}

/// Rows whose answers sum to a [`Cell`].
pub(super) trait Pair: Criterion<Sums = Cell, Space = Space> + Sized {
    /// What one row adds.
    fn cell(row: Self::Row) -> Cell;
    /// The score of two sides as numerator and denominator, which is above 0.
    fn score(left: Cell, right: Cell) -> (f64, f64);
}

/// Σ answer² / weight of both sides: what grows as squared errors, or Gini's impurity of two classes, shrink.
#[inline(always)]
pub(super) fn squares(left: Cell, right: Cell) -> (f64, f64) {
    let over = left.answer * left.answer * right.weight + right.answer * right.answer * left.weight;
    (over, left.weight * right.weight)
}

/// Room for a search.
pub(super) struct Space {
    /// A cell for each code, all empty between searches.
    cells: Vec<Cell>,
    /// The codes that occur, and what their rows sum to.
    groups: Vec<(u16, Cell)>,
    /// The code of each row, with its place.
    keys: Vec<u32>,
    /// The code of each row.
    codes: Vec<u16>,
}

impl Default for Space {
    fn default() -> Self {
        let cells = vec![Cell::default(); <u16 as Code>::COUNT];
        Self { cells, groups: Vec::new(), keys: Vec::new(), codes: Vec::new() }
    }
}

/// The best cut so far, its score as a fraction.
struct Record {
    over: f64,
    under: f64,
    best: Option<(Place, Option<bool>)>,
}

impl Record {
    fn new() -> Self {
        // Any score is more than minus infinity.
        Self { over: -1.0, under: 0.0, best: None }
    }

    #[inline(always)]
    fn beaten_by(&self, (over, under): (f64, f64)) -> bool {
        over * self.under > self.over * under
    }

    fn found(self) -> Found {
        let best = self.best.filter(|_| (self.over / self.under).is_finite());
        Found::Varied(best.map(|(place, missing_left)| Best { score: self.over / self.under, place, missing_left }))
    }
}

/// Whether both sides keep what they must.
fn keeps<C: Pair>(ask: &Ask<C>, left: Cell, right: Cell) -> bool {
    let (least, weight) = (ask.least as u64, ask.weight);
    if left.rows < least || right.rows < least || left.weight < weight || right.weight < weight {
        return false;
    }
    if ask.sign == 0 && ask.bounds == [f64::NEG_INFINITY, f64::INFINITY] {
        return true;
    }
    let (a, b) = (left.mean(), right.mean());
    let [low, high] = ask.bounds;
    let within = |mean: f64| low <= mean && mean <= high;
    within(a) && within(b) && (b - a) * f64::from(ask.sign) >= 0.0
}

/// The best cut of a column.
pub(super) fn best<C: Pair, B: Columns>(space: &mut Space, columns: &B, column: usize, ask: &Ask<C>) -> Found {
    let codes = columns.codes(column);
    let bins = columns.count(column);
    // Walking all bins costs more than sorting a few codes.
    let missing = if ask.rows.len() * 8 < bins || ask.rows.len() < FEW {
        space.sort::<C, B>(codes, ask.rows)
    } else {
        space.count::<C, B>(codes, bins, ask.rows)
    };
    if space.groups.len() + usize::from(missing.rows > 0) < 2 {
        return Found::Constant;
    }
    if columns.is_category(column) {
        return space.by_set(ask, missing);
    }
    space.in_order(ask, missing)
}

impl Space {
    /// Groups many rows by counting, and returns what those without a value sum to.
    fn count<C: Pair, B: Columns>(&mut self, codes: &[B::Code], bins: usize, rows: &[C::Row]) -> Cell {
        let cells = &mut self.cells[..B::Code::COUNT];
        for &row in rows {
            cells[codes[row.index()].place()].add(C::cell(row));
        }
        self.groups.resize(bins, (0, Cell::default()));
        // No branch asks whether a bin is empty: the next one takes its place if so.
        let mut found = 0;
        for (code, cell) in cells[..bins].iter_mut().enumerate() {
            let cell = std::mem::take(cell);
            self.groups[found] = (code as u16, cell);
            found += usize::from(cell.rows > 0);
        }
        self.groups.truncate(found);
        std::mem::take(&mut cells[B::Code::MISSING.place()])
    }

    /// Groups a few rows by sorting, and returns what those without a value sum to.
    fn sort<C: Pair, B: Columns>(&mut self, codes: &[B::Code], rows: &[C::Row]) -> Cell {
        self.keys.clear();
        let code = |row: &C::Row| codes[row.index()].place() as u32;
        self.keys.extend(rows.iter().enumerate().map(|(place, row)| code(row) << 16 | place as u32));
        self.keys.sort_unstable();
        self.groups.clear();
        let mut last = (u16::MAX, Cell::default());
        for &key in &self.keys {
            let (code, cell) = ((key >> 16) as u16, C::cell(rows[(key & 0xffff) as usize]));
            if code != last.0 {
                self.groups.push(last);
                last = (code, Cell::default());
            }
            last.1.add(cell);
        }
        // The first group pushed is none.
        self.groups.push(last);
        self.groups.remove(0);
        match self.groups.pop_if(|last| usize::from(last.0) == B::Code::MISSING.place()) {
            Some((_, missing)) => missing,
            None => Cell::default(),
        }
    }

    /// The best cut of bins in their order, rows without a value on either side.
    fn in_order<C: Pair>(&self, ask: &Ask<C>, missing: Cell) -> Found {
        let mut record = Record::new();
        let free = ask.least <= 1 && ask.weight == 0.0 && ask.sign == 0;
        if free && missing.rows == 0 && ask.bounds == [f64::NEG_INFINITY, f64::INFINITY] {
            self.walk::<C, true>(ask, Cell::default(), None, &mut record);
            return record.found();
        }
        if missing.rows == 0 {
            self.walk::<C, false>(ask, Cell::default(), None, &mut record);
            return record.found();
        }
        self.walk::<C, false>(ask, Cell::default(), Some(false), &mut record);
        self.walk::<C, false>(ask, missing, Some(true), &mut record);
        let present = ask.sums.without(missing);
        // No constraint on numbers says anything of rows without one.
        let ask = Ask { sign: 0, ..*ask };
        if present.rows > 0 && keeps(&ask, present, missing) && record.beaten_by(C::score(present, missing)) {
            (record.over, record.under) = C::score(present, missing);
            record.best = Some((Place::Present, Some(false)));
        }
        record.found()
    }

    #[inline(always)]
    fn walk<C: Pair, const FREE: bool>(
        &self,
        ask: &Ask<C>,
        start: Cell,
        missing_left: Option<bool>,
        record: &mut Record,
    ) {
        let mut left = start;
        let mut best = None;
        for (nth, (_, cell)) in self.groups[..self.groups.len().max(1) - 1].iter().enumerate() {
            left.add(*cell);
            let right = ask.sums.without(left);
            let score = C::score(left, right);
            if record.beaten_by(score) && (FREE || keeps(ask, left, right)) {
                (record.over, record.under) = score;
                best = Some(nth);
            }
        }
        if let Some(nth) = best {
            let place = Place::Number { last: self.groups[nth].0, next: self.groups[nth + 1].0 };
            record.best = Some((place, missing_left));
        }
    }

    /// The best cut of bins without an order: one of them in the order of their means is best of all (Fisher 1958;
    /// Breiman et al. 1984, 4.2). Rows without a value are a bin of their own.
    fn by_set<C: Pair>(&self, ask: &Ask<C>, missing: Cell) -> Found {
        let mut groups = self.groups.clone();
        groups.extend((missing.rows > 0).then_some((u16::MAX, missing)));
        groups.sort_by(|a, b| a.1.mean().total_cmp(&b.1.mean()));
        let mut record = Record::new();
        let (mut left, mut cut) = (Cell::default(), None);
        for (nth, (_, cell)) in groups[..groups.len() - 1].iter().enumerate() {
            left.add(*cell);
            let right = ask.sums.without(left);
            let score = C::score(left, right);
            if record.beaten_by(score) && keeps(ask, left, right) {
                (record.over, record.under) = score;
                cut = Some(nth + 1);
            }
        }
        record.best = cut.map(|cut| sides(&groups[..cut], missing));
        record.found()
    }
}

/// The bins of the left side, and whether rows without a value are there.
fn sides(left: &[(u16, Cell)], missing: Cell) -> (Place, Option<bool>) {
    let mut set = [0; 4];
    left.iter().filter(|(code, _)| *code < 256).for_each(|(code, _)| insert(&mut set, usize::from(*code)));
    let missing_left = left.iter().any(|(code, _)| *code == u16::MAX);
    (Place::Set(set), (missing.rows > 0).then_some(missing_left))
}

/// Puts a bin in a set.
pub(super) fn insert(set: &mut [u64; 4], bin: usize) {
    set[bin / 64] |= 1 << (bin % 64);
}

/// Whether a set has a bin.
pub(super) fn contains(set: &[u64; 4], bin: usize) -> bool {
    set[bin / 64] >> (bin % 64) & 1 == 1
}

/// A cut of a column by chance.
pub(super) fn drawn<C: Pair, B: Columns>(
    space: &mut Space,
    columns: &B,
    column: usize,
    ask: &Ask<C>,
    chance: &mut Chance,
) -> Found {
    let Some(draw) = draw(columns, column, ask.rows, &mut space.codes, chance) else {
        return Found::Constant;
    };
    let mut left = Cell::default();
    let lacking = B::Code::MISSING.place() as u16;
    let coded = ask.rows.iter().zip(&space.codes);
    match &draw.place {
        Place::Drawn { last, .. } if !draw.missing_left => {
            for (&row, code) in coded {
                left.add(if code <= last { C::cell(row) } else { Cell::default() });
            }
        }
        place => {
            for (&row, &code) in coded.filter(|(_, code)| goes_left(place, **code, lacking, draw.missing_left)) {
                debug_assert!(usize::from(code) < B::Code::COUNT, "codes are codes");
                left.add(C::cell(row));
            }
        }
    }
    let mut record = Record::new();
    let right = ask.sums.without(left);
    let score = C::score(left, right);
    let unordered = matches!(draw.place, Place::Present);
    let free = Ask { sign: if unordered { 0 } else { ask.sign }, ..*ask };
    if record.beaten_by(score) && keeps(&free, left, right) {
        (record.over, record.under) = score;
        record.best = Some((draw.place, draw.missing.then_some(draw.missing_left)));
    }
    record.found()
}

/// Whether a row of that code goes left.
pub(super) fn goes_left(place: &Place, code: u16, lacking: u16, missing_left: bool) -> bool {
    match place {
        _ if code == lacking => missing_left,
        Place::Set(set) => contains(set, usize::from(code)),
        Place::Number { last, .. } | Place::Drawn { last, .. } => code <= *last,
        Place::Present => true,
    }
}

/// A place drawn by chance, and the side of rows without a value.
pub(super) struct Draw {
    pub(super) place: Place,
    /// Whether any row lacks a value.
    pub(super) missing: bool,
    pub(super) missing_left: bool,
}

/// Draws a place that parts the rows, whose codes it writes; `None` if all have the same.
#[inline]
pub(super) fn draw<B: Columns, R: Item>(
    columns: &B,
    column: usize,
    rows: &[R],
    codes: &mut Vec<u16>,
    chance: &mut Chance,
) -> Option<Draw> {
    let whole = columns.codes(column);
    codes.clear();
    codes.extend(rows.iter().map(|row| whole[row.index()].place() as u16));
    if columns.is_category(column) {
        return draw_set(codes, chance);
    }
    let lacking = B::Code::MISSING.place() as u16;
    let (mut least, mut most) = (u16::MAX, 0);
    let mut missing = false;
    if columns.missing(column) {
        for &code in codes.iter() {
            missing |= code == lacking;
            least = least.min(code);
            most = most.max(if code == lacking { 0 } else { code });
        }
        if least == lacking {
            return None;
        }
    } else {
        for &code in codes.iter() {
            (least, most) = (least.min(code), most.max(code));
        }
    }
    if least == most {
        return missing.then_some(Draw { place: Place::Present, missing, missing_left: false });
    }
    let (last, threshold) = columns.draw(column, usize::from(least), usize::from(most), chance.unit());
    let missing_left = missing && chance.below(2) == 0;
    Some(Draw { place: Place::Drawn { last: last as u16, threshold }, missing, missing_left })
}

/// Each category goes left by the toss of a coin, unless all would go one way.
fn draw_set(codes: &[u16], chance: &mut Chance) -> Option<Draw> {
    let mut present = [false; 256];
    // Missing values' code is the largest, whatever it is.
    codes.iter().for_each(|&code| present[usize::from(code).min(255)] = true);
    let there: Vec<usize> = (0..256).filter(|&place| present[place]).collect();
    if there.len() < 2 {
        return None;
    }
    let mut goes: Vec<bool> = there.iter().map(|_| chance.below(2) == 0).collect();
    if goes.iter().all(|left| *left == goes[0]) {
        let other = chance.below(goes.len());
        goes[other] = !goes[other];
    }
    let mut set = [0; 4];
    let mut missing_left = false;
    for (&place, &left) in there.iter().zip(&goes).filter(|(_, left)| **left) {
        debug_assert!(left, "only those that go left");
        if place == 255 {
            missing_left = true;
        } else {
            insert(&mut set, place);
        }
    }
    Some(Draw { place: Place::Set(set), missing: present[255], missing_left })
}
