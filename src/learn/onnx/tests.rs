//! Networks of scikit-learn and others: run, refused, damaged.

use prost::Message;
use serde_json::Value as Json;

use super::proto::{GraphProto, ModelProto, NodeProto, OperatorSet, TensorProto, ValueInfo, element};
use super::*;
use crate::data::Matrix;
use crate::learn::chance::Chance;
use crate::learn::{Estimator, Prediction};

fn file(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/onnx/{name}.onnx", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|why| panic!("{path}: {why}"))
}

fn told() -> Json {
    let path = format!("{}/tests/onnx/told.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).expect("a file")).expect("JSON")
}

fn lists(json: &Json) -> Vec<Vec<f64>> {
    serde_json::from_value(json.clone()).expect("lists of numbers")
}

fn names(json: &Json) -> Vec<String> {
    serde_json::from_value(json.clone()).expect("texts")
}

fn matrix(rows: &[Vec<f64>], columns: &[String]) -> Matrix {
    let values = (0..columns.len()).flat_map(|column| rows.iter().map(move |row| row[column])).collect();
    Matrix::new(columns.to_vec(), rows.len(), values)
}

#[test]
fn networks_say_what_scikit_learn_says() {
    let told = told();
    let (columns, rows) = (names(&told["columns"]), lists(&told["rows"]));
    for (name, wanted) in told["probabilities"].as_object().expect("an object") {
        let wanted = lists(wanted);
        let classes = wanted[0].len();
        let network = Network::new(file(name), Task::Classification, &columns, (0..classes as u32).collect());
        let network = network.unwrap_or_else(|fault| panic!("{name}: {}", fault.message));
        assert!(network.way.many, "{name} takes several rows at once");
        let found = Estimator::Onnx(network).predict(&matrix(&rows, &columns)).expect("probabilities");
        let Prediction::Probabilities { values, .. } = found else { panic!("classes") };
        near(name, &values, &wanted.concat(), 1e-5);
    }
    for (name, wanted) in told["numbers"].as_object().expect("an object") {
        let wanted: Vec<f64> = serde_json::from_value(wanted.clone()).expect("numbers");
        let network = Network::new(file(name), Task::Regression, &columns[..3], Vec::new());
        let network = network.unwrap_or_else(|fault| panic!("{name}: {}", fault.message));
        let found = Estimator::Onnx(network).predict(&matrix(&rows, &columns[..3])).expect("numbers");
        let Prediction::Numbers(values) = found else { panic!("numbers") };
        near(name, &values, &wanted, 1e-2);
    }
}

fn near(name: &str, found: &[f64], wanted: &[f64], slack: f64) {
    assert_eq!(found.len(), wanted.len(), "{name}");
    let worst = found.iter().zip(wanted).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(worst <= slack, "{name} is off by {worst}");
}

#[test]
fn classes_come_in_the_order_that_is_asked_for_and_bytes_come_back() {
    let told = told();
    let (columns, rows) = (names(&told["columns"]), lists(&told["rows"]));
    let straight = Network::new(file("net"), Task::Classification, &columns, vec![0, 1, 2]).expect("a network");
    let turned = Network::new(file("net"), Task::Classification, &columns, vec![2, 0, 1]).expect("a network");
    let (mut a, mut b) = ([0.0; 3], [0.0; 3]);
    straight.row(&rows[0], &mut a);
    turned.row(&rows[0], &mut b);
    assert_eq!(b, [a[2], a[0], a[1]]);
    let mut bytes = Vec::new();
    ciborium::into_writer(&Estimator::Onnx(turned.clone()), &mut bytes).expect("written");
    assert!(bytes.len() < turned.kept.bytes.0.len() + 300, "a file is kept as bytes");
    let back: Estimator = ciborium::from_reader(bytes.as_slice()).expect("read");
    assert_eq!(back, Estimator::Onnx(turned));
    assert!(read(&file("forest")).expect("a graph").classes.expect("classes").contains(&"Gentoo".to_owned()));
}

#[test]
fn what_cannot_be_run_is_told_whole() {
    let columns = names(&told()["columns"]);
    let code = |bytes: Vec<u8>, task, columns: &[String], order: Vec<u32>| {
        let fault = Network::new(bytes, task, columns, order).expect_err("a fault");
        (fault.code, fault.message)
    };
    let (code_of, message) = code(file("neighbors"), Task::Classification, &columns, vec![0, 1, 2]);
    assert_eq!(code_of, "unknown-operators");
    assert!(message.contains("`Scan`"), "{message}");
    let (_, message) = code(file("machine"), Task::Classification, &columns, vec![0, 1, 2]);
    assert!(message.contains("`ai.onnx.ml.SVMClassifier`"), "{message}");
    assert_eq!(code(b"no network".to_vec(), Task::Regression, &columns, vec![]).0, "bad-onnx");
    assert_eq!(code(Vec::new(), Task::Regression, &columns, vec![]).0, "bad-onnx");
    let (_, message) = code(file("net"), Task::Classification, &columns[..3], vec![0, 1, 2]);
    assert_eq!(message, "the network reads 4 columns, and there are 3 features");
    let (_, message) = code(file("net"), Task::Classification, &columns, vec![0, 1]);
    assert_eq!(message, "for a row the network gives `output` of shape [1, 3], and not the probabilities of 2 classes");
    let (_, message) = code(file("net"), Task::Regression, &columns, vec![]);
    assert!(message.ends_with("and not a number"), "{message}");
}

/// The documentation lists the operators that are known.
#[test]
fn every_operator_of_the_documentation_is_known() {
    let page = std::fs::read_to_string(format!("{}/docs/onnx.md", env!("CARGO_MANIFEST_DIR"))).expect("a page");
    let list = page.split("### Operators that are known").nth(1).expect("a list");
    let mut parts = list.split('`').skip(1).step_by(2);
    let mut seen = 0;
    for domain in ["", "ai.onnx.ml"] {
        for name in parts.next().expect("names").split_whitespace() {
            let fmod = super::proto::Attribute { name: "fmod".to_owned(), i: 1, ..Default::default() };
            let node = NodeProto {
                op_type: name.to_owned(),
                domain: domain.to_owned(),
                attribute: vec![fmod],
                ..NodeProto::default()
            };
            let spec = super::spec::Spec { node: &node, opset: 15 };
            assert!(kernel::op(&spec).is_some(), "{name}");
            seen += 1;
        }
    }
    assert!(seen > 80, "{seen}");
}

/// A graph of plain nodes over an input `x` of any number of columns.
fn graph(nodes: &[(&str, &[&str], &str)], constants: Vec<TensorProto>) -> Vec<u8> {
    let node = |(op, inputs, output): &(&str, &[&str], &str)| NodeProto {
        input: inputs.iter().map(|&name| name.to_owned()).collect(),
        output: vec![(*output).to_owned()],
        op_type: (*op).to_owned(),
        ..NodeProto::default()
    };
    let graph = GraphProto {
        node: nodes.iter().map(node).collect(),
        name: "test".to_owned(),
        initializer: constants,
        input: vec![ValueInfo::tensor("x", element::FLOAT, &[None, None], "")],
        output: vec![ValueInfo::tensor("y", element::FLOAT, &[None, None], "")],
    };
    let opset_import = vec![OperatorSet { domain: String::new(), version: 13 }];
    ModelProto { ir_version: 8, graph: Some(graph), opset_import, ..ModelProto::default() }.encode_to_vec()
}

#[test]
fn a_file_cannot_ask_for_all_memory_and_rows_do_not_mix() {
    let columns = ["a".to_owned()];
    let huge = TensorProto {
        dims: vec![2],
        data_type: element::INT64,
        int64_data: vec![1 << 40, 1 << 20],
        name: "shape".to_owned(),
        ..TensorProto::default()
    };
    let bytes = graph(&[("Expand", &["x", "shape"], "y")], vec![huge]);
    let fault = Network::new(bytes, Task::Regression, &columns, vec![]).expect_err("a fault");
    assert!(fault.message.contains("too large"), "{}", fault.message);
    // The mean over the rows: what a row gets would depend on those beside it.
    let axes = TensorProto {
        dims: vec![1],
        data_type: element::INT64,
        int64_data: vec![0],
        name: "axes".to_owned(),
        ..TensorProto::default()
    };
    let mixing = graph(&[("ReduceSum", &["x", "axes"], "s"), ("Sub", &["x", "s"], "y")], vec![axes]);
    let network = Network::new(mixing, Task::Regression, &columns, vec![]).expect("a network");
    assert!(!network.way.many);
    let mut found = [9.0; 4];
    network.rows(&[1.0, 2.0, 3.0, 4.0], 1, &mut found);
    assert_eq!(found, [0.0; 4]);
}

/// Whatever stands in a file, it is refused or runs: nothing panics.
#[test]
fn damaged_files_are_refused_or_run() {
    let columns = names(&told()["columns"]);
    let mut chance = Chance::new(7, 0);
    let (mut refused, mut ran) = (0, 0);
    for name in ["logistic", "mlp", "forest", "boosting", "bayes", "net", "normalized", "two_boosting", "extra"] {
        let whole = file(name);
        for round in 0..150 {
            let mut bytes = whole.clone();
            if round % 10 == 0 {
                bytes.truncate(chance.below(bytes.len()));
            }
            for _ in 0..=round % 4 {
                if !bytes.is_empty() {
                    let at = chance.below(bytes.len());
                    bytes[at] = chance.below(256) as u8;
                }
            }
            let order = if name == "two_boosting" { vec![0, 1] } else { vec![0, 1, 2] };
            let (task, order, columns) = match name {
                "extra" => (Task::Regression, Vec::new(), &columns[..3]),
                _ => (Task::Classification, order, &columns[..]),
            };
            match Network::new(bytes, task, columns, order) {
                Ok(network) => {
                    let mut into = vec![0.0; network.outputs() * 2];
                    let rows: Vec<f64> = (0..2 * columns.len()).map(|at| at as f64 * 1e3 - 2e3).collect();
                    network.rows(&rows, columns.len(), &mut into);
                    ran += 1;
                }
                Err(fault) => {
                    assert!(!fault.message.is_empty());
                    refused += 1;
                }
            }
        }
    }
    assert!(refused > 100 && ran > 100, "{refused} refused, {ran} ran");
}
