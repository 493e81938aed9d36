//! Expressions as SQL again. Reading it gives the same tree.

use std::fmt;

use super::calendar;
use super::function::Family;
use super::tree::{Expr, Node};
use crate::data::{Kind, Value};

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Node::Column { name, .. } => identifier(f, name),
            Node::Literal { value, kind } => literal(f, value, *kind),
            Node::Call { function, args, kind } => match function.family {
                Family::Operator => operator(f, function.name, args),
                Family::Cast if args.len() == 1 => write!(f, "CAST({} AS {})", args[0], kind.name().to_uppercase()),
                _ => write!(f, "{}({})", function.name, List(args)),
            },
        }
    }
}

/// An argument of an operator, in parentheses unless it stands for itself.
struct Operand<'a>(&'a Expr);

impl fmt::Display for Operand<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bare = match &self.0.0 {
            Node::Column { .. } => true,
            Node::Literal { value, .. } => match value {
                Value::Int(number) => *number >= 0,
                Value::Float(number) => number.is_sign_positive(),
                _ => true,
            },
            Node::Call { function, .. } => function.family != Family::Operator || function.name == "case",
        };
        if bare { write!(f, "{}", self.0) } else { write!(f, "({})", self.0) }
    }
}

struct List<'a>(&'a [Expr]);

impl fmt::Display for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (nth, item) in self.0.iter().enumerate() {
            let comma = if nth == 0 { "" } else { ", " };
            write!(f, "{comma}{item}")?;
        }
        Ok(())
    }
}

fn operator(f: &mut fmt::Formatter<'_>, name: &str, args: &[Expr]) -> fmt::Result {
    let first = Operand(&args[0]);
    match name {
        "neg" => write!(f, "-({})", args[0]),
        "not" => write!(f, "NOT {first}"),
        "is_null" => write!(f, "{first} IS NULL"),
        "is_true" => write!(f, "{first} IS TRUE"),
        "is_false" => write!(f, "{first} IS FALSE"),
        "in" => write!(f, "{first} IN ({})", List(&args[1..])),
        "case" => case(f, args),
        infix => {
            write!(f, "{first}")?;
            for arg in &args[1..] {
                write!(f, " {} {}", infix.to_uppercase(), Operand(arg))?;
            }
            Ok(())
        }
    }
}

fn case(f: &mut fmt::Formatter<'_>, args: &[Expr]) -> fmt::Result {
    f.write_str("CASE")?;
    for pair in args.chunks_exact(2) {
        write!(f, " WHEN {} THEN {}", pair[0], pair[1])?;
    }
    let otherwise = &args[args.len() - 1];
    if !otherwise.is_null_literal() {
        write!(f, " ELSE {otherwise}")?;
    }
    f.write_str(" END")
}

/// Bare if it can't be taken for anything but a column.
fn identifier(f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
    let plain = name.starts_with(|char: char| char.is_ascii_lowercase() || char == '_')
        && name.chars().all(|char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == '_')
        && !is_keyword(name);
    if plain { f.write_str(name) } else { write!(f, "\"{}\"", name.replace('"', "\"\"")) }
}

fn is_keyword(name: &str) -> bool {
    sqlparser::keywords::ALL_KEYWORDS.binary_search(&name.to_ascii_uppercase().as_str()).is_ok()
}

fn literal(f: &mut fmt::Formatter<'_>, value: &Value, kind: Kind) -> fmt::Result {
    match value {
        Value::Null if kind == Kind::Bool => f.write_str("NULL"),
        Value::Null => write!(f, "CAST(NULL AS {})", kind.name().to_uppercase()),
        Value::Bool(flag) => f.write_str(if *flag { "TRUE" } else { "FALSE" }),
        Value::Int(number) => write!(f, "{number}"),
        // With a point or an exponent always, so it stays a float.
        Value::Float(number) => write!(f, "{number:?}"),
        Value::Str(text) => write!(f, "'{}'", text.replace('\'', "''")),
        Value::Date(days) => write!(f, "DATE '{}'", calendar::date_text((*days).into())),
        Value::Datetime(micros) => write!(f, "TIMESTAMP '{}'", calendar::moment_text(*micros)),
        Value::Duration(micros) => write!(f, "INTERVAL '{micros}' MICROSECOND"),
    }
}
