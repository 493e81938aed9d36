//! Cuts of answers that sum to two numbers: two classes, or one number.

use std::hint::select_unpredictable;

use super::columns::{Code, Codes, Columns};
use super::criterion::{Ask, Best, Criterion, Found, Item, Place};
use super::grow::FREE;
use crate::learn::chance::Chance;

/// Fewer rows than that are sorted.
pub(super) const FEW: usize = 24;

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

/// Sums in the making, as few numbers as will do.
pub(super) trait Tally: Copy + Default + Send {
    /// Adds others.
    fn add(&mut self, other: Self);
    /// These or nothing, without a branch: nobody foresees where rows go.
    fn only_if(self, there: bool) -> Self;
    /// Whether no row is in them.
    fn is_empty(self) -> bool;
}

impl Tally for Cell {
    #[inline(always)]
    fn add(&mut self, other: Self) {
        Cell::add(self, other);
    }

    #[inline(always)]
    fn only_if(self, there: bool) -> Self {
        Self {
            weight: select_unpredictable(there, self.weight, 0.0),
            answer: select_unpredictable(there, self.answer, 0.0),
            rows: select_unpredictable(there, self.rows, 0),
        }
    }

    #[inline(always)]
    fn is_empty(self) -> bool {
        self.rows == 0
    }
}

/// Rows whose answers sum to a [`Cell`].
pub(super) trait Pair: Criterion<Sums = Cell, Space = Space<Self::Tally>> + Sized {
    /// What rows are summed in.
    type Tally: Tally;
    /// What one row adds.
    fn tally(row: Self::Row) -> Self::Tally;
    /// What rows sum to.
    fn cell(&self, tally: Self::Tally) -> Cell;
    /// The score of two sides as numerator and denominator, which is above 0.
    fn score(&self, left: Cell, right: Cell) -> (f64, f64);
}

/// Σ answer² / weight of both sides: what grows as squared errors, or Gini's impurity of two classes, shrink.
#[inline(always)]
pub(super) fn squares(left: Cell, right: Cell) -> (f64, f64) {
    let over = left.answer * left.answer * right.weight + right.answer * right.answer * left.weight;
    (over, left.weight * right.weight)
}

/// Room for a search.
pub(super) struct Space<T> {
    /// What each code's rows sum to, nothing between searches.
    cells: Vec<T>,
    /// The codes that occur, and what their rows sum to.
    groups: Vec<(u16, T)>,
    /// The code of each row, with its place.
    keys: Vec<u32>,
    /// The code of each row.
    codes: Vec<u32>,
}

impl<T: Tally> Default for Space<T> {
    fn default() -> Self {
        let cells = vec![T::default(); <u16 as Code>::COUNT];
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
    if ask.sign == 0 && ask.bounds == FREE {
        return true;
    }
    let (a, b) = (left.mean(), right.mean());
    let [low, high] = ask.bounds;
    let within = |mean: f64| low <= mean && mean <= high;
    within(a) && within(b) && (b - a) * f64::from(ask.sign) >= 0.0
}

/// The best cut of a column.
pub(super) fn best<C: Pair, B: Columns>(
    criterion: &C,
    space: &mut Space<C::Tally>,
    columns: &B,
    column: usize,
    ask: &Ask<C>,
) -> Found {
    let codes = columns.codes(column, ask.rows.len());
    let bins = columns.count(column);
    // Walking all bins costs more than sorting a few codes.
    let missing = if ask.rows.len() * 8 < bins || ask.rows.len() < FEW {
        space.sort::<C, B>(codes, ask.rows)
    } else {
        space.count::<C, B>(codes, bins, ask.rows)
    };
    if space.groups.len() + usize::from(!missing.is_empty()) < 2 {
        return Found::Constant;
    }
    if columns.is_category(column) {
        return space.by_set(criterion, ask, criterion.cell(missing));
    }
    space.in_order(criterion, ask, missing)
}

impl<T: Tally> Space<T> {
    /// Groups many rows by counting, and returns what those without a value sum to.
    fn count<C: Pair<Tally = T>, B: Columns>(&mut self, codes: Codes<B::Code>, bins: usize, rows: &[C::Row]) -> T {
        let cells = &mut self.cells[..B::Code::COUNT];
        for &row in rows {
            cells[codes.of(row).place()].add(C::tally(row));
        }
        self.groups.resize(bins, (0, T::default()));
        // No branch asks whether a bin is empty: the next one takes its place if so.
        let mut found = 0;
        for (code, cell) in cells[..bins].iter_mut().enumerate() {
            let cell = std::mem::take(cell);
            self.groups[found] = (code as u16, cell);
            found += usize::from(!cell.is_empty());
        }
        self.groups.truncate(found);
        std::mem::take(&mut cells[B::Code::MISSING.place()])
    }

