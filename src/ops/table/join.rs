//! `join`: brings in columns of another table.

use std::collections::BTreeSet;

use polars::prelude::{DataFrame, JoinArgs, JoinType, MaintainOrderJoin};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::pairs::Pairs;
use crate::data::{Cells, Kind, Shape, Table, Value, row_keys, span, unexpected, value_at};
use crate::expr::Scope;
use crate::ops::{Entry, FitContext, Op, Page, Reference, Serving, taken};
use crate::recipe::{AsOf, Looked, Lookup, RowStep, apply};
use crate::source::{Fault, Node, Route, suggest};

/// What happens to rows that the other table has nothing for.
#[derive(Clone, Copy, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum How {
    /// They stay, without values.
    #[default]
    Left,
    /// They go.
    Inner,
}

/// How a request gets the columns.
#[derive(Clone, Copy, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Serve {
    /// The other table travels along with the model.
    Sealed,
    /// The request brings them.
    Request,
}

/// The argument of `join`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The other table: a source or a step.
    with: String,
    /// The columns whose values must be equal: a name, a list, or `{here: there}`.
    on: Option<Pairs>,
    /// Of the rows there that aren't later, the latest: a column of time, or `{here: there}`.
    asof: Option<Pairs>,
    /// How much older such a row may be: `7d`, `12h`.
    within: Option<String>,
    /// What happens to rows that the other table has nothing for.
    #[serde(default)]
    how: How,
    /// The columns to bring: names, or `{there: here}`; without it all but the keys.
    columns: Option<Pairs>,
    /// How a request gets the columns. A key of time has to say it.
    serve: Option<Serve>,
    /// Whether several rows there may meet one here, which then stands several times.
    #[serde(default)]
    many: bool,
}

/// The checked form.
#[derive(Serialize)]
pub struct Join {
    /// Its content counts in keys, not its name.
    #[serde(skip)]
    with: String,
    on: Vec<(String, String)>,
    asof: Option<(String, String)>,
    within: Option<i64>,
    how: How,
    columns: Option<Vec<(String, String)>>,
    serve: Option<Serve>,
    many: bool,
    /// What the other table looks like, where that is known before it is read.
    #[serde(skip)]
    right: Option<Shape>,
}

/// What a join knows of the other table.
#[derive(Clone, Serialize, Deserialize)]
pub struct Joined {
    /// The columns that come: there, here, and their type.
    columns: Vec<(String, String, Kind)>,
    /// The other table, if it travels along.
    lookup: Option<Lookup>,
}

impl Op for Join {
    const NAME: &'static str = "join";
    const VERSION: u32 = 1;
    const PAGE: Page = Page {
        summary: "Brings in columns of another table, whose rows must be unique on the key, unless `many` is said. A key without a value meets nothing. With `asof` a row meets the latest row there that isn't later. With `serve: sealed`, which is meant unless it is said, the other table travels along with the model; with `request` a request brings the columns itself; after `many` a request begins here.",
        learns: "",
        serving: Serving::AsSaid,
        example: "join: {with: islands, on: island, columns: {area: island_area, rain: island_rain}}",
    };
    type Params = Params;
    type Fitted = Joined;

    fn references(argument: &Node) -> Vec<Reference> {
        let with = argument.get("with").and_then(Node::as_str);
        with.map(|name| (name.to_owned(), Route::of(["with"]))).into_iter().collect()
    }

    fn check(params: Params, _: &Scope) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        let on = params.on.map(Pairs::into_vec).unwrap_or_default();
        let mut asof = params.asof.map(Pairs::into_vec).unwrap_or_default().into_iter();
        let (time, second) = (asof.next(), asof.next());
        if let Some((second, _)) = second {
            let message = format!("rows are ordered by one column of time, and `{second}` is a second one");
            faults.push(Fault::new("bad-join", message).within("asof"));
        }
        if on.is_empty() && (time.is_none() || params.many) {
            let fault = Fault::new("bad-join", "a join needs to say by which columns rows meet");
            faults.push(fault.help("write `on: COLUMN`, or `on: {here: there}`"));
        }
        let within = params.within.as_deref().map(|text| span(text).ok_or(text));
        if let Some(Err(text)) = within {
            let message = format!("`{text}` isn't a span of time; write `28d`, `12h`, `30m` or `45s`");
            faults.push(Fault::new("bad-value", message).within("within"));
        }
        if within.is_some() && time.is_none() {
            let fault = Fault::new("bad-join", "`within` says how old a row of an `asof` may be, and there is none");
            faults.push(fault.on_key().within("within"));
        }
        if params.many && time.is_some() {
            let fault = Fault::new("bad-join", "`asof` meets one row, and `many` is for several");
            faults.push(fault.on_key().within("many"));
        }
        if params.many && params.serve.is_some() {
            let fault = Fault::new("bad-join", "after `many` a request begins here, so there is nothing to serve");
            faults.push(fault.on_key().within("serve"));
        }
        let columns = params.columns.map(Pairs::into_vec);
        let names = columns.iter().flatten().map(|(_, here)| here);
        let mut seen = BTreeSet::new();
        if let Some(twice) = names.into_iter().find(|name| !seen.insert(*name)) {
            faults.push(taken(twice).within("columns"));
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(Self {
            with: params.with,
            on,
            asof: time,
            within: within.and_then(Result::ok),
            how: params.how,
            columns,
            serve: params.serve,
            many: params.many,
            right: None,
        })
    }

