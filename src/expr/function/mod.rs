//! The catalogue of functions: what each takes, gives and does, in one entry. Operators are entries too.

mod cast;
mod conditional;
mod curve;
mod date;
mod distance;
mod instant;
mod integer;
mod letters;
mod number;
mod operator;
mod regexp;
mod text;
mod trigonometry;
mod typing;
mod zone;

use std::fmt;
use std::sync::{Arc, LazyLock};

pub(super) use cast::cast_name;
pub use typing::Mistake;
pub(super) use typing::{Gives, Takes};

use super::tree::Expr;
use crate::data::{Kind, Value};

/// Where a function stands in the documentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// Written with signs or keywords, not by name: `+`, `AND`, `CASE`.
    Operator,
    /// From one type to another.
    Cast,
    /// On numbers.
    Number,
    /// On strings.
    Text,
    /// On dates and datetimes.
    Date,
    /// Choosing between values.
    Conditional,
}

/// A kernel made ready with its constant arguments (a pattern, a set), to be called with the first.
pub(super) type Prepared = Arc<dyn Fn(&Value) -> Value + Send + Sync>;

/// Makes a kernel of the constants after the first argument, or says which of them is at fault.
pub(super) type Prepare = fn(&[Value], Kind) -> Result<Prepared, Mistake>;

/// What a function does to single values. Both backends call it.
#[derive(Clone, Copy)]
pub(super) enum Kernel {
    /// Float to float; NaN and infinity become null.
    Float1(fn(f64) -> f64),
    /// Two floats to one, likewise.
    Float2(fn(f64, f64) -> f64),
    /// Arithmetic: by type, `other` for dates and spans.
    Number2 { int: fn(i64, i64) -> Option<i64>, float: fn(f64, f64) -> f64, other: fn(&[Value], Kind) -> Value },
    /// Of the order of two values.
    Compare(fn(std::cmp::Ordering) -> bool),
    /// Anything, but null when an argument is null.
    Strict(fn(&[Value], Kind) -> Value),
    /// Anything, nulls included.
    Lenient(fn(&[Value], Kind) -> Value),
    /// With constants after the first argument. Null when that is null.
    Prepared(Prepare),
    /// Three-valued AND.
    And,
    /// Three-valued OR.
    Or,
    /// Condition, value, condition, value, …, else.
    Case,
    /// The first that isn't null.
    Coalesce,
}

/// One function of the expression language.
#[derive(Clone, Copy)]
pub struct FunctionEntry {
    /// Its name.
    pub name: &'static str,
    /// Other names for it.
    pub aliases: &'static [&'static str],
    /// `round(x[, digits])`.
    pub signature: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// An expression over constants.
    pub example: &'static str,
    /// What the example gives, as a CSV cell would show it.
    pub result: &'static str,
    /// Where it is documented.
    pub family: Family,
    pub(super) takes: &'static [Takes],
    /// How many arguments must be there.
    pub(super) least: usize,
    /// Whether the last of `takes` repeats.
    pub(super) more: bool,
    pub(super) gives: Gives,
    pub(super) kernel: Kernel,
}

impl FunctionEntry {
    /// An entry with everything that most functions share; the families fill in the rest.
    pub(super) const fn new(
        name: &'static str,
        family: Family,
        takes: &'static [Takes],
        gives: Gives,
        kernel: Kernel,
    ) -> Self {
        Self {
            name,
            aliases: &[],
            signature: "",
            summary: "",
            example: "",
            result: "",
            family,
            takes,
            least: takes.len(),
            more: false,
            gives,
            kernel,
        }
    }

    const fn doc(
        mut self,
        signature: &'static str,
        summary: &'static str,
        example: &'static str,
        result: &'static str,
    ) -> Self {
        self.signature = signature;
        self.summary = summary;
        self.example = example;
        self.result = result;
        self
    }

    const fn also(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    const fn least(mut self, least: usize) -> Self {
        self.least = least;
        self
    }

    const fn more(mut self) -> Self {
        self.more = true;
        self
    }

    /// The typed call, or why these arguments don't fit.
    pub(super) fn apply(&'static self, args: Vec<Expr>) -> Result<Expr, Mistake> {
        typing::apply(self, args)
    }
}

impl PartialEq for FunctionEntry {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl fmt::Debug for FunctionEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

static CATALOGUE: [&[FunctionEntry]; 14] = [
    operator::ENTRIES,
    cast::ENTRIES,
    number::ENTRIES,
    trigonometry::ENTRIES,
    integer::ENTRIES,
    curve::ENTRIES,
    text::ENTRIES,
    letters::ENTRIES,
    distance::ENTRIES,
    regexp::ENTRIES,
    date::ENTRIES,
    instant::ENTRIES,
    zone::ENTRIES,
    conditional::ENTRIES,
];

/// Every function that is called by name, by family: what the documentation lists.
pub fn functions() -> &'static [FunctionEntry] {
    static LISTED: LazyLock<Vec<FunctionEntry>> =
        LazyLock::new(|| entries().filter(|entry| entry.family != Family::Operator).copied().collect());
    &LISTED
}

/// Every entry, operators included.
pub(super) fn entries() -> impl Iterator<Item = &'static FunctionEntry> {
    CATALOGUE.iter().flat_map(|family| family.iter())
}

/// The entry with that name or alias.
pub(super) fn lookup(name: &str) -> Option<&'static FunctionEntry> {
    entries().find(|entry| entry.name == name || entry.aliases.contains(&name))
}

/// The names that can be called, for suggestions.
pub(super) fn callable() -> impl Iterator<Item = &'static str> {
    functions().iter().flat_map(|entry| std::iter::once(entry.name).chain(entry.aliases.iter().copied()))
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::data::Shape;
    use crate::expr::Scope;

    #[test]
    fn every_example_gives_its_result() {
        let (shape, params) = (Shape::default(), BTreeMap::new());
        let scope = Scope { shape: &shape, params: &params };
        for entry in functions() {
            let expr = Expr::parse(entry.example, &scope).unwrap_or_else(|faults| panic!("{}: {faults:?}", entry.name));
            let value = expr.compile(&|_| None).expect("a constant").eval(&[]);
            assert_eq!(value.to_string(), entry.result, "{}", entry.example);
            assert!(!entry.summary.is_empty() && entry.signature.starts_with(entry.name), "{}", entry.name);
        }
    }

    #[test]
    fn names_are_unique() {
        let mut seen = BTreeSet::new();
        for entry in entries() {
            for name in std::iter::once(&entry.name).chain(entry.aliases) {
                assert!(seen.insert(*name), "{name} twice");
            }
        }
    }
}
