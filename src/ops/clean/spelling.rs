//! `trim`, `lower` and `upper`: one function on whole columns of text.

use std::marker::PhantomData;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::data::{Selector, Shape, Table};
use crate::expr::{Expr, Scope};
use crate::ops::{FitContext, Op, Page, Serving, selected};
use crate::recipe::RowStep;
use crate::source::Fault;

/// The argument: the columns.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The columns of text.
    columns: Selector,
}

/// What is done to a text: an op, and a function of the same name.
pub trait Way: Send + Sync + 'static {
    /// Both names.
    const NAME: &'static str;
    /// The op's page.
    const PAGE: Page;
}

/// `trim`.
pub struct Trimmed;

impl Way for Trimmed {
    const NAME: &'static str = "trim";
    const PAGE: Page = Page {
        summary: "Takes blanks away at both ends of texts. A text of blanks becomes an empty one, not a missing one.",
        learns: "",
        serving: Serving::Same,
        example: "trim: [kind, island]",
    };
}

/// `lower`.
pub struct Lowered;

impl Way for Lowered {
    const NAME: &'static str = "lower";
    const PAGE: Page = Page {
        summary: "Puts texts in lower case, by Unicode.",
        learns: "",
        serving: Serving::Same,
        example: "lower: [kind, island]",
    };
}

/// `upper`.
pub struct Uppered;

impl Way for Uppered {
    const NAME: &'static str = "upper";
    const PAGE: Page = Page {
        summary: "Puts texts in upper case, by Unicode.",
        learns: "",
        serving: Serving::Same,
        example: "upper: [kind, island]",
    };
}

/// The checked form.
#[derive(Serialize)]
pub struct Spelling<W> {
    columns: Selector,
    #[serde(skip)]
    way: PhantomData<W>,
}

/// Blanks at the ends taken away.
pub type Trim = Spelling<Trimmed>;
/// In lower case.
pub type Lower = Spelling<Lowered>;
/// In upper case.
pub type Upper = Spelling<Uppered>;

impl<W: Way> Op for Spelling<W> {
    const NAME: &'static str = W::NAME;
    const VERSION: u32 = 1;
    const PAGE: Page = W::PAGE;
    const SHORTHAND: Option<&'static str> = Some("columns");
    type Params = Params;
    type Fitted = ();

    fn check(params: Params, _: &Scope) -> Result<Self, Vec<Fault>> {
        Ok(Self { columns: params.columns, way: PhantomData })
    }

    fn shape(&self, input: &Shape, _: Option<&()>, faults: &mut Vec<Fault>) -> Shape {
        for column in selected(&self.columns, input, faults) {
            if let Some(kind) = input.kind(&column).filter(|kind| !kind.is_string()) {
                let fault = Fault::new("wrong-type", format!("`{column}` is {kind}, and has no letters"));
                let fault = fault.help("name columns of text, or `categorical`");
                faults.push(self.columns.blame(&column, fault).within("columns"));
            }
        }
        input.clone()
    }

    fn placeholder(&self, _: &Shape) {}

    fn fit(&self, _: &Table, _: &FitContext) -> Result<(), Fault> {
        Ok(())
    }

    fn lower(&self, (): &(), input: &Shape) -> Result<Vec<RowStep>, Fault> {
        let columns = self.columns.resolve(input)?;
        let sets = columns.into_iter().map(|column| {
            let text = Expr::column(&column, input.expect(&column)?);
            Ok((column, Expr::call(W::NAME, vec![text])))
        });
        Ok(vec![RowStep::set(sets.collect::<Result<_, Fault>>()?)])
    }
}

#[cfg(test)]
mod tests {
    use crate::ops::held;

    #[test]
    fn values_are_those_of_pandas() {
        for op in ["trim", "lower", "upper"] {
            held::against(op, op, "[city, note]");
        }
        let told = held::mistakes("lower", "all");
        assert!(told.contains(&"columns: `count` is int, and has no letters".to_owned()), "{told:?}");
    }
}
