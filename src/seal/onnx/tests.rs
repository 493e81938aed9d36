//! Every model of the catalogue, exported and run by the runtime of this program, against what the sealed model says.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::export;
use crate::data::{Kind, Matrix, Value};
use crate::learn::onnx::proto::element;
use crate::learn::onnx::{Graph, Tensor, Values};
use crate::learn::{
    Calibrate, Calibrated, Calibration, Ensemble, Estimator, Hard, HeldOut, Member, Mix, ModelEntry, Target, Task,
    Training, Transform, Transformed, models,
};
use crate::recipe::RowStep;
use crate::seal::{FORMAT, Feature, InputField, Sealed, Trained};

const ROWS: usize = 240;
const ISLANDS: [&str; 3] = ["Biscoe", "Dream", "Torgersen"];

/// A record: two numbers, a truth, and a text; every so often one is missing, where that is wanted.
fn record(row: usize, missing: bool) -> Vec<Value> {
    let number = |pace: usize| ((row * pace) % 97) as f64 / 9.7 - 5.0;
    let gone = |nth: usize| missing && (row + 3 * nth).is_multiple_of(11);
    let or_null = |nth: usize, value: Value| if gone(nth) { Value::Null } else { value };
    vec![
        or_null(0, Value::Float(number(31))),
        or_null(1, Value::Int(((row * 57) % 23) as i64 - 11)),
        or_null(2, Value::Bool(row.is_multiple_of(3))),
        or_null(3, Value::str(ISLANDS[row * 7 % 3])),
    ]
}

/// The answers follow the features, with some noise.
fn score(row: usize) -> f64 {
    let record = record(row, false);
    let number = |nth: usize| record[nth].as_f64().unwrap_or(0.0);
    let island = if record[3] == Value::str("Dream") { 2.0 } else { 0.0 };
    number(0) * 0.7 - number(1) * 0.2 + number(2) + island + ((row * 13) % 7) as f64 / 5.0
}

fn target(task: Task, classes: usize) -> Target {
    match task {
        Task::Regression => Target::Numbers((0..ROWS).map(score).collect()),
        Task::Classification => {
            let code = |row: usize| ((score(row) + 3.0) / 6.0 * classes as f64).clamp(0.0, classes as f64 - 1.0) as u32;
            Target::Classes { codes: (0..ROWS).map(code).collect(), count: classes }
        }
    }
}

/// A sealed model of four columns, its text as a category or as its length is not asked.
fn sealed(entry: &ModelEntry, with: &Json, task: Task, classes: usize) -> Sealed {
    let features = features(entry);
    let read = |row: usize| record(row, entry.missing);
    let values = features.iter().flat_map(|feature| {
        let place = ["number", "count", "truth", "island"].iter().position(|name| *name == feature.name);
        (0..ROWS).map(move |row| feature.read(&read(row)[place.expect("a column")]))
    });
    let names = features.iter().map(|feature| feature.name.clone()).collect();
    let x = Matrix::new(names, ROWS, values.collect());
    let x = x.with_levels(features.iter().map(Feature::levels).collect());
    let y = target(task, classes);
    let model = (entry.check)(with.clone()).unwrap_or_else(|faults| panic!("{}: {faults:?}", entry.name));
    let estimator = model.fit(&Training::new(&x, &y)).unwrap_or_else(|fault| panic!("{}: {fault:?}", entry.name));
    let trained = Trained {
        model: entry.name.to_owned(),
        version: 1,
        target: "y".to_owned(),
        kind: if task == Task::Regression { Kind::Float } else { Kind::Category },
        task,
        classes: if task == Task::Regression {
            Vec::new()
        } else {
            (0..classes).map(|nth| Value::str(format!("c{nth}"))).collect()
        },
        positive: None,
        threshold: None,
        features,
        missing: entry.missing,
        rows: ROWS as u64,
        estimator,
    };
    let fields = [("number", Kind::Float), ("count", Kind::Int), ("truth", Kind::Bool), ("island", Kind::Category)];
    Sealed {
        format: FORMAT,
        ops: BTreeMap::new(),
        signature: fields.iter().map(|(name, kind)| InputField::new(name, *kind, None, &[])).collect(),
        steps: vec![RowStep::set(Vec::new())],
        trained,
        reference: Vec::new(),
        samples: Vec::new(),
    }
}

