//! How a table breaks its contract: every rule at once, and which rows are at fault.

use std::collections::{BTreeMap, HashMap};

use polars::prelude::{BooleanChunked, Column, DataFrame};
use regex::Regex;
use serde::{Deserialize, Serialize};

use super::{ColumnRule, Contract, ExtraColumns, OnViolation, Tolerance, whole};
use crate::data::{Kind, Part, Shape, Table, Value, column_of, row_keys, unexpected, value_at};
use crate::source::{Severity, list};

/// One way in which a table breaks a contract.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Violation {
    /// The column; none for a rule about rows.
    pub column: Option<String>,
    /// The rule: `nullable`, `one_of`, `min`, …, or the name of a check.
    pub rule: String,
    /// `warning` if the contract lets it pass.
    pub severity: Severity,
    /// How many rows break it.
    pub count: usize,
    /// The first of them, from 1.
    pub row: Option<usize>,
    /// In words.
    pub message: String,
}

/// What was found in a table that is worked on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Findings {
    /// How many rows there were.
    pub rows: usize,
    /// How many of them were set aside.
    pub quarantined: usize,
    /// Each rule that is broken.
    pub broken: Vec<Violation>,
    /// The newest moment of each column whose age counts, in microseconds since 1970; none if no row has one.
    pub newest: BTreeMap<String, Option<i64>>,
}

/// Whether rows meet a check, as who knows SQL has worked it out.
pub struct Held {
    /// The place of the check in the contract.
    pub check: usize,
    /// True, false or null for each row.
    pub holds: Column,
    /// The columns that it reads.
    pub reads: Vec<String>,
}

/// A table that may be worked on.
pub struct Judged {
    /// Its good rows, without the columns that the contract drops.
    pub table: Table,
    /// What there is to tell.
    pub findings: Findings,
    /// The rows that were set aside, with the row of the source that each is, from 1, and the rules that it breaks.
    pub bad: Option<DataFrame>,
}

/// The rows that break one rule.
struct Broken {
    column: Option<String>,
    rule: String,
    tolerate: Option<Tolerance>,
    rows: Vec<usize>,
    /// Of the first row.
    message: String,
}

impl Broken {
    fn note(&mut self, row: usize, message: impl FnOnce() -> String) {
        if self.rows.is_empty() {
            self.message = message();
        }
        self.rows.push(row);
    }

    fn violation(&self, rows: usize) -> Violation {
        let allowed = self.tolerate.is_some_and(|tolerate| tolerate.allows(self.rows.len(), rows));
        Violation {
            column: self.column.clone(),
            rule: self.rule.clone(),
            severity: if allowed { Severity::Warning } else { Severity::Error },
            count: self.rows.len(),
            row: self.rows.first().map(|row| row + 1),
            message: self.message.clone(),
        }
    }

    /// As it stands beside a row that was set aside.
    fn name(&self) -> String {
        self.column.as_ref().map_or(self.rule.clone(), |column| format!("{column}: {}", self.rule))
    }
}

