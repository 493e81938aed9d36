//! Which columns are meant: by name, list, selector or quoted glob.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{Kind, Shape};
use crate::source::{Fault, Route};

/// The words that stand for columns by their type.
pub const GROUPS: [&str; 5] = ["numeric", "categorical", "text", "temporal", "all"];

/// One way of naming columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Pattern {
    /// A column.
    Name(String),
    /// A glob: `bill_*`.
    Glob(String),
    /// One of [`GROUPS`].
    Group(&'static str),
}

impl Pattern {
    pub(super) fn of(text: &str) -> Self {
        if let Some(group) = GROUPS.into_iter().find(|group| *group == text) {
            return Pattern::Group(group);
        }
        if text.contains(['*', '?']) {
            return Pattern::Glob(text.to_owned());
        }
        Pattern::Name(text.to_owned())
    }

    pub(super) fn text(&self) -> &str {
        match self {
            Pattern::Name(text) | Pattern::Glob(text) => text,
            Pattern::Group(group) => group,
        }
    }

    /// A name beats a glob beats a selector.
    pub(super) fn rank(&self) -> u8 {
        match self {
            Pattern::Name(_) => 3,
            Pattern::Glob(_) => 2,
            Pattern::Group(_) => 1,
        }
    }

    /// Whether it picks a known column. Only a name picks a protected one.
    pub(super) fn picks(&self, name: &str, kind: Kind, shape: &Shape) -> bool {
        match self {
            Pattern::Name(wanted) => wanted == name,
            _ if shape.protected.contains(name) => false,
            Pattern::Glob(glob) => glob::Pattern::new(glob).is_ok_and(|glob| glob.matches(name)),
            Pattern::Group("numeric") => kind.is_numeric(),
            Pattern::Group("categorical") => matches!(kind, Kind::Category | Kind::Str),
            Pattern::Group("text") => kind == Kind::Text,
            Pattern::Group("temporal") => kind.is_temporal(),
            Pattern::Group(_) => true,
        }
    }

    /// The columns it picks, in the shape's order, or why it picks none.
    pub(super) fn select(&self, shape: &Shape) -> Result<Vec<String>, Fault> {
        if let Pattern::Name(name) = self {
            return shape.expect(name).map(|_| vec![name.clone()]);
        }
        // A column that bears a selector's name is meant before the selector.
        if shape.known(self.text()).is_some() {
            return Ok(vec![self.text().to_owned()]);
        }
        let picked: Vec<String> = shape
            .fields
            .iter()
            .filter(|field| self.picks(&field.name, field.kind, shape))
            .map(|field| field.name.clone())
            .collect();
        match self {
            Pattern::Glob(glob) if picked.is_empty() && shape.families.is_empty() => {
                Err(Fault::new("unknown-column", format!("no column is like `{glob}`"))
                    .maybe_help(crate::source::suggest(glob, shape.names())))
            }
            _ => Ok(picked),
        }
    }
}

/// Columns by name, list, selector, glob, or all but some.
#[derive(Clone, Debug, PartialEq)]
pub struct Selector {
    patterns: Vec<Pattern>,
    form: Form,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Form {
    One,
    List,
    Except,
}

impl Selector {
    /// Every column that selectors may pick.
    pub fn all() -> Self {
        Self { patterns: vec![Pattern::Group("all")], form: Form::One }
    }

    /// All columns but these.
    pub fn except(texts: &[String]) -> Self {
        Self { patterns: texts.iter().map(|text| Pattern::of(text)).collect(), form: Form::Except }
    }

    /// The columns it picks at `check`, members of open families included, or every mistake in it.
    pub fn select(&self, shape: &Shape) -> Result<Vec<String>, Vec<Fault>> {
        let mut picked: Vec<String> = Vec::new();
        let mut faults = Vec::new();
        for (index, pattern) in self.patterns.iter().enumerate() {
            match pattern.select(shape) {
                Ok(columns) => {
                    for column in columns {
                        if !picked.contains(&column) {
                            picked.push(column);
                        }
                    }
                }
                Err(fault) => faults.push(fault.under(&self.route(index))),
            }
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        if self.form == Form::Except {
            let all = Pattern::Group("all").select(shape).unwrap_or_default();
            return Ok(all.into_iter().filter(|column| !picked.contains(column)).collect());
        }
        Ok(picked)
    }

    /// The columns it picks of a table.
    pub fn resolve(&self, shape: &Shape) -> Result<Vec<String>, Fault> {
        self.select(shape).map_err(|faults| faults.into_iter().next().expect("an error has a fault"))
    }

    /// A fault of one picked column, at the word that picked it.
    pub fn blame(&self, column: &str, fault: Fault) -> Fault {
        let exact = self.patterns.iter().position(|pattern| pattern.text() == column);
        match exact {
            Some(index) => fault.under(&self.route(index)),
            None => fault,
        }
    }

    /// The columns that it names, if it names them one by one.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.patterns.iter().filter(|_| self.is_by_name()).map(Pattern::text)
    }

