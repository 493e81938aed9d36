//! What CI systems are told, and the workflows that `init --ci` writes: each of their steps is run.

use std::path::Path;
use std::process::Command;

use serde_json::Value as Json;

use crate::mill::{Mill, Ran};

/// The penguins on GitHub's machines, in a project that is a folder of the repository.
fn on_github() -> Mill {
    let mill = Mill::penguins();
    let workspace = mill.path().parent().expect("a folder").display().to_string();
    let summary = mill.at("summary.md").display().to_string();
    mill.env("GITHUB_ACTIONS", "true").env("GITHUB_WORKSPACE", &workspace).env("GITHUB_STEP_SUMMARY", &summary)
}

fn folder_of(mill: &Mill) -> String {
    mill.path().file_name().expect("a name").to_string_lossy().into_owned()
}

#[test]
fn github_is_shown_each_mistake_at_its_line_and_stdout_stays_json() {
    let mill = on_github();
    mill.edit("pipelines/penguins.yaml", "standardize: numeric", "standardize: [bill_lenght_mm]");
    for verb in ["check", "run"] {
        let ran = mill.go(&[verb, "penguins", "--json"]);
        assert_eq!(ran.code, 2);
        serde_json::from_str::<Json>(&ran.stdout).expect("only JSON on stdout");
        let line =
            1 + mill.read("pipelines/penguins.yaml").lines().position(|line| line.contains("lenght")).expect("there");
        let said = format!("::error file={}/pipelines/penguins.yaml,line={line},col=", folder_of(&mill));
        let found: Vec<&str> = ran.stderr.lines().filter(|line| line.starts_with("::")).collect();
        assert!(found.len() == 1 && found[0].starts_with(&said), "{found:?}");
        assert!(
            found[0].contains("there is no column `bill_lenght_mm`") && found[0].contains("%0Adid you mean"),
            "{found:?}"
        );
    }
}

#[test]
fn github_gets_a_summary_of_each_run_and_a_failed_gate_at_its_line() {
    let mill = on_github();
    mill.fine(&["run", "penguins"]);
    mill.edit("pipelines/penguins.yaml", "require: {accuracy: {min: 0.9}}", "require: {log_loss: {max: 0.000001}}");
    let ran = mill.go(&["run", "penguins"]);
    assert_eq!(ran.code, 3);
    let line = 1 + mill
        .read("pipelines/penguins.yaml")
        .lines()
        .position(|line| line.contains("log_loss: {max"))
        .expect("there");
    assert!(ran.stderr.contains(&format!("penguins.yaml,line={line},")), "{}", ran.stderr);
    assert!(ran.stderr.contains("title=gristmill%3A gate-failed::`quality`: log_loss "), "{}", ran.stderr);
    let summary = mill.read("summary.md");
    assert_eq!(summary.matches("## ").count() - summary.matches("### ").count(), 2, "{summary}");
    for part in [
        "## ✅ penguins: done",
        "| forest | ran |",
        "### quality",
        "penguin-species version 1",
        "## ❌ penguins: gate failed",
        "- ❌ log\\_loss",
    ] {
        assert!(summary.contains(part), "{part}\n{summary}");
    }
}

#[test]
fn a_step_that_fails_is_shown_at_its_line_and_in_the_summary() {
    let mill = Mill::grades();
    let summary = mill.at("summary.md").display().to_string();
    let mill = mill.env("GITHUB_ACTIONS", "true").env("GITHUB_STEP_SUMMARY", &summary);
    mill.edit("pipelines/grades.yaml", "      - fill_missing: {hours: {with: median, indicator: hours_missing}}\n", "");
    let ran = mill.go(&["run", "grades"]);
    assert!(ran.stderr.contains("::error file=pipelines/grades.yaml,line="), "{}", ran.stderr);
    let summary = mill.read("summary.md");
    assert!(
        summary.contains("> **error** pipelines/grades.yaml:") && summary.contains("| line | failed |"),
        "{summary}"
    );
}

#[test]
fn gitlab_gets_a_code_quality_report_a_summary_and_figures() {
    let mill = Mill::penguins();
    let folder = mill.path().display().to_string();
    let mill = mill.env("GITLAB_CI", "true").env("CI_PROJECT_DIR", &folder);
    mill.fine(&["check"]);
    assert_eq!(mill.read("gl-code-quality-report.json"), "[]");
    mill.fine(&["run", "penguins"]);
    assert!(mill.read("gristmill-summary.md").contains("## ✅ penguins: done"));
    let figures = mill.read("metrics.txt");
    assert!(
        figures
            .contains("gristmill_score{pipeline=\"penguins\",step=\"quality\",model=\"forest\",metric=\"accuracy\"} ")
    );
    assert!(figures.contains("gristmill_gate_passed{") && figures.ends_with("# EOF\n"), "{figures}");
    mill.edit("pipelines/penguins.yaml", "standardize: numeric", "standardize: [bill_lenght_mm]");
    assert_eq!(mill.go(&["check"]).code, 2);
    let found: Vec<Json> = serde_json::from_str(&mill.read("gl-code-quality-report.json")).expect("JSON");
    assert_eq!(found[0]["location"]["path"], "pipelines/penguins.yaml");
    assert_eq!(found[0]["severity"], "major");
    assert!(found[0]["fingerprint"].as_str().is_some_and(|text| text.len() == 64));
}

