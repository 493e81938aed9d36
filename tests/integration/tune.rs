//! Tuning and folds by group, seen from the command line.

use std::time::{Duration, Instant};

use serde_json::Value as Json;

use crate::mill::{Mill, made, step};

/// 240 rows of two classes: 40 customers with 6 rows each, over 60 days.
fn table() -> String {
    let mut table = "customer,day,age,spend,kind,left\n".to_owned();
    for row in 0..240u32 {
        let (customer, age, spend) = (row % 40, 20 + (row * 37) % 50, (row * 53) % 97);
        let left = (age * 2 + spend + (row * 7919) % 41) > 150;
        let kind = ["a", "b", "c"][(row * 31 % 3) as usize];
        table.push_str(&format!(
            "{customer},2024-{:02}-{:02},{age},{spend},{kind},{left}\n",
            1 + row / 120,
            1 + (row / 4) % 30
        ));
    }
    table
}

/// A pipeline with one train step, whose `tune` is given.
fn mill(split: &str, train: &str) -> Mill {
    let mill = Mill::new();
    mill.file("data/t.csv", &table());
    mill.file(
        "pipelines/p.yaml",
        &format!(
            "name: p\ntarget: left\nroles: {{group: customer, time: day}}\nsources: {{t: {{path: data/t.csv}}}}\nsteps:\n  features:\n    transform: t\n    ops:\n      - split: {split}\n      - one_hot: [kind]\n      - standardize: [age, spend]\n  forest:\n    train: features\n{train}  quality: {{evaluate: forest, metrics: [accuracy, f1], best: f1}}\n"
        ),
    );
    mill
}

const SPLIT: &str = "{test: 0.25, stratify: left}";

fn forest(tune: &str) -> String {
    format!("    model: random_forest\n    with: {{n_estimators: 5}}\n    tune: {tune}\n")
}

/// What a run tells of the search.
fn tuned(run: &Json) -> &Json {
    assert_eq!(run["status"], "done", "{run:#}");
    &step(run, "forest")["tuned"]
}

fn fits(run: &Json) -> (u64, u64) {
    let count = |name: &str| tuned(run)["fits"][name].as_u64().expect("a number");
    (count("made"), count("kept"))
}

fn trials(mill: &Mill) -> Json {
    let shown: Json = serde_json::from_str(&mill.fine(&["show", "p/forest", "--json"]).stdout).expect("JSON");
    shown["tuned"].clone()
}

#[test]
fn the_best_of_a_search_is_learned_and_kept_with_its_trials() {
    let search = "{metric: f1, trials: 12, using: {folds: 3}, search: {max_depth: {int: [1, 6]}, min_samples_leaf: [1, 4, 20], max_features: {float: [0.2, 1.0]}}}";
    let mill = mill(SPLIT, &forest(search));
    let run = mill.run(&["p"]);
    let best = tuned(&run);
    assert_eq!((best["metric"].as_str(), best["trials"].as_u64()), (Some("f1"), Some(12)));
    let params = best["params"].as_object().expect("params");
    assert_eq!(params.keys().collect::<Vec<_>>(), ["max_depth", "max_features", "min_samples_leaf"]);
    let found = trials(&mill);
    let scores: Vec<f64> =
        found["trials"].as_array().expect("trials").iter().filter_map(|trial| trial["score"].as_f64()).collect();
    let top = scores.iter().copied().fold(0.0, f64::max);
    assert_eq!(best["score"].as_f64(), Some(top));
    assert!(found["importance"]["max_depth"].as_f64().is_some(), "{found:#}");
    let table = mill.fine(&["get", "p/forest.trials"]).stdout;
    assert!(
        table.starts_with("trial,max_depth,max_features,min_samples_leaf,status,score,std,fold_1,fold_2,fold_3,"),
        "{table}"
    );
    assert_eq!(table.lines().count(), 13);
    let shown = mill.fine(&["show", "p/forest"]).stdout;
    for text in ["12 trials (random) judged by cross-validation", "best: {max_depth: ", "and 2 more", "hyper-parameter"]
    {
        assert!(shown.contains(text), "{text}\n{shown}");
    }
    // The model is the one that these hyper-parameters give without a search.
    let digest = step(&run, "forest")["outputs"]["model"].clone();
    let plain = format!(
        "    model: random_forest\n    with: {{n_estimators: 5, max_depth: {}, max_features: {}, min_samples_leaf: {}}}\n",
        params["max_depth"], params["max_features"], params["min_samples_leaf"]
    );
    let text = mill.read("pipelines/p.yaml");
    let from = text.find("    model: random_forest").expect("there");
    let to = text.find("  quality:").expect("there");
    mill.file("pipelines/p.yaml", &format!("{}{plain}{}", &text[..from], &text[to..]));
    let again = mill.run(&["p"]);
    assert_eq!(step(&again, "forest")["outputs"]["model"], digest);
    assert_eq!(made(&again), Vec::<String>::new(), "the model was kept under the same key");
}

