//! A step: one of the verbs, each with its keys.

use serde_json::{Map, Value as Json, json};

use super::adapt::{Definitions, reference};
use super::{decision, fields, models, object, ops, sources, tune, words};
use crate::data::{Format, Selector};
use crate::spec::importance::{MOST_REPEATS, PERMUTATION, REPEATS};
use crate::spec::step::LEAKS;
use crate::spec::verbs::VERBS;
use crate::spec::{MEMORY, TIME_SPAN};

/// Defines steps, and gives the reference to them.
pub(super) fn step(definitions: &mut Definitions) -> Json {
    let ops = ops::list(definitions);
    let forms: Vec<Json> = VERBS
        .into_iter()
        .map(|verb| {
            let form = match verb {
                "clean" => table(verb, "Prepares a table: from a source or step, through ops.", &ops),
                "transform" => table(verb, "Makes features of a table: through ops, often from a split on.", &ops),
                "train" => train(definitions),
                "evaluate" => evaluate(definitions),
                "run" => run(definitions),
                _ => deploy(definitions),
            };
            definitions.add(verb, form)
        })
        .collect();
    let step = json!({
        "description": format!("A verb and what it works on. Exactly one of: {}.", VERBS.map(|verb| format!("`{verb}`")).join(", ")),
        "type": "object",
        "oneOf": forms
    });
    definitions.add("step", step)
}

/// A step with the keys that every step may have.
fn verb(name: &str, description: &str, meaning: &str, keys: Json, required: &[&str]) -> Json {
    let mut properties = Map::new();
    properties.insert(name.to_owned(), json!({"description": meaning, "type": "string", "minLength": 1}));
    properties.extend(object(keys));
    properties.extend(object(json!({
        "description": {"description": "What it is for.", "type": "string"},
        "tags": {"description": "Words to choose steps by.", "type": "array", "items": {"type": "string"}},
        "when": {"description": "Whether the step is part of this run, most often a template.", "type": "boolean", "default": true, "examples": ["{{ params.full }}"]},
        "accept": {"description": "Leaks that are meant: nobody is warned of them where they stand in this step.", "type": "array", "items": {"enum": LEAKS}, "examples": [["leak-group"]]},
        "matrix": {
            "description": "Makes one step per combination of values, which templates know as `{{ matrix.x }}`.",
            "type": "object",
            "minProperties": 1,
            "additionalProperties": {"type": "array", "minItems": 1, "items": {"type": ["string", "number", "boolean"]}},
            "examples": [{"max_depth": [4, 8]}]
        },
        "timeout": {"description": "How long one try of the step may take.", "type": "string", "pattern": TIME_SPAN, "examples": ["10m"]},
        "retries": {"description": "How often the step is tried again when it fails, after 1, 2, 4 … seconds.", "type": "integer", "minimum": 0, "maximum": 100, "default": 0},
        "resources": {
            "description": "What the step needs while it runs: steps run at once only where all of it fits.",
            "type": "object",
            "properties": {
                "cpu": {"description": "How many processors it keeps busy.", "type": "integer", "minimum": 1, "default": 1},
                "memory": {"description": "How much memory it needs.", "type": "string", "pattern": MEMORY, "examples": ["4GiB"]}
            },
            "additionalProperties": false
        }
    })));
    let required: Vec<&str> = [name].into_iter().chain(required.iter().copied()).collect();
    fields(description, properties, &required, true)
}

fn table(name: &str, description: &str, ops: &Json) -> Json {
    let keys = json!({
        "ops": ops,
        "save": {
            "description": "A file that the table is also written to; the format by its extension.",
            "type": "string",
            "examples": ["out/tidy.parquet"]
        }
    });
    verb(name, description, "The source or step that it works on.", keys, &[])
}

/// A name or a list of names.
fn names(description: &str, of: &Json) -> Json {
    json!({"description": description, "anyOf": [of, {"type": "array", "items": of, "minItems": 1}]})
}

