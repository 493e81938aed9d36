//! Every kind of leak, seeded and mended.

use serde_json::Value as Json;

use crate::mill::Mill;

const PATH: &str = "pipelines/p.yaml";

/// Visits of customers: 400 rows whose target follows `spend` with noise, each customer four times.
fn visits() -> Mill {
    visits_with("", |_| String::new())
}

/// The same with one more column.
fn visits_with(name: &str, value: impl Fn(&str) -> String) -> Mill {
    let mut table = format!("id,customer,day,spend,age,left{name}\n");
    for id in 0..400u32 {
        let (customer, day) = (id * 7 % 100, id * 61 % 400);
        let spend = f64::from(id * 7919 % 9973) / 100.0;
        let noise = f64::from(id * 4241 % 997) / 10.0;
        let left = if spend + noise > 100.0 { "yes" } else { "no" };
        let row = format!("{id},{customer},{day},{spend},{},{left}", 20 + id * 31 % 57);
        table.push_str(&format!("{row}{}\n", value(left)));
    }
    let mill = Mill::new();
    mill.file("data/t.csv", &table);
    mill
}

/// A pipeline over the visits.
fn pipeline(mill: &Mill, roles: &str, before: &str, split: &str) {
    mill.file(
        PATH,
        &format!(
            "name: p\ntarget: left\nroles: {roles}\nsources: {{t: {{path: data/t.csv}}}}\nsteps:\n  f:\n    transform: t\n    ops:\n{before}      - split: {split}\n  m:\n    train: f\n    model: logistic_regression\n    features: {{except: [id, customer, day]}}\n  q: {{evaluate: m, metrics: [accuracy]}}\n  live: {{deploy: q, as: left}}\n"
        ),
    );
}

/// What `check` or `run` warned of: code and the text of the line.
fn told(mill: &Mill, found: &Json) -> Vec<(String, String)> {
    let text = mill.read(PATH);
    let lines: Vec<&str> = text.lines().collect();
    let of = |warning: &Json| {
        assert!(!warning["help"].as_str().unwrap_or_default().is_empty(), "{warning}");
        let line = lines[warning["line"].as_u64().expect("a line") as usize - 1].trim();
        (warning["code"].as_str().expect("a code").to_owned(), line.to_owned())
    };
    found.as_array().expect("a list").iter().map(of).collect()
}

fn checked(mill: &Mill) -> Vec<(String, String)> {
    let ran = mill.go(&["check", "--json"]);
    let found: Json = serde_json::from_str(&ran.stdout).expect("JSON");
    told(mill, &found["diagnostics"])
}

fn warned(mill: &Mill) -> Vec<(String, String)> {
    let run = mill.run(&[]);
    assert_eq!(run["status"], "done", "{run:#}");
    told(mill, &run["warnings"])
}

fn one(code: &str, line: &str) -> Vec<(String, String)> {
    vec![(code.to_owned(), line.to_owned())]
}

#[test]
fn an_op_that_learns_belongs_behind_the_split() {
    let mill = visits();
    pipeline(&mill, "{id: id}", "      - standardize: [spend]\n", "{test: 0.25}");
    assert_eq!(checked(&mill), one("leak-fitted", "- standardize: [spend]"));
    let strict = mill.go(&["check", "--strict"]);
    assert_eq!(strict.code, 2, "{}", strict.stderr);
    assert_eq!(mill.go(&["run", "--strict"]).code, 2);
    mill.edit(
        PATH,
        "      - standardize: [spend]\n      - split: {test: 0.25}",
        "      - split: {test: 0.25}\n      - standardize: [spend]",
    );
    assert_eq!(checked(&mill), []);
    mill.fine(&["check", "--strict"]);
    let run = mill.run(&["--strict"]);
    assert_eq!((&run["status"], run["deployed"].as_array().map(Vec::len)), (&"done".into(), Some(1)), "{run:#}");
}

#[test]
fn a_group_or_a_time_is_not_torn_by_a_split() {
    let mill = visits();
    for (roles, split, code, mended) in [
        ("{group: customer}", "{test: 0.25}", "leak-group", "{test: 0.25, group: customer}"),
        ("{group: customer}", "{test: 0.25, hash: id}", "leak-group", "{test: 0.25, hash: customer}"),
        ("{time: day}", "{test: 0.25, stratify: left}", "leak-time", "{test: 0.25, time: day}"),
    ] {
        pipeline(&mill, roles, "", split);
        assert_eq!(checked(&mill), one(code, &format!("- split: {split}")));
        pipeline(&mill, roles, "", mended);
        assert_eq!(checked(&mill), [], "{mended}");
    }
    pipeline(&mill, "{id: id}", "", "{test: 0.25}");
    mill.edit(PATH, "    features:", "    cv: {folds: 3, group: customer}\n    features:");
    assert_eq!(checked(&mill), one("leak-group", "- split: {test: 0.25}"), "said by `cv` alone");
}

