//! From the parser's tree to ours: names are looked up, types are checked, and what isn't supported is said so.
//! It goes on after a mistake, to report all of them.

mod call;
mod form;

use std::ops::Range;

use sqlparser::ast::{self, BinaryOperator, Expr as Sql, Spanned, UnaryOperator};

use super::function::{Mistake, lookup};
use super::literal;
use super::parse::{DEEPEST, Places};
use super::scope::Scope;
use super::tree::Expr;
use crate::data::Value;
use crate::source::{Fault, nearest, suggest};

/// A typed expression and where it was written.
pub struct Typed {
    pub expr: Expr,
    pub range: Range<usize>,
}

/// Types one expression.
pub struct Typer<'a> {
    scope: &'a Scope<'a>,
    places: &'a Places<'a>,
    pub faults: Vec<Fault>,
}

impl<'a> Typer<'a> {
    pub fn new(scope: &'a Scope<'a>, places: &'a Places<'a>) -> Self {
        Self { scope, places, faults: Vec::new() }
    }

    /// The typed tree, or `None` after reporting what is wrong with it.
    pub fn typed(&mut self, sql: &Sql, depth: usize) -> Option<Typed> {
        if matches!(sql, Sql::BinaryOp { .. }) {
            return self.spine(sql, depth + 1);
        }
        let range = self.range(sql);
        if depth > DEEPEST {
            return self.refuse(range, "syntax", "the expression is nested too deeply");
        }
        let below = depth + 1;
        match sql {
            Sql::Nested(inner) => self.typed(inner, depth),
            Sql::Identifier(ident) => self.column(ident, range),
            Sql::CompoundIdentifier(parts) => self.compound(parts, range),
            Sql::Value(value) => self.value(&value.value, range, false),
            Sql::UnaryOp { op, expr } => self.unary(*op, expr, range, below),
            Sql::Function(function) => self.function(function, range, below),
            other => self.form(other, range, below),
        }
    }

    fn range(&self, sql: &Sql) -> Range<usize> {
        let range = self.places.range(sql.span());
        match sql {
            // The parser's spans leave out what stands before the operand.
            Sql::UnaryOp { .. } | Sql::TypedString(_) | Sql::Interval(_) => {
                let before = self.places.text(&(0..range.start)).trim_end();
                let start = match sql {
                    Sql::UnaryOp { op: UnaryOperator::Not, .. } => before.len().saturating_sub(3),
                    Sql::UnaryOp { .. } => before.len().saturating_sub(1),
                    _ => before.rfind(|char: char| !char.is_alphanumeric()).map_or(0, |at| at + 1),
                };
                if self.places.text(&(start..range.end)).is_empty() { range } else { start..range.end }
            }
            _ => range,
        }
    }

    fn refuse<T>(&mut self, range: Range<usize>, code: &'static str, message: impl Into<String>) -> Option<T> {
        self.faults.push(Fault::new(code, message).inside(range));
        None
    }

    fn mistake<T>(&mut self, why: Mistake, range: Range<usize>) -> Option<T> {
        self.faults.push(Fault::new(why.code, why.message).maybe_help(why.help).inside(range));
        None
    }

    /// The call of a function or operator; `None` if an argument was wrong already.
    fn apply(&mut self, name: &str, args: Vec<Option<Typed>>, range: Range<usize>) -> Option<Typed> {
        let args: Vec<Typed> = args.into_iter().collect::<Option<_>>()?;
        let entry = lookup(name).expect("the typer names functions of the catalogue");
        let (exprs, ranges): (Vec<Expr>, Vec<Range<usize>>) = args.into_iter().map(|arg| (arg.expr, arg.range)).unzip();
        match entry.apply(exprs) {
            Ok(expr) => Some(Typed { expr, range }),
            Err(why) => {
                let at = why.arg.and_then(|nth| ranges.get(nth).cloned()).unwrap_or(range);
                self.mistake(why, at)
            }
        }
    }

    fn column(&mut self, ident: &ast::Ident, range: Range<usize>) -> Option<Typed> {
        let name = ident.value.as_str();
        if let Some(kind) = self.scope.shape.kind(name) {
            return Some(Typed { expr: Expr::column(name, kind), range });
        }
        let mut fault = self.scope.shape.unknown(name);
        if ident.quote_style == Some('"') {
            let single = format!("strings are written in single quotes: '{}'", name.replace('\'', "''"));
            fault = match nearest(name, self.scope.shape.names()) {
                Some(near) => fault.help(format!("did you mean the column `{near}`? {single}")),
                None => fault.help(single),
            };
        }
        self.faults.push(fault.inside(range));
        None
    }

    fn compound(&mut self, parts: &[ast::Ident], range: Range<usize>) -> Option<Typed> {
        match parts {
            [space, name] if space.value == "params" => match self.scope.params.get(&name.value) {
                Some(value) => Some(Typed { expr: Expr::literal(value.clone()), range }),
                None => {
                    let known = self.scope.params.keys().map(String::as_str);
                    let fault = Fault::new("unknown-param", format!("there is no parameter `{}`", name.value))
                        .maybe_help(suggest(&name.value, known));
                    self.faults.push(fault.inside(self.places.range(name.span)));
                    None
                }
            },
            _ => {
                let whole = parts.iter().map(|part| part.value.as_str()).collect::<Vec<_>>().join(".");
                let fault = Fault::new("not-supported", format!("`{whole}`: a column is named without its table"));
                let fault = match self.scope.shape.known(&whole) {
                    Some(_) => fault.help(format!("a name with a point is written in double quotes: \"{whole}\"")),
                    None => fault.maybe_help(
                        parts
                            .last()
                            .and_then(|last| nearest(&last.value, self.scope.shape.names()))
                            .map(|near| format!("write `{near}`")),
                    ),
                };
                self.faults.push(fault.inside(range));
                None
            }
        }
    }

