//! Where an alias points, and why.

use crate::registry::{LedgerRow, Move, Version};

/// The last line of the ledger about an alias and the last one that moved it, in words.
pub fn alias_story(name: &str, alias: &str, ledger: &[LedgerRow]) -> Vec<String> {
    let of: Vec<&LedgerRow> = ledger.iter().filter(|row| row.alias == alias).collect();
    let mut lines = Vec::new();
    let Some(moved) = of.iter().rfind(|row| row.moved) else {
        return lines;
    };
    let by = format!("on {} by {}", super::local(&moved.at), moved.actor);
    let from = |version: Option<Version>| version.map_or(String::new(), |before| format!(" from version {before}"));
    let because = if moved.why.is_empty() { String::new() } else { format!(", for {}", moved.why) };
    lines.push(match moved.what {
        Move::Decide => {
            format!("`{name}@{alias}` moved{} to version {} {by}{because}", from(moved.before), moved.version)
        }
        Move::Promote => {
            format!("`{name}@{alias}` was promoted{} to version {} {by}", from(moved.before), moved.version)
        }
        Move::Rollback => {
            format!("`{name}@{alias}` was rolled back{} to version {} {by}", from(moved.before), moved.version)
        }
    });
    let decided = of.iter().rfind(|row| row.what == Move::Decide);
    if let Some(decided) = decided.filter(|decided| decided.version != moved.version) {
        lines.push(format!(
            "the pipeline decided for version {} on {}; a run leaves the alias where it is until it decides anew",
            decided.version,
            super::local(&decided.at)
        ));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(what: Move, version: Version, before: Option<Version>) -> LedgerRow {
        LedgerRow {
            at: "noon".into(),
            name: "m".into(),
            alias: "champion".into(),
            what,
            version,
            before,
            moved: true,
            evidence: None,
            actor: "ann".into(),
            why: "`live` of the pipeline `p`".into(),
        }
    }

    #[test]
    fn a_decision_and_a_rollback_are_told() {
        assert!(alias_story("m", "champion", &[]).is_empty());
        let decided = [row(Move::Decide, 1, None), row(Move::Decide, 2, Some(1))];
        assert_eq!(
            alias_story("m", "champion", &decided),
            ["`m@champion` moved from version 1 to version 2 on noon by ann, for `live` of the pipeline `p`"]
        );
        let back = [&decided[..], &[row(Move::Rollback, 1, Some(2))]].concat();
        let lines = alias_story("m", "champion", &back);
        assert_eq!(lines[0], "`m@champion` was rolled back from version 2 to version 1 on noon by ann");
        assert!(lines[1].starts_with("the pipeline decided for version 2"), "{lines:?}");
        assert!(alias_story("m", "canary", &back).is_empty());
    }
}
