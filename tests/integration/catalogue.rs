//! Walks the catalogues: what holds for one op, model or function must hold for all.

use gristmill::data::{Kind, Shape, Value};
use gristmill::expr::{Expr, Scope, functions};
use gristmill::learn::{find_metric, find_model, metrics, models};
use gristmill::ops::{CheckedOp, catalogue, find};
use gristmill::source::{Document, Node};

fn shape() -> Shape {
    Shape::of([
        ("age", Kind::Int),
        ("income", Kind::Float),
        ("fare", Kind::Float),
        ("gust", Kind::Float),
        ("sex", Kind::Category),
        ("kind", Kind::Category),
        ("island", Kind::Category),
        ("species", Kind::Category),
        ("notes", Kind::Text),
        ("joined", Kind::Str),
        ("zip", Kind::Int),
        ("wt", Kind::Float),
        ("id", Kind::Int),
        ("weight", Kind::Float),
        ("height", Kind::Float),
        ("bill_length_mm", Kind::Float),
        ("year", Kind::Int),
        ("hour", Kind::Int),
        ("month", Kind::Int),
        ("day", Kind::Date),
    ])
}

/// The argument of an op's own example.
fn argument(example: &str) -> (String, Node) {
    let document = Document::parse("example", example).expect("an example is YAML");
    match document.root.entries() {
        [entry] => (entry.key.clone(), entry.value.clone()),
        _ => panic!("{example} is not one op"),
    }
}

fn read(name: &str, argument: &Node) -> Result<Box<dyn CheckedOp>, Vec<String>> {
    let params = std::collections::BTreeMap::from([("late_after".to_owned(), Value::Int(15))]);
    let shape = shape();
    let entry = find(name).expect("an op of the catalogue");
    (entry.read)(argument, &Scope { shape: &shape, params: &params })
        .map_err(|faults| faults.iter().map(|fault| format!("{}: {fault}", fault.route)).collect())
}

#[test]
fn the_example_of_each_op_decodes_and_fits_its_columns() {
    for entry in catalogue() {
        let (name, argument) = argument(entry.page.example);
        assert_eq!(name, entry.name);
        let op = read(entry.name, &argument).unwrap_or_else(|faults| panic!("{}: {faults:?}", entry.name));
        let mut faults = Vec::new();
        op.shape(&shape(), None, &mut faults);
        assert!(faults.is_empty(), "{}: {faults:?}", entry.name);
    }
}

#[test]
fn the_order_of_a_map_does_not_change_the_canonical_form() {
    for entry in catalogue() {
        let (_, argument) = argument(entry.page.example);
        let mut turned = argument.clone();
        turn(&mut turned);
        let canonical =
            |node: &Node| gristmill::store::Digest::of_json(&read(entry.name, node).expect("read").canonical());
        assert_eq!(canonical(&argument), canonical(&turned), "{}", entry.name);
    }
}

/// Every map in it the other way round.
fn turn(node: &mut Node) {
    match &mut node.data {
        gristmill::source::Data::Map(entries) => {
            entries.reverse();
            entries.iter_mut().for_each(|entry| turn(&mut entry.value));
        }
        gristmill::source::Data::Seq(items) => items.iter_mut().for_each(turn),
        _ => {}
    }
}

#[test]
fn an_unknown_field_of_an_op_is_a_mistake_at_its_key() {
    for name in [
        "drop_missing",
        "drop_duplicates",
        "split",
        "one_hot",
        "standardize",
        "min_max",
        "log",
        "trim",
        "drop",
        "keep",
        "target_encode",
        "count_encode",
        "hash_encode",
        "pca",
        "balance",
        "sort",
        "sample",
        "limit",
    ] {
        let document = Document::parse("x", "{colour: red}").expect("YAML");
        let faults = read(name, &document.root).err().unwrap_or_else(|| panic!("{name} takes anything"));
        assert!(faults.iter().any(|fault| fault.starts_with("colour: there is no key")), "{name}: {faults:?}");
    }
}

#[test]
fn every_op_of_this_version_of_the_language_is_there() {
    let wanted = [
        "drop_missing",
        "fill_missing",
        "drop_duplicates",
        "drop_outliers",
        "filter",
        "rename",
        "cast",
        "drop",
        "keep",
        "derive",
        "split",
        "bin",
        "one_hot",
        "standardize",
        "group_rare",
        "target_encode",
        "count_encode",
        "hash_encode",
        "text",
        "pca",
        "balance",
        "sort",
        "sample",
        "limit",
        "clip",
        "replace",
        "trim",
        "lower",
        "upper",
        "ordinal",
        "min_max",
        "robust_scale",
        "max_abs",
        "log",
        "sqrt",
        "yeo_johnson",
        "quantile_transform",
        "polynomial",
        "date_parts",
        "cyclical",
    ];
    for name in wanted {
        assert!(find(name).is_ok(), "{name}");
    }
}

#[test]
fn the_example_of_each_model_is_accepted_and_its_synonyms_lead_to_it() {
    for entry in models() {
        let document = Document::parse("x", entry.example).expect("an example is YAML");
        assert!((entry.check)(document.root.to_json()).is_ok(), "{}", entry.name);
        assert!((entry.check)(serde_json::Value::Null).is_ok(), "{}", entry.name);
        for (_, ours) in entry.synonyms {
            assert!(entry.hyper.iter().any(|hyper| hyper.name == *ours), "{}: {ours}", entry.name);
        }
    }
    for name in ["logistic_regression", "random_forest", "linear_regression", "baseline"] {
        assert!(find_model(name).is_ok(), "{name}");
    }
}

#[test]
fn every_metric_of_this_version_of_the_language_is_there() {
    for name in [
        "accuracy",
        "balanced_accuracy",
        "precision",
        "recall",
        "f1",
        "roc_auc",
        "log_loss",
        "mse",
        "rmse",
        "mae",
        "r2",
    ] {
        assert!(find_metric(name).is_ok(), "{name}");
    }
    for name in ["precision", "recall", "f1"] {
        for average in ["macro", "micro", "weighted"] {
            assert!(metrics().iter().any(|metric| metric.name == format!("{name}_{average}")));
        }
    }
}

#[test]
fn the_example_of_each_function_gives_what_it_says() {
    let (shape, params) = (Shape::default(), std::collections::BTreeMap::new());
    for entry in functions() {
        let expr = Expr::parse(entry.example, &Scope { shape: &shape, params: &params })
            .unwrap_or_else(|faults| panic!("{}: {faults:?}", entry.name));
        let value = expr.compile(&|_| None).expect("no columns").eval(&[]);
        assert_eq!(value.to_string(), entry.result, "{}", entry.example);
    }
    assert!(functions().len() >= 40, "{}", functions().len());
}
