//! `bin`: makes categories of numbers.

use std::collections::{BTreeMap, BTreeSet};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, de};

use crate::data::{ColumnMap, Kind, Shape, Table, Value, stats};
use crate::expr::{Expr, Scope};
use crate::ops::{FitContext, Op, Page, Serving, first, not_numbers, resolved, taken};
use crate::recipe::RowStep;
use crate::source::Fault;

/// How one column is cut.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Fields {
    /// The bounds of the bins, rising: n bounds make n - 1 bins. A bin has its lower bound, not its upper; the last has both.
    #[serde(skip_serializing_if = "Option::is_none")]
    edges: Option<Vec<f64>>,
    /// As many bins as this, with about as many training rows each.
    #[serde(skip_serializing_if = "Option::is_none")]
    quantiles: Option<usize>,
    /// Bins of this width, from 0 both ways.
    #[serde(skip_serializing_if = "Option::is_none")]
    width: Option<f64>,
    /// A name for each bin.
    #[serde(skip_serializing_if = "Option::is_none")]
    labels: Option<Vec<String>>,
    /// The name of the new column; without it, the column itself is cut.
    #[serde(rename = "as", skip_serializing_if = "Option::is_none")]
    into: Option<String>,
}

/// How one column is cut: a list of edges, or fields.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Cut(Fields);

impl<'de> Deserialize<'de> for Cut {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CutVisitor)
    }
}

struct CutVisitor;

impl<'de> de::Visitor<'de> for CutVisitor {
    type Value = Cut;

    fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str("a list of edges, or `{edges: […]}`, `{quantiles: 4}`, `{width: 5}`")
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, list: A) -> Result<Cut, A::Error> {
        let edges = Vec::deserialize(de::value::SeqAccessDeserializer::new(list))?;
        Ok(Cut(Fields { edges: Some(edges), ..Fields::default() }))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Cut, A::Error> {
        Fields::deserialize(de::value::MapAccessDeserializer::new(map)).map(Cut)
    }
}

impl JsonSchema for Cut {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Cut".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let fields = generator.subschema_for::<Fields>();
        json_schema!({"anyOf": [{"type": "array", "items": {"type": "number"}}, fields]})
    }
}

/// The argument of `bin`: how to cut, by column.
#[derive(Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Params(ColumnMap<Cut>);

/// The checked form.
#[derive(Serialize)]
pub struct Bin {
    columns: ColumnMap<Cut>,
}

impl Op for Bin {
    const NAME: &'static str = "bin";
    const VERSION: u32 = 1;
    const PAGE: Page = Page {
        summary: "Makes categories of numbers, by edges, quantiles or a width. A number outside of all edges, as a missing one, has no category.",
        learns: "quantiles",
        serving: Serving::Same,
        example: "bin: {age: {edges: [0, 30, 60, 120], labels: [young, middle, old], as: age_group}}",
    };
    type Params = Params;
    /// The inner bounds of quantile bins, by column.
    type Fitted = BTreeMap<String, Vec<f64>>;

    fn check(params: Params, _: &Scope) -> Result<Self, Vec<Fault>> {
        let faults: Vec<Fault> =
            params.0.iter().filter_map(|(key, cut)| cut.0.fault().map(|fault| fault.within(key))).collect();
        if faults.is_empty() {
            return Ok(Self { columns: params.0 });
        }
        Err(faults)
    }

    fn shape(&self, input: &Shape, _: Option<&Self::Fitted>, faults: &mut Vec<Fault>) -> Shape {
        let mut shape = input.clone();
        for (column, Cut(cut)) in resolved(&self.columns, input, faults) {
            let key = self.columns.key_of(&column, input);
            if let Some(kind) = input.kind(&column).filter(|kind| !kind.is_numeric()) {
                faults.push(not_numbers(&column, kind, "are cut into bins").within(key));
            }
            match &cut.into {
                Some(into) if shape.known(into).is_some() => faults.push(taken(into).within("as").within(key)),
                into => shape.set(into.as_ref().unwrap_or(&column), Kind::Category),
            }
        }
        shape
    }

    fn derives(&self) -> Vec<(String, BTreeSet<String>)> {
        let named = self.columns.iter().filter_map(|(column, cut)| Some((cut.0.into.clone()?, column)));
        named.map(|(into, column)| (into, BTreeSet::from([column.to_owned()]))).collect()
    }

    fn learns(&self) -> bool {
        self.columns.values().any(|cut| cut.0.quantiles.is_some())
    }

    fn placeholder(&self, input: &Shape) -> Self::Fitted {
        let columns = self.columns.resolve(input).unwrap_or_default().into_iter();
        columns.filter(|(_, cut)| cut.0.quantiles.is_some()).map(|(column, _)| (column, Vec::new())).collect()
    }

    fn fit(&self, table: &Table, _: &FitContext) -> Result<Self::Fitted, Fault> {
        let mut fitted = BTreeMap::new();
        for (column, Cut(cut)) in self.columns.resolve(&table.shape).map_err(first)? {
            let Some(bins) = cut.quantiles else {
                continue;
            };
            let values = table.training_column(&column)?;
            let mut bounds: Vec<f64> =
                (1..bins).filter_map(|nth| stats::quantile(values, nth as f64 / bins as f64)).collect();
            bounds.dedup();
            if cut.labels.as_ref().is_some_and(|labels| labels.len() != bounds.len() + 1) {
                let message = format!(
                    "`{column}` has so many equal values that its {bins} quantiles make {} bins",
                    bounds.len() + 1
                );
                let help = "give fewer `quantiles`, or leave the `labels` out";
                return Err(Fault::new("bad-bins", message)
                    .help(help)
                    .within(self.columns.key_of(&column, &table.shape)));
            }
            fitted.insert(column, bounds);
        }
        Ok(fitted)
    }

