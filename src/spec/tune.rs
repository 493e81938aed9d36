//! `tune`: what hyper-parameters may be, and how they are searched.

use serde::Deserialize;
use serde_json::Value as Json;

use super::step::CvSpec;
use super::verbs::cv_of;
use crate::learn::tune::{Dimension, Method, Space};
use crate::source::{Data, Entry, Fault, Fields, Node, Route, decode, suggest};

/// The most trials that a search may have.
pub const MOST: usize = 10_000;

/// `tune`.
#[derive(Clone, Debug)]
pub struct TuneSpec {
    /// What is to be best.
    pub metric: String,
    /// How the space is searched.
    pub method: Method,
    /// How many combinations are tried, if that was said.
    pub trials: Option<usize>,
    /// What trials are judged on, if that was said.
    pub using: Option<Using>,
    /// Whether trials that are clearly behind are ended before their last fold.
    pub prune: bool,
    /// What `halving` gives less of at first: `rows`, or a hyper-parameter.
    pub resource: Option<String>,
    /// What hyper-parameters may be.
    pub space: Space,
    /// The same as it was written, for the places of mistakes.
    pub search: Node,
}

/// What trials are judged on.
#[derive(Clone, Debug, PartialEq)]
pub enum Using {
    /// The validation part.
    Validation,
    /// The folds that `cv` says.
    Cv,
    /// Folds of its own.
    Folds(CvSpec),
}

impl TuneSpec {
    /// From the value of `tune`. Mistakes go to `faults`, their routes from there.
    pub(super) fn read(node: &Node, faults: &mut Vec<Fault>) -> Option<Self> {
        let mut fields = Fields::new(node, Route::here(), "`tune`");
        let metric = fields.need("metric", "say what is to be best: `metric: f1`");
        let method: Method = fields.take("method").unwrap_or_default();
        let trials = fields.take("trials");
        let using = fields.node("using").and_then(|node| using(node, &mut fields));
        let prune = fields.take("prune").unwrap_or(true);
        let resource = fields.take("resource");
        let search = fields.node("search").cloned();
        let mut space = Space::default();
        match &search {
            Some(search) if !search.entries().is_empty() => {
                for entry in search.entries() {
                    match dimension(&entry.value) {
                        Ok(dimension) => drop(space.0.insert(entry.key.clone(), dimension)),
                        Err(fault) => fields.fault(fault.within(&entry.key).within("search")),
                    }
                }
            }
            found => {
                let fault = Fault::new("missing-field", "`search` says what hyper-parameters may be");
                let fault = fault.help("write `search: {max_depth: {int: [3, 12]}}`");
                fields.fault(if found.is_some() { fault.within("search") } else { fault });
            }
        }
        if let Some(fault) = trials.and_then(out_of_range) {
            fields.fault(fault.within("trials"));
        }
        if resource.is_some() && method != Method::Halving {
            let fault = Fault::new("bad-tune", "`resource` is for `method: halving`");
            fields.fault(fault.on_key().within("resource"));
        }
        let found = fields.finish();
        let whole = found.is_empty();
        faults.extend(found);
        let spec = Self { metric: metric?, method, trials, using, prune, resource, space, search: search? };
        whole.then_some(spec)
    }
}

fn out_of_range(trials: usize) -> Option<Fault> {
    let message = match trials {
        0 => "a search has at least 1 trial".to_owned(),
        1..=MOST => return None,
        _ => format!("a search has at most {MOST} trials"),
    };
    Some(Fault::new("out-of-range", message))
}

fn using(node: &Node, fields: &mut Fields) -> Option<Using> {
    if matches!(node.data, Data::Map(_)) {
        let mut faults = Vec::new();
        let found = cv_of(node, &mut faults);
        faults.into_iter().for_each(|fault| fields.fault(fault.within("using")));
        return found.map(Using::Folds);
    }
    match node.as_str() {
        Some("cv") => return Some(Using::Cv),
        Some("validation") => return Some(Using::Validation),
        _ => {}
    }
    let fault = Fault::new("bad-value", format!("expected `cv`, `validation` or folds, found {}", node.what()));
    let fault = match node.as_str() {
        Some("test") => fault.help("the test rows judge the winner, so no choice may rest on them"),
        _ => fault.help("write `using: validation`, `using: cv` or `using: {folds: 3}`"),
    };
    fields.fault(fault.within("using"));
    None
}

