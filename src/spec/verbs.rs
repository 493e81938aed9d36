//! The keys of each verb.

use serde::Deserialize;

use super::step::{
    CvSpec, DeploySpec, EvaluateSpec, OpSpec, TableSpec, TargetKind, TrainSpec, Verb, VerbKind, Weights,
};
use super::{DecisionSpec, RunSpec, TargetSpec, TuneSpec, gates, importance, promote};
use crate::learn::ENSEMBLE;
use crate::ops::Rows;
use crate::source::{Data, Entry, Fault, Fields, Node, Route, decode, suggest};

/// The verbs that a step may have.
pub(super) const VERBS: [&str; 6] = ["clean", "transform", "train", "evaluate", "deploy", "run"];

/// Reads the keys of `verb`.
pub(super) fn read(verb: &str, step: &Node, fields: &mut Fields) -> Option<Verb> {
    match verb {
        "clean" => table(VerbKind::Clean, "clean", fields).map(Verb::Table),
        "transform" => table(VerbKind::Transform, "transform", fields).map(Verb::Table),
        "train" => train(fields).map(|spec| Verb::Train(Box::new(spec))),
        "evaluate" => evaluate(step, fields).map(Verb::Evaluate),
        "run" => RunSpec::read(fields).map(|spec| Verb::Run(Box::new(spec))),
        _ => deploy(fields).map(Verb::Deploy),
    }
}

fn table(verb: VerbKind, key: &'static str, fields: &mut Fields) -> Option<TableSpec> {
    let input = fields.take(key);
    let route = fields.route().key("ops");
    let mut ops = Vec::new();
    match fields.node("ops").map(|node| &node.data) {
        Some(Data::Seq(items)) => {
            for (index, item) in items.iter().enumerate() {
                match op(item, &route.index(index)) {
                    Ok(op) => ops.push(op),
                    Err(found) => {
                        let here = fields.route().clone();
                        for mut fault in found {
                            fault.route = strip(&fault.route, &here);
                            fields.fault(fault);
                        }
                    }
                }
            }
        }
        Some(_) => {
            fields.fault(Fault::new("wrong-type", "`ops` is a list").help("begin each op with `- `").within("ops"))
        }
        None => {}
    }
    Some(TableSpec { verb, input: input?, ops })
}

/// A route without the leading `prefix`.
fn strip(route: &Route, prefix: &Route) -> Route {
    prefix.segments().iter().fold(route.clone(), |route, segment| match segment {
        crate::source::Segment::Key(key) => route.without_first(key),
        crate::source::Segment::Index(_) => route,
    })
}

/// The other tables that an op's argument names. What is no op tells its own mistake later.
fn others(name: &str, argument: &Node, route: &Route) -> Vec<(String, Route)> {
    let found = crate::ops::find(name).map(|entry| (entry.references)(argument)).unwrap_or_default();
    found.into_iter().map(|(name, below)| (name, route.join(&below))).collect()
}

fn op(item: &Node, route: &Route) -> Result<OpSpec, Vec<Fault>> {
    if let Data::Str(name) = &item.data {
        let argument = Node::made(Data::Null, item.span.clone());
        let others = Vec::new();
        let (name, route) = (name.clone(), route.clone());
        return Ok(OpSpec { name, argument, others, rows: None, route, bare: true, when: true });
    }
    let entries = item.entries();
    let mut faults = Vec::new();
    let beside = |entry: &&Entry| matches!(entry.key.as_str(), "rows" | "when");
    let rows = entries.iter().find(|entry| entry.key == "rows").and_then(|entry| {
        let mut found = Vec::new();
        let rows: Option<Rows> = decode(&entry.value, &mut found);
        faults.extend(found.into_iter().map(|fault| fault.under(&route.key("rows"))));
        rows
    });
    let when = entries.iter().find(|entry| entry.key == "when").and_then(|entry| {
        let mut found = Vec::new();
        let when: Option<bool> = decode(&entry.value, &mut found);
        faults.extend(found.into_iter().map(|fault| fault.under(&route.key("when"))));
        when
    });
    let mut named = entries.iter().filter(|entry| !beside(entry));
    match (named.next(), named.next()) {
        (Some(entry), None) if faults.is_empty() => Ok(OpSpec {
            name: entry.key.clone(),
            argument: entry.value.clone(),
            others: others(&entry.key, &entry.value, &route.key(&entry.key)),
            rows,
            route: route.key(&entry.key),
            bare: false,
            when: when.unwrap_or(true),
        }),
        (Some(_), None) => Err(faults),
        (Some(_), Some(second)) => {
            let fault = Fault::new("two-ops", "an entry of `ops` holds one op").help("begin a new entry with `- `");
            faults.push(fault.on_key().under(&route.key(&second.key)));
            Err(faults)
        }
        (None, _) => {
            faults.push(
                Fault::new("wrong-type", format!("an op is a name and its argument, and this is {}", item.what()))
                    .under(route),
            );
            Err(faults)
        }
    }
}

