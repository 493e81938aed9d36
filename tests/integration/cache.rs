//! What reruns what.

use std::process::Command;

use crate::mill::{Mill, made, outcomes, step};

#[test]
fn a_second_run_makes_nothing() {
    let mill = Mill::penguins();
    let first = mill.run(&["penguins"]);
    assert_eq!(first["status"], "done");
    assert_eq!(made(&first), ["features", "forest", "logistic", "quality", "tidy"]);
    assert_eq!(first["deployed"][0]["version"], 1);
    let second = mill.run(&["penguins"]);
    assert!(made(&second).is_empty(), "{:?}", outcomes(&second));
    assert_eq!(second["deployed"][0]["version"], 1);
    assert_eq!(second["deployed"][0]["new"], false);
}

#[test]
fn rewording_reruns_nothing() {
    let mill = Mill::penguins();
    mill.run(&["penguins"]);
    let lock = mill.read("pipelines/penguins.lock");
    mill.edit(
        "pipelines/penguins.yaml",
        "description: Tell a penguin's species from its measurements.",
        "description: \"Other words\" # and a comment",
    )
    .edit(
        "pipelines/penguins.yaml",
        "with: {n_estimators: \"{{ params.trees }}\", max_depth: 8}",
        "with:\n      max_depth: 8\n      n_estimators: '{{   params.trees   }}'",
    )
    .edit(
        "pipelines/penguins.yaml",
        "split: {test: 0.25, stratify: species}",
        "split: {stratify: \"species\", test:    0.25}",
    )
    .edit(
        "pipelines/penguins.yaml",
        "filter: body_mass_g BETWEEN 2000 AND 8000",
        "filter: \"body_mass_g  between 2000 and 8000\"",
    )
    .edit(
        "pipelines/penguins.yaml",
        "  tidy:\n    clean: penguins\n",
        "  tidy:\n    description: cleans\n    clean: penguins\n",
    );
    let run = mill.run(&["penguins"]);
    assert!(made(&run).is_empty(), "{:?}", outcomes(&run));
    assert_eq!(lock, mill.read("pipelines/penguins.lock"));
}

#[test]
fn a_param_reruns_what_reads_it_and_why_says_so() {
    let mill = Mill::penguins();
    mill.run(&["penguins"]);
    let lock = mill.read("pipelines/penguins.lock");
    let run = mill.run(&["penguins", "--set", "trees=300"]);
    assert_eq!(made(&run), ["forest", "quality"]);
    assert_eq!(step(&run, "forest")["reason"], "`with.n_estimators`: 200 → 300");
    assert_eq!(lock, mill.read("pipelines/penguins.lock"), "an overridden run leaves the lock");
    let why: serde_json::Value = serde_json::from_str(&mill.fine(&["why", "forest", "--json"]).stdout).expect("JSON");
    assert_eq!(why["changes"], serde_json::json!([{"part": "with.n_estimators", "before": 200, "after": 300}]));
    let by_environment = Mill::penguins().env("GRISTMILL_PARAM_TREES", "20");
    assert!(by_environment.fine(&["render", "penguins"]).stdout.contains("n_estimators: 20\n"));
}

#[test]
fn a_wider_filter_retrains_nothing_and_seals_anew() {
    let mill = Mill::penguins();
    let first = mill.run(&["penguins"]);
    mill.edit("pipelines/penguins.yaml", "BETWEEN 2000 AND 8000", "BETWEEN 1000 AND 9000");
    let run = mill.run(&["penguins"]);
    assert_eq!(made(&run), ["tidy"]);
    assert_eq!(run["deployed"][0]["version"], 2);
    assert_ne!(run["deployed"][0]["digest"], first["deployed"][0]["digest"]);
    assert_eq!(step(&run, "forest")["outputs"], step(&first, "forest")["outputs"]);
}

#[test]
fn changing_test_rows_changes_no_fitted_state_and_no_model() {
    let mill = Mill::grades();
    let first = mill.run(&["grades"]);
    assert_eq!(first["status"], "done", "{first:#}");
    let test = mill.fine(&["get", "features.test"]).stdout;
    let id = test.lines().nth(1).and_then(|line| line.split(',').next()).expect("an id").to_owned();
    let text = mill.read("data/grades.csv");
    let old = text.lines().find(|line| line.starts_with(&format!("{id},"))).expect("the row").to_owned();
    let mut cells: Vec<&str> = old.split(',').collect();
    cells[1] = "7.25";
    mill.edit("data/grades.csv", &format!("{old}\n"), &format!("{}\n", cells.join(",")));
    let second = mill.run(&["grades"]);
    assert_eq!(made(&second), ["features", "quality"]);
    let outputs = |run: &serde_json::Value, name: &str| step(run, "features")["outputs"][name].clone();
    assert_eq!(outputs(&second, "train"), outputs(&first, "train"));
    assert_eq!(outputs(&second, "recipe"), outputs(&first, "recipe"));
    assert_ne!(outputs(&second, "test"), outputs(&first, "test"));
    assert_eq!(step(&second, "line")["outputs"], step(&first, "line")["outputs"]);
    assert_eq!(second["deployed"][0]["digest"], first["deployed"][0]["digest"], "the sealed model is the same");
}

