//! Models brought as ONNX files: read, checked, and run without any other program.
//!
//! The operators are those that scikit-learn, gradient boosting libraries and small neural networks are exported with.
//! An operator's result for a row doesn't depend on the rows beside it, so a row alone gives the same bits as in a table.

mod bytes;
mod graph;
mod kernel;
pub mod proto;
mod spec;
mod tensor;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use self::bytes::Bytes;
use super::Task;
use super::estimator::Fitted;
use crate::source::{Fault, list};

pub use graph::{Graph, Port, Unfit};
pub use tensor::{Tensor, Values};

/// A network as it is kept: the file, and how it is read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Kept {
    bytes: Bytes,
    task: Task,
    features: Vec<String>,
    /// For each class where its probability stands among the network's; empty for numbers.
    order: Vec<u32>,
}

/// A model that was made elsewhere.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "Kept", into = "Kept")]
pub struct Network {
    kept: Kept,
    graph: Arc<Graph>,
    way: Way,
}

/// How rows go in and answers come out.
#[derive(Clone, Debug, PartialEq)]
struct Way {
    /// The rows as they go in.
    reads: Reads,
    /// The output that counts.
    gives: usize,
    /// It is the second class' probability alone.
    single: bool,
    /// Several rows may go in at once.
    many: bool,
}

/// The rows as they go in.
#[derive(Clone, Debug, PartialEq)]
enum Reads {
    /// All features side by side, as elements of a type.
    Table(i32),
    /// Each input is a feature: its place, its type, and whether it has two axes.
    Columns(Vec<(usize, i32, bool)>),
}

impl PartialEq for Network {
    fn eq(&self, other: &Self) -> bool {
        self.kept == other.kept
    }
}

impl std::fmt::Debug for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Network({} bytes, {:?})", self.kept.bytes.0.len(), self.way)
    }
}

impl From<Network> for Kept {
    fn from(network: Network) -> Self {
        network.kept
    }
}

impl TryFrom<Kept> for Network {
    type Error = String;

    fn try_from(kept: Kept) -> Result<Self, String> {
        let graph = Graph::read(&kept.bytes.0).map_err(|unfit| unfit.message)?;
        Self::fitted(kept, graph).map_err(|fault| fault.message)
    }
}

/// Reads a file that a program left.
///
/// # Errors
/// `bad-onnx` if it is none; `unknown-operators` with all of them if it uses such that can't be run here.
pub fn read(bytes: &[u8]) -> Result<Graph, Fault> {
    Graph::read(bytes).map_err(|unfit| {
        if unfit.operators.is_empty() {
            return Fault::new("bad-onnx", format!("the network can't be used: {}", unfit.message));
        }
        let names: Vec<String> = unfit
            .operators
            .iter()
            .map(|(name, count)| if *count == 1 { format!("`{name}`") } else { format!("`{name}` ({count} times)") })
            .collect();
        Fault::new("unknown-operators", format!("{}: {}", unfit.message, names.join(", ")))
            .help("export it with plainer operators; the documentation lists those that are known")
    })
}

impl Network {
    /// Puts a file to work on rows of `features`. `order` tells for each class where its probability stands among the
    /// network's; it is empty for numbers.
    ///
    /// # Errors
    /// If the network reads other columns or gives other answers.
    pub fn new(bytes: Vec<u8>, task: Task, features: &[String], order: Vec<u32>) -> Result<Self, Fault> {
        let graph = read(&bytes)?;
        Self::fitted(Kept { bytes: Bytes(bytes), task, features: features.to_vec(), order }, graph)
    }

    fn fitted(kept: Kept, graph: Graph) -> Result<Self, Fault> {
        if kept.features.is_empty() {
            return Err(unfit("a network reads features, and there is none"));
        }
        let mut taken = kept.order.clone();
        taken.sort_unstable();
        let whole = taken.iter().enumerate().all(|(nth, place)| nth == *place as usize);
        if !whole || (kept.task == Task::Regression) != kept.order.is_empty() {
            return Err(unfit("the network's classes don't hang together"));
        }
        let reads = reads(&graph, &kept.features)?;
        let way = Way { reads, gives: 0, single: false, many: false };
        let mut network = Self { kept, graph: Arc::new(graph), way };
        network.try_out()?;
        Ok(network)
    }