fn train(fields: &mut Fields) -> Option<TrainSpec> {
    let table = fields.take("train");
    let model = fields.need("model", "say which: `model: random_forest`");
    let with = fields.node("with").cloned();
    let route = fields.route().key("target");
    let mut faults = Vec::new();
    let target = fields.node("target").and_then(|node| TargetSpec::read(node, &route, &mut faults));
    for mut fault in faults {
        fault.route = strip(&fault.route, fields.route());
        fields.fault(fault);
    }
    let features = fields.take("features");
    let weights = fields.take::<String>("weights").map(|text| match text.as_str() {
        "balanced" => Weights::Balanced,
        _ => Weights::Column(text),
    });
    let cv = fields.node("cv").and_then(|node| cv(node, fields));
    let task = fields.take("task");
    let mut faults = Vec::new();
    let tune = fields.node("tune").and_then(|node| TuneSpec::read(node, &mut faults)).map(Box::new);
    faults.into_iter().for_each(|fault| fields.fault(fault.within("tune")));
    let decision = DecisionSpec::read(fields);
    let update = fields.take("update");
    let model: String = model?;
    let members = if model == ENSEMBLE { members(with.as_ref()) } else { Vec::new() };
    Some(TrainSpec {
        table: table?,
        model,
        with,
        target,
        features,
        weights,
        cv,
        tune,
        task,
        members,
        update,
        decision,
        brought: false,
    })
}

