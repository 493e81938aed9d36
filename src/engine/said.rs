//! What a program says: its lines, without secrets, and as they may be shown on a terminal.

use std::io::{BufRead, BufReader, Read};

/// A line is cut here, so that a program that writes none doesn't fill the memory.
const LONGEST: u64 = 1 << 16;
/// How much of a line a failure tells.
const TOLD_OF_LINE: usize = 500;
/// Secrets shorter than that would blacken every text.
const SHORTEST_SECRET: usize = 4;
/// What stands for a secret.
const MASK: &str = "***";

/// Gives the lines of a stream to `take` until it wants no more. A line that is too long is cut, but not within a secret.
pub(super) fn split(stream: impl Read, secrets: &[String], take: &mut dyn FnMut(String) -> bool) {
    let longest = parts(secrets).first().map_or(0, |part| part.len());
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end_matches(['\n', '\r']).to_owned();
    let mut stream = BufReader::new(stream);
    let mut bytes = Vec::new();
    while matches!(stream.by_ref().take(LONGEST).read_until(b'\n', &mut bytes), Ok(count) if count > 0) {
        let mut rest = Vec::new();
        if bytes.last() != Some(&b'\n') && bytes.len() as u64 >= LONGEST {
            mask(&mut bytes, secrets);
            // What comes next may be the end of a secret that begins here.
            rest = bytes.split_off(bytes.len().saturating_sub(longest));
        }
        if !take(text(&bytes)) {
            return;
        }
        bytes = rest;
    }
    if !bytes.is_empty() {
        take(text(&bytes));
    }
}

/// What is masked of secrets, the longest first: one may be part of another.
fn parts(secrets: &[String]) -> Vec<&str> {
    let lines = secrets.iter().flat_map(|secret| secret.lines());
    let mut parts: Vec<&str> = lines.filter(|part| part.len() >= SHORTEST_SECRET).collect();
    parts.sort_by_key(|part| std::cmp::Reverse(part.len()));
    parts
}

/// A line without secrets.
pub(super) fn masked(line: &str, secrets: &[String]) -> String {
    parts(secrets).into_iter().fold(line.to_owned(), |line, part| line.replace(part, MASK))
}

/// Takes secrets out of bytes that may begin and end within a letter.
fn mask(bytes: &mut Vec<u8>, secrets: &[String]) {
    for part in parts(secrets) {
        let mut from = 0;
        while let Some(found) = bytes[from..].windows(part.len()).position(|window| window == part.as_bytes()) {
            let start = from + found;
            bytes.splice(start..start + part.len(), MASK.bytes());
            from = start + MASK.len();
        }
    }
}

/// The beginning of a line, as far as an error tells it.
pub(super) fn beginning(line: &str) -> String {
    match line.char_indices().nth(TOLD_OF_LINE) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

/// A line as a terminal would be left by it: the last of what was written over, and nothing that moves or paints.
pub(super) fn plain(line: &str) -> String {
    let last = line.rsplit('\r').find(|part| !part.is_empty()).unwrap_or_default();
    let mut shown = String::new();
    let mut letters = last.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\u{1b}' if letters.next_if_eq(&'[').is_some() => {
                // The sign that ends an order is the first letter or sign from `@` on.
                letters.by_ref().find(|c| ('@'..='~').contains(c));
            }
            '\u{1b}' if letters.next_if_eq(&']').is_some() => {
                letters.by_ref().find(|c| matches!(c, '\u{7}' | '\\'));
            }
            '\t' => shown.push(letter),
            letter if letter.is_control() => {}
            letter => shown.push(letter),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_never_show_and_short_ones_do_not_blacken_everything() {
        let secrets = ["hunter22".to_owned(), "a".to_owned(), "one line\nand another".to_owned()];
        assert_eq!(masked("a key=hunter22; and another", &secrets), "a key=***; ***");
        let within = ["hunter".to_owned(), "hunter22".to_owned()];
        assert_eq!(masked("key=hunter22", &within), "key=***", "a part of another doesn't leave the rest of it");
    }

    #[test]
    fn a_line_that_is_cut_is_not_cut_within_a_secret() {
        let secrets = ["hünter22".to_owned()];
        for before in (LONGEST as usize - 12)..=(LONGEST as usize + 2) {
            let mut lines = Vec::new();
            let text = format!("{}hünter22 and more\n\nthe last", "x".repeat(before));
            split(text.as_bytes(), &secrets, &mut |line| {
                lines.push(masked(&line, &secrets));
                true
            });
            assert_eq!(lines.pop().expect("a line"), "the last");
            assert_eq!(lines.pop().expect("a line"), "", "lines without words are lines");
            assert_eq!(lines.concat(), format!("{}*** and more", "x".repeat(before)));
        }
    }

    #[test]
    fn what_is_shown_moves_and_paints_nothing() {
        assert_eq!(plain("\u{1b}[31mred\u{1b}[0m\tand\u{7} plain"), "red\tand plain");
        assert_eq!(plain("\u{1b}]0;a title\u{7}words\u{1b}[2J\u{1b}[H"), "words");
        assert_eq!(plain(" 10%\r 20%\r100%\r"), "100%");
        assert_eq!(plain("\u{1b}["), "");
    }
}
