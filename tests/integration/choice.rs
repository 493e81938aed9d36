//! Matrices, profiles, `when`, chosen steps, several pipelines, and the lock that a run must come to.

use serde_json::Value as Json;

use crate::mill::{Mill, made, outcomes, step};

fn became(run: &Json, name: &str) -> String {
    step(run, name)["outcome"].as_str().expect("an outcome").to_owned()
}

fn forests() -> Mill {
    let mill = Mill::penguins();
    mill.edit(
        "pipelines/penguins.yaml",
        "with: {n_estimators: \"{{ params.trees }}\", max_depth: 8}\n    cv: 5",
        "with: {n_estimators: 5, max_depth: \"{{ matrix.max_depth }}\"}\n    matrix: {max_depth: [2, \"{{ params.trees }}\"]}\n    description: of depth {{ matrix.max_depth }}",
    );
    mill.edit("pipelines/penguins.yaml", "    with: {c: 1.0}\n    cv: 5\n", "    with: {c: 1.0}\n");
    mill.edit("pipelines/penguins.yaml", "  trees: 200\n", "  trees: 4\nprofiles: {deep: {params: {trees: 9}}}\n");
    mill
}

#[test]
fn a_matrix_makes_steps_and_their_bare_name_means_all() {
    let mill = forests();
    let run = mill.run(&["penguins"]);
    assert_eq!(run["status"], "done", "{run:#}");
    let models: Vec<&String> = run["metrics"]["quality"].as_object().expect("metrics").keys().collect();
    assert_eq!(models, ["forest@max_depth=2", "forest@max_depth=4", "logistic"]);
    mill.edit("pipelines/penguins.yaml", "max_depth: [2, ", "max_depth: [3, ");
    assert_eq!(made(&mill.run(&["penguins"])), ["forest@max_depth=3", "quality"]);
    let both = mill.run(&["penguins/forest"]);
    assert_eq!(outcomes(&both).len(), 4, "the bare name, and what it needs");
    assert!(mill.fine(&["show", "forest@max_depth=4"]).stdout.starts_with("random_forest"));
    mill.edit("pipelines/penguins.yaml", "deploy: quality", "deploy: forest");
    let ran = mill.go(&["check"]);
    assert!(ran.stderr.contains("`forest` is 2 steps, and `deploy` works on one"), "{}", ran.stderr);
}

#[test]
fn a_profile_overrides_and_keeps_the_lock() {
    let mill = forests();
    mill.run(&["penguins"]);
    let lock = mill.read("pipelines/penguins.lock");
    let deep = mill.run(&["penguins", "--profile", "deep"]);
    assert_eq!(made(&deep), ["forest@max_depth=9", "quality"]);
    let set = mill.run(&["penguins", "--profile", "deep", "--set", "trees=2"]);
    assert_eq!(set["diagnostics"][0]["message"], "`2` is there twice", "{set:#}");
    assert_eq!(set["diagnostics"].as_array().map(Vec::len), Some(1), "{set:#}");
    assert_eq!(lock, mill.read("pipelines/penguins.lock"));
    let ran = mill.go(&["run", "--profile", "dep"]);
    assert!(ran.code == 2 && ran.stderr.contains("did you mean `deep`?"), "{}", ran.stderr);
    mill.edit("pipelines/penguins.yaml", "{params: {trees: 9}}", "{params: {tres: 9}}");
    let ran = mill.go(&["check"]);
    assert!(ran.code == 2 && ran.stderr.contains("did you mean `trees`?"), "{}", ran.stderr);
}

