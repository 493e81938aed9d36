//! How far two strings are from each other.

use super::text::{count, str, text};
use super::{FunctionEntry, Takes};
use crate::data::{Kind, Value};

const SS: &[Takes] = &[Takes::Str, Takes::Str];
/// Longer strings aren't compared letter by letter: the time grows with the product of their lengths.
const LONGEST: usize = 10_000;

pub(super) static ENTRIES: &[FunctionEntry] = &[
    text("levenshtein", SS, Kind::Int, |args, _| within(args, |a, b| Value::Int(strsim::levenshtein(a, b) as i64)))
        .also(&["editdist3"])
        .doc(
            "levenshtein(x, y)",
            "How many characters must be put in, taken out or changed to make y of x; null beyond 10,000 bytes.",
            "levenshtein('kitten', 'sitting')",
            "3",
        ),
    text("damerau_levenshtein", SS, Kind::Int, |args, _| {
        within(args, |a, b| Value::Int(strsim::damerau_levenshtein(a, b) as i64))
    })
    .doc(
        "damerau_levenshtein(x, y)",
        "The same, where two neighbours that change places count once.",
        "damerau_levenshtein('form', 'from')",
        "1",
    ),
    text("jaro_similarity", SS, Kind::Float, |args, _| within(args, |a, b| Value::Float(strsim::jaro(a, b)))).doc(
        "jaro_similarity(x, y)",
        "By letters in common and their order, from 0 to 1 (Jaro); null beyond 10,000 bytes.",
        "round(jaro_similarity('martha', 'marhta'), 4)",
        "0.9444",
    ),
    text("jaro_winkler_similarity", SS, Kind::Float, |args, _| {
        within(args, |a, b| Value::Float(strsim::jaro_winkler(a, b)))
    })
    .doc(
        "jaro_winkler_similarity(x, y)",
        "The same, more where the first letters are equal (Winkler): for names with slips of the pen.",
        "round(jaro_winkler_similarity('martha', 'marhta'), 4)",
        "0.9611",
    ),
    text("hamming", SS, Kind::Int, hamming).also(&["mismatches"]).doc(
        "hamming(x, y)",
        "In how many places two strings of one length differ; null of others.",
        "hamming('karolin', 'kathrin')",
        "3",
    ),
];

fn within(args: &[Value], distance: fn(&str, &str) -> Value) -> Value {
    let (a, b) = (str(args, 0), str(args, 1));
    if a.len().max(b.len()) > LONGEST { Value::Null } else { distance(a, b) }
}

fn hamming(args: &[Value], _: Kind) -> Value {
    let (a, b) = (str(args, 0), str(args, 1));
    if count(a) != count(b) {
        return Value::Null;
    }
    Value::Int(a.chars().zip(b.chars()).filter(|(a, b)| a != b).count() as i64)
}
