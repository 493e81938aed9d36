//! A file made ready to run: its operators in order, its constants, what it reads and gives.

use std::collections::{BTreeMap, HashMap};

use prost::Message;

use super::kernel;
use super::proto::{ModelProto, ValueInfo};
use super::spec::{Op, Spec};
use super::tensor::{MOST, Tensor};

/// The latest set of ONNX's own operators that is known here.
const NEWEST: i64 = 22;

/// Something that is read or given.
#[derive(Clone, Debug, PartialEq)]
pub struct Port {
    /// Its name.
    pub name: String,
    /// What it holds: one of the constants of `element`; `None` for maps and sequences.
    pub element: Option<i32>,
    /// Its size along each axis, where that is fixed; `None` if nothing is known.
    pub shape: Option<Vec<Option<i64>>>,
}

struct Act {
    name: String,
    op: Op,
    inputs: Vec<Option<usize>>,
    outputs: Vec<Option<usize>>,
    /// Values that nothing after this reads.
    done: Vec<usize>,
}

/// A graph of operators.
pub struct Graph {
    /// What it reads.
    pub inputs: Vec<Port>,
    /// What it gives.
    pub outputs: Vec<Port>,
    /// The classes that its last classifier names, in the order of its scores.
    pub classes: Option<Vec<String>>,
    acts: Vec<Act>,
    constants: Vec<Option<Tensor>>,
    reads: Vec<usize>,
    gives: Vec<usize>,
}

/// Why a file can't be run.
#[derive(Clone, Debug, PartialEq)]
pub struct Unfit {
    /// In words.
    pub message: String,
    /// The operators that aren't known, each with how often it stands there.
    pub operators: BTreeMap<String, usize>,
}

impl From<String> for Unfit {
    fn from(message: String) -> Self {
        Self { message, operators: BTreeMap::new() }
    }
}

impl From<&str> for Unfit {
    fn from(message: &str) -> Self {
        Self::from(message.to_owned())
    }
}

impl Graph {
    /// Reads a file.
    ///
    /// # Errors
    /// If the bytes are no ONNX file, aren't whole, or use operators that aren't known here: then all of them are told.
    pub fn read(bytes: &[u8]) -> Result<Self, Unfit> {
        let model = ModelProto::decode(bytes).map_err(|_| "it isn't an ONNX file")?;
        Self::new(&model)
    }

    /// Makes a model ready.
    ///
    /// # Errors
    /// As `read`.
    pub fn new(model: &ModelProto) -> Result<Self, Unfit> {
        let graph = model.graph.as_ref().ok_or("it isn't an ONNX file")?;
        let opset = model.opset_import.iter().find(|set| set.domain.is_empty() || set.domain == "ai.onnx");
        let opset = opset.map_or(1, |set| set.version);
        if opset > NEWEST {
            return Err(format!(
                "it is written for version {opset} of ONNX's operators, and {NEWEST} is the last known here"
            )
            .into());
        }
        let mut names = HashMap::new();
        let mut constants: Vec<Option<Tensor>> = Vec::new();
        for proto in &graph.initializer {
            names.insert(proto.name.as_str(), constants.len());
            constants.push(Some(Tensor::read(proto)?));
        }
        let (mut inputs, mut reads) = (Vec::new(), Vec::new());
        for info in &graph.input {
            // An old file names its constants among its inputs too.
            if !names.contains_key(info.name.as_str()) {
                names.insert(info.name.as_str(), constants.len());
                reads.push(constants.len());
                inputs.push(port(info));
                constants.push(None);
            }
        }
        let mut unknown = BTreeMap::new();
        let mut acts = Vec::new();
        let mut classes = None;
        for node in &graph.node {
            let spec = Spec { node, opset };
            let Some(op) = kernel::op(&spec) else {
                let set = if node.domain.is_empty() { String::new() } else { format!("{}.", node.domain) };
                *unknown.entry(format!("{set}{}", node.op_type)).or_insert(0) += 1;
                continue;
            };
            let told = |message: String| Unfit::from(format!("its operator `{}`: {message}", node.op_type));
            let op = op.map_err(told)?;
            classes = kernel::classes(&spec).or(classes);
            let find = |name: &String| match name.as_str() {
                "" => Ok(None),
                name => names
                    .get(name)
                    .copied()
                    .map(Some)
                    .ok_or_else(|| told(format!("it reads `{name}`, which nothing makes"))),
            };
            // What an operator that isn't known makes is missing too.
            let from = match node.input.iter().map(find).collect::<Result<Vec<_>, _>>() {
                Ok(from) => from,
                Err(_) if !unknown.is_empty() => continue,
                Err(unfit) => return Err(unfit),
            };
            let mut to = Vec::new();
            for name in &node.output {
                if name.is_empty() {
                    to.push(None);
                    continue;
                }
                if names.insert(name.as_str(), constants.len()).is_some() {
                    return Err(told(format!("it makes `{name}` a second time")));
                }
                to.push(Some(constants.len()));
                constants.push(None);
            }
            acts.push(Act { name: node.op_type.clone(), op, inputs: from, outputs: to, done: Vec::new() });
        }
        if !unknown.is_empty() {
            return Err(Unfit { message: "it uses operators that can't be run here".to_owned(), operators: unknown });
        }
        let mut gives = Vec::new();
        for info in &graph.output {
            let found = names.get(info.name.as_str()).copied();
            gives.push(found.ok_or_else(|| format!("nothing makes its output `{}`", info.name))?);
        }
        let outputs = graph.output.iter().map(port).collect();
        let mut made = Self { inputs, outputs, classes, acts, constants, reads, gives };
        made.fold()?;
        made.forget();
        Ok(made)
    }

