//! Which terms a column's texts have, and which of them become columns.

use std::collections::{BTreeMap, HashMap};

use polars::prelude::Column;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, de};

use crate::data::{elementary, unexpected};
use crate::recipe::terms;
use crate::source::{Fault, suggest};

/// How words are counted.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum How {
    /// How often a text has them.
    Counts(Options),
    /// The same, times how rare they are; the squares of a row sum up to 1.
    Tfidf(Options),
}

/// Which terms become columns.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// At most so many terms, those that stand most often in the train rows; of equals the first by the alphabet.
    max: Option<usize>,
    /// From how many to how many words in a row a term has; [1, 1] if not said.
    ngrams: Option<[usize; 2]>,
    /// Terms that fewer of the train rows have stay away: a number of rows, or a share of them below 1.
    min_df: Option<f64>,
    /// Terms that more of the train rows have stay away: a number of rows, or a share of them, 1.0 being all.
    max_df: Option<f64>,
}

/// The terms that become columns, in the order of their UTF-8 bytes.
#[derive(Debug, Deserialize, Serialize)]
pub struct Vocabulary {
    /// The terms.
    pub(super) terms: Vec<String>,
    /// The inverse document frequency of each, for `tfidf`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) idf: Option<Vec<f64>>,
}

const WAYS: [&str; 2] = ["counts", "tfidf"];

impl<'de> Deserialize<'de> for How {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(HowVisitor)
    }
}

struct HowVisitor;

impl<'de> de::Visitor<'de> for HowVisitor {
    type Value = How;

    fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str("`counts`, `tfidf`, or `{tfidf: {max: 500}}`")
    }

    fn visit_str<E: de::Error>(self, way: &str) -> Result<How, E> {
        how(way, Options::default())
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<How, A::Error> {
        let Some(way) = map.next_key::<String>()? else {
            return Err(de::Error::custom("say how words are counted: `{tfidf: {max: 500}}`"));
        };
        let found = how(&way, map.next_value::<Option<Options>>()?.unwrap_or_default())?;
        if map.next_key::<String>()?.is_some() {
            return Err(de::Error::custom("words are counted in one way only"));
        }
        Ok(found)
    }
}

fn how<E: de::Error>(way: &str, options: Options) -> Result<How, E> {
    match way {
        "counts" => Ok(How::Counts(options)),
        "tfidf" => Ok(How::Tfidf(options)),
        _ => {
            let help = suggest(way, WAYS).unwrap_or_else(|| "write `counts` or `tfidf`".to_owned());
            Err(E::custom(format!("there is no way `{way}` to count words: {help}")))
        }
    }
}

impl JsonSchema for How {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "HowWords".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let options = generator.subschema_for::<Options>();
        json_schema!({"anyOf": [
            {"enum": WAYS},
            {"type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": false,
             "properties": {"counts": options.clone(), "tfidf": options}}
        ]})
    }
}

impl How {
    fn options(&self) -> &Options {
        match self {
            How::Counts(options) | How::Tfidf(options) => options,
        }
    }

    /// Whether terms are weighed, so that the columns are floats.
    pub(super) fn weighs(&self) -> bool {
        matches!(self, How::Tfidf(_))
    }

    /// From how many to how many words a term has.
    pub(super) fn ngrams(&self) -> [usize; 2] {
        self.options().ngrams.unwrap_or([1, 1])
    }

    /// Every mistake in the options, with the route to its field.
    pub(super) fn faults(&self) -> Vec<Fault> {
        let way = if self.weighs() { "tfidf" } else { "counts" };
        let options = self.options();
        let mut faults = Vec::new();
        if options.max == Some(0) {
            faults.push(Fault::new("out-of-range", "`max` is at least 1, and this is 0").within("max"));
        }
        let [least, most] = self.ngrams();
        if least == 0 || least > most {
            let message = "`ngrams` is from how many to how many words, as in [1, 2]";
            faults.push(Fault::new("out-of-range", message).within("ngrams"));
        }
        for (key, df) in [("min_df", options.min_df), ("max_df", options.max_df)] {
            if let Some(df) = df.filter(|df| *df < 0.0 || (*df > 1.0 && df.fract() > 0.0) || !df.is_finite()) {
                let message = format!("`{key}` is a number of rows or a share of them, and this is {df}");
                faults.push(Fault::new("out-of-range", message).within(key));
            }
        }
        faults.into_iter().map(|fault| fault.within(way)).collect()
    }

    /// A vocabulary of one term, in place of one that isn't known yet.
    pub(super) fn placeholder(&self, term: &str) -> Vocabulary {
        Vocabulary { terms: vec![term.to_owned()], idf: self.weighs().then(|| vec![1.0]) }
    }

    /// The terms of these texts that become columns.
    ///
    /// # Errors
    /// If there are none.
    pub(super) fn vocabulary(&self, texts: &Column) -> Result<Vocabulary, Fault> {
        let texts = texts.str().map_err(unexpected)?;
        // How often each stands, and in how many texts.
        let mut found: HashMap<String, (usize, usize)> = HashMap::new();
        for text in texts.iter().flatten() {
            let mut own = terms(text, self.ngrams());
            own.sort_unstable();
            for same in own.chunk_by(|a, b| a == b) {
                let (times, rows) = match found.get_mut(&same[0]) {
                    Some(counts) => counts,
                    None => found.entry(same[0].clone()).or_default(),
                };
                *times += same.len();
                *rows += 1;
            }
        }
        let rows = texts.len();
        let options = self.options();
        let (least, most) = (
            options.min_df.map_or(1.0, |df| in_rows(df, rows, false)),
            options.max_df.map_or(f64::INFINITY, |df| in_rows(df, rows, true)),
        );
        let mut terms: Vec<(String, (usize, usize))> =
            found.into_iter().filter(|(_, (_, rows))| (least..=most).contains(&(*rows as f64))).collect();
        terms.sort_by(|(a, (times, _)), (b, (others, _))| others.cmp(times).then_with(|| a.cmp(b)));
        terms.truncate(options.max.unwrap_or(usize::MAX));
        if terms.is_empty() {
            let fault = Fault::new("no-value", format!("no word of any of {rows} train rows may become a column"));
            return Err(fault.help("drop the column, or let `min_df` and `max_df` leave some words"));
        }
        let terms: BTreeMap<String, usize> = terms.into_iter().map(|(term, (_, rows))| (term, rows)).collect();
        let idf = |having: &usize| elementary::ln((1 + rows) as f64 / (1 + having) as f64) + 1.0;
        let idf = self.weighs().then(|| terms.values().map(idf).collect());
        Ok(Vocabulary { terms: terms.into_keys().collect(), idf })
    }
}

/// A bound as a number of rows: below 1 it is a share of them; 1 is a share where all are meant, else a number.
fn in_rows(df: f64, rows: usize, all: bool) -> f64 {
    let is_share = df < 1.0 || (all && df == 1.0);
    if is_share { df * rows as f64 } else { df }
}