    /// Whether it names columns one by one.
    pub fn is_by_name(&self) -> bool {
        self.form != Form::Except && self.patterns.iter().all(|pattern| matches!(pattern, Pattern::Name(_)))
    }

    fn route(&self, index: usize) -> Route {
        match self.form {
            Form::One => Route::here(),
            Form::List => Route::here().index(index),
            Form::Except => Route::of(["except"]).index(index),
        }
    }
}

impl Serialize for Selector {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let texts: Vec<&str> = self.patterns.iter().map(Pattern::text).collect();
        match self.form {
            Form::Except => serde_json::json!({"except": texts}).serialize(serializer),
            Form::One | Form::List => texts.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Selector {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SelectorVisitor)
    }
}

struct SelectorVisitor;

impl<'de> de::Visitor<'de> for SelectorVisitor {
    type Value = Selector;

    fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str("a column, a list of columns, or a selector such as `numeric`")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Selector, E> {
        Ok(Selector { patterns: vec![Pattern::of(text)], form: Form::One })
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Selector, A::Error> {
        let mut patterns = Vec::new();
        while let Some(text) = list.next_element::<String>()? {
            patterns.push(Pattern::of(&text));
        }
        Ok(Selector { patterns, form: Form::List })
    }

    fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Selector, A::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Except {
            except: Vec<String>,
        }
        let Except { except } = Except::deserialize(de::value::MapAccessDeserializer::new(map))?;
        Ok(Selector::except(&except))
    }
}

impl JsonSchema for Selector {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Selector".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Columns: a name, a list, `numeric`, `categorical`, `text`, `temporal`, `all`, a quoted glob, or `{except: […]}`.",
            "anyOf": [
                {"enum": GROUPS},
                {"type": "string"},
                {"type": "array", "items": {"type": "string"}},
                {"type": "object", "required": ["except"], "additionalProperties": false,
                 "properties": {"except": {"type": "array", "items": {"type": "string"}}}}
            ]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape() -> Shape {
        let mut shape = Shape::of([
            ("species", Kind::Category),
            ("bill_length", Kind::Float),
            ("bill_depth", Kind::Float),
            ("year", Kind::Int),
            ("note", Kind::Text),
        ]);
        shape.protected.insert("species".to_owned());
        shape
    }

    fn pick(yaml: &str) -> Result<Vec<String>, Vec<String>> {
        let document = crate::source::Document::parse("x", yaml).expect("YAML");
        let selector: Selector = crate::source::decode(&document.root, &mut Vec::new()).expect("a selector");
        selector.select(&shape()).map_err(|faults| faults.iter().map(|f| format!("{}: {f}", f.route)).collect())
    }

    #[test]
    fn selectors_pick_by_type_and_leave_the_target_alone() {
        assert_eq!(pick("numeric"), Ok(vec!["bill_length".into(), "bill_depth".into(), "year".into()]));
        assert_eq!(pick("categorical"), Ok(vec![]));
        assert_eq!(pick("species"), Ok(vec!["species".into()]));
        assert_eq!(pick("[year, \"bill_*\"]"), Ok(vec!["year".into(), "bill_length".into(), "bill_depth".into()]));
        assert_eq!(pick("{except: [numeric]}"), Ok(vec!["note".into()]));
        assert_eq!(pick("all").map(|all| all.len()), Ok(4));
    }

    #[test]
    fn each_unknown_column_is_told_at_its_place() {
        let told = pick("[yaer, year, \"beak_*\"]").expect_err("unknown");
        assert_eq!(told, ["[0]: there is no column `yaer` here", "[2]: no column is like `beak_*`"]);
    }
}
