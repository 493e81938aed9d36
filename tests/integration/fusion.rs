//! What is done with answers: thresholds, calibration, other scales.

use serde_json::Value as Json;

use crate::mill::{Mill, made, step};

/// Customers who leave or stay: 600 rows in which one of five leaves, more often where usage is low.
pub fn churn(train: &str) -> Mill {
    let mut table = "id,usage,age,plan,spend,churned\n".to_owned();
    let mut state = 7u64;
    let mut draw = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    for id in 0..600 {
        let (usage, age, plan) = (draw(100), 18 + draw(60), ["basic", "plus", "pro"][draw(3) as usize]);
        let odds = 45 - usage as i64 / 2 + if plan == "basic" { 12 } else { 0 };
        let churned = (draw(100) as i64) < odds.max(2);
        let spend = 10 + usage * 3 + draw(40) + if plan == "pro" { 200 } else { 0 };
        table.push_str(&format!("{id},{usage},{age},{plan},{spend},{}\n", if churned { "yes" } else { "no" }));
    }
    let mill = Mill::new();
    mill.file("data/churn.csv", &table).file(
        "pipelines/churn.yaml",
        &format!(
            "name: churn\ntarget: {{column: churned, positive: yes}}\nroles: {{id: id}}\nsources:\n  churn: {{path: data/churn.csv}}\nsteps:\n  features:\n    transform: churn\n    ops:\n      - split: {{test: 0.25, stratify: churned}}\n      - one_hot: [plan]\n      - standardize: [usage, age, spend]\n{train}"
        ),
    );
    mill
}

/// One model, judged and deployed.
fn one(with: &str) -> Mill {
    churn(&format!(
        "  model:\n    train: features\n    model: logistic_regression\n{with}  quality:\n    evaluate: model\n    metrics: [f1, recall, precision, accuracy, roc_auc, log_loss]\n  live: {{deploy: quality, as: churn}}\n"
    ))
}

fn metrics(run: &Json) -> &Json {
    &run["metrics"]["quality"]["model"]
}

fn figure(run: &Json, metric: &str) -> f64 {
    metrics(run)[metric].as_f64().unwrap_or_else(|| panic!("no {metric} in {run:#}"))
}

/// The rows that the deployed model says "yes" to, and the probability that each has.
fn answers(mill: &Mill) -> Vec<(bool, f64)> {
    let scored = mill.fine(&["predict", "churn", "--in", "data/churn.csv"]).stdout;
    let labels = column(&scored, "prediction").into_iter().map(|label| label == "yes");
    let chances = column(&scored, "probability_yes").into_iter().map(|chance| chance.parse().expect("a number"));
    labels.zip(chances).collect()
}

/// The cells of a column of a table of plain cells.
pub fn column<'a>(table: &'a str, name: &str) -> Vec<&'a str> {
    let mut lines = table.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = lines.next().expect("a header");
    let place = header.iter().position(|other| *other == name).unwrap_or_else(|| panic!("{header:?}"));
    lines.map(|line| line[place]).collect()
}

#[test]
fn a_threshold_moves_labels_and_no_probability() {
    let mill = one("");
    let plain = mill.run(&["churn"]);
    mill.edit(
        "pipelines/churn.yaml",
        "    model: logistic_regression\n",
        "    model: logistic_regression\n    threshold: {maximize: f1}\n",
    );
    let run = mill.run(&["churn"]);
    assert_eq!(run["status"], "done", "{run:#}");
    assert!(figure(&run, "f1") > figure(&plain, "f1") + 0.05, "{} {}", metrics(&run), metrics(&plain));
    assert_eq!(figure(&run, "roc_auc"), figure(&plain, "roc_auc"));
    assert_eq!(figure(&run, "log_loss"), figure(&plain, "log_loss"));
    // The answers go by it, in requests too.
    let summary = step(&run, "model")["summary"].as_str().unwrap_or_default().to_owned();
    let rows = answers(&mill);
    let least = rows.iter().filter(|(yes, _)| *yes).map(|(_, chance)| *chance).fold(1.0, f64::min);
    let most = rows.iter().filter(|(yes, _)| !*yes).map(|(_, chance)| *chance).fold(0.0, f64::max);
    assert!(most < least && least < 0.45, "{most} {least} {summary}");
}

