//! Contracts in a run: the SQL in them, what breaks them, and what is told of it at every run, kept results or not.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::event::Event;
use super::run::Cx;
use super::sources::Identity;
use super::table::object;
use super::unit::{Made, Parts, label, unit};
use crate::data::{self, Contract, Findings, Held, Judged, Kind, OnViolation, Table, Violation};
use crate::expr::{Expr, Scope};
use crate::plan::SourceNode;
use crate::recipe::evaluate;
use crate::source::{Fault, Route, Severity};
use crate::store::{Clock, write_atomic};

/// What became of a source's contract in a run.
#[derive(Clone, Debug, Serialize)]
pub struct ContractResult {
    /// The source.
    pub source: String,
    /// The contract's file.
    pub contract: String,
    /// How many rows there were.
    pub rows: usize,
    /// How many of them were set aside.
    pub quarantined: usize,
    /// Where they are; none if there are none.
    pub file: Option<String>,
    /// Each rule that is broken.
    pub broken: Vec<Violation>,
}

/// The rules of a source that end the run, once they were looked for.
type Slot = Mutex<Option<Vec<Violation>>>;

/// The sources whose contracts were looked at in a run, each with what came of it, and what there is to tell of them.
#[derive(Default)]
pub(super) struct Heard {
    looked: Mutex<BTreeMap<usize, Arc<Slot>>>,
    results: Mutex<Vec<ContractResult>>,
}

impl Heard {
    /// The broken rules that end the run, which are looked for once: who asks meanwhile waits, and hears the same.
    fn of(&self, source: usize, look: impl FnOnce() -> Result<Vec<Violation>, Fault>) -> Result<Vec<Violation>, Fault> {
        let slot = Arc::clone(self.looked.lock().expect("no holder panicked").entry(source).or_default());
        let mut slot = slot.lock().expect("no holder panicked");
        if let Some(hard) = slot.as_ref() {
            return Ok(hard.clone());
        }
        Ok(slot.insert(look()?).clone())
    }

    fn keep(&self, result: ContractResult) {
        self.results.lock().expect("no holder panicked").push(result);
    }

    /// By the names of the sources.
    pub(super) fn results(self) -> Vec<ContractResult> {
        let mut results = self.results.into_inner().expect("no holder panicked");
        results.sort_by(|a, b| a.source.cmp(&b.source));
        results
    }
}

/// The checks of a contract, typed against the columns that it names itself.
///
/// # Errors
/// Each mistake, with its route in the contract's file and its place in the SQL.
pub(super) fn conditions(contract: &Contract) -> Result<Vec<Expr>, Vec<Fault>> {
    let (shape, params) = (contract.shape(), BTreeMap::new());
    let mut faults = Vec::new();
    let mut conditions = Vec::new();
    for (nth, check) in contract.checks.iter().enumerate() {
        let found = match Expr::parse(&check.sql, &Scope { shape: &shape, params: &params }) {
            Ok(expr) if expr.kind() == Kind::Bool => {
                conditions.push(expr);
                continue;
            }
            Ok(expr) => {
                vec![Fault::new("wrong-type", format!("a condition is true or false, and this is {}", expr.kind()))]
            }
            Err(found) => found,
        };
        let here = Route::of(["checks"]).index(nth).key("sql");
        faults.extend(found.into_iter().map(|fault| fault.under(&here)));
    }
    if faults.is_empty() { Ok(conditions) } else { Err(faults) }
}

/// A table that keeps its contract, or may be worked on all the same.
pub(super) fn judged(source: &SourceNode, table: Table) -> Result<Judged, Fault> {
    let Some(contract) = &source.contract else {
        return Ok(Judged { table, findings: Findings::default(), bad: None });
    };
    let here = |fault: Fault| fault.within("contract").under(&source.spec.route());
    let conditions = conditions(contract).map_err(|mut faults| here(faults.remove(0)))?;
    let mut held = Vec::new();
    for (check, condition) in conditions.iter().enumerate() {
        let reads: Vec<String> = condition.columns().into_iter().collect();
        // Columns that needn't be there, and columns of another type, which are told by themselves.
        let fits = |name: &String| table.shape.known(name) == contract.columns.get(name).map(|rule| rule.kind);
        if reads.iter().all(fits) {
            held.push(Held { check, holds: evaluate(condition, table.training()).map_err(here)?, reads });
        }
    }
    contract.judge(table, &held).map_err(|broken| violated(source, &broken))
}