    /// Groups a few rows by sorting, and returns what those without a value sum to.
    fn sort<C: Pair<Tally = T>, B: Columns>(&mut self, codes: Codes<B::Code>, rows: &[C::Row]) -> T {
        self.keys.clear();
        let code = |row: C::Row| codes.of(row).place() as u32;
        self.keys.extend(rows.iter().enumerate().map(|(place, &row)| code(row) << 16 | place as u32));
        sort_few(&mut self.keys);
        self.groups.clear();
        let mut keys = self.keys.iter();
        let tally = |key: u32| C::tally(rows[(key & 0xffff) as usize]);
        let Some(&first) = keys.next() else {
            return T::default();
        };
        let mut last = ((first >> 16) as u16, tally(first));
        for &key in keys {
            let code = (key >> 16) as u16;
            if code == last.0 {
                last.1.add(tally(key));
            } else {
                self.groups.push(last);
                last = (code, tally(key));
            }
        }
        if usize::from(last.0) == B::Code::MISSING.place() {
            return last.1;
        }
        self.groups.push(last);
        T::default()
    }

    /// The best cut of bins in their order, rows without a value on either side.
    fn in_order<C: Pair<Tally = T>>(&self, criterion: &C, ask: &Ask<C>, missing: T) -> Found {
        let mut record = Record::new();
        let free = ask.least <= 1 && ask.weight == 0.0 && ask.sign == 0;
        let none = T::default();
        if free && missing.is_empty() && ask.bounds == FREE {
            self.walk::<C, true>(criterion, ask, none, None, &mut record);
            return record.found();
        }
        if missing.is_empty() {
            self.walk::<C, false>(criterion, ask, none, None, &mut record);
            return record.found();
        }
        self.walk::<C, false>(criterion, ask, none, Some(false), &mut record);
        self.walk::<C, false>(criterion, ask, missing, Some(true), &mut record);
        let missing = criterion.cell(missing);
        let present = ask.sums.without(missing);
        // No constraint on numbers says anything of rows without one.
        let ask = Ask { sign: 0, ..*ask };
        let score = criterion.score(present, missing);
        if present.rows > 0 && record.beaten_by(score) && keeps(&ask, present, missing) {
            (record.over, record.under) = score;
            record.best = Some((Place::Present, Some(false)));
        }
        record.found()
    }

