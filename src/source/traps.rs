//! What YAML itself does to people: for each trap, what happened and how to write what was meant.

use std::ops::Range;

use super::parse::Misread;
use super::{Data, Entry, Fault, Node};

/// A scanner's error, as the trap it most likely is.
pub(super) fn scan_error(text: &str, at: usize, info: &str) -> Misread {
    let at = at.min(text.len());
    let line = line_of(text, at);
    let shown = &text[line.clone()];
    let indent = shown.len() - shown.trim_start().len();
    if let Some(tab) = shown[..indent].find('\t') {
        let tab = line.start + tab;
        let fault = Fault::new("yaml-tab", "a tab can't indent in YAML").help("indent with spaces");
        return Misread { span: tab..tab + 1, fault };
    }
    if info.contains("anchor") {
        let from = text[..at].rfind('*').filter(|star| *star >= line.start).unwrap_or(at);
        let star = text[from..line.end].find('*').map_or(from, |star| from + star);
        let name = word(&text[star..line.end]);
        let fault =
            Fault::new("yaml-alias", format!("`{name}` is an alias in YAML, and nothing is anchored by that name"))
                .help(format!("for a glob, quote it: \"{name}\""));
        return Misread { span: star..star + name.len(), fault };
    }
    if let Some(found) = value_traps(text, &line, info).or_else(|| before(text, &line, info)) {
        return found;
    }
    let fault = Fault::new("yaml", format!("this can't be read as YAML: {info}"));
    let end = text[at..].chars().next().map_or(at, |next| at + next.len_utf8());
    Misread { span: at..end, fault }
}

/// The scanner may stop a line after the one at fault.
fn before(text: &str, line: &Range<usize>, info: &str) -> Option<Misread> {
    let end = line.start.checked_sub(1)?;
    value_traps(text, &line_of(text, end), info)
}

/// Values that begin with a sign that YAML keeps for itself.
fn value_traps(text: &str, line: &Range<usize>, info: &str) -> Option<Misread> {
    let shown = &text[line.clone()];
    let value = shown.find(": ").map(|colon| colon + 2).or_else(|| shown.find("- ").map(|dash| dash + 2))?;
    let start = value + (shown[value..].len() - shown[value..].trim_start().len());
    let rest = shown[start..].trim_end();
    let at = line.start + start;
    let quoted = format!("quote it: \"{}\"", rest.replace('\\', "\\\\").replace('"', "\\\""));
    let fault = match rest.chars().next()? {
        '>' | '|' if rest.len() > 1 && info.contains("block scalar") => {
            let what = if rest.starts_with('>') { "a folded" } else { "a literal" };
            Fault::new("yaml-block", format!("`{}` begins {what} block in YAML", &rest[..1])).help(quoted)
        }
        '*' if info.contains("alias") => Fault::new("yaml-alias", "`*` begins an alias in YAML").help(quoted),
        '%' | '@' | '`' => {
            let sign = &rest[..1];
            Fault::new("yaml-sign", format!("no value can begin with `{sign}` in YAML")).help(quoted)
        }
        '{' if rest.starts_with("{{") => return Some(Misread { span: at..at + 2, fault: bare_template(text, at) }),
        _ => return None,
    };
    Some(Misread { span: at..at + rest.len(), fault })
}

/// A template that isn't quoted: YAML reads two maps.
pub(super) fn bare_template(text: &str, at: usize) -> Fault {
    let line = line_of(text, at);
    let rest = &text[at..line.end];
    let shown = rest.find("}}").map_or(rest.trim_end(), |end| &rest[..end + 2]);
    Fault::new("yaml-template", format!("a bare `{shown}` is a map in YAML")).help(format!("quote it: \"{shown}\""))
}

/// A plain scalar that a comment cut short in the middle of quotes, or a block header that swallowed an operator.
pub(super) fn plain_scalar(text: &str, span: &Range<usize>, value: &str) -> Option<Fault> {
    let line = line_of(text, span.end);
    let rest = &text[span.end..line.end];
    let odd = |quote: char| value.matches(quote).count() % 2 == 1;
    if !(rest.trim_start().starts_with('#') && rest.starts_with([' ', '\t']) && (odd('\'') || odd('"'))) {
        return None;
    }
    let whole = format!("{value}{}", rest.trim_end());
    let fault = Fault::new("yaml-comment", format!("` #` begins a comment in YAML, so this text ends at `{value}`"));
    Some(fault.help(format!("quote the whole: \"{}\"", whole.replace('"', "\\\""))))
}

/// `{c: coalesce(x, 0)}`: the comma ended the value.
pub(super) fn split_in_map(text: &str, entries: &[Entry]) -> Option<(Range<usize>, Fault)> {
    entries.windows(2).find_map(|pair| {
        let value = unclosed(&pair[0].value)?;
        let end = match pair[1].value.data {
            Data::Null => pair[1].key_span.end,
            _ => pair[1].value.span.end,
        };
        let whole = pair[0].value.span.start..end;
        (pair[1].key.matches(')').count() > pair[1].key.matches('(').count()
            || matches!(pair[1].value.data, Data::Null))
        .then(|| (whole.clone(), cut_by_comma(&pair[0].key, value, &text[whole])))
    })
}

