//! From a tree to typed values by serde, with every mistake at its place.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{self, DeserializeOwned, DeserializeSeed, IntoDeserializer, Unexpected, Visitor};

use super::{Data, Entry, Fault, Node, Route, suggest};

/// How many mistakes of one value are looked for.
const MOST: usize = 100;

/// Decodes a node. serde ends at the first mistake; so each that is found is left out, and the rest decoded again, until
/// all are known. `None` if there was one.
pub fn decode<T: DeserializeOwned>(node: &Node, faults: &mut Vec<Fault>) -> Option<T> {
    let mut skipped = BTreeSet::new();
    loop {
        let cx = Context { route: Route::here(), skipped: &skipped };
        let fault = match T::deserialize(Decoder { node, cx }) {
            Ok(value) if skipped.is_empty() => return Some(value),
            Ok(_) => return None,
            Err(Failed(fault)) => *fault,
        };
        let route = fault.route.clone();
        let follows = matches!(fault.code, "missing-field" | "bad-value") && caused(&skipped, &fault);
        if !follows {
            faults.push(fault);
        }
        if follows || route == Route::here() || skipped.len() >= MOST || !skipped.insert(route) {
            return None;
        }
    }
}

/// A field may be missing only because its value was at fault.
fn caused(skipped: &BTreeSet<Route>, fault: &Fault) -> bool {
    let below = fault.route.segments().len();
    skipped.iter().any(|route| route.segments().len() > below && route.segments()[..below] == *fault.route.segments())
}

/// serde's error type: a fault, boxed because results of this kind are returned at every level.
#[derive(Debug)]
struct Failed(Box<Fault>);

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Failed {}

impl Failed {
    fn new(code: &'static str, message: String, help: Option<String>) -> Self {
        Self(Box::new(Fault::new(code, message).maybe_help(help)))
    }

    fn under(self, route: &Route) -> Self {
        Self(Box::new(self.0.under(route)))
    }
}

impl de::Error for Failed {
    fn custom<T: fmt::Display>(message: T) -> Self {
        let text = message.to_string();
        // A type that reads itself may end its message with advice.
        match text.split_once("; ") {
            Some((message, help)) => Self::new("bad-value", message.to_owned(), Some(help.to_owned())),
            None => Self::new("bad-value", text, None),
        }
    }

    fn invalid_type(found: Unexpected, expected: &dyn de::Expected) -> Self {
        Self::new("wrong-type", format!("expected {}, found {}", plain(&expected.to_string()), shown(&found)), None)
    }

    fn invalid_value(found: Unexpected, expected: &dyn de::Expected) -> Self {
        Self::new("bad-value", format!("expected {}, found {}", plain(&expected.to_string()), shown(&found)), None)
    }

    fn invalid_length(length: usize, expected: &dyn de::Expected) -> Self {
        Self::new("bad-value", format!("expected {expected}, found {length} items"), None)
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        let help = suggest(variant, expected.iter().copied());
        Self::new("unknown-value", format!("`{variant}` isn't one of the values it may have"), help)
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let help = suggest(field, expected.iter().copied());
        Self::new("unknown-key", format!("there is no key `{field}` here"), help)
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new("missing-field", format!("`{field}` is missing"), None)
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::new("duplicate-key", format!("`{field}` is said twice"), None)
    }
}

/// serde names Rust's types; people don't.
fn plain(expected: &str) -> &str {
    match expected {
        "u16" => "a whole number from 0 to 65535",
        "usize" | "u64" | "u32" => "a whole number of at least 0",
        "i64" | "i32" => "a whole number",
        "f64" | "f32" => "a number",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        other if other.starts_with("struct ") => "a map of fields",
        other => other,
    }
}

