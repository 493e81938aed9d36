//! What changed, told from the parts of two keys.

use serde_json::{Value as Json, json};

use super::*;
use crate::store::{Digest, Manifest, Recorder};

fn parts(list: &[(&str, Json)]) -> Vec<Part> {
    let mut recorder = Recorder::default();
    for (path, value) in list {
        recorder.part(path, value);
    }
    recorder.into_parts()
}

fn told(before: &[(&str, Json)], after: &[(&str, Json)]) -> Vec<String> {
    compared(&parts(before), &parts(after)).because
}

fn compared(before: &[Part], after: &[Part]) -> Reason {
    let side = |parts| Side { parts, files: Files::default() };
    compare(&side(before), &side(after))
}

fn digest(of: &str) -> Json {
    json!(Digest::of(of.as_bytes()).to_string())
}

/// A condition as ops keep it.
fn condition(bound: i64) -> Json {
    json!({"condition": [{"column": {"name": "age", "kind": "int"}}, {"literal": {"value": {"int": bound}, "kind": "int"}},
        {"call": {"function": ">", "args": 2, "kind": "bool"}}]})
}

#[test]
fn a_changed_parameter_is_told_by_its_path() {
    let reason =
        compared(&parts(&[("with", json!({"n": 200, "d": 3}))]), &parts(&[("with", json!({"n": 300, "d": 3}))]));
    assert_eq!(reason.text, "`with.n`: 200 → 300");
    assert_eq!(reason.changes, [Change { part: "with.n".into(), before: Some(json!(200)), after: Some(json!(300)) }]);
}

#[test]
fn a_new_version_of_an_op_or_a_model_is_told_by_its_name() {
    let op = |version: u32| {
        vec![
            ("ops[0].drop", json!(["a"])),
            ("ops[0].version", json!(1)),
            ("ops[1].standardize", json!({"columns": "numeric"})),
            ("ops[1].version", json!(version)),
        ]
    };
    assert_eq!(told(&op(1), &op(2)), ["`standardize` has a new version: 1 → 2"]);
    let model = |version: u32| [("model", json!("random_forest")), ("version", json!(version))];
    assert_eq!(told(&model(1), &model(3)), ["`random_forest` has a new version: 1 → 3"]);
}

#[test]
fn ops_that_moved_are_not_told_as_changed() {
    let filter = ("ops[0].filter", condition(3));
    let before =
        [filter.clone(), ("ops[0].version", json!(1)), ("ops[1].drop", json!(["a"])), ("ops[1].version", json!(1))];
    let after = [
        ("ops[0].drop_missing", json!(["x"])),
        ("ops[0].version", json!(1)),
        ("ops[1].filter", condition(4)),
        ("ops[1].version", json!(1)),
        ("ops[2].drop", json!(["a"])),
        ("ops[2].version", json!(1)),
    ];
    assert_eq!(told(&before, &after), ["`drop_missing` is new", "`filter`: age > 3 → age > 4"]);
    assert_eq!(told(&after, &before), ["`drop_missing` is gone", "`filter`: age > 4 → age > 3"]);
}

#[test]
fn columns_are_told_one_by_one_while_they_are_few() {
    let rows = |age: &str, sex: &str| {
        [("rows.train.age", digest(age)), ("rows.train.sex", digest(sex)), ("rows.train.zip", digest("z"))]
    };
    assert_eq!(told(&rows("1", "1"), &rows("2", "1")), ["column `age` of the train rows changed"]);
    let others = |of: &str| {
        [("rows.train.__row", digest(of)), ("rows.train.age", digest(of)), ("rows.test.age", digest("same"))]
    };
    assert_eq!(told(&others("1"), &others("2")), ["the train rows are others"]);
    let many = |of: &str| -> Vec<(String, Json)> { (0..5).map(|n| (format!("rows.table.c{n}"), digest(of))).collect() };
    let (one, two) = (many("1"), many("2"));
    let borrow = |list: &[(String, Json)]| {
        parts(&list.iter().map(|(path, value)| (path.as_str(), value.clone())).collect::<Vec<_>>())
    };
    assert_eq!(compared(&borrow(&one), &borrow(&two)).because, ["the rows changed in every column"]);
}

#[test]
fn a_column_that_comes_goes_or_changes_its_type_is_named_wherever_it_stands() {
    let before = [("columns", json!([["age", "int"], ["sex", "category"]]))];
    let after = [("columns", json!([["id", "int"], ["age", "float"]]))];
    assert_eq!(
        told(&before, &after),
        ["column `id` is new", "column `sex` is gone", "column `age` is another type: int → float"]
    );
    let swapped = [("columns", json!([["sex", "category"], ["age", "int"]]))];
    assert_eq!(told(&before, &swapped), ["the order of the columns changed"]);
    assert_eq!(told(&[("features", json!(["a", "b"]))], &[("features", json!(["b"]))]), ["feature `a` is gone"]);
}