/// The names of an ensemble's members, as far as they are names.
fn members(with: Option<&Node>) -> Vec<(usize, String)> {
    match with.and_then(|with| with.get("of")).map(|of| &of.data) {
        Some(Data::Seq(items)) => {
            items.iter().enumerate().filter_map(|(index, item)| Some((index, item.as_str()?.to_owned()))).collect()
        }
        _ => Vec::new(),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CvFields {
    folds: usize,
    time: Option<String>,
    group: Option<String>,
}

fn cv(node: &Node, fields: &mut Fields) -> Option<CvSpec> {
    let mut faults = Vec::new();
    let found = cv_of(node, &mut faults);
    faults.into_iter().for_each(|fault| fields.fault(fault.within("cv")));
    found
}

/// Folds, as a number or with what tells rows apart. Mistakes go to `faults`, their routes from there.
pub(super) fn cv_of(node: &Node, faults: &mut Vec<Fault>) -> Option<CvSpec> {
    let found = match &node.data {
        Data::Map(_) => decode::<CvFields>(node, faults),
        _ => decode::<usize>(node, faults).map(|folds| CvFields { folds, time: None, group: None }),
    }?;
    if found.folds < 2 {
        let fault = Fault::new("out-of-range", "cross-validation takes at least 2 folds");
        faults.push(if matches!(node.data, Data::Map(_)) { fault.within("folds") } else { fault });
        return None;
    }
    if found.time.is_some() && found.group.is_some() {
        let fault = Fault::new("bad-folds", "folds go along `time` or keep each `group` whole, not both");
        faults.push(fault.help("take one of the two away").on_key().within("group"));
        return None;
    }
    Some(CvSpec { folds: found.folds, time: found.time, group: found.group })
}

fn evaluate(step: &Node, fields: &mut Fields) -> Option<EvaluateSpec> {
    let models = names(step.get("evaluate")?, "evaluate", fields);
    let on = fields.take("on");
    let metrics = fields.node("metrics").map(|node| names(node, "metrics", fields)).unwrap_or_default();
    let best = fields.take("best");
    let slices = fields.node("slices").map(|node| names(node, "slices", fields)).unwrap_or_default();
    let gates = fields.node("require").map(|node| gates::read(node, fields)).unwrap_or_default();
    let importance = fields.node("importance").and_then(|node| importance::read(node, fields));
    Some(EvaluateSpec { models, on, metrics, best, slices, importance, gates })
}

/// A name, or a list of names.
fn names(node: &Node, key: &'static str, fields: &mut Fields) -> Vec<String> {
    let mut faults = Vec::new();
    let found = match &node.data {
        Data::Str(name) => Some(vec![name.clone()]),
        _ => decode::<Vec<String>>(node, &mut faults),
    };
    for fault in faults {
        fields.fault(fault.within(key));
    }
    found.unwrap_or_default()
}

/// Targets that the language has and this version doesn't.
const LATER: [&str; 6] = ["image", "kubernetes", "kafka", "flink", "storm", "file"];
/// Targets that a model can go to.
const TARGETS: [&str; 2] = ["rest", "onnx"];
/// The port that a model is served on when none is said.
const PORT: u16 = 8080;

fn deploy(fields: &mut Fields) -> Option<DeploySpec> {
    let step = fields.take("deploy");
    let name: Option<String> = fields.need("as", "name the model: `as: penguin-species`");
    if let Some(name) = name.as_ref().filter(|name| !super::pipeline::is_name(&name.replace('.', "_"))) {
        fields.fault(
            Fault::new("bad-name", format!("`{name}` can't be a model's name"))
                .help("use letters, digits, `-`, `_` and `.`")
                .within("as"),
        );
    }
    let alias = fields.take("alias").unwrap_or_else(|| "champion".to_owned());
    let promote_if = fields.node("promote_if").map(|node| promote::read(node, fields)).unwrap_or_default();
    let refit = fields.take("refit");
    fields.later(&["branches"]);
    let mut targets = Vec::new();
    match fields.node("to").map(|node| (&node.data, node)) {
        None => {}
        Some((Data::Seq(items), _)) => {
            for (index, item) in items.iter().enumerate() {
                let route = Route::of(["to"]).index(index);
                let found = target(item, &route, fields);
                if let Some(name) = found.as_ref().map(TargetKind::name)
                    && targets.iter().any(|other: &TargetKind| other.name() == name)
                {
                    fields.fault(Fault::new("duplicate-target", format!("`{name}` is said twice")).under(&route));
                }
                targets.extend(found);
            }
        }
        Some((_, node)) => targets.extend(target(node, &Route::of(["to"]), fields)),
    }
    Some(DeploySpec { step: step?, name: name?, alias, promote_if, refit, targets })
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rest {
    port: Option<u16>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Onnx {
    path: String,
}

fn target(node: &Node, route: &Route, fields: &mut Fields) -> Option<TargetKind> {
    let none = Node::made(Data::Null, node.span.clone());
    let (name, settings, route) = match &node.data {
        Data::Str(name) => (name.as_str(), &none, route.clone()),
        Data::Map(entries) if entries.len() == 1 => {
            (entries[0].key.as_str(), &entries[0].value, route.key(&entries[0].key))
        }
        _ => {
            fields.fault(
                Fault::new("wrong-type", "a target is a name, or a name and its settings")
                    .help("write `- rest: {port: 8080}`")
                    .under(route),
            );
            return None;
        }
    };
    let bare = matches!(node.data, Data::Str(_));
    let at = |fault: Fault| if bare { fault } else { fault.on_key() };
    if LATER.contains(&name) {
        fields
            .fault(at(Fault::new("not-supported", format!("the target `{name}` is not supported yet"))).under(&route));
        return None;
    }
    if !TARGETS.contains(&name) {
        let known = LATER.into_iter().chain(TARGETS);
        fields.fault(
            at(Fault::new("unknown-target", format!("there is no target `{name}`")))
                .maybe_help(suggest(name, known))
                .under(&route),
        );
        return None;
    }
    if bare && name == "onnx" {
        let fault =
            Fault::new("missing-field", "nothing says which file").help("write `- onnx: {path: out/model.onnx}`");
        fields.fault(fault.under(&route));
        return None;
    }
    let mut faults = Vec::new();
    let found = match name {
        "onnx" => decode(settings, &mut faults).map(|Onnx { path }| TargetKind::Onnx { path }),
        _ => decode(settings, &mut faults).map(|rest: Rest| TargetKind::Rest { port: rest.port.unwrap_or(PORT) }),
    };
    for fault in faults {
        fields.fault(fault.under(&route));
    }
    if let Some(TargetKind::Onnx { path }) = &found {
        let inside = |part| matches!(part, std::path::Component::Normal(_));
        if !path.ends_with(".onnx") || !std::path::Path::new(path).components().all(inside) {
            let fault = Fault::new("bad-path", format!("`{path}` isn't an ONNX file of the project"));
            fields.fault(
                fault.help("write a path from the project's root, as `out/model.onnx`").within("path").under(&route),
            );
        }
    }
    found
}