#[test]
fn a_wider_search_tries_only_what_is_new_and_nothing_runs_twice() {
    let search = "{metric: f1, trials: 6, prune: false, using: cv, search: {max_depth: {int: [1, 300]}}}";
    let mill = mill(SPLIT, &forest(search));
    assert_eq!(fits(&mill.run(&["p"])), (30, 0));
    assert_eq!(made(&mill.run(&["p"])), Vec::<String>::new());
    mill.edit("pipelines/p.yaml", "trials: 6", "trials: 9");
    // The trials stay as long as the search that made them.
    mill.fine(&["gc", "--keep-runs", "0"]);
    let plan = mill.fine(&["plan", "p"]).stdout;
    assert!(plan.contains("6 of 9 trials are kept"), "{plan}");
    let plan: serde_json::Value = serde_json::from_str(&mill.fine(&["plan", "p", "--json"]).stdout).expect("JSON");
    assert_eq!(step(&plan, "forest")["trials"], serde_json::json!({"kept": 6, "of": 9}), "{plan:#}");
    let run = mill.run(&["p"]);
    assert_eq!(fits(&run), (15, 30));
    assert!(step(&run, "forest")["reason"].as_str().expect("a reason").contains("trials"), "{run:#}");
    // Another metric is told from the same fits.
    mill.edit("pipelines/p.yaml", "metric: f1", "metric: accuracy");
    assert_eq!(fits(&mill.run(&["p"])), (0, 45));
    mill.edit("pipelines/p.yaml", "test: 0.25", "test: 0.3");
    assert_eq!(fits(&mill.run(&["p"])), (45, 0));
}

#[test]
fn a_run_that_is_killed_repeats_no_trial() {
    let search = "{metric: f1, trials: 8, prune: false, using: {folds: 4}, search: {max_depth: {int: [1, 300]}}}";
    let mill = mill(SPLIT, &forest(search).replace("n_estimators: 5", "n_estimators: 150"));
    let mut child = mill.command(&["run", "p"]).stderr(std::process::Stdio::null()).spawn().expect("it starts");
    let records = || walk(&mill.at(".gristmill/records"));
    let began = Instant::now();
    // The source and the two segments of the table are kept first.
    while records() < 9 {
        assert!(began.elapsed() < Duration::from_secs(120), "{} records", records());
        assert!(child.try_wait().expect("asked").is_none(), "it ended before it was killed");
        std::thread::sleep(Duration::from_millis(2));
    }
    child.kill().expect("killed");
    child.wait().expect("dead");
    let kept_then = records() as u64;
    let run = mill.run(&["p"]);
    let (made, kept) = fits(&run);
    assert_eq!(made + kept, 32);
    assert!(kept >= kept_then - 3 && kept < 32, "{made} made, {kept} kept, {kept_then} records");
    // Without the interruption, the same.
    let other = self::mill(SPLIT, &forest(search).replace("n_estimators: 5", "n_estimators: 150"));
    let whole = other.run(&["p"]);
    assert_eq!(fits(&whole), (32, 0));
    assert_eq!(step(&whole, "forest")["outputs"], step(&run, "forest")["outputs"]);
}

/// How many files are beneath a folder.
fn walk(folder: &std::path::Path) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    paths
        .map(
            |path| {
                if path.is_dir() { walk(&path) } else { usize::from(path.extension().is_some_and(|end| end == "json")) }
            },
        )
        .sum()
}

