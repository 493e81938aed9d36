//! From schemas as they are derived from types to schemas of what may be written: definitions under names of their own,
//! no words about Rust, and templates wherever a value may come from one.

use serde_json::{Map, Value as Json, json};

/// What a string that holds a template looks like.
const TEMPLATE: &str = r"\{\{|\{%";

/// The definitions of a schema, by name.
pub(super) struct Definitions(Map<String, Json>);

impl Default for Definitions {
    fn default() -> Self {
        let template = json!({
            "description": "A template, such as `\"{{ params.trees }}\"`: the value of a param, or text around it.",
            "type": "string",
            "pattern": TEMPLATE
        });
        Self(Map::from_iter([("template".to_owned(), template)]))
    }
}

impl Definitions {
    /// Adds a definition, and gives the reference to it.
    pub fn add(&mut self, name: &str, schema: Json) -> Json {
        let known = self.0.insert(name.to_owned(), schema);
        debug_assert!(known.is_none(), "`{name}` is defined once");
        reference(name)
    }

    /// Takes in a schema that was derived from a type: its definitions go among these, as `prefix.name`.
    pub fn import(&mut self, prefix: &str, schema: schemars::Schema) -> Json {
        let mut schema = schema.to_value();
        clean(&mut schema);
        retarget(&mut schema, prefix);
        let Some(Json::Object(own)) = schema.as_object_mut().and_then(|fields| fields.remove("$defs")) else {
            return schema;
        };
        for (name, definition) in own {
            self.0.insert(format!("{prefix}.{name}"), definition);
        }
        schema
    }

    /// The forms that a schema lists, by itself or where it refers to; otherwise itself.
    pub fn forms(&self, schema: &Json) -> Vec<Json> {
        let name = schema["$ref"].as_str().and_then(|to| to.strip_prefix("#/$defs/"));
        let listed = name.and_then(|name| self.0.get(name)).unwrap_or(schema);
        listed["anyOf"].as_array().cloned().unwrap_or_else(|| vec![schema.clone()])
    }

    /// All of them; every value but those in `template` itself may be a template.
    pub fn finish(mut self) -> Json {
        for (name, definition) in &mut self.0 {
            if name != "template" {
                allow_templates(definition);
            }
        }
        Json::Object(self.0)
    }
}

/// A reference to a definition.
pub(super) fn reference(name: &str) -> Json {
    json!({"$ref": format!("#/$defs/{name}")})
}

/// Takes away what is said of Rust's types: titles, formats, and defaults that say nothing.
pub(super) fn clean(schema: &mut Json) {
    if let Some(fields) = schema.as_object_mut() {
        for key in ["$schema", "title", "format"] {
            fields.shift_remove(key);
        }
        if let Some(Json::Object(default)) = fields.get_mut("default") {
            default.retain(|_, value| !value.is_null());
        }
        if fields.get("default").is_some_and(|default| default.is_null() || *default == json!({})) {
            fields.shift_remove("default");
        }
    }
    each_part(schema, &mut clean);
}

/// Strings may be spelled as numbers and flags: `labels: [2024, true]`.
pub(super) fn spell(schema: &mut Json) {
    if let Some(fields) = schema.as_object_mut()
        && !["const", "enum", "pattern"].iter().any(|key| fields.contains_key(*key))
        && let Some(kind) = fields.get_mut("type")
    {
        if *kind == json!("string") {
            *kind = json!(["string", "number", "boolean"]);
        } else if *kind == json!(["string", "null"]) {
            *kind = json!(["string", "number", "boolean", "null"]);
        }
    }
    each_part(schema, &mut spell);
}

fn retarget(schema: &mut Json, prefix: &str) {
    if let Some(Json::String(to)) = schema.get_mut("$ref")
        && let Some(name) = to.strip_prefix("#/$defs/")
    {
        *to = format!("#/$defs/{prefix}.{name}");
    }
    each_part(schema, &mut |part| retarget(part, prefix));
}

/// Calls `change` with each schema right within a schema. Names of properties are no keywords, so they are told apart.
fn each_part(schema: &mut Json, change: &mut dyn FnMut(&mut Json)) {
    let Some(fields) = schema.as_object_mut() else { return };
    for (key, value) in fields {
        match (key.as_str(), value) {
            ("properties" | "patternProperties" | "$defs", Json::Object(named)) => {
                named.values_mut().for_each(&mut *change)
            }
            ("anyOf" | "oneOf" | "allOf" | "prefixItems", Json::Array(items)) => {
                items.iter_mut().for_each(&mut *change)
            }
            ("items" | "additionalProperties" | "not" | "if" | "then" | "else", value) => change(value),
            _ => {}
        }
    }
}

