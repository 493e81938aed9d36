//! A file's text and tree, and the way from a route to a place in the text.

use std::ops::Range;
use std::sync::Arc;

use super::{At, Data, Diagnostic, Entry, Fault, Node, Route, Segment, parse};

/// A YAML file that could be read.
#[derive(Clone, Debug)]
pub struct Document {
    /// The file, as messages name it.
    pub name: String,
    /// Its text.
    pub text: Arc<str>,
    /// Its tree.
    pub root: Node,
    /// Steps as they were written whose matrix is wrong: the tree has the steps that were made of them.
    pub matrices: Vec<Entry>,
}

impl Document {
    /// Reads `text`; `name` is how messages name the file.
    ///
    /// # Errors
    /// Every mistake in the YAML itself, as far as it could be read.
    pub fn parse(name: &str, text: &str) -> Result<Self, Vec<Diagnostic>> {
        let text: Arc<str> = Arc::from(text.strip_prefix('\u{feff}').unwrap_or(text));
        match parse::parse(&text) {
            Ok(root) => Ok(Self { name: name.to_owned(), text, root, matrices: Vec::new() }),
            Err(mistakes) => {
                Err(mistakes.into_iter().map(|found| Diagnostic::new(name, &text, found.span, &found.fault)).collect())
            }
        }
    }

    /// The fault with its place in this document.
    pub fn diagnose(&self, fault: &Fault) -> Diagnostic {
        Diagnostic::new(&self.name, &self.text, self.locate(&fault.route, &fault.at), fault)
    }

    /// The bytes that a route leads to: as far as it can be followed, and then the last key on the way.
    fn locate(&self, route: &Route, at: &At) -> Range<usize> {
        let mut node = &self.root;
        let mut key: Option<Range<usize>> = None;
        for segment in route.segments() {
            let step = match (segment, &node.data) {
                (Segment::Key(name), Data::Map(entries)) => entries
                    .iter()
                    .chain(&self.matrices)
                    .find(|entry| entry.key == *name)
                    .map(|entry| (&entry.value, Some(entry.key_span.clone()))),
                (Segment::Index(index), Data::Seq(items)) => items.get(*index).map(|item| (item, None)),
                // A single value may stand where a list is meant.
                (Segment::Index(0), _) => Some((node, key.clone())),
                _ => None,
            };
            let Some((next, next_key)) = step else {
                return self.place(node, key, &At::Value);
            };
            node = next;
            key = next_key;
        }
        self.place(node, key, at)
    }

    fn place(&self, node: &Node, key: Option<Range<usize>>, at: &At) -> Range<usize> {
        match (at, key) {
            (At::Key, Some(key)) => key,
            (At::Inside(range), _) => self.inside(node, range),
            // A block of many lines is told by the key that leads to it.
            (_, Some(key))
                if node.span.is_empty()
                    || matches!(node.data, Data::Map(_) | Data::Seq(_))
                        && self.text[node.span.clone()].contains('\n') =>
            {
                key
            }
            _ => node.span.clone(),
        }
    }

    /// A range of a scalar's value as a range of the text: past quotes, folds and indentation.
    fn inside(&self, node: &Node, range: &Range<usize>) -> Range<usize> {
        let source = &self.text[node.span.clone()];
        let start = node.span.start;
        let Some(value) = node.as_str() else {
            return node.span.clone();
        };
        if let Some(found) = source.find(value) {
            return start + found + range.start..start + found + range.end;
        }
        let from = walk(source, value, range.start);
        start + from..start + walk(source, value, range.end).max(from + 1).min(source.len())
    }
}

/// Where byte `until` of `value` stands in `source`: past escapes; white space matches any white space.
fn walk(source: &str, value: &str, until: usize) -> usize {
    if source.starts_with('"') && source.contains('\\') {
        return past_escapes(source, until);
    }
    let header = if source.starts_with(['>', '|']) {
        source.find('\n').unwrap_or(0)
    } else {
        source.find(|c: char| !matches!(c, '"' | '\'')).unwrap_or(0)
    };
    let mut at = header;
    for (position, wanted) in value.char_indices() {
        if !wanted.is_whitespace() {
            match source[at..].find(wanted) {
                Some(ahead) => at += ahead,
                None => return at,
            }
        }
        if position >= until {
            return at;
        }
        if !wanted.is_whitespace() {
            at += wanted.len_utf8();
        }
    }
    at
}

/// Where byte `until` of a double-quoted scalar's value stands in its text.
fn past_escapes(source: &str, until: usize) -> usize {
    let mut at = 1;
    let mut value = 0;
    while value < until && at < source.len() {
        let next = source[at..].chars().next().unwrap_or(' ');
        if next != '\\' {
            at += next.len_utf8();
            value += next.len_utf8();
            continue;
        }
        let sign = source[at + 1..].chars().next().unwrap_or(' ');
        let digits = match sign {
            'x' => 2,
            'u' => 4,
            'U' => 8,
            _ => 0,
        };
        let code = source.get(at + 2..at + 2 + digits).and_then(|hex| u32::from_str_radix(hex, 16).ok());
        value += code.and_then(char::from_u32).map_or(1, char::len_utf8);
        at += 1 + sign.len_utf8() + digits;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, keys: &[&str], at: At) -> String {
        let document = Document::parse("x.yaml", text).expect("YAML");
        let fault = Fault { at, ..Fault::new("x", "wrong") }.under(&Route::of(keys.iter().copied()));
        let found = document.diagnose(&fault);
        let line = document.text.lines().nth(found.line - 1).expect("a line");
        line.chars().skip(found.column - 1).take(found.length).collect()
    }

    #[test]
    fn a_route_finds_values_keys_and_places_inside() {
        let text = "é: {b: 'x + yy'}\nc: \"a \\\"é\\\" zz\"\nd: >\n  one\n  two\ne: five six";
        assert_eq!(shown(text, &["é", "b"], At::Value), "'x + yy'");
        assert_eq!(shown(text, &["é", "b"], At::Key), "b");
        assert_eq!(shown(text, &["é", "b"], At::Inside(4..6)), "yy");
        assert_eq!(shown(text, &["c"], At::Inside(7..9)), "zz");
        assert_eq!(shown(text, &["d"], At::Inside(4..7)), "two");
        assert_eq!(shown(text, &["e"], At::Inside(5..8)), "six");
        assert_eq!(shown(text, &["e", "nothing"], At::Value), "five six");
        let escaped = "a: \"x \\x41ND \\u00e9 zz\"";
        assert_eq!(shown(escaped, &["a"], At::Inside(9..11)), "zz");
    }

    #[test]
    fn a_diagnostic_draws_a_caret() {
        let document = Document::parse("p.yaml", "steps:\n  a: {trees: 1}\n").expect("YAML");
        let fault = Fault::new("unknown-key", "there is no key `trees`").help("did you mean `n_estimators`?");
        let drawn = document.diagnose(&fault.on_key().under(&Route::of(["steps", "a", "trees"]))).render(false);
        assert!(drawn.contains("--> p.yaml:2:7"), "{drawn}");
        assert!(drawn.contains("^^^^^"), "{drawn}");
        assert!(drawn.contains("did you mean"), "{drawn}");
    }
}
