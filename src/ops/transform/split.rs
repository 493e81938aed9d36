//! `split`: marks each row as train, validation or test.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, de};

use crate::data::{Amount, Amounts, Draw, Kind, Part, Shape, Table, span, split_rows};
use crate::expr::Scope;
use crate::ops::{FitContext, Op, Page, Serving};
use crate::recipe::RowStep;
use crate::source::Fault;

/// How much goes into a part: a share of the rows, or the last so many days.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Size {
    /// A share of the rows, between 0 and 1.
    Share(f64),
    /// A span of time, in microseconds.
    Span(i64),
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SizeVisitor)
    }
}

struct SizeVisitor;

impl de::Visitor<'_> for SizeVisitor {
    type Value = Size;

    fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str("a share such as 0.2, or a span of time such as `28d`")
    }

    fn visit_f64<E: de::Error>(self, share: f64) -> Result<Size, E> {
        Ok(Size::Share(share))
    }

    fn visit_i64<E: de::Error>(self, share: i64) -> Result<Size, E> {
        Ok(Size::Share(share as f64))
    }

    fn visit_u64<E: de::Error>(self, share: u64) -> Result<Size, E> {
        Ok(Size::Share(share as f64))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Size, E> {
        span(text)
            .map(Size::Span)
            .ok_or_else(|| E::custom(format!("`{text}` isn't a span of time; write `28d`, `12h`, `30m` or `45s`")))
    }
}

impl JsonSchema for Size {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Size".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"anyOf": [
            {"type": "number", "minimum": 0, "exclusiveMaximum": 1},
            {"type": "string", "pattern": "^[0-9]+[wdhms]$"}
        ]})
    }
}

/// The argument of `split`, and its checked form.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Split {
    /// How much is for the last judgement.
    #[serde(skip_serializing_if = "Option::is_none")]
    test: Option<Size>,
    /// How much is for choosing among models.
    #[serde(skip_serializing_if = "Option::is_none")]
    validation: Option<Size>,
    /// Give each part the same shares of this column's values.
    #[serde(skip_serializing_if = "Option::is_none")]
    stratify: Option<String>,
    /// The latest rows by this column are the test part, those before them the validation part.
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<String>,
    /// Rows with the same value of this column stay together.
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    /// Draw by this column's value, so that a row keeps its part as data grows.
    #[serde(skip_serializing_if = "Option::is_none")]
    hash: Option<String>,
    /// A column that says `train`, `validation` or `test`.
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<String>,
}

impl Split {
    fn named(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [
            ("stratify", &self.stratify),
            ("time", &self.time),
            ("group", &self.group),
            ("hash", &self.hash),
            ("column", &self.column),
        ]
        .into_iter()
        .filter_map(|(key, column)| Some((key, column.as_deref()?)))
    }

    fn draw(&self) -> Draw {
        let way = self.named().next().map(|(key, column)| (key, column.to_owned()));
        match way {
            Some(("stratify", column)) => Draw::Stratified(column),
            Some(("time", column)) => Draw::Time(column),
            Some(("group", column)) => Draw::Group(column),
            Some(("hash", column)) => Draw::Hash(column),
            Some((_, column)) => Draw::Named(column),
            None => Draw::Rows,
        }
    }

    fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let ways: Vec<&str> = self.named().map(|(key, _)| key).collect();
        if ways.len() > 1 {
            let message = format!("`{}` and `{}` don't go together", ways[0], ways[1]);
            faults.push(Fault::new("bad-split", message).within(ways[1]).on_key());
        }
        if self.column.is_none() && self.test.is_none() && self.validation.is_none() {
            let fault = Fault::new("bad-split", "a split needs to say how much is for testing");
            faults.push(fault.help("write `split: {test: 0.2}`"));
        }
        let mut total = 0.0;
        for (key, size) in [("test", &self.test), ("validation", &self.validation)] {
            let fault = match size {
                Some(_) if self.column.is_some() => Some("`column` says each row's part already".to_owned()),
                Some(Size::Share(share)) if !(*share > 0.0 && *share < 1.0) => {
                    Some(format!("{share} isn't a share of the rows: write a number between 0 and 1"))
                }
                Some(Size::Span(_)) if self.time.is_none() => Some("a span of time needs a `time` column".to_owned()),
                _ => None,
            };
            faults.extend(fault.map(|message| Fault::new("bad-split", message).within(key)));
            if let Some(Size::Share(share)) = size {
                total += share;
            }
        }
        if total >= 1.0 && faults.is_empty() {
            faults.push(
                Fault::new("bad-split", "nothing is left to train on")
                    .help("test and validation together must be below 1"),
            );
        }
        faults
    }
}

impl Op for Split {
    const NAME: &'static str = "split";
    const VERSION: u32 = 1;
    const PAGE: Page = Page {
        summary: "Marks each row as train, validation or test. From there on, ops learn from the train rows only.",
        learns: "",
        serving: Serving::Nothing,
        example: "split: {test: 0.25, stratify: species}",
    };
    const CHANCE: bool = true;
    const SPLITS: bool = true;
    type Params = Split;
    type Fitted = ();

    fn check(params: Split, _: &Scope) -> Result<Self, Vec<Fault>> {
        let faults = params.faults();
        if faults.is_empty() {
            return Ok(params);
        }
        Err(faults)
    }

    fn shape(&self, input: &Shape, _: Option<&()>, faults: &mut Vec<Fault>) -> Shape {
        for (key, column) in self.named() {
            let fault = match input.expect(column) {
                Err(fault) => Some(fault),
                Ok(kind) if key == "time" && !(kind.is_temporal() || kind.is_numeric()) => {
                    let message = format!("`{column}` is {kind}: it has no order in time");
                    Some(Fault::new("wrong-type", message).help("cast it to date or datetime first"))
                }
                Ok(kind) if key == "column" && !kind.is_string() => {
                    let message = format!("`{column}` is {kind}, and should say train, validation or test");
                    Some(Fault::new("wrong-type", message))
                }
                Ok(kind) if key == "stratify" && kind == Kind::Float => {
                    let message = format!("`{column}` is float: it has no shares to keep");
                    Some(Fault::new("wrong-type", message).help("stratify by a category"))
                }
                Ok(_) => None,
            };
            faults.extend(fault.map(|fault| fault.within(key)));
        }
        let mut shape = input.clone();
        if let Some(column) = &self.column {
            shape.remove(column);
        }
        shape
    }

    fn makes(&self, part: Part) -> bool {
        match part {
            Part::All => false,
            Part::Train => true,
            Part::Validation => self.validation.is_some() || self.column.is_some(),
            Part::Test => self.test.is_some() || self.column.is_some(),
        }
    }

    fn placeholder(&self, _: &Shape) {}

    fn fit(&self, _: &Table, _: &FitContext) -> Result<(), Fault> {
        Ok(())
    }

    fn lower(&self, (): &(), _: &Shape) -> Result<Vec<RowStep>, Fault> {
        Ok(Vec::new())
    }

    fn table(&self, (): &(), table: Table, cx: &FitContext) -> Result<Table, Fault> {
        let amount = |size: &Option<Size>| {
            size.as_ref().map(|size| match size {
                Size::Share(share) => Amount::Share(*share),
                Size::Span(span) => Amount::Span(*span),
            })
        };
        let amounts = Amounts { test: amount(&self.test), validation: amount(&self.validation) };
        split_rows(table, &self.draw(), &amounts, cx.seed)
    }
}
