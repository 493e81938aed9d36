//! The registry, seen from the command line.

use crate::mill::Mill;

#[test]
fn models_are_listed_and_shown() {
    let mill = Mill::penguins();
    assert!(mill.fine(&["models", "list"]).stderr.contains("no model is registered yet"));
    mill.run(&["penguins"]);
    let list: serde_json::Value = serde_json::from_str(&mill.fine(&["models", "list", "--json"]).stdout).expect("JSON");
    assert_eq!(list["models"][0]["name"], "penguin-species");
    assert_eq!(list["models"][0]["aliases"]["champion"], 1);
    let shown = mill.fine(&["models", "show", "penguin-species"]).stdout;
    for text in
        ["version 1 (champion)", "pipeline  penguins", "bill_length_mm", "25 to 65", "scores when it was registered"]
    {
        assert!(shown.contains(text), "{text}\n{shown}");
    }
    // What it was judged by, class by class, as the evaluate step shows it.
    let json: serde_json::Value =
        serde_json::from_str(&mill.fine(&["models", "show", "penguin-species", "--json"]).stdout).expect("JSON");
    let step: serde_json::Value =
        serde_json::from_str(&mill.fine(&["show", "quality", "--json"]).stdout).expect("JSON");
    let best = step["verdict"]["best"].as_u64().expect("a winner") as usize;
    assert_eq!(json["judged"], step["models"][best]);
    let accuracy = json["judged"]["scores"]["metrics"]["accuracy"].as_f64();
    assert_eq!(json["judged"]["overall"]["accuracy"].as_f64(), accuracy);
    for text in ["weighted avg", "Chinstrap", "is ↓  said →"] {
        assert!(shown.contains(text), "{text}\n{shown}");
    }
    let ran = mill.go(&["models", "show", "penguin-specis"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("did you mean `penguin-species`?"), "{}", ran.stderr);
    assert_eq!(mill.go(&["models", "rollback", "penguin-species"]).code, 2);
}

#[test]
fn what_is_served_is_what_was_trained() {
    let mill = Mill::penguins();
    mill.run(&["penguins"]);
    let scored = mill.fine(&["predict", "penguin-species", "--in", "data/penguins.csv", "--missing", "NA"]).stdout;
    let rows: Vec<Vec<&str>> = scored.lines().skip(1).map(|line| line.split(',').collect()).collect();
    assert_eq!(rows.len(), 344);
    let refused = rows.iter().filter(|row| !row[row.len() - 1].is_empty()).count();
    assert_eq!(refused, 11, "records without sex or bill are refused, as they are dropped in training");
    let right = rows.iter().filter(|row| row[0] == row[8]).count();
    assert!(right > 325, "{right}");
}

#[test]
fn answers_are_explained_by_what_features_contribute() {
    let mill = Mill::penguins();
    mill.run(&["penguins"]);
    let scored = ["predict", "penguin-species", "--in", "data/penguins.csv", "--missing", "NA", "--explain"];
    let ran = mill.fine(&scored);
    assert!(ran.stderr.contains("add up to the class' log-odds\n"), "{}", ran.stderr);
    let scored = ran.stdout;
    let mut lines = scored.lines();
    let names: Vec<&str> = lines.next().expect("a header").split(',').collect();
    let base = names.iter().position(|name| *name == "base").expect("a base");
    assert!(names[base + 1..].contains(&"because_bill_length_mm"), "{names:?}");
    assert_eq!(names.len() - base, 11, "a column for each of ten features");
    for line in lines {
        let cells: Vec<&str> = line.split(',').collect();
        let refused = !cells[base - 1].is_empty();
        assert!(cells[base..].iter().all(|cell| cell.is_empty() == refused), "{line}");
    }
}

#[test]
fn models_that_tell_nothing_of_themselves_are_explained_by_sampling() {
    let mill = Mill::grades();
    mill.edit("pipelines/grades.yaml", "model: linear_regression", "model: knn");
    mill.run(&["grades"]);
    let ran = mill.fine(&["predict", "grade", "--in", "data/grades.csv", "--explain"]);
    assert!(ran.stderr.contains("add up to the number, sampled from mixtures with train rows"), "{}", ran.stderr);
    let mut lines = ran.stdout.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let names = lines.next().expect("a header");
    let place = |name: &str| names.iter().position(|other| *other == name).expect("a column");
    let (base, prediction) = (place("base"), place("prediction"));
    let mut moved = 0.0f64;
    for cells in lines {
        let number = |at: usize| cells[at].parse::<f64>().expect("a number");
        let sum: f64 = (base..names.len()).map(number).sum();
        assert!((sum - number(prediction)).abs() < 1e-9, "{cells:?}");
        moved = moved.max(number(place("because_hours")).abs());
    }
    assert!(moved > 1.0, "the hours make the grade: {moved}");
    let again = mill.fine(&["predict", "grade", "--in", "data/grades.csv", "--explain"]);
    assert_eq!(again.stdout, ran.stdout);
}

#[test]
fn a_request_without_the_models_columns_is_told_which() {
    let mill = Mill::penguins();
    mill.run(&["penguins"]);
    let ran = mill.file("new.csv", "island,bill_lenght_mm\nBiscoe,40\n").go(&[
        "predict",
        "penguin-species",
        "--in",
        "new.csv",
    ]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("the model asks for `bill_length_mm`"), "{}", ran.stderr);
    assert!(ran.stderr.contains("did you mean `bill_lenght_mm`?"), "{}", ran.stderr);
}

#[test]
fn tables_and_models_are_written_to_files() {
    let mill = Mill::penguins();
    mill.run(&["penguins"]);
    for file in ["t.csv", "t.tsv.gz", "t.parquet", "t.arrow", "t.ndjson.zst", "t.json"] {
        mill.fine(&["get", "features.test", "-o", file]);
        assert!(mill.at(file).metadata().expect("written").len() > 1000, "{file}");
    }
    mill.fine(&["get", "penguin-species@champion", "-o", "m.gristmill"]);
    let ran = mill.go(&["get", "features.tset"]);
    assert!(ran.stderr.contains("did you mean `test`?"), "{}", ran.stderr);
}

#[test]
fn what_a_fit_warns_of_is_told_at_its_step() {
    let mill = Mill::penguins();
    mill.edit("pipelines/penguins.yaml", "with: {c: 1.0}", "with: {c: 1.0, max_iter: 1}");
    let told = mill.fine(&["run", "penguins"]).stderr;
    let (_, after) = told.split_once("did not converge").unwrap_or_else(|| panic!("{told}"));
    let place = after.lines().nth(1).expect("a place");
    assert!(place.trim().starts_with("--> pipelines/penguins.yaml:"), "{told}");
    assert!(after.lines().nth(3).is_some_and(|line| line.contains("model: logistic_regression")), "{told}");
}
