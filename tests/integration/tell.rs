//! What is told of steps and runs: why, plan, status, log, show RUN, and lines while a run goes.

use serde_json::{Value as Json, json};

use crate::mill::{Mill, step};

fn json_of(mill: &Mill, arguments: &[&str]) -> Json {
    let all: Vec<&str> = arguments.iter().copied().chain(["--json"]).collect();
    serde_json::from_str(&mill.fine(&all).stdout).expect("JSON")
}

fn because(why: &Json) -> Vec<&str> {
    why["because"].as_array().expect("lines").iter().map(|line| line.as_str().expect("text")).collect()
}

#[test]
fn why_before_anything_ran_and_when_all_is_kept() {
    let mill = Mill::penguins();
    let why = json_of(&mill, &["why", "forest"]);
    assert_eq!((&why["now"], &why["reason"]), (&json!("run"), &json!("it never ran")));
    let run = mill.run(&["penguins"]);
    let why = json_of(&mill, &["why", "forest"]);
    assert_eq!((&why["now"], &why["reason"]), (&json!("cached"), &json!("nothing it depends on changed")));
    assert_eq!(why["made"]["run"], run["run"]);
    assert_eq!(why["changes"], json!([]));
    let text = mill.fine(&["why", "forest"]).stdout;
    assert!(text.contains("`forest` is up to date") && text.contains("by the run 2"), "{text}");
}

#[test]
fn why_names_a_changed_param_before_and_after_the_run() {
    let mill = Mill::penguins();
    mill.run(&["penguins"]);
    let why = json_of(&mill, &["why", "forest", "--set", "trees=300"]);
    assert_eq!((&why["now"], &why["reason"]), (&json!("run"), &json!("`with.n_estimators`: 200 → 300")));
    assert_eq!(why["changes"], json!([{"part": "with.n_estimators", "before": 200, "after": 300}]));
    mill.edit("pipelines/penguins.yaml", "trees: 200", "trees: 20");
    mill.run(&["penguins"]);
    let why = json_of(&mill, &["why", "quality"]);
    assert_eq!(because(&why), ["the model `forest` changed", "the cross-validation of `forest` changed"]);
    // Also where what it works on isn't known yet: its own change is enough.
    mill.edit("pipelines/penguins.yaml", "trees: 20", "trees: 30");
    mill.edit("pipelines/penguins.yaml", "BETWEEN 2000 AND 8000", "BETWEEN 3000 AND 8000");
    assert_eq!(json_of(&mill, &["why", "forest"])["now"], "run");
    assert_eq!(json_of(&mill, &["why", "logistic"])["now"], "waits");
}

#[test]
fn why_names_a_changed_column_and_a_changed_condition() {
    let mill = Mill::penguins();
    mill.run(&["penguins"]);
    // The weight of the first penguin, which is a train row or not: every model looks at that column only.
    mill.edit("data/penguins.csv", "39.1,18.7,181,3750", "39.1,18.7,181,3751");
    assert_eq!(json_of(&mill, &["why", "tidy"])["reason"], "the source `penguins` changed");
    mill.run(&["penguins/tidy"]);
    assert_eq!(json_of(&mill, &["why", "features"])["reason"], "column `body_mass_g` of the rows changed");
    mill.edit("pipelines/penguins.yaml", "BETWEEN 2000 AND 8000", "BETWEEN 2500 AND 8000");
    let why = json_of(&mill, &["why", "tidy"]);
    let told = because(&why);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("`filter`: ") && told[0].contains("2000") && told[0].contains("→"), "{told:?}");
    assert_eq!(why["changes"][0]["before"], 2000);
}

#[test]
fn why_names_an_object_that_is_missing() {
    let mill = Mill::penguins();
    let run = mill.run(&["penguins"]);
    let digest = step(&run, "forest")["outputs"]["model"].as_str().expect("a digest").to_owned();
    let hex = digest.strip_prefix("sha256:").expect("a prefix");
    std::fs::remove_file(mill.at(".gristmill/objects").join(&hex[..2]).join(&hex[2..])).expect("there");
    let why = json_of(&mill, &["why", "forest"]);
    assert_eq!(why["now"], "run");
    assert_eq!(why["reason"], format!("its output `model` ({}) is gone or damaged", &hex[..8]));
    let again = mill.run(&["penguins"]);
    assert_eq!(step(&again, "forest")["reason"], why["reason"]);
}

#[test]
fn why_of_a_deployment_tells_the_decision_and_a_rollback() {
    let mill = Mill::penguins();
    mill.run(&["penguins"]);
    mill.edit("pipelines/penguins.yaml", "BETWEEN 2000 AND 8000", "BETWEEN 1000 AND 9000");
    mill.run(&["penguins"]);
    let why = json_of(&mill, &["why", "live"]);
    assert_eq!((&why["now"], &why["reason"]), (&json!("reconcile"), &json!("it is reconciled at every run")));
    let text = mill.fine(&["why", "live"]).stdout;
    assert!(text.contains("`penguin-species@champion` moved from version 1 to version 2"), "{text}");
    mill.fine(&["models", "rollback", "penguin-species"]);
    let text = mill.fine(&["why", "live"]).stdout;
    assert!(text.contains("rolled back from version 2 to version 1"), "{text}");
    assert!(text.contains("the pipeline decided for version 2"), "{text}");
    assert_eq!(json_of(&mill, &["why", "live"])["deployment"]["version"], 1);
}