    fn meet(&mut self, _: &str, shape: Option<&Shape>) {
        self.right = shape.cloned();
    }

    fn reads(&self, _: &str) -> Option<BTreeSet<String>> {
        let columns = self.columns.as_ref()?.iter().map(|(there, _)| there);
        Some(self.keys().map(|(_, there)| there).chain(columns).cloned().collect())
    }

    fn shape(&self, input: &Shape, fitted: Option<&Joined>, faults: &mut Vec<Fault>) -> Shape {
        let mut shape = input.clone();
        self.check_keys(input, faults);
        let columns = match (fitted, &self.right) {
            (Some(fitted), _) => fitted.columns.clone(),
            (None, Some(right)) => self.brought(right, faults),
            (None, None) => Vec::new(),
        };
        if let (None, Some(right)) = (&self.columns, self.right.as_ref().filter(|_| fitted.is_none())) {
            right.families.iter().for_each(|family| shape.open(&family.prefix, family.kind));
        }
        for (there, here, kind) in columns {
            if input.known(&here).is_some() {
                let fault =
                    taken(&here).help(format!("take another name: `columns: {{{there}: {}_{here}}}`", self.with));
                faults.push(if self.columns.is_some() { fault.within("columns") } else { fault });
            } else {
                shape.set(&here, kind);
            }
        }
        shape
    }

    /// What comes is of the row that the keys choose, so it tells of them.
    fn derives(&self) -> Vec<(String, BTreeSet<String>)> {
        let keys: BTreeSet<String> = self.keys().map(|(here, _)| here.clone()).collect();
        let known = self.right.as_ref().map(|right| self.brought(right, &mut Vec::new())).unwrap_or_default();
        let named = self.columns.iter().flatten().map(|(_, here)| here.clone());
        let names: BTreeSet<String> = known.into_iter().map(|(_, here, _)| here).chain(named).collect();
        names.into_iter().map(|name| (name, keys.clone())).collect()
    }

    fn entry(&self) -> Entry {
        match (self.many, self.is_sealed()) {
            (true, _) => Entry::All,
            (_, true) => Entry::Nothing,
            (_, false) => Entry::Columns,
        }
    }

    fn placeholder(&self, _: &Shape) -> Joined {
        let columns = self.right.as_ref().map(|right| self.brought(right, &mut Vec::new())).unwrap_or_default();
        let nothing = |(_, here): &(String, String)| (here.clone(), Cells::new(Kind::Str, []));
        let (on, keys) = self.on.iter().map(nothing).unzip();
        let lookup = self.lookup_of(
            on,
            keys,
            self.asof.as_ref().map(|_| Cells::new(Kind::Date, [])),
            |_, kind| Cells::new(kind, []),
            &columns,
        );
        let sealed = self.is_sealed().then_some(lookup).and_then(Result::ok);
        Joined { columns, lookup: sealed }
    }

    fn fit(&self, table: &Table, cx: &FitContext) -> Result<Joined, Fault> {
        let other = (cx.tables)(&self.with)?;
        let mut faults = Vec::new();
        let columns = self.brought(&other.shape, &mut faults);
        self.check_kinds(&table.shape, &other.shape, &mut faults);
        if let Some(fault) = faults.into_iter().next() {
            return Err(fault);
        }
        let lookup = match self.is_sealed() {
            true => Some(self.lookup(&other, &columns)?),
            false => None,
        };
        Ok(Joined { columns, lookup })
    }

    fn lower(&self, fitted: &Joined, input: &Shape) -> Result<Vec<RowStep>, Fault> {
        if self.many {
            let after = self.shape(input, Some(fitted), &mut Vec::new());
            return Ok(vec![RowStep::begin(after.names().map(str::to_owned).collect())]);
        }
        Ok(match &fitted.lookup {
            Some(lookup) => vec![RowStep::Lookup(lookup.clone())],
            None => vec![RowStep::ask(fitted.columns.iter().map(|(_, here, _)| here.clone()).collect())],
        })
    }