impl Contract {
    /// Judges a table that isn't split. `held` are its checks.
    ///
    /// # Errors
    /// Every way in which the table breaks it, if it may not be worked on.
    pub fn judge(&self, table: Table, held: &[Held]) -> Result<Judged, Vec<Violation>> {
        let mut told = Vec::new();
        self.names(&table.shape, &mut told);
        let frame = table.part(Part::All).expect("what comes from outside isn't split");
        let rows = frame.height();
        let mut broken: Vec<Broken> = Vec::new();
        for (name, rule) in &self.columns {
            if let Ok(column) = frame.column(name) {
                broken.extend(rule.look(column));
            }
        }
        broken.extend(self.unique.iter().filter_map(|columns| twins(frame, columns)));
        broken.extend(held.iter().filter_map(|held| self.check(frame, held)));
        let rules: Vec<Violation> = broken.iter().map(|broken| broken.violation(rows)).collect();
        let mut marks = vec![false; rows];
        if self.on_violation == OnViolation::Quarantine {
            let hard = broken.iter().zip(&rules).filter(|(_, told)| told.severity == Severity::Error);
            hard.flat_map(|(broken, _)| &broken.rows).for_each(|row| marks[*row] = true);
        }
        let quarantined = marks.iter().filter(|mark| **mark).count();
        let structural = told.iter().any(|told| told.severity == Severity::Error);
        let hard = rules.iter().any(|told| told.severity == Severity::Error);
        told.extend(rules);
        let before = told.len();
        self.height(rows - quarantined, &mut told);
        let height = told.len() > before && self.on_violation != OnViolation::Warn;
        if structural || height || (hard && self.on_violation == OnViolation::Fail) {
            return Err(told);
        }
        if self.on_violation == OnViolation::Warn {
            told.iter_mut().for_each(|told| told.severity = Severity::Warning);
        }
        let bad = (quarantined > 0).then(|| aside(frame, &broken, &marks));
        let table = if quarantined > 0 {
            let good: Vec<bool> = marks.iter().map(|mark| !mark).collect();
            table.only_marked(&[good]).expect("there is a mark for each row")
        } else {
            table
        };
        let findings = Findings { rows, quarantined, broken: told, newest: self.newest(&table) };
        Ok(Judged { table: self.cut(table), findings, bad })
    }

    /// The newest moment of each column whose age counts, among the rows that are worked on.
    fn newest(&self, table: &Table) -> BTreeMap<String, Option<i64>> {
        let aged = self.columns.iter().filter(|(_, rule)| rule.age().is_some());
        aged.filter_map(|(name, _)| Some((name.clone(), latest(table.training().column(name).ok()?)))).collect()
    }

    /// The table without the columns that are dropped.
    fn cut(&self, table: Table) -> Table {
        if self.extra_columns != ExtraColumns::Drop {
            return table;
        }
        let mut shape = table.shape.clone();
        let extra: Vec<String> =
            table.shape.names().filter(|name| !self.columns.contains_key(*name)).map(str::to_owned).collect();
        for name in &extra {
            shape.remove(name);
        }
        let table =
            table.map(|_, frame| Ok(frame.drop_many(extra.iter().map(String::as_str)))).expect("dropping can't fail");
        table.with_shape(shape)
    }

    /// What the pipeline's columns rest on is an error whatever happens on violations.
    fn names(&self, shape: &Shape, told: &mut Vec<Violation>) {
        let mut tell = |column: &str, rule: &str, message| told.push(of_table(Some(column), rule, message));
        for (name, rule) in &self.columns {
            match shape.known(name) {
                None if rule.required => tell(name, "required", format!("there is no column `{name}`")),
                Some(kind) if kind != rule.kind => {
                    tell(name, "type", format!("`{name}` is {kind}, not {}", rule.kind));
                }
                _ => {}
            }
        }
        if self.extra_columns == ExtraColumns::Error {
            for name in shape.names().filter(|name| !self.columns.contains_key(*name)) {
                tell(name, "extra_columns", format!("the column `{name}` isn't in the contract"));
            }
        }
    }

    fn height(&self, rows: usize, told: &mut Vec<Violation>) {
        if let Some(min) = self.rows.min.filter(|min| rows < *min) {
            told.push(of_table(None, "rows.min", format!("{rows} rows, fewer than {min}")));
        }
        if let Some(max) = self.rows.max.filter(|max| rows > *max) {
            told.push(of_table(None, "rows.max", format!("{rows} rows, more than {max}")));
        }
    }