#[test]
fn the_test_part_is_never_looked_at() {
    let search = "{metric: accuracy, trials: 6, method: tpe, search: {max_depth: {int: [1, 6]}, min_samples_leaf: {log_int: [1, 40]}}}";
    let outputs = |spoil: bool, split: &str| {
        let mill = mill(split, &forest(search));
        let mut lines: Vec<String> = table().lines().map(|line| format!("{line},train")).collect();
        lines[0] = lines[0].replace(",train", ",part");
        for (row, line) in lines.iter_mut().enumerate().skip(1) {
            match row % 4 {
                0 if spoil => {
                    *line = format!("{},2031-01-01,{},1,z,{},test", 900 + row, 1000 + row, row % 8 == 0);
                }
                0 => *line = line.replace(",train", ",test"),
                1 => *line = line.replace(",train", ",validation"),
                _ => {}
            }
        }
        mill.file("data/t.csv", &(lines.join("\n") + "\n"));
        let run = mill.run(&["p"]);
        let outputs = step(&run, "forest")["outputs"].clone();
        (outputs["trials"].clone(), outputs["model"].clone(), trials(&mill)["using"].clone())
    };
    let split = "{column: part}";
    assert_eq!(outputs(false, split), outputs(true, split));
    assert_eq!(outputs(false, split).2, "validation");
}

#[test]
fn every_method_finds_its_way_and_failures_are_told() {
    let search = "{max_depth: [1, 2, 3], criterion: [gini, squared_error]}";
    let mill = mill(SPLIT, &forest(&format!("{{metric: f1, method: grid, using: {{folds: 2}}, search: {search}}}")));
    let ran = mill.fine(&["run", "p"]);
    assert!(
        ran.stderr.contains("3 of 6 trials failed; trial 4: this criterion does no classification"),
        "{}",
        ran.stderr
    );
    let found = trials(&mill);
    let status: Vec<&str> =
        found["trials"].as_array().expect("trials").iter().filter_map(|trial| trial["status"].as_str()).collect();
    assert_eq!(status, ["ok", "ok", "ok", "failed", "failed", "failed"]);
    mill.edit("pipelines/p.yaml", "[gini, squared_error]", "[squared_error]");
    let ran = mill.go(&["run", "p"]);
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("none of 3 trials has a score: this criterion"), "{}", ran.stderr);
    mill.edit("pipelines/p.yaml", "[squared_error]", "[gini, entropy]");
    mill.edit("pipelines/p.yaml", "method: grid", "method: halving, trials: 6, resource: rows");
    mill.edit("pipelines/p.yaml", "[1, 2, 3]", "{int: [1, 30]}");
    let best = tuned(&mill.run(&["p"])).clone();
    assert_eq!(best["trials"], 6);
    let found = trials(&mill);
    let shares: Vec<f64> =
        found["trials"].as_array().expect("trials").iter().filter_map(|trial| trial["share"].as_f64()).collect();
    assert_eq!(shares.iter().filter(|share| **share == 1.0).count(), 2, "{found:#}");
    assert_eq!(shares.iter().filter(|share| **share < 0.34).count(), 4);
    mill.edit("pipelines/p.yaml", "resource: rows", "resource: n_estimators");
    assert_eq!(tuned(&mill.run(&["p"]))["trials"], 6);
}

#[test]
fn any_number_of_threads_finds_the_same() {
    let search = "{metric: accuracy, trials: 24, method: tpe, using: {folds: 3}, search: {min_samples_leaf: [1, 2, 80, 90], max_features: {float: [0.1, 1]}}}";
    let found = |threads: &str| {
        let mill = mill(SPLIT, &forest(search)).env("RAYON_NUM_THREADS", threads);
        let run = mill.run(&["p"]);
        let status = trials(&mill)["trials"]
            .as_array()
            .expect("trials")
            .iter()
            .filter(|trial| trial["status"] == "pruned")
            .count();
        (step(&run, "forest")["outputs"].clone(), status)
    };
    let one = found("1");
    assert_eq!(one, found("8"));
    assert!(one.1 > 0, "some trial is clearly behind");
}

