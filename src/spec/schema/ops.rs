//! An entry of `ops`: a bare name, or an op with its argument.

use serde_json::{Map, Value as Json, json};

use super::adapt::{self, Definitions};
use super::{fields, words};
use crate::data::Shape;
use crate::expr::Scope;
use crate::ops::{OpEntry, catalogue};
use crate::source::{Data, Node};

/// Defines all ops; the schema of `ops`.
pub(super) fn list(definitions: &mut Definitions) -> Json {
    let mut properties = Map::new();
    for entry in catalogue() {
        let name = format!("op.{}", entry.name);
        let argument = argument(entry, definitions);
        properties.insert(entry.name.to_owned(), definitions.add(&name, argument));
    }
    let rows = [
        ("train", "The train rows only; nothing happens to other rows, nor when serving."),
        ("all", "All rows, and requests."),
    ];
    let rows = words(
        "Which rows the op works on; for ops that drop rows.",
        rows.map(|(word, meaning)| (word, meaning.to_owned())),
    );
    properties.insert("rows".to_owned(), rows);
    let when = json!({"description": "Whether the op is part of this run, most often a template.", "type": "boolean"});
    properties.insert("when".to_owned(), when);
    let mut entry = fields("An op and its argument, and beside it `rows` and `when`.", properties, &[], false);
    // Exactly one op: as no other keys are taken, that is a matter of counting.
    let keys = |count: u32| json!({"minProperties": count, "maxProperties": count});
    entry["if"] = json!({"required": ["rows", "when"]});
    entry["then"] = keys(3);
    entry["else"] = json!({
        "if": {"anyOf": [{"required": ["rows"]}, {"required": ["when"]}]},
        "then": keys(2),
        "else": keys(1)
    });
    let bare = catalogue().iter().filter(|entry| is_bare(entry));
    let bare = words("An op without argument.", bare.map(|entry| (entry.name, entry.page.summary.to_owned())));
    // Of several forms an editor tells the mistakes of the first, so the one that holds most comes first.
    let forms = [definitions.add("op", entry), definitions.add("bare_op", bare)];
    json!({
        "description": "What is done to the table, in this order. An entry is one op.",
        "type": "array",
        "items": {"anyOf": forms}
    })
}

/// Whether an op may stand without an argument: whoever reads it says so.
fn is_bare(entry: &OpEntry) -> bool {
    let (shape, params) = (Shape::default(), Default::default());
    (entry.read)(&Node::made(Data::Null, 0..0), &Scope { shape: &shape, params: &params }).is_ok()
}

/// The forms of an op's argument: its fields, and what the shorthand stands for.
fn argument(entry: &OpEntry, definitions: &mut Definitions) -> Json {
    let mut written = (entry.schema)();
    spell_fields(&mut written);
    let mut root = definitions.import(&format!("op.{}", entry.name), written);
    let bare = is_bare(entry);
    if !bare && root.get("properties").is_some() && root.get("required").is_none() {
        root["minProperties"] = 1.into();
    }
    let short = entry.shorthand.map(|field| definitions.forms(&root["properties"][field])).unwrap_or_default();
    let mut forms: Vec<Json> = [root].into_iter().chain(short).collect();
    for form in forms.iter_mut().filter_map(Json::as_object_mut) {
        // The op's page describes it, whichever form it is written in.
        form.shift_remove("description");
        form.shift_remove("default");
    }
    if bare {
        forms.push(json!({"type": "null"}));
    }
    let mut schema = match forms.len() {
        1 => forms.remove(0),
        _ => json!({"anyOf": forms}),
    };
    // The page comes first, where an editor shows it.
    let mut described = Map::from_iter([("description".to_owned(), page(entry).into())]);
    if let Some(rest) = schema.as_object_mut() {
        rest.shift_remove("description");
        described.append(rest);
    }
    if let Some(example) = example(entry) {
        described.insert("examples".to_owned(), json!([example]));
    }
    Json::Object(described)
}

/// Where a type reads strings, numbers may be spelled; selectors look at what is written, and take names only.
fn spell_fields(schema: &mut schemars::Schema) {
    let mut value = schema.clone().to_value();
    let selector = value.pointer("/$defs/Selector").cloned();
    adapt::spell(&mut value);
    if let (Some(kept), Some(spelled)) = (selector, value.pointer_mut("/$defs/Selector")) {
        *spelled = kept;
    }
    *schema = value.try_into().expect("a schema stays one");
}

fn page(entry: &OpEntry) -> String {
    let page = &entry.page;
    let learns = if page.learns.is_empty() { "nothing" } else { page.learns };
    format!("{}\n\nLearns: {learns}. When serving: {}.", page.summary, page.serving)
}

/// The argument of the page's example.
fn example(entry: &OpEntry) -> Option<Json> {
    let example: Json = serde_yaml::from_str(entry.page.example).ok()?;
    example.get(entry.name).cloned()
}

#[cfg(test)]
mod tests {
    use super::super::adapt::reference;
    use super::*;

    #[test]
    fn a_shorthand_stands_beside_the_fields() {
        let mut definitions = Definitions::default();
        let list = list(&mut definitions);
        let definitions = definitions.finish();
        assert_eq!(list["items"]["anyOf"][0], reference("op"));
        assert_eq!(definitions["op"]["properties"]["drop"], reference("op.drop"));
        let forms = definitions["op.drop"]["anyOf"].as_array().expect("forms");
        assert_eq!(forms[0]["required"], json!(["columns"]));
        assert_eq!(forms[2], json!({"type": "string"}));
        assert_eq!(definitions["op.drop"]["examples"], json!([["year"]]));
        assert_eq!(definitions["op.split"]["minProperties"], 1);
    }

    #[test]
    fn strings_may_be_spelled_as_numbers_and_columns_not() {
        let mut definitions = Definitions::default();
        list(&mut definitions);
        let definitions = definitions.finish();
        assert_eq!(definitions["op.derive"]["additionalProperties"]["type"], json!(["string", "number", "boolean"]));
        assert_eq!(definitions["op.drop.Selector"]["anyOf"][1], json!({"type": "string"}));
    }
}
