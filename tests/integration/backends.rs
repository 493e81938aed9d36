//! Every op means the same in a table and in a request, and learns from the train rows alone.

use std::collections::{BTreeMap, HashMap};

use gristmill::data::{Kind, Part, ROW, Shape, Table, Value, column_of, positions, value_at};
use gristmill::expr::Scope;
use gristmill::ops::{CheckedOp, FitContext, Rows, catalogue, find};
use gristmill::recipe::Evaluator;
use gristmill::source::{Document, Fault};
use polars::prelude::DataFrame;
use proptest::prelude::*;

/// Ops in every form of their argument, over the columns of [`shape`].
const FORMS: &[(&str, &str)] = &[
    ("drop_missing", "[a, s]"),
    ("drop_missing", "all"),
    ("drop_missing", "{columns: numeric, min_present: 0.5}"),
    ("drop_missing", "{except: [b]}"),
    ("fill_missing", "{a: mean, b: median, s: mode}"),
    ("fill_missing", "{numeric: 7, s: {value: none}, f: {value: true}}"),
    ("fill_missing", "{b: {with: median, indicator: b_missing}, d: {value: \"2024-01-31\"}}"),
    ("drop_outliers", "{a: {iqr: 1.5}, b: {zscore: 2}}"),
    ("drop_outliers", "{a: {quantile: [0.1, 0.9]}, b: {between: [-10, 10]}}"),
    ("filter", "a > 0 AND (b < 100 OR s = 'x')"),
    ("filter", "s IS NOT NULL"),
    ("rename", "{a: z, z2: a2}"),
    ("rename", "{a: b, b: a}"),
    ("cast", "{a: float, f: int, d: datetime}"),
    ("cast", "{a: str, b: str, f: str, d: str}"),
    ("drop", "[a, d]"),
    ("drop", "\"?2\""),
    ("keep", "[s, a]"),
    ("keep", "numeric"),
    ("derive", "{ratio: a / b, sum: a + b, text: upper(s), late: a > params.limit, a: a * 2}"),
    ("derive", "{one: 1, day: year(d), part: \"'x'\", when: CASE WHEN f THEN a ELSE 0 END}"),
    ("bin", "{a: [-10, 0, 10, 100]}"),
    ("bin", "{b: {edges: [0, 1, 10], labels: [low, high], as: b_group}, a: {quantiles: 3}}"),
    ("bin", "{b: {width: 2.5}}"),
    ("one_hot", "[s, f]"),
    ("one_hot", "{columns: [s], max: 2, drop: first}"),
    ("one_hot", "{columns: [s, z2], unknown: refuse}"),
    ("group_rare", "{s: {min_count: 2, as: rest}, z2: {max: 1}}"),
    ("group_rare", "{categorical: {min_share: 0.3}}"),
    ("target_encode", "[s, z2]"),
    ("target_encode", "{columns: [f, a, s], smoothing: 2}"),
    ("count_encode", "[s, f, d]"),
    ("count_encode", "{columns: categorical, share: true}"),
    ("hash_encode", "{columns: [s, a], buckets: 3}"),
    ("text", "{s: counts}"),
    ("text", "{s: {tfidf: {max: 3, ngrams: [1, 2]}}, z2: tfidf}"),
    ("pca", "{columns: [a, b], components: 1}"),
    ("pca", "{columns: [b, f], variance: 0.5, whiten: true, as: z}"),
    ("standardize", "numeric"),
    ("standardize", "[b]"),
    ("min_max", "numeric"),
    ("min_max", "{columns: [a, b], feature_range: [-2, 3], clip: true}"),
    ("robust_scale", "numeric"),
    ("robust_scale", "{columns: [b], quantile: [0.05, 0.95]}"),
    ("max_abs", "[a, b]"),
    ("log", "numeric"),
    ("log", "{columns: [a, b], offset: 1}"),
    ("log", "{columns: b, offset: 4}"),
    ("sqrt", "[a, b]"),
    ("yeo_johnson", "numeric"),
    ("yeo_johnson", "{columns: [b], standardize: false}"),
    ("quantile_transform", "numeric"),
    ("quantile_transform", "{columns: [a, b], n_quantiles: 3, output_distribution: normal}"),
    ("polynomial", "[a, b, f]"),
    ("polynomial", "{columns: numeric, degree: 3, interactions_only: false}"),
    ("polynomial", "{columns: [a, b, f], degree: 3, interactions_only: true}"),
    ("date_parts", "{d: [year, quarter, month, week, day, weekday, day_of_year, days_in_month, epoch]}"),
    ("date_parts", "{temporal: [is_weekend, is_month_start, is_month_end]}"),
    ("cyclical", "{a: 7, b: 0.3}"),
    ("ordinal", "[s, z2, f, a, d]"),
    ("ordinal", "{s: [x, none], a: [3, 0, -1]}"),
    ("ordinal", "{columns: {\"?2\": [q, x], f: [true, false]}, unknown: ignore}"),
    ("ordinal", "{columns: {s: [y, x]}, unknown: refuse}"),
    ("ordinal", "{columns: [s, z2], unknown: refuse}"),
    ("clip", "{a: [0, 9], b: [-1.5, 2.5]}"),
    ("clip", "{a: [0.5, .inf], b: {quantile: [0.1, 0.9]}}"),
    ("clip", "{a: {iqr: 0.5}, b: {zscore: 1}}"),
    ("replace", "{s: {x: y, y: x, none: null, \"\": blank}, a: {0: 7, 3: null}, f: {true: false}}"),
    ("replace", "{a: {0: 0.5}, b: {2.5: null, 0: 1}, d: {1970-01-01: 2000-01-01}}"),
    ("trim", "[s]"),
    ("lower", "categorical"),
    ("upper", "{except: [a, b, f, d]}"),
    ("select", "{best: 2, by: variance}"),
    ("select", "{best: 1, by: mutual_information, columns: [a, s, f]}"),
    ("join", "{with: names, on: s, columns: [n, t]}"),
    ("join", "{with: names, on: [s, z2], how: inner, columns: {n: m}}"),
];