/// Lets a string that holds a template stand for each value within: it is rendered before types are looked at.
pub(super) fn allow_templates(schema: &mut Json) {
    allow_within(schema);
    let Some(fields) = schema.as_object_mut() else { return };
    for key in ["anyOf", "oneOf"] {
        let Some(Json::Array(forms)) = fields.get_mut(key) else { continue };
        let open = forms.iter().any(is_any_string);
        // What is referred to says itself that it may be a template, and one of several is one only.
        let said = key == "oneOf" && forms.iter().any(|form| form.get("$ref").is_some());
        if !open && !said {
            forms.push(reference("template"));
        }
        return;
    }
    if let Some(words) = fields.shift_remove("enum") {
        fields.shift_remove("type");
        fields.insert("anyOf".to_owned(), json!([{"enum": words}, reference("template")]));
        return;
    }
    let Some(kind) = fields.get_mut("type") else { return };
    let kinds: Vec<Json> = kind.as_array().cloned().unwrap_or_else(|| vec![kind.clone()]);
    let is = |name: &str| kinds.iter().any(|kind| kind == name);
    if is("string") || !["integer", "number", "boolean", "array"].into_iter().any(is) {
        return;
    }
    let wanted: Vec<&str> = kinds.iter().filter_map(Json::as_str).map(in_words).collect();
    *kind = kinds.iter().cloned().chain(["string".into()]).collect();
    fields.insert("pattern".to_owned(), TEMPLATE.into());
    // Editors show this in place of the pattern, which would tell nobody anything; others pass over it.
    let message = format!("expected {}, or a template", wanted.join(" or "));
    fields.insert("patternErrorMessage".to_owned(), message.into());
}

/// A type as people call it.
fn in_words(kind: &str) -> &str {
    match kind {
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "true or false",
        "array" => "a list",
        "null" => "nothing",
        _ => "a map",
    }
}

/// The same for what is within a schema, but not for the schema itself.
fn allow_within(schema: &mut Json) {
    let Some(fields) = schema.as_object_mut() else { return };
    for (key, value) in fields {
        match (key.as_str(), value) {
            ("properties", Json::Object(named)) => named.values_mut().for_each(allow_templates),
            ("anyOf" | "oneOf", Json::Array(forms)) => forms.iter_mut().for_each(allow_within),
            ("items" | "additionalProperties", value) => allow_templates(value),
            ("prefixItems", Json::Array(items)) => items.iter_mut().for_each(allow_templates),
            _ => {}
        }
    }
}

fn is_any_string(form: &Json) -> bool {
    let kind = &form["type"];
    let string = kind == "string" || kind.as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind == "string"));
    string && ["pattern", "const", "enum"].iter().all(|key| form.get(*key).is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(mut schema: Json) -> Json {
        allow_templates(&mut schema);
        schema
    }

    #[test]
    fn templates_stand_for_values() {
        let number = allowed(json!({"type": ["number", "null"], "minimum": 0}));
        assert_eq!(number["type"], json!(["number", "null", "string"]));
        assert_eq!((&number["minimum"], &number["pattern"]), (&json!(0), &json!(TEMPLATE)));
        assert_eq!(number["patternErrorMessage"], "expected a number or nothing, or a template");
        assert_eq!(allowed(json!({"type": "string"})), json!({"type": "string"}));
        assert_eq!(allowed(json!({"enum": ["a"]})), json!({"anyOf": [{"enum": ["a"]}, {"$ref": "#/$defs/template"}]}));
        let open = json!({"anyOf": [{"enum": ["all"]}, {"type": "string"}]});
        assert_eq!(allowed(open.clone()), open);
        let within = allowed(json!({"type": "object", "properties": {"enum": {"type": "boolean"}}}));
        assert_eq!(within["properties"]["enum"]["type"], json!(["boolean", "string"]));
        assert_eq!(within["type"], "object");
    }

    #[test]
    fn properties_may_bear_the_names_of_keywords() {
        let mut schema = json!({"title": "T", "properties": {"format": {"type": "string", "default": null}, "title": {"format": "uint"}}});
        clean(&mut schema);
        assert_eq!(schema, json!({"properties": {"format": {"type": "string"}, "title": {}}}));
    }
}
