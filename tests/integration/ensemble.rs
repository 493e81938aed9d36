//! Several models as one.

use serde_json::Value as Json;

use crate::fusion::{churn, column, turn_test_rows};
use crate::mill::{Mill, made, step};

/// Two models and what is made of them.
fn blend(with: &str) -> Mill {
    churn(&format!(
        "  forest: {{train: features, model: random_forest, with: {{n_estimators: 20, max_depth: 5}}}}\n  logistic: {{train: features, model: logistic_regression, features: [usage, spend]}}\n  blend:\n    train: features\n    model: ensemble\n    with: {with}\n  quality:\n    evaluate: [forest, logistic, blend]\n    metrics: [f1, log_loss, roc_auc]\n    best: log_loss\n  a: {{deploy: forest, as: forest}}\n  b: {{deploy: logistic, as: logistic}}\n  c: {{deploy: blend, as: blend}}\n"
    ))
}

fn loss(run: &Json, model: &str) -> f64 {
    run["metrics"]["quality"][model]["log_loss"].as_f64().unwrap_or_else(|| panic!("{run:#}"))
}

fn chances(mill: &Mill, model: &str) -> Vec<f64> {
    let scored = mill.fine(&["predict", model, "--in", "data/churn.csv"]).stdout;
    column(&scored, "probability_yes").iter().map(|cell| cell.parse().expect("a number")).collect()
}

#[test]
fn a_mean_of_models_is_the_mean_of_what_they_say() {
    let mill = blend("{of: [forest, logistic], weights: [3, 1], method: average}");
    let run = mill.run(&["churn"]);
    assert_eq!(run["status"], "done", "{run:#}");
    let (forest, logistic, blend) = (chances(&mill, "forest"), chances(&mill, "logistic"), chances(&mill, "blend"));
    for (row, blended) in blend.iter().enumerate() {
        let mean = 0.75 * forest[row] + 0.25 * logistic[row];
        assert!((mean - blended).abs() < 1e-9, "{row}: {mean} {blended}");
    }
    assert!(made(&mill.run(&["churn"])).is_empty());
    mill.fine(&["run", "churn", "--locked"]);
    // Other names, and no other model.
    mill.edit("pipelines/churn.yaml", "  logistic: {", "  line: {");
    mill.edit("pipelines/churn.yaml", "logistic]", "line]").edit(
        "pipelines/churn.yaml",
        "forest, logistic,",
        "forest, line,",
    );
    mill.edit("pipelines/churn.yaml", "{deploy: logistic,", "{deploy: line,");
    assert!(made(&mill.run(&["churn"])).is_empty());
}

#[test]
fn every_method_makes_a_model_that_serves() {
    for (method, better) in [("vote", false), ("average", true), ("weighted", true), ("stack", true)] {
        let mill = blend(&format!("{{of: [forest, logistic], method: {method}}}"));
        let run = mill.run(&["churn"]);
        assert_eq!(run["status"], "done", "{method}: {run:#}");
        let worst = loss(&run, "forest").max(loss(&run, "logistic"));
        assert!(!better || loss(&run, "blend") < worst, "{method}: {run:#}");
        let blended = chances(&mill, "blend");
        assert!(blended.iter().all(|chance| (0.0..=1.0).contains(chance)));
        assert_eq!(method == "vote", blended.iter().all(|chance| [0.0, 0.5, 1.0].contains(chance)), "{method}");
        let shown = mill.fine(&["models", "show", "blend"]).stdout;
        assert!(shown.contains("usage") && shown.contains("spend"), "{shown}");
    }
}

#[test]
fn cross_validation_of_members_is_used_again() {
    let mill = blend("{of: [forest, logistic], method: weighted}");
    mill.edit("pipelines/churn.yaml", "max_depth: 5}}", "max_depth: 5}, cv: 5}");
    let run = mill.run(&["churn"]);
    assert_eq!(run["status"], "done", "{run:#}");
    let lock = mill.read("pipelines/churn.lock");
    let key = |of: &str| {
        let line =
            lock.lines().find(|line| line.trim_start().starts_with(of)).unwrap_or_else(|| panic!("{of}\n{lock}"));
        line.rsplit_once(' ').expect("a key").1.to_owned()
    };
    assert_eq!(key("cv:"), key("of[0]:"));
}

