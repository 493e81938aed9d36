//! Judging: intervals, gates on slices, curves, and whether a model takes the champion's place.

use serde_json::Value as Json;

use crate::mill::{Mill, made, step};

/// 400 rows whose answer follows `x` with some noise, in groups of which `c` is hard and `d` is small.
fn patients() -> Mill {
    let mut table = "id,x,noise,group,ill\n".to_owned();
    for id in 0..400u32 {
        let x = f64::from((id * 37) % 101) / 10.0;
        let group = if id % 40 == 0 { "d" } else { ["a", "b", "c"][(id % 3) as usize] };
        let luck = f64::from((id * 7919) % 1009) / 1009.0;
        let wrong = luck < if group == "c" { 0.4 } else { 0.05 };
        let ill = (x > 5.0) != wrong;
        let noise = f64::from((id * 53) % 97);
        table.push_str(&format!("{id},{x},{noise},{group},{}\n", if ill { "yes" } else { "no" }));
    }
    let mill = Mill::new();
    mill.file("data/patients.csv", &table).file(
        "pipelines/p.yaml",
        "name: p\ntarget: {column: ill, positive: yes}\nroles: {id: id}\nsources:\n  patients: {path: data/patients.csv}\nsteps:\n  f:\n    transform: patients\n    ops:\n      - split: {test: 0.4}\n      - one_hot: [group]\n  m: {train: f, model: logistic_regression}\n  q:\n    evaluate: m\n    metrics: [accuracy, recall, roc_auc]\n    slices: [group]\n  live: {deploy: q, as: ill, promote_if: {accuracy: {min: champion}}}\n",
    );
    mill
}

