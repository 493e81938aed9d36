//! `polynomial`: products and powers of columns.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::data::{Kind, Selector, Shape, Table};
use crate::expr::{Expr, Scope};
use crate::ops::{FitContext, Op, Page, Serving, not_numbers, selected, taken};
use crate::recipe::RowStep;
use crate::source::Fault;

/// So many new columns are more than anybody meant.
const MOST: usize = 5000;

/// No power beyond this is made.
const HIGHEST: usize = 50;

/// The argument of `polynomial`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The columns; truths count as 0 and 1.
    columns: Selector,
    /// How many factors a product has at most: 2 unless said.
    #[serde(default = "two")]
    degree: usize,
    /// Only products of different columns, no powers.
    #[serde(default)]
    interactions_only: bool,
}

fn two() -> usize {
    2
}

/// The checked form.
#[derive(Serialize)]
pub struct Polynomial {
    columns: Selector,
    degree: usize,
    interactions_only: bool,
}

impl Op for Polynomial {
    const NAME: &'static str = "polynomial";
    const VERSION: u32 = 1;
    const PAGE: Page = Page {
        summary: "Adds powers and products of columns as new ones: `weight_pow_2`, `weight_x_height`, and with a degree of 3 `weight_pow_2_x_height`. The columns themselves stay.",
        learns: "",
        serving: Serving::Same,
        example: "polynomial: {columns: [weight, height], degree: 2, interactions_only: true}",
    };
    const SHORTHAND: Option<&'static str> = Some("columns");
    type Params = Params;
    type Fitted = ();

    fn check(params: Params, _: &Scope) -> Result<Self, Vec<Fault>> {
        if params.degree < 2 {
            let fault = Fault::new("out-of-range", "`degree` must be at least 2");
            return Err(vec![fault.help("a degree of 1 is the columns themselves").within("degree")]);
        }
        if params.degree > HIGHEST {
            let fault = Fault::new("out-of-range", format!("`degree` must be at most {HIGHEST}"));
            return Err(vec![fault.within("degree")]);
        }
        let Params { columns, degree, interactions_only } = params;
        Ok(Self { columns, degree, interactions_only })
    }

    fn shape(&self, input: &Shape, _: Option<&()>, faults: &mut Vec<Fault>) -> Shape {
        let mut shape = input.clone();
        let columns = selected(&self.columns, input, faults);
        for column in &columns {
            if let Some(kind) = input.kind(column).filter(|kind| !kind.is_numeric() && *kind != Kind::Bool) {
                let fault = not_numbers(column, kind, "and truths are multiplied");
                faults.push(self.columns.blame(column, fault).within("columns"));
            }
        }
        match self.terms(&columns) {
            Ok(terms) => {
                for name in terms.iter().map(|term| name(term)) {
                    if shape.known(&name).is_some() {
                        faults.push(taken(&name).within("columns"));
                    }
                    shape.set(&name, Kind::Float);
                }
            }
            Err(fault) => faults.push(fault),
        }
        shape
    }

    fn derives(&self) -> Vec<(String, BTreeSet<String>)> {
        let columns: Vec<String> = self.columns.names().map(str::to_owned).collect();
        let terms = self.terms(&columns).unwrap_or_default();
        terms.into_iter().map(|term| (name(&term), term.into_iter().map(str::to_owned).collect())).collect()
    }

    fn placeholder(&self, _: &Shape) {}

    fn fit(&self, _: &Table, _: &FitContext) -> Result<(), Fault> {
        Ok(())
    }

    fn lower(&self, (): &(), input: &Shape) -> Result<Vec<RowStep>, Fault> {
        let columns = self.columns.resolve(input)?;
        let mut sets = Vec::new();
        for term in self.terms(&columns)? {
            let factor = |column: &&str| Ok(Expr::column(column, input.expect(column)?).cast(Kind::Float));
            let factors = term.iter().map(factor).collect::<Result<Vec<Expr>, Fault>>()?;
            sets.extend(factors.into_iter().reduce(Expr::mul).map(|product| (name(&term), product)));
        }
        Ok(vec![RowStep::set(sets)])
    }
}

impl Polynomial {
    /// Each product as the columns that are its factors, in their order: those of two first, then those of three, ….
    fn terms<'a>(&self, columns: &'a [String]) -> Result<Vec<Vec<&'a str>>, Fault> {
        let mut level: Vec<Vec<usize>> = (0..columns.len()).map(|nth| vec![nth]).collect();
        let mut terms: Vec<Vec<&str>> = Vec::new();
        for _ in 2..=self.degree {
            let mut next = Vec::new();
            for term in &level {
                let last = term[term.len() - 1] + usize::from(self.interactions_only);
                for nth in last..columns.len() {
                    let longer: Vec<usize> = term.iter().copied().chain([nth]).collect();
                    terms.push(longer.iter().map(|nth| columns[*nth].as_str()).collect());
                    next.push(longer);
                    if terms.len() > MOST {
                        return Err(self.explosion(columns.len()));
                    }
                }
            }
            if next.is_empty() {
                break;
            }
            level = next;
        }
        Ok(terms)
    }

    fn explosion(&self, columns: usize) -> Fault {
        let message = format!("{columns} columns to a degree of {} make more than {MOST} new ones", self.degree);
        let help = if self.interactions_only {
            "name fewer columns, or lower the `degree`"
        } else {
            "name fewer columns, lower the `degree`, or say `interactions_only: true`"
        };
        Fault::new("too-many-columns", message).help(help)
    }
}

/// `a_pow_2_x_b` of a, a and b.
fn name(term: &[&str]) -> String {
    let runs = term.chunk_by(|a, b| a == b);
    let words = runs.map(|run| match run {
        [column] => (*column).to_owned(),
        run => format!("{}_pow_{}", run[0], run.len()),
    });
    words.collect::<Vec<_>>().join("_x_")
}

#[cfg(test)]
mod tests {
    use crate::ops::held;

    #[test]
    fn values_are_those_of_scikit_learn() {
        held::against("polynomial_2", "polynomial", "[bmi, count]");
        held::against("polynomial_3", "polynomial", "{columns: [bmi, count, proline], degree: 3}");
        let argument = "{columns: [bmi, count, proline], degree: 3, interactions_only: true}";
        held::against("interactions_3", "polynomial", argument);
    }

    #[test]
    fn an_explosion_is_refused() {
        let told = held::mistakes("polynomial", "{columns: numeric, degree: 12}");
        assert_eq!(told.len(), 1);
        assert!(told[0].contains("make more than 5000 new ones"), "{}", told[0]);
        assert!(held::mistakes("polynomial", "{columns: [city], degree: 2}")[0].contains("only numbers and truths"));
        assert!(held::mistakes("polynomial", "{columns: [bmi], degree: 1}")[0].contains("at least 2"));
    }
}
