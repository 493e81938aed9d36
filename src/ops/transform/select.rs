//! `select`: the columns that tell most of the target.

mod forest;
mod score;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use polars::prelude::Column;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::score::Answers;
use crate::data::{Kind, Selector, Shape, Table};
use crate::expr::Scope;
use crate::ops::{FitContext, Op, Page, Serving};
use crate::recipe::RowStep;
use crate::source::Fault;

/// How a column is scored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// The mutual information of the column and the target.
    MutualInformation,
    /// The F statistic: of an analysis of variance for classes, of a linear regression for numbers.
    FTest,
    /// The size of Pearson's correlation with the target.
    Correlation,
    /// The column's own variance; the target isn't looked at.
    Variance,
    /// How much impurity cuts by the column take away in a random forest of 100 trees with defaults.
    Importance,
}

impl By {
    /// Whether a column of that type can be scored.
    fn reads(self, kind: Kind) -> bool {
        let is_category = matches!(kind, Kind::Category | Kind::Str);
        let reads_categories = matches!(self, By::MutualInformation | By::Importance);
        kind.is_numeric() || kind == Kind::Bool || (is_category && reads_categories)
    }
}

/// The argument of `select`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// How many of the columns go on.
    best: usize,
    /// How a column is scored.
    by: By,
    /// The columns to choose from; all that can be scored if not said. Others go on untouched.
    columns: Option<Selector>,
}

/// The checked form.
#[derive(Serialize)]
pub struct Select {
    best: usize,
    by: By,
    columns: Option<Selector>,
}

impl Select {
    /// The columns to choose from.
    fn candidates(&self, shape: &Shape) -> Result<Vec<String>, Vec<Fault>> {
        let Some(columns) = &self.columns else {
            let all = Selector::all().select(shape)?.into_iter();
            return Ok(all.filter(|name| shape.kind(name).is_some_and(|kind| self.by.reads(kind))).collect());
        };
        let picked = columns.select(shape)?;
        let wrong = picked.iter().filter_map(|name| {
            let kind = shape.kind(name).filter(|kind| !self.by.reads(*kind))?;
            let fault = Fault::new("wrong-type", format!("`{name}` is {kind}, which can't be scored this way"));
            Some(columns.blame(name, fault))
        });
        let wrong: Vec<Fault> = wrong.collect();
        if wrong.is_empty() { Ok(picked) } else { Err(wrong) }
    }
}

impl Op for Select {
    const NAME: &'static str = "select";
    const VERSION: u32 = 2;
    const PAGE: Page = Page {
        summary: "Keeps the columns that tell most of the target, and takes the others away. The target, roles and columns that can't be scored stay. Rows without a value don't count for that column; equals go to the first. For `mutual_information` (in nats) numbers of more than 16 distinct values are cut into 16 bins of about as many rows each. `importance` is the mean decrease in impurity in a `random_forest` of 100 trees with defaults, seeded by the pipeline and learned here from the train rows alone, as scikit-learn's `SelectFromModel` takes it; it sees columns together, and a row without a value goes to the side where it takes away more impurity.",
        learns: "which columns",
        serving: Serving::Same,
        example: "select: {best: 10, by: mutual_information}",
    };
    type Params = Params;
    /// The columns that go.
    type Fitted = BTreeSet<String>;

    fn check(params: Params, _: &Scope) -> Result<Self, Vec<Fault>> {
        if params.best == 0 {
            let fault = Fault::new("out-of-range", "`best` is at least 1, and this is 0").within("best");
            return Err(vec![fault]);
        }
        Ok(Self { best: params.best, by: params.by, columns: params.columns })
    }

    /// Before the data is seen, every column may go on.
    fn shape(&self, input: &Shape, fitted: Option<&Self::Fitted>, faults: &mut Vec<Fault>) -> Shape {
        if let Err(found) = self.candidates(input) {
            faults.extend(found.into_iter().map(|fault| fault.within("columns")));
        }
        let mut shape = input.clone();
        for column in fitted.into_iter().flatten() {
            shape.remove(column);
        }
        shape
    }

    fn learns(&self) -> bool {
        true
    }

    fn uses_chance(&self) -> bool {
        self.by == By::Importance
    }

    fn needs_target(&self) -> bool {
        self.by != By::Variance
    }

    fn placeholder(&self, _: &Shape) -> Self::Fitted {
        BTreeSet::new()
    }

    fn fit(&self, table: &Table, cx: &FitContext) -> Result<Self::Fitted, Fault> {
        let candidates = self.candidates(&table.shape).map_err(crate::ops::first)?;
        let answers = match (self.by, cx.target) {
            (By::Variance, _) => None,
            (_, Some(target)) => Some(Answers::of(table.training_column(target)?, table.shape.expect(target)?)),
            (_, None) => {
                let fault = Fault::new("no-target", "nothing says which column is to be told");
                return Err(fault.help("write `target: COLUMN` at the top of the file, or choose `by: variance`"));
            }
        };
        let columns =
            candidates.iter().map(|name| table.training_column(name)).collect::<Result<Vec<&Column>, Fault>>()?;
        let scores = match (self.by, &answers) {
            (By::Importance, Some(answers)) => forest::scores(&columns, answers, cx.seed)?,
            _ => columns.iter().map(|column| score::of(self.by, column, answers.as_ref())).collect::<Result<_, _>>()?,
        };
        let mut scored: Vec<(String, f64)> = candidates.into_iter().zip(scores).collect();
        // The sort is stable: of equals the first goes on.
        scored.sort_by(|(_, a), (_, b)| b.total_cmp(a));
        Ok(scored.into_iter().skip(self.best).map(|(name, _)| name).collect())
    }

    fn lower(&self, fitted: &Self::Fitted, input: &Shape) -> Result<Vec<RowStep>, Fault> {
        let columns = input.names().filter(|name| !fitted.contains(*name)).map(str::to_owned).collect();
        Ok(vec![RowStep::keep(columns)])
    }
}