fn shape() -> Shape {
    Shape::of([
        ("a", Kind::Int),
        ("b", Kind::Float),
        ("s", Kind::Category),
        ("f", Kind::Bool),
        ("d", Kind::Date),
        ("z2", Kind::Category),
    ])
}

fn read(name: &str, argument: &str) -> Box<dyn CheckedOp> {
    let params = BTreeMap::from([("limit".to_owned(), Value::Int(3))]);
    let document = Document::parse("argument", argument).expect("YAML");
    let shape = shape();
    let entry = find(name).expect("an op");
    let read = (entry.read)(&document.root, &Scope { shape: &shape, params: &params });
    let mut op = read.unwrap_or_else(|faults| panic!("{name}: {argument}: {faults:?}"));
    for (other, _) in (entry.references)(&document.root) {
        op.meet(&other, Some(&names(&other).expect("a table").shape));
    }
    let mut faults = Vec::new();
    op.shape(&shape, None, &mut faults);
    assert!(faults.is_empty(), "{name}: {argument}: {faults:?}");
    op
}

type Record = (Option<i64>, Option<f64>, Option<&'static str>, Option<bool>, Option<i32>, Option<&'static str>);

fn record() -> impl Strategy<Value = Record> {
    (
        proptest::option::weighted(0.8, prop_oneof![-5i64..15, Just(i64::MAX), Just(i64::MIN), Just(0)]),
        proptest::option::weighted(
            0.8,
            prop_oneof![-3.0..12.0f64, Just(0.0), Just(-0.0), Just(1e300), Just(-1e-300), Just(2.5)],
        ),
        proptest::option::weighted(
            0.8,
            prop_oneof![Just("x"), Just("y"), Just(""), Just("é x"), Just("none"), Just("one none two")],
        ),
        proptest::option::weighted(0.8, any::<bool>()),
        proptest::option::weighted(0.8, -30_000..30_000i32),
        proptest::option::weighted(0.8, prop_oneof![Just("x"), Just("q")]),
    )
}

fn values(record: &Record) -> Vec<Value> {
    let (a, b, s, f, d, z) = record;
    vec![
        a.map_or(Value::Null, Value::Int),
        b.map_or(Value::Null, Value::float),
        s.map_or(Value::Null, Value::str),
        f.map_or(Value::Null, Value::Bool),
        d.map_or(Value::Null, Value::Date),
        z.map_or(Value::Null, Value::str),
    ]
}

fn frame(records: &[Record], first: usize) -> DataFrame {
    let rows: Vec<Vec<Value>> = records.iter().map(values).collect();
    let mut columns: Vec<_> = shape()
        .fields
        .iter()
        .enumerate()
        .map(|(at, field)| {
            column_of(&field.name, field.kind, &rows.iter().map(|row| row[at].clone()).collect::<Vec<_>>())
        })
        .collect();
    let numbers: Vec<Value> = (first..first + records.len()).map(|row| Value::Int(row as i64)).collect();
    columns.push(column_of(ROW, Kind::Int, &numbers));
    DataFrame::new(records.len(), columns).expect("a frame")
}

fn table(train: &[Record], test: &[Record]) -> Table {
    Table::of_parts(shape(), vec![(Part::Train, frame(train, 0)), (Part::Test, frame(test, train.len()))])
}

