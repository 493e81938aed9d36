//! The words of a text counted: columns for the terms of a vocabulary.

use std::collections::{HashMap, HashSet};

use polars::prelude::{Column, DataFrame};
use serde::{Deserialize, Serialize};

use crate::data::{Kind, Value, unexpected};
use crate::source::Fault;

/// A column for each term of a vocabulary: how often a text has it, or its TF-IDF. A missing text has no terms.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct Words {
    column: String,
    /// From how many to how many words a term has.
    ngrams: [usize; 2],
    terms: Vec<Term>,
    /// The inverse document frequency of each term; none if terms are only counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    idf: Option<Vec<f64>>,
}

/// A term of the vocabulary.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Term {
    /// Its words, in lower case, a blank between them.
    pub term: String,
    /// The column that it makes.
    pub name: String,
}

#[derive(Deserialize)]
struct Written {
    column: String,
    ngrams: [usize; 2],
    terms: Vec<Term>,
    idf: Option<Vec<f64>>,
}

impl TryFrom<Written> for Words {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        Words::new(&written.column, written.ngrams, written.terms, written.idf)
    }
}

impl Words {
    /// The terms of a column's texts.
    ///
    /// # Errors
    /// When there aren't as many weights as terms, one is no number, a term stands twice, or terms are of no words.
    pub fn new(column: &str, ngrams: [usize; 2], terms: Vec<Term>, idf: Option<Vec<f64>>) -> Result<Self, String> {
        if ngrams[0] == 0 || ngrams[0] > ngrams[1] {
            return Err(format!("terms of {} to {} words", ngrams[0], ngrams[1]));
        }
        let known: HashSet<&String> = terms.iter().map(|term| &term.term).collect();
        if known.len() < terms.len() {
            return Err("a vocabulary with a term that stands twice".to_owned());
        }
        if idf.as_ref().is_some_and(|idf| idf.len() != terms.len() || idf.iter().any(|weight| !weight.is_finite())) {
            return Err("a vocabulary whose weights don't fit".to_owned());
        }
        Ok(Self { column: column.to_owned(), ngrams, terms, idf })
    }

    /// The column that it reads.
    pub fn column(&self) -> &String {
        &self.column
    }

    /// The columns that it makes.
    pub fn outputs(&self) -> impl Iterator<Item = &String> {
        self.terms.iter().map(|term| &term.name)
    }

    /// The type of those columns.
    fn kind(&self) -> Kind {
        if self.idf.is_some() { Kind::Float } else { Kind::Int }
    }

    /// Made ready to be asked.
    pub(super) fn index(&self) -> Index {
        let places = self.terms.iter().zip(0..).map(|(term, place)| (term.term.clone(), place)).collect();
        Index { ngrams: self.ngrams, places, idf: self.idf.clone() }
    }

    /// A table with the columns that are made.
    pub(super) fn apply(&self, mut frame: DataFrame) -> Result<DataFrame, Fault> {
        let index = self.index();
        let texts = frame.column(&self.column).and_then(|column| column.str()).map_err(unexpected)?;
        let mut made = vec![vec![0.0; frame.height()]; self.terms.len()];
        for (row, text) in texts.iter().enumerate() {
            for (place, value) in index.weights(text.unwrap_or_default()) {
                made[place][row] = value;
            }
        }
        for (name, cells) in self.outputs().zip(made) {
            let column = match self.kind() {
                Kind::Int => Column::new(name.into(), cells.into_iter().map(|count| count as i64).collect::<Vec<_>>()),
                _ => Column::new(name.into(), cells),
            };
            frame.with_column(column).map_err(unexpected)?;
        }
        Ok(frame)
    }
}

/// A vocabulary by its terms.
pub(super) struct Index {
    ngrams: [usize; 2],
    places: HashMap<String, usize>,
    idf: Option<Vec<f64>>,
}

impl Index {
    /// The places of the terms that a text has, in their order, with what stands there: both backends call it.
    ///
    /// Counts as scikit-learn's `CountVectorizer`; with weights, count × idf, and the sum of squares over all terms is 1, as
    /// its `TfidfVectorizer`.
    fn weights(&self, text: &str) -> Vec<(usize, f64)> {
        let mut found: Vec<usize> =
            terms(text, self.ngrams).iter().filter_map(|term| self.places.get(term)).copied().collect();
        found.sort_unstable();
        let counted = found.chunk_by(|a, b| a == b).map(|same| (same[0], same.len() as f64));
        let Some(idf) = &self.idf else { return counted.collect() };
        let weighted: Vec<(usize, f64)> = counted.map(|(place, count)| (place, count * idf[place])).collect();
        let length = weighted.iter().fold(0.0, |sum, (_, weight)| sum + weight * weight).sqrt();
        weighted.into_iter().map(|(place, weight)| (place, weight / length)).collect()
    }