#[test]
fn a_step_or_an_op_that_is_off_takes_what_needs_it_along_and_no_more() {
    let mill = Mill::penguins();
    mill.edit("pipelines/penguins.yaml", "  logistic:\n", "  logistic:\n    when: \"{{ params.trees > 50 }}\"\n");
    mill.edit("pipelines/penguins.yaml", "- drop: [year]", "- drop: [year]\n        when: \"{{ params.trees > 50 }}\"");
    assert_eq!(mill.run(&["penguins"])["status"], "done");
    let run = mill.run(&["penguins", "--set", "trees=10"]);
    assert_eq!(became(&run, "logistic"), "skipped");
    assert_eq!(step(&run, "logistic")["reason"], "its `when` is false");
    assert_eq!(run["best"]["quality"], "forest", "the others are compared");
    let columns = mill.fine(&["render", "penguins", "--set", "trees=10"]).stdout;
    assert!(columns.contains("when: false"), "{columns}");
    mill.edit(
        "pipelines/penguins.yaml",
        "  tidy:\n    clean",
        "  tidy:\n    when: \"{{ params.trees > 150 }}\"\n    clean",
    );
    let run = mill.run(&["penguins", "--set", "trees=100"]);
    assert!(outcomes(&run).iter().all(|(_, outcome)| outcome == "skipped"), "{run:#}");
    assert_eq!(run["status"], "done");
}

#[test]
fn chosen_steps_run_and_force_is_for_them() {
    let mill = Mill::penguins();
    let only = mill.go(&["run", "penguins", "--only", "forest", "--json"]);
    assert!(only.code == 1 && only.stdout.contains("isn't up to date"), "{}", only.stdout);
    assert!(!only.stdout.contains("\"ran\""));
    mill.run(&["penguins"]);
    let only = mill.run(&["penguins", "--only", "forest", "--force"]);
    assert_eq!(made(&only), ["forest"]);
    let from = mill.run(&["penguins", "--from", "forest", "--force"]);
    assert_eq!(made(&from), ["forest", "quality"]);
    assert_eq!(became(&from, "features"), "cached");
    let between = mill.run(&["penguins", "--from", "features", "--to", "logistic", "--force"]);
    assert_eq!(made(&between), ["features", "logistic"]);
    let nothing = mill.go(&["run", "penguins", "--from", "quality", "--to", "tidy"]);
    assert_eq!(nothing.code, 2);
    mill.edit("pipelines/penguins.yaml", "  logistic:\n", "  logistic:\n    tags: [quick]\n");
    let tagged = mill.run(&["penguins", "--tag", "quick"]);
    assert_eq!(outcomes(&tagged).len(), 3);
    let dry: Json =
        serde_json::from_str(&mill.fine(&["run", "penguins", "--dry-run", "--set", "trees=3", "--json"]).stdout)
            .expect("JSON");
    let forest = dry["steps"].as_array().expect("steps").iter().find(|step| step["step"] == "forest");
    assert_eq!(forest.expect("forest")["ahead"], "run");
}

#[test]
fn one_failure_stops_the_run_or_only_what_needs_it() {
    let mill = Mill::penguins();
    mill.edit(
        "pipelines/penguins.yaml",
        "  forest:\n",
        "  bad: {run: [\"false\"]}\n  worse: {run: [\"true\"], inputs: [\"bad.o\"]}\n  forest:\n",
    );
    mill.edit("pipelines/penguins.yaml", "bad: {run: [\"false\"]}", "bad: {run: [\"false\"], outputs: {o: o.txt}}");
    let stopped = mill.run(&["penguins", "--jobs", "1"]);
    assert_eq!(stopped["status"], "failed");
    assert_eq!(became(&stopped, "bad"), "failed");
    assert_eq!(became(&stopped, "worse"), "skipped");
    assert_eq!(became(&stopped, "quality"), "skipped");
    let on = mill.run(&["penguins", "--keep-going"]);
    assert_eq!((became(&on, "quality"), became(&on, "live")), ("ran".into(), "reconciled".into()));
    assert_eq!(step(&on, "worse")["reason"], "`bad` failed");
    assert_eq!(on["status"], "failed");
}

