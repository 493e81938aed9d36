//! The reference pages, from the catalogues.

use serde_json::Value as Json;

use crate::expr::{Family, functions};
use crate::learn::{Direction, ENSEMBLE, ensemble_entry, metrics, models};
use crate::ops::catalogue;

const NOTE: &str = "<!-- Generated from the catalogue; don't edit. -->\n\n";

/// Every page: its name and its text.
pub fn pages() -> Vec<(&'static str, String)> {
    vec![
        ("ops.md", ops()),
        ("functions.md", functions_page()),
        ("models.md", models_page()),
        ("metrics.md", metrics_page()),
    ]
}

fn ops() -> String {
    let mut text = format!(
        "# Ops\n\n{NOTE}An op is an entry of a step's `ops`: its name and its argument. Columns are named by name, list, selector (`numeric`, \
         `categorical`, `text`, `temporal`, `all`), quoted glob (`\"bill_*\"`) or `{{except: [id]}}`; a selector never picks the target or a role. \
         After a `split`, an op that learns learns from the train rows only.\n"
    );
    for entry in catalogue() {
        let page = &entry.page;
        text.push_str(&format!("\n## {}\n\n{}\n\n```yaml\n- {}\n```\n\n", entry.name, page.summary, page.example));
        let learns = if page.learns.is_empty() { "nothing" } else { page.learns };
        text.push_str(&format!("- learns: {learns}\n- in a request: {}\n", page.serving));
        let fields = fields(&Json::from((entry.schema)()));
        if !fields.is_empty() {
            text.push_str("\n| field | meaning |\n| --- | --- |\n");
            for (name, meaning) in fields {
                text.push_str(&format!("| `{name}` | {meaning} |\n"));
            }
        }
        if let Some(field) = entry.shorthand {
            text.push_str(&format!("\nAn argument that isn't a map of fields stands for `{field}`.\n"));
        }
    }
    text
}

/// The fields of an argument with their descriptions.
fn fields(schema: &Json) -> Vec<(String, String)> {
    let properties = schema["properties"].as_object().into_iter().flatten();
    properties
        .map(|(name, field)| {
            (name.clone(), field["description"].as_str().unwrap_or_default().replace('\n', " ").replace('|', "\\|"))
        })
        .collect()
}

fn functions_page() -> String {
    let mut text = format!(
        "# Expressions\n\n{NOTE}Conditions (`filter`, `where`) and values (`derive`) are SQL, typed and checked against the columns before any row is \
         read, with the same meaning in tables and in requests.\n\n\
         - There is one \"no value\", null. A float that would be NaN or infinite is null; so are a division by zero, an integer that overflows, and a text that doesn't read fully as what it is cast to.\n\
         - `/` always gives a float. An int that meets a float is read as one.\n\
         - AND and OR are three-valued; a comparison with null is null, and a row whose condition is null isn't kept.\n\
         - Strings compare by their UTF-8 bytes. Strings are written in single quotes, columns with odd names in double quotes.\n\
         - `params.x` is bound as a typed value, never pasted as text.\n\
         - What changes from run to run (`now()`, `random()`) is refused.\n\n\
         Operators: `+ - * / %`, `= <> < <= > >=`, `AND OR NOT`, `IS NULL`, `IN (…)`, `BETWEEN … AND …`, `LIKE`, `ILIKE`, `||`, `& | << >>`, `CASE WHEN … THEN … ELSE … END`, `CAST(x AS type)`, `IS DISTINCT FROM`, `EXTRACT(YEAR FROM x)` (also `date_part('year', x)`), `x AT TIME ZONE 'Europe/Rome'`.\n"
    );
    let families = [
        (Family::Number, "Numbers"),
        (Family::Text, "Text"),
        (Family::Date, "Dates"),
        (Family::Conditional, "Conditions"),
        (Family::Cast, "Types"),
    ];
    for (family, title) in families {
        text.push_str(&format!(
            "\n## {title}\n\n| function | meaning | example | gives |\n| --- | --- | --- | --- |\n"
        ));
        for entry in functions().iter().filter(|entry| entry.family == family) {
            let plain = |text: &str| text.replace('|', "\\|");
            text.push_str(&format!(
                "| `{}` | {} | `{}` | `{}` |\n",
                plain(entry.signature),
                plain(entry.summary),
                plain(entry.example),
                plain(entry.result)
            ));
        }
    }
    text
}

fn models_page() -> String {
    let mut text = format!(
        "# Models\n\n{NOTE}Hyper-parameters stand under `with`, in scikit-learn's names; what isn't said has its default.\n"
    );
    for entry in models().iter().chain([ensemble_entry()]) {
        let tasks: Vec<&str> = entry.tasks.iter().map(|task| task.name()).collect();
        let takes = match (entry.missing, entry.categories) {
            _ if entry.name == ENSEMBLE => {
                " Takes missing values where every member does, and categories where those who read them do."
            }
            (true, true) => " Takes missing values and categories as they are.",
            (true, false) => " Takes missing values as they are.",
            _ => "",
        };
        let updates =
            if entry.updates { " Goes on from the model of last time, if `update: previous` says so." } else { "" };
        text.push_str(&format!(
            "\n## {}\n\n{}\n\nFor {}.{takes}{updates}\n\n```yaml\nmodel: {}\nwith: {}\n```\n",
            entry.name,
            entry.summary,
            tasks.join(" and "),
            entry.name,
            entry.example
        ));
        if entry.hyper.is_empty() {
            continue;
        }
        text.push_str("\n| hyper-parameter | default | may be | meaning |\n| --- | --- | --- | --- |\n");
        for hyper in entry.hyper {
            let plain = |text: &str| text.replace('|', "\\|");
            text.push_str(&format!(
                "| `{}` | `{}` | {} | {} |\n",
                hyper.name,
                hyper.default,
                plain(hyper.range),
                plain(hyper.summary)
            ));
        }
    }
    text
}

fn metrics_page() -> String {
    let mut text = format!(
        "# Metrics\n\n{NOTE}`coverage`, the share of rows that ops after the split didn't refuse, is always there and may be required. \
         What `require`, `promote_if`, slices and intervals make of metrics is told in [Judging](../judging.md).\n\n| metric | judges | better | meaning |\n| --- | --- | --- | --- |\n"
    );
    for entry in metrics() {
        let better = match entry.direction {
            Direction::Higher => "higher",
            Direction::Lower => "lower",
        };
        text.push_str(&format!("| `{}` | {} | {better} | {} |\n", entry.name, entry.task.name(), entry.summary));
    }
    text
}