    /// The rows that don't meet a check.
    fn check(&self, frame: &DataFrame, held: &Held) -> Option<Broken> {
        let check = self.checks.get(held.check)?;
        let holds = held.holds.bool().ok()?;
        let broken = holds.iter().enumerate().filter(|(_, holds)| *holds == Some(false)).map(|(row, _)| row);
        let rows: Vec<usize> = broken.collect();
        let first = *rows.first()?;
        let cells = held.reads.iter().filter_map(|name| Some((name, frame.column(name).ok()?)));
        let cells: Vec<String> = cells.map(|(name, column)| format!("{name}: {}", value_at(column, first))).collect();
        let message = format!("`{}` isn't so: `{}` ({})", check.name, check.sql, cells.join(", "));
        Some(Broken { column: None, rule: check.name.clone(), tolerate: check.tolerate, rows, message })
    }
}

/// A violation that no row is to blame for.
fn of_table(column: Option<&str>, rule: &str, message: String) -> Violation {
    Violation {
        column: column.map(str::to_owned),
        rule: rule.to_owned(),
        severity: Severity::Error,
        count: 1,
        row: None,
        message,
    }
}

/// The rows whose values in `columns` another row before them has already. A row without a value in one of them has no twin.
fn twins(frame: &DataFrame, columns: &[String]) -> Option<Broken> {
    let keys = row_keys(frame, columns).ok()?;
    let cells: Vec<&Column> = columns.iter().filter_map(|name| frame.column(name).ok()).collect();
    let mut seen: HashMap<Vec<u8>, usize> = HashMap::with_capacity(keys.len());
    let column = match columns {
        [one] => Some(one.clone()),
        _ => None,
    };
    let mut broken =
        Broken { column, rule: "unique".to_owned(), tolerate: None, rows: Vec::new(), message: String::new() };
    for (row, key) in keys.into_iter().enumerate() {
        if cells.iter().any(|column| value_at(column, row).is_null()) {
            continue;
        }
        let first = *seen.entry(key).or_insert(row);
        if first < row {
            broken.note(row, || {
                let values: Vec<String> = cells.iter().map(|column| format!("`{}`", value_at(column, row))).collect();
                let names = list(columns.iter().map(String::as_str));
                format!("{names} {} stands in row {} already", values.join(", "), first + 1)
            });
        }
    }
    (!broken.rows.is_empty()).then_some(broken)
}

/// The newest moment of a column.
fn latest(column: &Column) -> Option<i64> {
    let moments = (0..column.len()).filter_map(|row| match value_at(column, row) {
        Value::Datetime(micros) => Some(micros),
        Value::Date(days) => i64::from(days).checked_mul(86_400_000_000),
        _ => None,
    });
    moments.max()
}

/// The bad rows, with the row of the source that each is and what it breaks.
fn aside(frame: &DataFrame, broken: &[Broken], marks: &[bool]) -> DataFrame {
    let mut reasons: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for broken in broken {
        for row in broken.rows.iter().filter(|row| marks[**row]) {
            reasons.entry(*row).or_default().push(broken.name());
        }
    }
    let free = |name: &str| {
        let mut name = name.to_owned();
        while frame.get_column_index(&name).is_some() {
            name.push('_');
        }
        name
    };
    let mask: BooleanChunked = marks.iter().map(|mark| Some(*mark)).collect();
    let rows: Vec<Value> = reasons.keys().map(|row| Value::Int(*row as i64 + 1)).collect();
    let texts: Vec<Value> = reasons.values().map(|rules| Value::str(rules.join("; "))).collect();
    let mut bad = frame.filter(&mask).expect("there is a mark for each row");
    for column in
        [column_of(&free("source_row"), Kind::Int, &rows), column_of(&free("broken_rules"), Kind::Str, &texts)]
    {
        bad.with_column(column).map_err(unexpected).expect("each bad row breaks a rule");
    }
    bad
}

/// A column's rules, ready to be held against its values.
struct Ready<'a> {
    rule: &'a ColumnRule,
    /// In order.
    allowed: Option<Vec<Value>>,
    pattern: Option<Regex>,
}

