//! On strings. Positions count characters from 1.

use super::{Family, FunctionEntry, Gives, Kernel, Takes};
use crate::data::{Kind, Value};
use crate::expr::murmur::murmur3;

/// Longer strings aren't made by padding or repeating: they would be a mistake in a number.
pub(super) const LONGEST: i64 = 1_000_000;

const S: &[Takes] = &[Takes::Str];
const SS: &[Takes] = &[Takes::Str, Takes::Str];
const SI: &[Takes] = &[Takes::Str, Takes::Int];

pub(super) const fn text(
    name: &'static str,
    takes: &'static [Takes],
    gives: Kind,
    kernel: fn(&[Value], Kind) -> Value,
) -> FunctionEntry {
    FunctionEntry::new(name, Family::Text, takes, Gives::Is(gives), Kernel::Strict(kernel))
}

pub(super) static ENTRIES: &[FunctionEntry] = &[
    text("lower", S, Kind::Str, |args, _| Value::str(str(args, 0).to_lowercase())).doc(
        "lower(x)",
        "In lower case.",
        "lower('Äb')",
        "äb",
    ),
    text("upper", S, Kind::Str, |args, _| Value::str(str(args, 0).to_uppercase())).doc(
        "upper(x)",
        "In upper case.",
        "upper('äb')",
        "ÄB",
    ),
    text("trim", SS, Kind::Str, |args, _| trim(args, true, true)).least(1).doc(
        "trim(x[, characters])",
        "Without blanks, or those characters, at both ends.",
        "trim('  a b ')",
        "a b",
    ),
    text("ltrim", SS, Kind::Str, |args, _| trim(args, true, false)).least(1).doc(
        "ltrim(x[, characters])",
        "Without them at the start.",
        "ltrim('xxa', 'x')",
        "a",
    ),
    text("rtrim", SS, Kind::Str, |args, _| trim(args, false, true)).least(1).doc(
        "rtrim(x[, characters])",
        "Without them at the end.",
        "rtrim('a--', '-')",
        "a",
    ),
    text("length", S, Kind::Int, |args, _| count(str(args, 0))).also(&["len", "char_length"]).doc(
        "length(x)",
        "How many characters.",
        "length('äb')",
        "2",
    ),
    text("substr", &[Takes::Str, Takes::Int, Takes::Int], Kind::Str, substr).also(&["substring"]).least(2).doc(
        "substr(x, start[, count])",
        "From the character at `start`, the first being 1.",
        "substr('abcd', 2, 2)",
        "bc",
    ),
    text("left", SI, Kind::Str, |args, _| ends(args, true)).doc(
        "left(x, n)",
        "The first n characters; without the last -n if n is negative.",
        "left('abc', 2)",
        "ab",
    ),
    text("right", SI, Kind::Str, |args, _| ends(args, false)).doc(
        "right(x, n)",
        "The last n characters; without the first -n if n is negative.",
        "right('abc', 2)",
        "bc",
    ),
    text("replace", &[Takes::Str, Takes::Str, Takes::Str], Kind::Str, replace).doc(
        "replace(x, old, new)",
        "With every `old` replaced.",
        "replace('a-b-c', '-', '+')",
        "a+b+c",
    ),
    FunctionEntry::new(
        "concat",
        Family::Text,
        &[Takes::Any],
        Gives::Is(Kind::Str),
        Kernel::Lenient(|args, _| join(args)),
    )
    .more()
    .doc(
        "concat(x, …)",
        "Joined; anything but strings is turned into text, nulls are left out.",
        "concat('a', 1, NULL, 'b')",
        "a1b",
    ),
    text("starts_with", SS, Kind::Bool, |args, _| Value::Bool(str(args, 0).starts_with(str(args, 1)))).doc(
        "starts_with(x, start)",
        "Whether it starts so.",
        "starts_with('abc', 'ab')",
        "true",
    ),
    text("ends_with", SS, Kind::Bool, |args, _| Value::Bool(str(args, 0).ends_with(str(args, 1)))).doc(
        "ends_with(x, end)",
        "Whether it ends so.",
        "ends_with('abc', 'ab')",
        "false",
    ),
    text("contains", SS, Kind::Bool, |args, _| Value::Bool(str(args, 0).contains(str(args, 1)))).doc(
        "contains(x, part)",
        "Whether the part is in it.",
        "contains('abc', 'b')",
        "true",
    ),
    text("strpos", SS, Kind::Int, |args, _| match str(args, 0).find(str(args, 1)) {
        Some(byte) => Value::Int(str(args, 0)[..byte].chars().count() as i64 + 1),
        None => Value::Int(0),
    })
    .doc("strpos(x, part)", "Where the part starts first; 0 if it isn't in it.", "strpos('äbc', 'c')", "3"),
    text("reverse", S, Kind::Str, |args, _| Value::str(str(args, 0).chars().rev().collect::<String>())).doc(
        "reverse(x)",
        "Backwards.",
        "reverse('abc')",
        "cba",
    ),
    text("lpad", &[Takes::Str, Takes::Int, Takes::Str], Kind::Str, |args, _| pad(args, true)).least(2).doc(
        "lpad(x, n[, fill])",
        "Filled up at the start, or cut at the end, to n characters.",
        "lpad('7', 3, '0')",
        "007",
    ),
    text("rpad", &[Takes::Str, Takes::Int, Takes::Str], Kind::Str, |args, _| pad(args, false)).least(2).doc(
        "rpad(x, n[, fill])",
        "Filled up, or cut, at the end to n characters.",
        "rpad('abc', 2)",
        "ab",
    ),
    text("split_part", &[Takes::Str, Takes::Str, Takes::Int], Kind::Str, split_part).doc(
        "split_part(x, separator, n)",
        "The n-th part between separators, the first being 1; empty if there are fewer.",
        "split_part('a/b/c', '/', 2)",
        "b",
    ),
    text("murmur3", S, Kind::Int, |args, _| Value::Int((murmur3(str(args, 0).as_bytes()) as i32).into())).doc(
        "murmur3(x)",
        "A number from -2147483648 to 2147483647 that is the same for equal texts everywhere: the 32-bit MurmurHash3 of the text in UTF-8.",
        "murmur3('foo')",
        "-156908512",
    ),
];