#[test]
fn why_repeats_what_a_failed_step_said_and_what_it_stopped() {
    let mill = Mill::grades();
    mill.edit("pipelines/grades.yaml", "      - fill_missing: {hours: {with: median, indicator: hours_missing}}\n", "");
    mill.run(&["grades"]);
    let why = json_of(&mill, &["why", "line"]);
    assert_eq!(why["now"], "run");
    assert_eq!(why["last"]["outcome"], "failed");
    let error = &why["last"]["errors"][0];
    assert_eq!((&error["step"], &error["code"]), (&json!("line"), &json!("missing-values")));
    let text = mill.fine(&["why", "line"]).stdout;
    assert!(text.contains("pipelines/grades.yaml:") && text.contains("fill_missing: {hours: median}"), "{text}");
    assert!(text.contains("the next run tries it again"), "{text}");
    let skipped = mill.fine(&["why", "quality"]).stdout;
    assert!(skipped.contains("it was skipped in the last run") && skipped.contains("`line` failed"), "{skipped}");
}

#[test]
fn a_plan_tells_what_would_run_and_how_long_it_took() {
    let mill = Mill::penguins();
    let plan = json_of(&mill, &["plan"]);
    assert!(
        plan["steps"].as_array().expect("steps").iter().all(|step| step["reason"] != "" && step["seconds"].is_null())
    );
    assert_eq!(plan["steps"][2]["ahead"], "run", "what never ran runs, whatever it works on");
    mill.run(&["penguins"]);
    let ran = mill.fine(&["plan", "penguins", "--set", "trees=300"]);
    assert!(ran.stdout.contains("`with.n_estimators`: 200 → 300"), "{}", ran.stdout);
    assert!(ran.stdout.contains("if what `forest` makes changes"), "{}", ran.stdout);
    assert!(ran.stderr.contains("1 to run (about ") && ran.stderr.contains("1 that may"), "{}", ran.stderr);
    assert!(json_of(&mill, &["plan", "--set", "trees=300"])["expected"]["seconds"].as_f64().expect("a time") > 0.0);
}

#[test]
fn status_has_a_line_a_pipeline_and_log_has_one_a_run() {
    let mill = Mill::penguins();
    mill.file("pipelines/wrong.yaml", "name: wrong\nsources: {p: {path: data/penguins.csv}}\nsteps: {t: {clean: q}}\n");
    mill.run(&["penguins"]);
    let broken = mill.read("pipelines/penguins.yaml");
    mill.edit("pipelines/penguins.yaml", "require: {accuracy: {min: 0.9}}", "require: {log_loss: {max: 0.000001}}");
    mill.run(&["penguins"]);
    let text = mill.fine(&["status"]).stdout;
    assert!(text.contains("up to date: all 6 steps") && text.contains("gate failed on "), "{text}");
    assert!(text.contains("1 mistake; `gristmill check wrong` tells"), "{text}");
    let status = json_of(&mill, &["status"]);
    assert_eq!(status["up_to_date"], false);
    assert_eq!(status["pipelines"][0]["last_run"]["status"], "gate_failed");
    assert_eq!(json_of(&mill, &["status", "penguins"])["up_to_date"], true);
    mill.file("pipelines/penguins.yaml", &broken);

    let log = json_of(&mill, &["log"]);
    let runs = log["runs"].as_array().expect("runs");
    assert_eq!((runs.len(), &runs[0]["status"], &runs[1]["ran"]), (2, &json!("gate_failed"), &json!(5)));
    assert_eq!(json_of(&mill, &["log", "--failed"])["runs"].as_array().map(Vec::len), Some(1));
    assert_eq!(json_of(&mill, &["log", "nobody"])["runs"], json!([]));
    let name = runs[0]["run"].as_str().expect("a name");
    let shown = mill.fine(&["show", "last"]).stdout;
    assert_eq!(shown, mill.fine(&["show", &name[..18]]).stdout);
    assert!(
        shown.contains("gate failed") && shown.contains("✗ log_loss") && shown.contains("isn't at most"),
        "{shown}"
    );
    assert_eq!(json_of(&mill, &["show", name])["run"], name);
    assert_eq!(mill.go(&["show", "19990101-1"]).code, 2);
}