fn shown(found: &Unexpected) -> String {
    match found {
        Unexpected::Bool(flag) => format!("`{flag}`"),
        Unexpected::Unsigned(number) => format!("`{number}`"),
        Unexpected::Signed(number) => format!("`{number}`"),
        Unexpected::Float(number) => format!("`{number}`"),
        Unexpected::Str(text) => format!("`{text}`"),
        Unexpected::Unit | Unexpected::Option => "nothing".to_owned(),
        Unexpected::Seq => "a list".to_owned(),
        Unexpected::Map => "a map".to_owned(),
        other => other.to_string(),
    }
}

/// Where the decoder is, and what it passes over.
#[derive(Clone)]
struct Context<'a> {
    route: Route,
    skipped: &'a BTreeSet<Route>,
}

struct Decoder<'a> {
    node: &'a Node,
    cx: Context<'a>,
}

impl<'a> Decoder<'a> {
    fn seq(&self, items: &'a [Node]) -> Items<'a> {
        Items { items, next: 0, cx: self.cx.clone() }
    }

    fn map(&self, entries: &'a [Entry]) -> Fields<'a> {
        Fields { entries, next: 0, cx: self.cx.clone() }
    }
}

impl<'de> de::Deserializer<'de> for Decoder<'_> {
    type Error = Failed;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failed> {
        match &self.node.data {
            Data::Null => visitor.visit_unit(),
            Data::Bool(flag) => visitor.visit_bool(*flag),
            Data::Int(number) => match u64::try_from(*number) {
                Ok(number) => visitor.visit_u64(number),
                Err(_) => visitor.visit_i64(*number),
            },
            Data::Float(number) => visitor.visit_f64(*number),
            Data::Str(text) => visitor.visit_str(text),
            Data::Seq(items) => visitor.visit_seq(self.seq(items)),
            Data::Map(entries) => visitor.visit_map(self.map(entries)),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failed> {
        match &self.node.data {
            // `labels: [2024, true]`: where a string is meant, the spelling is one.
            Data::Bool(_) | Data::Int(_) | Data::Float(_) => visitor.visit_str(&self.node.text),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failed> {
        self.deserialize_string(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failed> {
        match self.node.data {
            Data::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Failed> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failed> {
        match &self.node.data {
            Data::Map(entries) => visitor.visit_map(self.map(entries)),
            // An absent argument is a map without fields.
            Data::Null => visitor.visit_map(self.map(&[])),
            // Fields have names here, never places.
            Data::Seq(_) => Err(Failed::new("wrong-type", "expected a map of fields, found a list".to_owned(), None)),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failed> {
        match &self.node.data {
            Data::Str(text) => visitor.visit_enum(Variant { name: text, value: None, cx: self.cx }),
            Data::Map(entries) if entries.len() == 1 => {
                visitor.visit_enum(Variant { name: &entries[0].key, value: Some(&entries[0].value), cx: self.cx })
            }
            _ => {
                let known = super::list(variants.iter().copied());
                Err(Failed::new("wrong-type", format!("expected one of {known}, found {}", self.node.what()), None))
            }
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf unit unit_struct
        seq tuple tuple_struct map identifier ignored_any
    }
}

struct Items<'a> {
    items: &'a [Node],
    next: usize,
    cx: Context<'a>,
}

impl<'de> de::SeqAccess<'de> for Items<'_> {
    type Error = Failed;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Failed> {
        while let Some(node) = self.items.get(self.next) {
            let step = Route::here().index(self.next);
            self.next += 1;
            let route = self.cx.route.join(&step);
            if self.cx.skipped.contains(&route) {
                continue;
            }
            let cx = Context { route, skipped: self.cx.skipped };
            return seed.deserialize(Decoder { node, cx }).map(Some).map_err(|failed| failed.under(&step));
        }
        Ok(None)
    }
}

struct Fields<'a> {
    entries: &'a [Entry],
    next: usize,
    cx: Context<'a>,
}

impl<'de> de::MapAccess<'de> for Fields<'_> {
    type Error = Failed;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Failed> {
        while let Some(entry) = self.entries.get(self.next) {
            let step = Route::here().key(&entry.key);
            if self.cx.skipped.contains(&self.cx.route.join(&step)) {
                self.next += 1;
                continue;
            }
            let key: de::value::StrDeserializer<Failed> = entry.key.as_str().into_deserializer();
            return seed.deserialize(key).map(Some).map_err(|failed| Failed(Box::new(failed.0.on_key().under(&step))));
        }
        Ok(None)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Failed> {
        let entry = &self.entries[self.next];
        self.next += 1;
        let step = Route::here().key(&entry.key);
        let cx = Context { route: self.cx.route.join(&step), skipped: self.cx.skipped };
        seed.deserialize(Decoder { node: &entry.value, cx }).map_err(|failed| failed.under(&step))
    }
}

struct Variant<'a> {
    name: &'a str,
    value: Option<&'a Node>,
    cx: Context<'a>,
}

impl<'de, 'a> de::EnumAccess<'de> for Variant<'a> {
    type Error = Failed;
    type Variant = Self;

    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Self), Failed> {
        let name: de::value::StrDeserializer<Failed> = self.name.into_deserializer();
        let variant = seed.deserialize(name)?;
        Ok((variant, self))
    }
}

impl<'de> de::VariantAccess<'de> for Variant<'_> {
    type Error = Failed;

    fn unit_variant(self) -> Result<(), Failed> {
        match self.value {
            None => Ok(()),
            Some(_) => Err(Failed::new("wrong-type", format!("`{}` stands alone, without a value", self.name), None)),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Failed> {
        let Some(node) = self.value else {
            return Err(Failed::new(
                "wrong-type",
                format!("`{}` needs a value", self.name),
                Some(format!("write `{{{}: …}}`", self.name)),
            ));
        };
        let step = Route::here().key(self.name);
        let cx = Context { route: self.cx.route.join(&step), skipped: self.cx.skipped };
        seed.deserialize(Decoder { node, cx }).map_err(|failed| failed.under(&step))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Failed> {
        Err(Failed::new("wrong-type", format!("`{}` has no such form", self.name), None))
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, Failed> {
        let step = Route::here().key(self.name);
        let cx = Context { route: self.cx.route.join(&step), skipped: self.cx.skipped };
        let node =
            self.value.ok_or_else(|| Failed::new("wrong-type", format!("`{}` needs fields", self.name), None))?;
        de::Deserializer::deserialize_struct(Decoder { node, cx }, "", &[], visitor)
            .map_err(|failed| failed.under(&step))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Document;
    use serde::Deserialize;

    #[derive(Deserialize, Debug)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only the mistakes are looked at")]
    struct Inner {
        depth: Option<usize>,
        rate: f64,
    }

    #[derive(Deserialize, Debug)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only the mistakes are looked at")]
    struct Outer {
        name: String,
        list: Vec<i64>,
        inner: Inner,
    }

    fn faults(text: &str) -> Vec<String> {
        let document = Document::parse("x.yaml", text).expect("YAML");
        let mut faults = Vec::new();
        let decoded: Option<Outer> = decode(&document.root, &mut faults);
        assert_eq!(decoded.is_some(), faults.is_empty());
        faults.iter().map(|fault| format!("{}: {fault}", fault.route)).collect()
    }

    #[test]
    fn every_mistake_of_a_value_is_found() {
        let found = faults("name: x\nlist: [1, two, 3, four]\nextra: 1\ninner: {depth: -1, rates: 3, rate: fast}\n");
        assert_eq!(
            found,
            [
                "list[1]: expected a whole number, found `two`",
                "list[3]: expected a whole number, found `four`",
                "extra: there is no key `extra` here",
                "inner.depth: expected a whole number of at least 0, found `-1`",
                "inner.rates: there is no key `rates` here",
                "inner.rate: expected a number, found `fast`",
            ]
        );
    }

    #[test]
    fn numbers_stand_for_strings_but_not_the_other_way() {
        assert!(faults("name: 2024\nlist: []\ninner: {rate: 1}\n").is_empty());
        assert_eq!(faults("list: []\ninner: {rate: 1}\n"), [": `name` is missing"]);
    }
}