    /// Runs a few rows, to see what comes out and whether several rows may go in at once.
    fn try_out(&mut self) -> Result<(), Fault> {
        let columns = self.kept.features.len();
        let rows: Vec<f64> = (0..3 * columns).map(|at| (at % 7) as f64 / 4.0).collect();
        let failed = |why: String| unfit(format!("the network doesn't run on rows of {columns} features: {why}"));
        let one = self.run(&rows[..columns], columns).map_err(failed)?;
        let (gives, single) = self.output(&one)?;
        (self.way.gives, self.way.single) = (gives, single);
        let outputs = self.outputs();
        let mut apart = vec![0.0; 3 * outputs];
        for (row, into) in rows.chunks(columns).zip(apart.chunks_mut(outputs)) {
            self.answer(row, columns, into).map_err(failed)?;
        }
        let mut at_once = vec![0.0; 3 * outputs];
        let same = self.answer(&rows, columns, &mut at_once).is_ok()
            && apart.iter().zip(&at_once).all(|(a, b)| a.to_bits() == b.to_bits());
        self.way.many = same;
        Ok(())
    }

    /// The output that counts: each class' probability, that of the second alone, or a number.
    fn output(&self, made: &[Tensor]) -> Result<(usize, bool), Fault> {
        let classes = self.kept.order.len();
        let is_float = |tensor: &Tensor| matches!(tensor.values, Values::F32(_) | Values::F64(_));
        let is_wide = |tensor: &Tensor| is_float(tensor) && tensor.shape == [1, classes];
        let is_one = |tensor: &Tensor| is_float(tensor) && matches!(tensor.shape[..], [1] | [1, 1]);
        let find = |fits: &dyn Fn(&Tensor) -> bool| {
            let mut fitting: Vec<usize> = (0..made.len()).filter(|nth| fits(&made[*nth])).collect();
            fitting.sort_by_key(|nth| !self.graph.outputs[*nth].name.contains("prob"));
            fitting.first().copied()
        };
        let found = match self.kept.task {
            Task::Regression => find(&is_one).map(|nth| (nth, false)),
            Task::Classification => {
                let single = || find(&is_one).filter(|_| classes == 2).map(|nth| (nth, true));
                find(&is_wide).map(|nth| (nth, false)).or_else(single)
            }
        };
        found.ok_or_else(|| {
            let shapes = self.graph.outputs.iter().zip(made);
            let shapes = shapes.map(|(port, tensor)| format!("`{}` of shape {:?}", port.name, tensor.shape));
            let wanted = match self.kept.task {
                Task::Regression => "a number".to_owned(),
                Task::Classification => format!("the probabilities of {classes} classes"),
            };
            let gives: Vec<String> = shapes.collect();
            unfit(format!("for a row the network gives {}, and not {wanted}", gives.join(", ")))
        })
    }

    fn run(&self, rows: &[f64], columns: usize) -> Result<Vec<Tensor>, String> {
        let count = rows.len() / columns;
        let inputs = match &self.way.reads {
            Reads::Table(element) => vec![tensor(vec![count, columns], rows.to_vec(), *element)?],
            Reads::Columns(places) => places
                .iter()
                .map(|(place, element, two)| {
                    let column = rows.iter().skip(*place).step_by(columns).copied().collect();
                    tensor(if *two { vec![count, 1] } else { vec![count] }, column, *element)
                })
                .collect::<Result<_, _>>()?,
        };
        self.graph.run(inputs)
    }

