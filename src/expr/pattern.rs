//! Patterns of LIKE: `%` is any run of characters, `_` any one, `\` takes the next as it is.

#[derive(Debug, PartialEq)]
enum Piece {
    Run,
    One,
    Char(char),
}

/// A pattern ready to match.
#[derive(Debug)]
pub struct Like {
    pieces: Vec<Piece>,
    fold: bool,
}

impl Like {
    /// Reads a pattern. With `fold`, case doesn't count (ILIKE).
    pub fn new(text: &str, fold: bool) -> Result<Self, String> {
        let folded = if fold { text.to_lowercase() } else { text.to_owned() };
        let mut pieces = Vec::new();
        let mut chars = folded.chars();
        while let Some(char) = chars.next() {
            pieces.push(match char {
                '%' => Piece::Run,
                '_' => Piece::One,
                '\\' => Piece::Char(chars.next().ok_or("the pattern ends in the middle of an escape")?),
                plain => Piece::Char(plain),
            });
        }
        pieces.dedup_by(|a, b| *a == Piece::Run && *b == Piece::Run);
        Ok(Self { pieces, fold })
    }

    /// Whether all of `text` matches.
    pub fn matches(&self, text: &str) -> bool {
        if self.fold { self.walk(&text.to_lowercase()) } else { self.walk(text) }
    }

    /// Greedy with one point to return to, the last run: enough, because a later run makes earlier ones final.
    fn walk(&self, text: &str) -> bool {
        let mut rest = text.chars();
        let mut at = 0;
        let mut retry = None;
        loop {
            let here = rest.clone();
            let next = rest.next();
            match (self.pieces.get(at), next) {
                (Some(Piece::Run), _) => {
                    rest = here.clone();
                    at += 1;
                    retry = Some((at, here));
                }
                (Some(Piece::One), Some(_)) => at += 1,
                (Some(Piece::Char(want)), Some(found)) if *want == found => at += 1,
                (None, None) => return true,
                _ => {
                    let Some((back, mut from)) = retry.take() else { return false };
                    if from.next().is_none() {
                        return false;
                    }
                    rest = from.clone();
                    at = back;
                    retry = Some((back, from));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Like;

    #[test]
    fn patterns_match_all_of_a_text() {
        let hit = |pattern: &str, text: &str| Like::new(pattern, false).expect("a pattern").matches(text);
        assert!(hit("%", "") && hit("a%c", "abbc") && hit("_é%", "xéz") && hit("%ab%ab%", "abxab"));
        assert!(!hit("a%c", "abcd") && !hit("_", "") && !hit("%abab", "abxab") && hit("100\\%", "100%"));
        assert!(Like::new("Ä%", true).expect("a pattern").matches("äb"));
        assert!(Like::new("a\\", false).is_err());
    }
}
