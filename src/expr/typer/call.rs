//! Calls of functions by name, and those that are refused.

use std::ops::Range;

use sqlparser::ast::{self, FunctionArg, FunctionArgExpr, FunctionArguments, Spanned};

use super::{Typed, Typer};
use crate::data::Value;
use crate::expr::function::{Family, callable, lookup};
use crate::source::{Fault, nearest};

const VOLATILE: [&str; 23] = [
    "now",
    "current_date",
    "current_time",
    "current_timestamp",
    "localtime",
    "localtimestamp",
    "getdate",
    "sysdate",
    "today",
    "random",
    "rand",
    "uuid",
    "gen_random_uuid",
    "newid",
    "nextval",
    "curdate",
    "clock_timestamp",
    "statement_timestamp",
    "transaction_timestamp",
    "uuidv4",
    "uuidv7",
    "current_user",
    "session_user",
];
const AGGREGATE: [&str; 22] = [
    "sum",
    "avg",
    "mean",
    "count",
    "min",
    "max",
    "median",
    "mode",
    "stddev",
    "stddev_pop",
    "stddev_samp",
    "variance",
    "var_pop",
    "var_samp",
    "first",
    "last",
    "array_agg",
    "string_agg",
    "quantile",
    "corr",
    "bool_and",
    "bool_or",
];
const WINDOW: [&str; 10] = [
    "row_number",
    "rank",
    "dense_rank",
    "percent_rank",
    "cume_dist",
    "ntile",
    "lag",
    "lead",
    "first_value",
    "last_value",
];

impl Typer<'_> {
    pub(super) fn function(&mut self, function: &ast::Function, range: Range<usize>, depth: usize) -> Option<Typed> {
        let written = function.name.to_string();
        let name = written.to_lowercase();
        let at = self.places.range(function.name.span());
        let entry = lookup(&name).filter(|entry| entry.family != Family::Operator);
        if let Some(fault) = refused(&name, function) {
            self.faults.push(fault.inside(at));
            return None;
        }
        let mut args = self.arguments(function, depth)?;
        if name == "date_part" && args.len() != 2 {
            let message = format!("`date_part` takes 2 arguments, not {}: `date_part('month', x)`", args.len());
            return self.refuse(range, "arguments", message);
        }
        if name == "date_part" {
            let (arg, part) = (args.pop()?, args.pop()??);
            let end = self.closing(range.end);
            return match part.expr.as_literal() {
                Some(Value::Str(word)) => self.part(word, arg, part.range, range.start..end),
                _ => self.refuse(part.range, "type", "the part must be a string constant: `date_part('month', x)`"),
            };
        }
        let Some(entry) = entry else {
            let fault = Fault::new("unknown-function", format!("there is no function `{written}`"));
            self.faults.push(fault.maybe_help(similar(&name)).inside(at));
            return None;
        };
        let end = self.closing(range.end);
        self.apply(entry.name, args, range.start..end)
    }

    /// The parser's span of a call ends with its last argument: on to the parenthesis.
    fn closing(&self, end: usize) -> usize {
        let after = self.places.text(&(end..self.places.len()));
        let blank = after.len() - after.trim_start().len();
        if after.trim_start().starts_with(')') { end + blank + 1 } else { end }
    }

    fn arguments(&mut self, function: &ast::Function, depth: usize) -> Option<Vec<Option<Typed>>> {
        let FunctionArguments::List(list) = &function.args else { return Some(Vec::new()) };
        let mut args = Vec::new();
        for arg in &list.args {
            let FunctionArg::Unnamed(FunctionArgExpr::Expr(sql)) = arg else {
                let range = self.places.range(arg.span());
                return self.refuse(range, "not-supported", format!("`{arg}` can't be an argument here"));
            };
            args.push(self.typed(sql, depth));
        }
        Some(args)
    }
}

/// Why a call of this name or form is none of an expression.
fn refused(name: &str, function: &ast::Function) -> Option<Fault> {
    let fault = |message: String| Fault::new("not-supported", message);
    if VOLATILE.contains(&name) {
        return Some(
            fault(format!("`{name}` isn't supported: it changes from run to run"))
                .help("declare a parameter and write `params.name`"),
        );
    }
    if function.over.is_some() || WINDOW.contains(&name) {
        return Some(
            fault(format!("`{name}` looks at other rows, and an expression sees one"))
                .help("use a step such as `lag` or `rolling`"),
        );
    }
    if AGGREGATE.contains(&name) {
        let help = match name {
            "min" => "of several values in a row, write `least(a, b)`",
            "max" => "of several values in a row, write `greatest(a, b)`",
            _ => "use a step with `aggregate`",
        };
        return Some(fault(format!("`{name}` sums up many rows, and an expression sees one")).help(help));
    }
    let decorated = function.filter.is_some()
        || !function.within_group.is_empty()
        || function.null_treatment.is_some()
        || !matches!(function.parameters, FunctionArguments::None)
        || matches!(&function.args, FunctionArguments::Subquery(_))
        || matches!(&function.args, FunctionArguments::List(list) if list.duplicate_treatment.is_some() || !list.clauses.is_empty());
    decorated.then(|| fault(format!("`{name}` is called with values only here: `{name}(x)`")))
}

fn similar(name: &str) -> Option<String> {
    let known = match name {
        "datepart" => return Some("write `date_part('month', x)`".to_owned()),
        "dateadd" => return Some("write `date_add('day', 3, x)`".to_owned()),
        "to_char" | "date_format" => return Some("write `strftime(x, '%Y-%m-%d')`".to_owned()),
        "datediff" => return Some("write `date_diff('day', a, b)`".to_owned()),
        "isnull" => return Some("write `x IS NULL`".to_owned()),
        _ => callable(),
    };
    nearest(name, known).map(|near| format!("did you mean `{near}`?"))
}
