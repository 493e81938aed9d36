//! Models that go on from the one of last time.

use serde_json::Value as Json;

use crate::fusion::churn;
use crate::mill::{Mill, made, step};

fn forest(with: &str) -> Mill {
    churn(&format!(
        "  model: {{train: features, model: gradient_boosting, with: {{n_estimators: 10}}, update: previous{with}}}\n  quality: {{evaluate: model, metrics: [f1, log_loss]}}\n  live: {{deploy: quality, as: churn}}\n"
    ))
}

fn output<'a>(run: &'a Json, name: &str) -> Option<&'a str> {
    step(run, "model")["outputs"][name].as_str()
}

/// Half of the rows, then all of them.
fn halve(mill: &Mill) -> String {
    let whole = mill.read("data/churn.csv");
    let half: String = whole.lines().take(301).map(|line| format!("{line}\n")).collect();
    mill.file("data/churn.csv", &half);
    whole
}

#[test]
fn a_model_goes_on_from_the_last_one_once_its_data_changes() {
    let mill = forest("");
    let whole = halve(&mill);
    let first = mill.run(&["churn"]);
    assert_eq!(first["status"], "done", "{first:#}");
    assert_eq!(output(&first, "parent"), None);
    assert!(made(&mill.run(&["churn"])).is_empty());
    mill.file("data/churn.csv", &whole);
    let second = mill.run(&["churn"]);
    assert_eq!(output(&second, "parent"), output(&first, "model"));
    assert_ne!(output(&second, "model"), output(&first, "model"));
    // Nothing new: nothing is made, by whatever command.
    assert!(made(&mill.run(&["churn"])).is_empty());
    assert!(made(&mill.run(&["churn", "--locked"])).is_empty());
    let plan = mill.fine(&["plan", "churn"]).stdout;
    assert!(!plan.contains("goes on from"), "{plan}");
    // Made again, it is the same: its parent is pinned.
    let again = mill.run(&["churn", "--force"]);
    assert_eq!(output(&again, "model"), output(&second, "model"));
    assert_eq!(output(&again, "parent"), output(&second, "parent"));
    let lock = mill.read("pipelines/churn.lock");
    assert!(lock.contains(&format!("parent: {}", output(&first, "model").expect("a model"))), "{lock}");
    // More settings, more model.
    mill.edit("pipelines/churn.yaml", "n_estimators: 10", "n_estimators: 20");
    let third = mill.run(&["churn"]);
    assert_eq!(output(&third, "parent"), output(&second, "model"));
}

#[test]
fn the_lock_says_what_is_gone_on_from() {
    let mill = forest("");
    let whole = halve(&mill);
    mill.run(&["churn"]);
    let lock = mill.read("pipelines/churn.lock");
    mill.file("data/churn.csv", &whole);
    let second = mill.run(&["churn"]);
    // Back to what was committed, and forward again: the same model.
    mill.file("pipelines/churn.lock", &lock);
    let again = mill.run(&["churn"]);
    assert_eq!(output(&again, "model"), output(&second, "model"));
    // Where the parent isn't, it is missed by name.
    std::fs::remove_dir_all(mill.at(".gristmill")).expect("removed");
    let ran = mill.go(&["run", "churn"]);
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("the model that this one goes on from isn't here"), "{}", ran.stderr);
    std::fs::remove_file(mill.at("pipelines/churn.lock")).expect("removed");
    assert_eq!(output(&mill.run(&["churn"]), "parent"), None);
}

#[test]
fn what_can_not_be_gone_on_from_is_told_and_learned_anew() {
    let mill = forest(", calibrate: sigmoid");
    mill.run(&["churn"]);
    mill.edit("pipelines/churn.yaml", "update: previous", "update: previous, features: [usage, spend]");
    let ran = mill.fine(&["run", "churn"]);
    assert!(ran.stderr.contains("which reads other features: it is learned anew"), "{}", ran.stderr);
    let mill = Mill::grades();
    mill.edit("pipelines/grades.yaml", "model: linear_regression", "model: svm, update: previous");
    let text = mill.go(&["check", "grades"]).stderr;
    assert!(text.contains("`svm` can't go on from what it learned before"), "{text}");
    assert!(text.contains("`random_forest`") && text.contains("`gradient_boosting`"), "{text}");
    mill.edit("pipelines/grades.yaml", "update: previous", "update: last");
    assert!(mill.go(&["check", "grades"]).stderr.contains("there is `previous`"));
}

