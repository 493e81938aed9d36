//! Forms of the language with a syntax of their own: CASE, CAST, IN, BETWEEN, LIKE, EXTRACT, ….

use std::ops::Range;

use sqlparser::ast::{self, CeilFloorKind, DateTimeField, Expr as Sql, InTarget, TrimWhereField};

use super::{Typed, Typer};
use crate::expr::function::{Mistake, cast_name};
use crate::expr::literal;
use crate::expr::tree::Expr;
use crate::source::{Fault, nearest};

/// Parts of a moment, each with the function that gives it.
const PARTS: [(&str, &str); 19] = [
    ("year", "year"),
    ("quarter", "quarter"),
    ("month", "month"),
    ("week", "week"),
    ("day", "day"),
    ("hour", "hour"),
    ("minute", "minute"),
    ("second", "second"),
    ("millisecond", "millisecond"),
    ("milliseconds", "millisecond"),
    ("microsecond", "microsecond"),
    ("microseconds", "microsecond"),
    ("doy", "day_of_year"),
    ("dayofyear", "day_of_year"),
    ("dow", "dayofweek"),
    ("isodow", "weekday"),
    ("isoyear", "isoyear"),
    ("century", "century"),
    ("epoch", "epoch"),
];

impl Typer<'_> {
    pub(super) fn form(&mut self, sql: &Sql, range: Range<usize>, depth: usize) -> Option<Typed> {
        match sql {
            Sql::IsNull(arg) | Sql::IsUnknown(arg) => self.test("is_null", false, arg, range, depth),
            Sql::IsNotNull(arg) | Sql::IsNotUnknown(arg) => self.test("is_null", true, arg, range, depth),
            Sql::IsTrue(arg) => self.test("is_true", false, arg, range, depth),
            Sql::IsNotTrue(arg) => self.test("is_true", true, arg, range, depth),
            Sql::IsFalse(arg) => self.test("is_false", false, arg, range, depth),
            Sql::IsNotFalse(arg) => self.test("is_false", true, arg, range, depth),
            Sql::IsDistinctFrom(a, b) => self.distinct(a, b, true, range, depth),
            Sql::IsNotDistinctFrom(a, b) => self.distinct(a, b, false, range, depth),
            Sql::In { expr, target, negated, .. } => {
                let found = self.among(expr, target, range, depth);
                self.negated(found, *negated)
            }
            Sql::Between { expr, negated, low, high } => {
                let found = self.between(expr, low, high, range, depth);
                self.negated(found, *negated)
            }
            Sql::Like { negated, any: false, expr, pattern, escape_char: None } => {
                let found = self.pair("like", expr, pattern, range, depth);
                self.negated(found, *negated)
            }
            Sql::ILike { negated, any: false, expr, pattern, escape_char: None } => {
                let found = self.pair("ilike", expr, pattern, range, depth);
                self.negated(found, *negated)
            }
            Sql::Cast { expr, data_type, format: None, .. } => self.cast(expr, data_type, range, depth),
            Sql::Case { operand, conditions, else_result, .. } => {
                self.case(operand.as_deref(), conditions, else_result.as_deref(), range, depth)
            }
            Sql::TypedString(typed) => self.typed_string(typed, range),
            Sql::Interval(interval) => self.interval(interval, range),
            _ => self.spoken(sql, range, depth),
        }
    }

    /// Functions that the parser knows by heart.
    fn spoken(&mut self, sql: &Sql, range: Range<usize>, depth: usize) -> Option<Typed> {
        match sql {
            Sql::Ceil { expr, field: CeilFloorKind::DateTimeField(DateTimeField::NoDateTime) } => {
                self.one("ceil", expr, range, depth)
            }
            Sql::Floor { expr, field: CeilFloorKind::DateTimeField(DateTimeField::NoDateTime) } => {
                self.one("floor", expr, range, depth)
            }
            Sql::Position { expr, r#in } => self.pair("strpos", r#in, expr, range, depth),
            Sql::Substring { expr, substring_from: Some(from), substring_for, .. } => {
                let parts = [Some(expr), Some(from), substring_for.as_ref()];
                let args = parts.into_iter().flatten().map(|part| self.typed(part, depth)).collect();
                self.apply("substr", args, range)
            }
            Sql::Trim { trim_where, trim_what, expr, trim_characters } => {
                let name = match trim_where {
                    Some(TrimWhereField::Leading) => "ltrim",
                    Some(TrimWhereField::Trailing) => "rtrim",
                    _ => "trim",
                };
                let what = trim_what.as_deref().or_else(|| trim_characters.as_ref()?.first());
                let args = std::iter::once(expr.as_ref()).chain(what).map(|part| self.typed(part, depth)).collect();
                self.apply(name, args, range)
            }
            Sql::Extract { field, expr, .. } => {
                let arg = self.typed(expr, depth);
                self.part(&field.to_string(), arg, range.clone(), range)
            }
            Sql::AtTimeZone { timestamp, time_zone } => self.pair("at_time_zone", timestamp, time_zone, range, depth),
            other => self.refused(other, range),
        }
    }

    fn refused(&mut self, sql: &Sql, range: Range<usize>) -> Option<Typed> {
        let message = match sql {
            Sql::Subquery(_) | Sql::Exists { .. } => "a query inside an expression isn't supported",
            Sql::Wildcard(_) | Sql::QualifiedWildcard(..) => "`*` stands for no value here",
            Sql::Tuple(_) => "a list of values isn't supported here",
            Sql::Like { .. } | Sql::ILike { .. } => {
                "LIKE with ANY or ESCAPE isn't supported; `\\` takes the next character as it is"
            }
            Sql::SimilarTo { .. } | Sql::RLike { .. } => "this isn't supported; write `regexp_matches(x, 'pattern')`",
            Sql::Substring { .. } => "`substr` needs the position to start from",
            _ => "this isn't supported in expressions",
        };
        self.refuse(range, "not-supported", message)
    }

    fn one(&mut self, name: &str, arg: &Sql, range: Range<usize>, depth: usize) -> Option<Typed> {
        let arg = self.typed(arg, depth);
        self.apply(name, vec![arg], range)
    }

    fn pair(&mut self, name: &str, a: &Sql, b: &Sql, range: Range<usize>, depth: usize) -> Option<Typed> {
        let args = vec![self.typed(a, depth), self.typed(b, depth)];
        self.apply(name, args, range)
    }

    fn negated(&mut self, found: Option<Typed>, negated: bool) -> Option<Typed> {
        let found = found?;
        if !negated {
            return Some(found);
        }
        let range = found.range.clone();
        self.apply("not", vec![Some(found)], range)
    }

    fn test(&mut self, name: &str, negated: bool, arg: &Sql, range: Range<usize>, depth: usize) -> Option<Typed> {
        let found = self.one(name, arg, range, depth);
        self.negated(found, negated)
    }

    /// Nulls count as equal to each other: `(a = b) IS TRUE OR (a IS NULL AND b IS NULL)`.
    fn distinct(&mut self, a: &Sql, b: &Sql, negated: bool, range: Range<usize>, depth: usize) -> Option<Typed> {
        let equal = self.pair("=", a, b, range.clone(), depth);
        let equal = self.apply("is_true", vec![equal], range.clone());
        let (a, b) = (self.one("is_null", a, range.clone(), depth), self.one("is_null", b, range.clone(), depth));
        let neither = self.apply("and", vec![a, b], range.clone());
        let same = self.apply("or", vec![equal, neither], range);
        self.negated(same, negated)
    }

    fn among(&mut self, arg: &Sql, target: &InTarget, range: Range<usize>, depth: usize) -> Option<Typed> {
        let InTarget::List(list) = target else {
            return self.refuse(range, "not-supported", "IN takes a list of constants: `x IN (1, 2)`");
        };
        if list.is_empty() {
            return self.refuse(range, "syntax", "IN takes at least one constant");
        }
        let args = std::iter::once(arg).chain(list).map(|item| self.typed(item, depth)).collect();
        self.apply("in", args, range)
    }

    fn between(&mut self, arg: &Sql, low: &Sql, high: &Sql, range: Range<usize>, depth: usize) -> Option<Typed> {
        let arg = self.typed(arg, depth);
        let again = arg.as_ref().map(|arg| Typed { expr: arg.expr.clone(), range: arg.range.clone() });
        let (low, high) = (self.typed(low, depth), self.typed(high, depth));
        let above = self.apply(">=", vec![arg, low], range.clone());
        let below = self.apply("<=", vec![again, high], range.clone());
        self.apply("and", vec![above, below], range)
    }

    fn cast(&mut self, arg: &Sql, data_type: &ast::DataType, range: Range<usize>, depth: usize) -> Option<Typed> {
        let Some(kind) = literal::kind(data_type) else {
            self.faults.push(
                Fault::new("type", format!("there is no type `{data_type}`"))
                    .help("there is `int`, `float`, `bool`, `str`, `date`, `datetime`")
                    .inside(range),
            );
            self.typed(arg, depth);
            return None;
        };
        let arg = self.typed(arg, depth)?;
        if arg.expr.is_null_literal() {
            return Some(Typed { expr: Expr::null(kind), range });
        }
        let Some(name) = cast_name(kind) else {
            return self.refuse(range, "type", format!("nothing can be turned into a {kind}"));
        };
        let mut cast = self.apply(name, vec![Some(arg)], range)?;
        cast.expr.set_kind(kind);
        Some(cast)
    }

    fn case(
        &mut self,
        operand: Option<&Sql>,
        whens: &[ast::CaseWhen],
        otherwise: Option<&Sql>,
        range: Range<usize>,
        depth: usize,
    ) -> Option<Typed> {
        let mut args = Vec::new();
        for when in whens {
            args.push(match operand {
                Some(operand) => self.pair("=", operand, &when.condition, range.clone(), depth),
                None => self.typed(&when.condition, depth),
            });
            args.push(self.typed(&when.result, depth));
        }
        args.push(match otherwise {
            Some(otherwise) => self.typed(otherwise, depth),
            None => Some(Typed { expr: Expr::literal(crate::data::Value::Null), range: range.clone() }),
        });
        self.apply("case", args, range)
    }

    fn typed_string(&mut self, typed: &ast::TypedString, range: Range<usize>) -> Option<Typed> {
        let kind = literal::kind(&typed.data_type);
        let (Some(kind), Some(text)) = (kind, literal::text(&typed.value.value)) else {
            return self.refuse(range, "not-supported", "constants of this type aren't supported");
        };
        let value = literal::typed(kind, text);
        self.constant(value, range)
    }

    fn interval(&mut self, interval: &ast::Interval, range: Range<usize>) -> Option<Typed> {
        let number = match interval.value.as_ref() {
            Sql::Value(value) => match &value.value {
                ast::Value::Number(digits, _) => Some(digits.as_str()),
                other => literal::text(other),
            },
            _ => None,
        };
        match (number, &interval.last_field) {
            (Some(number), None) => {
                let value = literal::interval(number, interval.leading_field.as_ref());
                self.constant(value, range)
            }
            _ => {
                self.refuse(range, "not-supported", "an interval of this form isn't supported; write INTERVAL '2' DAY")
            }
        }
    }

    fn constant(&mut self, value: Result<crate::data::Value, Mistake>, range: Range<usize>) -> Option<Typed> {
        match value {
            Ok(value) => Some(Typed { expr: Expr::literal(value), range }),
            Err(why) => self.mistake(why, range),
        }
    }

    /// `EXTRACT(part FROM arg)` and `date_part('part', arg)`: the function that is named after the part.
    pub(super) fn part(
        &mut self,
        part: &str,
        arg: Option<Typed>,
        at: Range<usize>,
        range: Range<usize>,
    ) -> Option<Typed> {
        let part = part.to_lowercase();
        let Some((_, name)) = PARTS.iter().find(|(known, _)| *known == part) else {
            let near = nearest(&part, PARTS.map(|(known, _)| known)).map(|near| format!("did you mean `{near}`?"));
            let fault = Fault::new("not-supported", format!("a moment has no part `{part}`"));
            self.faults.push(fault.maybe_help(near).inside(at));
            return None;
        };
        self.apply(name, vec![arg], range)
    }
}