/// `[coalesce(x, 0)]`: the same in a list.
pub(super) fn split_in_list(text: &str, items: &[Node]) -> Option<(Range<usize>, Fault)> {
    items.windows(2).find_map(|pair| {
        let value = unclosed(&pair[0])?;
        let next = &pair[1].text;
        let whole = pair[0].span.start..pair[1].span.end;
        (next.matches(')').count() > next.matches('(').count())
            .then(|| (whole.clone(), cut_by_comma("", value, &text[whole])))
    })
}

/// The text of a plain scalar with a bracket that isn't closed.
fn unclosed(node: &Node) -> Option<&str> {
    let plain = node.span.len() == node.text.len();
    (plain && node.text.matches('(').count() > node.text.matches(')').count()).then_some(node.text.as_str())
}

fn cut_by_comma(key: &str, value: &str, whole: &str) -> Fault {
    let name = if key.is_empty() { String::new() } else { format!("{key}: ") };
    Fault::new("yaml-comma", format!("inside `{{…}}` and `[…]` a comma ends a value, so this one is `{value}`"))
        .help(format!("quote the whole: {name}\"{}\"", whole.replace('"', "\\\"")))
}

/// The tag in front of a node at `start`, or at it.
pub(super) fn tag_before(text: &str, start: usize) -> Range<usize> {
    let line = line_of(text, start);
    let from = if text[start..].starts_with('!') {
        start
    } else {
        text[line.start..start].rfind('!').map_or(start, |found| line.start + found)
    };
    let from = text[line.start..from].rfind("!!").map_or(from, |found| (line.start + found).min(from));
    from..from + word(&text[from..line.end]).len().max(1).min(text.len() - from)
}

/// Up to white space or a sign of flow.
fn word(text: &str) -> &str {
    let end = text.find(|c: char| c.is_whitespace() || matches!(c, ',' | ']' | '}')).unwrap_or(text.len());
    &text[..end]
}

/// The line that holds the byte `at`, without its end.
fn line_of(text: &str, at: usize) -> Range<usize> {
    let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let end = text[at..].find('\n').map_or(text.len(), |newline| at + newline);
    start..end
}

#[cfg(test)]
mod tests {
    use crate::source::Document;

    /// The first message and its help, with the characters it points at.
    fn told(text: &str) -> (String, String) {
        let found = Document::parse("x.yaml", text).expect_err("a trap").swap_remove(0);
        let line = text.lines().nth(found.line - 1).expect("a line");
        let at: String = line.chars().skip(found.column - 1).take(found.length).collect();
        (format!("{at} | {}", found.message), found.help.unwrap_or_default())
    }

    #[test]
    fn each_trap_has_its_own_message() {
        let traps = [
            ("a: {c: coalesce(x, 0), d: 1}", "coalesce(x, 0) | inside", "quote the whole: c: \"coalesce(x, 0)\""),
            ("a: {c: coalesce(x, 0)}", "coalesce(x, 0) | inside", "quote the whole"),
            ("a: [pow(x, 2), y]", "pow(x, 2) | inside", "quote the whole"),
            ("a: [*_sin]", "*_sin | `*_sin` is an alias", "quote it: \"*_sin\""),
            ("a: *_sin", "*_sin | `*_sin` is an alias", "quote it: \"*_sin\""),
            ("a: !id", "!id | `!id` is a tag", "\"!id\""),
            ("a: [x, !id]", "!id | `!id` is a tag", "\"!id\""),
            ("a: city = 'a # b'", "city = 'a | ` #` begins a comment", "\"city = 'a # b'\""),
            ("a: {{ params.x }}", "{{ | a bare `{{ params.x }}`", "quote it: \"{{ params.x }}\""),
            ("a:\n  b: {n: {{ params.x }}}", "{{ | a bare `{{ params.x }}`", "quote it"),
            ("a: > 0", "> 0 | `>` begins a folded block", "quote it: \"> 0\""),
            ("a: >= 0", ">= 0 | `>` begins a folded block", "quote it"),
            ("a: %x", "%x | no value can begin", "quote it"),
            ("a:\n\tb: 1", "\t | a tab", "spaces"),
            ("a: 1\nb: 2\na: 3", "a | `a` is said twice", "line 1"),
            ("a: &x {b: 1}\nc:\n  <<: *x", "<< | merge keys", "write the keys out"),
            ("a: 1\n---\nb: 2", "--- | a file holds one document", "its own"),
        ];
        for (text, message, help) in traps {
            let (found, advice) = told(text);
            assert!(found.starts_with(message), "{text}: {found}");
            assert!(advice.contains(help), "{text}: {advice}");
        }
    }

    #[test]
    fn an_alias_bomb_is_refused_at_once() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let list = vec![format!("*a{}", level - 1); 10].join(", ");
            text.push_str(&format!("a{level}: &a{level} [{list}]\n"));
        }
        let (message, _) = told(&text);
        assert!(message.contains("aliases make more than"), "{message}");
        let deep = "[".repeat(5000);
        assert!(Document::parse("x", &deep).is_err());
    }

    #[test]
    fn what_is_right_is_read() {
        for text in [
            "a: \"{{ params.x }}\"",
            "a: [\"*_sin\", x]",
            "a: it's # a comment that's fine",
            "a: (x)\nb: {c: (d), e: 1}",
            "a: &x 1\nb: *x",
            "a: |\n  text\n  more",
            "",
            "# only a comment",
            "a: 'x > 0' # why 'not'",
        ] {
            let read = Document::parse("x.yaml", text);
            assert!(read.is_ok() || text.contains("it's"), "{text}: {read:?}");
        }
    }
}
