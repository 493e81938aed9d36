//! A graph that grows operator by operator. Equal constants and equal operators are made once.

use std::collections::{HashMap, HashSet};

use crate::learn::onnx::proto::{Attribute, GraphProto, NodeProto, TensorProto, ValueInfo, attribute, element};

/// The set of operators for classic machine learning.
const ML: &str = "ai.onnx.ml";

/// The name of a tensor in the graph.
pub(super) type Name = String;

/// A graph that grows.
#[derive(Default)]
pub(super) struct Builder {
    graph: GraphProto,
    /// What is made already, by what makes it.
    known: HashMap<Vec<u8>, Vec<Name>>,
    /// How many names were given.
    names: usize,
}

impl Builder {
    /// The graph, without what none of its outputs needs.
    pub(super) fn finish(mut self, outputs: Vec<ValueInfo>) -> GraphProto {
        let mut live: HashSet<Name> = outputs.iter().map(|output| output.name.clone()).collect();
        let mut kept = Vec::new();
        for node in self.graph.node.into_iter().rev() {
            if node.output.iter().any(|name| live.contains(name)) {
                live.extend(node.input.iter().cloned());
                kept.push(node);
            }
        }
        kept.reverse();
        self.graph.node = kept;
        self.graph.initializer.retain(|constant| live.contains(&constant.name));
        self.graph.output = outputs;
        self.graph
    }

    /// An operator of ONNX's own with one output.
    pub(super) fn op(&mut self, op: &str, inputs: &[&str]) -> Name {
        self.op_with(op, inputs, Vec::new())
    }

    /// The same with settings.
    pub(super) fn op_with(&mut self, op: &str, inputs: &[&str], attributes: Vec<Attribute>) -> Name {
        self.node("", op, inputs, attributes, 1).remove(0)
    }

    /// An operator of ONNX's own with two outputs.
    pub(super) fn op_two(&mut self, op: &str, inputs: &[&str], attributes: Vec<Attribute>) -> (Name, Name) {
        let mut made = self.node("", op, inputs, attributes, 2);
        let second = made.remove(1);
        (made.remove(0), second)
    }

    /// An operator of the set for classic machine learning, with one output.
    pub(super) fn ml(&mut self, op: &str, input: &str, attributes: Vec<Attribute>) -> Name {
        self.node(ML, op, &[input], attributes, 1).remove(0)
    }

    fn node(
        &mut self,
        domain: &str,
        op: &str,
        inputs: &[&str],
        attributes: Vec<Attribute>,
        outputs: usize,
    ) -> Vec<Name> {
        let input = inputs.iter().map(|&name| name.to_owned()).collect();
        let mut node = NodeProto {
            input,
            output: Vec::new(),
            name: String::new(),
            op_type: op.to_owned(),
            attribute: attributes,
            domain: domain.to_owned(),
        };
        let key = prost::Message::encode_to_vec(&node);
        if let Some(made) = self.known.get(&key) {
            return made.clone();
        }
        node.output = (0..outputs).map(|_| self.fresh(op)).collect();
        node.name = format!("make_{}", node.output[0]);
        let made = node.output.clone();
        self.graph.node.push(node);
        self.known.insert(key, made.clone());
        made
    }

    /// Gives an output its name in the finished model.
    pub(super) fn call(&mut self, from: &str, name: &str) {
        self.graph.node.push(NodeProto {
            input: vec![from.to_owned()],
            output: vec![name.to_owned()],
            name: format!("give_{name}"),
            op_type: "Identity".to_owned(),
            attribute: Vec::new(),
            domain: String::new(),
        });
    }

    fn fresh(&mut self, what: &str) -> Name {
        self.names += 1;
        format!("{}_{}", what.to_lowercase(), self.names)
    }

    /// A constant tensor.
    pub(super) fn tensor(&mut self, mut proto: TensorProto) -> Name {
        let key = prost::Message::encode_to_vec(&proto);
        if let Some(made) = self.known.get(&key) {
            return made[0].clone();
        }
        proto.name = self.fresh("constant");
        let name = proto.name.clone();
        self.graph.initializer.push(proto);
        self.known.insert(key, vec![name.clone()]);
        name
    }

