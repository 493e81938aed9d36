//! One file an op. An op that works on rows is not code that runs but a value that lowers to row steps.

mod catalogue;
mod clean;
mod erased;
mod form;
#[cfg(test)]
mod held;
mod numbers;
mod plain;
mod table;
#[cfg(test)]
mod testing;
mod transform;

use std::collections::BTreeSet;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::data::{ColumnMap, Kind, Part, Selector, Shape, Table};
use crate::expr::Scope;
use crate::recipe::{RowStep, apply};
use crate::source::{Fault, Node, Route};

pub use catalogue::{catalogue, find};
pub use erased::{CheckedOp, OpEntry, ReadOp};

/// What an op does to a request, as the reference pages say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Serving {
    /// The same as to a table's row.
    Same,
    /// It refuses a record that a table would drop.
    Refuses,
    /// Nothing.
    Nothing,
    /// As its argument says: what it brings travels along, or is asked for.
    AsSaid,
    /// Nothing: a request begins after it.
    Begins,
}

impl fmt::Display for Serving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Serving::Same => "same",
            Serving::Refuses => "refuses the row",
            Serving::Nothing => "nothing",
            Serving::AsSaid => "as its argument says",
            Serving::Begins => "a request begins after it",
        })
    }
}

/// What of an op's result a request brings itself, because only a whole table could make it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Nothing.
    Nothing,
    /// The columns that it adds.
    Columns,
    /// All: a request begins after it, and its rows aren't those of the table before.
    All,
}

/// Which rows an op works on, said beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Rows {
    /// The train rows only: nothing happens to other rows, nor when serving.
    Train,
    /// All rows, and requests.
    All,
}

/// What happens to a category that the training rows didn't have, or that an order leaves out.
#[derive(Clone, Copy, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Unknown {
    /// It counts as none.
    #[default]
    Ignore,
    /// The row is dropped, the request refused.
    Refuse,
}

/// An op's page in the reference.
pub struct Page {
    /// One sentence.
    pub summary: &'static str,
    /// What it learns from the train rows, or `""`.
    pub learns: &'static str,
    /// What it does to a request.
    pub serving: Serving,
    /// A pipeline's `ops` entry.
    pub example: &'static str,
}

/// The value that stands for all those that only the data will tell.
pub const MEMBER: &str = "…";

/// What an op may ask for while it learns or works on a table.
pub struct FitContext<'a> {
    /// The column to predict, when the pipeline has one.
    pub target: Option<&'a str>,
    /// The pipeline's seed.
    pub seed: u64,
    /// Which rows the op works on, when the file says so.
    pub rows: Option<Rows>,
    /// Another table, by the name that the op's argument gives it.
    pub tables: &'a dyn Fn(&str) -> Result<Table, Fault>,
}

impl<'a> FitContext<'a> {
    /// That of an op which knows no table but its own.
    pub fn alone(target: Option<&'a str>, seed: u64, rows: Option<Rows>) -> Self {
        Self { target, seed, rows, tables: &no_tables }
    }
}

/// For ops that know no table but their own.
pub fn no_tables(name: &str) -> Result<Table, Fault> {
    Err(Fault::new("unknown-step", format!("there is no table `{name}` here")))
}

/// Another table that an argument names: the name, and where it stands below the argument.
pub type Reference = (String, Route);