#[test]
fn a_split_by_a_column_is_judged_by_its_rows() {
    let whole =
        |column: &str| format!("      - derive: {{part: \"CASE WHEN {column} THEN 'test' ELSE 'train' END\"}}\n");
    let mill = visits();
    for (roles, torn, code, mended) in [
        ("{group: customer}", "id % 400 < 100", "leak-group", "customer < 25"),
        ("{time: day}", "day < 100", "leak-time", "day >= 300"),
    ] {
        pipeline(&mill, roles, &whole(torn), "{column: part}");
        assert_eq!(checked(&mill), []);
        assert_eq!(warned(&mill), one(code, "- split: {column: part}"));
        assert_eq!(warned(&mill), one(code, "- split: {column: part}"), "also from the cache");
        mill.edit(PATH, torn, mended);
        assert_eq!(warned(&mill), []);
    }
}

#[test]
fn a_look_back_at_the_target_asks_for_a_split_by_time() {
    let mill = visits();
    let lag = "      - lag: {columns: [left], periods: [1], order_by: day}\n      - drop_missing: [left_lag_1]\n";
    pipeline(&mill, "{id: id}", lag, "{test: 0.25}");
    mill.edit(PATH, "  m:\n", "      - one_hot: [left_lag_1]\n  m:\n");
    assert_eq!(checked(&mill), one("leak-lag", "- lag: {columns: [left], periods: [1], order_by: day}"));
    mill.edit(PATH, "{test: 0.25}", "{test: 0.25, time: day}");
    assert_eq!(checked(&mill), []);
}

#[test]
fn a_target_is_not_made_of_what_the_model_reads() {
    let mill = visits();
    let made = "      - derive: {late: day > 200, week: day / 7}\n";
    pipeline(&mill, "{id: id}", made, "{test: 0.25}");
    mill.edit(PATH, "target: left", "target: late").edit(PATH, "[id, customer, day]", "[id, customer, week, left]");
    assert_eq!(checked(&mill), one("leak-target", "m:"));
    mill.edit(PATH, "[id, customer, week, left]", "[id, customer, week, left, day]");
    assert_eq!(checked(&mill), []);
}

#[test]
fn a_feature_that_is_the_target_is_told_by_its_rows() {
    let mill = visits_with(",refund", |left| format!(",{}", if left == "yes" { 2 } else { 7 }));
    pipeline(&mill, "{id: id}", "", "{test: 0.25}");
    assert_eq!(checked(&mill), []);
    assert_eq!(warned(&mill), one("leak-target", "m:"));
    let again = mill.fine(&["run"]);
    assert!(again.stderr.contains("warning: `refund` tells `left` almost perfectly"), "{}", again.stderr);
    for shown in ["q", "last"] {
        let shown = mill.fine(&["show", shown]).stdout;
        assert!(shown.contains("`refund` tells `left` almost perfectly"), "{shown}");
    }
    mill.edit(PATH, "    model:", "    accept: [leak-target]\n    model:");
    assert_eq!(warned(&mill), [], "it is meant");
    mill.edit(PATH, "    accept: [leak-target]\n", "").edit(PATH, "[id, customer, day]", "[id, customer, day, refund]");
    assert_eq!(warned(&mill), []);
}

#[test]
fn a_strict_run_deploys_no_model_with_a_leak() {
    let mill = visits_with(",refund", |left| format!(",{}", if left == "yes" { 2 } else { 7 }));
    pipeline(&mill, "{id: id}", "", "{test: 0.25}");
    for _ in 0..2 {
        let strict = mill.go(&["run", "--strict", "--json"]);
        let run: Json = serde_json::from_str(&strict.stdout).expect("JSON");
        assert_eq!((strict.code, &run["errors"][0]["code"]), (3, &"leak-target".into()), "{run:#}");
        assert_eq!(run["deployed"], Json::Array(Vec::new()));
    }
    assert_eq!(mill.run(&[])["deployed"].as_array().map(Vec::len), Some(1), "a plain run only warns");
}

#[test]
fn rows_that_stand_in_two_parts_are_told() {
    let mill = visits();
    let text = mill.read("data/t.csv");
    let rows: Vec<&str> = text.lines().skip(1).collect();
    mill.file("data/t.csv", &format!("{text}{}\n", rows[..60].join("\n")));
    pipeline(&mill, "{id: id}", "", "{test: 0.25}");
    assert_eq!(checked(&mill), []);
    let run = mill.run(&[]);
    assert_eq!(told(&mill, &run["warnings"]), one("leak-duplicates", "- split: {test: 0.25}"));
    assert_eq!(run["warnings"][0]["step"], "q");
    pipeline(&mill, "{id: id}", "      - drop_duplicates\n", "{test: 0.25}");
    assert_eq!(warned(&mill), []);
    mill.edit(PATH, "      - drop_duplicates\n", "").edit(PATH, "[id, customer, day]", "[id, customer, day, spend]");
    assert_eq!(warned(&mill), [], "with one feature rows may honestly be alike");
}

#[test]
fn what_is_accepted_must_be_a_leak() {
    let mill = visits();
    pipeline(&mill, "{group: customer}", "", "{test: 0.25}");
    mill.edit(PATH, "    transform: t\n", "    transform: t\n    accept: [leak-group]\n");
    assert_eq!(checked(&mill), []);
    mill.edit(PATH, "leak-group", "leak-grup");
    let ran = mill.go(&["check"]);
    assert!(ran.code == 2 && ran.stderr.contains("did you mean `leak-group`?"), "{}", ran.stderr);
}
