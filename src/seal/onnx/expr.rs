//! Expressions as operators: the third backend, which means what the other two mean.

use std::collections::BTreeMap;

use super::builder::Builder;
use super::cell::Cell;
use super::function;
use crate::data::Kind;
use crate::expr::{Expr, Node};

/// Columns by their names.
pub(super) type Columns = BTreeMap<String, Cell>;

/// What of an expression has no form in ONNX, and why.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Obstacle {
    /// As it is written.
    pub(super) what: String,
    /// The reason.
    pub(super) why: String,
}

/// The column that an expression makes. What can't go is noted among `obstacles`, and all of it is found.
pub(super) fn cell(
    expr: &Expr,
    columns: &Columns,
    builder: &mut Builder,
    obstacles: &mut Vec<Obstacle>,
) -> Option<Cell> {
    // What reads no column is worked out now.
    if expr.columns().is_empty() {
        let value = expr.compile(&|_| None).ok()?.eval(&[]);
        return Some(builder.literal(&value, expr.kind()));
    }
    match expr.node() {
        Node::Column { name, kind } => columns.get(name).map(|found| match found.kind {
            own if own.is_string() && kind.is_string() => Cell { kind: *kind, ..found.clone() },
            _ => found.clone(),
        }),
        Node::Literal { value, kind } => Some(builder.literal(value, *kind)),
        Node::Call { function, args, kind } => {
            let cells: Vec<Option<Cell>> = args.iter().map(|arg| cell(arg, columns, builder, obstacles)).collect();
            let cells: Vec<Cell> = cells.into_iter().collect::<Option<_>>()?;
            let call = Call { name: function.name, args, cells, kind: *kind };
            match function::apply(&call, builder) {
                Ok(made) => Some(made),
                Err(why) => {
                    obstacles.push(Obstacle { what: expr.to_string(), why });
                    None
                }
            }
        }
    }
}

/// A function with its arguments.
pub(super) struct Call<'a> {
    /// The function.
    pub(super) name: &'static str,
    /// The arguments as they are written.
    pub(super) args: &'a [Expr],
    /// The arguments as columns.
    pub(super) cells: Vec<Cell>,
    /// The result's type.
    pub(super) kind: Kind,
}
