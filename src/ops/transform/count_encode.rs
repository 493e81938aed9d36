//! `count_encode`: how often a category stands in the train rows.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::data::{Cells, Kind, Selector, Shape, Table, Value, stats};
use crate::expr::Scope;
use crate::ops::{FitContext, Op, Page, Serving, categories};
use crate::recipe::{Looked, Lookup, RowStep};
use crate::source::Fault;

/// The argument of `count_encode`, and its checked form.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CountEncode {
    /// The columns.
    columns: Selector,
    /// Give the share of the train rows instead of their number.
    #[serde(default)]
    share: bool,
}

/// How often each category of a column stands in the train rows.
#[derive(Serialize, Deserialize)]
pub struct Counts {
    /// The categories, the most frequent first; a missing value is one, and comes last.
    values: Cells,
    /// How many rows have each.
    counts: Vec<usize>,
}

impl Op for CountEncode {
    const NAME: &'static str = "count_encode";
    const VERSION: u32 = 1;
    const PAGE: Page = Page {
        summary: "Puts in the place of a category how many train rows have it, or which share of them. A missing value is a category of its own; one that no train row has counts 0.",
        learns: "how often each category stands",
        serving: Serving::Same,
        example: "count_encode: {columns: [kind], share: true}",
    };
    const SHORTHAND: Option<&'static str> = Some("columns");
    type Params = CountEncode;
    type Fitted = BTreeMap<String, Counts>;

    fn check(params: CountEncode, _: &Scope) -> Result<Self, Vec<Fault>> {
        Ok(params)
    }

    fn shape(&self, input: &Shape, _: Option<&Self::Fitted>, faults: &mut Vec<Fault>) -> Shape {
        let mut shape = input.clone();
        for column in categories(&self.columns, input, faults) {
            if input.known(&column).is_some() {
                shape.set(&column, self.kind());
            }
        }
        shape
    }

    fn learns(&self) -> bool {
        true
    }

    fn placeholder(&self, input: &Shape) -> Self::Fitted {
        let columns = self.columns.select(input).unwrap_or_default().into_iter();
        let nothing = |column: &str| Counts {
            values: Cells::new(input.kind(column).unwrap_or(Kind::Str), []),
            counts: Vec::new(),
        };
        columns.map(|column| (column.clone(), nothing(&column))).collect()
    }

    fn fit(&self, table: &Table, _: &FitContext) -> Result<Self::Fitted, Fault> {
        let mut fitted = BTreeMap::new();
        for name in self.columns.resolve(&table.shape)? {
            let column = table.training_column(&name)?;
            let missing = Some((Value::Null, column.null_count())).filter(|(_, count)| *count > 0);
            let (values, counts): (Vec<Value>, Vec<usize>) =
                stats::value_counts(column).into_iter().chain(missing).unzip();
            fitted.insert(name.clone(), Counts { values: Cells::new(table.shape.expect(&name)?, values), counts });
        }
        Ok(fitted)
    }

    fn lower(&self, fitted: &Self::Fitted, _: &Shape) -> Result<Vec<RowStep>, Fault> {
        let lookup = |(column, Counts { values, counts }): (&String, &Counts)| {
            let rows = counts.iter().sum::<usize>() as f64;
            let number = |count: usize| match self.share {
                true => Value::Float(count as f64 / rows),
                false => Value::Int(count as i64),
            };
            let cells = Cells::new(self.kind(), counts.iter().map(|count| number(*count)));
            let nowhere = if self.share { Value::Float(0.0) } else { Value::Int(0) };
            let looked = Looked { name: column.clone(), cells, otherwise: nowhere };
            let lookup = Lookup::new(vec![column.clone()], vec![values.clone()], None, vec![looked])
                .map_err(|why| Fault::new("fitted-state", format!("what `count_encode` learned is {why}")))?;
            Ok(RowStep::Lookup(lookup))
        };
        fitted.iter().map(lookup).collect()
    }
}

impl CountEncode {
    fn kind(&self) -> Kind {
        if self.share { Kind::Float } else { Kind::Int }
    }
}

#[cfg(test)]
mod tests {
    use crate::data::{Kind, Shape, Value};
    use crate::ops::testing::{CX, applied, cells, faults, op, reference, table_of, through};

    #[test]
    fn counts_are_those_of_pandas() {
        let known = &reference("encoders.json")["rare"];
        let texts = cells(&known["texts"], Kind::Category);
        let made =
            |argument: &str| through(argument, &[("x", Kind::Category, texts.clone())]).remove("x").expect("made");
        assert_eq!(made("count_encode: x"), cells(&known["counts"], Kind::Int));
        assert_eq!(made("count_encode: {columns: x, share: true}"), cells(&known["shares"], Kind::Float));
    }

    #[test]
    fn what_no_train_row_has_counts_nothing() {
        let learned = table_of(&[("x", Kind::Int, [1, 1, 2].map(Value::Int).to_vec())]);
        let op = op("count_encode: [x]", &learned.shape);
        let fitted = op.fit(&learned, &CX).expect("fitted");
        let asked = table_of(&[("x", Kind::Int, vec![Value::Int(1), Value::Int(9), Value::Null])]);
        assert_eq!(applied(op.as_ref(), &fitted, asked)["x"], [2, 0, 0].map(Value::Int));
        assert!(through("count_encode: x", &[("x", Kind::Str, Vec::new())])["x"].is_empty());
        let shape = Shape::of([("t", Kind::Text)]);
        assert_eq!(faults("count_encode: t", &shape), ["`t` is text: it has no categories"]);
    }

    #[test]
    fn a_hundred_thousand_categories_are_no_matter() {
        let texts: Vec<Value> = (0..100_000).map(|row| Value::str(format!("c{row}"))).collect();
        let table = table_of(&[("x", Kind::Category, texts)]);
        let op = op("count_encode: x", &table.shape);
        let fitted = op.fit(&table, &CX).expect("fitted");
        let after = op.table(&fitted, table, &CX).expect("done");
        let counts = after.training().column("x").expect("made").i64().expect("ints").iter().flatten().sum::<i64>();
        assert_eq!(counts, 100_000);
    }
}