/// How many ways of breaking a contract are told.
const TOLD: usize = 10;

fn lines(broken: &[&Violation]) -> String {
    let mut lines: Vec<String> = broken.iter().take(TOLD).map(|violation| format!("\n  {violation}")).collect();
    if broken.len() > TOLD {
        lines.push(format!("\n  and {} more", broken.len() - TOLD));
    }
    lines.concat()
}

fn violated(source: &SourceNode, broken: &[Violation]) -> Fault {
    let path = source.spec.contract.as_deref().unwrap_or_default();
    // What the contract lets pass is no reason.
    let broken: Vec<&Violation> = broken.iter().filter(|told| told.severity == Severity::Error).collect();
    Fault::new("contract", format!("`{}` breaks its contract `{path}`:{}", source.spec.path, lines(&broken)))
        .help("mend the data, or the contract if it asks too much")
        .within("contract")
        .under(&source.spec.route())
}

/// What a unit keeps of the findings.
#[derive(Default, Deserialize)]
struct Kept {
    findings: Findings,
}

/// The output with the rows that were set aside.
const BAD: &str = "quarantine";

/// Tells what there is to tell of a source's contract, and sees that the rows that were set aside are in their file. Once a
/// run; from what is kept, if the source was judged before.
///
/// # Errors
/// If the data breaks the contract, or is too old by now.
pub(super) fn tell(cx: &Cx, source: usize, identity: &Identity) -> Result<(), Fault> {
    let node = &cx.plan.sources[source];
    let Some(contract) = node.contract.as_ref().filter(|contract| contract.may_bend() && !cx.dry) else {
        return Ok(());
    };
    let hard = cx.contracts.of(source, || look(cx, source, identity, contract))?;
    if hard.is_empty() { Ok(()) } else { Err(violated(node, &hard)) }
}

/// The broken rules that end the run. What else there is to tell is told.
fn look(cx: &Cx, source: usize, identity: &Identity, contract: &Contract) -> Result<Vec<Violation>, Fault> {
    let node = &cx.plan.sources[source];
    let mut parts = Parts::new("contract");
    parts.add(format!("source.{}", node.spec.name), identity.bytes.to_string());
    parts.add("reading", identity.reading.clone());
    // What isn't in the reading, for it decides about nothing that is kept but this.
    let aged = contract.columns.iter().filter(|(_, rule)| rule.max_age.is_some()).map(|(name, _)| name.as_str());
    parts.add("aged", json!(aged.collect::<Vec<_>>()));
    let name = label(&cx.plan.name, &format!("{} contract", node.spec.name), "");
    let done = unit(cx, &name, &parts, || {
        let judged = cx.judged(source)?;
        let mut outputs = BTreeMap::new();
        if let Some(bad) = &judged.1 {
            let mut writer = cx.store.writer()?;
            data::write_rows(bad, &mut writer).map_err(|error| writer.error(error))?;
            outputs.insert(BAD.to_owned(), writer.finish()?);
        }
        Ok(Made::new(outputs, json!({"findings": judged.0})))
    })?;
    let kept = Kept::deserialize(&done.record.meta).map_err(|error| {
        Fault::new("broken-record", "what is kept of a contract can't be read")
            .because(error)
            .help("run with `--force`")
    })?;
    let mut findings = kept.findings;
    let here = |fault: Fault| fault.under(&node.spec.route());
    let file = match done.record.outputs.get(BAD) {
        Some(digest) => Some(set_aside(cx, node, &object(&cx.store, digest)?).map_err(here)?),
        None => None,
    };
    let old = too_old(contract, &findings, Clock::default().now().as_second());
    let hard: Vec<Violation> = old.iter().filter(|told| told.severity == Severity::Error).cloned().collect();
    findings.broken.extend(old);
    if !findings.broken.is_empty() {
        cx.tell(Event::Warning {
            step: node.spec.name.clone(),
            fault: here(warning(node, &findings, file.as_deref())),
        });
        cx.contracts.keep(ContractResult {
            source: node.spec.name.clone(),
            contract: node.spec.contract.clone().unwrap_or_default(),
            rows: findings.rows,
            quarantined: findings.quarantined,
            file,
            broken: findings.broken,
        });
    }
    Ok(hard)
}