#[test]
fn an_ensemble_never_sees_the_test_rows() {
    for method in ["weighted", "stack"] {
        for rest in ["", ", validation: 0.2"] {
            let mill = blend(&format!("{{of: [forest, logistic], method: {method}}}\n    cv: 3"));
            mill.edit(
                "pipelines/churn.yaml",
                "{test: 0.25, stratify: churned}",
                &format!("{{test: 0.25, hash: id{rest}}}"),
            );
            mill.edit("pipelines/churn.yaml", "n_estimators: 20", "n_estimators: 4");
            let before = mill.run(&["churn"]);
            turn_test_rows(&mill);
            let after = mill.run(&["churn"]);
            assert_ne!(before["metrics"], after["metrics"]);
            assert!(step(&after, "blend")["outputs"]["folds"].is_string(), "{after:#}");
            assert_eq!(step(&before, "blend")["outputs"], step(&after, "blend")["outputs"], "{method}{rest}");
        }
    }
}

#[test]
fn members_bring_what_follows_them() {
    let mill = blend("{of: [forest, logistic], method: vote}");
    mill.edit("pipelines/churn.yaml", "[usage, spend]}", "[usage, spend], threshold: {cost: {fn: 50, fp: 1}}}");
    mill.edit("pipelines/churn.yaml", "max_depth: 5}}", "max_depth: 5}, calibrate: sigmoid, threshold: 1}");
    let run = mill.run(&["churn"]);
    assert_eq!(run["status"], "done", "{run:#}");
    // One says yes to nearly all and the other to none.
    let halves = chances(&mill, "blend").into_iter().filter(|chance| *chance == 0.5).count();
    assert!(halves > 500, "{halves}");
}

#[test]
fn numbers_are_fused_too() {
    for method in ["average", "weighted"] {
        let mill = Mill::grades();
        mill.edit(
            "pipelines/grades.yaml",
            "  quality:",
            &format!("  forest: {{train: features, model: random_forest, with: {{n_estimators: 10}}}}\n  blend: {{train: features, model: ensemble, with: {{of: [line, forest], method: {method}}}, cv: 3}}\n  quality:"),
        );
        mill.edit("pipelines/grades.yaml", "evaluate: line", "evaluate: [line, forest, blend]\n    best: rmse");
        let run = mill.run(&["grades"]);
        assert_eq!(run["status"], "done", "{run:#}");
        let rmse = |model: &str| run["metrics"]["quality"][model]["rmse"].as_f64().expect("a number");
        assert!(rmse("blend") <= rmse("line").max(rmse("forest")), "{method}: {run:#}");
    }
    let mill = Mill::grades();
    mill.edit(
        "pipelines/grades.yaml",
        "  quality:",
        "  mean: {train: features, model: baseline}\n  blend: {train: features, model: ensemble, with: {of: [line, mean], method: vote}}\n  quality:",
    );
    let text = mill.go(&["check", "grades"]).stderr;
    assert!(text.contains("`vote` is for classes, and the target has numbers"), "{text}");
}