fn train(definitions: &mut Definitions) -> Json {
    let mut features = definitions.import("train", schemars::schema_for!(Selector));
    features["description"] = "The columns to learn from. Never the target, nor a role.".into();
    features["default"] = "all".into();
    let keys = json!({
        "model": models::names(),
        "with": {"description": "The model's hyper-parameters, in scikit-learn's names.", "type": "object"},
        "target": reference("target"),
        "features": features,
        "weights": {
            "description": "`balanced`: all classes count the same. Or the column that says how much each row counts.",
            "anyOf": [{"const": "balanced"}, {"type": "string"}]
        },
        "cv": {
            "description": "Cross-validation: how many folds. Every op from the split on is fitted anew inside each fold.",
            "anyOf": [
                {"type": "integer", "minimum": 2},
                {
                    "type": "object",
                    "properties": {
                        "folds": {"description": "How many folds.", "type": "integer", "minimum": 2},
                        "time": {"description": "The column to go along: each fold is judged on what comes after it.", "type": "string"},
                        "group": {"description": "The column whose rows of one value stay in one fold.", "type": "string"}
                    },
                    "required": ["folds"],
                    "additionalProperties": false
                }
            ],
            "examples": [5, {"folds": 5, "time": "day"}, {"folds": 5, "group": "customer"}]
        },
        "update": words(
            "What the model goes on from; it learns from the train rows of today. For models that can.",
            [("previous", "The model that this step made last time, as the lock has it.".to_owned())],
        ),
        "tune": tune::tune(definitions),
        "task": words(
            "What is predicted. Without it, the target's type says so.",
            [("classification", "A class.".to_owned()), ("regression", "A number.".to_owned())],
        )
    });
    let mut keys = keys;
    keys.as_object_mut().expect("a map").extend(decision::keys());
    let mut form = verb("train", "Learns a model from a table.", "The step or source to learn from.", keys, &["model"]);
    form["allOf"] = models::conditions(definitions).into();
    form
}

fn evaluate(definitions: &mut Definitions) -> Json {
    let metric = models::metrics(definitions);
    let name = json!({"type": "string"});
    let mut best = metric.clone();
    best["description"] = "The metric that ranks the models: by cross-validation if all have it, else by the validation part, else by test.".into();
    let parts = [
        ("test", "The test part."),
        ("validation", "The validation part."),
        ("train", "The train part, which flatters every model."),
    ];
    let part = words("A part of the models' table.", parts.map(|(word, meaning)| (word, meaning.to_owned())));
    let table = json!({
        "description": "A source, or a table without a split, which goes through the ops that lead to each model.",
        "type": "string"
    });
    let on = json!({"description": "The rows to judge on.", "anyOf": [part, table], "default": "test"});
    let keys = json!({
        "on": on,
        "metrics": names("How to judge; without it, what suits the task.", &metric),
        "best": best,
        "slices": names("Columns by whose values, before encoding, the scores are also told apart.", &name),
        "importance": importance(&metric),
        "require": models::gates(definitions)
    });
    let mut form = verb("evaluate", "Judges models on rows that they haven't seen.", "", keys, &[]);
    form["properties"]["evaluate"] = names("The train step to judge, or several to compare.", &name);
    form
}

/// `importance` of an evaluate step.
fn importance(metric: &Json) -> Json {
    let mut of = metric.clone();
    of["description"] = "The metric whose loss is told; that of `best` if not said, else the first one.".into();
    json!({
        "description": "Which raw columns matter: what the score loses when the values of one are shuffled among the judged rows, before any op sees them.",
        "anyOf": [
            {"const": PERMUTATION},
            {
                "type": "object",
                "properties": {
                    "repeats": {
                        "description": "How often the values of each column are shuffled.",
                        "type": "integer", "minimum": 1, "maximum": MOST_REPEATS, "default": REPEATS
                    },
                    "metric": of
                },
                "additionalProperties": false
            }
        ],
        "examples": [PERMUTATION, {"repeats": 10, "metric": "f1"}]
    })
}

