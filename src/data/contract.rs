//! What a table must look like: a contract, and how a table breaks it.

use std::collections::BTreeMap;

use polars::prelude::Column;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Kind, Part, Shape, Table, Value, value_at};
use crate::source::{Fault, list};

/// A contract, as its file has it.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Contract {
    /// Shown in listings.
    #[serde(default, skip_serializing)]
    pub description: Option<String>,
    /// What each column must be.
    pub columns: BTreeMap<String, ColumnRule>,
    /// How many rows there must be.
    #[serde(default)]
    pub rows: RowRule,
    /// What happens to columns that aren't named here.
    #[serde(default)]
    pub extra_columns: ExtraColumns,
    /// What happens when the data breaks it.
    #[serde(default)]
    pub on_violation: OnViolation,
}

/// What a column must be.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ColumnRule {
    /// Its type.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// Whether it must be there.
    #[serde(default = "yes")]
    pub required: bool,
    /// Whether values may be missing.
    #[serde(default)]
    pub nullable: bool,
    /// Whether no value may occur twice.
    #[serde(default)]
    pub unique: bool,
    /// The values it may have.
    #[serde(default)]
    pub one_of: Option<Vec<serde_json::Value>>,
    /// The lowest value.
    #[serde(default)]
    pub min: Option<f64>,
    /// The highest value.
    #[serde(default)]
    pub max: Option<f64>,
}

fn yes() -> bool {
    true
}

/// How many rows there must be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RowRule {
    /// At least.
    #[serde(default)]
    pub min: Option<usize>,
    /// At most.
    #[serde(default)]
    pub max: Option<usize>,
}

/// What happens to columns that a contract doesn't name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ExtraColumns {
    /// They break it.
    Error,
    /// They stay.
    #[default]
    Keep,
    /// They are dropped.
    Drop,
}

/// What happens when the data breaks a contract.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnViolation {
    /// The run ends.
    #[default]
    Fail,
    /// Bad rows go to a file.
    Quarantine,
    /// It is told, and the run goes on.
    Warn,
}

/// One way in which a table breaks a contract.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Violation {
    /// The column; none for a rule about rows.
    pub column: Option<String>,
    /// The rule: `nullable`, `one_of`, `min`, ….
    pub rule: &'static str,
    /// How many rows break it.
    pub count: usize,
    /// The first of them, from 1.
    pub row: Option<usize>,
    /// In words.
    pub message: String,
}

impl Contract {
    /// Mistakes in the contract itself, with their routes in its file.
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if self.on_violation != OnViolation::Fail {
            faults
                .push(Fault::new("not-supported", "only `on_violation: fail` is supported yet").within("on_violation"));
        }
        for (name, rule) in &self.columns {
            faults.extend(rule.fault().map(|fault| fault.within(name).within("columns")));
        }
        faults
    }

    /// The types it says.
    pub fn kinds(&self) -> BTreeMap<String, Kind> {
        self.columns.iter().map(|(name, rule)| (name.clone(), rule.kind)).collect()
    }

    /// The columns that the table has once it is kept: what is known without the data.
    pub fn shape(&self) -> Shape {
        Shape::of(self.columns.iter().map(|(name, rule)| (name.as_str(), rule.kind)))
    }

    /// The table without the columns that it drops, or every way in which the table breaks it.
    pub fn keep(&self, table: Table) -> Result<Table, Vec<Violation>> {
        let mut broken = Vec::new();
        self.names(&table.shape, &mut broken);
        if let Some(frame) = table.part(Part::All) {
            for (name, rule) in &self.columns {
                if let Ok(column) = frame.column(name) {
                    rule.look(column, &mut broken);
                }
            }
            self.height(frame.height(), &mut broken);
        }
        if !broken.is_empty() {
            return Err(broken);
        }
        if self.extra_columns != ExtraColumns::Drop {
            return Ok(table);
        }
        let mut shape = table.shape.clone();
        let extra: Vec<String> =
            table.shape.names().filter(|name| !self.columns.contains_key(*name)).map(str::to_owned).collect();
        for name in &extra {
            shape.remove(name);
        }
        let table =
            table.map(|_, frame| Ok(frame.drop_many(extra.iter().map(String::as_str)))).expect("dropping can't fail");
        Ok(table.with_shape(shape))
    }

    fn names(&self, shape: &Shape, broken: &mut Vec<Violation>) {
        let tell = |column: &str, rule, message| Violation {
            column: Some(column.to_owned()),
            rule,
            count: 1,
            row: None,
            message,
        };
        for (name, rule) in &self.columns {
            match shape.known(name) {
                None if rule.required => broken.push(tell(name, "required", format!("there is no column `{name}`"))),
                Some(kind) if kind != rule.kind => {
                    broken.push(tell(name, "type", format!("`{name}` is {kind}, not {}", rule.kind)));
                }
                _ => {}
            }
        }
        if self.extra_columns == ExtraColumns::Error {
            for name in shape.names().filter(|name| !self.columns.contains_key(*name)) {
                broken.push(tell(name, "extra_columns", format!("the column `{name}` isn't in the contract")));
            }
        }
    }

    fn height(&self, rows: usize, broken: &mut Vec<Violation>) {
        let few =
            self.rows.min.filter(|min| rows < *min).map(|min| ("rows.min", format!("{rows} rows, fewer than {min}")));
        let many =
            self.rows.max.filter(|max| rows > *max).map(|max| ("rows.max", format!("{rows} rows, more than {max}")));
        broken.extend(few.into_iter().chain(many).map(|(rule, message)| Violation {
            column: None,
            rule,
            count: 1,
            row: None,
            message,
        }));
    }
}

