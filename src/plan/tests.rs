//! The tests of a pipeline: their sources and steps looked up, their rows typed.

use std::collections::BTreeMap;

use polars::prelude::DataFrame;
use serde_json::{Map, Value as Json};

use super::node::{Given, Plan, PlanTest};
use crate::data::{Shape, Table, Value, column_of, unexpected};
use crate::source::{Fault, Route, suggest};
use crate::spec::{Spec, TestSpec};

/// Checks the tests. Faults have their routes from the document's root.
pub(super) fn tests(spec: &Spec, plan: &Plan, faults: &mut Vec<Fault>) -> Vec<PlanTest> {
    spec.tests
        .iter()
        .enumerate()
        .map(|(index, test)| one(test, plan, &Route::of(["tests"]).index(index), faults))
        .collect()
}

fn one(test: &TestSpec, plan: &Plan, route: &Route, faults: &mut Vec<Fault>) -> PlanTest {
    let mut given = Vec::new();
    for (name, rows) in &test.given {
        let route = route.key("given").key(name);
        let Some(source) = plan.sources.iter().position(|source| source.spec.name == *name) else {
            let known = plan.sources.iter().map(|source| source.spec.name.as_str());
            faults.push(
                Fault::new("unknown-source", format!("there is no source `{name}`"))
                    .maybe_help(suggest(name, known))
                    .on_key()
                    .under(&route),
            );
            continue;
        };
        let Some(shape) = &plan.sources[source].shape else { continue };
        match table(shape, rows) {
            Ok(table) => given.push(Given { source, table }),
            Err(found) => faults.extend(found.into_iter().map(|fault| fault.under(&route))),
        }
    }
    let mut expect = BTreeMap::new();
    for (name, rows) in &test.expect {
        let route = route.key("expect").key(name);
        match plan.step(name).filter(|step| plan.table(*step).is_some()) {
            Some(step) => {
                let shape = plan.table(step).and_then(|table| table.shape.as_ref());
                for (index, row) in rows.iter().enumerate() {
                    let strangers =
                        row.keys().filter_map(|column| shape?.expect(column).err().map(|fault| (column, fault)));
                    faults
                        .extend(strangers.map(|(column, fault)| fault.on_key().under(&route.index(index).key(column))));
                }
                expect.insert(step, rows.clone());
            }
            None => {
                let known = plan
                    .steps
                    .iter()
                    .enumerate()
                    .filter(|(index, _)| plan.table(*index).is_some())
                    .map(|(_, step)| step.name.as_str());
                faults.push(
                    Fault::new("unknown-step", format!("there is no table step `{name}`"))
                        .maybe_help(suggest(name, known))
                        .on_key()
                        .under(&route),
                );
            }
        }
    }
    PlanTest { name: test.name.clone(), given, expect }
}

/// Rows as a table of a source's columns; columns not given are missing.
fn table(shape: &Shape, rows: &[Map<String, Json>]) -> Result<Table, Vec<Fault>> {
    let mut faults = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        for (column, json) in row {
            let route = Route::here().index(index).key(column);
            match shape.expect(column) {
                Err(fault) => faults.push(fault.on_key().under(&route)),
                Ok(kind) if Value::from_json(json, kind).is_none() => {
                    faults.push(
                        Fault::new("wrong-type", format!("`{column}` is {kind}, and `{json}` isn't")).under(&route),
                    );
                }
                Ok(_) => {}
            }
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let columns = shape.fields.iter().map(|field| {
        let cell = |row: &Map<String, Json>| {
            row.get(&field.name).and_then(|json| Value::from_json(json, field.kind)).unwrap_or(Value::Null)
        };
        column_of(&field.name, field.kind, &rows.iter().map(cell).collect::<Vec<_>>())
    });
    let frame = DataFrame::new(rows.len(), columns.collect()).map_err(|error| vec![unexpected(error)])?;
    Table::new(shape.clone(), frame).map_err(|fault| vec![fault])
}
