//! Places of inputs and outputs in the commands of programs: known only when a program runs, so that until then a mark
//! stands for each: `{{ inputs.features.train }}`.

use crate::source::{Data, Node};

/// Around the name that a mark stands for: signs that Unicode gives no meaning, so that no text of a file has them.
const OPEN: char = '\u{F0000}';
const CLOSE: char = '\u{F0001}';

/// A piece of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// As it stands.
    Text(&'a str),
    /// What stands for `inputs.features.train` or `outputs.model`.
    Mark(&'a str),
}

/// Puts marks in place of `{{ inputs.… }}` and `{{ outputs.… }}` in every scalar of the tree.
pub(super) fn hold(node: &mut Node) {
    match &mut node.data {
        Data::Str(text) if text.contains("{{") => {
            let held = held(text);
            *text = held;
        }
        Data::Seq(items) => items.iter_mut().for_each(hold),
        Data::Map(entries) => entries.iter_mut().for_each(|entry| hold(&mut entry.value)),
        _ => {}
    }
}

fn held(text: &str) -> String {
    let mut made = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("{{") {
        let (before, from) = rest.split_at(start);
        made.push_str(before);
        let name = from.find("}}").map(|end| (from[2..end].trim(), end + 2));
        match name.filter(|(name, _)| is_place(name)) {
            Some((name, end)) => {
                made.extend([OPEN].into_iter().chain(name.chars()).chain([CLOSE]));
                rest = &from[end..];
            }
            None => {
                made.push_str("{{");
                rest = &from[2..];
            }
        }
    }
    made + rest
}

fn is_place(name: &str) -> bool {
    let plain = !name.contains(|c: char| c.is_whitespace() || matches!(c, '|' | '(' | '[' | '{'));
    plain && (name.starts_with("inputs.") || name.starts_with("outputs."))
}

/// A text taken apart at its marks.
pub fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, from)) = rest.split_once(OPEN) {
        let (name, after) = from.split_once(CLOSE).unwrap_or((from, ""));
        pieces.extend([Piece::Text(before), Piece::Mark(name)]);
        rest = after;
    }
    pieces.push(Piece::Text(rest));
    pieces.retain(|piece| *piece != Piece::Text(""));
    pieces
}

/// A text as it was written.
pub fn written(text: &str) -> String {
    text.replace(OPEN, "{{ ").replace(CLOSE, " }}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_held_and_other_templates_are_not() {
        let text = "a {{inputs.f.train}} {{ params.x }} --out={{ outputs.m }} {{ inputs.f | upper }} {{ open";
        let held = held(text);
        let marks: Vec<_> = pieces(&held).into_iter().filter(|piece| matches!(piece, Piece::Mark(_))).collect();
        assert_eq!(marks, [Piece::Mark("inputs.f.train"), Piece::Mark("outputs.m")]);
        assert_eq!(
            written(&held),
            "a {{ inputs.f.train }} {{ params.x }} --out={{ outputs.m }} {{ inputs.f | upper }} {{ open"
        );
    }

    #[test]
    fn a_text_without_marks_is_one_piece() {
        assert_eq!(pieces("sh -c 'ls'"), [Piece::Text("sh -c 'ls'")]);
        assert_eq!(pieces(""), []);
    }
}