    fn table(&self, fitted: &Joined, table: Table, cx: &FitContext) -> Result<Table, Fault> {
        let shape = self.shape(&table.shape, Some(fitted), &mut Vec::new());
        if self.many {
            let other = (cx.tables)(&self.with)?;
            let joined = table.map(|_, frame| self.multiplied(frame, other.training(), fitted))?;
            return joined.with_shape(shape).renumbered();
        }
        let lookup = match &fitted.lookup {
            Some(lookup) => lookup.clone(),
            None => self.lookup(&(cx.tables)(&self.with)?, &fitted.columns)?,
        };
        let steps = [RowStep::Lookup(lookup)];
        Ok(table.map(|_, frame| Ok(apply(&steps, frame)?.frame))?.with_shape(shape))
    }
}

impl Join {
    fn keys(&self) -> impl Iterator<Item = &(String, String)> {
        self.on.iter().chain(&self.asof)
    }

    fn is_sealed(&self) -> bool {
        !self.many && self.serve != Some(Serve::Request)
    }

    /// The columns that come: there, here, and their type.
    fn brought(&self, right: &Shape, faults: &mut Vec<Fault>) -> Vec<(String, String, Kind)> {
        let Some(columns) = &self.columns else {
            let keys: BTreeSet<&str> = self.keys().map(|(_, there)| there.as_str()).collect();
            let others = right.fields.iter().filter(|field| !keys.contains(field.name.as_str()));
            return others.map(|field| (field.name.clone(), field.name.clone(), field.kind)).collect();
        };
        let mut found = Vec::new();
        for (there, here) in columns {
            match self.theirs(right, there) {
                Ok(kind) => found.push((there.clone(), here.clone(), kind)),
                Err(fault) => faults.push(fault.within("columns")),
            }
        }
        found
    }

    /// The type of a column there.
    fn theirs(&self, right: &Shape, there: &str) -> Result<Kind, Fault> {
        right.kind(there).ok_or_else(|| {
            Fault::new("unknown-column", format!("there is no column `{there}` in `{}`", self.with))
                .maybe_help(suggest(there, right.names()))
        })
    }

    /// Mistakes in the keys.
    fn check_keys(&self, input: &Shape, faults: &mut Vec<Fault>) {
        for (here, _) in &self.on {
            faults.extend(input.expect(here).err().map(|fault| fault.within("on")));
        }
        if let Some((here, _)) = &self.asof {
            faults.extend(input.expect(here).err().map(|fault| fault.within("asof")));
        }
        if let Some(right) = &self.right {
            self.check_kinds(input, right, faults);
        }
        let temporal = self.keys().find(|(here, _)| input.kind(here).is_some_and(Kind::is_temporal));
        if let (Some((here, _)), None, false) = (temporal, self.serve, self.many) {
            let message = format!("`{here}` is a time: a model meets times that `{}` doesn't have yet", self.with);
            let help =
                "say `serve: request` if requests bring these columns, or `serve: sealed` if what is known now will do";
            faults.push(Fault::new("bad-join", message).help(help));
        }
    }

    fn check_kinds(&self, input: &Shape, right: &Shape, faults: &mut Vec<Fault>) {
        let keys = self.on.iter().map(|pair| ("on", pair)).chain(self.asof.iter().map(|pair| ("asof", pair)));
        for (field, (here, there)) in keys {
            let theirs = match self.theirs(right, there) {
                Ok(kind) => kind,
                Err(fault) => {
                    faults.push(fault.within(field));
                    continue;
                }
            };
            let Some(ours) = input.kind(here) else { continue };
            if ours != theirs && !(ours.is_string() && theirs.is_string()) {
                let message = format!("`{here}` is {ours} here and `{there}` is {theirs} in `{}`", self.with);
                let fault = Fault::new("wrong-type", message);
                faults.push(fault.help("cast one of the two, so that they can be equal").within(field));
            } else if ours == Kind::Float {
                let message = format!("`{here}` is float: rows don't meet by numbers with fractions");
                faults.push(Fault::new("wrong-type", message).help("cast both to int or str").within(field));
            } else if field == "asof" && !ours.is_temporal() {
                let message = format!("`{here}` is {ours}: it has no order in time");
                faults.push(Fault::new("wrong-type", message).help("cast it to date or datetime first").within(field));
            }
        }
    }

