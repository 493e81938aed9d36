//! Contracts: rules, tolerance, rows that are set aside, age.

use serde_json::{Value as Json, json};

use crate::mill::{Mill, made};

const CONTRACT: &str = "columns:\n  id: {type: int, unique: true}\n  shop: {type: category, pattern: '[a-z]+'}\n  opened: {type: date}\n  closed: {type: date, nullable: true}\n  sales: {type: float, min: 0, max: 100}\nchecks:\n  - {name: closes after it opens, sql: closed >= opened}\n";

const ROWS: &str = "id,shop,opened,closed,sales\n1,north,2024-01-01,2024-02-01,10\n2,south,2024-01-01,,20.5\n3,South,2024-01-01,,30\n4,west,2024-05-01,2024-02-01,40\n4,east,2024-01-01,,-5\n6,east,2024-01-01,,50\n";

fn mill(more: &str) -> Mill {
    let mill = Mill::new();
    mill.file("schemas/c.yaml", &format!("{CONTRACT}{more}")).file("data/d.csv", ROWS).file(
        "pipelines/p.yaml",
        "name: p\nsources:\n  shops: {path: data/d.csv, contract: schemas/c.yaml}\nsteps:\n  tidy: {clean: shops}\n",
    );
    mill
}

fn rules(contract: &Json) -> Vec<&str> {
    contract["broken"].as_array().expect("rules").iter().filter_map(|broken| broken["rule"].as_str()).collect()
}

#[test]
fn every_broken_rule_is_told_at_once_with_row_and_value() {
    let ran = mill("").go(&["run"]);
    assert_eq!(ran.code, 6, "{}", ran.stderr);
    for told in [
        "row 3: `shop` `South` doesn't match `[a-z]+`",
        "row 5: `id` `4` stands in row 4 already",
        "row 5: `sales` -5 is below 0",
        "row 4: `closes after it opens` isn't so: `closed >= opened` (closed: 2024-02-01, opened: 2024-05-01)",
    ] {
        assert!(ran.stderr.contains(told), "{told}\n{}", ran.stderr);
    }
}

#[test]
fn bad_rows_are_set_aside_and_the_file_is_there_after_every_run() {
    let mill = mill("on_violation: quarantine\n");
    let aside = ".gristmill/quarantine/p/shops.csv";
    let first = mill.run(&[]);
    assert_eq!(first["status"], "done", "{first:#}");
    let contract = &first["contracts"][0];
    assert_eq!((&contract["rows"], &contract["quarantined"], &contract["file"]), (&json!(6), &json!(3), &json!(aside)));
    assert_eq!(rules(contract), ["unique", "min", "pattern", "closes after it opens"]);
    let text = mill.read(aside);
    assert_eq!(
        text,
        "id,shop,opened,closed,sales,source_row,broken_rules\n3,South,2024-01-01,,30.0,3,shop: pattern\n4,west,2024-05-01,2024-02-01,40.0,4,closes after it opens\n4,east,2024-01-01,,-5.0,5,id: unique; sales: min\n"
    );
    assert_eq!(mill.fine(&["get", "tidy"]).stdout.lines().count(), 4);

    std::fs::remove_file(mill.at(aside)).expect("removed");
    let second = mill.run(&[]);
    assert!(made(&second).is_empty(), "{second:#}");
    assert_eq!(second["contracts"], first["contracts"]);
    assert_eq!(mill.read(aside), text);
    let shown = mill.fine(&["show", "last"]).stdout;
    assert!(shown.contains("`shops` breaks its contract: 3 of 6 rows are set aside in"), "{shown}");
    mill.fine(&["run", "--locked"]);
}

