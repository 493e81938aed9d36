//! The serialized form of an expression: its nodes in postfix order, each call telling how many of the nodes before it
//! are its arguments. Flat, so a long `a + b + c + …` meets no reader's limit of nesting.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use super::function::lookup;
use super::tree::{Expr, Node};
use crate::data::{Kind, Value};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Word {
    Column { name: String, kind: Kind },
    Literal { value: Value, kind: Kind },
    Call { function: String, args: usize, kind: Kind },
}

impl Serialize for Expr {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut words = Vec::new();
        spell(self, &mut words);
        words.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Expr {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(Vec::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

fn spell(expr: &Expr, words: &mut Vec<Word>) {
    let word = match &expr.0 {
        Node::Column { name, kind } => Word::Column { name: name.clone(), kind: *kind },
        Node::Literal { value, kind } => Word::Literal { value: value.clone(), kind: *kind },
        Node::Call { function, args, kind } => {
            for arg in args {
                spell(arg, words);
            }
            Word::Call { function: function.name.to_owned(), args: args.len(), kind: *kind }
        }
    };
    words.push(word);
}

/// Deeper trees than ops make aren't read: backends walk them by recursion.
const DEEPEST: usize = 1000;

/// What was read so far, with its depth.
type Stack = Vec<(Expr, usize)>;

fn read(words: Vec<Word>) -> Result<Expr, String> {
    let mut stack = Stack::new();
    for word in words {
        let (node, depth) = match word {
            Word::Column { name, kind } => (Node::Column { name, kind }, 1),
            Word::Literal { value, kind } => (literal(value, kind)?, 1),
            Word::Call { function, args, kind } => call(&mut stack, &function, args, kind)?,
        };
        stack.push((Expr(node), depth));
    }
    match (stack.pop(), stack.is_empty()) {
        (Some((expr, _)), true) => Ok(expr),
        _ => Err("an expression that isn't one tree".to_owned()),
    }
}

fn literal(value: Value, kind: Kind) -> Result<Node, String> {
    match value.kind() {
        Some(own) if own != kind => Err(format!("a constant of type {own} marked {kind}")),
        _ => Ok(Node::Literal { value, kind }),
    }
}

/// The call is typed again: what was written by another version, or by hand, can't make a tree that kernels choke on.
fn call(stack: &mut Stack, function: &str, args: usize, kind: Kind) -> Result<(Node, usize), String> {
    let entry = lookup(function).ok_or_else(|| format!("there is no function `{function}`"))?;
    let start = stack.len().checked_sub(args).ok_or("a call with too few arguments")?;
    let (args, depths): (Vec<Expr>, Vec<usize>) = stack.split_off(start).into_iter().unzip();
    let depth = 1 + depths.into_iter().max().unwrap_or(0);
    if depth > DEEPEST {
        return Err("an expression nested too deeply".to_owned());
    }
    match entry.apply(args).map_err(|mistake| mistake.message)?.0 {
        Node::Call { function, args, kind: found } if found == kind || found.is_string() && kind.is_string() => {
            Ok((Node::Call { function, args, kind }, depth))
        }
        _ => Err(format!("`{function}` doesn't give a {kind}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_is_flat_and_checked() {
        let sum = (0..500).fold(Expr::column("a", Kind::Int), |sum, nth| sum.add(Expr::literal(Value::Int(nth))));
        let json = serde_json::to_string(&sum).expect("serializes");
        assert_eq!(serde_json::from_str::<Expr>(&json).expect("reads"), sum);
        let small = serde_json::to_string(&Expr::column("a", Kind::Int).is_null()).expect("serializes");
        assert_eq!(
            small,
            r#"[{"column":{"name":"a","kind":"int"}},{"call":{"function":"is_null","args":1,"kind":"bool"}}]"#
        );
        for bad in [
            "[]",
            r#"[{"call":{"function":"not","args":1,"kind":"bool"}}]"#,
            r#"[{"column":{"name":"a","kind":"int"}},{"call":{"function":"lower","args":1,"kind":"str"}}]"#,
            r#"[{"literal":{"value":{"int":1},"kind":"str"}}]"#,
        ] {
            assert!(serde_json::from_str::<Expr>(bad).is_err(), "{bad}");
        }
    }
}