    /// The other table as it travels along, without the rows whose key misses a value.
    fn lookup(&self, other: &Table, columns: &[(String, String, Kind)]) -> Result<Lookup, Fault> {
        let frame = other.training();
        let keys: Vec<String> = self.keys().map(|(_, there)| there.clone()).collect();
        let known = |row: &usize| {
            keys.iter().all(|name| frame.column(name).is_ok_and(|column| !value_at(column, *row).is_null()))
        };
        let rows: Vec<usize> = (0..frame.height()).filter(known).collect();
        self.unique(frame, &keys, &rows)?;
        let cells = |name: &str, kind: Kind| {
            let column = frame.column(name).map_err(unexpected)?;
            Ok::<_, Fault>(Cells::new(kind, rows.iter().map(|row| value_at(column, *row))))
        };
        let key = |there: &str| cells(there, self.theirs(&other.shape, there)?);
        let mut on = Vec::new();
        let mut key_cells = Vec::new();
        for (here, there) in &self.on {
            on.push(here.clone());
            key_cells.push(key(there)?);
        }
        let times = self.asof.as_ref().map(|(_, there)| key(there)).transpose()?;
        let mut brought = Vec::new();
        for (there, _, kind) in columns {
            brought.push(cells(there, *kind)?);
        }
        let mut brought = brought.into_iter();
        self.lookup_of(on, key_cells, times, |_, kind| brought.next().unwrap_or_else(|| Cells::new(kind, [])), columns)
            .map_err(|why| Fault::new("bad-join", why))
    }

    fn lookup_of(
        &self,
        on: Vec<String>,
        keys: Vec<Cells>,
        times: Option<Cells>,
        mut cells: impl FnMut(&str, Kind) -> Cells,
        columns: &[(String, String, Kind)],
    ) -> Result<Lookup, String> {
        let asof = self.asof.as_ref().zip(times).map(|((here, _), times)| {
            // Days are counted in days.
            let unit = if times.kind() == Kind::Date { 86_400_000_000 } else { 1 };
            AsOf { on: here.clone(), within: self.within.map(|span| span / unit), times }
        });
        let looked = columns.iter().map(|(there, here, kind)| Looked {
            name: here.clone(),
            cells: cells(there, *kind),
            otherwise: Value::Null,
        });
        let lookup = Lookup::new(on, keys, asof, looked.collect())?;
        Ok(match self.how {
            How::Left => lookup,
            How::Inner => lookup.or_refuse(format!("`{}` has nothing for it", self.with)),
        })
    }

    /// No two rows may have one key.
    fn unique(&self, frame: &DataFrame, keys: &[String], rows: &[usize]) -> Result<(), Fault> {
        let spelled = row_keys(frame, keys)?;
        let mut seen = std::collections::HashMap::new();
        for row in rows {
            if let Some(before) = seen.insert(&spelled[*row], *row) {
                let values: Vec<String> = keys
                    .iter()
                    .filter_map(|name| Some(format!("`{name}` {}", value_at(frame.column(name).ok()?, *row))))
                    .collect();
                let message = format!(
                    "`{}` has several rows for {}: rows {} and {}",
                    self.with,
                    values.join(", "),
                    before + 1,
                    row + 1
                );
                let help = "keep one of them with `drop_duplicates` in a step before, or say `many: true`";
                return Err(Fault::new("not-unique", message).help(help).within("with"));
            }
        }
        Ok(())
    }

    /// Each row once for each row there that it meets.
    fn multiplied(&self, frame: DataFrame, other: &DataFrame, fitted: &Joined) -> Result<DataFrame, Fault> {
        let (here, there): (Vec<&str>, Vec<&str>) =
            self.on.iter().map(|(here, there)| (here.as_str(), there.as_str())).unzip();
        let brought = fitted.columns.iter().map(|(there, here, _)| {
            let column = other.column(there).map_err(unexpected)?;
            Ok::<_, Fault>(column.clone().with_name(here.as_str().into()))
        });
        let mut columns = Vec::new();
        for (nth, name) in there.iter().enumerate() {
            let key = other.column(name).map_err(unexpected)?;
            columns.push(key.clone().with_name(format!("__key{nth}").into()));
        }
        for column in brought {
            columns.push(column?);
        }
        let right = DataFrame::new(other.height(), columns).map_err(unexpected)?;
        let keys: Vec<String> = (0..there.len()).map(|nth| format!("__key{nth}")).collect();
        let how = if self.how == How::Inner { JoinType::Inner } else { JoinType::Left };
        let args = JoinArgs { maintain_order: MaintainOrderJoin::LeftRight, ..JoinArgs::new(how) };
        use polars::prelude::DataFrameJoinOps;
        let joined = frame.join(&right, here, keys.iter().map(String::as_str), args, None).map_err(unexpected)?;
        Ok(joined.drop_many(keys))
    }
}