fn run(definitions: &mut Definitions) -> Json {
    let text = json!({"type": "string"});
    let table = sources::table(definitions);
    let mut features = definitions.import("train", schemars::schema_for!(Selector));
    features["description"] = "Of a model: the columns it reads, in the table's order.".into();
    features["default"] = "all".into();
    let mut output = object(json!({
        "path": {"description": "The file, below the step's scratch folder.", "type": "string", "minLength": 1},
        "kind": words(
            "What it is. Without it, the extension says so.",
            [
                ("table", "A table that other steps may work on.".to_owned()),
                ("file", "Any file.".to_owned()),
                ("model", "A model in ONNX, which stands wherever a trained model may.".to_owned()),
            ],
        ),
        "input": {"description": "Of a model: the table whose columns it reads.", "type": "string", "minLength": 1},
        "classes": {
            "description": "Of a model: its classes, in the order of its probabilities. Without them, as the network names them, else sorted.",
            "type": "array",
            "items": {"type": ["string", "integer", "boolean"]},
            "examples": [["good", "bad"]]
        },
        "target": reference("target"),
        "features": features
    }));
    output.extend(table);
    let output = fields("A file that the program leaves.", output, &["path"], false);
    let format = definitions.import("source", schemars::schema_for!(Format));
    let keys = json!({
        "inputs": {
            "description": "What the program reads: sources, steps' tables, outputs of other programs; as a map, with the format that tables are written in.",
            "anyOf": [text, {"type": "array", "items": text}, {"type": "object", "additionalProperties": format}],
            "examples": [["features"], {"features": "csv"}]
        },
        "code": {
            "description": "Files, folders and globs whose content counts in the step's key.",
            "type": "array",
            "items": text,
            "examples": [["src/", "uv.lock"]]
        },
        "env": {
            "description": "Environment variables: names of those that the file's `env` has, or names and values. Their values count in the key.",
            "anyOf": [{"type": "array", "items": text}, {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}}],
            "examples": [["LANG"], {"LANG": "C"}]
        },
        "secrets": {"description": "Environment variables of the file's `secrets` that the program gets.", "type": "array", "items": text},
        "cwd": words(
            "Where the program runs.",
            [("root", "In the project's root.".to_owned()), ("scratch", "In a folder of its own, which is gone afterwards.".to_owned())],
        ),
        "outputs": {
            "description": "What the program leaves, by name: files that the command knows as `{{ outputs.NAME }}`.",
            "type": "object",
            "additionalProperties": {"anyOf": [text, output]},
            "examples": [{"vectors": "vectors.parquet"}]
        }
    });
    let mut form = verb("run", "Runs a program of your own.", "", keys, &[]);
    form["properties"]["run"] = json!({
        "description": "The command: a list needs no shell, a line is run by `sh -c`. `{{ inputs.NAME }}` and `{{ outputs.NAME }}` are the places of its files.",
        "anyOf": [{"type": "string", "minLength": 1}, {"type": "array", "minItems": 1, "items": {"type": ["string", "number", "boolean"]}}],
        "examples": [["python", "train.py", "{{ inputs.features.train }}"]]
    });
    form
}

fn deploy(definitions: &mut Definitions) -> Json {
    let rest = json!({
        "description": "`gristmill serve` answers requests.",
        "type": ["object", "null"],
        "properties": {
            "port": {"description": "The port.", "type": "integer", "minimum": 0, "maximum": 65535, "default": 8080}
        },
        "additionalProperties": false
    });
    let onnx = json!({
        "description": "A file of the project with the model that the alias points to, for other programs.",
        "type": "object",
        "properties": {
            "path": {"description": "The file, from the project's root.", "type": "string", "pattern": "\\.onnx$", "examples": ["out/model.onnx"]}
        },
        "required": ["path"],
        "additionalProperties": false
    });
    let target = json!({
        "anyOf": [
            words("Where the model goes, as by default.", [("rest", "`gristmill serve` answers requests, on port 8080.".to_owned())]),
            fields("Where the model goes, and how.", Map::from_iter([("rest".to_owned(), rest)]), &["rest"], false),
            fields("Where the model goes, and how.", Map::from_iter([("onnx".to_owned(), onnx)]), &["onnx"], false)
        ]
    });
    let keys = json!({
        "as": {
            "description": "The name that the model is registered under.",
            "type": "string",
            "minLength": 1,
            "examples": ["penguin-species"]
        },
        "alias": {"description": "The alias that moves to the new version.", "type": "string", "default": "champion"},
        "promote_if": models::promotion(definitions),
        "refit": words(
            "On which rows the model is fitted once more before it goes out. Its scores are those of the model before.",
            [("all", "Those of every part: train, validation and test.".to_owned())],
        ),
        "to": {
            "description": "Where the model goes.",
            "anyOf": [target, {"type": "array", "items": target}],
            "examples": [[{"rest": {"port": 8080}}]]
        }
    });
    let meaning = "The evaluate step whose winner goes out, if every gate holds; or a train step.";
    verb("deploy", "Registers a model and says where it goes.", meaning, keys, &["as"])
}