#[test]
fn another_goal_chooses_anew_and_learns_nothing_anew() {
    let mill = one("    threshold: {maximize: f1}\n");
    mill.run(&["churn"]);
    mill.edit("pipelines/churn.yaml", "{maximize: f1}", "{cost: {fn: 20, fp: 1}}");
    let why = mill.fine(&["plan", "churn"]).stdout;
    assert!(why.contains("threshold"), "{why}");
    let run = mill.run(&["churn"]);
    assert!(made(&run).contains(&"model".to_owned()));
    assert!(figure(&run, "recall") > 0.95, "{}", metrics(&run));
    let again = mill.run(&["churn"]);
    assert!(made(&again).is_empty(), "{again:#}");
    mill.fine(&["run", "churn", "--locked"]);
    mill.edit("pipelines/churn.yaml", "threshold: {cost: {fn: 20, fp: 1}}", "threshold: 0.99");
    let run = mill.run(&["churn"]);
    assert_eq!(figure(&run, "recall"), 0.0);
}

/// Gives every test row the other answer.
pub fn turn_test_rows(mill: &Mill) {
    let test = mill.fine(&["get", "churn/features.test"]).stdout;
    let ids: Vec<&str> = test.lines().skip(1).map(|line| line.split(',').next().expect("an id")).collect();
    let table = mill.read("data/churn.csv");
    let turned = table.lines().map(|line| match (line.split_once(','), line.strip_suffix("yes")) {
        (Some((id, _)), _) if !ids.contains(&id) => format!("{line}\n"),
        (_, Some(rest)) => format!("{rest}no\n"),
        _ => format!("{}yes\n", line.strip_suffix("no").expect("an answer")),
    });
    mill.file("data/churn.csv", &turned.collect::<String>());
}

#[test]
fn nothing_that_is_chosen_sees_the_test_rows() {
    for rest in ["", ", validation: 0.2"] {
        let mill = one("    calibrate: sigmoid\n    threshold: {maximize: f1}\n    cv: 4\n");
        mill.edit(
            "pipelines/churn.yaml",
            "{test: 0.25, stratify: churned}",
            &format!("{{test: 0.25, hash: id{rest}}}"),
        );
        let before = mill.run(&["churn"]);
        turn_test_rows(&mill);
        let after = mill.run(&["churn"]);
        assert_ne!(before["metrics"], after["metrics"]);
        assert_eq!(step(&before, "model")["outputs"], step(&after, "model")["outputs"]);
        assert!(step(&after, "model")["outputs"]["folds"].is_string());
    }
}

#[test]
fn a_validation_part_decides_where_there_is_one() {
    let mill = one("    threshold: {maximize: f1}\n");
    mill.edit("pipelines/churn.yaml", "test: 0.25", "test: 0.25, validation: 0.25");
    mill.run(&["churn"]);
    let lock = mill.read("pipelines/churn.lock");
    assert!(lock.contains("decide: sha256:") && !lock.contains("held-out"), "{lock}");
    mill.edit("pipelines/churn.yaml", ", validation: 0.25", "");
    mill.run(&["churn"]);
    let lock = mill.read("pipelines/churn.lock");
    assert!(lock.contains("decide: sha256:") && lock.contains("held-out: sha256:"), "{lock}");
}