    fn value(&mut self, value: &ast::Value, range: Range<usize>, negative: bool) -> Option<Typed> {
        let constant = match value {
            ast::Value::Number(digits, _) => match literal::number(digits, negative) {
                Ok(number) => number,
                Err(why) => return self.mistake(why, range),
            },
            ast::Value::Boolean(flag) => Value::Bool(*flag),
            ast::Value::Null => Value::Null,
            ast::Value::Placeholder(_) => {
                return self.refuse(
                    range,
                    "not-supported",
                    "placeholders aren't supported; a parameter is written `params.name`",
                );
            }
            other => match literal::text(other) {
                Some(text) => Value::str(text),
                None => return self.refuse(range, "not-supported", "constants of this form aren't supported"),
            },
        };
        Some(Typed { expr: Expr::literal(constant), range })
    }

    fn unary(&mut self, op: UnaryOperator, operand: &Sql, range: Range<usize>, depth: usize) -> Option<Typed> {
        match (op, operand) {
            (UnaryOperator::Minus, Sql::Value(value)) if matches!(value.value, ast::Value::Number(..)) => {
                self.value(&value.value, range, true)
            }
            (UnaryOperator::Minus, _) => {
                let arg = self.typed(operand, depth);
                self.apply("neg", vec![arg], range)
            }
            (UnaryOperator::Not, _) => {
                let arg = self.typed(operand, depth);
                self.apply("not", vec![arg], range)
            }
            (UnaryOperator::Plus, _) => {
                let arg = self.typed(operand, depth)?;
                if arg.expr.kind().is_numeric() {
                    return Some(arg);
                }
                self.refuse(arg.range, "type", format!("`+` stands before a number, and this is a {}", arg.expr.kind()))
            }
            (other, _) => self.refuse(range, "not-supported", format!("`{other}` isn't supported here")),
        }
    }

    /// `a + b + c` nests to the left, as deep as it is long, so it is walked in a loop. `a AND b AND c` is one call.
    fn spine(&mut self, sql: &Sql, depth: usize) -> Option<Typed> {
        let mut links: Vec<(&BinaryOperator, &Sql)> = Vec::new();
        let mut rest = sql;
        while let Sql::BinaryOp { left, op, right } = rest {
            links.push((op, right));
            rest = left;
        }
        links.reverse();
        let mut range = self.range(rest);
        let mut left = self.typed(rest, depth);
        for (nth, group) in links.chunk_by(|a, b| a.0 == b.0 && logic(a.0).is_some()).enumerate() {
            if depth + nth > DEEPEST {
                return self.refuse(range, "syntax", "the expression is nested too deeply");
            }
            let rights: Vec<Option<Typed>> = group.iter().map(|(_, right)| self.typed(right, depth)).collect();
            let last = group[group.len() - 1].1;
            range.end = self.range(last).end.max(range.end);
            left = match logic(group[0].0) {
                Some(name) => self.apply(name, std::iter::once(left).chain(rights).collect(), range.clone()),
                None => self.sign(group[0].0, std::iter::once(left).chain(rights).collect(), range.clone()),
            };
        }
        left
    }

    fn sign(&mut self, op: &BinaryOperator, args: Vec<Option<Typed>>, range: Range<usize>) -> Option<Typed> {
        let name = match op {
            BinaryOperator::Plus => "+",
            BinaryOperator::Minus => "-",
            BinaryOperator::Multiply => "*",
            BinaryOperator::Divide => "/",
            BinaryOperator::Modulo => "%",
            BinaryOperator::StringConcat => "||",
            BinaryOperator::Eq => "=",
            BinaryOperator::NotEq => "<>",
            BinaryOperator::Lt => "<",
            BinaryOperator::LtEq => "<=",
            BinaryOperator::Gt => ">",
            BinaryOperator::GtEq => ">=",
            BinaryOperator::BitwiseAnd => "bit_and",
            BinaryOperator::BitwiseOr => "bit_or",
            BinaryOperator::PGBitwiseShiftLeft => "shift_left",
            BinaryOperator::PGBitwiseShiftRight => "shift_right",
            BinaryOperator::PGRegexMatch => {
                self.faults.push(
                    Fault::new("not-supported", "`~` isn't supported")
                        .help("write `regexp_matches(x, 'pattern')`")
                        .inside(range),
                );
                return None;
            }
            other => return self.refuse(range, "not-supported", format!("`{other}` isn't supported")),
        };
        self.apply(name, args, range)
    }
}

fn logic(op: &BinaryOperator) -> Option<&'static str> {
    match op {
        BinaryOperator::And => Some("and"),
        BinaryOperator::Or => Some("or"),
        _ => None,
    }
}