fn json(text: &str) -> Json {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

#[test]
fn scores_have_intervals_costs_and_curves_that_are_the_same_at_every_run() {
    let mill = patients();
    let run = mill.run(&["p"]);
    let interval = &run["intervals"]["q"]["m"]["accuracy"];
    let score = run["metrics"]["q"]["m"]["accuracy"].as_f64().expect("a score");
    let end = |nth: usize| interval[nth].as_f64().expect("an end");
    assert!(end(0) < score && score < end(1) && end(1) - end(0) < 0.2, "{interval} {score}");
    let costs = &run["costs"]["q"]["m"];
    assert!(costs["fit_seconds"].as_f64().expect("a time") > 0.0 && costs["bytes"].as_u64().expect("a size") > 50);
    let report = |run: &Json| step(run, "q")["outputs"]["report"].clone();
    let again = mill.run(&["p", "--force"]);
    assert_eq!(report(&run), report(&again), "times are no part of it");
    let one = patients().env("RAYON_NUM_THREADS", "1");
    assert_eq!(report(&run), report(&one.run(&["p"])));

    let text = mill.fine(&["show", "q"]).stdout;
    assert!(text.contains(&format!("{score:.4} [{:.3}, {:.3}]", end(0), end(1))), "{text}");
    for part in [
        "ROC of `yes`: area 0.",
        "precision by recall",
        "lift: likeliest rows first",
        "reliability: calibration error",
        "1000 rows",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    let shown = json(&mill.fine(&["show", "q", "--json"]).stdout);
    let curves = &shown["models"][0]["curves"];
    let points = curves["classes"][0]["roc"]["fpr"].as_array().expect("points").len();
    assert!((10..=200).contains(&points), "{points}");
    assert_eq!(curves["classes"][0]["class"], 1);
    let rows: u64 =
        curves["reliability"]["bins"].as_array().expect("bins").iter().filter_map(|bin| bin["rows"].as_u64()).sum();
    assert_eq!(rows, 160);
    let last = mill.fine(&["show", "last"]).stdout;
    assert!(last.contains(&format!("{score:.4} [")), "{last}");
}

#[test]
fn curves_fit_a_narrow_terminal_and_residuals_are_drawn() {
    let mill = Mill::grades().env("COLUMNS", "40");
    mill.run(&["grades"]);
    let text = mill.fine(&["show", "quality"]).stdout;
    let drawn: Vec<&str> = text.lines().skip_while(|line| !line.starts_with("residual (truth")).collect();
    assert!(drawn.len() > 30 && drawn.iter().all(|line| line.chars().count() <= 40), "{text}");
    assert!(drawn.iter().any(|line| line.contains('█')), "{text}");
}

#[test]
fn the_worst_slice_and_the_gap_between_slices_are_gates() {
    let mill = patients();
    mill.edit(
        "pipelines/p.yaml",
        "    slices: [group]\n",
        "    slices: [group]\n    require:\n      worst_slice.accuracy: {min: 0.75, min_rows: 20}\n      slice_gap.accuracy: {max: 0.9}\n      accuracy: {min: 0.5}\n",
    );
    let ran = mill.go(&["run", "p"]);
    assert_eq!(ran.code, 3, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("✗ worst_slice.accuracy 0."), "{}", ran.stdout);
    assert!(ran.stdout.contains("isn't at least 0.75 (group = c)"), "{}", ran.stdout);
    let run = mill.run(&["p"]);
    let gates = run["gates"]["q"].as_array().expect("gates");
    let gate = &gates[0];
    assert_eq!(
        (&gate["metric"], &gate["slice"], &gate["min_rows"]),
        (&"worst_slice.accuracy".into(), &"group = c".into(), &20.into())
    );
    assert_eq!(gates.iter().map(|gate| gate["passed"] == true).collect::<Vec<_>>(), [false, true, true]);
    mill.edit("pipelines/p.yaml", "min_rows: 20", "min_rows: 2000");
    let ran = mill.go(&["run", "p"]);
    assert_eq!(ran.code, 3, "a gate that nothing shows to hold fails");
    assert!(ran.stdout.contains("has no value: too few slices of 2000 rows"), "{}", ran.stdout);
}

/// The verdict on the deployed model, with the run.
fn promoted(mill: &Mill) -> (String, Json) {
    let run = mill.run(&["p"]);
    assert_eq!(run["status"], "done", "{run:#}");
    let deployed = run["deployed"][0].clone();
    (deployed["verdict"].as_str().unwrap_or_else(|| panic!("no verdict in {deployed:#}")).to_owned(), deployed)
}

#[test]
fn a_model_takes_the_champions_place_only_if_it_holds_its_ground() {
    let mill = patients();
    let learner = |from: &str, to: &str| mill.edit("pipelines/p.yaml", from, to);
    learner("model: logistic_regression", "model: baseline");
    let (verdict, first) = promoted(&mill);
    assert_eq!((verdict.as_str(), &first["promoted"], &first["version"]), ("promoted", &true.into(), &1.into()));
    assert_eq!(first["told"], "there was no champion");

    learner("model: baseline", "model: logistic_regression");
    let (verdict, second) = promoted(&mill);
    assert_eq!((verdict.as_str(), &second["promoted"], &second["version"]), ("promoted", &true.into(), &2.into()));
    let compared = &second["comparison"]["compared"][0];
    assert_eq!((&second["comparison"]["champion"], &second["comparison"]["rows"]), (&1.into(), &160.into()));
    assert!(compared["difference"][0].as_f64().expect("an end") > 0.1, "{compared}");
    assert_eq!((&compared["min"], &compared["holds"]), (&"champion".into(), &true.into()));
    let (_, again) = promoted(&mill);
    assert_eq!((&again["told"], &again["promoted"]), (&"it is the champion already".into(), &true.into()));

    learner("model: logistic_regression", "model: baseline");
    let ran = mill.fine(&["run", "p"]);
    assert!(ran.stdout.contains("kept champion version 2: accuracy 0."), "{}", ran.stdout);
    let (verdict, third) = promoted(&mill);
    assert_eq!((verdict.as_str(), &third["promoted"], &third["version"]), ("kept_champion", &false.into(), &1.into()));
    let list = json(&mill.fine(&["models", "list", "--json"]).stdout);
    assert_eq!(list["models"][0]["aliases"]["champion"], 2);
    let ledger = mill.fine(&["models", "show", "ill@2"]).stdout;
    assert_eq!(ledger.matches("kept champion version 2").count(), 1, "a decision is noted once\n{ledger}");
}

#[test]
fn what_the_rows_do_not_tell_keeps_the_champion_and_a_rollback_stays() {
    let mill = patients();
    promoted(&mill);
    mill.edit(
        "pipelines/p.yaml",
        "model: logistic_regression",
        "model: random_forest, with: {n_estimators: 30, max_depth: 5}",
    );
    let (verdict, deployed) = promoted(&mill);
    let compared = &deployed["comparison"]["compared"][0];
    assert_eq!((verdict.as_str(), &deployed["promoted"]), ("cant_tell", &false.into()), "{compared}");
    assert_eq!(compared["holds"], Json::Null);
    assert!(compared["rows_needed"].as_u64().expect("an estimate") > 160, "{compared}");
    // What may be a tenth worse is good enough for certain.
    mill.edit("pipelines/p.yaml", "min: champion", "min: champion - 0.1");
    let (verdict, deployed) = promoted(&mill);
    assert_eq!((verdict.as_str(), &deployed["promoted"], &deployed["version"]), ("promoted", &true.into(), &2.into()));
    mill.fine(&["models", "rollback", "ill"]);
    let (_, deployed) = promoted(&mill);
    assert_eq!(deployed["promoted"], false, "the same decision isn't taken twice");
    assert_eq!(deployed["verdict"], "promoted", "though the comparison comes out as it did");
    let list = json(&mill.fine(&["models", "list", "--json"]).stdout);
    assert_eq!(list["models"][0]["aliases"]["champion"], 1);
}

#[test]
fn a_champion_that_cannot_answer_or_has_seen_the_rows_is_told() {
    let mill = patients();
    promoted(&mill);
    // Another draw: some of today's test rows are among those that the champion learned from.
    mill.edit("pipelines/p.yaml", "name: p\n", "name: p\nseed: 7\n");
    let ran = mill.fine(&["run", "p"]);
    assert!(ran.stderr.contains("version 1 learned from"), "{}", ran.stderr);
    // A column is gone.
    let table = mill.read("data/patients.csv").replace("id,x,noise", "id,x,loudness");
    mill.file("data/patients.csv", &table);
    let ran = mill.fine(&["run", "p"]);
    assert!(ran.stderr.contains("asks for `noise`, which today's rows don't have"), "{}", ran.stderr);
    let (verdict, deployed) = promoted(&mill);
    assert_eq!((verdict.as_str(), &deployed["promoted"]), ("cant_tell", &false.into()));
    assert!(deployed["comparison"]["obstacle"].as_str().expect("an obstacle").contains("noise"));
}

#[test]
fn another_table_goes_through_the_same_ops_and_is_judged() {
    let mill = patients();
    let table = mill.read("data/patients.csv");
    let (head, rows) = table.split_once('\n').expect("a header");
    // Rows of one group, one of them without a value that the model needs.
    let kept: Vec<&str> = rows.lines().filter(|line| line.contains(",c,")).collect();
    let [first, ..] = kept[..] else { unreachable!("there are rows") };
    let without: Vec<&str> = first.split(',').collect();
    let without = format!("{},,{},{},{}", without[0], without[2], without[3], without[4]);
    mill.file("data/later.csv", &format!("{head}\n{}\n{without}\n", kept.join("\n")));
    mill.edit("pipelines/p.yaml", "steps:\n", "  later: {path: data/later.csv}\nsteps:\n");
    mill.edit(
        "pipelines/p.yaml",
        "      - split: {test: 0.4}\n",
        "      - split: {test: 0.4}\n      - drop_missing: [x]\n",
    );
    mill.edit("pipelines/p.yaml", "    evaluate: m\n", "    evaluate: m\n    on: later\n");
    let run = mill.run(&["p"]);
    assert_eq!(run["status"], "done", "{run:#}");
    let shown = json(&mill.fine(&["show", "q", "--json"]).stdout);
    let model = &shown["models"][0];
    assert_eq!((&model["scores"]["rows"], &model["scores"]["of"]), (&kept.len().into(), &(kept.len() + 1).into()));
    assert_eq!((&model["slices"][0]["column"], &model["slices"][0]["value"]), (&"group".into(), &"c".into()));
    assert!(run["metrics"]["q"]["m"]["accuracy"].as_f64().expect("a score") < 0.8, "the hard group alone");
    // Another row is another judgement, of the same model.
    mill.file("data/later.csv", &format!("{head}\n{}\n", kept[1..].join("\n")));
    let run = mill.run(&["p"]);
    assert_eq!(crate::mill::made(&run), ["q"]);
    // What makes the column another one is told.
    mill.file("data/later.csv", &format!("{head}\n{}\n", kept.join("\n").replace(",c,", ",3,")));
    mill.edit("pipelines/p.yaml", "path: data/later.csv}", "path: data/later.csv, columns: {group: int}}");
    let ran = mill.go(&["run", "p"]);
    assert!(ran.stderr.contains("`group` is int here, and category where the models learned"), "{}", ran.stderr);
    let told = |on: &str| {
        mill.edit("pipelines/p.yaml", "    on: later\n", &format!("    on: {on}\n"));
        let told = mill.go(&["check", "p"]).stderr;
        mill.edit("pipelines/p.yaml", &format!("    on: {on}\n"), "    on: later\n");
        told
    };
    assert!(told("latr").contains("`later`"));
    assert!(told("f").contains("`f` is split"));
    assert!(told("m").contains("`m` is no table"));
}

#[test]
fn mistakes_in_gates_and_promotions_are_found_at_check() {
    let told = |from: &str, to: &str| {
        let mill = patients();
        mill.edit("pipelines/p.yaml", from, to);
        let ran = mill.go(&["check", "p"]);
        assert_eq!(ran.code, 2, "{to}\n{}", ran.stderr);
        ran.stderr
    };
    let gate = |gate: &str| told("    slices: [group]\n", &format!("    slices: [group]\n    require: {{{gate}}}\n"));
    for (written, message) in [
        ("worst_slce.recall: {min: 0.5}", "did you mean `worst_slice`?"),
        ("worst_slice: {min: 0.5}", "`worst_slice` of which metric?"),
        ("worst_slice.f1: {min: 0.5}", "`f1` isn't computed here"),
        ("worst_slice.rmse: {max: 0.5}", "`rmse` judges regression"),
        ("worst_slice.recall: {max: 0.5}", "the worst slice needs a `min`"),
        ("slice_gap.recall: {min: 0.1}", "too large only"),
        ("worst_slice.recall: {min_rows: 5}", "a gate needs a bound"),
        ("worst_slice.coverage: {min: 0.5}", "no metric `coverage`"),
        ("recall: {min: 0.5, min_rows: 5}", "`min_rows` is for gates on slices"),
        ("worst_slice.recall: {min: 0.5, min_rows: 0}", "at least 1 row"),
    ] {
        let found = gate(written);
        assert!(found.contains(message), "{written}\n{found}");
    }
    let found = told("    slices: [group]\n", "    require: {worst_slice.recall: {min: 0.5}}\n");
    assert!(found.contains("is over slices, and there are none") && found.contains("slices: [island]"), "{found}");
    let rule = |rule: &str| told("{accuracy: {min: champion}}", rule);
    for (written, message) in [
        ("{acuracy: {min: champion}}", "`accuracy`"),
        ("{rmse: {max: champion}}", "`rmse` judges regression"),
        ("{accuracy: {min: champ - 0.01}}", "`champ - 0.01` is no bar"),
        ("{accuracy: {min: champion * 2}}", "is no bar for a score"),
        ("{accuracy: {max: champion}}", "keeps a `min`"),
        ("{accuracy: {least: champion}}", "no key `least`"),
        ("{accuracy: {}}", "needs a `min` or a `max`"),
        ("{}", "names no metric"),
        ("champion", "is a map of metrics"),
    ] {
        let found = rule(written);
        assert!(found.contains(message) && found.contains("p.yaml:"), "{written}\n{found}");
    }
    let mill = patients();
    mill.edit("pipelines/p.yaml", "      - split: {test: 0.4}\n", "").edit(
        "pipelines/p.yaml",
        "deploy: q",
        "deploy: m",
    );
    let found = mill.go(&["check", "p"]).stderr;
    assert!(found.contains("there is no test part to compare the model with the `champion` on"), "{found}");
}

#[test]
fn importance_tells_which_raw_columns_a_model_needs() {
    let mill = Mill::penguins();
    mill.edit("pipelines/penguins.yaml", "best: f1\n", "best: f1\n    importance: {repeats: 3, metric: accuracy}\n");
    mill.run(&["penguins"]);
    let json: Json = serde_json::from_str(&mill.fine(&["show", "quality", "--json"]).stdout).expect("JSON");
    for model in json["models"].as_array().expect("models") {
        let importance = &model["importance"];
        assert_eq!((&importance["metric"], &importance["repeats"]), (&Json::from("accuracy"), &Json::from(3)));
        let columns = importance["columns"].as_array().expect("columns");
        let names: Vec<&str> = columns.iter().map(|column| column["column"].as_str().expect("a name")).collect();
        // Raw columns, not those that `one_hot` makes of them; neither the target nor what was dropped.
        assert_eq!(names[0], "bill_length_mm", "{names:?}");
        assert!(names.contains(&"island") && names.len() == 6, "{names:?}");
        assert!(columns[0]["mean"].as_f64().expect("a number") > 0.1, "{importance}");
        assert_eq!(columns[0]["losses"].as_array().expect("repeats").len(), 3);
    }
    let shown = mill.fine(&["show", "quality"]).stdout;
    assert!(shown.contains("accuracy lost") && shown.contains('█'), "{shown}");
    // It is kept with the judgement, and asking for more repeats judges anew, trains nothing.
    assert!(made(&mill.run(&["penguins"])).is_empty());
    mill.edit("pipelines/penguins.yaml", "repeats: 3", "repeats: 4");
    assert_eq!(made(&mill.run(&["penguins"])), ["quality"]);
}

#[test]
fn importance_on_another_table_shuffles_its_rows() {
    let mill = Mill::grades();
    let table = mill.read("data/grades.csv");
    mill.file("data/later.csv", &table.lines().take(61).map(|line| format!("{line}\n")).collect::<String>());
    mill.edit(
        "pipelines/grades.yaml",
        "{path: data/grades.csv}",
        "{path: data/grades.csv}\n  later: {path: data/later.csv}",
    );
    mill.edit(
        "pipelines/grades.yaml",
        "    metrics: [rmse",
        "    on: later\n    importance: permutation\n    metrics: [rmse",
    );
    mill.run(&["grades"]);
    let json: Json = serde_json::from_str(&mill.fine(&["show", "quality", "--json"]).stdout).expect("JSON");
    let importance = &json["models"][0]["importance"];
    assert_eq!((&importance["metric"], &importance["repeats"]), (&Json::from("rmse"), &Json::from(5)));
    assert_eq!(importance["columns"][0]["column"], "hours");
    assert!(importance["columns"][0]["mean"].as_f64().expect("a number") > 1.0, "{importance}");
}

#[test]
fn importance_is_checked_before_anything_runs() {
    let wrong = |importance: &str, code: &str| {
        let mill = Mill::penguins();
        mill.edit("pipelines/penguins.yaml", "best: f1\n", &format!("best: f1\n    importance: {importance}\n"));
        let ran = mill.go(&["check", "penguins", "--json"]);
        let json: Json = serde_json::from_str(&ran.stdout).expect("JSON");
        assert_eq!((ran.code, &json["diagnostics"][0]["code"]), (2, &Json::from(code)), "{importance}");
    };
    wrong("shap", "wrong-type");
    wrong("{repeats: 0}", "out-of-range");
    wrong("{metric: mcc}", "metric-not-computed");
    wrong("{metric: rmse}", "wrong-metric");
}
