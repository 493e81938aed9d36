//! Regular expressions, in the syntax of RE2: their time grows with the text alone.

use std::sync::Arc;

use super::text::str;
use super::{Family, FunctionEntry, Gives, Kernel, Mistake, Prepare, Prepared, Takes};
use crate::data::{Kind, Value};

const fn with(name: &'static str, takes: &'static [Takes], gives: Kind, prepare: Prepare) -> FunctionEntry {
    FunctionEntry::new(name, Family::Text, takes, Gives::Is(gives), Kernel::Prepared(prepare))
}

pub(super) static ENTRIES: &[FunctionEntry] = &[
    with("regexp_matches", &[Takes::Str, Takes::Constant], Kind::Bool, matches).doc(
        "regexp_matches(x, 'pattern')",
        "Whether a regular expression matches somewhere in it.",
        "regexp_matches('abc', '^a.c$')",
        "true",
    ),
    with("regexp_count", &[Takes::Str, Takes::Constant], Kind::Int, count).doc(
        "regexp_count(x, 'pattern')",
        "How many matches there are, one behind the other.",
        "regexp_count('a1b22', '[0-9]+')",
        "2",
    ),
    with("regexp_extract", &[Takes::Str, Takes::Constant, Takes::Int], Kind::Str, extract).least(2).doc(
        "regexp_extract(x, 'pattern'[, group])",
        "The first match, or what a group in parentheses matched in it; empty if nothing does.",
        "regexp_extract('size: 42 cm', '([0-9]+) (cm|m)', 1)",
        "42",
    ),
    with("regexp_replace", &[Takes::Str, Takes::Constant, Takes::Constant, Takes::Constant], Kind::Str, replace)
        .least(3)
        .doc(
            "regexp_replace(x, 'pattern', 'new'[, 'g'])",
            "With the first match replaced, with 'g' every one; `\\1` stands for what the first group matched, `\\0` for all of it.",
            "regexp_replace('2024-01', '([0-9]+)-([0-9]+)', '\\2/\\1')",
            "01/2024",
        ),
];

/// The compiled pattern. No function, because its type is of a library that only polars names.
macro_rules! pattern {
    ($constants:expr) => {
        polars::polars_utils::regex_cache::compile_regex(str($constants, 0))
            .map_err(|why| Mistake::of(Some(1), format!("this isn't a regular expression: {why}")))?
    };
}

/// A kernel on strings.
fn on_text(kernel: impl Fn(&str) -> Value + Send + Sync + 'static) -> Prepared {
    Arc::new(move |value| match value {
        Value::Str(text) => kernel(text),
        _ => Value::Null,
    })
}

fn matches(constants: &[Value], _: Kind) -> Result<Prepared, Mistake> {
    let pattern = pattern!(constants);
    Ok(on_text(move |text| Value::Bool(pattern.is_match(text))))
}

fn count(constants: &[Value], _: Kind) -> Result<Prepared, Mistake> {
    let pattern = pattern!(constants);
    Ok(on_text(move |text| Value::Int(pattern.find_iter(text).count() as i64)))
}

fn extract(constants: &[Value], _: Kind) -> Result<Prepared, Mistake> {
    let pattern = pattern!(constants);
    let group = match constants.get(1) {
        Some(Value::Int(group)) => usize::try_from(*group).unwrap_or(usize::MAX),
        None => 0,
        Some(_) => return Err(Mistake::of(Some(2), "the group is a number, and this is null")),
    };
    known(group, pattern.captures_len())?;
    Ok(on_text(move |text| {
        let found = pattern.captures(text).and_then(|captures| Some(captures.get(group)?.as_str().to_owned()));
        Value::str(found.unwrap_or_default())
    }))
}

fn replace(constants: &[Value], _: Kind) -> Result<Prepared, Mistake> {
    let pattern = pattern!(constants);
    let new = template(str(constants, 1), pattern.captures_len())?;
    let limit = match constants.get(2) {
        None => 1,
        Some(Value::Str(flags)) if &**flags == "g" => 0,
        Some(_) => return Err(Mistake::of(Some(3), "the last argument can be 'g' only, for every match")),
    };
    Ok(on_text(move |text| Value::str(pattern.replacen(text, limit, new.as_str()))))
}

/// `\1` as the library writes it, `${1}`; its own sign, `$`, is doubled.
fn template(new: &str, groups: usize) -> Result<String, Mistake> {
    let mut made = String::new();
    let mut chars = new.chars();
    while let Some(char) = chars.next() {
        match char {
            '$' => made.push_str("$$"),
            '\\' => match chars.next() {
                Some('\\') => made.push('\\'),
                Some(digit) if digit.is_ascii_digit() => {
                    known(digit as usize - '0' as usize, groups)?;
                    made.push_str(&format!("${{{digit}}}"));
                }
                _ => return Err(Mistake::of(Some(2), "in what is put in, `\\` stands before a digit or another `\\`")),
            },
            plain => made.push(plain),
        }
    }
    Ok(made)
}

fn known(group: usize, groups: usize) -> Result<(), Mistake> {
    match group < groups {
        true => Ok(()),
        false => Err(Mistake::of(
            Some(2),
            format!("the pattern has no group of that number in parentheses, but {}", groups - 1),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_checked_and_signs_are_plain() {
        let made = |constants: &[&str], text: &str| {
            let constants: Vec<Value> = constants.iter().copied().map(Value::str).collect();
            replace(&constants, Kind::Str).map(|ready| ready(&Value::str(text)).to_string())
        };
        assert_eq!(made(&["a", "$0\\\\"], "aa").as_deref(), Ok("$0\\a"));
        assert_eq!(made(&["(a)|b", "[\\1]", "g"], "abc").as_deref(), Ok("[a][]c"));
        for bad in [vec!["a", "\\1"], vec!["a", "\\"], vec!["a", "b", "x"], vec!["(", "b"]] {
            assert!(made(&bad, "a").is_err(), "{bad:?}");
        }
    }
}
