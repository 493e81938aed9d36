//! Which feature to cut a node by.

use super::Limits;
use super::columns::{Columns, Fine, Local};
use super::criterion::{Ask, Best, Criterion, Found, Item, Place};
use super::grow::Soil;
use super::keys::Room;
use crate::learn::chance::Chance;

/// Room and chance for searches, kept from one node to the next.
pub(super) struct Search<C: Criterion> {
    chance: Chance,
    /// The features, first those that are constant in the node at hand.
    features: Vec<usize>,
    pub(super) space: C::Space,
    /// Room for the keys of few rows.
    pub(super) room: Room,
}

impl<C: Criterion> Search<C> {
    pub(super) fn new(features: usize, chance: Chance, space: C::Space) -> Self {
        Self { chance, features: (0..features).collect(), space, room: Room::default() }
    }

    /// As new, with the room that it has.
    pub(super) fn renewed(self, chance: Chance) -> Self {
        let Self { features, space, room, .. } = self;
        Self { room, ..Self::new(features.len(), chance, space) }
    }

    /// Grows nodes of other rows in between: which features are constant there says nothing of those that wait here.
    pub(super) fn elsewhere<T>(&mut self, grow: impl FnOnce(&mut Self) -> T) -> T {
        let features = self.features.clone();
        let grown = grow(self);
        self.features = features;
        grown
    }

    /// The best cut among features drawn without replacement, and more of them until one varies; and how many are
    /// known to be constant now. `known` of them are from the beginning: they are drawn as others are, and not looked
    /// at.
    pub(super) fn among<B: Columns>(
        &mut self,
        criterion: &C,
        columns: &B,
        limits: &Limits,
        ask: &Ask<C>,
        known: usize,
    ) -> (Option<(usize, Best)>, usize) {
        let mut best: Option<(usize, Best)> = None;
        // Constant features lie before `start`, those drawn that vary from `end` on.
        let (mut start, mut end, mut unseen) = (known, self.features.len(), known);
        let (mut drawn, varied_from) = (0, end);
        while start < end && (drawn < limits.features || end == varied_from) {
            drawn += 1;
            let pick = self.chance.below(unseen + end - start);
            if pick < unseen {
                unseen -= 1;
                continue;
            }
            let place = start + pick - unseen;
            let feature = self.features[place];
            let ask = Ask { sign: limits.monotone.get(feature).copied().unwrap_or_default(), ..*ask };
            let found = if limits.random {
                criterion.drawn(&mut self.space, columns, feature, &ask, &mut self.chance)
            } else {
                criterion.best(&mut self.space, columns, feature, &ask)
            };
            let Found::Varied(cut) = found else {
                self.features.swap(place, start);
                start += 1;
                continue;
            };
            end -= 1;
            self.features.swap(place, end);
            if let Some(cut) = cut.filter(|cut| best.is_none_or(|(_, best)| cut.score > best.score)) {
                best = Some((feature, cut));
            }
        }
        (best, start)
    }

    /// The best cut near one that was found between bins which hold several values each, with its number.
    pub(super) fn finer<B: Columns>(
        &mut self,
        soil: &Soil<C>,
        columns: &B,
        feature: usize,
        best: Best,
        ask: &Ask<C>,
    ) -> (Best, Option<f64>) {
        let Place::Number { last, next } = best.place else {
            return (best, None);
        };
        if soil.bins.is_exact(feature) {
            return (best, None);
        }
        self.fine(soil, columns, feature, (last, next), ask).unwrap_or((best, None))
    }

    /// The best cut of rows that share all bins, by their values; any row but the first may differ.
    pub(super) fn within<B: Columns>(
        &mut self,
        soil: &Soil<C>,
        columns: &B,
        ask: &Ask<C>,
    ) -> Option<(usize, Best, Option<f64>)> {
        let mut record: Option<(usize, Best, Option<f64>)> = None;
        for feature in (0..soil.bins.columns()).filter(|&column| !soil.bins.is_exact(column)) {
            let code = u16::from(soil.bins.column(feature)[columns.row(ask.rows[0].index())]);
            if usize::from(code) >= soil.bins.count(feature) {
                continue;
            }
            let found = self.fine(soil, columns, feature, (code, code), ask);
            if let Some((best, number)) = found.filter(|(best, _)| record.is_none_or(|(_, r, _)| best.score > r.score))
            {
                record = Some((feature, best, number));
            }
        }
        record
    }

    /// The best cut within or between two bins, by the values they hold.
    fn fine<B: Columns>(
        &mut self,
        soil: &Soil<C>,
        columns: &B,
        feature: usize,
        bins: (u16, u16),
        ask: &Ask<C>,
    ) -> Option<(Best, Option<f64>)> {
        let rows = ask.rows.iter().map(|row| columns.row(row.index()));
        let fine = Fine::new(soil.data.x, soil.bins, feature, bins, rows);
        let rows = renamed(ask.rows);
        let sign = soil.limits.monotone.get(feature).copied().unwrap_or_default();
        let ask = Ask { sign, rows: &rows, ..*ask };
        let found = if soil.limits.random {
            soil.criterion.drawn(&mut self.space, &fine, 0, &ask, &mut self.chance)
        } else {
            soil.criterion.best(&mut self.space, &fine, 0, &ask)
        };
        let Found::Varied(Some(best)) = found else {
            return None;
        };
        match best.place {
            Place::Number { last, next } => Some((best, Some(fine.threshold(0, usize::from(last), usize::from(next))))),
            Place::Drawn { last, threshold } => Some((best, Some(fine.settled(0, last as usize, threshold)))),
            _ => None,
        }
    }

    /// The best cut among features by the rows' own values, of which there are few.
    pub(super) fn local(&mut self, soil: &Soil<C>, ask: &Ask<C>) -> Option<(usize, Best, Option<f64>)> {
        let local = Local::new(soil.data.x, soil.bins, ask.rows.iter().map(|row| row.index()));
        let rows = renamed(ask.rows);
        let ask = Ask { rows: &rows, ..*ask };
        let (feature, best) = self.among(soil.criterion, &local, soil.limits, &ask, 0).0?;
        let number = match best.place {
            _ if soil.bins.is_exact(feature) => None,
            Place::Number { last, next } => Some(local.threshold(feature, usize::from(last), usize::from(next))),
            _ => None,
        };
        Some((feature, best, number))
    }
}

/// The rows numbered from 0.
pub(super) fn renamed<R: Item>(rows: &[R]) -> Vec<R> {
    rows.iter().enumerate().map(|(place, row)| row.renamed(place as u32)).collect()
}