#[test]
fn mistakes_about_members_are_told_at_once() {
    let told = |with: &str| {
        let ran = blend(with).go(&["check", "churn"]);
        assert_eq!(ran.code, 2, "{with}\n{}", ran.stderr);
        ran.stderr
    };
    let text = told("{of: [forest, logistik], method: weighted}");
    assert!(text.contains("did you mean `logistic`?") && text.contains("^^^^^^^^"), "{text}");
    let text = told("{of: [forest, features, churn, forest]}");
    for wanted in ["`features` trains no model", "`churn` is a source, not a model", "`forest` is named twice"] {
        assert!(text.contains(wanted), "{wanted}\n{text}");
    }
    assert!(told("{of: [forest, blend]}").contains("a step can't work on its own result"));
    assert!(told("{of: [forest]}").contains("at least 2 members"));
    assert!(told("{estimators: [forest, logistic]}").contains("did you mean `of`?"));
    assert!(told("{method: vote}").contains("write `with: {of: [forest, logistic], method: weighted}`"));
    assert!(told("{of: [forest, logistic], method: stak}").contains("did you mean `stack`?"));
    assert!(
        told("{of: [forest, logistic], method: stack, final: linear_regression}").contains("does no classification")
    );
    assert!(told("{of: [forest, logistic]}\n    features: [age]").contains("an ensemble has no `features`"));
    let mill = blend("{of: [forest, other]}");
    mill.edit(
        "pipelines/churn.yaml",
        "  blend:\n",
        "  more: {transform: features}\n  other: {train: more, model: baseline}\n  blend:\n",
    );
    let text = mill.go(&["check", "churn"]).stderr;
    assert!(text.contains("`other` learns from another table than this ensemble"), "{text}");
    mill.edit(
        "pipelines/churn.yaml",
        "{train: more, model: baseline}",
        "{train: features, model: random_forest, target: age}",
    );
    let text = mill.go(&["check", "churn"]).stderr;
    assert!(text.contains("`other` predicts `age`, and this ensemble `churned`"), "{text}");
}

#[test]
fn a_matrix_of_members_is_all_of_them() {
    let mill = blend("{of: [forest, logistic]}");
    mill.edit(
        "pipelines/churn.yaml",
        "  forest: {train: features, model: random_forest, with: {n_estimators: 20, max_depth: 5}}",
        "  forest: {train: features, model: random_forest, with: {n_estimators: 5, max_depth: \"{{ matrix.depth }}\"}, matrix: {depth: [2, 4]}}",
    );
    mill.edit("pipelines/churn.yaml", "  a: {deploy: forest, as: forest}\n", "");
    let run = mill.run(&["churn"]);
    assert_eq!(run["status"], "done", "{run:#}");
    let record = step(&run, "blend");
    assert!(record["outputs"]["model"].is_string(), "{record:#}");
}

#[test]
fn rows_that_decided_one_thing_decide_no_other() {
    let units = |mill: &Mill| {
        assert_eq!(mill.run(&["churn"])["status"], "done");
        let lock = mill.read("pipelines/churn.lock");
        let blend = lock.split("\n  blend:").nth(1).expect("a block").to_owned();
        let block = blend.lines().take_while(|line| line.is_empty() || line.starts_with("   "));
        block.map(|line| line.trim().to_owned()).collect::<Vec<_>>()
    };
    let has = |units: &[String], name: &str| units.iter().any(|line| line.starts_with(&format!("{name}:")));
    let split = |mill: &Mill| {
        mill.edit("pipelines/churn.yaml", "{test: 0.25,", "{test: 0.25, validation: 0.2,");
        mill.edit("pipelines/churn.yaml", "n_estimators: 20", "n_estimators: 4");
    };
    // Weights by the validation part; nothing else asks for rows.
    let plain = blend("{of: [forest, logistic], method: weighted}");
    split(&plain);
    let plain = units(&plain);
    assert!(!has(&plain, "of[0]") && !has(&plain, "held-out"), "{plain:?}");
    // These rows have chosen the weights: they calibrate nothing.
    let calibrated = blend("{of: [forest, logistic], method: weighted}\n    calibrate: isotonic");
    split(&calibrated);
    let calibrated = units(&calibrated);
    assert!(!has(&calibrated, "of[0]") && has(&calibrated, "held-out"), "{calibrated:?}");
    // They have calibrated a member: they weigh none.
    let member = blend("{of: [forest, logistic], method: weighted}");
    split(&member);
    member.edit("pipelines/churn.yaml", "max_depth: 5}}", "max_depth: 5}, calibrate: isotonic}");
    let member = units(&member);
    assert!(has(&member, "of[0]") && has(&member, "of[1]"), "{member:?}");
}