#[test]
fn what_comes_from_outside_is_named_and_values_of_the_environment_are_not_shown() {
    let before = [
        ("source.s", digest("1")),
        ("env.TOKEN", digest("1")),
        ("code.src/a.py", digest("1")),
        ("reading.reading.kinds.age", json!("int")),
    ];
    let after = [
        ("source.s", digest("2")),
        ("env.TOKEN", digest("2")),
        ("code.src/b.py", digest("1")),
        ("reading.reading.kinds.age", json!("float")),
    ];
    assert_eq!(
        told(&before, &after),
        [
            "the source `s` changed",
            "the environment variable `TOKEN` changed",
            "code: `src/b.py` is new",
            "`columns.age`: int → float",
            "code: `src/a.py` is gone",
        ]
    );
}

#[test]
fn a_missing_object_is_named() {
    let dir = tempfile::tempdir().expect("folder");
    let store = Store::open(dir.path()).expect("a store");
    let parts = parts(&[("seed", json!(1))]);
    let train = store.put(b"rows").expect("kept");
    let key = Key(Digest::of(b"key"));
    let outputs = [("train".to_owned(), train), ("test".to_owned(), store.put(b"more").expect("kept"))].into();
    let record = Record {
        key,
        parts: parts.clone(),
        outputs,
        meta: json!({}),
        pieces: Vec::new(),
        seconds: 0.1,
        made: String::new(),
        about: std::collections::BTreeMap::new(),
    };
    store.keep(&record).expect("kept");
    store.remove(&train).expect("gone");
    let now = Side { parts: &parts, files: Files::default() };
    let reason = of(&store, Some(&key), &key, &now, false);
    assert_eq!(reason.text, format!("its output `train` ({}) is gone or damaged", train.short()));
    assert_eq!(of(&store, None, &key, &now, false).text, NEVER);
    assert_eq!(of(&store, Some(&key), &key, &now, true).text, "`--force`");
}

#[test]
fn a_reason_travels_in_the_fault_that_stands_for_it() {
    let reason = compared(&parts(&[("seed", json!(1))]), &parts(&[("seed", json!(2))]));
    assert_eq!(of_fault(would_run(reason.clone())), reason);
}

#[test]
fn the_file_of_a_source_that_changed_is_named() {
    let files = |list: &[(&str, &str)]| -> Files {
        let of = list.iter().map(|(name, of)| ((*name).to_owned(), Digest::of(of.as_bytes())));
        [("s".to_owned(), of.collect())].into()
    };
    let (before, after) = (parts(&[("source.s", digest("1"))]), parts(&[("source.s", digest("2"))]));
    let told = |old: &[(&str, &str)], new: &[(&str, &str)]| {
        compare(&Side { parts: &before, files: files(old) }, &Side { parts: &after, files: files(new) }).because
    };
    assert_eq!(
        told(&[("a", "1"), ("b", "1"), ("c", "1")], &[("a", "1"), ("b", "2"), ("d", "1")]),
        [
            "the file `b` of the source `s` changed",
            "the file `d` of the source `s` is new",
            "the file `c` of the source `s` is gone"
        ]
    );
    let many: Vec<(&str, &str)> = ["e", "f", "g", "h"].iter().map(|name| (*name, "1")).collect();
    assert_eq!(told(&[], &many), ["4 files of the source `s` are new: `e`, `f`, `g`, `h`"]);
    // Of one whose files weren't kept, the source is named.
    let unknown = Side { parts: &before, files: Files::default() };
    let now = Side { parts: &after, files: files(&many) };
    assert_eq!(compare(&unknown, &now).because, ["the source `s` changed"]);
}

#[test]
fn the_input_of_a_program_is_named_with_its_columns() {
    let table = |of: &str| [("inputs.t.x.rows.train.age", digest(of)), ("inputs.t.x.rows.train.sex", digest("1"))];
    assert_eq!(told(&table("1"), &table("2")), ["column `age` of the train rows changed, in the input `t.x`"]);
    let file = |of: &str| [("inputs.weights", digest(of))];
    assert_eq!(told(&file("1"), &file("2")), ["the input `weights` changed"]);
    let command = |word: &str| [("command", json!(["python", word]))];
    assert_eq!(told(&command("a.py"), &command("b.py")), ["`command[1]`: a.py → b.py"]);
}
