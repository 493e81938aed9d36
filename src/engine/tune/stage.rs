//! What trials are judged on: rows to learn from and rows to judge on, their ops fitted once for all trials.

use std::sync::OnceLock;

use serde_json::json;

use super::super::cv::meaning;
use super::super::features::{self, Meaning};
use super::super::ground::{FoldDraw, Ground, parted};
use super::super::key;
use super::super::run::Cx;
use super::super::table::{self, work_told};
use super::super::unit::Parts;
use super::digest_of;
use crate::data::{Part, Table, column_digest};
use crate::learn::Fold;
use crate::plan::{OpNode, Train};
use crate::source::Fault;
use crate::spec::Weights;
use crate::store::Digest;

/// Where trials are judged, its rows unread.
pub(super) struct Stage<'a> {
    parts: Parts,
    kind: Kind<'a>,
}

enum Kind<'a> {
    /// Folds of the train rows.
    Folds { ground: Ground<'a>, draw: FoldDraw },
    /// The validation part.
    Validation,
}

/// The same with its rows.
pub(super) struct Open<'a> {
    /// What stands for all of it in the keys of trials.
    pub(super) digest: Digest,
    pub(super) meaning: Meaning,
    rows: Rows<'a>,
    ready: Vec<OnceLock<Table>>,
}

enum Rows<'a> {
    Folds { table: Table, cuts: Vec<Fold>, after: Vec<&'a OpNode> },
    Validation(Table),
}

impl<'a> Stage<'a> {
    /// Folds of a train step's rows.
    pub(super) fn folds(cx: &Cx<'a>, train: &Train, draw: FoldDraw) -> Result<Self, Fault> {
        let ground = Ground::of(cx.plan, train);
        let mut parts = Parts::new("folds");
        ground.describe(cx, false, &mut parts)?;
        draw.describe(cx.plan.seed, &mut parts);
        Ok(Self { parts, kind: Kind::Folds { ground, draw } })
    }

    /// The validation part of a train step's table.
    pub(super) fn validation(cx: &Cx, train: &Train) -> Result<Self, Fault> {
        let meta = table::meta(cx, train.input)?;
        let mut parts = Parts::new("validation");
        let names = features::names(train, &meta.shape)?;
        parts.add("columns", json!(names));
        parts.add("kind", json!(meta.shape.expect(&train.target.column)?));
        let held = table::needed(&meta, Part::Validation).map_err(|fault| fault.within("using"))?;
        let weight = match &train.weights {
            Some(Weights::Column(column)) => Some(column),
            _ => None,
        };
        for name in names.iter().chain([&train.target.column]).chain(weight) {
            for part in [meta.training(), held] {
                let digest = table::digest_of(part, name, &meta.shape)?;
                parts.add(format!("rows.{}.{name}", part.part), digest.to_string());
            }
        }
        Ok(Self { parts, kind: Kind::Validation })
    }

    /// Folds of a table's rows inside a fold.
    pub(super) fn inside<'b>(
        cx: &Cx,
        train: &Train,
        draw: FoldDraw,
        rows: Table,
        after: &[&'b OpNode],
        meaning: &Meaning,
    ) -> Result<Open<'b>, Fault> {
        let mut parts = Parts::new("folds");
        key::shape(&mut parts, &rows.shape);
        for column in rows.training().columns() {
            parts.add(format!("rows.all.{}", column.name()), Digest(column_digest(column)).to_string());
        }
        key::ops(&mut parts, after, cx)?;
        draw.describe(cx.plan.seed, &mut parts);
        parts.add("classes", json!(meaning.classes));
        parts.add("positive", json!(meaning.positive));
        let cuts = draw.folds(train, rows.training(), meaning, cx.plan.seed)?;
        let rows = Rows::Folds { table: rows, cuts, after: after.to_vec() };
        Ok(Open::new(digest_of(&parts), meaning.clone(), rows))
    }

    /// The parts of a key that say which rows these are and what is done with them.
    pub(super) fn parts(&self) -> &Parts {
        &self.parts
    }

    /// Reads the rows.
    pub(super) fn open(&self, cx: &Cx<'a>, train: &Train) -> Result<Open<'a>, Fault> {
        let digest = digest_of(&self.parts);
        match &self.kind {
            Kind::Folds { ground, draw } => {
                let table = ground.table(cx, false)?;
                let meaning = meaning(cx, train, &ground.after, &table)?;
                let cuts = draw.folds(train, table.training(), &meaning, cx.plan.seed)?;
                Ok(Open::new(digest, meaning, Rows::Folds { table, cuts, after: ground.after.clone() }))
            }
            Kind::Validation => {
                let meta = table::meta(cx, train.input)?;
                let rows = (*table::frame(cx, meta.training())?).clone();
                let held = (*table::frame(cx, table::needed(&meta, Part::Validation)?)?).clone();
                let meaning = features::meaning(train, &rows, &meta.shape)?;
                let table = Table::of_parts(meta.shape, vec![(Part::Train, rows), (Part::Test, held)]);
                Ok(Open::new(digest, meaning, Rows::Validation(table)))
            }
        }
    }
}

impl<'a> Open<'a> {
    fn new(digest: Digest, meaning: Meaning, rows: Rows<'a>) -> Self {
        let count = match &rows {
            Rows::Folds { cuts, .. } => cuts.len(),
            Rows::Validation(_) => 1,
        };
        Self { digest, meaning, rows, ready: (0..count).map(|_| OnceLock::new()).collect() }
    }

    /// What trials are judged on, in a word.
    pub(super) fn name(&self) -> &'static str {
        match self.rows {
            Rows::Folds { .. } => "cv",
            Rows::Validation(_) => "validation",
        }
    }

    /// How many folds; one if it is the validation part.
    pub(super) fn len(&self) -> usize {
        self.ready.len()
    }

    /// How many rows the fold with the fewest learns from, before its ops.
    pub(super) fn fewest(&self) -> usize {
        match &self.rows {
            Rows::Folds { cuts, .. } => cuts.iter().map(|fold| fold.train.len()).min().unwrap_or_default(),
            Rows::Validation(table) => table.training().height(),
        }
    }

    /// The rows of a fold, its ops fitted. Those to judge on are the test part. Asked for by one thread at a time.
    pub(super) fn ready(&self, cx: &Cx, fold: usize) -> Result<&Table, Fault> {
        if let Some(found) = self.ready[fold].get() {
            return Ok(found);
        }
        let made = match &self.rows {
            Rows::Folds { table, cuts, after } => {
                let worked = work_told(after, parted(table, &cuts[fold])?, cx, &|_| cx.check());
                let told =
                    |fault: Fault| Fault { message: format!("in fold {}: {}", fold + 1, fault.message), ..fault };
                worked.map_err(told)?.table
            }
            Rows::Validation(table) => table.clone(),
        };
        Ok(self.ready[fold].get_or_init(|| made))
    }
}