impl ColumnRule {
    fn fault(&self) -> Option<Fault> {
        if let (Some(min), Some(max)) = (self.min, self.max)
            && min > max
        {
            return Some(Fault::new("bad-rule", format!("nothing is between {min} and {max}")).within("max"));
        }
        if (self.min.is_some() || self.max.is_some()) && !self.kind.is_numeric() {
            let field = if self.min.is_some() { "min" } else { "max" };
            return Some(Fault::new("bad-rule", format!("a column that is {} has no range", self.kind)).within(field));
        }
        let wrong = self.one_of.iter().flatten().position(|value| Value::from_json(value, self.kind).is_none())?;
        let message = format!("the column is {}, and `{}` isn't", self.kind, self.one_of.as_ref()?[wrong]);
        Some(Fault { route: crate::source::Route::of(["one_of"]).index(wrong), ..Fault::new("bad-rule", message) })
    }

    /// The allowed values, typed.
    fn allowed(&self) -> Option<Vec<Value>> {
        let list = self.one_of.as_ref()?;
        Some(list.iter().filter_map(|value| Value::from_json(value, self.kind)).collect())
    }

    /// Why a value breaks it: the rule and the reason. `allowed` are the values it may have, if not any.
    fn refuses(&self, value: &Value, allowed: Option<&[Value]>) -> Option<(&'static str, String)> {
        if value.is_null() {
            return (!self.nullable).then(|| ("nullable", "has no value".to_owned()));
        }
        if let Some(allowed) = allowed.filter(|allowed| !allowed.contains(value)) {
            let shown: Vec<String> = allowed.iter().map(Value::to_string).collect();
            return Some(("one_of", format!("`{value}` isn't one of {}", list(shown.iter().map(String::as_str)))));
        }
        let number = value.as_f64()?;
        if let Some(min) = self.min.filter(|min| number < *min) {
            return Some(("min", format!("{value} is below {min}")));
        }
        let max = self.max.filter(|max| number > *max)?;
        Some(("max", format!("{value} is above {max}")))
    }

    fn look(&self, column: &Column, broken: &mut Vec<Violation>) {
        let name = column.name().to_string();
        let mut found: BTreeMap<&'static str, Violation> = BTreeMap::new();
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        let allowed = self.allowed();
        for row in 0..column.len() {
            let value = value_at(column, row);
            let twin = (self.unique && !value.is_null()).then(|| seen.insert(value.to_string(), row)).flatten();
            let twin = twin.map(|first| ("unique", format!("`{value}` stands in row {} already", first + 1)));
            for (rule, reason) in self.refuses(&value, allowed.as_deref()).into_iter().chain(twin) {
                found.entry(rule).and_modify(|violation| violation.count += 1).or_insert_with(|| Violation {
                    column: Some(name.clone()),
                    rule,
                    count: 1,
                    row: Some(row + 1),
                    message: format!("`{name}` {reason}"),
                });
            }
        }
        broken.extend(found.into_values());
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
