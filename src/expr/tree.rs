//! The typed tree of an expression. Every node knows its type, none knows where it was written.

use std::collections::BTreeSet;

use super::function::FunctionEntry;
use crate::data::{Kind, Value};

/// A typed expression. Its serialized form is canonical and flat (see `wire.rs`), so depth is no limit to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr(pub(super) Node);

/// What an expression is made of. Operators, casts, `CASE` and `IN` are calls too.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// A column.
    Column {
        /// Its name.
        name: String,
        /// Its type.
        kind: Kind,
    },
    /// A constant.
    Literal {
        /// The value: of `kind`, or null.
        value: Value,
        /// Its type, which null has too.
        kind: Kind,
    },
    /// A function of the catalogue, applied.
    Call {
        /// Which.
        function: &'static FunctionEntry,
        /// To what; their number and types fit the function.
        args: Vec<Expr>,
        /// The result's type.
        kind: Kind,
    },
}

impl Expr {
    /// What it is made of, for backends.
    pub fn node(&self) -> &Node {
        &self.0
    }

    /// Its type.
    pub fn kind(&self) -> Kind {
        match &self.0 {
            Node::Column { kind, .. } | Node::Literal { kind, .. } | Node::Call { kind, .. } => *kind,
        }
    }

    /// The columns it reads.
    pub fn columns(&self) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        self.visit(&mut |expr| {
            if let Node::Column { name, .. } = &expr.0 {
                names.insert(name.clone());
            }
        });
        names
    }

    /// The same over columns with other names.
    #[must_use]
    pub fn renamed(&self, to: &dyn Fn(&str) -> String) -> Expr {
        Expr(match &self.0 {
            Node::Column { name, kind } => Node::Column { name: to(name), kind: *kind },
            Node::Literal { .. } => self.0.clone(),
            Node::Call { function, args, kind } => {
                Node::Call { function, args: args.iter().map(|arg| arg.renamed(to)).collect(), kind: *kind }
            }
        })
    }

    /// How many columns, constants and calls it is made of.
    pub fn nodes(&self) -> usize {
        let mut count = 0;
        self.visit(&mut |_| count += 1);
        count
    }

    /// The constant it is, if it is one.
    pub fn as_literal(&self) -> Option<&Value> {
        match &self.0 {
            Node::Literal { value, .. } => Some(value),
            _ => None,
        }
    }

    /// Whether it is the constant null.
    pub(super) fn is_null_literal(&self) -> bool {
        self.as_literal().is_some_and(Value::is_null)
    }

    /// Whether no column has a say in it.
    pub(super) fn is_constant(&self) -> bool {
        match &self.0 {
            Node::Column { .. } => false,
            Node::Literal { .. } => true,
            Node::Call { args, .. } => args.iter().all(Expr::is_constant),
        }
    }

    fn visit<'a>(&'a self, each: &mut dyn FnMut(&'a Expr)) {
        each(self);
        if let Node::Call { args, .. } = &self.0 {
            for arg in args {
                arg.visit(each);
            }
        }
    }
}