/// What ranges are called elsewhere, and here.
const SYNONYMS: [(&str, &str); 7] = [
    ("uniform", "float"),
    ("loguniform", "log"),
    ("log_uniform", "log"),
    ("log_float", "log"),
    ("integer", "int"),
    ("randint", "int"),
    ("range", "int"),
];
const KINDS: [&str; 4] = ["int", "float", "log", "log_int"];
const WAYS: &str =
    "write a list of values, `{int: [3, 12]}`, `{float: [0.5, 1]}`, `{log: [0.001, 0.3]}` or `{log_int: [10, 1000]}`";

/// What one hyper-parameter may be.
fn dimension(node: &Node) -> Result<Dimension, Fault> {
    match &node.data {
        Data::Seq(values) => choice(values),
        Data::Map(entries) => range(entries),
        _ => {
            let fault = Fault::new("wrong-type", format!("expected what it may be, found {}", node.what()));
            Err(fault.help(format!("{WAYS}; a value that stays the same stands in `with`")))
        }
    }
}

fn choice(values: &[Node]) -> Result<Dimension, Fault> {
    let mut found: Vec<Json> = Vec::new();
    for (index, node) in values.iter().enumerate() {
        let here = |fault: Fault| fault.under(&Route::here().index(index));
        let value = node.to_json();
        if matches!(node.data, Data::Map(_)) {
            return Err(here(Fault::new("wrong-type", "a hyper-parameter is no map").help(WAYS)));
        }
        if found.contains(&value) {
            return Err(here(Fault::new("duplicate-value", format!("{} is listed twice", node.what()))));
        }
        found.push(value);
    }
    if found.is_empty() {
        return Err(Fault::new("missing-field", "there is no value to try").help(WAYS));
    }
    Ok(Dimension::Choice(found))
}

fn range(entries: &[Entry]) -> Result<Dimension, Fault> {
    let mut kinds = entries.iter().filter(|entry| entry.key != "step");
    let step = entries.iter().find(|entry| entry.key == "step");
    let Some(kind) = kinds.next() else {
        return Err(Fault::new("wrong-type", "a range says from where to where").help(WAYS));
    };
    let unknown = |entry: &Entry| {
        let meant = SYNONYMS.iter().find(|(other, _)| *other == entry.key).map(|(_, ours)| *ours);
        let help = meant.map(|ours| format!("did you mean `{ours}`?")).or_else(|| suggest(&entry.key, KINDS));
        let fault = Fault::new("unknown-key", format!("there is no kind of range `{}`", entry.key));
        fault.maybe_help(help).on_key().within(&entry.key)
    };
    if !KINDS.contains(&kind.key.as_str()) {
        return Err(unknown(kind));
    }
    if let Some(second) = kinds.next() {
        let fault = Fault::new("bad-range", "a hyper-parameter has one range").on_key().within(&second.key);
        return Err(if KINDS.contains(&second.key.as_str()) { fault } else { unknown(second) });
    }
    let log = kind.key.starts_with("log");
    let here = |fault: Fault| fault.within(&kind.key);
    if let Some(step) = step.filter(|_| log) {
        let fault = Fault::new("bad-range", format!("`{}` has no `step`", kind.key));
        return Err(fault.help("list the values instead").on_key().within(&step.key));
    }
    let dimension = if kind.key.ends_with("int") {
        let (low, high) = bounds::<i64>(&kind.value).map_err(here)?;
        let step = step.map_or(Ok(1), |step| whole_step(&step.value))?;
        Dimension::Int { low, high, step, log }
    } else {
        let (low, high) = bounds::<f64>(&kind.value).map_err(here)?;
        let step = step.map(|step| wide_step(&step.value)).transpose()?;
        Dimension::Float { low, high, step, log }
    };
    let least = match dimension {
        Dimension::Int { low, .. } => low as f64,
        Dimension::Float { low, .. } => low,
        Dimension::Choice(_) => 0.0,
    };
    if let Dimension::Float { high, .. } = dimension
        && !(least.is_finite() && high.is_finite())
    {
        return Err(here(Fault::new("bad-range", "the bounds of a range are finite")));
    }
    if log && least <= 0.0 {
        let fault = Fault::new("bad-range", "a logarithmic range begins above 0");
        return Err(here(fault.under(&Route::here().index(0))));
    }
    Ok(dimension)
}

