//! Places in a line for `sh`: a path with spaces or quotes stays one word, in whatever quotes its mark stands.

use crate::spec::{Piece, pieces};

/// The quotes that a place stands in.
#[derive(Clone, Copy, PartialEq)]
enum Quotes {
    None,
    Single,
    Double,
}

/// A line with the places that its marks stand for.
pub(super) fn filled(line: &str, place: &dyn Fn(&str) -> String) -> String {
    let mut quotes = Quotes::None;
    let mut made = String::new();
    for piece in pieces(line) {
        match piece {
            Piece::Text(text) => {
                quotes = after(quotes, text);
                made.push_str(text);
            }
            Piece::Mark(mark) => made.push_str(&quoted(&place(mark), quotes)),
        }
    }
    made
}

/// The quotes that are open after a text.
fn after(mut quotes: Quotes, text: &str) -> Quotes {
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        quotes = match (quotes, letter) {
            (Quotes::None, '\'') => Quotes::Single,
            (Quotes::None, '"') => Quotes::Double,
            (Quotes::Single, '\'') | (Quotes::Double, '"') => Quotes::None,
            (Quotes::None | Quotes::Double, '\\') => {
                letters.next();
                quotes
            }
            _ => quotes,
        };
    }
    quotes
}

fn quoted(path: &str, quotes: Quotes) -> String {
    let within = || path.replace('\'', r"'\''");
    match quotes {
        Quotes::None if path.chars().all(|c| c.is_alphanumeric() || "/._-+=@%:,".contains(c)) => path.to_owned(),
        Quotes::None => format!("'{}'", within()),
        Quotes::Single => within(),
        Quotes::Double => {
            let escaped = path.chars().map(|c| if "\\\"$`".contains(c) { format!("\\{c}") } else { c.to_string() });
            escaped.collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_one_word_in_all_quotes() {
        let odd = "/a b/it's \"$HOME\"";
        assert_eq!(quoted(odd, Quotes::None), r#"'/a b/it'\''s "$HOME"'"#);
        assert_eq!(quoted(odd, Quotes::Single), r#"/a b/it'\''s "$HOME""#);
        assert_eq!(quoted(odd, Quotes::Double), r#"/a b/it's \"\$HOME\""#);
        assert_eq!(quoted("/data/x-1/o.csv", Quotes::None), "/data/x-1/o.csv");
        assert!(after(Quotes::None, r#"echo 'a "' "it's \" "#) == Quotes::Double);
        assert!(after(Quotes::None, r"echo \' ") == Quotes::None);
    }
}
