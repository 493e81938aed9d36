//! Every pipeline of this repository runs, and every command has help with an example.

use std::fs;
use std::path::Path;

use crate::mill::Mill;

#[test]
fn every_pipeline_runs() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("pipelines");
    for entry in fs::read_dir(folder).expect("pipelines") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|extension| extension != "yaml") {
            continue;
        }
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let mill = Mill::penguins();
        mill.file(&format!("pipelines/{name}.yaml"), &fs::read_to_string(&path).expect("text"));
        let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/customers.csv");
        mill.file("data/customers.csv", &fs::read_to_string(data).expect("the customers"));
        mill.fine(&["check", &name]);
        mill.fine(&["test", &name]);
        mill.fine(&["run", &name]);
    }
}

#[test]
fn the_committed_lock_is_what_a_run_makes() {
    let mill = Mill::penguins();
    mill.fine(&["run", "penguins"]);
    let committed =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("pipelines/penguins.lock")).expect("the lock");
    if std::env::var_os("GRISTMILL_UPDATE").is_some() {
        fs::write(
            Path::new(env!("CARGO_MANIFEST_DIR")).join("pipelines/penguins.lock"),
            mill.read("pipelines/penguins.lock"),
        )
        .expect("written");
    }
    assert_eq!(committed, mill.read("pipelines/penguins.lock"));
}

#[test]
fn every_command_has_help_with_an_example() {
    let mill = Mill::new();
    let verbs = [
        "init",
        "check",
        "plan",
        "run",
        "test",
        "status",
        "why",
        "log",
        "dag",
        "show",
        "get",
        "render",
        "models",
        "predict",
        "serve",
        "schema",
        "completions",
    ];
    let all = mill.fine(&["--help"]).stdout;
    for verb in verbs {
        assert!(all.contains(&format!("  {verb} ")), "{verb}");
        let help = mill.fine(&[verb, "--help"]).stdout;
        assert!(help.contains("Examples:") && help.contains(&format!("gristmill {verb}")), "{verb}\n{help}");
    }
    assert!(mill.fine(&["--version"]).stdout.starts_with("gristmill 0."));
}

#[test]
fn a_new_project_runs_as_it_is() {
    let mill = Mill::new();
    mill.fine(&["init", "new project"]);
    let ran = mill.fine(&["-C", "new project", "run"]);
    assert!(ran.stdout.contains("penguin-species version 1"), "{}", ran.stdout);
    assert_eq!(mill.go(&["init", "new project"]).code, 2, "nothing is written over");
}

#[test]
fn a_first_pipeline_for_a_table_is_right_and_runs() {
    let mill = Mill::penguins();
    std::fs::remove_file(mill.at("pipelines/penguins.yaml")).expect("there");
    mill.fine(&["init", "--data", "data/penguins.csv", "--target", "body_mass_g"]);
    assert!(mill.go(&["init", "--data", "data/penguins.csv", "--target", "mass"]).stderr.contains("no column `mass`"));
    let grades = Mill::grades();
    std::fs::remove_file(grades.at("pipelines/grades.yaml")).expect("there");
    grades.fine(&["init", "--data", "data/grades.csv", "--target", "grade"]);
    grades.fine(&["check"]);
    grades.fine(&["run"]);
}

#[test]
fn the_graph_is_drawn_in_each_form() {
    let mill = Mill::penguins();
    for (format, sign) in [("text", "forest"), ("mermaid", "flowchart"), ("dot", "digraph"), ("svg", "<svg")] {
        assert!(mill.fine(&["dag", "--format", format]).stdout.contains(sign), "{format}");
    }
}