/// From where to where.
fn bounds<T: PartialOrd + Copy + std::fmt::Display + for<'de> Deserialize<'de>>(node: &Node) -> Result<(T, T), Fault> {
    let mut faults = Vec::new();
    let found = decode::<Vec<T>>(node, &mut faults);
    if let Some(fault) = faults.into_iter().next() {
        let has_floats =
            matches!(&node.data, Data::Seq(items) if items.iter().any(|item| matches!(item.data, Data::Float(_))));
        return Err(if has_floats { fault.help("`float` and `log` are for numbers with a point") } else { fault });
    }
    match found.as_deref() {
        Some([low, high]) if low < high => Ok((*low, *high)),
        Some([low, high]) => {
            let fault = Fault::new("bad-range", format!("nothing lies between {low} and {high}"));
            Err(fault.help("the lesser bound comes first; a value that stays the same stands in `with`"))
        }
        _ => Err(Fault::new("bad-range", "a range has two bounds: from, to").help(WAYS)),
    }
}

fn whole_step(node: &Node) -> Result<i64, Fault> {
    match node.data {
        Data::Int(step) if step > 0 => Ok(step),
        _ => Err(bad_step("`step` is a whole number above 0")),
    }
}

fn wide_step(node: &Node) -> Result<f64, Fault> {
    match node.data {
        Data::Int(step) if step > 0 => Ok(step as f64),
        Data::Float(step) if step > 0.0 && step.is_finite() => Ok(step),
        _ => Err(bad_step("`step` is a number above 0")),
    }
}

fn bad_step(message: &str) -> Fault {
    Fault::new("bad-range", message).within("step")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(value: Json) -> Result<Dimension, String> {
        dimension(&Node::from_json(&value, &(0..0))).map_err(|fault| format!("{}: {}", fault.route, fault.message))
    }

    #[test]
    fn ranges_are_read() {
        assert_eq!(
            of(json!([3, null, "a", [8, 4]])),
            Ok(Dimension::Choice(vec![json!(3), json!(null), json!("a"), json!([8, 4])]))
        );
        assert_eq!(
            of(json!({"int": [3, 12], "step": 3})),
            Ok(Dimension::Int { low: 3, high: 12, step: 3, log: false })
        );
        assert_eq!(of(json!({"log_int": [1, 10]})), Ok(Dimension::Int { low: 1, high: 10, step: 1, log: true }));
        assert_eq!(
            of(json!({"float": [0, 1.5]})),
            Ok(Dimension::Float { low: 0.0, high: 1.5, step: None, log: false })
        );
        assert_eq!(of(json!({"log": [0.1, 10]})), Ok(Dimension::Float { low: 0.1, high: 10.0, step: None, log: true }));
    }

    #[test]
    fn what_is_no_range_is_told_where_it_stands() {
        for (value, route) in [
            (json!(3), ""),
            (json!([]), ""),
            (json!([1, 2, 1]), "[2]"),
            (json!({}), ""),
            (json!({"uniform": [0, 1]}), "uniform"),
            (json!({"int": [3, 12], "log": [1, 2]}), "log"),
            (json!({"int": [3]}), "int"),
            (json!({"int": [12, 3]}), "int"),
            (json!({"int": [0.5, 3]}), "int[0]"),
            (json!({"log": [0, 3]}), "log[0]"),
            (json!({"log": [1, 3], "step": 1}), "step"),
            (json!({"int": [1, 3], "step": 0}), "step"),
        ] {
            let fault = dimension(&Node::from_json(&value, &(0..0))).expect_err("a fault");
            assert_eq!(fault.route.to_string(), route, "{value} {}", fault.message);
        }
    }
}
