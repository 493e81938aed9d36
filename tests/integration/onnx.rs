//! Models in ONNX, out and in: what is exported answers as ours does, in this program's own runtime and in onnxruntime.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use gristmill::data::{Kind, Shape, Value};
use gristmill::expr::{Expr, Node, Scope};
use gristmill::learn::onnx::proto::element;
use gristmill::learn::onnx::{Graph, Tensor, Values};
use gristmill::learn::{Estimator, Line, Task};
use gristmill::recipe::{Map, Mapped, RowStep, Term, Words};
use gristmill::seal::onnx::export;
use gristmill::seal::{FORMAT, Feature, InputField, Sealed, Trained};
use serde_json::Value as Json;

use crate::mill::Mill;

/// Expressions that have a form in ONNX; each is a number or a truth.
const GO: &[&str] = &[
    "i + j",
    "i - j",
    "i * j",
    "i % j",
    "mod(i, j)",
    "-i",
    "abs(i)",
    "sign(i)",
    "floor(i)",
    "round(i, -1)",
    "round(i, -3)",
    "i * 9007199254740993",
    "i * i * i * i",
    "i + 9223372036854775807",
    "i - 9223372036854775807",
    "i * -1 - 9223372036854775807 - 1",
    "f + g",
    "f - g",
    "f * g",
    "f / g",
    "i / j",
    "f / 0",
    "f % g",
    "mod(f, g)",
    "-f",
    "abs(f)",
    "sign(f)",
    "pow(f, g)",
    "pow(f, 2)",
    "f * 1e300 * 1e300",
    "floor(f)",
    "ceil(f)",
    "trunc(f)",
    "round(f)",
    "round(f, 2)",
    "round(f, -1)",
    "round(f, 30)",
    "round(f, -400)",
    "sqrt(f)",
    "exp(f)",
    "ln(f)",
    "log10(f)",
    "log2(f)",
    "log1p(f)",
    "log1p(f * 1e-12)",
    "expm1(f)",
    "expm1(f * 1e-12)",
    "interpolate(f, -2.5, 1, -1, 7, -1, 9, 0.5, 9, 3.999, 3)",
    "interpolate(i, 2, 5)",
    "interpolate(i, 1, 0, 1, 1, 15, 2)",
    "probit(f)",
    "probit(abs(f) / 1000)",
    "probit(pow(10, f))",
    "sin(f)",
    "cos(f)",
    "tan(f)",
    "tanh(f)",
    "degrees(f)",
    "radians(i)",
    "sigmoid(f)",
    "sigmoid(i)",
    "num_nulls(i, f, s, b, d)",
    "num_nonnulls(i, f, 1, NULL)",
    "i = j",
    "i <> j",
    "i < f",
    "i <= j",
    "f > g",
    "f >= 2.5",
    "b = c",
    "b < c",
    "s = 'a'",
    "'b' <> s",
    "s = NULL",
    "d = e",
    "d < m",
    "m >= n",
    "u > INTERVAL '1' DAY",
    "b AND c",
    "b OR c",
    "NOT b",
    "b AND NULL",
    "b OR NULL",
    "i IS NULL",
    "f IS NULL",
    "s IS NULL",
    "b IS TRUE",
    "b IS FALSE",
    "b IS NOT TRUE",
    "i IN (1, 2, 3)",
    "f IN (0.5, 2.5)",
    "s IN ('a', 'b', 'ä')",
    "s IN ('a', NULL)",
    "i IN (1, NULL)",
    "i NOT IN (1, 2)",
    "b IN (TRUE)",
    "d IN (DATE '2024-01-31', DATE '1970-01-01')",
    "CASE WHEN i > 1 THEN f WHEN b THEN i END",
    "CASE s WHEN 'a' THEN 1 WHEN 'b' THEN 2 ELSE 3 END",
    "CASE WHEN b THEN c ELSE f > 1 END",
    "if(f > 1, i, j)",
    "CASE WHEN b THEN s ELSE 'a' END = 'a'",
    "coalesce(s, 'b') = 'b'",
    "coalesce(f, 1.5)",
    "coalesce(i, f)",
    "coalesce(i, j, 7)",
    "coalesce(b, c)",
    "coalesce(s, NULL) IS NULL",
    "nullif(i, 2)",
    "nullif(f, 2.5)",
    "nullif(s, 'a') IS NULL",
    "nullif(b, c)",
    "greatest(i, j)",
    "greatest(f, i, 1)",
    "least(i, f)",
    "least(b, c)",
    "epoch(greatest(d, e))",
    "greatest(f, NULL)",
    "CAST(f AS int)",
    "CAST(f * 1e18 AS int)",
    "CAST(b AS int)",
    "CAST(i AS float)",
    "CAST(b AS float)",
    "CAST(i AS bool)",
    "CAST(f AS bool)",
    "CAST(i AS str) = '3'",
    "CAST(b AS str) = 'true'",
    "CAST(s AS str) = 'a'",
    "epoch(date(m))",
    "epoch(datetime(d))",
    "CAST(m AS date) = d",
    "year(d)",
    "quarter(d)",
    "month(d)",
    "day(d)",
    "weekday(d)",
    "day_of_year(d)",
    "year(m)",
    "quarter(m)",
    "month(m)",
    "day(m)",
    "weekday(m)",
    "day_of_year(m)",
    "week(d)",
    "week(m)",
    "days_in_month(d)",
    "days_in_month(m)",
    "hour(m)",
    "minute(m)",
    "second(m)",
    "hour(d)",
    "epoch(d)",
    "epoch(m)",
    "epoch(u)",
    "d - e",
    "epoch(d + i)",
    "epoch(d - 3)",
    "epoch(m - n)",
    "epoch(m + u)",
    "epoch(d + u)",
    "epoch(u - u)",
    "epoch(u + u)",
    "epoch(d - m)",
];