fn features(entry: &ModelEntry) -> Vec<Feature> {
    let mut features: Vec<Feature> = ["number", "count", "truth"].map(Feature::number).to_vec();
    if entry.categories {
        features.push(Feature::category("island", ISLANDS.map(Value::str).to_vec()));
    }
    features
}

/// Runs an exported file on records.
fn run(bytes: &[u8], records: &[Vec<Value>]) -> BTreeMap<String, Tensor> {
    let graph = Graph::read(bytes).unwrap_or_else(|why| panic!("{why:?}"));
    let column = |nth: usize, element: i32| {
        let cells = records.iter().map(|record| &record[nth]);
        match element {
            element::STRING => Values::Str(
                cells.map(|cell| if cell.is_null() { "".into() } else { cell.to_string().into() }).collect(),
            ),
            _ => Values::F64(cells.map(|cell| cell.as_f64().unwrap_or(f64::NAN)).collect()),
        }
    };
    let inputs = graph.inputs.iter().enumerate().map(|(nth, port)| {
        Tensor::new(vec![records.len(), 1], column(nth, port.element.expect("a tensor"))).expect("a column")
    });
    let made = graph.run(inputs.collect()).unwrap_or_else(|why| panic!("{why}"));
    graph.outputs.iter().map(|port| port.name.clone()).zip(made).collect()
}

/// Small models of each kind, in some of their forms.
fn forms(name: &str) -> Vec<Json> {
    let text = match name {
        "random_forest" | "extra_trees" => "[{\"n_estimators\": 7, \"max_depth\": 5}]",
        "neural_network" => {
            "[{\"hidden_layer_sizes\": [5], \"max_iter\": 20}, {\"hidden_layer_sizes\": [4, 3], \"activation\": \"tanh\", \"max_iter\": 20}]"
        }
        "svm" => {
            "[{}, {\"kernel\": \"linear\"}, {\"probability\": false}, {\"kernel\": \"linear\", \"probability\": false}, {\"kernel\": \"poly\", \"degree\": 2, \"probability\": false}, {\"kernel\": \"sigmoid\", \"probability\": false}]"
        }
        "knn" => "[{}, {\"weights\": \"distance\", \"metric\": \"manhattan\", \"n_neighbors\": 3}]",
        _ => "[{}]",
    };
    serde_json::from_str(text).expect("JSON")
}

fn agrees(entry: &ModelEntry, with: &Json, task: Task, classes: usize) {
    let what = format!("{} {with} {} {classes}", entry.name, task.name());
    check(&what, &sealed(entry, with, task, classes));
}

