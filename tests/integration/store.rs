//! `gc` and `verify`: what is kept, what goes, and what is found.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value as Json;

use crate::mill::{Mill, made, step};

/// The files of a folder of the store, wherever they lie in it.
pub fn files(mill: &Mill, folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![mill.at(".gristmill").join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let path = entry.expect("an entry").path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

fn json(mill: &Mill, arguments: &[&str]) -> (i32, Json) {
    let ran = mill.go(arguments);
    let value =
        serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}\n{}\n{}", ran.stdout, ran.stderr));
    (ran.code, value)
}

fn git(mill: &Mill, arguments: &[&str]) {
    let mut git = Command::new("git");
    git.current_dir(mill.path()).args(["-c", "user.name=n", "-c", "user.email=e@x"]).args(arguments);
    let ran = git.output().expect("git is there");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}

#[test]
fn a_run_leaves_no_unfinished_file_and_no_claim() {
    let mill = Mill::grades();
    mill.run(&["grades"]);
    for folder in ["tmp", "claims", "damaged"] {
        assert_eq!(files(&mill, folder), Vec::<PathBuf>::new(), "{folder}");
    }
}

#[test]
fn what_another_branch_needs_stays_and_what_nobody_needs_goes() {
    let mill = Mill::grades();
    git(&mill, &["init", "-q", "-b", "main"]);
    mill.run(&["grades"]);
    git(&mill, &["add", "."]);
    git(&mill, &["commit", "-q", "-m", "m"]);
    git(&mill, &["checkout", "-q", "-b", "other"]);
    mill.edit("pipelines/grades.yaml", "test: 0.25", "test: 0.5");
    mill.run(&["grades"]);
    git(&mill, &["commit", "-q", "-a", "-m", "m"]);
    git(&mill, &["checkout", "-q", "main"]);
    // A try that no branch has.
    mill.edit("pipelines/grades.yaml", "test: 0.25", "test: 0.3");
    mill.run(&["grades"]);
    git(&mill, &["checkout", "-q", "."]);
    assert!(made(&mill.run(&["grades"])).is_empty());

    let all = files(&mill, "objects").len();
    let (_, planned) = json(&mill, &["gc", "--dry-run", "--keep-runs", "0", "--json"]);
    assert_eq!(files(&mill, "objects").len(), all, "a dry run drops nothing");
    let (code, swept) = json(&mill, &["gc", "--keep-runs", "0", "--json"]);
    assert_eq!((code, swept["references"].as_u64()), (0, Some(2)));
    assert_eq!(swept["freed"], planned["freed"]);
    assert!(swept["dropped"]["objects"]["count"].as_u64() > Some(0), "{swept:#}");
    assert_eq!(files(&mill, "objects").len() as u64, swept["kept"]["objects"]["count"].as_u64().expect("a count"));
    assert!(made(&mill.run(&["grades"])).is_empty(), "what is checked out is kept");
    git(&mill, &["checkout", "-q", "other"]);
    assert!(made(&mill.run(&["grades"])).is_empty(), "the other branch's results are kept");
    let models = mill.fine(&["models", "show", "grade@3"]).stdout;
    assert!(models.contains("grade version 3"), "registered models are kept: {models}");
    let again = mill.fine(&["gc", "--keep-runs", "0"]).stdout;
    assert!(again.contains("everything that is kept is needed"), "{again}");
}

#[test]
fn the_last_runs_stay() {
    let mill = Mill::grades();
    mill.run(&["grades/features"]);
    mill.run(&["grades/features", "--set", "x=1"]);
    mill.edit("pipelines/grades.yaml", "test: 0.25", "test: 0.5");
    mill.run(&["grades/features"]);
    mill.edit("pipelines/grades.yaml", "test: 0.5", "test: 0.4");
    mill.run(&["grades/features"]);
    let (_, kept) = json(&mill, &["gc", "--keep-runs", "2", "--json"]);
    mill.edit("pipelines/grades.yaml", "test: 0.4", "test: 0.5");
    assert!(made(&mill.run(&["grades/features"])).is_empty(), "{kept:#}");
    mill.edit("pipelines/grades.yaml", "test: 0.5", "test: 0.25");
    assert_eq!(made(&mill.run(&["grades/features"])), ["features"], "the one before those is gone");
}

#[test]
fn gc_keeps_everything_where_it_cannot_know() {
    let mill = Mill::grades();
    mill.run(&["grades"]);
    std::fs::write(mill.at(".gristmill/state.db"), "no database".repeat(1000)).expect("damaged");
    let before = files(&mill, "objects");
    let ran = mill.go(&["gc", "--keep-runs", "0"]);
    assert_eq!(ran.code, 5, "{}", ran.stderr);
    assert!(ran.stderr.contains("nothing was dropped"), "{}", ran.stderr);
    assert_eq!(files(&mill, "objects"), before);
}

#[test]
fn verify_finds_damage_and_says_whose_it_is() {
    let mill = Mill::grades();
    let run = mill.run(&["grades"]);
    let (code, fine) = json(&mill, &["verify", "--json"]);
    assert_eq!((code, fine["fine"].as_bool()), (0, Some(true)), "{fine:#}");
    assert_eq!(fine["objects"].as_u64(), Some(files(&mill, "objects").len() as u64));
    let digest = run["deployed"][0]["digest"].as_str().expect("a digest");
    let hex = digest.trim_start_matches("sha256:");
    let path = mill.at(".gristmill/objects").join(&hex[..2]).join(&hex[2..]);
    let mut bytes = std::fs::read(&path).expect("the sealed model");
    bytes[10] ^= 1;
    std::fs::write(&path, bytes).expect("flipped");
    let (code, found) = json(&mill, &["verify", "--json"]);
    assert_eq!(code, 1);
    assert_eq!(found["damaged"][0]["digest"], digest);
    assert_eq!(found["damaged"][0]["used_by"], serde_json::json!(["grades/live/seal: sealed"]));
    assert_eq!(found["damaged"][0]["models"], serde_json::json!(["grade version 1"]));
    assert_eq!(found["missing"][0]["steps"], serde_json::json!(["live"]));
    assert_eq!(files(&mill, "damaged").len(), 1);
    mill.run(&["grades"]);
    assert_eq!(mill.fine(&["verify"]).code, 0);
}

#[test]
fn every_step_of_a_pipeline_is_reproducible_and_one_that_is_not_is_found() {
    let mill = Mill::grades();
    let run = mill.run(&["grades"]);
    let before = (mill.read("pipelines/grades.lock"), files(&mill, "objects"), files(&mill, "records"));
    let (code, fine) = json(&mill, &["verify", "--rebuild", "grades", "--json"]);
    assert_eq!(code, 0, "{fine:#}");
    assert!(fine["steps"].as_array().is_some_and(|steps| steps.len() == 7), "{fine:#}");
    assert_eq!(before, (mill.read("pipelines/grades.lock"), files(&mill, "objects"), files(&mill, "records")));
    assert_eq!(files(&mill, "tmp"), Vec::<PathBuf>::new());

    // A kept seal that isn't what the step makes, in a record that is right otherwise.
    let sealed = run["deployed"][0]["digest"].as_str().expect("a digest");
    let model = step(&run, "line")["outputs"]["model"].as_str().expect("a digest");
    let text = |path: &PathBuf| std::fs::read_to_string(path).expect("text");
    let path = files(&mill, "records").into_iter().find(|path| text(path).contains(&format!(r#""sealed":"{sealed}""#)));
    let path = path.expect("the record of the seal");
    let whole = text(&path);
    let body = whole.split_once(r#","body":"#).expect("a body").1.trim_end().strip_suffix('}').expect("its end");
    let body = body.replace(&format!(r#""sealed":"{sealed}""#), &format!(r#""sealed":"{model}""#));
    let check = gristmill::store::Digest::of(body.as_bytes());
    std::fs::write(&path, format!("{{\"check\":\"{check}\",\"body\":{body}}}\n")).expect("written");
    let (code, found) = json(&mill, &["verify", "--rebuild", "--json"]);
    assert_eq!(code, 1, "{found:#}");
    let differ: Vec<&Json> =
        found["steps"].as_array().expect("steps").iter().filter(|step| step["same"] == false).collect();
    assert_eq!(differ.len(), 1, "{found:#}");
    assert_eq!(differ[0]["step"], "grades/live/seal");
    assert_eq!(differ[0]["differ"]["sealed"], serde_json::json!([model, sealed]));
}

#[test]
fn a_program_is_run_again_where_it_belongs() {
    let mill = Mill::grades();
    mill.file("src/copy.sh", "cp \"$1\" \"$2\"\n").file(
        "pipelines/grades.yaml",
        "name: grades\nsources: {grades: {path: data/grades.csv}}\nsteps:\n  copy:\n    run: [sh, src/copy.sh, \"{{ inputs.grades }}\", \"{{ outputs.rows }}\"]\n    code: [src/]\n    inputs: [grades]\n    outputs: {rows: rows.csv}\n  after: {clean: copy, ops: [drop: [id]]}\n",
    );
    // From a folder beneath the root, as everything else.
    let ran = mill.command(&["run", "grades"]).current_dir(mill.at("src")).output().expect("it starts");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let (code, found) = json(&mill, &["verify", "--rebuild", "--json"]);
    assert_eq!(code, 0, "{found:#}");
    assert!(found["steps"].to_string().contains("grades/copy"), "{found:#}");
    assert_eq!(files(&mill, "tmp").len() + files(&mill, "logs").len(), 0);
    mill.file("src/copy.sh", "cp \"$1\" \"$2\"; echo $$,1,a,1 >> \"$2\"\n");
    mill.run(&["grades"]);
    let (code, found) = json(&mill, &["verify", "--rebuild", "--json"]);
    assert_eq!(code, 1, "{found:#}");
    let steps = found["steps"].as_array().expect("steps");
    let differs = |name: &str| steps.iter().find(|step| step["step"] == name).expect("the step");
    assert_eq!(differs("grades/copy")["follows"], false, "{found:#}");
    let same = [&differs("grades/copy")["same"], &differs("grades/after")["same"]];
    assert_eq!(same, [false, true], "{found:#}");
    assert_eq!(differs("grades/after")["follows"], true, "it drops what differs: {found:#}");
}

#[test]
fn what_is_not_made_is_told_before_anything_is_made_again() {
    let mill = Mill::grades();
    let ran = mill.go(&["verify", "--rebuild"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("isn't up to date") && ran.stderr.contains("gristmill run grades"), "{}", ran.stderr);
    let run = mill.run(&["grades"]);
    assert_eq!(step(&run, "features")["outcome"], "ran");
}