/// Functions that have none, each with an expression that is refused.
const STAY: &[(&str, &str)] = &[
    ("lower", "lower(s) = 'a'"),
    ("upper", "upper(s) = 'A'"),
    ("trim", "trim(s) = 'a'"),
    ("ltrim", "ltrim(s) = 'a'"),
    ("rtrim", "rtrim(s) = 'a'"),
    ("length", "length(s)"),
    ("substr", "substr(s, 1, 1) = 'a'"),
    ("left", "left(s, 1) = 'a'"),
    ("right", "right(s, 1) = 'a'"),
    ("replace", "replace(s, 'a', 'b') = 'b'"),
    ("concat", "concat(s, 'x') = 'ax'"),
    ("||", "s || 'x' = 'ax'"),
    ("starts_with", "starts_with(s, 'a')"),
    ("ends_with", "ends_with(s, 'a')"),
    ("contains", "contains(s, 'a')"),
    ("strpos", "strpos(s, 'a')"),
    ("reverse", "reverse(s) = 'a'"),
    ("murmur3", "murmur3(s)"),
    ("lpad", "lpad(s, 3) = '  a'"),
    ("rpad", "rpad(s, 3) = 'a  '"),
    ("split_part", "split_part(s, '/', 1) = 'a'"),
    ("regexp_matches", "regexp_matches(s, 'a')"),
    ("like", "s LIKE 'a%'"),
    ("ilike", "s ILIKE 'a%'"),
    ("parse_date", "epoch(parse_date(s, '%Y-%m-%d'))"),
    ("parse_datetime", "epoch(parse_datetime(s, '%Y-%m-%d %H:%M'))"),
    ("date_diff", "date_diff('day', d, e)"),
    ("date_trunc", "epoch(date_trunc('month', d))"),
    // Texts, for which ONNX has no operators.
    ("initcap", "initcap(s) = 'A'"),
    ("repeat", "repeat(s, 2) = 'aa'"),
    ("translate", "translate(s, 'a', 'b') = 'b'"),
    ("ascii", "ascii(s)"),
    ("chr", "chr(i) = 'a'"),
    ("strip_accents", "strip_accents(s) = 'a'"),
    ("nfc_normalize", "nfc_normalize(s) = 'a'"),
    ("octet_length", "octet_length(s)"),
    ("sha256", "sha256(s) = 'a'"),
    ("concat_ws", "concat_ws('-', s, 'b') = 'a-b'"),
    ("levenshtein", "levenshtein(s, 'a')"),
    ("damerau_levenshtein", "damerau_levenshtein(s, 'a')"),
    ("jaro_similarity", "jaro_similarity(s, 'a')"),
    ("jaro_winkler_similarity", "jaro_winkler_similarity(s, 'a')"),
    ("hamming", "hamming(s, 'a')"),
    ("to_hex", "to_hex(i) = 'a'"),
    ("regexp_count", "regexp_count(s, 'a')"),
    ("regexp_extract", "regexp_extract(s, 'a') = 'a'"),
    ("regexp_replace", "regexp_replace(s, 'a', 'b') = 'b'"),
    ("strftime", "strftime(d, '%d') = '01'"),
    ("dayname", "dayname(d) = 'Monday'"),
    ("monthname", "monthname(d) = 'May'"),
    // Operators that onnxruntime has for narrow floats only.
    ("asin", "asin(f)"),
    ("acos", "acos(f)"),
    ("atan", "atan(f)"),
    ("atan2", "atan2(f, g)"),
    ("sinh", "sinh(f)"),
    ("cosh", "cosh(f)"),
    ("haversine", "haversine(f, g, 0, 0)"),
    ("norm_cdf", "norm_cdf(f)"),
    // No operator, and no short way by others that keeps the last bits.
    ("cbrt", "cbrt(f)"),
    ("gamma", "gamma(f)"),
    ("lgamma", "lgamma(f)"),
    ("hypot", "hypot(f, g)"),
    ("logit", "logit(f)"),
    // Whole numbers and their bits: ONNX has none of these for 64 bits, or leaves open what overflows.
    ("div", "div(i, j)"),
    ("gcd", "gcd(i, j)"),
    ("lcm", "lcm(i, j)"),
    ("factorial", "factorial(i)"),
    ("bit_and", "i & j"),
    ("bit_or", "i | j"),
    ("xor", "xor(i, j)"),
    ("shift_left", "i << 2"),
    ("shift_right", "i >> 2"),
    ("bit_count", "bit_count(i)"),
    ("width_bucket", "width_bucket(f, 0, 10, 5)"),
    ("clamp", "clamp(f, 0, 1)"),
    // Calendars and zones: tables and searches.
    ("at_time_zone", "epoch(m AT TIME ZONE 'Europe/Rome')"),
    ("from_time_zone", "epoch(from_time_zone(m, 'Europe/Rome'))"),
    ("dayofweek", "dayofweek(d)"),
    ("isoyear", "isoyear(d)"),
    ("century", "century(d)"),
    ("is_leap_year", "is_leap_year(d)"),
    ("last_day", "epoch(last_day(d))"),
    ("millisecond", "millisecond(m)"),
    ("microsecond", "microsecond(m)"),
    ("epoch_ms", "epoch_ms(m)"),
    ("make_date", "epoch(make_date(i, 1, 1))"),
    ("make_timestamp", "epoch(make_timestamp(i, 1, 1, 0, 0, 0))"),
    ("date_add", "epoch(date_add('day', i, d))"),
    ("date_sub", "date_sub('month', d, e)"),
];

