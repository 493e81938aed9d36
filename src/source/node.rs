//! A YAML tree whose every node knows where it stands.

use std::ops::Range;

use serde_json::{Map, Value as Json};

/// One node: what it is, and which bytes of the text it comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// The value.
    pub data: Data,
    /// A scalar as it was spelled, without quotes; empty for lists and maps.
    pub text: String,
    /// The bytes of the document's text, quotes included.
    pub span: Range<usize>,
}

/// A node's value.
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    /// Nothing.
    Null,
    /// True or false.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A float.
    Float(f64),
    /// A string.
    Str(String),
    /// A list.
    Seq(Vec<Node>),
    /// A map, in the order of the text. Keys are unique.
    Map(Vec<Entry>),
}

/// One entry of a map.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// The key's bytes in the text.
    pub key_span: Range<usize>,
    /// The value.
    pub value: Node,
}

impl Node {
    /// A node that was not written: its place is `span`, that of what it comes from.
    pub fn made(data: Data, span: Range<usize>) -> Self {
        let text = match &data {
            Data::Str(text) => text.clone(),
            Data::Int(number) => number.to_string(),
            Data::Float(number) => number.to_string(),
            Data::Bool(flag) => flag.to_string(),
            _ => String::new(),
        };
        Self { data, text, span }
    }

    /// An unquoted scalar, read by YAML 1.2's core schema: `no`, `on` and `y` are strings.
    pub fn plain(text: &str, span: Range<usize>) -> Self {
        Self { data: core_schema(text), text: text.to_owned(), span }
    }

    /// The value under `key`, if this is a map that has it.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    /// The entries of a map; none for anything else.
    pub fn entries(&self) -> &[Entry] {
        match &self.data {
            Data::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The string, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match &self.data {
            Data::Str(text) => Some(text),
            _ => None,
        }
    }

    /// What it is, in words for messages.
    pub fn what(&self) -> String {
        match &self.data {
            Data::Null => "nothing".to_owned(),
            Data::Bool(flag) => format!("`{flag}`"),
            Data::Int(_) | Data::Float(_) => format!("the number `{}`", self.text),
            Data::Str(text) if text.chars().count() > 40 => "a string".to_owned(),
            Data::Str(text) => format!("the string `{text}`"),
            Data::Seq(_) => "a list".to_owned(),
            Data::Map(_) => "a map".to_owned(),
        }
    }

    /// Whether any scalar in it holds `text`.
    pub fn mentions(&self, text: &str) -> bool {
        match &self.data {
            Data::Str(held) => held.contains(text),
            Data::Seq(items) => items.iter().any(|item| item.mentions(text)),
            Data::Map(entries) => entries.iter().any(|entry| entry.value.mentions(text)),
            _ => false,
        }
    }

    /// A map whose one field is this node.
    #[must_use]
    pub fn wrapped(&self, field: &str) -> Node {
        let entry = Entry { key: field.to_owned(), key_span: self.span.clone(), value: self.clone() };
        Node::made(Data::Map(vec![entry]), self.span.clone())
    }

    /// As JSON, without positions. Floats that JSON doesn't have become strings.
    pub fn to_json(&self) -> Json {
        match &self.data {
            Data::Null => Json::Null,
            Data::Bool(flag) => Json::Bool(*flag),
            Data::Int(number) => Json::from(*number),
            Data::Float(number) => {
                serde_json::Number::from_f64(*number).map_or_else(|| Json::String(self.text.clone()), Json::Number)
            }
            Data::Str(text) => Json::String(text.clone()),
            Data::Seq(items) => items.iter().map(Node::to_json).collect(),
            Data::Map(entries) => Json::Object(
                entries.iter().map(|entry| (entry.key.clone(), entry.value.to_json())).collect::<Map<_, _>>(),
            ),
        }
    }

    /// From JSON, with `span` as the place of everything in it.
    pub fn from_json(value: &Json, span: &Range<usize>) -> Self {
        let data = match value {
            Json::Null => Data::Null,
            Json::Bool(flag) => Data::Bool(*flag),
            Json::Number(number) => {
                number.as_i64().map_or_else(|| Data::Float(number.as_f64().unwrap_or(f64::NAN)), Data::Int)
            }
            Json::String(text) => Data::Str(text.clone()),
            Json::Array(items) => Data::Seq(items.iter().map(|item| Node::from_json(item, span)).collect()),
            Json::Object(map) => Data::Map(
                map.iter()
                    .map(|(key, value)| Entry {
                        key: key.clone(),
                        key_span: span.clone(),
                        value: Node::from_json(value, span),
                    })
                    .collect(),
            ),
        };
        Node::made(data, span.clone())
    }
}

fn core_schema(text: &str) -> Data {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Data::Null,
        "true" | "True" | "TRUE" => return Data::Bool(true),
        "false" | "False" | "FALSE" => return Data::Bool(false),
        ".inf" | ".Inf" | ".INF" | "+.inf" => return Data::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Data::Float(f64::NEG_INFINITY),
        ".nan" | ".NaN" | ".NAN" => return Data::Float(f64::NAN),
        _ => {}
    }
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let starts_as_number = digits.starts_with(|first: char| first.is_ascii_digit())
        || digits.strip_prefix('.').is_some_and(|rest| rest.starts_with(|d: char| d.is_ascii_digit()));
    if !starts_as_number {
        return Data::Str(text.to_owned());
    }
    if digits.bytes().all(|byte| byte.is_ascii_digit())
        && let Ok(number) = text.parse()
    {
        return Data::Int(number);
    }
    let radix =
        [("0x", 16), ("0o", 8)].into_iter().find_map(|(prefix, radix)| Some((text.strip_prefix(prefix)?, radix)));
    if let Some((rest, radix)) = radix {
        return i64::from_str_radix(rest, radix).map_or_else(|_| Data::Str(text.to_owned()), Data::Int);
    }
    let floaty = digits.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-'));
    match text.parse() {
        Ok(number) if floaty => Data::Float(number),
        _ => Data::Str(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_are_read_by_the_core_schema() {
        let read = |text: &str| Node::plain(text, 0..0).data;
        for text in ["no", "yes", "on", "y", "1_000", "1.2.3", "2024-01-31", "0x", "-", ".", "e1", "28d", "inf", "nan"]
        {
            assert_eq!(read(text), Data::Str(text.to_owned()), "{text}");
        }
        assert_eq!(read("012"), Data::Int(12));
        assert_eq!(read("-3"), Data::Int(-3));
        assert_eq!(read("0x1F"), Data::Int(31));
        assert_eq!(read("1e3"), Data::Float(1000.0));
        assert_eq!(read(".5"), Data::Float(0.5));
        assert_eq!(read("99999999999999999999"), Data::Float(1e20));
        assert_eq!(read("~"), Data::Null);
    }
}