#[test]
fn steps_run_at_once_only_where_all_that_they_need_fits() {
    let mill = Mill::new();
    let steps: String = (0..4)
        .map(|nth| {
            format!("  s{nth}: {{run: \"echo + >> log; sleep 0.2{nth}; echo - >> log\", resources: {{cpu: 2}}}}\n")
        })
        .collect();
    mill.file("pipelines/p.yaml", &format!("name: p\nsteps:\n{steps}"));
    mill.fine(&["run", "p", "--jobs", "3"]);
    assert_eq!(mill.read("log"), "+\n-\n".repeat(4), "never two at once");
    std::fs::remove_file(mill.at("log")).expect("removed");
    mill.edit("pipelines/p.yaml", "cpu: 2", "cpu: 1");
    mill.fine(&["run", "p", "--jobs", "4", "--force"]);
    assert!(mill.read("log").starts_with("+\n+\n"), "{}", mill.read("log"));
    std::fs::remove_file(mill.at("log")).expect("removed");
    mill.edit("pipelines/p.yaml", "cpu: 1", "memory: 100TiB");
    mill.fine(&["run", "p", "--jobs", "4", "--force"]);
    assert_eq!(mill.read("log"), "+\n-\n".repeat(4), "one that can't fit runs alone");
}

#[test]
fn a_table_of_another_pipeline_is_made_first_and_known_ahead() {
    let mill = Mill::penguins();
    mill.file("pipelines/down.yaml", "name: down\nsources: {birds: {from: penguins.features.test, where: bill_ratio > 0}, tidy: {from: penguins.tidy}}\nsteps:\n  a: {clean: birds, ops: [{derive: {twice: bill_ratio * 2}}]}\n  b: {clean: tidy}\n");
    assert!(mill.go(&["check", "down"]).code == 0);
    let run = mill.run(&["down"]);
    assert_eq!(made(&run), ["a", "b"], "{run:#}");
    assert_eq!(made(&run["before"][0]), ["features", "tidy"], "only what it needs");
    let rows = |what: &str| mill.fine(&["get", what]).stdout.lines().count();
    assert!(rows("down/a") > 20 && rows("down/a") < rows("down/b"));
    assert!(made(&mill.run(&["down"])).is_empty());
    mill.edit("pipelines/penguins.yaml", "BETWEEN 2000 AND 8000", "BETWEEN 3000 AND 8000");
    let run = mill.run(&["down"]);
    assert_eq!(
        (made(&run), made(&run["before"][0])),
        (vec!["a".to_owned(), "b".to_owned()], vec!["features".to_owned(), "tidy".to_owned()])
    );
    mill.file("pipelines/program.yaml", "name: program\nsources: {birds: {from: penguins.tidy}}\nsteps:\n  r: {run: [cp, \"{{ inputs.birds }}\", \"{{ outputs.o }}\"], inputs: {birds: csv}, outputs: {o: {path: o.csv, kind: file}}}\n");
    assert_eq!(made(&mill.run(&["program"])), ["r"]);
    assert_eq!(mill.fine(&["get", "program/r.o"]).stdout, mill.fine(&["get", "tidy"]).stdout);
    let both = mill.run(&["down", "penguins"]);
    assert_eq!(both["runs"].as_array().map(Vec::len), Some(3));
    mill.edit("pipelines/down.yaml", "penguins.features.test", "penguins.featurs.test");
    let ran = mill.go(&["check", "down"]);
    assert!(ran.code == 2 && ran.stderr.contains("did you mean `features`?"), "{}", ran.stderr);
    mill.edit("pipelines/down.yaml", "penguins.featurs.test", "down.b");
    assert!(mill.go(&["check", "down"]).stderr.contains("wait for each other: `down` → `down`"));
}

