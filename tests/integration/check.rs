//! Mistakes: all of a file's at once, each with its place and what was meant.

use std::collections::BTreeSet;
use std::time::Instant;

use crate::mill::Mill;

/// The mistakes of a pipeline: the text under the caret, the message, the help.
fn mistakes(pipeline: &str) -> Vec<(String, String, String)> {
    let mill = Mill::new();
    mill.file("pipelines/p.yaml", pipeline);
    mill.file("schemas/c.yaml", "columns:\n  species: {type: category, one_of: [a, b]}\n  island: {type: category}\n  length: {type: float, nullable: true}\n  mass: {type: int}\n  note: {type: text}\n");
    mill.file("data/d.csv", "species,island,length,mass,note\na,x,1.5,3,n\nb,y,2.5,4,m\n");
    let ran = mill.go(&["check", "p", "--json"]);
    let json: serde_json::Value =
        serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {}\n{}", ran.stdout, ran.stderr));
    let found = json["diagnostics"].as_array().expect("diagnostics");
    assert_eq!(ran.code, if found.iter().any(|one| one["severity"] == "error") { 2 } else { 0 });
    found
        .iter()
        .map(|one| {
            let number = |key: &str| one[key].as_u64().expect("a number") as usize;
            let line = pipeline.lines().nth(number("line") - 1).unwrap_or_default();
            let at: String = line.chars().skip(number("column") - 1).take(number("length")).collect();
            let text = |key: &str| one[key].as_str().unwrap_or_default().to_owned();
            (at, text("message"), text("help"))
        })
        .collect()
}

const TOP: &str = "name: p\ntarget: species\nparams: {trees: 200}\nsources:\n  birds: {path: data/d.csv, contract: schemas/c.yaml}\nsteps:\n";

/// Asserts that a pipeline with these steps has exactly these mistakes: under the caret, in the message, in the help.
fn tells(steps: &str, expected: &[(&str, &str, &str)]) {
    let found = mistakes(&format!("{TOP}{steps}"));
    assert_eq!(found.len(), expected.len(), "{steps}\n{found:#?}");
    for ((at, message, help), (wanted_at, wanted_message, wanted_help)) in found.iter().zip(expected) {
        assert_eq!(at, wanted_at, "{message}");
        assert!(message.contains(wanted_message), "{message} / {wanted_message}");
        assert!(help.contains(wanted_help), "{message}: {help} / {wanted_help}");
    }
}

#[test]
fn a_right_pipeline_has_no_mistakes() {
    tells("  a: {clean: birds, ops: [drop_duplicates, {drop: [note]}, {one_hot: [island]}]}\n", &[]);
}

#[test]
fn unknown_names_are_told_with_the_nearest() {
    tells("  a: {clean: brids}\n", &[("brids", "no step or source", "`birds`")]);
    tells("  a: {clena: birds}\n", &[("clena", "no verb `clena`", "`clean`")]);
    tells("  a: {clean: birds, opps: []}\n", &[("opps", "no key `opps`", "`ops`")]);
    tells("  a: {clean: birds, ops: [drop_mising: [mass]]}\n", &[("drop_mising", "no op", "`drop_missing`")]);
    tells("  a: {clean: birds, ops: [dropna: [mass]]}\n", &[("dropna", "no op", "`drop_missing`")]);
    tells("  a: {clean: birds, ops: [standardize: {colums: numeric}]}\n", &[("colums", "no key", "`columns`")]);
    tells(
        "  a: {clean: birds, ops: [drop_missing: [mas, lenght]]}\n",
        &[("mas", "no column `mas`", "`mass`"), ("lenght", "no column `lenght`", "`length`")],
    );
    tells(
        "  a: {clean: birds, ops: [filter: mass > 3 AND lenght < 2]}\n",
        &[("lenght", "no column `lenght`", "`length`")],
    );
    tells("  a: {clean: birds, ops: [derive: {x: uper(island)}]}\n", &[("uper", "no function", "`upper`")]);
    tells("  a: {clean: birds, ops: [filter: mass > params.tree]}\n", &[("tree", "no param", "`trees`")]);
}