#[test]
fn a_source_says_where_its_bad_rows_go() {
    let mill = mill("on_violation: quarantine\n");
    mill.edit("pipelines/p.yaml", "schemas/c.yaml}", "schemas/c.yaml, quarantine: data/rejected.ndjson}");
    mill.fine(&["run"]);
    assert_eq!(mill.read("data/rejected.ndjson").lines().count(), 3);
    mill.edit("pipelines/p.yaml", "rejected.ndjson", "rejected.xls");
    let ran = mill.go(&["check"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("the extension `xls` tells no format"), "{}", ran.stderr);
}

#[test]
fn what_a_contract_asks_counts_even_when_all_is_kept() {
    let mill = mill("on_violation: quarantine\n");
    mill.fine(&["run"]);
    mill.edit("schemas/c.yaml", "max: 100", "max: 45");
    let run = mill.run(&[]);
    assert_eq!((&run["contracts"][0]["quarantined"], made(&run)), (&json!(4), vec!["tidy".to_owned()]));
}

#[test]
fn too_few_good_rows_end_the_run() {
    let ran = mill("on_violation: quarantine\nrows: {min: 4}\n").go(&["run"]);
    assert_eq!(ran.code, 6, "{}", ran.stderr);
    assert!(ran.stderr.contains("3 rows, fewer than 4"), "{}", ran.stderr);
}

#[test]
fn a_warning_lets_the_run_go_on_and_is_told_again() {
    let mill = mill("on_violation: warn\n");
    for _ in 0..2 {
        let ran = mill.fine(&["run"]);
        assert!(ran.stderr.contains("warning: `data/d.csv` breaks its contract"), "{}", ran.stderr);
        assert!(ran.stderr.contains("row 5: `sales` -5 is below 0"), "{}", ran.stderr);
    }
    assert_eq!(mill.fine(&["get", "tidy"]).stdout.lines().count(), 7);
}

#[test]
fn some_rows_may_break_a_rule_where_that_is_said() {
    let mill = mill("");
    mill.file("data/d.csv", &ROWS.replace("4,west,2024-05-01", "5,west,2024-01-01").replace("South,", "south,"));
    mill.edit("schemas/c.yaml", "max: 100}", "max: 100, tolerate: {min: 20%}}");
    let run = mill.run(&[]);
    assert_eq!((&run["status"], rules(&run["contracts"][0])), (&json!("done"), vec!["min"]), "{run:#}");
    assert_eq!(run["contracts"][0]["broken"][0]["severity"], "warning");
    mill.edit("schemas/c.yaml", "20%", "0");
    assert_eq!(mill.go(&["run"]).code, 6);
}

#[test]
fn columns_may_name_a_row_together() {
    let mill = mill("unique: [[shop, opened]]\n");
    mill.edit("schemas/c.yaml", "int, unique: true", "int");
    let ran = mill.go(&["run"]);
    assert_eq!(ran.code, 6);
    let told = "row 6: `shop`, `opened` `east`, `2024-01-01` stands in row 5 already";
    assert!(ran.stderr.contains(told), "{}", ran.stderr);
}

#[test]
fn old_data_ends_a_run_although_its_results_are_kept() {
    let mill = mill("");
    mill.file("data/d.csv", "id,shop,opened,closed,sales\n1,north,2024-01-01,,10\n");
    mill.edit("schemas/c.yaml", "opened: {type: date}", "opened: {type: date, max_age: 5200w}");
    mill.fine(&["run"]);
    mill.edit("schemas/c.yaml", "5200w", "7d");
    for _ in 0..2 {
        let ran = mill.go(&["run"]);
        assert_eq!(ran.code, 6, "{}", ran.stderr);
        assert!(ran.stderr.contains("the newest `opened` is 2024-01-01T00:00:00Z, more than 7d ago"), "{}", ran.stderr);
    }
    mill.edit("schemas/c.yaml", "7d", "5200w");
    assert!(made(&mill.run(&[])).is_empty());
}

#[test]
fn mistakes_in_a_contract_are_told_by_check_at_their_place() {
    let mill = mill("unique: [[shop, dai]]\n");
    mill.edit("schemas/c.yaml", "'[a-z]+'", "'[a-z+'")
        .edit("schemas/c.yaml", "closed >= opened", "closd >= opened")
        .edit("schemas/c.yaml", "max: 100", "max: 100, max_length: 3, tolerate: {mx: 1, min: lots}");
    let ran = mill.go(&["check"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("`lots` is no number of rows"), "{}", ran.stderr);
    mill.edit("schemas/c.yaml", "min: lots", "min: 3");
    let ran = mill.go(&["check"]);
    for (place, told) in [
        ("c.yaml:3:", "it is no regular expression"),
        ("c.yaml:6:", "no rule of a column is called `mx`"),
        ("c.yaml:6:", "has no characters"),
        ("c.yaml:8:", "closd"),
        ("c.yaml:9:", "the contract has no column `dai`"),
    ] {
        assert!(ran.stderr.contains(place) && ran.stderr.contains(told), "{place} {told}\n{}", ran.stderr);
    }
    let caret = "closd >= opened";
    let line = ran.stderr.lines().find(|line| line.contains(caret)).expect("the SQL is shown");
    let below = ran.stderr.lines().skip_while(|other| *other != line).nth(1).expect("a caret");
    assert_eq!(below.find('^'), line.find("closd"), "{}", ran.stderr);
}

#[test]
fn a_profile_tells_what_columns_hold_and_drafts_a_contract_that_the_data_keeps() {
    let mill = Mill::penguins();
    let text = mill.fine(&["profile", "penguins.penguins"]).stdout;
    assert!(text.starts_with("344 rows × 8 columns"), "{text}");
    let json: Json = serde_json::from_str(&mill.fine(&["profile", "penguins", "--json"]).stdout).expect("JSON");
    let columns = json["columns"].as_array().expect("columns");
    let mass = columns.iter().find(|column| column["column"] == "body_mass_g").expect("the column");
    assert_eq!((&mass["missing"], &mass["min"], &mass["max"]), (&json!(2), &json!(2700), &json!(6300)));
    let drafted = mill.fine(&["profile", "data/penguins.csv", "--missing", "NA", "--contract"]).stdout;
    assert!(drafted.contains("  island: {type: category, one_of: [Biscoe, Dream, Torgersen]}\n"), "{drafted}");
    assert!(drafted.contains("  body_mass_g: {type: int, nullable: true, min: "), "{drafted}");
    mill.fine(&["profile", "penguins", "--contract", "-o", "schemas/mine.yaml"]);
    assert_eq!(mill.read("schemas/mine.yaml"), drafted);
    mill.edit("pipelines/penguins.yaml", "schemas/penguins.yaml", "schemas/mine.yaml");
    mill.fine(&["run"]);
    let again = mill.go(&["profile", "penguins", "--contract", "-o", "schemas/mine.yaml"]);
    assert_eq!(again.code, 2);
    assert!(again.stderr.contains("is there already"), "{}", again.stderr);
    let unknown = mill.go(&["profile", "pengins"]);
    assert!(unknown.code == 2 && unknown.stderr.contains("did you mean `penguins`?"), "{}", unknown.stderr);
    assert!(mill.go(&["profile", "data/none.csv"]).stderr.contains("there is no file"));
}

#[test]
fn rows_set_aside_go_where_no_source_reads() {
    for (file, told) in [
        ("data/d.csv", "the source `shops` reads `data/d.csv`"),
        ("./data//d.csv", "the source `shops` reads"),
        ("out/t.csv", "the step `tidy` saves its table here"),
    ] {
        let mill = mill("on_violation: quarantine\n");
        let source = format!("contract: schemas/c.yaml, quarantine: {file}");
        mill.edit("pipelines/p.yaml", "contract: schemas/c.yaml", &source);
        mill.edit("pipelines/p.yaml", "{clean: shops}", "{clean: shops, save: out/t.csv}");
        let ran = mill.go(&["check"]);
        assert_eq!(ran.code, 2, "{file}: {}", ran.stderr);
        assert!(ran.stderr.contains(told) && ran.stderr.contains("p.yaml:3:"), "{file}: {}", ran.stderr);
        assert_eq!(mill.read("data/d.csv"), ROWS);
    }
}

#[test]
fn every_step_hears_that_data_is_too_old() {
    let mill = mill("");
    mill.file("schemas/c.yaml", "columns:\n  opened: {type: date, max_age: 1d}\n");
    mill.edit("pipelines/p.yaml", "  tidy: {clean: shops}\n", "  one: {clean: shops}\n  two: {clean: shops}\n");
    let run = mill.run(&["--keep-going", "--jobs", "2"]);
    let steps = run["steps"].as_array().expect("steps");
    assert_eq!(steps.len(), 2);
    assert!(steps.iter().all(|step| step["outcome"] == "failed"), "{run:#}");
}