#[test]
fn a_cross_validated_search_is_made_anew_in_each_fold() {
    let search = "{metric: f1, trials: 3, using: {folds: 2}, search: {max_depth: {int: [1, 300]}}}";
    let mill = mill(SPLIT, &(forest(search) + "    cv: 3\n"));
    let run = mill.run(&["p"]);
    assert!(step(&run, "forest")["outputs"]["folds"].is_string(), "{run:#}");
    let shown: Json = serde_json::from_str(&mill.fine(&["show", "p/quality", "--json"]).stdout).expect("JSON");
    assert!(shown["models"][0]["cv"]["f1"].as_f64().is_some(), "{shown:#}");
    assert_eq!(made(&mill.run(&["p"])), Vec::<String>::new());
    assert_eq!(mill.fine(&["plan", "p"]).stderr.lines().last().map(|line| line.contains("3 kept")), Some(true));
}

#[test]
fn what_follows_a_model_follows_the_winner() {
    let search = "{metric: log_loss, trials: 4, using: {folds: 2}, search: {max_depth: {int: [1, 300]}}}";
    let classes = mill(SPLIT, &(forest(search) + "    calibrate: sigmoid\n    threshold: {maximize: f1}\n"));
    let run = classes.run(&["p"]);
    assert_eq!(fits(&run), (8, 0));
    assert_eq!(made(&classes.run(&["p"])), Vec::<String>::new());
    classes.edit("pipelines/p.yaml", "maximize: f1", "maximize: accuracy");
    let run = classes.run(&["p"]);
    assert_eq!(step(&run, "forest")["outcome"], "ran");
    assert_eq!(fits(&run), (8, 0), "the search stays as it was made");
    // What is before it makes it wait, not run.
    classes.edit("pipelines/p.yaml", "{test: 0.25, stratify: left}", "{test: 0.3, stratify: left}");
    let plan = classes.fine(&["plan", "p"]).stdout;
    let line = plan.lines().find(|line| line.starts_with("forest")).expect("a line");
    assert!(line.contains("may run"), "{plan}");
    let grades = Mill::grades();
    grades.edit("pipelines/grades.yaml", "model: linear_regression", "model: random_forest, target_transform: log1p, tune: {metric: rmse, trials: 3, using: {folds: 3}, with: 1, search: {max_depth: [1, 3, 5], n_estimators: [4]}}");
    assert_eq!(grades.go(&["check", "grades"]).code, 2, "`with` is no key of `tune`");
    grades.edit("pipelines/grades.yaml", "with: 1, ", "");
    grades.edit("pipelines/grades.yaml", "- split", "- filter: grade > 0\n      - split");
    let run = grades.run(&["grades"]);
    let best = &step(&run, "line")["tuned"];
    assert_eq!(best["params"]["n_estimators"], 4, "{run:#}");
    assert!(best["score"].as_f64().is_some_and(|rmse| (0.1..5.0).contains(&rmse)), "in the target's units: {best}");
}

#[test]
fn an_ensemble_and_a_refit_take_what_the_search_found() {
    let tuned = forest("{metric: f1, trials: 4, using: {folds: 2}, search: {max_depth: [1, 2, 30]}}");
    let more = "  tree:\n    train: features\n    model: decision_tree\n    with: {max_depth: 2}\n  both:\n    train: features\n    model: ensemble\n    with: {of: [forest, tree], method: stack}\n  live: {deploy: both, as: m, refit: all, to: rest}\n";
    let searched = mill(SPLIT, &(tuned.clone() + more));
    let run = searched.run(&["p"]);
    let depth = tuned_depth(&run);
    let written =
        mill(SPLIT, &(format!("    model: random_forest\n    with: {{n_estimators: 5, max_depth: {depth}}}\n") + more));
    let plain = written.run(&["p"]);
    for name in ["both", "live"] {
        assert_eq!(step(&run, name)["outputs"], step(&plain, name)["outputs"], "{name}");
    }
    let ran = mill(
        SPLIT,
        &(tuned + &more.replace("method: stack}", "method: stack}\n    tune: {metric: f1, search: {final: [1]}}")),
    )
    .go(&["check", "p"]);
    assert!(ran.stderr.contains("tune the models that it is made of"), "{}", ran.stderr);
}

fn tuned_depth(run: &Json) -> u64 {
    tuned(run)["params"]["max_depth"].as_u64().expect("a depth")
}

