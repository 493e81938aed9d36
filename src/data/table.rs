//! A table: its shape, and its rows in one part or, after a split, several.

use std::fmt;

use polars::prelude::{
    BooleanChunked, ChunkCompareEq, Column, DataFrame, FillNullStrategy, Int64Chunked, IntoColumn, NamedFrom,
    PolarsError, Series,
};
use serde::{Deserialize, Serialize};

use super::Shape;
use crate::source::Fault;

/// The hidden column that holds each row's position in its source, from 0.
pub const ROW: &str = "__row";

/// The hidden column that holds each row's place after a sort, from 0, over all parts. Without it rows stand as in their source.
pub const ORDER: &str = "__order";

/// What rows are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// Not split.
    #[serde(rename = "table")]
    All,
    /// To learn from.
    Train,
    /// To choose among models.
    Validation,
    /// To judge the chosen.
    Test,
}

impl Part {
    /// The name of the output that holds it.
    pub fn name(self) -> &'static str {
        match self {
            Part::All => "table",
            Part::Train => "train",
            Part::Validation => "validation",
            Part::Test => "test",
        }
    }

    /// The part of that name.
    pub fn named(name: &str) -> Option<Self> {
        [Part::All, Part::Train, Part::Validation, Part::Test].into_iter().find(|part| part.name() == name)
    }

    /// Whether ops and models learn from it.
    pub fn trains(self) -> bool {
        matches!(self, Part::All | Part::Train)
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Rows with known columns. Columns whose name begins with `__` are hidden: they travel with the rows and no op sees them.
#[derive(Clone, Debug)]
pub struct Table {
    /// The visible columns.
    pub shape: Shape,
    parts: Vec<(Part, DataFrame)>,
}

/// Some columns of each part, as they were at some moment.
pub struct Kept(Vec<Vec<Column>>);

/// An error of polars that no user's mistake explains.
pub fn unexpected(error: PolarsError) -> Fault {
    Fault::new("table", "the table can't be worked on").because(error)
}

impl Table {
    /// An unsplit table. Rows are numbered, unless they are already.
    pub fn new(shape: Shape, mut frame: DataFrame) -> Result<Self, Fault> {
        if frame.get_column_index(ROW).is_none() {
            let rows = Series::new(ROW.into(), (0..frame.height() as i64).collect::<Vec<_>>());
            frame.with_column(rows.into_column()).map_err(unexpected)?;
        }
        Ok(Self { shape, parts: vec![(Part::All, frame)] })
    }

    /// A table of these parts.
    pub fn of_parts(shape: Shape, parts: Vec<(Part, DataFrame)>) -> Self {
        Self { shape, parts }
    }

    /// The parts, in the order train, validation, test.
    pub fn parts(&self) -> impl Iterator<Item = (Part, &DataFrame)> {
        self.parts.iter().map(|(part, frame)| (*part, frame))
    }

    /// The rows of one part.
    pub fn part(&self, part: Part) -> Option<&DataFrame> {
        self.parts.iter().find(|(of, _)| *of == part).map(|(_, frame)| frame)
    }

    /// The rows to learn from: the train part, or all before a split.
    pub fn training(&self) -> &DataFrame {
        let training = self.parts.iter().find(|(part, _)| part.trains());
        &training.expect("a table has rows to learn from, be they none").1
    }

    /// One column of the rows to learn from.
    pub fn training_column(&self, name: &str) -> Result<&Column, Fault> {
        self.training().column(name).map_err(|_| self.shape.unknown(name))
    }

    /// Whether rows are marked as train, validation or test.
    pub fn is_split(&self) -> bool {
        self.parts.iter().any(|(part, _)| *part != Part::All)
    }

    /// How many rows, in all parts.
    pub fn rows(&self) -> usize {
        self.parts.iter().map(|(_, frame)| frame.height()).sum()
    }

    /// The same with other columns known.
    #[must_use]
    pub fn with_shape(self, shape: Shape) -> Self {
        Self { shape, ..self }
    }

    /// Each part through `change`.
    pub fn map(self, mut change: impl FnMut(Part, DataFrame) -> Result<DataFrame, Fault>) -> Result<Self, Fault> {
        let parts = self
            .parts
            .into_iter()
            .map(|(part, frame)| Ok((part, change(part, frame)?)))
            .collect::<Result<_, Fault>>()?;
        Ok(Self { parts, ..self })
    }

    /// Every row, in their order over all parts: the place of its part among the parts, and the row in it.
    pub fn in_order(&self) -> Result<Vec<(usize, usize)>, Fault> {
        let mut rows = Vec::with_capacity(self.rows());
        for (part, (_, frame)) in self.parts.iter().enumerate() {
            rows.extend(places(frame)?.iter().enumerate().map(|(row, place)| (place, part, row)));
        }
        // Of an unsplit table the rows stand in order already, whatever their numbers.
        if self.parts.len() > 1 {
            rows.sort_unstable();
        }
        Ok(rows.into_iter().map(|(_, part, row)| (part, row)).collect())
    }

    /// Only the rows that are marked, part by part.
    pub fn only_marked(self, marks: &[Vec<bool>]) -> Result<Self, Fault> {
        let mut marks = marks.iter();
        self.map(|_, frame| {
            let marks = marks.next().into_iter().flatten();
            frame.filter(&marks.map(|mark| Some(*mark)).collect::<BooleanChunked>()).map_err(unexpected)
        })
    }

    /// These columns, with each missing value filled by the row before it in its part.
    pub fn carried_forward(&self, columns: &[String]) -> Result<Kept, Fault> {
        let filled = |frame: &DataFrame| {
            let fill = |name: &String| frame.column(name)?.fill_null(FillNullStrategy::Forward(None));
            columns.iter().map(fill).collect::<Result<Vec<_>, _>>().map_err(unexpected)
        };
        self.parts.iter().map(|(_, frame)| filled(frame)).collect::<Result<_, _>>().map(Kept)
    }

    /// With the kept columns in the rows to learn from; in other rows their values wherever they have one.
    pub fn preferring(mut self, kept: &Kept) -> Result<Self, Fault> {
        for ((part, frame), columns) in self.parts.iter_mut().zip(&kept.0) {
            for column in columns {
                let chosen = if part.trains() {
                    column.clone()
                } else {
                    let other = frame.column(column.name()).map_err(unexpected)?;
                    column.zip_with(&column.is_not_null(), other).map_err(unexpected)?
                };
                frame.with_column(chosen).map_err(unexpected)?;
            }
        }
        Ok(self)
    }

    /// With its rows numbered anew, through all parts: for tables whose rows aren't those of a source any more.
    pub fn renumbered(self) -> Result<Self, Fault> {
        let mut next = 0_i64;
        self.map(|_, mut frame| {
            let rows: Vec<i64> = (next..next + frame.height() as i64).collect();
            next += frame.height() as i64;
            frame.with_column(Series::new(ROW.into(), rows).into_column()).map_err(unexpected)?;
            Ok(frame.drop_many([ORDER]))
        })
    }

    /// Only the rows to learn from, as a table that isn't split.
    #[must_use]
    pub fn only(&self, part: Part) -> Option<Self> {
        let frame = self.part(part)?.clone();
        Some(Self { shape: self.shape.clone(), parts: vec![(part, frame)] })
    }
}

/// The position of each row in its source.
pub fn positions(frame: &DataFrame) -> Result<&Int64Chunked, Fault> {
    frame.column(ROW).and_then(|column| column.i64()).map_err(unexpected)
}

/// The column that tells the order of the rows over all parts.
pub fn order_column(frame: &DataFrame) -> &'static str {
    if frame.get_column_index(ORDER).is_some() { ORDER } else { ROW }
}

/// The place of each row in the order of the rows over all parts.
fn places(frame: &DataFrame) -> Result<&Int64Chunked, Fault> {
    frame.column(order_column(frame)).and_then(|column| column.i64()).map_err(unexpected)
}

/// Whether two columns hold the same, missing values being equal.
pub fn same(a: &Column, b: &Column) -> bool {
    a.len() == b.len() && a.dtype() == b.dtype() && a.equal_missing(b).is_ok_and(|mask| mask.all())
}