pub const COLUMNS: [(&str, Kind); 12] = [
    ("i", Kind::Int),
    ("j", Kind::Int),
    ("f", Kind::Float),
    ("g", Kind::Float),
    ("b", Kind::Bool),
    ("c", Kind::Bool),
    ("s", Kind::Category),
    ("d", Kind::Date),
    ("e", Kind::Date),
    ("m", Kind::Datetime),
    ("n", Kind::Datetime),
    ("u", Kind::Duration),
];
pub const ROWS: usize = 97;

/// A cell of the table: each column walks its values at a pace of its own, nulls between.
pub fn cell(row: usize, column: usize) -> Value {
    if (row + column).is_multiple_of(7) {
        return Value::Null;
    }
    let ints = [0, 1, -1, 2, 3, 10, -7, 12_345, -98_765, 1 << 53, -(1 << 53), 15, 25];
    let floats = [0.0, 1.0, -1.0, 0.5, 2.5, -2.5, 1e-9, 1e300, -1e300, 3.999, 2.345, 0.1, 700.0, -0.49999999999999994];
    let days = [0, 1, -1, 19_753, -719_528, 2_932_896, 11_016, 59, 364];
    let moments = [0, 1, -1, 1_706_704_245_500_000, -86_400_000_000, 4_102_444_800_000_000, -1_000_000_000_000_000];
    let nth = row * (column + 1) + row / 5;
    match COLUMNS[column].1 {
        Kind::Int => Value::Int(ints[nth % ints.len()]),
        Kind::Float => Value::Float(floats[nth % floats.len()]),
        Kind::Bool => Value::Bool(nth % 3 == 1),
        Kind::Date => Value::Date(days[nth % days.len()]),
        Kind::Datetime => Value::Datetime(moments[nth % moments.len()]),
        Kind::Duration => Value::Duration(moments[nth % moments.len()] / 3),
        _ => Value::str(["a", "b", "ä", "A", "a b"][nth % 5]),
    }
}