    /// One float.
    pub(super) fn float(&mut self, value: f64) -> Name {
        self.tensor(doubles(&[1], &[value]))
    }

    /// One integer.
    pub(super) fn int(&mut self, value: i64) -> Name {
        self.tensor(ints(&[1], &[value]))
    }

    /// One truth.
    pub(super) fn truth(&mut self, value: bool) -> Name {
        let data = TensorProto {
            dims: vec![1],
            data_type: element::BOOL,
            int32_data: vec![value.into()],
            ..TensorProto::default()
        };
        self.tensor(data)
    }

    /// One text.
    pub(super) fn text(&mut self, value: &str) -> Name {
        self.tensor(texts(&[value.to_owned()]))
    }

    /// One of two truths. (Engines have no `Where` of truths.)
    pub(super) fn truth_where(&mut self, when: &str, yes: &str, no: &str) -> Name {
        let other = self.op("Not", &[when]);
        let (yes, no) = (self.op("And", &[when, yes]), self.op("And", &[&other, no]));
        self.op("Or", &[&yes, &no])
    }

    /// As another type.
    pub(super) fn cast(&mut self, from: &str, to: i32) -> Name {
        self.op_with("Cast", &[from], vec![int("to", to.into())])
    }

    /// Integers that texts stand for; 0 for all others.
    pub(super) fn places(&mut self, from: &str, keys: &[String], values: &[i64], default: i64) -> Name {
        // An encoder without keys is none.
        if keys.is_empty() {
            return self.ml(
                "LabelEncoder",
                from,
                vec![
                    strings("keys_strings", &[String::new()]),
                    many("values_int64s", &[default]),
                    int("default_int64", default),
                ],
            );
        }
        self.ml(
            "LabelEncoder",
            from,
            vec![strings("keys_strings", keys), many("values_int64s", values), int("default_int64", default)],
        )
    }
}

/// An integer setting.
pub(super) fn int(name: &str, i: i64) -> Attribute {
    Attribute { name: name.to_owned(), i, kind: attribute::INT, ..Attribute::default() }
}

/// A text setting.
pub(super) fn text(name: &str, value: &str) -> Attribute {
    Attribute { name: name.to_owned(), s: value.as_bytes().to_vec(), kind: attribute::STRING, ..Attribute::default() }
}

/// A setting of integers.
pub(super) fn many(name: &str, ints: &[i64]) -> Attribute {
    Attribute { name: name.to_owned(), ints: ints.to_vec(), kind: attribute::INTS, ..Attribute::default() }
}

/// A setting of texts.
pub(super) fn strings(name: &str, values: &[String]) -> Attribute {
    let strings = values.iter().map(|value| value.as_bytes().to_vec()).collect();
    Attribute { name: name.to_owned(), strings, kind: attribute::STRINGS, ..Attribute::default() }
}

/// A setting that is a tensor.
pub(super) fn held(name: &str, mut tensor: TensorProto) -> Attribute {
    tensor.name = name.to_owned();
    Attribute { name: name.to_owned(), t: Some(tensor), kind: attribute::TENSOR, ..Attribute::default() }
}

/// 64-bit floats.
pub(super) fn doubles(dims: &[usize], values: &[f64]) -> TensorProto {
    let raw_data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    TensorProto { dims: sizes(dims), data_type: element::DOUBLE, raw_data, ..TensorProto::default() }
}

/// 64-bit integers.
pub(super) fn ints(dims: &[usize], values: &[i64]) -> TensorProto {
    let raw_data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    TensorProto { dims: sizes(dims), data_type: element::INT64, raw_data, ..TensorProto::default() }
}

/// Texts in a row.
pub(super) fn texts(values: &[String]) -> TensorProto {
    let string_data = values.iter().map(|value| value.as_bytes().to_vec()).collect();
    TensorProto { dims: vec![values.len() as i64], data_type: element::STRING, string_data, ..TensorProto::default() }
}

fn sizes(dims: &[usize]) -> Vec<i64> {
    dims.iter().map(|size| *size as i64).collect()
}
