//! `sample`: some of the rows, drawn by chance.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{without, worked_on};
use crate::data::{Shape, Table, row_draws};
use crate::expr::Scope;
use crate::ops::{FitContext, Op, Page, Serving};
use crate::recipe::RowStep;
use crate::source::Fault;

/// The argument of `sample`, and its checked form.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// Which share of the rows stays, above 0 and at most 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    fraction: Option<f64>,
    /// How many rows stay; all, if there are no more.
    #[serde(skip_serializing_if = "Option::is_none")]
    rows: Option<usize>,
}

impl Op for Sample {
    const NAME: &'static str = "sample";
    const VERSION: u32 = 1;
    const PAGE: Page = Page {
        summary: "Keeps some of the rows, drawn without replacement, in their order. The draw depends on the seed and on each row's position in its source, so ops before it change little of who is drawn.",
        learns: "",
        serving: Serving::Nothing,
        example: "sample: {fraction: 0.1}",
    };
    const SHORTHAND: Option<&'static str> = Some("fraction");
    const CHANCE: bool = true;
    const DROPS_ROWS: bool = true;
    type Params = Sample;
    type Fitted = ();

    fn check(params: Sample, _: &Scope) -> Result<Self, Vec<Fault>> {
        let fault = match (params.fraction, params.rows) {
            (None, None) => Fault::new("missing-field", "a sample needs to say how many rows stay")
                .help("write `sample: {fraction: 0.1}` or `sample: {rows: 1000}`"),
            (Some(_), Some(_)) => {
                Fault::new("bad-sample", "`fraction` and `rows` don't go together").within("rows").on_key()
            }
            (Some(share), None) if !(share > 0.0 && share <= 1.0) => {
                let message = format!("{share} isn't a share of the rows: write a number above 0 and at most 1");
                Fault::new("out-of-range", message).within("fraction")
            }
            (None, Some(0)) => Fault::new("out-of-range", "a sample is at least 1 row, and this is 0").within("rows"),
            _ => return Ok(params),
        };
        Err(vec![fault])
    }

    fn shape(&self, input: &Shape, _: Option<&()>, _: &mut Vec<Fault>) -> Shape {
        input.clone()
    }

    fn placeholder(&self, _: &Shape) {}

    fn fit(&self, _: &Table, _: &FitContext) -> Result<(), Fault> {
        Ok(())
    }

    fn lower(&self, (): &(), _: &Shape) -> Result<Vec<RowStep>, Fault> {
        Ok(Vec::new())
    }

    /// Of all rows together those with the lowest draws stay.
    fn table(&self, (): &(), table: Table, cx: &FitContext) -> Result<Table, Fault> {
        let draws =
            table.parts().map(|(_, frame)| row_draws(frame, cx.seed, Self::NAME)).collect::<Result<Vec<_>, _>>()?;
        let mut rows = worked_on(&table, cx)?;
        let stay = match (self.fraction, self.rows) {
            (Some(share), _) => (share * rows.len() as f64).round() as usize,
            (None, count) => count.unwrap_or(usize::MAX),
        };
        rows.sort_by_key(|(part, row)| draws[*part][*row]);
        without(table, &rows[stay.min(rows.len())..])
    }
}

#[cfg(test)]
mod tests {
    use crate::ops::Rows;
    use crate::ops::testing::{halved, parts_after, table};

    fn numbers(count: i64) -> Vec<Option<i64>> {
        (0..count).map(Some).collect()
    }

    #[test]
    fn as_many_as_asked_for_stay_in_their_order() {
        let all = numbers(1000);
        let tenth = parts_after("sample: 0.1", table(&all), None).remove(0);
        assert_eq!(tenth.len(), 100);
        assert!(tenth.is_sorted());
        assert_eq!(tenth, parts_after("sample: {rows: 100}", table(&all), None)[0]);
        let mean = tenth.iter().flatten().sum::<i64>() as f64 / 100.0;
        assert!((mean - 499.5).abs() < 4.0 * 28.9, "{mean}");
        assert_eq!(parts_after("sample: {rows: 5000}", table(&all), None)[0], all);
        assert_eq!(parts_after("sample: 0.5", table(&[]), None), [vec![]]);
        assert_eq!(parts_after("sample: 1", table(&[None]), None), [vec![None]]);
    }

    #[test]
    fn who_is_drawn_hardly_depends_on_the_other_rows() {
        let all = numbers(1000);
        let before = parts_after("sample: 0.2", table(&all), None).remove(0);
        // A row that was not drawn is gone before: the same are drawn, but for the last.
        let gone = all.iter().find(|row| !before.contains(row)).copied().flatten().expect("a row");
        let fewer = super::without(table(&all), &[(0, gone as usize)]).expect("filtered");
        let after = parts_after("sample: 0.2", fewer, None).remove(0);
        assert_eq!(after, before);
    }

    #[test]
    fn a_draw_has_nothing_to_do_with_the_split() {
        let parts = halved(&table(&numbers(400)));
        let found = parts_after("sample: 0.5", parts.clone(), None);
        assert_eq!(found.iter().map(Vec::len).sum::<usize>(), 200);
        assert!(found.iter().all(|part| part.len() > 70), "{found:?}");
        let train = parts_after("sample: 0.5", parts, Some(Rows::Train));
        assert_eq!((train[0].len(), train[1].len()), (100, 200));
    }
}
