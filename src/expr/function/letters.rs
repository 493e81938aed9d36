//! On the characters of strings: their numbers, forms, accents and digests.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::text::{LONGEST, int, str, text};
use super::{Family, FunctionEntry, Gives, Kernel, Takes};
use crate::data::{Kind, Value};

const S: &[Takes] = &[Takes::Str];

pub(super) static ENTRIES: &[FunctionEntry] = &[
    text("initcap", S, Kind::Str, |args, _| Value::str(initcap(str(args, 0)))).doc(
        "initcap(x)",
        "Each word with a capital first and small letters then; words are of letters and digits.",
        "initcap('new YORK-city')",
        "New York-City",
    ),
    text("repeat", &[Takes::Str, Takes::Int], Kind::Str, repeat).doc(
        "repeat(x, n)",
        "n times one after the other; null where that were more than a million bytes.",
        "repeat('ab', 3)",
        "ababab",
    ),
    text("translate", &[Takes::Str, Takes::Str, Takes::Str], Kind::Str, translate).doc(
        "translate(x, from, to)",
        "Each character of `from` as the one of `to` in the same place; without it where `to` is shorter.",
        "translate('1.234,5', '.,', ',.')",
        "1,234.5",
    ),
    text("ascii", S, Kind::Int, |args, _| {
        Value::Int(str(args, 0).chars().next().map_or(0, |char| u32::from(char).into()))
    })
    .also(&["unicode", "ord"])
    .doc("ascii(x)", "The number of the first character in Unicode; 0 of an empty string.", "ascii('€')", "8364"),
    text("chr", &[Takes::Int], Kind::Str, |args, _| {
        let number = int(args, 0).and_then(|number| u32::try_from(number).ok()).filter(|number| *number > 0);
        number.and_then(char::from_u32).map_or(Value::Null, |char| Value::str(char.to_string()))
    })
    .doc("chr(n)", "The character of that number in Unicode; null if there is none.", "chr(8364)", "€"),
    text("strip_accents", S, Kind::Str, |args, _| {
        Value::str(str(args, 0).nfd().filter(|char| !is_combining_mark(*char)).nfc().collect::<String>())
    })
    .also(&["unaccent"])
    .doc("strip_accents(x)", "Letters without their accents.", "strip_accents('Ångström, é')", "Angstrom, e"),
    text("nfc_normalize", S, Kind::Str, |args, _| Value::str(str(args, 0).nfc().collect::<String>())).doc(
        "nfc_normalize(x)",
        "In Unicode's composed form (NFC), in which texts that look alike are equal.",
        "length(nfc_normalize('e' || chr(769)))",
        "1",
    ),
    text("octet_length", S, Kind::Int, |args, _| Value::Int(str(args, 0).len() as i64)).also(&["strlen"]).doc(
        "octet_length(x)",
        "How many bytes, in UTF-8.",
        "octet_length('äb')",
        "3",
    ),
    text("sha256", S, Kind::Str, |args, _| {
        let digest = Sha256::digest(str(args, 0).as_bytes());
        Value::str(digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
    })
    .doc(
        "sha256(x)",
        "The SHA-256 digest of its UTF-8, in base 16.",
        "left(sha256('abc'), 16)",
        "ba7816bf8f01cfea",
    ),
    FunctionEntry::new(
        "concat_ws",
        Family::Text,
        &[Takes::Str, Takes::Any],
        Gives::Is(Kind::Str),
        Kernel::Lenient(concat_ws),
    )
    .more()
    .doc(
        "concat_ws(separator, x, …)",
        "Joined with a separator between; nulls are left out.",
        "concat_ws('-', 'a', NULL, 1)",
        "a-1",
    ),
];

fn initcap(text: &str) -> String {
    let mut made = String::with_capacity(text.len());
    let mut inside = false;
    for char in text.chars() {
        match inside {
            true => made.extend(char.to_lowercase()),
            false => made.extend(char.to_uppercase()),
        }
        inside = char.is_alphanumeric();
    }
    made
}

fn repeat(args: &[Value], _: Kind) -> Value {
    let text = str(args, 0);
    let count = int(args, 1).unwrap_or(0).max(0);
    match (text.len() as i64).checked_mul(count) {
        Some(0) => Value::str(""),
        Some(size) if size <= LONGEST => Value::str(text.repeat(count as usize)),
        _ => Value::Null,
    }
}

/// Of a character that is twice in `from` the first place counts.
fn translate(args: &[Value], _: Kind) -> Value {
    let mut to = str(args, 2).chars();
    let mut becomes = BTreeMap::new();
    for char in str(args, 1).chars() {
        let new = to.next();
        becomes.entry(char).or_insert(new);
    }
    let made = str(args, 0).chars().filter_map(|char| becomes.get(&char).copied().unwrap_or(Some(char)));
    Value::str(made.collect::<String>())
}

fn concat_ws(args: &[Value], _: Kind) -> Value {
    let Value::Str(separator) = &args[0] else { return Value::Null };
    let parts = args[1..].iter().filter(|arg| !arg.is_null()).map(super::cast::text);
    Value::str(parts.collect::<Vec<_>>().join(separator))
}