/// Another table.
fn names(_: &str) -> Result<Table, Fault> {
    let shape = Shape::of([("s", Kind::Str), ("z2", Kind::Category), ("n", Kind::Int), ("t", Kind::Text)]);
    let texts = |texts: [&str; 4]| texts.map(|text| if text.is_empty() { Value::Null } else { Value::str(text) });
    let columns = vec![
        column_of("s", Kind::Str, &texts(["x", "é x", "none", ""])),
        column_of("z2", Kind::Category, &texts(["x", "q", "x", "q"])),
        column_of("n", Kind::Int, &[3, i64::MAX, 0, 1].map(Value::Int)),
        column_of("t", Kind::Text, &texts(["a", "", "c", "d"])),
    ];
    Table::new(shape, DataFrame::new(4, columns).expect("a frame"))
}

fn cx() -> FitContext<'static> {
    FitContext { tables: &names, ..FitContext::alone(Some("b"), 1, Some(Rows::All)) }
}

/// Bit for bit, so that 0 and -0 differ.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Float(a), Value::Float(b)) => a.to_bits() == b.to_bits(),
        _ => a == b,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_table_and_a_request_meet_the_same_op(
        train in proptest::collection::vec(record(), 1..12),
        test in proptest::collection::vec(record(), 0..12),
    ) {
        for (name, argument) in FORMS {
            let op = read(name, argument);
            let before = table(&train, &test);
            // Where the train rows have no value to learn, there is nothing to compare.
            let Ok(fitted) = op.fit(&before, &cx()) else { continue };
            let steps = op.lower(&fitted, &before.shape).expect("lowered");
            // A cast that loses a value is an error in a table and a refusal in a request.
            let Ok(after) = op.table(&fitted, before, &cx()) else { continue };
            let inputs: Vec<String> = shape().names().map(str::to_owned).collect();
            let outputs: Vec<String> = after.shape.names().map(str::to_owned).collect();
            let evaluator = Evaluator::new(&steps, &inputs, &outputs).expect("compiled");
            let mut found: HashMap<i64, Vec<Value>> = HashMap::new();
            for (_, frame) in after.parts() {
                for (row, position) in positions(frame).expect("rows").iter().enumerate() {
                    let cells = outputs.iter().map(|column| value_at(frame.column(column).expect("made"), row));
                    found.insert(position.expect("a position"), cells.collect());
                }
            }
            let (mut scratch, mut out) = (Vec::new(), Vec::new());
            for (position, record) in train.iter().chain(&test).enumerate() {
                let answer = evaluator.run(&values(record), &mut scratch, &mut out);
                match found.get(&(position as i64)) {
                    None => prop_assert!(answer.is_err(), "{name} {argument}: a table drops {record:?}"),
                    Some(cells) => {
                        prop_assert!(answer.is_ok(), "{name} {argument}: a request with {record:?} is refused");
                        for ((column, a), b) in outputs.iter().zip(cells).zip(&out) {
                            prop_assert!(same(a, b), "{name} {argument}: `{column}` of {record:?}: {a:?} in a table, {b:?} in a request");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_learned_does_not_depend_on_test_rows(
        train in proptest::collection::vec(record(), 1..12),
        test in proptest::collection::vec(record(), 0..12),
        other in proptest::collection::vec(record(), 0..12),
    ) {
        for (name, argument) in FORMS {
            let op = read(name, argument);
            let learned = |test: &[Record]| op.fit(&table(&train, test), &cx()).map_err(|fault| fault.message);
            prop_assert_eq!(learned(&test), learned(&other), "{} {}", name, argument);
        }
    }
}

/// A table without rows is worked on, or told to have nothing to learn from.
#[test]
fn a_table_without_rows_is_worked_on_or_told() {
    for (name, argument) in FORMS {
        let op = read(name, argument);
        match op.fit(&table(&[], &[]), &cx()) {
            Ok(fitted) => {
                let after = op.table(&fitted, table(&[], &[]), &cx());
                let after = after.unwrap_or_else(|fault| panic!("{name}: {argument}: {fault:?}"));
                assert_eq!(after.rows(), 0, "{name}: {argument}");
            }
            Err(fault) => assert!(!fault.message.is_empty() && op.learns(), "{name}: {argument}: {fault:?}"),
        }
    }
}

#[test]
fn what_an_op_would_do_can_be_told_before_it_has_learned() {
    for (name, argument) in FORMS {
        let op = read(name, argument);
        let placeholder = op.placeholder(&shape());
        assert!(op.lower(&placeholder, &shape()).is_ok(), "{name}: {argument}");
        let mut faults = Vec::new();
        op.shape(&shape(), Some(&placeholder), &mut faults);
        assert!(faults.is_empty(), "{name}: {argument}: {faults:?}");
    }
}

#[test]
fn every_op_that_serves_is_among_the_forms() {
    for entry in catalogue() {
        let without = ["drop_duplicates", "split", "balance", "sort", "sample", "limit", "aggregate", "lag", "rolling"];
        assert!(FORMS.iter().any(|(name, _)| *name == entry.name) || without.contains(&entry.name), "{}", entry.name);
    }
}