#[test]
fn results_are_the_same_from_any_folder_and_on_any_number_of_threads() {
    let mut locks = Vec::new();
    for (jobs, threads) in [("1", "1"), ("2", "8")] {
        let mill = Mill::penguins();
        let status = mill
            .command(&["run", "penguins", "--jobs", jobs])
            .env("POLARS_MAX_THREADS", threads)
            .env("RAYON_NUM_THREADS", threads)
            .output()
            .expect("it runs");
        assert!(status.status.success());
        locks.push(mill.read("pipelines/penguins.lock"));
    }
    assert_eq!(locks[0], locks[1]);
}

#[test]
fn a_damaged_object_is_made_again() {
    let mill = Mill::penguins();
    let first = mill.run(&["penguins"]);
    let digest = step(&first, "features")["outputs"]["train"]
        .as_str()
        .expect("a digest")
        .trim_start_matches("sha256:")
        .to_owned();
    let object = mill.at(".gristmill/objects").join(&digest[..2]).join(&digest[2..]);
    let mut bytes = std::fs::read(&object).expect("the object");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&object, bytes).expect("damaged");
    // Something downstream must read it.
    mill.edit("pipelines/penguins.yaml", "max_depth: 8", "max_depth: 7");
    let second = mill.run(&["penguins"]);
    assert_eq!(second["status"], "done");
    assert_eq!(step(&second, "features")["outputs"]["train"], step(&first, "features")["outputs"]["train"]);
}

#[test]
fn a_rollback_stays_after_the_next_run() {
    let mill = Mill::penguins();
    mill.run(&["penguins"]);
    mill.edit("pipelines/penguins.yaml", "BETWEEN 2000 AND 8000", "BETWEEN 1000 AND 9000");
    assert_eq!(mill.run(&["penguins"])["deployed"][0]["promoted"], true);
    mill.fine(&["models", "rollback", "penguin-species"]);
    let run = mill.run(&["penguins"]);
    assert_eq!(run["deployed"][0]["version"], 2);
    assert_eq!(run["deployed"][0]["promoted"], false);
    assert!(mill.fine(&["models", "list"]).stdout.contains("champion → 1"));
    mill.fine(&["models", "promote", "penguin-species@2"]);
    assert!(mill.fine(&["models", "list"]).stdout.contains("champion → 2"));
}

#[test]
fn the_lock_survives_a_clone() {
    let mill = Mill::penguins();
    mill.run(&["penguins"]);
    let copy = Mill::new();
    let status = Command::new("cp").arg("-r").arg(mill.path().join(".")).arg(copy.path()).status().expect("cp");
    assert!(status.success());
    assert!(made(&copy.run(&["penguins"])).is_empty(), "a copied project keeps its results");
}

#[test]
fn another_target_is_another_result() {
    let mill = Mill::grades();
    let pipeline = |target: &str| {
        format!(
            "name: two\ntarget: {target}\nsources: {{g: {{path: data/grades.csv}}}}\nsteps:\n  f:\n    transform: g\n    ops:\n      - drop_missing: [hours]\n      - derive: {{a: grade / 10, b: grade * 2}}\n      - keep: [a, b, hours]\n      - split: {{test: 0.25}}\n      - standardize: numeric\n"
        )
    };
    mill.file("pipelines/two.yaml", &pipeline("a"));
    mill.run(&["two"]);
    mill.file("pipelines/two.yaml", &pipeline("b"));
    let warm = mill.run(&["two"]);
    let cold = Mill::grades();
    cold.file("pipelines/two.yaml", &pipeline("b"));
    assert_eq!(step(&warm, "f")["outputs"], step(&cold.run(&["two"]), "f")["outputs"]);
}

#[test]
fn a_pipeline_that_goes_back_brings_its_model_back() {
    let mill = Mill::penguins();
    mill.run(&["penguins"]);
    mill.edit("pipelines/penguins.yaml", "BETWEEN 2000 AND 8000", "BETWEEN 1000 AND 9000");
    mill.run(&["penguins"]);
    mill.edit("pipelines/penguins.yaml", "BETWEEN 1000 AND 9000", "BETWEEN 2000 AND 8000");
    let back = mill.run(&["penguins"]);
    assert_eq!(back["deployed"][0]["version"], 1);
    assert_eq!(back["deployed"][0]["promoted"], true);
}

#[test]
fn every_damaged_object_is_made_again_in_one_run() {
    let mill = Mill::penguins();
    let first = mill.run(&["penguins"]);
    for folder in std::fs::read_dir(mill.at(".gristmill/objects")).expect("objects") {
        for object in std::fs::read_dir(folder.expect("a folder").path()).expect("a folder") {
            let path = object.expect("an object").path();
            let bytes = std::fs::read(&path).expect("bytes");
            std::fs::write(&path, &bytes[..bytes.len() / 2]).expect("cut off");
        }
    }
    mill.edit("pipelines/penguins.yaml", "c: 1.0", "c: 2.0");
    let second = mill.run(&["penguins"]);
    assert_eq!(second["status"], "done", "{second:#}");
    assert_eq!(step(&second, "features")["outputs"], step(&first, "features")["outputs"]);
}
