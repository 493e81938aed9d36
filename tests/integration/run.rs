//! Runs: what they print, how they end, what they say when something goes wrong.

use crate::mill::{Mill, outcomes, step};

#[test]
fn the_object_of_a_run_has_what_the_language_page_says() {
    let run = Mill::penguins().run(&["penguins"]);
    assert_eq!(run["pipeline"], "penguins");
    assert_eq!(run["status"], "done");
    assert!(run["metrics"]["quality"]["forest"]["accuracy"].as_f64().expect("a score") > 0.9);
    assert!(["forest", "logistic"].contains(&run["best"]["quality"].as_str().expect("a name")));
    assert_eq!(run["gates"]["quality"][0]["metric"], "accuracy");
    assert_eq!(run["gates"]["quality"][0]["passed"], true);
    let deployed = &run["deployed"][0];
    assert_eq!(
        (&deployed["model"], &deployed["version"], &deployed["alias"]),
        (&"penguin-species".into(), &1.into(), &"champion".into())
    );
    let features = step(&run, "features");
    assert!(features["key"].as_str().expect("a key").starts_with("sha256:"));
    let outputs: Vec<&String> = features["outputs"].as_object().expect("outputs").keys().collect();
    assert_eq!(outputs, ["recipe", "test", "train"]);
}

#[test]
fn a_failed_gate_ends_with_3_also_when_all_is_kept() {
    let mill = Mill::penguins();
    mill.edit("pipelines/penguins.yaml", "require: {accuracy: {min: 0.9}}", "require: {log_loss: {max: 0.000001}}");
    for _ in 0..2 {
        let ran = mill.go(&["run", "penguins"]);
        assert_eq!(ran.code, 3, "{}", ran.stderr);
        assert!(ran.stdout.contains("✗ log_loss"), "{}", ran.stdout);
    }
    let run = mill.run(&["penguins"]);
    assert_eq!(run["status"], "gate_failed");
    assert_eq!(step(&run, "live")["outcome"], "skipped");
    assert_eq!(run["deployed"], serde_json::json!([]));
}

#[test]
fn data_that_breaks_its_contract_ends_with_6_and_names_the_row() {
    let mill = Mill::penguins();
    mill.edit("data/penguins.csv", "Adelie,Torgersen,39.5", "Adelie,Atlantis,39.5");
    let ran = mill.go(&["run", "penguins"]);
    assert_eq!(ran.code, 6, "{}", ran.stderr);
    assert!(ran.stderr.contains("row 2: `island` `Atlantis` isn't one of"), "{}", ran.stderr);
    assert!(ran.stderr.contains("pipelines/penguins.yaml:"), "{}", ran.stderr);
}

#[test]
fn a_cell_of_another_type_than_the_contract_says_breaks_it() {
    let mill = Mill::penguins();
    mill.edit("data/penguins.csv", "39.5,17.4,186,3800", "39.5,17.4,186,heavy");
    let ran = mill.go(&["run", "penguins"]);
    assert_eq!(ran.code, 6, "{}", ran.stderr);
    assert!(ran.stderr.contains("row 2: `body_mass_g` is int, and `heavy` isn't"), "{}", ran.stderr);
}

#[test]
fn a_column_that_changes_its_type_is_told_with_its_row() {
    let mill = Mill::grades();
    mill.run(&["grades"]);
    mill.edit("data/grades.csv", "\n5,", "\nfive,");
    let ran = mill.go(&["run", "grades"]);
    assert_ne!(ran.code, 0);
    assert!(ran.stderr.contains("row 6: `id` is int, and `five` isn't"), "{}", ran.stderr);
}

#[test]
fn a_failing_step_names_itself_its_op_and_its_column_and_others_are_skipped() {
    let mill = Mill::grades();
    mill.edit("pipelines/grades.yaml", "      - fill_missing: {hours: {with: median, indicator: hours_missing}}\n", "");
    let ran = mill.go(&["run", "grades"]);
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("the step `line` failed"), "{}", ran.stderr);
    let (_, said) = ran.stderr.split_once("the first is row ").expect("the first row without hours");
    let row: usize = said.split(' ').next().and_then(|row| row.parse().ok()).expect("a number");
    let line = mill.read("data/grades.csv").lines().nth(row).map(str::to_owned).expect("a row");
    assert!(line.contains(",,"), "row {row} of the source is the one without hours: {line}");
    let run = mill.run(&["grades"]);
    let found = outcomes(&run);
    assert!(
        found.contains(&("line".into(), "failed".into())) && found.contains(&("live".into(), "skipped".into())),
        "{found:?}"
    );
    assert_eq!(run["status"], "failed");
}

#[test]
fn a_regression_is_learned_judged_and_deployed() {
    let mill = Mill::grades();
    let run = mill.run(&["grades"]);
    assert!(run["metrics"]["quality"]["line"]["r2"].as_f64().expect("a score") > 0.8);
    let scored = mill.file("new.csv", "hours,group\n5,a\n,b\n").fine(&["predict", "grade", "--in", "new.csv"]);
    let lines: Vec<&str> = scored.stdout.lines().collect();
    assert_eq!(lines[0], "hours,group,prediction,refused");
    let prediction: f64 = lines[1].split(',').nth(2).expect("a prediction").parse().expect("a number");
    assert!((prediction - 10.0).abs() < 1.0, "{prediction}");
    assert!(!lines[2].ends_with("no value"), "a missing value is filled as in training");
}

