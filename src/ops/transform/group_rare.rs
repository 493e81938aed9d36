//! `group_rare`: one category for all that are rare.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::data::{ColumnMap, Shape, Table, Value, stats};
use crate::expr::{Expr, Scope};
use crate::ops::{FitContext, Op, Page, Serving, first};
use crate::recipe::RowStep;
use crate::source::Fault;

/// Which categories of a column are rare: those that break any of the rules.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rare {
    /// A category that fewer of the train rows with a value have than this share is rare.
    #[serde(skip_serializing_if = "Option::is_none")]
    min_share: Option<f64>,
    /// A category that fewer train rows have is rare.
    #[serde(skip_serializing_if = "Option::is_none")]
    min_count: Option<usize>,
    /// All but so many of the most frequent categories are rare; of equals the first in order stays.
    #[serde(skip_serializing_if = "Option::is_none")]
    max: Option<usize>,
    /// The category that stands for all rare ones.
    #[serde(rename = "as", default = "other")]
    name: String,
}

fn other() -> String {
    "other".to_owned()
}

/// The argument of `group_rare`: what is rare, by column.
#[derive(Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Params(ColumnMap<Rare>);

/// The checked form.
#[derive(Serialize)]
pub struct GroupRare {
    columns: ColumnMap<Rare>,
}

impl Op for GroupRare {
    const NAME: &'static str = "group_rare";
    const VERSION: u32 = 1;
    const PAGE: Page = Page {
        summary: "Puts one category in the place of all that are rare (`min_share`, `min_count`, `max`), and of those that no train row has. A missing value stays missing.",
        learns: "which categories stay",
        serving: Serving::Same,
        example: "group_rare: {kind: {min_share: 0.01, as: other}}",
    };
    type Params = Params;
    /// The categories that stay, by column: the most frequent first.
    type Fitted = BTreeMap<String, Vec<Value>>;

    fn check(params: Params, _: &Scope) -> Result<Self, Vec<Fault>> {
        let faults: Vec<Fault> =
            params.0.iter().filter_map(|(key, rare)| rare.fault().map(|fault| fault.within(key))).collect();
        if faults.is_empty() { Ok(Self { columns: params.0 }) } else { Err(faults) }
    }

    fn shape(&self, input: &Shape, _: Option<&Self::Fitted>, faults: &mut Vec<Fault>) -> Shape {
        match self.columns.resolve(input) {
            Ok(resolved) => {
                for (column, _) in resolved {
                    if let Some(kind) = input.kind(&column).filter(|kind| !kind.is_string()) {
                        let message = format!("`{column}` is {kind}: only texts have rare categories");
                        let fault = Fault::new("wrong-type", message).help("`cast` it to category before");
                        faults.push(fault.within(self.columns.key_of(&column, input)));
                    }
                }
            }
            Err(found) => faults.extend(found),
        }
        input.clone()
    }

    fn learns(&self) -> bool {
        true
    }

    fn placeholder(&self, input: &Shape) -> Self::Fitted {
        let columns = self.columns.resolve(input).unwrap_or_default().into_iter();
        columns.map(|(column, _)| (column, Vec::new())).collect()
    }

    fn fit(&self, table: &Table, _: &FitContext) -> Result<Self::Fitted, Fault> {
        let resolved = self.columns.resolve(&table.shape).map_err(first)?;
        let stay = |(column, rare): (String, &Rare)| {
            let counts = stats::value_counts(table.training_column(&column)?);
            Ok((column, rare.others(counts)))
        };
        resolved.into_iter().map(stay).collect()
    }

    fn lower(&self, fitted: &Self::Fitted, input: &Shape) -> Result<Vec<RowStep>, Fault> {
        let sets = self.columns.resolve(input).map_err(first)?.into_iter().map(|(column, rare)| {
            let kind = input.expect(&column)?;
            let value = Expr::column(&column, kind);
            let stays = value.clone().is_in(fitted.get(&column).map_or(&[], Vec::as_slice));
            let cases = vec![(stays, value.clone()), (value.is_null(), Expr::null(kind))];
            Ok((column, Expr::case(cases, Some(Expr::literal(Value::str(&rare.name))))))
        });
        Ok(vec![RowStep::set(sets.collect::<Result<_, Fault>>()?)])
    }
}

impl Rare {
    fn fault(&self) -> Option<Fault> {
        if let Some(share) = self.min_share.filter(|share| !(*share > 0.0 && *share < 1.0)) {
            let message = format!("{share} isn't a share of the rows: write a number between 0 and 1");
            return Some(Fault::new("out-of-range", message).within("min_share"));
        }
        for (key, count) in [("min_count", self.min_count), ("max", self.max)] {
            if count == Some(0) {
                return Some(Fault::new("out-of-range", format!("`{key}` is at least 1, and this is 0")).within(key));
            }
        }
        let nothing = self.min_share.is_none() && self.min_count.is_none() && self.max.is_none();
        nothing.then(|| {
            Fault::new("missing-field", "nothing says which categories are rare")
                .help("write `{min_share: 0.01}`, `{min_count: 20}` or `{max: 50}`")
        })
    }

    /// The categories that aren't rare, of all with their counts, the most frequent first.
    fn others(&self, counts: Vec<(Value, usize)>) -> Vec<Value> {
        let rows: usize = counts.iter().map(|(_, count)| count).sum();
        let share = |count: usize| count as f64 / rows as f64;
        let stays =
            |count: usize| share(count) >= self.min_share.unwrap_or(0.0) && count >= self.min_count.unwrap_or(0);
        let most = self.max.unwrap_or(usize::MAX);
        counts.into_iter().take(most).filter(|(_, count)| stays(*count)).map(|(value, _)| value).collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::data::{Kind, Shape, Value};
    use crate::ops::testing::{cells, faults, mistakes, reference, through};

    #[test]
    fn what_is_rare_is_what_pandas_counts_so() {
        let known = &reference("encoders.json")["rare"];
        let texts = cells(&known["texts"], Kind::Category);
        for case in known["cases"].as_array().expect("cases") {
            let argument = case["argument"].as_str().expect("an argument");
            let made = through(&format!("group_rare: {{x: {argument}}}"), &[("x", Kind::Category, texts.clone())]);
            assert_eq!(made["x"], cells(&case["x"], Kind::Category), "{argument}");
        }
    }

    #[test]
    fn nothing_is_left_of_a_column_without_values() {
        let none = vec![Value::Null, Value::Null];
        assert_eq!(through("group_rare: {x: {min_count: 2}}", &[("x", Kind::Str, none.clone())])["x"], none);
        assert!(through("group_rare: {x: {max: 2}}", &[("x", Kind::Str, Vec::new())])["x"].is_empty());
    }

    #[test]
    fn a_rule_must_be_said_and_fit() {
        assert_eq!(mistakes("group_rare: {x: {as: rest}}"), ["nothing says which categories are rare"]);
        assert_eq!(
            mistakes("group_rare: {x: {min_share: 2}}"),
            ["2 isn't a share of the rows: write a number between 0 and 1"]
        );
        let shape = Shape::of([("x", Kind::Int)]);
        assert_eq!(faults("group_rare: {x: {max: 2}}", &shape), ["`x` is int: only texts have rare categories"]);
    }
}