/// Writes the rows that were set aside, unless they are in their file already. Gives the file's name.
fn set_aside(cx: &Cx, node: &SourceNode, bytes: &[u8]) -> Result<String, Fault> {
    let inside = |fault: Fault| fault.within("quarantine");
    let usual = || format!(".gristmill/quarantine/{}/{}.csv", cx.plan.name, node.spec.name);
    let file = node.spec.quarantine.clone().unwrap_or_else(usual);
    let bytes = data::write(&data::from_bytes(bytes.to_vec())?, &file).map_err(inside)?;
    let path = cx.store.root().join(Path::new(&file));
    if std::fs::read(&path).ok().as_deref() != Some(&bytes) {
        write_atomic(&path, &bytes)?;
    }
    Ok(file)
}

/// Columns whose newest value is too old by now, `now` in seconds since 1970.
fn too_old(contract: &Contract, findings: &Findings, now: i64) -> Vec<Violation> {
    let aged = contract.columns.iter().filter_map(|(name, rule)| {
        let (age, newest) = (rule.age()?, *findings.newest.get(name)?);
        if newest.is_some_and(|newest| now.saturating_mul(1_000_000).saturating_sub(newest) <= age) {
            return None;
        }
        let most = rule.max_age.as_deref().unwrap_or_default();
        let severity = match contract.on_violation {
            OnViolation::Warn => Severity::Warning,
            _ => Severity::Error,
        };
        let message = match newest.map(data::Value::Datetime) {
            Some(newest) => format!("the newest `{name}` is {newest}, more than {most} ago"),
            None => format!("no row has a `{name}`, and the newest must not be more than {most} ago"),
        };
        Some(Violation { column: Some(name.clone()), rule: "max_age".into(), severity, count: 1, row: None, message })
    });
    aged.collect()
}

fn warning(node: &SourceNode, findings: &Findings, file: Option<&str>) -> Fault {
    let path = node.spec.contract.as_deref().unwrap_or_default();
    let rest = match file {
        Some(file) => format!("; {} of {} rows are set aside in `{file}`", findings.quarantined, findings.rows),
        None => String::new(),
    };
    let broken: Vec<&Violation> = findings.broken.iter().collect();
    let message = format!("`{}` breaks its contract `{path}`{rest}:{}", node.spec.path, lines(&broken));
    Fault::warning("contract", message).within("contract")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Document, decode};

    fn contract(text: &str) -> Contract {
        let document = Document::parse("c.yaml", text).unwrap_or_else(|_| panic!("{text}"));
        decode(&document.root, &mut Vec::new()).expect("a contract")
    }

    #[test]
    fn mistakes_in_sql_have_their_place_in_it() {
        let faults = conditions(&contract(
            "columns:\n  start: {type: int}\nchecks:\n  - {name: a, sql: start > 0}\n  - {name: b, sql: start > ends}\n  - {name: c, sql: start + 1}\n",
        ))
        .expect_err("wrong");
        assert_eq!(faults.iter().map(|fault| fault.code).collect::<Vec<_>>(), ["unknown-column", "wrong-type"]);
        assert_eq!(faults[0].route.to_string(), "checks[1].sql");
        assert_eq!(faults[0].at, crate::source::At::Inside(8..12));
    }

    #[test]
    fn age_is_counted_from_the_newest_value() {
        let contract = contract("columns:\n  at: {type: datetime, max_age: 1h}\n");
        let findings = Findings { newest: BTreeMap::from([("at".to_owned(), Some(0))]), ..Findings::default() };
        assert_eq!(too_old(&contract, &findings, 3600), []);
        let old = too_old(&contract, &findings, 3601);
        assert_eq!(old[0].message, "the newest `at` is 1970-01-01T00:00:00Z, more than 1h ago");
        let none = Findings { newest: BTreeMap::from([("at".to_owned(), None)]), ..Findings::default() };
        assert_eq!(too_old(&contract, &none, 0).len(), 1);
    }
}