impl ColumnRule {
    /// The rows that break each of its rules.
    fn look(&self, column: &Column) -> Vec<Broken> {
        let name = column.name().to_string();
        let tolerate = |rule: &str| self.tolerate.get(rule).copied();
        let ready = Ready {
            rule: self,
            allowed: self.allowed().map(|allowed| {
                let mut allowed: Vec<Value> = allowed.iter().map(plain).collect();
                allowed.sort_by(Value::order);
                allowed
            }),
            pattern: self.pattern.as_deref().and_then(|pattern| whole(pattern).ok()),
        };
        let mut found: BTreeMap<&'static str, Broken> = BTreeMap::new();
        for row in 0..column.len() {
            let value = value_at(column, row);
            ready.broken(&value, &mut |rule| {
                let broken = found.entry(rule).or_insert_with(|| Broken {
                    column: Some(name.clone()),
                    rule: rule.to_owned(),
                    tolerate: tolerate(rule),
                    rows: Vec::new(),
                    message: String::new(),
                });
                broken.note(row, || format!("`{name}` {}", self.reason(rule, &value)));
            });
        }
        let mut found: Vec<Broken> = found.into_values().collect();
        if self.unique {
            let frame = DataFrame::new(column.len(), vec![column.clone()]).expect("it is one column");
            let twins = twins(&frame, std::slice::from_ref(&name));
            found.extend(twins.map(|broken| Broken { tolerate: tolerate("unique"), ..broken }));
        }
        found
    }
}

impl Ready<'_> {
    /// Each rule that a value breaks. One that isn't there breaks no other.
    fn broken(&self, value: &Value, tell: &mut dyn FnMut(&'static str)) {
        let rule = self.rule;
        let mut when = |broken: bool, name| {
            if broken {
                tell(name);
            }
        };
        if value.is_null() {
            return when(!rule.nullable, "nullable");
        }
        let among = |allowed: &Vec<Value>| allowed.binary_search_by(|it| it.order(&plain(value))).is_ok();
        when(!self.allowed.as_ref().is_none_or(among), "one_of");
        if let Value::Str(text) = value {
            if rule.min_length.is_some() || rule.max_length.is_some() {
                let length = text.chars().count();
                when(rule.min_length.is_some_and(|min| length < min), "min_length");
                when(rule.max_length.is_some_and(|max| length > max), "max_length");
            }
            when(self.pattern.as_ref().is_some_and(|pattern| !pattern.is_match(text)), "pattern");
        } else if let Some(number) = value.as_f64() {
            when(rule.min.is_some_and(|min| number < min), "min");
            when(rule.max.is_some_and(|max| number > max), "max");
        }
    }
}

/// Zero has two signs and is one number.
fn plain(value: &Value) -> Value {
    match value {
        Value::Float(number) => Value::Float(number + 0.0),
        other => other.clone(),
    }
}

impl ColumnRule {
    /// Why a value breaks one of its rules, in words.
    fn reason(&self, broken: &str, value: &Value) -> String {
        let told = shown(&value.to_string());
        let bound = |bound: Option<f64>| bound.unwrap_or_default();
        let length = |bound: Option<usize>| bound.unwrap_or_default();
        let characters = || value.to_string().chars().count();
        match broken {
            "nullable" => "has no value".to_owned(),
            "one_of" => {
                let allowed: Vec<String> = self.allowed().iter().flatten().map(Value::to_string).collect();
                format!("`{told}` isn't one of {}", list(allowed.iter().map(String::as_str)))
            }
            "min" => format!("{told} is below {}", bound(self.min)),
            "max" => format!("{told} is above {}", bound(self.max)),
            "min_length" => format!("`{told}` has {} characters, fewer than {}", characters(), length(self.min_length)),
            "max_length" => format!("`{told}` has {} characters, more than {}", characters(), length(self.max_length)),
            _ => format!("`{told}` doesn't match `{}`", self.pattern.as_deref().unwrap_or_default()),
        }
    }
}

/// How many characters of a long cell are told.
const SHOWN: usize = 60;

fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.row {
            Some(row) if self.count > 1 => write!(f, "row {row}: {} (and {} rows more)", self.message, self.count - 1),
            Some(row) => write!(f, "row {row}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}