    /// The values that one record's text gives, in the order of the terms.
    pub(super) fn values(&self, text: &Value) -> Vec<Value> {
        let text = if let Value::Str(text) = text { text } else { "" };
        let (nothing, of): (Value, fn(f64) -> Value) = match self.idf {
            Some(_) => (Value::Float(0.0), Value::Float),
            None => (Value::Int(0), |count| Value::Int(count as i64)),
        };
        let mut values = vec![nothing; self.places.len()];
        for (place, weight) in self.weights(text) {
            values[place] = of(weight);
        }
        values
    }
}

/// The terms of a text, one after the other: its words in lower case, and so many of them in a row as `ngrams` says, with a
/// blank between. A word is two or more letters, digits or underscores without anything between.
pub fn terms(text: &str, ngrams: [usize; 2]) -> Vec<String> {
    let text = text.to_lowercase();
    let is_within = |char: char| char.is_alphanumeric() || char == '_';
    let words: Vec<&str> = text.split(|char| !is_within(char)).filter(|word| word.chars().nth(1).is_some()).collect();
    let [least, most] = ngrams;
    (least..=most.min(words.len())).flat_map(|size| words.windows(size).map(|words| words.join(" "))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{column_of, value_at};
    use crate::recipe::{Evaluator, RowStep, apply};

    #[test]
    fn words_are_parted_as_by_scikit_learn() {
        let of = |text| terms(text, [1, 1]);
        assert_eq!(of("Not good, I'd say: NOT_good 2x!"), ["not", "good", "say", "not_good", "2x"]);
        assert_eq!(of("Straße ÉTÉ 東京 a é"), ["straße", "été", "東京"]);
        assert!(of("").is_empty() && of(" - ").is_empty());
        assert_eq!(terms("one two three", [1, 2]), ["one", "two", "three", "one two", "two three"]);
        assert_eq!(terms("one two", [2, 5]), ["one two"]);
        assert!(terms("one", [2, 2]).is_empty());
    }

    #[test]
    fn tables_and_records_come_out_the_same() {
        let texts = [Value::str("good good food"), Value::str("bad"), Value::Null, Value::str("")];
        let term = |term: &str| Term { term: term.to_owned(), name: format!("t_{term}") };
        for idf in [None, Some(vec![1.0, 2.0])] {
            let words = Words::new("t", [1, 2], vec![term("food"), term("good")], idf.clone()).expect("fits");
            let json = serde_json::to_string(&words).expect("serializes");
            assert_eq!(serde_json::from_str::<Words>(&json).expect("reads"), words);
            let steps = [RowStep::Words(words)];
            let frame = DataFrame::new(4, vec![column_of("t", Kind::Text, &texts)]).expect("a frame");
            let frame = apply(&steps, frame).expect("applies").frame;
            let outputs = ["t_food", "t_good"].map(str::to_owned);
            let evaluator = Evaluator::new(&steps, &["t".to_owned()], &outputs).expect("compiles");
            let (mut scratch, mut out) = (Vec::new(), Vec::new());
            for (row, text) in texts.iter().enumerate() {
                evaluator.run(std::slice::from_ref(text), &mut scratch, &mut out).expect("passes");
                let cells = outputs.clone().map(|name| value_at(frame.column(&name).expect("made"), row));
                assert_eq!(out, cells, "row {row}");
                let expected = match (row, &idf) {
                    (0, None) => [Value::Int(1), Value::Int(2)],
                    (_, None) => [Value::Int(0), Value::Int(0)],
                    (0, _) => [Value::Float(1.0 / 17f64.sqrt()), Value::Float(4.0 / 17f64.sqrt())],
                    _ => [Value::Float(0.0), Value::Float(0.0)],
                };
                assert_eq!(cells, expected, "row {row}");
            }
        }
    }

    #[test]
    fn a_vocabulary_made_by_hand_is_checked() {
        for bad in [
            r#"{"column":"t","ngrams":[0,1],"terms":[]}"#,
            r#"{"column":"t","ngrams":[2,1],"terms":[]}"#,
            r#"{"column":"t","ngrams":[1,1],"terms":[{"term":"a","name":"b"}],"idf":[]}"#,
            r#"{"column":"t","ngrams":[1,1],"terms":[{"term":"a","name":"b"},{"term":"a","name":"c"}]}"#,
        ] {
            assert!(serde_json::from_str::<Words>(bad).is_err(), "{bad}");
        }
    }
}