    /// Works out what depends on constants only.
    fn fold(&mut self) -> Result<(), Unfit> {
        let mut held = 0;
        for act in std::mem::take(&mut self.acts) {
            let fixed = act.inputs.iter().flatten().all(|at| self.constants[*at].is_some());
            if !fixed {
                self.acts.push(act);
                continue;
            }
            let inputs: Vec<Option<&Tensor>> =
                act.inputs.iter().map(|at| at.and_then(|at| self.constants[at].as_ref())).collect();
            let made = (act.op)(&inputs).map_err(|why| format!("its operator `{}`: {why}", act.name))?;
            for (at, tensor) in act.outputs.iter().zip(made) {
                held += tensor.values.len();
                if held > MOST {
                    return Err("its constants are too large together".to_owned().into());
                }
                if let Some(at) = at {
                    self.constants[*at] = Some(tensor);
                }
            }
        }
        Ok(())
    }

    /// Notes after which operator a value isn't read any more.
    fn forget(&mut self) {
        let mut seen: std::collections::HashSet<usize> = self.gives.iter().copied().collect();
        for act in self.acts.iter_mut().rev() {
            for at in act.inputs.iter().flatten().chain(act.outputs.iter().flatten()) {
                if seen.insert(*at) {
                    act.done.push(*at);
                }
            }
        }
    }

    /// Runs it: `inputs` in its order, what comes out in the order of its outputs.
    ///
    /// # Errors
    /// If the inputs' shapes don't fit its operators.
    pub fn run(&self, inputs: Vec<Tensor>) -> Result<Vec<Tensor>, String> {
        let mut values: Vec<Option<Tensor>> = vec![None; self.constants.len()];
        for (at, tensor) in self.reads.iter().zip(inputs) {
            values[*at] = Some(tensor);
        }
        for act in &self.acts {
            let of = |at: usize| values[at].as_ref().or(self.constants[at].as_ref());
            let inputs: Vec<Option<&Tensor>> = act.inputs.iter().map(|at| at.and_then(of)).collect();
            let made = (act.op)(&inputs).map_err(|why| format!("`{}`: {why}", act.name))?;
            for (at, tensor) in act.outputs.iter().zip(made) {
                if let Some(at) = at {
                    values[*at] = Some(tensor);
                }
            }
            for at in &act.done {
                values[*at] = None;
            }
        }
        let given = |at: &usize| values[*at].clone().or_else(|| self.constants[*at].clone());
        self.gives.iter().map(given).collect::<Option<Vec<_>>>().ok_or_else(|| "an output isn't made".to_owned())
    }
}

fn port(info: &ValueInfo) -> Port {
    let dims = info.dims();
    Port {
        name: info.name.clone(),
        element: dims.as_ref().map(|(element, _)| *element),
        shape: dims.and_then(|(_, shape)| shape),
    }
}