    #[inline(always)]
    fn walk<C: Pair<Tally = T>, const FREE: bool>(
        &self,
        criterion: &C,
        ask: &Ask<C>,
        start: T,
        missing_left: Option<bool>,
        record: &mut Record,
    ) {
        let mut sums = start;
        let mut best = None;
        for (nth, (_, tally)) in self.groups[..self.groups.len().max(1) - 1].iter().enumerate() {
            sums.add(*tally);
            let left = criterion.cell(sums);
            let right = ask.sums.without(left);
            let score = criterion.score(left, right);
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
    fn by_set<C: Pair<Tally = T>>(&self, criterion: &C, ask: &Ask<C>, missing: Cell) -> Found {
        let mut groups: Vec<(u16, Cell)> =
            self.groups.iter().map(|&(code, tally)| (code, criterion.cell(tally))).collect();
        groups.extend((missing.rows > 0).then_some((u16::MAX, missing)));
        groups.sort_by(|a, b| a.1.mean().total_cmp(&b.1.mean()));
        let mut record = Record::new();
        let (mut left, mut cut) = (Cell::default(), None);
        for (nth, (_, cell)) in groups[..groups.len() - 1].iter().enumerate() {
            left.add(*cell);
            let right = ask.sums.without(left);
            let score = criterion.score(left, right);
            if record.beaten_by(score) && keeps(ask, left, right) {
                (record.over, record.under) = score;
                cut = Some(nth + 1);
            }
        }
        record.best = cut.map(|cut| sides(&groups[..cut], missing));
        record.found()
    }
}

/// Sorts keys of which there are few.
pub(super) fn sort_few(keys: &mut [u32]) {
    if keys.len() > FEW {
        return keys.sort_unstable();
    }
    for sorted in 1..keys.len() {
        let key = keys[sorted];
        let mut place = sorted;
        while place > 0 && keys[place - 1] > key {
            keys[place] = keys[place - 1];
            place -= 1;
        }
        keys[place] = key;
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
    criterion: &C,
    space: &mut Space<C::Tally>,
    columns: &B,
    column: usize,
    ask: &Ask<C>,
    chance: &mut Chance,
) -> Found {
    let Some(draw) = draw(columns, column, ask.rows, &mut space.codes, chance) else {
        return Found::Constant;
    };
    let mut left = C::Tally::default();
    let lacking = B::Code::MISSING.place() as u32;
    let coded = ask.rows.iter().zip(&space.codes);
    match &draw.place {
        Place::Drawn { last, .. } if !draw.missing_left => {
            coded.for_each(|(&row, code)| left.add(C::tally(row).only_if(code <= last)));
        }
        place => {
            let goes = |code: u32| goes_left(place, code, lacking, draw.missing_left);
            coded.for_each(|(&row, &code)| left.add(C::tally(row).only_if(goes(code))));
        }
    }
    let left = criterion.cell(left);
    let right = ask.sums.without(left);
    let (over, under) = criterion.score(left, right);
    let sign = if matches!(draw.place, Place::Present) { 0 } else { ask.sign };
    let score = over / under;
    let kept = score.is_finite() && keeps(&Ask { sign, ..*ask }, left, right);
    let missing_left = draw.missing.then_some(draw.missing_left);
    Found::Varied(kept.then_some(Best { score, place: draw.place, missing_left }))
}

/// Whether a row of that code goes left.
pub(super) fn goes_left(place: &Place, code: u32, lacking: u32, missing_left: bool) -> bool {
    match place {
        _ if code == lacking => missing_left,
        Place::Set(set) => contains(set, code as usize),
        place => place.last().is_none_or(|last| code as usize <= last),
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
    codes: &mut Vec<u32>,
    chance: &mut Chance,
) -> Option<Draw> {
    let whole = columns.codes(column, rows.len());
    codes.clear();
    codes.extend(rows.iter().map(|&row| whole.of(row).place() as u32));
    if columns.is_category(column) {
        return draw_set(codes, chance);
    }
    let lacking = B::Code::MISSING.place() as u32;
    let (mut least, mut most) = (u32::MAX, 0);
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
    let (first, end) = (least as usize, most as usize);
    let share = chance.unit();
    let threshold = columns.range(column, first).0 * (1.0 - share) + columns.range(column, end).1 * share;
    // Bins stay whole: they lie where their middle lies.
    let last = columns.under(column, first, end, threshold) as u32;
    let missing_left = missing && chance.below(2) == 0;
    Some(Draw { place: Place::Drawn { last, threshold }, missing, missing_left })
}

/// Each category goes left by the toss of a coin, unless all would go one way.
fn draw_set(codes: &[u32], chance: &mut Chance) -> Option<Draw> {
    let mut present = [false; 256];
    // Missing values' code is the largest, whatever it is.
    codes.iter().for_each(|&code| present[(code as usize).min(255)] = true);
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