/// A model that says what an expression gives.
fn model(sql: &str) -> Sealed {
    let (shape, params) = (Shape::of(COLUMNS), BTreeMap::new());
    let expr =
        Expr::parse(sql, &Scope { shape: &shape, params: &params }).unwrap_or_else(|why| panic!("{sql}: {why:?}"));
    sealed(vec![RowStep::set(vec![("x".to_owned(), expr)])])
}

/// A model that says what these steps make of `x`.
pub fn sealed(steps: Vec<RowStep>) -> Sealed {
    let line = Line { coefficients: vec![1.0], intercept: 0.0, means: vec![0.0], importance: vec![1.0] };
    let trained = Trained {
        model: "linear_regression".to_owned(),
        version: 1,
        target: "y".to_owned(),
        kind: Kind::Float,
        task: Task::Regression,
        classes: Vec::new(),
        positive: None,
        threshold: None,
        features: vec![Feature::number("x")],
        missing: false,
        rows: 1,
        estimator: Estimator::Line(line),
    };
    Sealed {
        format: FORMAT,
        ops: BTreeMap::new(),
        signature: COLUMNS.iter().map(|(name, kind)| InputField::new(name, *kind, None, &[])).collect(),
        steps,
        trained,
        reference: Vec::new(),
        samples: Vec::new(),
    }
}

/// What our rows say: none where refused.
pub fn ours(sealed: &Sealed) -> Vec<Option<f64>> {
    let predictor = Sealed::open(&sealed.to_bytes()).unwrap_or_else(|fault| panic!("{fault:?}"));
    (0..ROWS)
        .map(|row| {
            let record: Vec<Value> = (0..COLUMNS.len()).map(|column| cell(row, column)).collect();
            predictor.answer(&record).ok().and_then(|answer| answer.prediction.as_f64())
        })
        .collect()
}

/// What the file says in this program's own runtime.
pub fn by_own(bytes: &[u8]) -> Vec<Option<f64>> {
    let graph = Graph::read(bytes).unwrap_or_else(|why| panic!("{why:?}"));
    let inputs = graph.inputs.iter().map(|port| {
        let column = COLUMNS.iter().position(|(name, _)| *name == port.name).expect("a column");
        let cells: Vec<Value> = (0..ROWS).map(|row| cell(row, column)).collect();
        let values = match port.element {
            Some(element::STRING) => Values::Str(
                cells.iter().map(|cell| if cell.is_null() { "".into() } else { cell.to_string().into() }).collect(),
            ),
            Some(element::INT64) => Values::I64(cells.iter().map(|cell| count(cell).unwrap_or(i64::MIN)).collect()),
            _ => Values::F64(cells.iter().map(|cell| cell.as_f64().unwrap_or(f64::NAN)).collect()),
        };
        Tensor::new(vec![ROWS, 1], values).expect("a column")
    });
    let made = graph.run(inputs.collect()).unwrap_or_else(|why| panic!("{why}"));
    let floats = made[0].floats().expect("numbers");
    floats.iter().map(|value| Some(*value).filter(|value| !value.is_nan())).collect()
}

/// Days or microseconds.
fn count(cell: &Value) -> Option<i64> {
    match cell {
        Value::Date(days) => Some((*days).into()),
        Value::Datetime(micros) | Value::Duration(micros) => Some(*micros),
        _ => None,
    }
}

