//! Expressions made by code: what ops are lowered to.

use super::function::{cast_name, lookup};
use super::tree::{Expr, Node};
use crate::data::{Kind, Value};

impl Expr {
    /// A column.
    pub fn column(name: &str, kind: Kind) -> Expr {
        Expr(Node::Column { name: name.to_owned(), kind })
    }

    /// A constant. Null is a null of type bool, which turns into any other; infinity and NaN are null.
    pub fn literal(value: Value) -> Expr {
        match value {
            Value::Float(number) if !number.is_finite() => Expr::null(Kind::Float),
            value => {
                let kind = value.kind().unwrap_or(Kind::Bool);
                Expr(Node::Literal { value, kind })
            }
        }
    }

    /// No value, of a type.
    pub fn null(kind: Kind) -> Expr {
        Expr(Node::Literal { value: Value::Null, kind })
    }

    /// A function or operator of the catalogue, applied.
    ///
    /// # Panics
    /// If there is no such function or the arguments don't fit it: the caller wrote both.
    pub fn call(function: &str, args: Vec<Expr>) -> Expr {
        let entry = lookup(function).unwrap_or_else(|| panic!("there is no function `{function}`"));
        entry.apply(args).unwrap_or_else(|mistake| panic!("`{function}`: {}", mistake.message))
    }

    /// `CASE WHEN … THEN … ELSE … END`; null without an `otherwise`.
    ///
    /// # Panics
    /// If there is no case, a condition isn't one, or the values have no common type.
    pub fn case(cases: Vec<(Expr, Expr)>, otherwise: Option<Expr>) -> Expr {
        let mut args: Vec<Expr> = cases.into_iter().flat_map(|(when, then)| [when, then]).collect();
        args.push(otherwise.unwrap_or_else(|| Expr::null(Kind::Bool)));
        Expr::call("case", args)
    }

    /// True where there is no value, else false.
    #[must_use]
    pub fn is_null(self) -> Expr {
        Expr::call("is_null", vec![self])
    }

    /// Negated; null stays null.
    #[must_use]
    #[expect(clippy::should_implement_trait, reason = "builders of SQL, all alike; half of them have no trait")]
    pub fn not(self) -> Expr {
        Expr::call("not", vec![self])
    }

    /// Three-valued AND.
    #[must_use]
    pub fn and(self, other: Expr) -> Expr {
        Expr::call("and", vec![self, other])
    }

    /// Three-valued OR.
    #[must_use]
    pub fn or(self, other: Expr) -> Expr {
        Expr::call("or", vec![self, other])
    }

    /// `<`
    #[must_use]
    pub fn lt(self, other: Expr) -> Expr {
        Expr::call("<", vec![self, other])
    }

    /// `<=`
    #[must_use]
    pub fn lte(self, other: Expr) -> Expr {
        Expr::call("<=", vec![self, other])
    }

    /// `>`
    #[must_use]
    pub fn gt(self, other: Expr) -> Expr {
        Expr::call(">", vec![self, other])
    }

    /// `>=`
    #[must_use]
    pub fn gte(self, other: Expr) -> Expr {
        Expr::call(">=", vec![self, other])
    }

    /// `=`
    #[must_use]
    pub fn equals(self, other: Expr) -> Expr {
        Expr::call("=", vec![self, other])
    }

    /// `+`
    #[must_use]
    #[expect(clippy::should_implement_trait, reason = "builders of SQL, all alike; half of them have no trait")]
    pub fn add(self, other: Expr) -> Expr {
        Expr::call("+", vec![self, other])
    }

    /// `-`
    #[must_use]
    #[expect(clippy::should_implement_trait, reason = "builders of SQL, all alike; half of them have no trait")]
    pub fn sub(self, other: Expr) -> Expr {
        Expr::call("-", vec![self, other])
    }

    /// `*`
    #[must_use]
    #[expect(clippy::should_implement_trait, reason = "builders of SQL, all alike; half of them have no trait")]
    pub fn mul(self, other: Expr) -> Expr {
        Expr::call("*", vec![self, other])
    }

    /// `/`, always a float.
    #[must_use]
    #[expect(clippy::should_implement_trait, reason = "builders of SQL, all alike; half of them have no trait")]
    pub fn div(self, other: Expr) -> Expr {
        Expr::call("/", vec![self, other])
    }

    /// As another type; what doesn't fit is null. The same type stays as it is.
    ///
    /// # Panics
    /// If one type can't be turned into the other at all (`duration` to `int`).
    #[must_use]
    pub fn cast(self, kind: Kind) -> Expr {
        if self.kind() == kind {
            return self;
        }
        if self.is_null_literal() {
            return Expr::null(kind);
        }
        let name = cast_name(kind).unwrap_or_else(|| panic!("nothing is cast to a {kind}"));
        let mut cast = Expr::call(name, vec![self]);
        cast.set_kind(kind);
        cast
    }

    /// The casts to the three string types are one function: which was meant is told afterwards.
    pub(super) fn set_kind(&mut self, kind: Kind) {
        if let Node::Call { kind: own, .. } = &mut self.0 {
            *own = kind;
        }
    }

    /// This, or `other` where this is null.
    #[must_use]
    pub fn or_else(self, other: Expr) -> Expr {
        Expr::call("coalesce", vec![self, other])
    }

    /// Whether it is among `values`; null where it is null. Among none it is never.
    #[must_use]
    pub fn is_in(self, values: &[Value]) -> Expr {
        if values.is_empty() {
            let never = Expr::literal(Value::Bool(false));
            return Expr::case(vec![(self.is_null(), Expr::null(Kind::Bool))], Some(never));
        }
        let args = std::iter::once(self).chain(values.iter().cloned().map(Expr::literal));
        Expr::call("in", args.collect())
    }

    /// Null where the condition is true, else this.
    #[must_use]
    pub fn unless(self, condition: Expr) -> Expr {
        let kind = self.kind();
        Expr::case(vec![(condition, Expr::null(kind))], Some(self))
    }

    /// Text read by a format of strptime as `date` or `datetime`; null where it doesn't fit.
    ///
    /// # Panics
    /// If this isn't text, `kind` neither of the two, or the format isn't one.
    #[must_use]
    pub fn parsed(self, kind: Kind, format: &str) -> Expr {
        let function = match kind {
            Kind::Date => "parse_date",
            Kind::Datetime => "parse_datetime",
            other => panic!("a {other} isn't read by a format"),
        };
        Expr::call(function, vec![self, Expr::literal(Value::str(format))])
    }
}