    /// What it says of rows that go in at once.
    fn answer(&self, rows: &[f64], columns: usize, into: &mut [f64]) -> Result<(), String> {
        let made = self.run(rows, columns)?;
        let found = made[self.way.gives].floats().ok_or("texts came out")?;
        let outputs = self.outputs();
        let of_row = if self.way.single { 1 } else { outputs };
        if found.len() * outputs != into.len() * of_row {
            return Err("other shapes came out than when it was tried".to_owned());
        }
        for (own, into) in found.chunks(of_row).zip(into.chunks_mut(outputs)) {
            if self.kept.order.is_empty() {
                into[0] = own[0];
                continue;
            }
            for (into, place) in into.iter_mut().zip(&self.kept.order) {
                *into = match (self.way.single, place) {
                    (true, 0) => 1.0 - own[0],
                    (true, _) => own[0],
                    (false, place) => own[*place as usize],
                };
            }
        }
        Ok(())
    }
}

impl Fitted for Network {
    fn task(&self) -> Task {
        self.kept.task
    }

    fn columns(&self) -> Option<usize> {
        Some(self.kept.features.len())
    }

    fn outputs(&self) -> usize {
        self.kept.order.len().max(1)
    }

    fn importance(&self) -> Option<&[f64]> {
        None
    }

    fn row(&self, row: &[f64], into: &mut [f64]) {
        self.rows(row, row.len(), into);
    }

    /// A row that an operator can't take (a table that is asked for a place beyond its end) has no answer: NaN.
    fn rows(&self, rows: &[f64], columns: usize, into: &mut [f64]) {
        assert_eq!(columns, self.kept.features.len(), "one value a feature");
        if (self.way.many || rows.len() == columns) && self.answer(rows, columns, into).is_ok() {
            return;
        }
        let outputs = self.outputs();
        for (row, into) in rows.chunks(columns).zip(into.chunks_mut(outputs)) {
            if self.answer(row, columns, into).is_err() {
                into.fill(f64::NAN);
            }
        }
    }

    /// It was read and tried out when it was made.
    fn is_sound(&self) -> bool {
        true
    }
}

fn unfit(message: impl Into<String>) -> Fault {
    Fault::new("bad-onnx", message)
}

fn tensor(shape: Vec<usize>, values: Vec<f64>, element: i32) -> Result<Tensor, String> {
    kernel::cast(&Tensor::new(shape, Values::F64(values))?, element)
}

/// How the features go in: side by side, or one an input.
fn reads(graph: &Graph, features: &[String]) -> Result<Reads, Fault> {
    let ports = &graph.inputs;
    let element = |port: &Port| match port.element {
        Some(element) if [proto::element::FLOAT, proto::element::DOUBLE, proto::element::INT64].contains(&element) => {
            Ok(element)
        }
        _ => Err(unfit(format!("the network's input `{}` isn't of numbers", port.name))),
    };
    if let [port] = &ports[..] {
        let element = element(port)?;
        let width = port.shape.as_ref().and_then(|shape| *shape.last()?);
        let shown = || list(features.iter().map(String::as_str));
        if let Some(width) = width.filter(|width| *width != features.len() as i64) {
            let message = format!("the network reads {width} columns, and there are {} features", features.len());
            return Err(unfit(message).help(format!("the features are {}", shown())));
        }
        return Ok(Reads::Table(element));
    }
    let mut places = Vec::new();
    for port in ports {
        let Some(place) = features.iter().position(|name| *name == port.name) else {
            let message = format!("the network reads `{}`, which isn't among the features", port.name);
            return Err(
                unfit(message).maybe_help(crate::source::suggest(&port.name, features.iter().map(String::as_str)))
            );
        };
        let two = port.shape.as_ref().is_none_or(|shape| shape.len() != 1);
        places.push((place, element(port)?, two));
    }
    let spare = (0..features.len()).find(|place| places.iter().all(|(taken, _, _)| taken != place));
    match spare {
        None if !places.is_empty() => Ok(Reads::Columns(places)),
        None => Err(unfit("the network reads nothing")),
        Some(place) => Err(unfit(format!("the network doesn't read the feature `{}`", features[place]))
            .help("take it out of the table, or train the network with it")),
    }
}