#[test]
fn calibrated_probabilities_mean_what_they_say() {
    // A forest of few deep trees is far too sure of itself.
    let forest = "    with: {n_estimators: 5}\n";
    let mill = one(forest);
    mill.edit("pipelines/churn.yaml", "model: logistic_regression", "model: random_forest");
    let plain = mill.run(&["churn"]);
    for how in ["sigmoid", "isotonic"] {
        let mill = one(&format!("{forest}    calibrate: {how}\n"));
        mill.edit("pipelines/churn.yaml", "model: logistic_regression", "model: random_forest");
        let run = mill.run(&["churn"]);
        assert!(figure(&run, "log_loss") < 0.6 * figure(&plain, "log_loss"), "{how}: {}", metrics(&run));
        let (rows, count) = (answers(&mill), 600.0);
        let expected = rows.iter().map(|(_, chance)| chance).sum::<f64>() / count;
        let table = mill.read("data/churn.csv");
        let found = table.lines().filter(|line| line.ends_with("yes")).count() as f64 / count;
        assert!((expected - found).abs() < 0.06, "{how}: {expected} {found}");
    }
}

#[test]
fn a_target_on_another_scale_is_answered_on_its_own() {
    let mill = Mill::grades();
    // Grades that grow by the power of hours.
    let table: String = (mill.read("data/grades.csv").lines().enumerate())
        .map(|(nth, line)| match (nth, line.rsplit_once(',')) {
            (0, _) | (_, None) => format!("{line}\n"),
            (_, Some((rest, grade))) => {
                format!("{rest},{:.4}\n", (grade.parse::<f64>().expect("a number") / 4.0).exp())
            }
        })
        .collect();
    mill.file("data/grades.csv", &table);
    let of = |scale: &str| {
        mill.edit("pipelines/grades.yaml", "model: linear_regression", &format!("model: linear_regression{scale}"));
        let run = mill.run(&["grades"]);
        mill.edit("pipelines/grades.yaml", &format!("model: linear_regression{scale}"), "model: linear_regression");
        run["metrics"]["quality"]["line"]["mae"].as_f64().unwrap_or_else(|| panic!("{run:#}"))
    };
    let plain = of("");
    for scale in ["log", "log1p", "sqrt", "yeo_johnson", "quantile"] {
        assert!(of(&format!(", target_transform: {scale}")) < 0.7 * plain, "{scale}");
    }
    mill.file("data/grades.csv", &table.replacen("\n1,", "\n1,1.0,a,-3\n1,", 1));
    mill.edit("pipelines/grades.yaml", "model: linear_regression", "model: linear_regression, target_transform: sqrt");
    mill.edit("pipelines/grades.yaml", "{test: 0.25}", "{test: 0.01}");
    let ran = mill.go(&["run", "grades"]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.stderr.contains("is -3 in row 2 of the source, and `sqrt` takes numbers of at least 0"),
        "{}",
        ran.stderr
    );
}

#[test]
fn mistakes_about_answers_are_told_at_once() {
    let told = |with: &str| {
        let ran = one(with).go(&["check", "churn"]);
        assert_eq!(ran.code, 2, "{with}\n{}", ran.stderr);
        ran.stderr
    };
    let text = told("    threshold: {maximize: roc_auc}\n    calibrate: isotonik\n    target_transform: log1p\n");
    assert!(text.contains("`roc_auc` doesn't depend on a threshold"), "{text}");
    assert!(text.contains("did you mean `isotonic`?"), "{text}");
    assert!(text.contains("`target_transform` is for numbers, and the target `churned` has classes"), "{text}");
    assert!(told("    threshold: {maximise: f1}\n").contains("did you mean `maximize`?"));
    assert!(told("    threshold: {maximize: f2}\n").contains("did you mean `f1`?"));
    assert!(told("    threshold: 30\n").contains("a probability from 0 to 1, and this is 30"));
    assert!(told("    threshold: {cost: {fn: -1, fp: 0}}\n").contains("a cost is at least 0"));
    assert!(told("    threshold: {cost: {fn: 0, fp: 0}}\n").contains("every threshold is as good"));
    assert!(told("    threshold: {}\n").contains("one goal"));
    assert!(told("    threshold: high\n").contains("threshold: 0.3"));
    let mill = Mill::grades();
    mill.edit(
        "pipelines/grades.yaml",
        "model: linear_regression}",
        "model: linear_regression, threshold: 0.5, calibrate: sigmoid}",
    );
    let text = mill.go(&["check", "grades"]).stderr;
    assert!(text.contains("`threshold` is for two classes, and the target `grade` has numbers"), "{text}");
    assert!(text.contains("`calibrate` is for probabilities"), "{text}");
}

