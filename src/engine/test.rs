//! The tests of a pipeline: given rows through its table steps, in memory.

use serde_json::{Map, Value as Json};

use super::table::{Tables, work};
use crate::data::{Table, records};
use crate::plan::{Given, Input, OpNode, Plan, PlanTest};
use crate::source::Fault;

/// How a test went.
#[derive(Debug)]
pub struct TestResult {
    /// What it shows.
    pub name: String,
    /// What is otherwise than expected; none if all is as expected.
    pub failures: Vec<String>,
}

/// Runs all tests of a plan.
pub fn run_tests(plan: &Plan) -> Vec<TestResult> {
    plan.tests.iter().map(|test| TestResult { name: test.name.clone(), failures: one(plan, test) }).collect()
}

fn one(plan: &Plan, test: &PlanTest) -> Vec<String> {
    let mut failures = Vec::new();
    for (step, expected) in &test.expect {
        let name = &plan.steps[*step].name;
        match made(plan, test, *step) {
            Ok(table) => {
                let found: Vec<Map<String, Json>> = table.parts().flat_map(|(_, frame)| records(frame)).collect();
                failures.extend(differences(name, expected, &found));
            }
            Err(fault) => failures.push(format!("`{name}`: {fault}")),
        }
    }
    failures
}

/// What a test gives: other tables are made of given rows too.
struct GivenTables<'a>(&'a Plan, &'a PlanTest);

impl Tables for GivenTables<'_> {
    fn plan(&self) -> &Plan {
        self.0
    }

    fn other(&self, input: Input) -> Result<Table, Fault> {
        of_input(self.0, self.1, input)
    }
}

/// The table of a step, from the given rows.
fn made(plan: &Plan, test: &PlanTest, step: usize) -> Result<Table, Fault> {
    of_input(plan, test, Input::Step(step))
}

fn of_input(plan: &Plan, test: &PlanTest, input: Input) -> Result<Table, Fault> {
    let (source, steps) = plan.chain(input);
    let name = &plan.sources[source].spec.name;
    let given = test.given.iter().find(|given: &&Given| given.source == source);
    let given = given
        .ok_or_else(|| Fault::new("not-given", format!("it needs rows of the source `{name}`, and none are given")))?;
    let ops: Vec<&OpNode> = steps.iter().flat_map(|step| &plan.table(*step).expect("a table").ops).collect();
    let mut shape = given.table.shape.clone();
    shape.protected.clone_from(&plan.protected);
    shape.guarded.clone_from(&plan.guarded);
    Ok(work(&ops, given.table.clone().with_shape(shape), &GivenTables(plan, test))?.table)
}

/// Row by row; columns that aren't expected aren't compared.
fn differences(step: &str, expected: &[Map<String, Json>], found: &[Map<String, Json>]) -> Vec<String> {
    let mut failures = Vec::new();
    if expected.len() != found.len() {
        failures.push(format!("`{step}` has {} rows, {} are expected", found.len(), expected.len()));
    }
    for (row, (expected, found)) in expected.iter().zip(found).enumerate() {
        for (column, value) in expected {
            match found.get(column) {
                None => failures.push(format!("`{step}` has no column `{column}`")),
                Some(is) if !equal(value, is) => {
                    failures.push(format!("`{step}`, row {}: `{column}` is {is}, {value} is expected", row + 1))
                }
                Some(_) => {}
            }
        }
    }
    failures
}

/// Numbers are equal by value, floats to 1e-9 of their size.
fn equal(expected: &Json, found: &Json) -> bool {
    match (expected.as_f64(), found.as_f64()) {
        (Some(a), Some(b)) => (a - b).abs() <= 1e-9 * a.abs().max(1.0),
        _ => expected == found,
    }
}