#[test]
fn models_and_hyper_parameters_are_checked() {
    let features = "  f: {clean: birds, ops: [{drop: [note]}, {split: {test: 0.5}}, {one_hot: [island]}]}\n";
    let with = |model: &str, with: &str| format!("{features}  m: {{train: f, model: {model}, with: {{{with}}}}}\n");
    tells(&with("random_forest", "trees: 3"), &[("trees", "no hyper-parameter `trees`", "`n_estimators`")]);
    tells(&with("random_forest", "nEstimators: 3"), &[("nEstimators", "no hyper-parameter", "`n_estimators`")]);
    tells(&with("logistic_regression", "C: 1.0"), &[("C", "no hyper-parameter `C`", "`c`")]);
    tells(&with("random_forrest", ""), &[("random_forrest", "no model", "`random_forest`")]);
    tells(&with("RandomForestClassifier", ""), &[("RandomForestClassifier", "no model", "`random_forest`")]);
    tells(&with("xgboost", ""), &[("xgboost", "no model", "gradient_boosting")]);
    tells(&with("random_forest", "n_estimators: many"), &[("many", "a whole number", "")]);
    tells(
        &with("random_forest", "n_estimators: \"{{ params.treees }}\""),
        &[("params.treees", "no `treees`", "`trees`")],
    );
    tells(&with("random_forest", "max_depth: 0"), &[("0", "max_depth", "")]);
    tells(&with("linear_regression", ""), &[("linear_regression", "does no classification", "")]);
}

#[test]
fn types_that_do_not_fit_are_told() {
    tells("  a: {clean: birds, ops: [standardize: [island]]}\n", &[("island", "is category", "")]);
    tells("  a: {clean: birds, ops: [filter: upper(mass) = 'A']}\n", &[("mass", "", "")]);
    tells("  a: {clean: birds, ops: [filter: mass + 1]}\n", &[("mass + 1", "a condition is true or false", "")]);
    tells("  a: {clean: birds, ops: [fill_missing: {island: mean}]}\n", &[("mean", "no mean or median", "")]);
    tells("  a: {clean: birds, ops: [split: {test: 1.5}]}\n", &[("1.5", "isn't a share", "")]);
    tells("  a: {clean: birds, ops: [one_hot: [length]]}\n", &[("length", "has no categories", "")]);
    tells(
        "  a: {clean: birds, ops: [bin: {mass: {edges: [0, 1, 2, 3, 4], labels: [a, b, c, d, e]}}]}\n",
        &[("[a, b, c, d, e]", "5 labels for 4 bins", "5 edges make 4 bins")],
    );
    tells("  m: {train: birds, model: logistic_regression, target: island}\n", &[("birds", "`note` is text", "drop")]);
    tells(
        "  m: {train: birds, model: svm, target: mass}\n",
        &[("birds", "`island` is category", "one_hot"), ("birds", "`note` is text", "drop")],
    );
    tells("  m: {train: birds, model: random_forest, target: mass}\n", &[("birds", "`note` is text", "drop")]);
}

#[test]
fn shapes_run_through_the_graph_with_open_families() {
    let steps = "  a: {clean: birds, ops: [{one_hot: [island]}]}\n  b: {transform: a, ops: [{drop: [island_x]}, {standardize: [island_x]}, {drop: [island]}]}\n";
    tells(steps, &[("island_x", "is bool", ""), ("island", "no column `island`", "")]);
    let renamed = "  a: {clean: birds, ops: [{rename: {mass: weight}}]}\n  b: {transform: a, ops: [{drop: [mass]}]}\n";
    tells(renamed, &[("mass", "no column `mass`", "")]);
}