#[test]
fn a_threshold_of_three_classes_is_refused() {
    let mill = Mill::penguins();
    mill.edit(
        "pipelines/penguins.yaml",
        "    model: logistic_regression",
        "    model: logistic_regression\n    threshold: 0.4",
    );
    let ran = mill.go(&["run", "penguins"]);
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("a threshold is for two classes, and `species` has 3"), "{}", ran.stderr);
}

/// A model of few parts, deployed after one more fit on all rows.
fn refitted(train: &str) -> Mill {
    let mill = one(train);
    mill.edit("pipelines/churn.yaml", "as: churn}", "as: churn, refit: all}");
    mill
}

#[test]
fn a_refit_learns_from_every_row_and_is_no_part_of_the_scores() {
    let mill = refitted("    cv: 3\n");
    let run = mill.run(&["churn"]);
    assert_eq!(run["status"], "done", "{run:#}");
    assert!(made(&mill.run(&["churn"])).is_empty());
    mill.fine(&["run", "churn", "--locked"]);
    let shown = mill.fine(&["models", "show", "churn", "--json"]).stdout;
    assert!(shown.contains("\"rows\": 600") || shown.contains("\"rows\":600"), "{shown}");
    let told = mill.fine(&["models", "show", "churn"]).stdout;
    assert!(told.contains("fitted once more on all rows"), "{told}");
    // The same as a model that never saw a split.
    let whole = refitted("");
    whole.edit("pipelines/churn.yaml", "      - split: {test: 0.25, stratify: churned}\n", "");
    let text = whole.go(&["check", "churn"]).stderr;
    assert!(text.contains("nothing splits the rows"), "{text}");
    let yaml = whole.read("pipelines/churn.yaml");
    let (before, rest) = yaml.split_once("  quality:").expect("a step");
    assert!(rest.contains("live"));
    whole.file("pipelines/churn.yaml", &format!("{before}  live: {{deploy: model, as: churn}}\n"));
    whole.run(&["churn"]);
    for ((_, one), (_, other)) in answers(&mill).into_iter().zip(answers(&whole)) {
        assert!((one - other).abs() < 1e-6, "{one} {other}");
    }
    // What test rows say counts in the model that goes out, and only there.
    mill.edit("pipelines/churn.yaml", "stratify: churned", "hash: id");
    let before = mill.run(&["churn"]);
    turn_test_rows(&mill);
    let after = mill.run(&["churn"]);
    assert_eq!(step(&before, "model")["outputs"], step(&after, "model")["outputs"]);
    assert_ne!(step(&before, "live")["outputs"], step(&after, "live")["outputs"]);
}

#[test]
fn a_refit_takes_what_follows_the_model_with_it() {
    let mill = refitted("    calibrate: sigmoid\n    threshold: {maximize: f1}\n");
    mill.edit("pipelines/churn.yaml", "test: 0.25", "test: 0.25, validation: 0.2");
    assert_eq!(mill.run(&["churn"])["status"], "done");
    let rows = answers(&mill);
    let least = rows.iter().filter(|(yes, _)| *yes).map(|(_, chance)| *chance).fold(1.0, f64::min);
    let most = rows.iter().filter(|(yes, _)| !*yes).map(|(_, chance)| *chance).fold(0.0, f64::max);
    assert!(most < least && least < 0.45, "{most} {least}");
    mill.edit("pipelines/churn.yaml", "refit: all", "refit: al");
    let text = mill.go(&["check", "churn"]).stderr;
    assert!(text.contains("did you mean `all`?"), "{text}");
}

#[test]
fn a_failed_gate_refits_nothing() {
    let mill = refitted("");
    mill.edit("pipelines/churn.yaml", "  live:", "    require: {f1: {min: 0.999}}\n  live:");
    let ran = mill.go(&["run", "churn"]);
    assert_eq!(ran.code, 3);
    assert!(!mill.read("pipelines/churn.lock").contains("refit"));
}