/// What the author of an op writes. `Self` is the checked form; its serialization is its canonical form, and so its part of the key.
pub trait Op: Serialize + Send + Sync + Sized + 'static {
    /// Its name in the language.
    const NAME: &'static str;
    /// Raised when the bytes it makes may change.
    const VERSION: u32;
    /// Its page in the reference.
    const PAGE: Page;
    /// The field that an argument which isn't a map of fields stands for: `columns` lets `drop: [x]` mean `drop: {columns: [x]}`.
    const SHORTHAND: Option<&'static str> = None;
    /// Whether that field may be a map from columns. An argument is then a map of fields only if it has that field.
    const SHORTHAND_MAPS: bool = false;
    /// Whether the pipeline's seed counts in its key, whatever the argument.
    const CHANCE: bool = false;
    /// Whether it may drop rows, so that `rows: train` makes sense.
    const DROPS_ROWS: bool = false;
    /// Whether it is the op that marks rows as train, validation or test.
    const SPLITS: bool = false;
    /// The argument, as it is written.
    type Params: DeserializeOwned + JsonSchema;
    /// What it learns: `()` when nothing.
    type Fitted: Serialize + DeserializeOwned + Send + Sync;

    /// The other tables that an argument names, told before it is checked.
    fn references(argument: &Node) -> Vec<Reference> {
        let _ = argument;
        Vec::new()
    }

    /// The checked form, or every mistake in the argument. Pure.
    fn check(params: Self::Params, scope: &Scope) -> Result<Self, Vec<Fault>>;

    /// Learns what another table looks like that its argument names; `None` if its columns aren't known.
    fn meet(&mut self, table: &str, shape: Option<&Shape>) {
        let _ = (table, shape);
    }

    /// The columns that it reads of another table; `None` if all of them count.
    fn reads(&self, table: &str) -> Option<BTreeSet<String>> {
        let _ = table;
        None
    }

    /// The columns after it. Mistakes go to `faults`, and the answer is then the best guess, so that later ops can be checked too.
    /// `fitted` closes the open families that only the data could tell.
    fn shape(&self, input: &Shape, fitted: Option<&Self::Fitted>, faults: &mut Vec<Fault>) -> Shape;

    /// Each column that it computes, with those it is computed from.
    fn derives(&self) -> Vec<(String, BTreeSet<String>)> {
        Vec::new()
    }

    /// Whether rows of that part may come out of it; only a split makes parts.
    fn makes(&self, part: Part) -> bool {
        let _ = part;
        false
    }

    /// What of its result a request brings itself; its row steps ask for that then.
    fn entry(&self) -> Entry {
        Entry::Nothing
    }

    /// Whether, with this argument, it learns anything.
    fn learns(&self) -> bool {
        false
    }

    /// Whether, with this argument, the pipeline's seed counts in its key.
    fn uses_chance(&self) -> bool {
        Self::CHANCE
    }

    /// Whether what it learns depends on the target.
    fn needs_target(&self) -> bool {
        false
    }

    /// Whether it repeats train rows, so that no split may come after it.
    fn repeats_rows(&self) -> bool {
        false
    }

    /// Whether it does anything to a request, given which rows it was said to work on.
    fn serves(&self, rows: Option<Rows>) -> bool {
        rows != Some(Rows::Train)
    }

    /// Something in place of what it will learn, good enough to tell which columns it reads and makes. An open family is
    /// stood for by the one member that [`MEMBER`] names.
    fn placeholder(&self, input: &Shape) -> Self::Fitted;

    /// Learns from the training rows of `table`: its train part, or all rows before a split.
    fn fit(&self, table: &Table, cx: &FitContext) -> Result<Self::Fitted, Fault>;

    /// What it does to a row. Empty for an op that does nothing when serving.
    fn lower(&self, fitted: &Self::Fitted, input: &Shape) -> Result<Vec<RowStep>, Fault>;

    /// What it does to a table: its row steps, unless it says otherwise.
    fn table(&self, fitted: &Self::Fitted, table: Table, cx: &FitContext) -> Result<Table, Fault> {
        apply_to_table(self, fitted, table, cx)
    }
}

/// Runs an op's row steps on the rows that it works on.
fn apply_to_table<O: Op>(op: &O, fitted: &O::Fitted, table: Table, cx: &FitContext) -> Result<Table, Fault> {
    let steps = op.lower(fitted, &table.shape)?;
    let shape = op.shape(&table.shape, Some(fitted), &mut Vec::new());
    let table = table.map(|part, frame| {
        if cx.rows == Some(Rows::Train) && !part.trains() {
            return Ok(frame);
        }
        Ok(apply(&steps, frame)?.frame)
    })?;
    Ok(table.with_shape(shape))
}

/// What a selector picks; its mistakes go to `faults`.
fn selected(columns: &Selector, input: &Shape, faults: &mut Vec<Fault>) -> Vec<String> {
    columns.select(input).unwrap_or_else(|found| {
        faults.extend(found.into_iter().map(|fault| fault.within("columns")));
        Vec::new()
    })
}

/// What is said for each column; mistakes go to `faults`.
fn resolved<'a, T>(columns: &'a ColumnMap<T>, input: &Shape, faults: &mut Vec<Fault>) -> Vec<(String, &'a T)> {
    columns.resolve(input).unwrap_or_else(|found| {
        faults.extend(found);
        Vec::new()
    })
}

/// The fault of a column that isn't of numbers. `are` ends the sentence "only numbers …".
fn not_numbers(column: &str, kind: Kind, are: &str) -> Fault {
    Fault::new("wrong-type", format!("`{column}` is {kind}: only numbers {are}"))
}

/// The fault of a column that nothing can be learned of.
fn no_value(column: &str) -> Fault {
    Fault::new("no-value", format!("`{column}` has no value in any training row"))
        .help("drop the column, or fill it first")
}

/// The fault of a new column whose name is taken.
fn taken(name: &str) -> Fault {
    Fault::new("duplicate-column", format!("there is a column `{name}` already"))
        .help("take another name, or drop the column before")
}

/// The picked columns of a type whose values are categories; others, and wrong names, go to `faults`.
fn categories(selector: &Selector, input: &Shape, faults: &mut Vec<Fault>) -> Vec<String> {
    let columns = selected(selector, input, faults);
    for column in &columns {
        let fault = input.known(column).and_then(|kind| no_categories(column, kind));
        faults.extend(fault.map(|fault| selector.blame(column, fault).within("columns")));
    }
    columns
}

/// The fault of a column whose values aren't categories, if they aren't.
fn no_categories(column: &str, kind: Kind) -> Option<Fault> {
    let help = match kind {
        Kind::Text => "`text` makes columns of words",
        Kind::Float => "`bin` makes categories of numbers",
        Kind::Datetime => "`date_parts` makes days, weekdays or hours of moments",
        Kind::Duration => "make a number of it first, and `bin` categories of that",
        _ => return None,
    };
    Some(Fault::new("wrong-type", format!("`{column}` is {kind}: it has no categories")).help(help))
}

/// Where only one mistake can be told, the first. By then `check` has shown them all.
fn first(faults: Vec<Fault>) -> Fault {
    faults.into_iter().next().expect("an error has a fault")
}