/// Runs a script as a runner does: by `sh -e`, with the program on the path.
fn script(mill: &Mill, text: &str, environment: &[(&str, &str)]) -> Ran {
    let binary = Path::new(env!("CARGO_BIN_EXE_gristmill")).parent().expect("a folder");
    let path = std::env::var("PATH").unwrap_or_default();
    let mut command = Command::new("sh");
    Mill::off_ci(&mut command);
    command.args(["-e", "-c", text]).current_dir(mill.path()).env("NO_COLOR", "1");
    command.env("PATH", format!("{}:{path}", binary.display())).envs(environment.iter().copied());
    let output = command.output().expect("a shell");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    Ran { code: output.status.code().unwrap_or(-1), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// A project in a git repository, with the locks of a first run in it.
fn repository() -> Mill {
    let mill = Mill::penguins();
    mill.fine(&["run", "penguins"]);
    let begun = script(
        &mill,
        "git init -q . && git add . && git -c user.name=a -c user.email=a@example.org commit -qm 'Begin'",
        &[],
    );
    assert_eq!(begun.code, 0, "{}", begun.stderr);
    std::fs::remove_dir_all(mill.at(".gristmill")).expect("a fresh clone has no results");
    mill
}

fn yaml(mill: &Mill, path: &str) -> serde_yaml::Value {
    serde_yaml::from_str(&mill.read(path)).expect("YAML")
}

/// The scripts of a workflow for GitHub that run on an event, by their names.
fn github_steps(workflow: &serde_yaml::Value, event: &str) -> Vec<(String, String)> {
    let steps = workflow["jobs"]["gristmill"]["steps"].as_sequence().expect("steps");
    let wanted = |step: &&serde_yaml::Value| match step["if"].as_str() {
        Some(condition) => condition == format!("github.event_name == '{event}'"),
        None => step["run"].is_string(),
    };
    let text = |value: &serde_yaml::Value| value.as_str().expect("text").to_owned();
    steps.iter().filter(wanted).map(|step| (text(&step["name"]), text(&step["run"]))).collect()
}

#[test]
fn the_workflow_for_github_does_what_it_says() {
    let mill = repository();
    mill.fine(&["init", "--ci", "github"]);
    let workflow = yaml(&mill, ".github/workflows/gristmill.yml");
    let environment = [("GITHUB_ACTIONS", "true")];
    for (event, count) in [("pull_request", 4), ("push", 4)] {
        let steps = github_steps(&workflow, event);
        assert_eq!(steps.len(), count, "{steps:?}");
        for (name, text) in steps {
            let ran = script(&mill, &text, &environment);
            assert_eq!(ran.code, 0, "{event}: {name}\n{}\n{}", ran.stdout, ran.stderr);
        }
    }
    assert_eq!(script(&mill, "git status --porcelain -- pipelines", &[]).stdout, "", "CI changes no lock");
    assert_eq!(mill.go(&["init", "--ci", "github"]).code, 2, "nothing is written over");
    mill.edit("pipelines/penguins.yaml", "standardize: numeric", "standardise: numeric");
    let steps = github_steps(&workflow, "push");
    let ran = script(&mill, &steps[1].1, &environment);
    assert!(ran.code == 2 && ran.stderr.contains("::error file=pipelines/penguins.yaml,line="), "{}", ran.stderr);
}

#[test]
fn the_workflow_for_github_holds_the_results_against_the_lock() {
    let mill = repository();
    mill.fine(&["init", "--ci", "github"]);
    mill.edit("pipelines/penguins.yaml", "trees: 200", "trees: 20");
    let steps = github_steps(&yaml(&mill, ".github/workflows/gristmill.yml"), "pull_request");
    let ran = script(&mill, &steps[3].1, &[("GITHUB_ACTIONS", "true")]);
    assert_eq!(ran.code, 4, "{}", ran.stderr);
}

#[test]
fn the_workflow_for_gitlab_does_what_it_says() {
    let mill = repository();
    mill.fine(&["init", "--ci", "gitlab"]);
    let workflow = yaml(&mill, ".gitlab-ci.yml");
    let list = |value: &serde_yaml::Value| -> Vec<String> {
        value.as_sequence().expect("a list").iter().map(|line| line.as_str().expect("text").to_owned()).collect()
    };
    let before = list(&workflow[".gristmill"]["before_script"]);
    let folder = mill.path().display().to_string();
    let environment = [("GITLAB_CI", "true"), ("CI_PROJECT_DIR", folder.as_str())];
    for job in ["gristmill merge request", "gristmill"] {
        assert_eq!(workflow[job]["extends"], ".gristmill");
        let text = [before.clone(), list(&workflow[job]["script"])].concat().join("\n");
        let ran = script(&mill, &text, &environment);
        assert_eq!(ran.code, 0, "{job}\n{}\n{}", ran.stdout, ran.stderr);
        for file in ["gl-code-quality-report.json", "gristmill-summary.md", "metrics.txt"] {
            assert!(mill.at(file).is_file(), "{job} leaves {file}");
        }
    }
    mill.edit("pipelines/penguins.yaml", "standardize: numeric", "standardise: numeric");
    let text = [before, list(&workflow["gristmill"]["script"])].concat().join("\n");
    assert_eq!(script(&mill, &text, &environment).code, 2);
    let found: Vec<Json> = serde_json::from_str(&mill.read("gl-code-quality-report.json")).expect("JSON");
    let line =
        1 + mill.read("pipelines/penguins.yaml").lines().position(|line| line.contains("standardise")).expect("there");
    assert_eq!(found[0]["location"]["lines"]["begin"], line);
}