/// The exported file says what the sealed model says, of records with and without missing values.
fn check(what: &str, sealed: &Sealed) {
    let (task, classes) = (sealed.trained.task, sealed.trained.classes.len());
    let bytes = export(sealed).unwrap_or_else(|fault| panic!("{what}: {}", fault.message));
    let predictor = Sealed::open(&sealed.to_bytes()).unwrap_or_else(|fault| panic!("{what}: {fault:?}"));
    let records: Vec<Vec<Value>> = (0..ROWS + 60).map(|row| record(row, row % 2 == 1)).collect();
    let found = run(&bytes, &records);
    let Values::Bool(refused) = &found["refused"].values else { panic!("truths") };
    // A network is run in 32 bits here and in 64 there.
    let slack = if sealed.trained.model == "neural_network" { 2e-5 } else { 2e-6 };
    let mut answered = 0;
    for (row, record) in records.iter().enumerate() {
        let Ok(answer) = predictor.answer(record) else {
            assert!(refused[row], "{what}: row {row} is refused here only");
            continue;
        };
        assert!(!refused[row], "{what}: row {row} is refused there only");
        answered += 1;
        if task == Task::Regression {
            let (ours, theirs) =
                (answer.prediction.as_f64().expect("a number"), found["prediction"].floats().expect("numbers")[row]);
            assert!((ours - theirs).abs() <= slack * ours.abs().max(1.0), "{what}, row {row}: {ours} and {theirs}");
            continue;
        }
        let probabilities = found["probabilities"].floats().expect("numbers");
        let theirs = &probabilities[row * classes..(row + 1) * classes];
        let near = answer.probability.iter().zip(theirs).all(|(a, b)| (a - b).abs() <= slack);
        assert!(near, "{what}, row {row}: {:?} and {theirs:?}", answer.probability);
        let Values::Str(labels) = &found["label"].values else { panic!("texts") };
        let at = sealed.trained.threshold.unwrap_or_else(|| answer.probability.iter().copied().fold(0.0, f64::max));
        let near = answer.probability.iter().filter(|p| (at - **p).abs() < slack).count();
        let told = if sealed.trained.threshold.is_some() { near == 0 } else { near == 1 };
        assert!(!told || Value::Str(labels[row].clone()) == answer.prediction, "{what}, row {row}");
    }
    assert!(answered > ROWS / 2, "{what}: {answered} rows are answered");
}

#[test]
fn every_model_goes_and_says_the_same() {
    for entry in models() {
        for with in forms(entry.name) {
            for task in entry.tasks {
                match task {
                    Task::Regression => agrees(entry, &with, *task, 0),
                    Task::Classification => [2, 3].iter().for_each(|classes| agrees(entry, &with, *task, *classes)),
                }
            }
        }
    }
}

#[test]
fn what_follows_a_model_goes_too() {
    let entry = crate::learn::find_model("random_forest").expect("a model");
    let with = &forms("random_forest")[0];
    for classes in [2, 3] {
        for (name, how) in [("logistic_regression", Calibrate::Sigmoid), ("random_forest", Calibrate::Isotonic)] {
            let entry = crate::learn::find_model(name).expect("a model");
            let mut sealed = sealed(entry, &forms(name)[0], Task::Classification, classes);
            let Target::Classes { codes, .. } = target(Task::Classification, classes) else { panic!("classes") };
            // Any probabilities do to fit a curve.
            let values: Vec<f64> = (0..ROWS)
                .flat_map(|row| {
                    let own = 0.2 + 0.6 * ((row * 37) % 101) as f64 / 101.0;
                    let rest = (1.0 - own) / (classes - 1) as f64;
                    (0..classes).map(move |class| if class == (row * 5) % classes { own } else { rest })
                })
                .collect();
            let held = HeldOut { codes: &codes, classes, values: &values, weights: None };
            let calibration = Calibration::fit(how, &sealed.trained.estimator, &held).expect("a calibration");
            let inner = Box::new(sealed.trained.estimator.clone());
            sealed.trained.estimator = Estimator::Calibrated(Calibrated { inner, calibration });
            check(&format!("{name}, calibrated, {classes} classes"), &sealed);
            if classes == 2 {
                sealed.trained.positive = Some(0);
                sealed.trained.threshold = Some(0.37);
                check(&format!("{name}, with a threshold"), &sealed);
            }
        }
    }
    // The normal distribution of `quantile` has no operator.
    for transform in Transform::ALL.into_iter().filter(|transform| *transform != Transform::Quantile) {
        let mut sealed = sealed(entry, with, Task::Regression, 0);
        let inner = Box::new(sealed.trained.estimator.clone());
        let scale = transform.fit(&[-0.5, 0.1, 0.2, 0.4, 1.0, 3.0, 5.0]).expect("a scale");
        sealed.trained.estimator = Estimator::Transformed(Transformed { inner, transform: scale });
        check(transform.name(), &sealed);
    }
}

