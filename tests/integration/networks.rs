//! Models that programs bring: evaluated, deployed and refused like any other.

use std::path::Path;

use serde_json::Value as Json;

use crate::mill::{Mill, made, outcomes, step};

const NETS: &str = "name: nets
target: species
sources:
  penguins: {path: data/penguins.csv, missing: [NA]}
steps:
  features:
    transform: penguins
    ops:
      - keep: [species, bill_length_mm, bill_depth_mm, flipper_length_mm, body_mass_g]
      - drop_missing: all
      - split: {test: 0.25, stratify: species}
  net:
    run: [cp, nets/net.onnx, \"{{ outputs.model }}\"]
    inputs: [features]
    code: [nets/net.onnx]
    outputs: {model: {path: net.onnx, kind: model, input: features, classes: [Adelie, Chinstrap, Gentoo]}}
  logistic: {train: features, model: logistic_regression}
  quality:
    evaluate: [net, logistic]
    metrics: [accuracy, log_loss]
    best: log_loss
    require: {accuracy: {min: 0.9}}
  live: {deploy: net, as: penguin-net, to: rest}
";

/// A project with a network of this repository as what its program leaves.
fn project(network: &str) -> Mill {
    let mill = Mill::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    mill.file("data/penguins.csv", &std::fs::read_to_string(root.join("data/penguins.csv")).expect("a file"));
    mill.file("pipelines/nets.yaml", NETS);
    bring(&mill, network);
    mill
}

fn bring(mill: &Mill, network: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/onnx").join(format!("{network}.onnx"));
    std::fs::create_dir_all(mill.at("nets")).expect("made");
    std::fs::copy(file, mill.at("nets/net.onnx")).expect("copied");
}

/// The message of the first error of a run.
fn error(run: &Json) -> &str {
    run["errors"][0]["message"].as_str().unwrap_or_else(|| panic!("{run:#}"))
}

#[test]
fn a_network_is_judged_deployed_and_asked_like_any_model() {
    let mill = project("net");
    mill.fine(&["check"]);
    let run = mill.run(&[]);
    assert_eq!(run["status"], "done", "{run:#}");
    let accuracy = run["metrics"]["quality"]["net.model"]["accuracy"].as_f64().expect("a number");
    assert!(accuracy > 0.95, "{accuracy}");
    assert_eq!(run["deployed"][0]["model"], "penguin-net");
    assert!(outcomes(&mill.run(&[])).iter().all(|(_, outcome)| outcome != "ran"));
    // What scikit-learn says of some penguins.
    let told: Json = serde_json::from_slice(
        &std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/onnx/told.json")).expect("a file"),
    )
    .expect("JSON");
    let columns: Vec<String> = serde_json::from_value(told["columns"].clone()).expect("texts");
    let rows: Vec<Vec<f64>> = serde_json::from_value(told["rows"].clone()).expect("numbers");
    let wanted: Vec<Vec<f64>> = serde_json::from_value(told["probabilities"]["net"].clone()).expect("numbers");
    let lines: Vec<String> =
        rows.iter().map(|row| row.iter().map(f64::to_string).collect::<Vec<_>>().join(",")).collect();
    mill.file("new.csv", &format!("{}\n{}\n", columns.join(","), lines.join("\n")));
    mill.fine(&["predict", "penguin-net", "--in", "new.csv", "-o", "scored.ndjson"]);
    for (line, wanted) in mill.read("scored.ndjson").lines().zip(&wanted) {
        let scored: Json = serde_json::from_str(line).expect("JSON");
        for (class, wanted) in ["Adelie", "Chinstrap", "Gentoo"].iter().zip(wanted) {
            let found = scored[format!("probability_{class}")].as_f64().expect("a number");
            assert!((found - wanted).abs() < 1e-5, "{line}");
        }
    }
    mill.fine(&["get", "net.model", "-o", "back.onnx"]);
    mill.fine(&["get", "net", "-o", "again.onnx"]);
    let bytes = std::fs::read(mill.at("nets/net.onnx")).expect("a file");
    for copy in ["back.onnx", "again.onnx"] {
        assert_eq!(std::fs::read(mill.at(copy)).expect("a file"), bytes, "{copy}");
    }
    for command in
        [&["dag"][..], &["plan"], &["status"], &["show", "net.model"], &["show", "quality"], &["why", "net.model"]]
    {
        mill.fine(command);
    }
    mill.fine(&["models", "show", "penguin-net"]);
    // A network can't go out again: it is a file already.
    let ran = mill.go(&["export", "penguin-net"]);
    assert!(ran.code == 2 && ran.stderr.contains("it was brought as a network"), "{}", ran.stderr);
}

#[test]
fn only_what_depends_on_the_network_is_made_again() {
    let mill = project("net");
    mill.run(&[]);
    bring(&mill, "mlp");
    let run = mill.run(&[]);
    assert_eq!(run["status"], "done", "{run:#}");
    assert_eq!(made(&run), ["net", "net.model", "quality"]);
    assert!(
        step(&run, "net.model")["reason"]
            .as_str()
            .expect("a reason")
            .contains("the network that the program leaves changed"),
        "{run:#}"
    );
    // Another order of classes is another model of the same file.
    mill.edit("pipelines/nets.yaml", "[Adelie, Chinstrap, Gentoo]", "[Adelie, Gentoo, Chinstrap]");
    let run = mill.run(&["nets/net.model"]);
    assert_eq!(made(&run), ["net.model"]);
}

#[test]
fn classes_may_be_named_by_the_network_or_be_sorted() {
    for network in ["forest", "net"] {
        let mill = project(network);
        mill.edit("pipelines/nets.yaml", ", classes: [Adelie, Chinstrap, Gentoo]", "");
        let run = mill.run(&[]);
        assert_eq!(run["status"], "done", "{run:#}");
        let accuracy = run["metrics"]["quality"]["net.model"]["accuracy"].as_f64().expect("a number");
        assert!(accuracy > 0.9, "{network}: {accuracy}");
    }
}

#[test]
fn a_network_of_numbers_predicts_them() {
    let mill = project("line");
    mill.edit("pipelines/nets.yaml", "target: species", "target: body_mass_g")
        .edit("pipelines/nets.yaml", "keep: [species, ", "keep: [")
        .edit("pipelines/nets.yaml", ", stratify: species", "")
        .edit("pipelines/nets.yaml", ", classes: [Adelie, Chinstrap, Gentoo]", "")
        .edit("pipelines/nets.yaml", "model: logistic_regression", "model: linear_regression")
        .edit("pipelines/nets.yaml", "[accuracy, log_loss]", "[r2, rmse]")
        .edit("pipelines/nets.yaml", "best: log_loss", "best: rmse")
        .edit("pipelines/nets.yaml", "{accuracy: {min: 0.9}}", "{r2: {min: 0.6}}");
    let run = mill.run(&[]);
    assert_eq!(run["status"], "done", "{run:#}");
    assert!(run["metrics"]["quality"]["net.model"]["r2"].as_f64().expect("a number") > 0.6);
}

#[test]
fn what_a_network_cannot_do_is_told_where_it_is_made() {
    let mill = project("logits");
    let run = mill.run(&[]);
    assert!(error(&run).contains("which are no probabilities"), "{run:#}");
    assert_eq!(run["errors"][0]["line"], 16, "{run:#}");
    bring(&mill, "neighbors");
    let run = mill.run(&[]);
    assert!(error(&run).contains("`Scan`"), "{run:#}");
    mill.file("nets/net.onnx", "no network");
    assert!(error(&mill.run(&[])).contains("it isn't an ONNX file"));
    bring(&mill, "two_logistic");
    assert!(error(&mill.run(&[])).contains("not the probabilities of 3 classes"));
    bring(&mill, "net");
    mill.edit("pipelines/nets.yaml", "Gentoo]", "Gento]");
    let run = mill.run(&[]);
    assert!(error(&run).contains("a class `Gentoo` that the network doesn't tell"), "{run:#}");
    assert_eq!(run["errors"][0]["help"], "did you mean `Gento`?");
}

#[test]
fn mistakes_get_carets() {
    let mill = project("net");
    let check = |from: &str, to: &str| {
        let text = NETS.replacen(from, to, 1);
        assert_ne!(text, NETS, "{from}");
        mill.file("pipelines/nets.yaml", &text);
        let ran = mill.go(&["check", "--json"]);
        assert_eq!(ran.code, 2, "{from} → {to}\n{}", ran.stdout);
        let told: Json = serde_json::from_str(&ran.stdout).expect("JSON");
        let first = &told["diagnostics"][0];
        let text = |key: &str| first[key].as_str().unwrap_or_default().to_owned();
        (
            text("message"),
            text("help"),
            first["line"].as_u64().expect("a line"),
            first["column"].as_u64().expect("a column"),
        )
    };
    let (message, help, line, column) = check("input: features", "input: feature");
    assert_eq!((message.as_str(), line, column), ("there is no step or source `feature`", 16, 59));
    assert_eq!(help, "did you mean `features`?");
    assert_eq!(check("input: features, ", "").0, "`input` is missing");
    assert_eq!(check("[Adelie, Chinstrap, Gentoo]", "[Adelie, Adelie]").0, "\"Adelie\" is named twice");
    assert_eq!(check("[Adelie, Chinstrap, Gentoo]", "[Adelie]").0, "a model tells at least two classes apart");
    let (message, _, line, _) = check("target: species", "target: body_mass_g");
    assert!(message.contains("numbers") && line == 16, "{message} {line}");
    let (message, help, ..) = check("kind: model", "kind: modl");
    assert!(help.contains("model"), "{message}: {help}");
}