#[test]
fn steps_are_checked_against_each_other() {
    tells("  a: {transform: b}\n  b: {transform: c}\n  c: {transform: a}\n", &[("b", "`a` → `b` → `c` → `a`", "")]);
    tells("  a: {transform: a}\n", &[("a", "`a` → `a`", "")]);
    tells("  a: {clean: birds, train: birds}\n", &[("train", "`clean` and `train` are both verbs", "two steps")]);
    tells("  a: {description: nothing}\n", &[("a", "no verb", "clean")]);
    tells("  birds: {clean: birds}\n", &[("birds", "is a source already", "")]);
    let judged = |rest: &str| {
        format!(
            "  f: {{clean: birds, ops: [{{drop: [note]}}, {{split: {{test: 0.5}}}}, {{one_hot: [island]}}]}}\n  m: {{train: f, model: baseline}}\n  q: {{evaluate: m, metrics: [accuracy], {rest}}}\n"
        )
    };
    tells(&judged("require: {recall: {min: 0.5}}"), &[("recall", "`recall` isn't computed here", "add it")]);
    tells(&judged("best: acuracy"), &[("acuracy", "no metric", "`accuracy`")]);
    tells(&judged("slices: [ilsand]"), &[("ilsand", "no table on the way", "`island`")]);
    tells(&judged("on: validation"), &[("validation", "no validation part", "split")]);
    tells(
        "  f: {clean: birds, ops: [{drop: [note, island]}]}\n  m: {train: f, model: baseline}\n  q: {evaluate: m}\n",
        &[("m", "nothing splits the rows", "split")],
    );
    tells("  f: {clean: birds}\n  d: {deploy: f, as: x}\n", &[("f", "is a table", "")]);
}

#[test]
fn what_is_to_come_is_refused_at_its_place() {
    let found = mistakes(&format!(
        "{TOP}  a: {{clean: birds, for_each: {{x: y}}, ops: [sql: SELECT 1]}}\n  r: {{predict: a}}\nwatch: {{drift: {{psi: 0.2}}, performance: {{}}}}\n"
    ));
    let told: BTreeSet<&str> = found
        .iter()
        .filter(|(_, message, _)| message.contains("not supported yet"))
        .map(|(at, _, _)| at.as_str())
        .collect();
    assert_eq!(told, BTreeSet::from(["drift", "for_each", "performance", "predict", "sql"]));
}

#[test]
fn ten_mistakes_get_ten_carets_without_any_data() {
    let mill = Mill::new();
    mill.file(
        "schemas/c.yaml",
        "columns:\n  species: {type: category}\n  island: {type: category}\n  length: {type: float}\n",
    );
    mill.file(
        "pipelines/p.yaml",
        "name: p\ntarget: species\nparms: {}\nsources:\n  birds: {path: data/nowhere.csv, contract: schemas/c.yaml}\nsteps:\n  a:\n    clean: birds\n    ops:\n      - drop_missing: [lenght]\n      - filter: length > 'x'\n      - bin: {length: {edges: [0, 1, 2], labels: [a, b, c]}}\n      - standardize: {colums: numeric}\n  m:\n    train: a\n    model: random_forest\n    with: {trees: 3}\n  q: {evaluate: m, metrics: [acuracy]}\n  x: {transform: y}\n  z: {clean: birds, train: birds}\n  t: {clean: birds, colour: red}\n",
    );
    let ran = mill.go(&["check"]);
    assert_eq!(ran.code, 2);
    let carets = ran.stderr.lines().filter(|line| line.trim_start_matches([' ', '|']).starts_with('^')).count();
    assert!(carets >= 10, "{carets} carets\n{}", ran.stderr);
    assert!(ran.stderr.contains("pipelines/p.yaml:10:24"), "{}", ran.stderr);
}