#[test]
fn a_run_whose_process_died_is_told_as_interrupted() {
    let mill = Mill::penguins();
    mill.edit("pipelines/penguins.yaml", "trees: 200", "trees: 2000000");
    let mut child = mill.command(&["run", "penguins"]).stderr(std::process::Stdio::piped()).spawn().expect("started");
    let begun = std::time::Instant::now();
    while json_of(&mill, &["log"])["runs"].as_array().is_none_or(Vec::is_empty) {
        assert!(begun.elapsed().as_secs() < 60, "the run is never noted");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    child.kill().expect("killed");
    child.wait().expect("gone");
    let shown = mill.fine(&["show", "last"]).stdout;
    assert!(shown.contains("interrupted") && shown.contains("its process ended"), "{shown}");
}

#[test]
fn lines_for_machines_have_no_carriage_returns_and_large_plans_only_count_what_is_kept() {
    let mill = Mill::new();
    mill.file("data/t.csv", "x\n1\n2\n");
    let steps = (0..60).map(|n| format!("  s{n}: {{clean: t, ops: [derive: {{y: x + {n}}}]}}\n"));
    let text: String = steps.collect();
    mill.file("pipelines/many.yaml", &format!("name: many\nsources: {{t: {{path: data/t.csv}}}}\nsteps:\n{text}"));
    let first = mill.fine(&["run", "many"]).stderr;
    assert!(!first.contains('\r') && first.matches("because it never ran").count() == 60, "{first}");
    let second = mill.fine(&["run", "many"]).stderr;
    assert_eq!(second.trim(), "cached     60 steps");
    assert_eq!(mill.fine(&["run", "many", "--verbose"]).stderr.matches("cached ").count(), 60);
}

#[test]
fn why_names_the_file_of_a_glob_and_the_code_of_a_program() {
    let mill = Mill::new();
    for name in ["a", "b"] {
        mill.file(&format!("data/{name}.csv"), "x\n1\n");
    }
    mill.file("src/twice.sh", "cp data/a.csv \"$1\"; echo copied\n");
    mill.file(
        "pipelines/p.yaml",
        "name: p\nenv: [REGION]\nsources: {s: {path: \"data/*.csv\"}}\nsteps:\n  t: {clean: s}\n  w:\n    run: [sh, src/twice.sh, \"{{ outputs.made }}\"]\n    code: [src/]\n    env: {REGION: \"{{ env.REGION }}\"}\n    outputs: {made: {path: made.csv, kind: table}}\n",
    );
    let mill = mill.env("REGION", "north");
    mill.fine(&["run", "p"]);
    mill.file("data/b.csv", "x\n2\n").file("data/c.csv", "x\n3\n");
    assert_eq!(
        because(&json_of(&mill, &["why", "t"])),
        ["the file `data/b.csv` of the source `s` changed", "the file `data/c.csv` of the source `s` is new"]
    );
    mill.edit("src/twice.sh", "cp", "cat data/b.csv > /dev/null; cp");
    let mill = mill.env("REGION", "south-secret");
    let why = mill.fine(&["why", "w"]).stdout;
    assert!(why.contains("code: `src/twice.sh` changed"), "{why}");
    let shown = json_of(&mill, &["show", "last"]);
    let log = mill.read(shown["logs"]["w"].as_str().expect("a path"));
    assert_eq!(log.trim_end(), "copied");
    assert!(why.contains("the environment variable `REGION` changed") && !why.contains("south-secret"), "{why}");
}

#[test]
fn what_fails_is_told_with_its_place_its_cause_and_what_to_do() {
    // What is changed, in which file, and what is said of it.
    let cases = [
        ("a constant class", "needs rows of at least 2 classes", "look at the target", "line"),
        ("a file that is gone", "there is no file `data/t.csv`", "pipelines/p.yaml:3:", "f"),
        ("a cell of another type", "row 3: `x` is int, and `three` isn't", "say the type", "f"),
    ];
    for (what, said, more, step) in cases {
        let mill = Mill::new();
        let rows = |label: &str| -> String {
            (0..20).map(|n| format!("{n},{}\n", if n % 3 == 0 { label } else { "a" })).collect()
        };
        mill.file("data/t.csv", &format!("x,y\n{}", rows(if step == "line" { "a" } else { "b" })));
        mill.file(
            "pipelines/p.yaml",
            "name: p\ntarget: y\nsources: {s: {path: data/t.csv}}\nsteps:\n  f: {transform: s, ops: [split: {test: 0.25}]}\n  line: {train: f, model: logistic_regression}\n  q: {evaluate: line, metrics: [accuracy]}\n",
        );
        if step == "f" {
            mill.fine(&["run", "p"]);
        }
        match what {
            "a file that is gone" => std::fs::remove_file(mill.at("data/t.csv")).expect("there"),
            "a cell of another type" => drop(mill.edit("data/t.csv", "\n2,", "\nthree,")),
            _ => {}
        }
        let ran = mill.go(&["run", "p"]);
        assert_eq!(ran.code, 1, "{what}\n{}", ran.stderr);
        assert!(ran.stderr.contains(&format!("error: the step `{step}` failed: ")), "{what}\n{}", ran.stderr);
        assert!(
            ran.stderr.contains("  --> pipelines/p.yaml:") || ran.stderr.contains(" --> pipelines/p.yaml:"),
            "{}",
            ran.stderr
        );
        assert!(ran.stderr.contains(said) && ran.stderr.contains(more), "{what}\n{}", ran.stderr);
        assert!(ran.stderr.contains("skipped    q "), "{what}\n{}", ran.stderr);
    }
}