/// The table for scripts.
pub fn columns() -> Json {
    let plain = |cell: Value| count(&cell).map_or_else(|| cell.to_json(), Json::from);
    let column = |nth: usize| (0..ROWS).map(|row| plain(cell(row, nth))).collect::<Json>();
    COLUMNS
        .iter()
        .enumerate()
        .map(|(nth, (name, _))| ((*name).to_owned(), column(nth)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

pub fn differ(sql: &str, by: &str, ours: &[Option<f64>], theirs: &[Option<f64>]) -> Option<String> {
    assert_eq!(ours.len(), theirs.len(), "{sql}");
    for (row, (one, other)) in ours.iter().zip(theirs).enumerate() {
        let same = match (one, other) {
            (Some(one), Some(other)) => (one - other).abs() <= 1e-12 * one.abs().max(1e-12),
            (one, other) => one == other,
        };
        if !same {
            let record: Vec<Value> = (0..COLUMNS.len()).map(|column| cell(row, column)).collect();
            return Some(format!("{sql}, row {row}: {one:?} here, {other:?} by {by}\n{record:?}\n"));
        }
    }
    None
}

/// A Python that has onnxruntime; none, told, if there is none and none must be there.
pub fn python() -> Option<String> {
    let python = std::env::var("GRISTMILL_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let found = Command::new(&python).args(["-c", "import onnxruntime"]).output();
    if found.is_ok_and(|output| output.status.success()) {
        return Some(python);
    }
    assert!(
        std::env::var_os("GRISTMILL_REQUIRE_ENGINES").is_none(),
        "`{python}` has no onnxruntime: name one that has in GRISTMILL_PYTHON"
    );
    let _ = writeln!(std::io::stderr(), "skipped: no Python with onnxruntime");
    None
}

/// What a script of this repository prints.
pub fn script(python: &str, name: &str, arguments: &[&Path]) -> Json {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/onnx").join(name);
    let output = Command::new(python).arg(path).args(arguments).output().expect("it starts");
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(&text).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
}

#[test]
fn every_function_goes_or_says_why_not() {
    let mut seen: BTreeSet<&'static str> = BTreeSet::new();
    let mut numbers = 0;
    let mut wrong = Vec::new();
    for sql in GO {
        let sealed = model(sql);
        let RowStep::Set { columns } = &sealed.steps[0] else { panic!("a step that sets") };
        functions(&columns[0].1, &mut seen);
        let bytes = export(&sealed).unwrap_or_else(|fault| panic!("{sql}: {}", fault.message));
        let ours = ours(&sealed);
        numbers += ours.iter().flatten().count();
        wrong.extend(differ(sql, "its own runtime", &ours, &by_own(&bytes)));
    }
    assert!(wrong.is_empty(), "{}", wrong.concat());
    assert!(numbers > GO.len() * ROWS / 3, "{numbers} values");
    for (function, sql) in STAY {
        let fault = export(&model(sql)).expect_err("a fault");
        assert_eq!(fault.code, "no-onnx", "{sql}");
        assert!(fault.message.to_lowercase().contains(function), "{sql}: {}", fault.message);
        assert!(seen.insert(function), "{function} goes and stays");
    }
    for entry in gristmill::expr::functions() {
        assert!(seen.contains(entry.name), "nothing is said of `{}` in ONNX", entry.name);
    }
}

#[test]
fn weighted_sums_go_and_words_stay() {
    let inputs = ["f", "g", "i", "b"].map(str::to_owned).to_vec();
    let output = |name: &str, weights: [f64; 4]| Mapped { name: name.to_owned(), weights: weights.to_vec() };
    let outputs = vec![output("other", [1.0; 4]), output("x", [0.5, -0.25, 2.0, 3.0])];
    let map = Map::new(inputs, vec![0.5, 0.0, -3.0, 0.25], outputs).expect("fits");
    let mapped = sealed(vec![RowStep::Map(map)]);
    let ours = ours(&mapped);
    assert!(ours.iter().flatten().count() > ROWS / 3);
    let own = by_own(&export(&mapped).expect("it goes"));
    assert_eq!(differ("a map", "its own runtime", &ours, &own), None);
    let term = Term { term: "a".to_owned(), name: "x".to_owned() };
    let words = sealed(vec![RowStep::Words(Words::new("s", [1, 1], vec![term], None).expect("fits"))]);
    let fault = export(&words).expect_err("a fault");
    assert!(fault.message.contains("the words of `s`: ONNX has no operator"), "{}", fault.message);
}

fn functions(expr: &Expr, seen: &mut BTreeSet<&'static str>) {
    if let Node::Call { function, args, .. } = expr.node() {
        seen.insert(function.name);
        args.iter().for_each(|arg| functions(arg, seen));
    }
}

#[test]
fn onnxruntime_gives_what_every_function_gives_here() {
    let Some(python) = python() else { return };
    let mill = Mill::new();
    for (nth, sql) in GO.iter().enumerate() {
        let bytes = export(&model(sql)).expect("it goes");
        std::fs::write(mill.at(&format!("{nth}.onnx")), bytes).expect("written");
    }
    mill.file("inputs.json", &columns().to_string());
    let told = script(&python, "run.py", &[mill.path()]);
    let mut wrong = Vec::new();
    for (nth, sql) in GO.iter().enumerate() {
        let found = told[nth.to_string()]["prediction"].as_array().expect("predictions");
        let found: Vec<Option<f64>> = found.iter().map(Json::as_f64).collect();
        wrong.extend(differ(sql, "onnxruntime", &ours(&model(sql)), &found));
    }
    assert!(wrong.is_empty(), "{}", wrong.concat());
}

/// A thousand records of penguins, with missing values, strangers, and what the contract forbids.
pub fn penguin_records() -> String {
    let mut text = "species,island,bill_length_mm,bill_depth_mm,flipper_length_mm,body_mass_g,sex,year\n".to_owned();
    for row in 0..1000_u32 {
        let species = ["Adelie", "Gentoo", "Chinstrap", "Emperor"][(row / 5 % 4) as usize];
        let island = ["Torgersen", "Biscoe", "Dream", "Biscoe", "Elba", "NA", ""][(row % 7) as usize];
        let sex = ["male", "female", "male", "female", "NA"][(row / 3 % 5) as usize];
        let number = |low: f64, high: f64, pace: u32| {
            if (row + pace).is_multiple_of(23) {
                return "NA".to_owned();
            }
            format!("{:.1}", low + (high - low) * f64::from(row * pace % 997) / 997.0)
        };
        let (length, depth) = (number(30.0, 60.0, 31), number(13.0, 22.0, 57));
        let (flipper, mass) = (number(170.0, 232.0, 101), number(1800.0, 8400.0, 211));
        let whole = |text: String| text.split('.').next().unwrap_or_default().to_owned();
        text.push_str(&format!("{species},{island},{length},{depth},{},{},{sex},2007\n", whole(flipper), whole(mass)));
    }
    text
}

/// Exports a model and compares what onnxruntime says of the records with what `predict` says.
fn compare(mill: &Mill, python: &str, model: &str) -> Json {
    mill.fine(&["models", "export", model, "--format", "onnx", "-o", "model.onnx"]);
    mill.fine(&["predict", model, "--in", "records.csv", "-o", "scored.csv"]);
    script(python, "score.py", &[&mill.at("model.onnx"), &mill.at("scored.csv")])[0].take()
}

#[test]
fn the_penguins_are_the_same_in_onnxruntime() {
    let Some(python) = python() else { return };
    let mill = Mill::penguins();
    mill.edit("pipelines/penguins.yaml", "    cv: 5\n", "")
        .edit(
            "pipelines/penguins.yaml",
            "  live:",
            "  other: {deploy: logistic, as: other}\n\n  first: {deploy: forest, as: first}\n\n  live:",
        )
        .file("records.csv", &penguin_records());
    assert_eq!(mill.run(&["--set", "trees=60", "--record"])["status"], "done");
    for model in ["first", "other"] {
        let told = compare(&mill, &python, model);
        assert_eq!(told["rows"], 1000);
        let refused = told["refused"].as_u64().expect("a number");
        assert!((200..800).contains(&refused), "{told}");
        assert_eq!((&told["refused_differ"], &told["labels_differ"]), (&0.into(), &0.into()), "{model}: {told}");
        assert!(told["worst"].as_f64().expect("a number") < 1e-6, "{model}: {told}");
    }
}

#[test]
fn a_regression_is_the_same_in_onnxruntime() {
    let Some(python) = python() else { return };
    let mill = Mill::grades();
    let records: String = (0..300)
        .map(|row| {
            let hours = if row % 11 == 3 { String::new() } else { format!("{:.2}", f64::from(row) / 29.0) };
            format!("{hours},{}\n", ["a", "b", "c", "d"][row as usize % 4])
        })
        .collect();
    mill.file("records.csv", &format!("hours,group\n{records}"));
    assert_eq!(mill.run(&[])["status"], "done");
    let told = compare(&mill, &python, "grade");
    assert_eq!((&told["rows"], &told["refused_differ"]), (&300.into(), &0.into()), "{told}");
    assert!(told["worst"].as_f64().expect("a number") < 1e-12, "{told}");
}

#[test]
fn what_cannot_go_is_listed_and_nothing_is_written() {
    let mill = Mill::penguins();
    let pipeline = "pipelines/penguins.yaml";
    mill.edit(pipeline, "    cv: 5\n", "").edit(
        pipeline,
        "      - drop: [year]\n",
        "      - drop: [year]\n      - derive:\n          dreamy: \"island LIKE '%ream%'\"\n          initial: \"lower(left(sex, 1)) = 'm'\"\n",
    );
    assert_eq!(mill.run(&["--set", "trees=5", "--record"])["status"], "done");
    let ran = mill.go(&["export", "penguin-species", "--json"]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(ran.stderr.contains("2 parts have no form there"), "{}", ran.stderr);
    assert!(ran.stderr.contains("island LIKE '%ream%'") && ran.stderr.contains("left(sex, 1)"), "{}", ran.stderr);
    let told: Json = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(told["diagnostics"][0]["code"], "no-onnx");
    assert!(!mill.at("penguin-species.onnx").exists());
}

#[test]
fn a_deployed_file_follows_its_alias() {
    let mill = Mill::grades();
    mill.edit("pipelines/grades.yaml", "to: rest", "to: [rest, {onnx: {path: out/grade.onnx}}]");
    assert_eq!(mill.run(&[])["status"], "done");
    let file = mill.at("out/grade.onnx");
    let first = std::fs::read(&file).expect("a file");
    assert!(Graph::read(&first).is_ok());
    mill.fine(&["export", "grade", "-o", "same.onnx"]);
    assert_eq!(std::fs::read(mill.at("same.onnx")).expect("a file"), first);
    // Missing or other: it is brought back.
    for damage in [true, false] {
        if damage {
            std::fs::write(&file, b"other").expect("written");
        } else {
            std::fs::remove_file(&file).expect("removed");
        }
        mill.run(&[]);
        assert_eq!(std::fs::read(&file).expect("a file"), first);
    }
    mill.edit("pipelines/grades.yaml", "median", "mean");
    mill.run(&[]);
    let second = std::fs::read(&file).expect("a file");
    assert_ne!(second, first);
    mill.fine(&["models", "rollback", "grade"]);
    mill.run(&[]);
    assert_eq!(std::fs::read(&file).expect("a file"), first, "the file holds what the alias points to");
    // What can't go there is told before anything runs.
    mill.edit(
        "pipelines/grades.yaml",
        "      - one_hot: [group]\n",
        "      - derive: {long: length(\"group\")}\n      - one_hot: [group]\n",
    );
    let ran = mill.go(&["check"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("length(\"group\"): ONNX has no operator on texts"), "{}", ran.stderr);
    assert!(ran.stderr.contains("grades.yaml:21:"), "{}", ran.stderr);
}

#[test]
fn targets_say_where() {
    let mill = Mill::grades();
    let check = |target: &str| {
        mill.file(
            "pipelines/other.yaml",
            &mill.read("pipelines/grades.yaml").replace("name: grades", "name: other").replace("to: rest", target),
        );
        let ran = mill.go(&["check", "other"]);
        assert_eq!(ran.code, 2, "{target}");
        ran.stderr
    };
    assert!(check("to: onnx").contains("onnx: {path: out/model.onnx}"));
    assert!(check("to: {onnx: {path: ../x.onnx}}").contains("isn't an ONNX file of the project"));
    assert!(check("to: {onnx: {path: x.bin}}").contains("isn't an ONNX file of the project"));
    assert!(check("to: {onnx: {pat: x.onnx}}").contains("`path`"));
    assert!(check("to: [rest, rest]").contains("`rest` is said twice"));
    assert!(check("to: {onxn: {path: x.onnx}}").contains("`onnx`"));
}