#[test]
fn mistakes_in_a_search_are_told_at_check() {
    for (tune, told) in [
        ("{metric: f1, search: {trees: [1, 2]}}", "did you mean `n_estimators`?"),
        ("{metric: f1, search: {n_estimators: [1, 2]}}", "`n_estimators` is fixed in `with`, and searched here"),
        ("{metric: rmse, search: {max_depth: [1, 2]}}", "`rmse` judges regression, and this is classification"),
        ("{metric: f1, search: {max_depth: [0, 2]}}", "`max_depth` is at least 1, and this is 0"),
        ("{metric: f1, search: {max_depth: {int: [0, 2]}}}", "`max_depth` is at least 1, and this is 0"),
        ("{metric: f1, search: {max_depth: {log: [1, 20]}}}", "`log_int` gives whole numbers"),
        ("{metric: f1, search: {max_features: {uniform: [0.1, 1]}}}", "did you mean `float`?"),
        ("{metric: f1, search: {max_depth: 3}}", "a value that stays the same stands in `with`"),
        ("{metric: f1, trials: 0, search: {max_depth: [1, 2]}}", "a search has at least 1 trial"),
        ("{metric: f1, using: validation, search: {max_depth: [1, 2]}}", "the split doesn't make one"),
        ("{metric: f1, using: test, search: {max_depth: [1, 2]}}", "no choice may rest on them"),
        ("{metric: f1, using: {folds: 3, group: costumer}, search: {max_depth: [1, 2]}}", "did you mean `customer`?"),
        (
            "{metric: f1, method: grid, search: {max_features: {float: [0.1, 1]}}}",
            "list the values, give the range a `step`",
        ),
        (
            "{metric: f1, method: grid, trials: 3, search: {max_depth: {int: [1, 9]}}}",
            "the grid has 9 combinations, and `trials` allows 3",
        ),
        (
            "{metric: f1, method: grid, search: {max_depth: {int: [1, 99999]}}}",
            "the grid has 99999 combinations, and 10000 is the most",
        ),
        (
            "{metric: f1, method: halving, resource: criterion, search: {max_depth: [1, 2]}}",
            "no hyper-parameter of `random_forest` that counts",
        ),
        ("{search: {max_depth: [1, 2]}}", "`metric` is missing"),
        ("{metric: f1}", "`search` says what hyper-parameters may be"),
        ("{metric: f1, serch: {}}", "did you mean `search`?"),
    ] {
        let ran = mill(SPLIT, &forest(tune)).go(&["check", "p"]);
        assert_eq!(ran.code, 2, "{tune}\n{}", ran.stderr);
        assert!(ran.stderr.contains(told), "{tune}\n{told}\n{}", ran.stderr);
        assert!(ran.stderr.contains("p.yaml:1"), "{tune}\n{}", ran.stderr);
    }
    // Two hyper-parameters that exclude each other in some combinations only.
    let train = "    model: logistic_regression\n    tune: {metric: f1, search: {penalty: [l2, elasticnet], l1_ratio: [0.2, 0.8]}}\n";
    mill(SPLIT, train).fine(&["check", "p"]);
}

#[test]
fn groups_stay_whole_in_folds_and_days_are_never_parted() {
    let train = |cv: &str| format!("    model: random_forest\n    with: {{n_estimators: 5}}\n    cv: {cv}\n");
    for cv in ["{folds: 4, group: customer}", "{folds: 3, time: day}"] {
        let run = mill(SPLIT, &train(cv)).run(&["p"]);
        assert_eq!(run["status"], "done", "{run:#}");
    }
    for (cv, told) in [
        ("{folds: 4, group: costumer}", "did you mean `customer`?"),
        ("{folds: 4, group: customer, time: day}", "not both"),
        ("{folds: 1, group: customer}", "at least 2 folds"),
    ] {
        let ran = mill(SPLIT, &train(cv)).go(&["check", "p"]);
        assert_eq!(ran.code, 2);
        assert!(ran.stderr.contains(told), "{cv}\n{}", ran.stderr);
    }
    let ran = mill(SPLIT, &train("{folds: 41, group: customer}")).go(&["run", "p"]);
    assert!(ran.stderr.contains("40 groups are too few for 41 folds"), "{}", ran.stderr);
}