pub(super) fn str(args: &[Value], nth: usize) -> &str {
    match args.get(nth) {
        Some(Value::Str(text)) => text,
        _ => "",
    }
}

pub(super) fn int(args: &[Value], nth: usize) -> Option<i64> {
    match args.get(nth) {
        Some(Value::Int(number)) => Some(*number),
        _ => None,
    }
}

pub(super) fn count(text: &str) -> Value {
    Value::Int(text.chars().count() as i64)
}

/// All arguments as text, one after the other, nulls left out.
pub(super) fn join(args: &[Value]) -> Value {
    let mut joined = String::new();
    for arg in args {
        match arg {
            Value::Null => {}
            Value::Str(text) => joined.push_str(text),
            other => joined.push_str(&super::cast::text(other)),
        }
    }
    Value::str(joined)
}

fn trim(args: &[Value], start: bool, end: bool) -> Value {
    let among = |char: char| match args.get(1) {
        Some(Value::Str(set)) => set.contains(char),
        _ => char.is_whitespace(),
    };
    let mut text = str(args, 0);
    if start {
        text = text.trim_start_matches(among);
    }
    if end {
        text = text.trim_end_matches(among);
    }
    Value::str(text)
}

/// As in the standard: positions before the string count too, so `substr('abc', 0, 2)` is `a`.
fn substr(args: &[Value], _: Kind) -> Value {
    let Some(start) = int(args, 1) else { return Value::Null };
    let end = match int(args, 2) {
        Some(count) if count < 0 => return Value::Null,
        Some(count) => start.saturating_add(count),
        None => i64::MAX,
    };
    Value::str(slice(str(args, 0), start.max(1) - 1, end.max(1) - 1))
}

/// The characters from `from` up to, not including, `to`, both from zero.
fn slice(text: &str, from: i64, to: i64) -> &str {
    let byte = |nth: i64| {
        let nth = usize::try_from(nth).unwrap_or(0);
        text.char_indices().nth(nth).map_or(text.len(), |(byte, _)| byte)
    };
    if from < to { &text[byte(from)..byte(to)] } else { "" }
}

fn ends(args: &[Value], first: bool) -> Value {
    let text = str(args, 0);
    let length = text.chars().count() as i64;
    let wanted = int(args, 1).unwrap_or(0);
    let size = if wanted < 0 { length.saturating_add(wanted).max(0) } else { wanted.min(length) };
    let from = if first { 0 } else { length - size };
    Value::str(slice(text, from, from + size))
}

fn replace(args: &[Value], _: Kind) -> Value {
    match str(args, 1) {
        "" => args[0].clone(),
        old => Value::str(str(args, 0).replace(old, str(args, 2))),
    }
}

fn pad(args: &[Value], start: bool) -> Value {
    let text = str(args, 0);
    let size = int(args, 1).unwrap_or(0).max(0);
    let length = text.chars().count() as i64;
    if size > LONGEST {
        return Value::Null;
    }
    if size <= length {
        return Value::str(slice(text, 0, size));
    }
    let fill = if args.len() > 2 { str(args, 2) } else { " " };
    let filling: String = fill.chars().cycle().take((size - length) as usize).collect();
    Value::str(if start { filling + text } else { text.to_owned() + &filling })
}

fn split_part(args: &[Value], _: Kind) -> Value {
    let nth = int(args, 2).and_then(|nth| usize::try_from(nth).ok());
    let Some(before) = nth.and_then(|nth| nth.checked_sub(1)) else { return Value::str("") };
    let part = match str(args, 1) {
        "" => (before == 0).then(|| str(args, 0)),
        separator => str(args, 0).split(separator).nth(before),
    };
    Value::str(part.unwrap_or(""))
}