#[test]
fn one_step_runs_with_what_it_needs() {
    let mill = Mill::penguins();
    let run = mill.run(&["penguins/forest"]);
    let steps: Vec<String> = outcomes(&run).into_iter().map(|(step, _)| step).collect();
    assert_eq!(steps, ["features", "forest", "tidy"]);
}

#[test]
fn coverage_counts_the_rows_that_ops_refused() {
    let mill = Mill::grades();
    mill.edit(
        "pipelines/grades.yaml",
        "      - fill_missing: {hours: {with: median, indicator: hours_missing}}\n",
        "      - drop_missing: [hours]\n",
    );
    mill.edit("pipelines/grades.yaml", "require: {r2: {min: 0.5}}", "require: {coverage: {min: 0.999}}");
    let run = mill.run(&["grades"]);
    assert_eq!(run["status"], "gate_failed");
    let value = run["gates"]["quality"][0]["value"].as_f64().expect("a share");
    assert!(value > 0.8 && value < 1.0, "{value}");
}

#[test]
fn the_tests_of_a_pipeline_pass_and_fail() {
    let mill = Mill::penguins();
    assert!(mill.fine(&["test"]).stdout.contains("ok     penguins: a penguin without a sex is dropped"));
    mill.edit(
        "pipelines/penguins.yaml",
        "- {species: Gentoo, body_mass_g: 5400}",
        "- {species: Gentoo, body_mass_g: 5401}",
    );
    let ran = mill.go(&["test"]);
    assert_eq!(ran.code, 1);
    assert!(ran.stdout.contains("`body_mass_g` is 5400, 5401 is expected"), "{}", ran.stdout);
}

#[test]
fn a_saved_table_and_odd_names_work() {
    let mill = Mill::new();
    mill.file("data/größe & co.csv", "löng näme,y\n1,a\n2,b\n3,a\n4,b\n");
    mill.file("pipelines/größe.yaml", "name: größe\ntarget: y\nsources: {s: {path: \"data/größe & co.csv\"}}\nsteps:\n  t: {clean: s, save: out/t.ndjson, ops: [{derive: {twice: '\"löng näme\" * 2'}}]}\n");
    mill.fine(&["run"]);
    assert!(
        mill.read("out/t.ndjson").starts_with("{\"löng näme\":1,\"y\":\"a\",\"twice\":2}"),
        "{}",
        mill.read("out/t.ndjson")
    );
}

#[test]
fn a_class_that_only_test_rows_have_does_not_change_what_a_metric_means() {
    let score = |stranger: bool| {
        let mill = Mill::new();
        let rows: Vec<String> = (0..60)
            .map(|id| {
                let label = if stranger && id == 59 {
                    "maybe"
                } else if (id * 7) % 10 < 5 {
                    "no"
                } else {
                    "yes"
                };
                let part = if id >= 40 { "test" } else { "train" };
                format!("{},{label},{part}\n", (id * 7) % 10)
            })
            .collect();
        mill.file("data/t.csv", &format!("x,y,part\n{}", rows.concat()));
        mill.file("pipelines/p.yaml", "name: p\ntarget: y\nsources: {t: {path: data/t.csv}}\nsteps:\n  f: {clean: t, ops: [{split: {column: part}}]}\n  m: {train: f, model: logistic_regression, weights: balanced}\n  q: {evaluate: m, metrics: [f1, accuracy]}\n");
        let ran = mill.fine(&["run", "p"]);
        assert_eq!(ran.stderr.contains("a class that no train row has"), stranger, "{}", ran.stderr);
        mill.run(&["p"])["metrics"]["q"]["m"]["f1"].as_f64().expect("a score")
    };
    assert!(score(false) > 0.9 && score(true) > 0.85);
}

#[test]
fn folds_keep_the_groups_of_the_split_together() {
    let mill = Mill::new();
    let rows: Vec<String> =
        (0..320).map(|id| format!("{},{},{}\n", id / 8, id / 8, ["a", "b"][((id / 8) * 5 % 7 % 2) as usize])).collect();
    mill.file("data/t.csv", &format!("g,x,y\n{}", rows.concat()));
    mill.file("pipelines/p.yaml", "name: p\ntarget: y\nroles: {group: g}\nsources: {t: {path: data/t.csv}}\nsteps:\n  f: {clean: t, ops: [{split: {test: 0.3, group: g}}]}\n  m: {train: f, model: random_forest, with: {n_estimators: 20}, cv: 5}\n  q: {evaluate: m, metrics: [accuracy]}\n");
    mill.fine(&["run", "p"]);
    let shown: serde_json::Value = serde_json::from_str(&mill.fine(&["show", "p/q", "--json"]).stdout).expect("JSON");
    let cv = shown["models"][0]["cv"]["accuracy"].as_f64().expect("a score");
    assert!(cv < 0.9, "rows of one group in two folds would give 1: {cv}");
}

#[test]
fn slices_are_by_the_values_before_scaling() {
    let mill = Mill::grades();
    mill.edit("pipelines/grades.yaml", "slices: [group]", "slices: [group, hours]");
    mill.run(&["grades"]);
    let shown: serde_json::Value =
        serde_json::from_str(&mill.fine(&["show", "quality", "--json"]).stdout).expect("JSON");
    let slices = shown["models"][0]["slices"].as_array().expect("slices");
    let hours: Vec<&str> = slices
        .iter()
        .filter(|slice| slice["column"] == "hours")
        .map(|slice| slice["value"].as_str().expect("text"))
        .collect();
    assert!(hours.iter().all(|hours| *hours == "null" || hours.parse::<f64>().expect("a number") >= 0.0), "{hours:?}");
}
