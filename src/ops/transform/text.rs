//! `text`: columns for the words of a text.

#[cfg(test)]
mod tests;
mod vocabulary;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::vocabulary::{How, Vocabulary};
use crate::data::{ColumnMap, Kind, Shape, Table};
use crate::expr::Scope;
use crate::ops::{FitContext, MEMBER, Op, Page, Serving, first, taken};
use crate::recipe::{RowStep, Term, Words};
use crate::source::Fault;

/// The argument of `text`: how words are counted, by column.
#[derive(Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Params(ColumnMap<How>);

/// The checked form.
#[derive(Serialize)]
pub struct Text {
    columns: ColumnMap<How>,
}

impl Op for Text {
    const NAME: &'static str = "text";
    const VERSION: u32 = 1;
    const PAGE: Page = Page {
        summary: "Makes a column for each word of a text (`review_good` …), in place of the column: how often the text has it (`counts`), or that times how rare the word is, with the squares of a row's columns summing up to 1 (`tfidf`), as scikit-learn's `CountVectorizer` and `TfidfVectorizer`. A word is two or more letters, digits or underscores, in lower case; with `ngrams: [1, 2]` pairs of neighbours count too (`review_not good`). The idf of a word that `d` of `n` train rows have is `ln((1 + n) / (1 + d)) + 1`. A missing text is one without words.",
        learns: "the vocabulary, and how many rows have each word",
        serving: Serving::Same,
        example: "text: {notes: {tfidf: {max: 500, ngrams: [1, 2]}}}",
    };
    type Params = Params;
    type Fitted = BTreeMap<String, Vocabulary>;

    fn check(params: Params, _: &Scope) -> Result<Self, Vec<Fault>> {
        let faults: Vec<Fault> = params
            .0
            .iter()
            .flat_map(|(key, how)| how.faults().into_iter().map(move |fault| fault.within(key)))
            .collect();
        if faults.is_empty() { Ok(Self { columns: params.0 }) } else { Err(faults) }
    }

    fn shape(&self, input: &Shape, fitted: Option<&Self::Fitted>, faults: &mut Vec<Fault>) -> Shape {
        let resolved = match self.columns.resolve(input) {
            Ok(resolved) => resolved,
            Err(found) => {
                faults.extend(found);
                return input.clone();
            }
        };
        let mut shape = input.clone();
        for (column, _) in &resolved {
            if let Some(kind) = input.kind(column).filter(|kind| !kind.is_string()) {
                let fault = Fault::new("wrong-type", format!("`{column}` is {kind}: only texts have words"));
                faults.push(fault.within(self.columns.key_of(column, input)));
            }
            shape.remove(column);
        }
        for (column, how) in resolved {
            let kind = if how.weighs() { Kind::Float } else { Kind::Int };
            match fitted.map(|fitted| fitted.get(&column)) {
                Some(vocabulary) => {
                    let terms = vocabulary.into_iter().flat_map(|vocabulary| &vocabulary.terms);
                    terms.for_each(|term| shape.set(&name(&column, term), kind));
                }
                None => shape.open(&name(&column, ""), kind),
            }
        }
        shape
    }

    fn learns(&self) -> bool {
        true
    }

    fn placeholder(&self, input: &Shape) -> Self::Fitted {
        let columns = self.columns.resolve(input).unwrap_or_default().into_iter();
        columns.map(|(column, how)| (column, how.placeholder(MEMBER))).collect()
    }

    fn fit(&self, table: &Table, _: &FitContext) -> Result<Self::Fitted, Fault> {
        let mut fitted = BTreeMap::new();
        let mut names: BTreeMap<String, String> = BTreeMap::new();
        for (column, how) in self.columns.resolve(&table.shape).map_err(first)? {
            let key = self.columns.key_of(&column, &table.shape);
            let vocabulary = how.vocabulary(table.training_column(&column)?).map_err(|fault| fault.within(key))?;
            for term in &vocabulary.terms {
                let name = name(&column, term);
                let other = names.insert(name.clone(), column.clone());
                if other.is_some() || table.shape.known(&name).is_some() {
                    return Err(taken(&name).within(key));
                }
            }
            fitted.insert(column, vocabulary);
        }
        Ok(fitted)
    }

    fn lower(&self, fitted: &Self::Fitted, input: &Shape) -> Result<Vec<RowStep>, Fault> {
        let mut steps = Vec::new();
        for (column, how) in self.columns.resolve(input).map_err(first)? {
            let Some(Vocabulary { terms, idf }) = fitted.get(&column) else { continue };
            let term = |term: &String| Term { term: term.clone(), name: name(&column, term) };
            let words = Words::new(&column, how.ngrams(), terms.iter().map(term).collect(), idf.clone())
                .map_err(|why| Fault::new("fitted-state", format!("what `text` learned is {why}")))?;
            steps.push(RowStep::Words(words));
        }
        let names = self.shape(input, Some(fitted), &mut Vec::new()).names().map(str::to_owned).collect();
        steps.push(RowStep::keep(names));
        Ok(steps)
    }
}

/// The column of a term.
fn name(column: &str, term: &str) -> String {
    format!("{column}_{term}")
}
