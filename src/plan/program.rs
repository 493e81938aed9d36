//! A step that runs a program: what it reads is looked up, and every place in its command leads somewhere.

use super::build::{Schemas, start};
use super::node::{Input, Plan, Program, ProgramInput, Read, StepKind};
use crate::source::{Fault, Route, suggest};
use crate::spec::{InputSpec, OutputKind, Piece, RunSpec, Spec, pieces};

/// The parts that a split table may have.
const PARTS: [&str; 3] = ["train", "validation", "test"];

/// Checks a step that runs a program. Faults have their routes from the step.
pub(super) fn program(
    spec: &RunSpec,
    pipeline: &Spec,
    plan: &Plan,
    schemas: &dyn Schemas,
    faults: &mut Vec<Fault>,
) -> Option<Program> {
    let before = faults.len();
    let mut inputs: Vec<ProgramInput> = Vec::new();
    for input in &spec.inputs {
        if inputs.iter().any(|other| other.name == input.name) {
            let fault = Fault::new("duplicate-name", format!("`{}` is named twice", input.name));
            faults.push(fault.under(&input.route));
        }
        let Some(from) = read(input, plan, faults) else { continue };
        inputs.push(ProgramInput { name: input.name.clone(), format: input.format, from });
    }
    let known = inputs.len() == spec.inputs.len();
    for (route, text) in spec.texts() {
        for piece in pieces(text) {
            let Piece::Mark(mark) = piece else { continue };
            let place = if let Some(name) = mark.strip_prefix("outputs.") {
                output(name, spec)
            } else if known {
                input_place(mark.trim_start_matches("inputs."), &inputs, plan)
            } else {
                Ok(())
            };
            faults.extend(place.err().map(|fault| fault.under(&route)));
        }
    }
    for (nth, path) in spec.code.iter().enumerate() {
        let missing = schemas.exists(path).err();
        faults.extend(missing.map(|fault| fault.under(&Route::of(["code"]).index(nth))));
    }
    variables(spec, pipeline, faults);
    (faults.len() == before).then(|| Program { spec: spec.clone(), inputs })
}

fn read(input: &InputSpec, plan: &Plan, faults: &mut Vec<Fault>) -> Option<Read> {
    if let Some((step, output)) = file_of(&input.name, plan) {
        return Some(Read::File { step, output });
    }
    let mut found = Vec::new();
    let table = start(&input.name, "inputs", plan, &mut found);
    faults.extend(found.into_iter().map(|mut fault| {
        fault.route = input.route.clone();
        fault
    }));
    let (place, _, _) = table?;
    if let Input::Source(source) = place
        && plan.sources[source].spec.condition.is_some()
    {
        let message = format!("`{}` has a `where`, and a program reads the file itself", input.name);
        let fault = Fault::new("not-a-file", message);
        faults.push(fault.help("let a step work on it, and read that step's table").under(&input.route));
    }
    Some(Read::Table(place))
}

/// A file that a program leaves: by its step and output, or by its step alone if it leaves nothing else.
fn file_of(name: &str, plan: &Plan) -> Option<(usize, String)> {
    let (step, said) = match plan.step(name) {
        // A model is read as the file that it is.
        Some(step) if let Some(brought) = plan.steps[step].kind.brought() => {
            (brought.step, Some(brought.output.as_str()))
        }
        Some(step) => (step, None),
        None => {
            let (step, output) = name.rsplit_once('.')?;
            (plan.step(step)?, Some(output))
        }
    };
    let StepKind::Run(program) = &plan.steps[step].kind else { return None };
    let outputs = &program.spec.outputs;
    let output = match said {
        Some(said) => outputs.iter().find(|output| output.name == said)?,
        None if outputs.len() == 1 => &outputs[0],
        None => return None,
    };
    (!matches!(output.kind, OutputKind::Table(_))).then(|| (step, output.name.clone()))
}

fn output(name: &str, spec: &RunSpec) -> Result<(), Fault> {
    if spec.outputs.iter().any(|output| output.name == name) {
        return Ok(());
    }
    let known = spec.outputs.iter().map(|output| output.name.as_str());
    Err(Fault::new("undefined-name", format!("there is no output `{name}`"))
        .maybe_help(suggest(name, known).or_else(|| Some(format!("say it: `outputs: {{{name}: {name}.parquet}}`")))))
}

/// Whether `features.train` leads to an input, and to a part of it if it is split.
fn input_place(name: &str, inputs: &[ProgramInput], plan: &Plan) -> Result<(), Fault> {
    let whole = inputs.iter().find(|input| input.name == name);
    let part = name.rsplit_once('.').filter(|(_, part)| PARTS.contains(part));
    let of_part = part.and_then(|(name, part)| Some((inputs.iter().find(|input| input.name == name)?, part)));
    let (input, part) = match (whole, of_part) {
        (Some(input), _) => (input, None),
        (None, Some((input, part))) => (input, Some(part)),
        (None, None) => {
            let own = part.map_or(name, |(name, _)| name);
            let known = inputs.iter().map(|input| input.name.as_str());
            let fault = Fault::new("undefined-name", format!("there is no input `{own}`"));
            return Err(fault
                .maybe_help(suggest(own, known).or_else(|| Some(format!("name it among them: `inputs: [{own}]`")))));
        }
    };
    match (is_split(input, plan), part) {
        (true, None) => Err(Fault::new("no-part", format!("`{}` is split, so it is several files", input.name))
            .help(format!("say which part: `{{{{ inputs.{}.train }}}}`", input.name))),
        (false, Some(part)) => {
            Err(Fault::new("no-part", format!("`{}` isn't split: it has no {part} part", input.name))
                .help(format!("write `{{{{ inputs.{} }}}}`", input.name)))
        }
        _ => Ok(()),
    }
}

fn is_split(input: &ProgramInput, plan: &Plan) -> bool {
    match &input.from {
        Read::Table(Input::Step(step)) => plan.table(*step).is_some_and(|table| table.is_split),
        Read::Table(Input::Source(_)) | Read::File { .. } => false,
    }
}

/// Environment variables are named at the top, where a reader looks for them.
fn variables(spec: &RunSpec, pipeline: &Spec, faults: &mut Vec<Fault>) {
    for (nth, (name, _)) in spec.env.iter().filter(|(_, value)| value.is_none()).enumerate() {
        if !pipeline.env.contains(name) {
            faults.push(undeclared(name, "env", &pipeline.env).under(&Route::of(["env"]).index(nth)));
        }
    }
    for (nth, name) in spec.secrets.iter().enumerate() {
        if !pipeline.secrets.contains(name) {
            faults.push(undeclared(name, "secrets", &pipeline.secrets).under(&Route::of(["secrets"]).index(nth)));
        }
    }
}

fn undeclared(name: &str, key: &str, known: &[String]) -> Fault {
    Fault::new("undefined-name", format!("`{name}` isn't among the `{key}` of this file")).help(
        suggest(name, known.iter().map(String::as_str))
            .unwrap_or_else(|| format!("name it at the top: `{key}: [{name}]`")),
    )
}