#[test]
fn a_locked_run_comes_to_the_lock_or_makes_nothing() {
    let mill = Mill::penguins();
    let none = mill.go(&["run", "--locked"]);
    assert!(none.code == 4 && none.stderr.contains("has no lock"), "{}", none.stderr);
    mill.run(&["penguins"]);
    let lock = mill.read("pipelines/penguins.lock");
    let fresh = Mill::penguins();
    fresh.file("pipelines/penguins.lock", &lock);
    assert_eq!(fresh.fine(&["run", "--locked"]).code, 0, "all is made, and is the same");
    fresh.edit("pipelines/penguins.yaml", "max_depth: 8", "max_depth: 7");
    let changed = fresh.go(&["run", "--locked"]);
    assert_eq!(changed.code, 4);
    assert!(changed.stderr.contains("`with.max_depth`: 8 → 7"), "{}", changed.stderr);
    fresh.edit("pipelines/penguins.yaml", "max_depth: 7", "max_depth: 8");
    fresh.edit("data/penguins.csv", "Adelie,Torgersen,39.1", "Adelie,Torgersen,39.2");
    let data = fresh.go(&["run", "--locked"]);
    assert!(data.code == 4 && data.stderr.contains("the source `penguins` differs from the lock"), "{}", data.stderr);
    mill.edit("pipelines/penguins.yaml", "  live:", "  more: {clean: penguins}\n  live:");
    let more = mill.go(&["run", "--locked", "--json"]);
    assert!(more.code == 4 && more.stderr.contains("`more` isn't in the lock"), "{}", more.stderr);
    assert_eq!(mill.read("pipelines/penguins.lock"), lock);
}

#[test]
fn a_timeout_takes_hold_of_a_fit() {
    let mill = Mill::penguins();
    mill.edit(
        "pipelines/penguins.yaml",
        "with: {n_estimators: \"{{ params.trees }}\", max_depth: 8}\n    cv: 5",
        "with: {n_estimators: 10000000}\n    timeout: 300ms",
    );
    let began = std::time::Instant::now();
    let run = mill.run(&["penguins/forest"]);
    assert!(began.elapsed() < std::time::Duration::from_secs(30), "{:?}", began.elapsed());
    assert_eq!(became(&run, "forest"), "failed");
    assert_eq!(run["errors"][0]["code"], "timeout", "{run:#}");
    assert!(run["errors"][0]["line"].as_u64().expect("a line") > 30);
}

#[test]
fn params_from_outside_are_for_the_pipelines_that_are_named() {
    let mill = Mill::new();
    mill.file("data/t.csv", "x\n1\n2\n3\n");
    mill.file(
        "pipelines/up.yaml",
        "name: up\nparams: {least: 1}\nsources: {t: {path: data/t.csv}}\nsteps: {s: {clean: t, ops: [{filter: x > params.least}]}}\n",
    );
    mill.file("pipelines/down.yaml", "name: down\nsources: {u: {from: up.s}}\nsteps: {w: {clean: u}}\n");
    let mill = mill.env("GRISTMILL_PARAM_LEAST", "2");
    assert_eq!(mill.run(&["up"])["status"], "done");
    let run = mill.run(&["down"]);
    assert_eq!(run["status"], "done", "{run:#}");
    assert_eq!(mill.fine(&["get", "down/w"]).stdout, "x\n2\n3\n", "as its file says");
}

#[test]
fn a_step_of_a_pipeline_with_a_mistake_is_not_unknown() {
    let mill = Mill::penguins();
    mill.edit("pipelines/penguins.yaml", "drop_missing: [bill_length_mm", "drop_missing: [bill_lenght_mm");
    let ran = mill.go(&["why", "forest"]);
    assert!(ran.code == 2 && ran.stderr.contains("`bill_lenght_mm`"), "{}", ran.stderr);
}

#[test]
fn a_run_that_ends_with_an_error_of_its_own_is_told_as_failed() {
    let mill = Mill::grades();
    mill.edit("pipelines/grades.yaml", "    transform: grades\n", "    transform: grades\n    save: out/f.csv\n");
    mill.file("out/f.csv/in-the-way", "");
    let ran = mill.go(&["run", "grades"]);
    assert!(ran.code == 5 && ran.stderr.contains("out/f.csv"), "{}", ran.stderr);
    let log: Json = serde_json::from_str(&mill.fine(&["log", "--json"]).stdout).expect("JSON");
    assert_eq!(log["runs"][0]["status"], "failed", "{log:#}");
}
