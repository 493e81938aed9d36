//! `gristmill dag`.

use clap::{Args, ValueEnum};

use super::{Exit, Failure, ParamArgs, color, open, out};
use crate::plan::{Input, Plan, StepKind};
use crate::report::dag::{Graph, GraphNode, dot, mermaid, svg, text};

/// Draw the graph.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  gristmill dag penguins\n  gristmill dag penguins --format mermaid >> README.md\n  gristmill dag penguins --format svg > penguins.svg"
)]
pub(super) struct Dag {
    /// A pipeline.
    pipeline: Option<String>,
    /// How to draw it.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// For the terminal.
    Text,
    /// Mermaid, as GitHub draws it.
    Mermaid,
    /// Graphviz.
    Dot,
    /// A picture.
    Svg,
}

pub(super) fn run(args: &Dag) -> Result<Exit, Failure> {
    let opened = open::open(args.pipeline.as_deref(), &ParamArgs::default())?;
    let graph = graph(&opened.plan);
    out(&match args.format {
        Format::Text => text(&graph, color(&std::io::stdout())),
        Format::Mermaid => mermaid(&graph),
        Format::Dot => dot(&graph),
        Format::Svg => svg(&graph),
    });
    Ok(Exit::Done)
}

fn graph(plan: &Plan) -> Graph {
    let mut nodes = Vec::new();
    let mut drawn = vec![None; plan.sources.len()];
    for (place, source) in plan.sources.iter().enumerate() {
        // What a program leaves is drawn as the step that runs it.
        if plan.maker(place).is_none() {
            drawn[place] = Some(nodes.len());
            let note = source.spec.path.clone();
            nodes.push(GraphNode { name: source.spec.name.clone(), verb: "source".to_owned(), note });
        }
    }
    let sources = nodes.len();
    let mut edges = Vec::new();
    for (place, step) in plan.steps.iter().enumerate() {
        let note = match &step.kind {
            StepKind::Table(table) => format!("{} ops", table.ops.len()),
            StepKind::Train(train) => train.model_name.to_owned(),
            StepKind::Evaluate(evaluate) => evaluate.metrics.join(", "),
            StepKind::Deploy(deploy) => deploy.name.clone(),
            StepKind::Run(program) => program.spec.shown(),
        };
        nodes.push(GraphNode { name: step.name.clone(), verb: step.kind.verb().to_owned(), note });
        let inputs: Vec<Input> = match &step.kind {
            StepKind::Table(table) => vec![table.input],
            StepKind::Train(train) => vec![train.input],
            StepKind::Run(program) => program.inputs.iter().filter_map(|input| input.from.table()).collect(),
            _ => Vec::new(),
        };
        for input in inputs {
            if let Input::Source(source) = input {
                edges.extend(drawn[source].map(|source| (source, sources + place)));
            }
        }
        edges.extend(plan.needs(place).into_iter().map(|need| (sources + need, sources + place)));
    }
    Graph { name: plan.name.clone(), nodes, edges }
}