#[test]
fn an_alias_bomb_is_refused_fast() {
    let mill = Mill::new();
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..30 {
        let list = vec![format!("*a{}", level - 1); 9].join(", ");
        text.push_str(&format!("a{level}: &a{level} [{list}]\n"));
    }
    mill.file("pipelines/bomb.yaml", &text);
    let began = Instant::now();
    let ran = mill.go(&["check"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("aliases make more than"), "{}", ran.stderr);
    // Unchecked it would be 9^30 nodes: any finite time tells.
    assert!(began.elapsed().as_secs() < 10);
}

#[test]
fn a_contract_has_its_own_carets() {
    let mill = Mill::new();
    mill.file("pipelines/p.yaml", &format!("{TOP}  a: {{clean: birds}}\n"));
    mill.file("data/d.csv", "species\na\n");
    mill.file(
        "schemas/c.yaml",
        "columns:\n  species: {type: categry, one_of: [1]}\n  n: {type: int, one_of: [x], min: 3, max: 1}\n",
    );
    let ran = mill.go(&["check"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("schemas/c.yaml:2:"), "{}", ran.stderr);
}

#[test]
fn fitted_ops_before_the_split_are_warned_of() {
    let mill = Mill::penguins();
    mill.edit(
        "pipelines/penguins.yaml",
        "      - drop_duplicates\n",
        "      - drop_duplicates\n      - fill_missing: {bill_depth_mm: mean}\n",
    );
    let ran = mill.fine(&["check"]);
    assert!(ran.stderr.contains("warning: `fill_missing` learns from all rows"), "{}", ran.stderr);
    assert!(ran.stderr.contains("put `split` before"), "{}", ran.stderr);
}

#[test]
fn columns_that_are_held_back_reach_no_model() {
    let roles = |steps: &str| {
        let found = mistakes(&format!(
            "{}{steps}",
            TOP.replace("target: species\n", "target: species\nroles: {held: [island], id: mass}\n")
        ));
        found.into_iter().map(|(at, message, _)| format!("{at}: {message}")).collect::<Vec<_>>()
    };
    let ops = "  f: {clean: birds, ops: [{drop: [note]}, {one_hot: [island]}, {derive: {heavy: mass > 3}}]}\n";
    assert_eq!(roles(&format!("{ops}  m: {{train: f, model: random_forest}}\n")), Vec::<String>::new());
    assert_eq!(
        roles(&format!("{ops}  m: {{train: f, model: random_forest, features: [mass, length]}}\n")),
        ["mass: `mass` has the role `id`, and no model is trained on it"]
    );
}

#[test]
fn what_can_not_hold_is_refused() {
    let judged = "  f: {clean: birds, ops: [{drop: [note]}, {split: {test: 0.5}}, {one_hot: [island]}]}\n  m: {train: f, model: baseline}\n";
    tells(
        &format!("{judged}  q: {{evaluate: m, metrics: [f1], require: {{f1: {{min: 0.9, max: 0.1}}}}}}\n"),
        &[("{min: 0.9, max: 0.1}", "nothing is between", "")],
    );
    tells(
        &format!("{judged}  a: {{deploy: m, as: x}}\n  b: {{deploy: m, as: x}}\n"),
        &[("x", "deployed by `a` already", "")],
    );
    tells(
        &format!("{judged}  a: {{deploy: m, as: x, to: [rest: {{port: 80800}}]}}\n"),
        &[("80800", "from 0 to 65535", "")],
    );
    tells(
        "  a: {clean: birds, ops: [bin: {mass: {edges: [0, 9], as: length}}]}\n",
        &[("length", "there is a column `length` already", "")],
    );
    tells("  a: {clean: birds, ops: [{one_hot: [island], rows: train}]}\n", &[("rows", "for ops that drop rows", "")]);
    tells("  a: {clean: birds, ops: [split: [0.2]]}\n", &[("[0.2]", "a map of fields", "")]);
    tells(
        "  a: {clean: birds, ops: [cast: {island: {date: \"%d\", datetime: \"%d\"}}]}\n",
        &[("{date: \"%d\", datetime: \"%d\"}", "one type", "")],
    );
}

#[test]
fn overrides_are_told_without_blaming_a_line() {
    let mill = Mill::penguins();
    let ran = mill.go(&["check", "--set", "tres=3"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.starts_with("error: --set: there is no param `tres`"), "{}", ran.stderr);
    assert!(!ran.stderr.contains("penguins.yaml:"), "{}", ran.stderr);
    let json = mill.go(&["run", "--json", "--set", "tres=3"]);
    let found: serde_json::Value = serde_json::from_str(&json.stdout).expect("JSON, whatever happens");
    assert_eq!(found["diagnostics"][0]["code"], "unknown-param");
    let other = Mill::penguins().env("GRISTMILL_PARAM_SOMEBODY_ELSES", "5");
    assert!(other.fine(&["check"]).stderr.contains("warning"), "an environment is for all pipelines");
}