#[test]
fn ensembles_go_with_their_members() {
    let entry = |name| crate::learn::find_model(name).expect("a model");
    for (task, classes) in [(Task::Regression, 0), (Task::Classification, 2), (Task::Classification, 3)] {
        let whole = sealed(entry("random_forest"), &forms("random_forest")[0], task, classes);
        let few = sealed(entry("baseline"), &Json::Null, task, classes).trained.estimator;
        let second = sealed(entry("decision_tree"), &Json::Null, task, classes).trained;
        assert_eq!(second.features, whole.trained.features, "both read the same");
        let columns: Vec<u32> = (0..whole.trained.features.len() as u32).collect();
        for hard in [None, Some(Hard { threshold: None, positive: 1 })] {
            let hard = hard.filter(|_| task == Task::Classification);
            let member = |estimator: &Estimator, columns: &[u32]| Member {
                columns: columns.to_vec(),
                estimator: estimator.clone(),
                hard,
            };
            let members = vec![
                member(&whole.trained.estimator, &columns),
                member(&few, &[]),
                member(&second.estimator, &columns),
            ];
            let mix = Mix { task, outputs: classes.max(1), weights: vec![0.5, 0.2, 0.3] };
            let mut sealed = whole.clone();
            sealed.trained.estimator = Estimator::Ensemble(Ensemble::new(columns.len(), members, Estimator::Mix(mix)));
            check(&format!("an ensemble, {} {classes}, {hard:?}", task.name()), &sealed);
        }
    }
}

#[test]
fn a_class_that_never_occurred_has_no_chance() {
    let entry = crate::learn::find_model("logistic_regression").expect("a model");
    let mut sealed = sealed(entry, &Json::Null, Task::Classification, 3);
    let crate::learn::Estimator::Logistic(logistic) = &mut sealed.trained.estimator else { panic!("a logistic model") };
    logistic.present = vec![0, 2, 3];
    logistic.count = 4;
    sealed.trained.classes.push(Value::str("c3"));
    let found = run(&export(&sealed).expect("it goes"), &[record(0, false), record(1, false)]);
    let probabilities = found["probabilities"].floats().expect("numbers").into_owned();
    assert_eq!((probabilities[1], probabilities[5]), (0.0, 0.0));
    assert!((probabilities[..4].iter().sum::<f64>() - 1.0).abs() < 1e-12);
}

#[test]
fn what_the_contract_forbids_is_refused_and_labels_keep_their_type() {
    let entry = crate::learn::find_model("baseline").expect("a model");
    let mut sealed = sealed(entry, &Json::Null, Task::Classification, 2);
    sealed.trained.classes = vec![Value::Int(4), Value::Int(9)];
    sealed.trained.kind = Kind::Int;
    sealed.signature[0].max = Some(2.0);
    sealed.signature[1].one_of = vec![Value::Int(1), Value::Int(2)];
    sealed.signature[3].one_of = vec![Value::str("Dream")];
    sealed.signature[3].missing = vec!["?".to_owned()];
    let row = |number: f64, count: f64, island: &str| {
        vec![Value::Float(number), Value::Float(count), Value::Bool(true), Value::str(island)]
    };
    let records = [
        row(1.0, 1.0, "Dream"),
        row(2.5, 1.0, "Dream"),
        row(1.0, 3.0, "Dream"),
        row(1.0, 1.5, "Dream"),
        row(1.0, 1.0, "Biscoe"),
        row(1.0, 2.0, "?"),
    ];
    let found = run(&export(&sealed).expect("it goes"), &records);
    assert_eq!(
        found["refused"].values,
        Values::Bool(vec![false, true, true, true, true, entry.categories && !entry.missing])
    );
    assert!(matches!(found["label"].values, Values::I64(_)));
    assert!(found["probabilities"].floats().expect("numbers")[2].is_nan());
}
