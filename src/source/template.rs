//! Templates in scalars: `"{{ params.trees }}"`. Rendered on the tree, never on the text, so a value can't change a file's structure.

use std::collections::BTreeMap;

use minijinja::value::{Serde, ValueKind};
use minijinja::{Environment, UndefinedBehavior, Value};
use serde_json::Value as Json;

use super::{Data, Fault, Node, Route, suggest};

/// What templates may name: a map of values for each name in scope.
pub struct Templates {
    environment: Environment<'static>,
    names: BTreeMap<String, BTreeMap<String, Json>>,
}

impl Templates {
    /// With `names` in scope: `params` → (`trees` → 200).
    pub fn new(names: BTreeMap<String, BTreeMap<String, Json>>) -> Self {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        Self { environment, names }
    }

    /// The scalar's value: typed if it is one template and nothing else, text otherwise. `None` if it holds no template.
    fn scalar(&self, text: &str) -> Option<Result<Json, Fault>> {
        if !(text.contains("{{") || text.contains("{%")) {
            return None;
        }
        Some(match only_expression(text) {
            Some(inner) => self.expression(text, inner),
            None => self.text(text),
        })
    }

    fn expression(&self, text: &str, inner: &str) -> Result<Json, Fault> {
        let compiled = self.environment.compile_expression(inner).map_err(|error| failed(&error))?;
        self.known(text, compiled.undeclared_variables(true))?;
        let value = compiled.eval(Value::from(Serde(&self.names))).map_err(|error| failed(&error))?;
        if value.kind() == ValueKind::Undefined {
            return Err(Fault::new("undefined-name", format!("`{}` has no value", inner.trim())));
        }
        to_json(&value)
    }

    fn text(&self, text: &str) -> Result<Json, Fault> {
        let template = self.environment.template_from_str(text).map_err(|error| failed(&error))?;
        self.known(text, template.undeclared_variables(true))?;
        template.render(Value::from(Serde(&self.names))).map(Json::String).map_err(|error| failed(&error))
    }

    /// Every name is declared, or the first that isn't is a fault at its place.
    fn known(&self, text: &str, used: impl IntoIterator<Item = String>) -> Result<(), Fault> {
        let mut used: Vec<String> = used.into_iter().collect();
        used.sort();
        for path in used {
            let (scope, name) =
                path.split_once('.').map_or((path.as_str(), None), |(scope, rest)| (scope, rest.split('.').next()));
            let fault = match (self.names.get(scope), name) {
                (None, _) => Fault::new("undefined-name", format!("there is no `{scope}` in templates here"))
                    .maybe_help(suggest(scope, self.names.keys().map(String::as_str))),
                (Some(values), Some(name)) if !values.contains_key(name) => {
                    let message = format!("there is no `{name}` among the {scope}");
                    Fault::new("undefined-name", message).maybe_help(suggest(name, values.keys().map(String::as_str)))
                }
                _ => continue,
            };
            let named = name.map_or(scope.to_owned(), |name| format!("{scope}.{name}"));
            return Err(match text.find(&named) {
                Some(at) => fault.inside(at..at + named.len()),
                None => fault,
            });
        }
        Ok(())
    }
}

/// The expression of a text that is `{{ … }}` and nothing else.
fn only_expression(text: &str) -> Option<&str> {
    let inner = text.trim().strip_prefix("{{")?.strip_suffix("}}")?;
    (!inner.contains("{{") && !inner.contains("}}") && !inner.contains("{%")).then_some(inner)
}

fn to_json(value: &Value) -> Result<Json, Fault> {
    serde_json::to_value(value)
        .map_err(|error| Fault::new("template", "the template's value can't be written in YAML").because(error))
}

fn failed(error: &minijinja::Error) -> Fault {
    let message = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    Fault::new("template", format!("the template can't be rendered: {message}"))
}

/// Renders every scalar of the tree in place, save what `skip` says. Faults have their routes from `node`.
pub fn render_all(node: &mut Node, templates: &Templates, skip: &dyn Fn(&Route) -> bool, faults: &mut Vec<Fault>) {
    walk(node, templates, &Route::here(), skip, faults);
}

fn walk(node: &mut Node, templates: &Templates, route: &Route, skip: &dyn Fn(&Route) -> bool, faults: &mut Vec<Fault>) {
    if skip(route) {
        return;
    }
    match &mut node.data {
        Data::Seq(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                walk(item, templates, &route.index(index), skip, faults);
            }
        }
        Data::Map(entries) => {
            for entry in entries {
                walk(&mut entry.value, templates, &route.key(&entry.key), skip, faults);
            }
        }
        Data::Str(text) => match templates.scalar(text) {
            None => {}
            Some(Ok(value)) => *node = Node::from_json(&value, &node.span.clone()),
            Some(Err(fault)) => faults.push(fault.under(route)),
        },
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(text: &str) -> Result<Json, String> {
        let params = BTreeMap::from([("trees".to_owned(), Json::from(200)), ("name".to_owned(), Json::from("a: {b}"))]);
        let templates = Templates::new(BTreeMap::from([("params".to_owned(), params)]));
        let mut node = Node::made(Data::Str(text.to_owned()), 0..text.len());
        let mut faults = Vec::new();
        render_all(&mut node, &templates, &|_| false, &mut faults);
        match faults.pop() {
            Some(fault) => Err(format!("{fault}; {}", fault.help.clone().unwrap_or_default())),
            None => Ok(node.to_json()),
        }
    }

    #[test]
    fn a_lone_template_keeps_its_type_and_a_value_stays_a_value() {
        assert_eq!(render("{{ params.trees }}"), Ok(Json::from(200)));
        assert_eq!(render("{{ params.trees * 2 }}"), Ok(Json::from(400)));
        assert_eq!(render("n={{ params.trees }}"), Ok(Json::from("n=200")));
        assert_eq!(render("{{ params.name }}"), Ok(Json::from("a: {b}")));
    }

    #[test]
    fn an_undefined_name_is_told_with_the_nearest() {
        assert_eq!(
            render("{{ params.tree }}"),
            Err("there is no `tree` among the params; did you mean `trees`?".to_owned())
        );
        assert!(render("{{ parms.trees }}").expect_err("undefined").contains("did you mean `params`"));
        assert!(render("{{ 1 + }}").is_err());
    }
}