    fn lower(&self, fitted: &Self::Fitted, input: &Shape) -> Result<Vec<RowStep>, Fault> {
        let mut sets = Vec::new();
        for (column, Cut(cut)) in self.columns.resolve(input).map_err(first)? {
            let number = Expr::column(&column, input.expect(&column)?).cast(Kind::Float);
            let inner = fitted.get(&column);
            let value = match (&cut.edges, inner, cut.width) {
                (Some(edges), _, _) => by_edges(&number, edges, cut.labels.as_deref()),
                (_, Some(bounds), _) => by_bounds(&number, bounds, cut.labels.as_deref()),
                (_, _, Some(width)) => by_width(&number, width),
                _ => return Err(Fault::new("fitted-state", format!("`{column}` has no bins"))),
            };
            sets.push((cut.into.clone().unwrap_or(column), value));
        }
        Ok(vec![RowStep::set(sets)])
    }
}

/// `[low, high)` for each pair of edges; the last has both.
fn by_edges(number: &Expr, edges: &[f64], labels: Option<&[String]>) -> Expr {
    let last = edges.len() - 2;
    let cases = (0..=last)
        .map(|nth| {
            let (low, high) = (edges[nth], edges[nth + 1]);
            let above = number.clone().gte(Expr::literal(Value::Float(low)));
            let high_bound = Expr::literal(Value::Float(high));
            let below = if nth == last { number.clone().lte(high_bound) } else { number.clone().lt(high_bound) };
            let end = if nth == last { ']' } else { ')' };
            let label = labels.map_or_else(|| format!("[{low}, {high}{end}"), |names| names[nth].clone());
            (above.and(below), Expr::literal(Value::str(label)))
        })
        .collect();
    Expr::case(cases, None)
}

/// Open at both ends: the data to come may be beyond what the training rows had.
fn by_bounds(number: &Expr, bounds: &[f64], labels: Option<&[String]>) -> Expr {
    let label = |nth: usize| match labels {
        Some(names) => names[nth].clone(),
        None => {
            let low = nth.checked_sub(1).map_or("-inf".to_owned(), |before| bounds[before].to_string());
            let high = bounds.get(nth).map_or("inf".to_owned(), f64::to_string);
            format!("[{low}, {high})")
        }
    };
    let mut cases: Vec<(Expr, Expr)> = bounds
        .iter()
        .enumerate()
        .map(|(nth, bound)| {
            let below = number.clone().lt(Expr::literal(Value::Float(*bound)));
            (below, Expr::literal(Value::str(label(nth))))
        })
        .collect();
    cases.push((number.clone().is_null().not(), Expr::literal(Value::str(label(bounds.len())))));
    Expr::case(cases, None)
}

/// `[low, low + width)`, with `low` a multiple of the width.
fn by_width(number: &Expr, width: f64) -> Expr {
    let size = || Expr::literal(Value::Float(width));
    let nth = Expr::call("floor", vec![number.clone().div(size())]);
    let low = nth.clone().mul(size());
    let high = nth.add(Expr::literal(Value::Float(1.0))).mul(size());
    let text = |text: &str| Expr::literal(Value::str(text));
    Expr::call("concat", vec![text("["), low.cast(Kind::Str), text(", "), high.cast(Kind::Str), text(")")])
        .unless(number.clone().is_null())
}

impl Fields {
    fn fault(&self) -> Option<Fault> {
        let ways = [self.edges.is_some(), self.quantiles.is_some(), self.width.is_some()];
        if ways.into_iter().filter(|said| *said).count() != 1 {
            let fault = Fault::new("bad-bins", "say one of `edges`, `quantiles` and `width`");
            return Some(fault);
        }
        if let Some(edges) = &self.edges {
            if edges.len() < 2 {
                return Some(Fault::new("bad-bins", "it takes two edges to make a bin").within("edges"));
            }
            if edges.windows(2).any(|pair| pair[0].partial_cmp(&pair[1]) != Some(std::cmp::Ordering::Less)) {
                return Some(Fault::new("bad-bins", "edges must rise").within("edges"));
            }
        }
        if self.quantiles.is_some_and(|bins| bins < 2) {
            return Some(Fault::new("bad-bins", "it takes at least 2 quantile bins").within("quantiles"));
        }
        if self.width.is_some_and(|width| !(width > 0.0 && width.is_finite())) {
            return Some(Fault::new("bad-bins", "a width must be above 0").within("width"));
        }
        self.label_fault()
    }

    fn label_fault(&self) -> Option<Fault> {
        let labels = self.labels.as_ref()?;
        let bins = match (&self.edges, self.quantiles) {
            (Some(edges), _) => edges.len() - 1,
            (_, Some(bins)) => bins,
            _ => return Some(Fault::new("bad-bins", "bins of a width have no labels").within("labels")),
        };
        if labels.len() == bins {
            return None;
        }
        let message = format!("{} labels for {bins} bins", labels.len());
        let help = match &self.edges {
            Some(edges) => format!("{} edges make {bins} bins", edges.len()),
            None => format!("`quantiles: {bins}` makes {bins} bins"),
        };
        Some(Fault::new("bad-bins", message).help(help).within("labels"))
    }
}
