//! What a table must look like: a contract, as its file has it, and mistakes in the contract itself.

mod draft;
mod judge;
mod tolerance;

use std::collections::BTreeMap;

use regex::Regex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use judge::{Findings, Held, Judged, Violation};
pub use tolerance::Tolerance;

use super::{Kind, Shape, Value};
use crate::source::{Fault, Route, suggest};

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
    /// Columns that together name a row: no two rows have the same values in all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unique: Vec<Vec<String>>,
    /// SQL conditions over the named columns that rows must meet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<Check>,
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
    /// A regular expression that the whole of a string must match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// The fewest characters of a string.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_length: Option<usize>,
    /// The most characters of a string.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_length: Option<usize>,
    /// How old the newest value may be when a run begins: `7d`, `12h`.
    #[serde(default, skip_serializing)]
    pub max_age: Option<String>,
    /// How many rows may break a rule of this column before it is an error, by rule: `10`, `1%` of the rows, or `all`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tolerate: BTreeMap<String, Tolerance>,
}

/// An SQL condition that rows must meet. A row for which it is null meets it.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// What it is called in messages.
    pub name: String,
    /// The condition.
    pub sql: String,
    /// How many rows may break it before it is an error: `10`, `1%` of the rows, or `all`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tolerate: Option<Tolerance>,
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
    /// Bad rows go to a file, and the run goes on with the others.
    Quarantine,
    /// It is told, and the run goes on.
    Warn,
}

impl Contract {
    /// Mistakes in the contract itself, with their routes in its file. Those in the SQL of `checks` are for who knows SQL.
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        for (name, rule) in &self.columns {
            faults.extend(rule.faults().into_iter().map(|fault| fault.within(name).within("columns")));
        }
        for (nth, columns) in self.unique.iter().enumerate() {
            let here = Route::of(["unique"]).index(nth);
            if columns.is_empty() {
                faults.push(Fault::new("bad-rule", "no column is named").under(&here));
            }
            for (place, name) in columns.iter().enumerate().filter(|(_, name)| !self.columns.contains_key(*name)) {
                let fault = Fault::new("unknown-column", format!("the contract has no column `{name}`"))
                    .maybe_help(suggest(name, self.columns.keys().map(String::as_str)));
                faults.push(fault.under(&here.clone().index(place)));
            }
        }
        for (nth, check) in self.checks.iter().enumerate() {
            if check.name.is_empty() || self.checks[..nth].iter().any(|before| before.name == check.name) {
                let message = match check.name.is_empty() {
                    true => "a check needs a name, to be told by".to_owned(),
                    false => format!("there is a check `{}` already", check.name),
                };
                faults.push(Fault::new("bad-rule", message).under(&Route::of(["checks"]).index(nth).key("name")));
            }
        }
        if let (Some(min), Some(max)) = (self.rows.min, self.rows.max)
            && min > max
        {
            let fault = Fault::new("bad-rule", format!("no number of rows is between {min} and {max}"));
            faults.push(fault.within("max").within("rows"));
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

    /// Whether a table that breaks it may still be worked on, so that there is something to tell of one that was read before.
    pub fn may_bend(&self) -> bool {
        self.on_violation != OnViolation::Fail
            || self.columns.values().any(|rule| !rule.tolerate.is_empty() || rule.max_age.is_some())
            || self.checks.iter().any(|check| check.tolerate.is_some())
    }

    /// The rules of a column that no row which is worked on breaks: what may be asked of requests too.
    pub fn firm(&self, column: &str) -> Option<ColumnRule> {
        let rule = self.columns.get(column).filter(|_| self.on_violation != OnViolation::Warn)?;
        let firm = |name: &str| !rule.tolerate.contains_key(name);
        let mut rule = rule.clone();
        rule.one_of = rule.one_of.take().filter(|_| firm("one_of"));
        rule.min = rule.min.filter(|_| firm("min"));
        rule.max = rule.max.filter(|_| firm("max"));
        Some(rule)
    }
}

/// The rules that a column can have, row by row.
const RULES: [&str; 8] = ["nullable", "unique", "one_of", "min", "max", "pattern", "min_length", "max_length"];

impl ColumnRule {
    fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut wrong = |message: String, field: &str| faults.push(Fault::new("bad-rule", message).within(field));
        if let (Some(min), Some(max)) = (self.min, self.max)
            && min > max
        {
            wrong(format!("nothing is between {min} and {max}"), "max");
        } else if (self.min.is_some() || self.max.is_some()) && !self.kind.is_numeric() {
            let field = if self.min.is_some() { "min" } else { "max" };
            wrong(format!("a column that is {} has no range", self.kind), field);
        }
        if let (Some(min), Some(max)) = (self.min_length, self.max_length)
            && min > max
        {
            wrong(format!("no length is between {min} and {max}"), "max_length");
        }
        let of_strings = [
            ("pattern", self.pattern.is_some()),
            ("min_length", self.min_length.is_some()),
            ("max_length", self.max_length.is_some()),
        ];
        for (field, _) in of_strings.iter().filter(|(_, said)| *said && !self.kind.is_string()) {
            wrong(format!("a column that is {} has no characters", self.kind), field);
        }
        if let Some(Err(error)) = self.pattern.as_deref().map(whole) {
            wrong(format!("it is no regular expression: {}", last_line(&error.to_string())), "pattern");
        }
        if self.max_age.is_some() && !matches!(self.kind, Kind::Date | Kind::Datetime) {
            wrong(format!("a column that is {} has no age", self.kind), "max_age");
        } else if self.max_age.is_some() && self.age().is_none() {
            wrong("it is no span of time: write `7d`, `12h` or `30m`".to_owned(), "max_age");
        }
        let strange = self.tolerate.keys().filter(|name| !RULES.contains(&name.as_str()));
        let strange = strange.map(|name| {
            let fault = Fault::new("unknown-rule", format!("no rule of a column is called `{name}`"));
            fault.maybe_help(suggest(name, RULES)).on_key().within(name).within("tolerate")
        });
        let strange: Vec<Fault> = strange.collect();
        faults.extend(strange);
        let idle = |name: &str| match name {
            "nullable" => self.nullable,
            "unique" => !self.unique,
            "one_of" => self.one_of.is_none(),
            "min" => self.min.is_none(),
            "max" => self.max.is_none(),
            "pattern" => self.pattern.is_none(),
            "min_length" => self.min_length.is_none(),
            "max_length" => self.max_length.is_none(),
            _ => false,
        };
        let idle = self.tolerate.keys().filter(|name| idle(name)).map(|name| {
            let fault = Fault::new("bad-rule", format!("the column has no rule `{name}` that could be broken"));
            fault.on_key().within(name).within("tolerate")
        });
        faults.extend(idle);
        let values = self.one_of.iter().flatten().enumerate();
        let strange = values.filter(|(_, value)| Value::from_json(value, self.kind).is_none());
        faults.extend(strange.map(|(nth, value)| {
            let message = format!("the column is {}, and `{value}` isn't", self.kind);
            Fault::new("bad-rule", message).under(&Route::of(["one_of"]).index(nth))
        }));
        faults
    }