#[test]
fn a_model_that_remembers_its_rows_is_sealed_without_them() {
    let mill = churn(
        "  model: {train: features, model: logistic_regression}\n  quality: {evaluate: model, metrics: [f1]}\n  live: {deploy: quality, as: churn}\n",
    );
    let whole = halve(&mill);
    let plain = mill.run(&["churn"]);
    let model = "model: logistic_regression";
    mill.edit("pipelines/churn.yaml", model, &format!("{model}, calibrate: sigmoid, update: previous"));
    let warned = mill.fine(&["check", "churn"]).stderr;
    assert!(warned.contains("as `one_hot`, `standardize` had learned them then"), "{warned}");
    let ran = mill.fine(&["run", "churn"]);
    assert!(ran.stderr.contains("remembers nothing of its rows: it is learned anew"), "{}", ran.stderr);
    // The other half alone.
    let rest: Vec<&str> =
        whole.lines().enumerate().filter(|(nth, _)| *nth == 0 || *nth > 300).map(|(_, line)| line).collect();
    mill.file("data/churn.csv", &format!("{}\n", rest.join("\n")));
    let second = mill.run(&["churn"]);
    assert_ne!(output(&second, "parent"), output(&plain, "model"));
    assert_ne!(output(&second, "parent"), None);
    let object = |digest: &str| {
        let hex = digest.trim_start_matches("sha256:");
        std::fs::read(mill.at(&format!(".gristmill/objects/{}/{}", &hex[..2], &hex[2..]))).expect("an object")
    };
    let holds = |bytes: &[u8]| bytes.windows(9).any(|word| word == b"curvature");
    assert!(holds(&object(output(&second, "model").expect("a model"))));
    let sealed = step(&second, "live")["outputs"]["sealed"].as_str().expect("a sealed model");
    assert!(!holds(&object(sealed)));
    let other = "model: logistic_regression, with: {penalty: l1}";
    mill.edit("pipelines/churn.yaml", model, other);
    let third = mill.fine(&["run", "churn"]);
    assert!(!third.stderr.contains("learned anew"), "{}", third.stderr);
}

#[test]
fn a_split_that_is_drawn_anew_is_warned_of() {
    let mill = forest("");
    let warned = mill.fine(&["check", "churn"]).stderr;
    assert!(warned.contains("warning: the split draws its parts anew as data grows"), "{warned}");
    mill.edit("pipelines/churn.yaml", "{test: 0.25, stratify: churned}", "{test: 0.25, hash: id}");
    let quiet = mill.fine(&["check", "churn"]).stderr;
    assert!(!quiet.contains("anew"), "{quiet}");
}

/// The largest answer to the rows of the table.
fn largest(mill: &Mill) -> f64 {
    let text = mill.fine(&["predict", "grade", "--in", "data/grades.csv"]).stdout;
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().expect("a header").split(',').collect();
    let at = names.iter().position(|name| *name == "prediction").unwrap_or_else(|| panic!("{names:?}"));
    lines.filter_map(|line| line.split(',').nth(at)?.parse::<f64>().ok()).fold(f64::NEG_INFINITY, f64::max)
}

#[test]
fn a_model_goes_on_with_the_scale_of_the_last_one() {
    let mill = Mill::grades();
    let whole = mill.read("data/grades.csv");
    let low = |line: &&str| {
        line.rsplit(',').next().and_then(|grade| grade.parse().ok()).is_none_or(|grade: f64| grade < 12.0)
    };
    mill.file("data/grades.csv", &whole.lines().filter(low).map(|line| format!("{line}\n")).collect::<String>());
    mill.edit("pipelines/grades.yaml", "    require: {r2: {min: 0.5}}\n", "");
    let scaled = "model: linear_regression, target_transform: quantile, update: previous";
    mill.edit("pipelines/grades.yaml", "model: linear_regression", scaled);
    mill.run(&["grades"]);
    mill.file("data/grades.csv", &whole);
    let second = mill.run(&["grades"]);
    assert!(step(&second, "line")["outputs"]["parent"].is_string(), "{second:#}");
    // The scale of the first rows ends below 12; that of all rows doesn't.
    assert!(largest(&mill) < 12.0, "{}", largest(&mill));
    mill.edit("pipelines/grades.yaml", ", update: previous", "");
    mill.run(&["grades"]);
    assert!(largest(&mill) > 14.0, "{}", largest(&mill));
}