    /// The allowed values, typed.
    fn allowed(&self) -> Option<Vec<Value>> {
        let list = self.one_of.as_ref()?;
        Some(list.iter().filter_map(|value| Value::from_json(value, self.kind)).collect())
    }

    /// How old the newest value may be, in microseconds.
    pub fn age(&self) -> Option<i64> {
        super::span(self.max_age.as_ref()?)
    }
}

/// A pattern that matches nothing less than the whole of a string.
pub(in crate::data) fn whole(pattern: &str) -> Result<Regex, regex::Error> {
    // By itself first: a pattern must not end the group that it is put in.
    Regex::new(pattern)?;
    Regex::new(&format!("^(?:{pattern})$"))
}

/// The reason alone: the drawing above it is of one line, and the file's own caret stands beside it.
fn last_line(text: &str) -> &str {
    text.lines().last().unwrap_or(text).trim_start_matches("error: ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::data::{Table, column_of};
    use crate::source::{Document, Severity, decode};

    fn contract(text: &str) -> Contract {
        let document = Document::parse("c.yaml", text).unwrap_or_else(|_| panic!("{text}"));
        let mut faults = Vec::new();
        let read = decode(&document.root, &mut faults);
        read.unwrap_or_else(|| panic!("{faults:?}"))
    }

    fn table(values: &[Value], kind: Kind) -> Table {
        let frame = polars::prelude::DataFrame::new(values.len(), vec![column_of("a", kind, values)]);
        Table::new(Shape::of([("a", kind)]), frame.expect("a frame")).expect("a table")
    }

    fn words(words: &[&str]) -> Table {
        let values: Vec<Value> =
            words.iter().map(|word| if *word == "-" { Value::Null } else { Value::str(word) }).collect();
        table(&values, Kind::Str)
    }

    /// What is told of each broken rule.
    fn told(contract: &Contract, table: Table) -> Vec<String> {
        let broken = match contract.judge(table, &[]) {
            Ok(judged) => judged.findings.broken,
            Err(broken) => broken,
        };
        broken.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn strings_have_patterns_and_lengths_in_characters() {
        let one = |rule: &str, words: &[&str]| {
            told(&contract(&format!("columns:\n  a: {{type: str, nullable: true, {rule}}}\n")), self::words(words))
        };
        assert_eq!(one("pattern: 'a|bc'", &["a", "bc", "-"]), [""; 0]);
        // The whole of the cell, whatever the pattern's own branches.
        assert_eq!(one("pattern: 'a|bc'", &["ab", "abc"]), ["row 1: `a` `ab` doesn't match `a|bc` (and 1 rows more)"]);
        assert_eq!(one("min_length: 2", &["éé", "é"]), ["row 2: `a` `é` has 1 characters, fewer than 2"]);
        assert_eq!(one("max_length: 1", &["é", "éé"]), ["row 2: `a` `éé` has 2 characters, more than 1"]);
    }

    #[test]
    fn the_later_of_twins_is_the_bad_one_and_no_value_has_no_twin() {
        let unique = contract("columns:\n  a: {type: str, nullable: true, unique: true}\n");
        assert_eq!(told(&unique, words(&["x", "-", "-", "y", "x"])), ["row 5: `a` `x` stands in row 1 already"]);
    }

    #[test]
    fn rows_that_break_what_is_tolerated_stay() {
        let text = "columns:\n  a: {type: int, min: 0, max: 9, tolerate: {max: 1}}\non_violation: quarantine\n";
        let numbers = |numbers: &[i64]| table(&numbers.iter().map(|it| Value::Int(*it)).collect::<Vec<_>>(), Kind::Int);
        let judged = contract(text).judge(numbers(&[10, -1, 5]), &[]).unwrap_or_else(|broken| panic!("{broken:?}"));
        assert_eq!((judged.table.rows(), judged.findings.quarantined), (2, 1));
        let severities: Vec<_> = judged.findings.broken.iter().map(|it| (it.rule.as_str(), it.severity)).collect();
        assert_eq!(severities, [("max", Severity::Warning), ("min", Severity::Error)]);
        assert!(judged.bad.is_some_and(|bad| bad.height() == 1));
        let judged = contract(text).judge(numbers(&[10, 11, 5]), &[]).unwrap_or_else(|broken| panic!("{broken:?}"));
        assert_eq!((judged.table.rows(), judged.findings.quarantined), (1, 2));
    }

    #[test]
    fn a_rule_that_is_let_pass_hides_no_other() {
        let strict =
            contract("columns:\n  a: {type: str, pattern: '[a-z]+', max_length: 3, tolerate: {max_length: all}}\n");
        let broken = strict.judge(words(&["1234"]), &[]).err().expect("the pattern is broken");
        let told: Vec<_> = broken.iter().map(|it| (it.rule.as_str(), it.severity)).collect();
        assert_eq!(told, [("max_length", Severity::Warning), ("pattern", Severity::Error)]);
        let idle = contract("columns:\n  a: {type: str, max_length: 3, tolerate: {max: 1%}}\n");
        assert_eq!(idle.faults().iter().map(|fault| fault.code).collect::<Vec<_>>(), ["bad-rule"]);
        let zero = contract("columns:\n  a: {type: float, one_of: [0, 1]}\n");
        assert!(zero.judge(table(&[Value::Float(-0.0)], Kind::Float), &[]).is_ok());
    }

    #[test]
    fn what_columns_rest_on_ends_a_run_in_any_case() {
        for then in ["fail", "quarantine", "warn"] {
            let text = format!("columns:\n  a: {{type: int}}\n  b: {{type: int}}\non_violation: {then}\n");
            assert_eq!(contract(&text).judge(words(&["x"]), &[]).err().map(|broken| broken.len()), Some(2), "{then}");
        }
    }

    #[test]
    fn requests_must_keep_what_no_row_may_break() {
        let rule = |more: &str| {
            let text = format!("columns:\n  a: {{type: int, min: 0, max: 9{more}\n");
            contract(&text).firm("a").map(|rule| (rule.min, rule.max))
        };
        assert_eq!(rule("}"), Some((Some(0.0), Some(9.0))));
        assert_eq!(rule(", tolerate: {max: 1%}}"), Some((Some(0.0), None)));
        assert_eq!(rule("}\non_violation: warn"), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn any_text_is_a_contract_or_mistakes(
            text in "([a-c:{}\\[\\],'\"|>&*!%#\n\r\0 é-]|columns:\n|  a: |type: int|pattern: |unique: |tolerate: |checks: ){0,30}",
        ) {
            if let Ok(document) = Document::parse("c.yaml", &text) {
                let mut faults = Vec::new();
                match decode::<Contract>(&document.root, &mut faults) {
                    Some(contract) => faults.extend(contract.faults()),
                    None => prop_assert!(!faults.is_empty(), "{text:?}"),
                }
                faults.iter().for_each(|fault| drop(document.diagnose(fault)));
            }
        }

        #[test]
        fn any_pattern_is_one_or_a_mistake_and_is_held_against_any_cell(
            pattern in "\\PC{0,12}|[\\[(){}|?*+a^$.\\\\-]{0,8}",
            cell in "\\PC{1,8}",
        ) {
            let rule = ColumnRule { pattern: Some(pattern), ..contract("columns: {a: {type: str}}").columns["a"].clone() };
            let sound = rule.faults().is_empty();
            let contract = Contract { columns: [("a".to_owned(), rule)].into(), ..contract("columns: {}") };
            prop_assert!(sound || contract.faults()[0].message.starts_with("it is no regular expression"));
            let judged = contract.judge(words(&[&cell, &cell]), &[]);
            prop_assert!(judged.is_ok() || judged.is_err_and(|broken| broken[0].count == 2 || cell == "-"));
        }
    }
}
