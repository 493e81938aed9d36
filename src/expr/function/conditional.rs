//! Choosing between values.

use std::cmp::Ordering;

use super::typing::{Mistake, common};
use super::{Family, FunctionEntry, Gives, Kernel, Takes};
use crate::data::{Kind, Value};
use crate::expr::scalar::{compare, same, widen};
use crate::expr::tree::Expr;

const ALIKE: &[Takes] = &[Takes::Alike];

pub(super) static ENTRIES: &[FunctionEntry] = &[
    FunctionEntry::new("case", Family::Operator, &[Takes::Any], Gives::By(case), Kernel::Case).least(3).more(),
    FunctionEntry::new(
        "if",
        Family::Conditional,
        &[Takes::Bool, Takes::Alike, Takes::Alike],
        Gives::Common,
        Kernel::Case,
    )
    .also(&["iff"])
    .doc("if(condition, yes, no)", "`yes` where the condition is true, else `no`.", "if(1 > 2, 'a', 'b')", "b"),
    FunctionEntry::new("coalesce", Family::Conditional, ALIKE, Gives::Common, Kernel::Coalesce)
        .more()
        .also(&["ifnull", "nvl"])
        .doc("coalesce(x, …)", "The first that isn't null.", "coalesce(NULL, 2, 3)", "2"),
    FunctionEntry::new(
        "nullif",
        Family::Conditional,
        &[Takes::Alike, Takes::Alike],
        Gives::By(first_of_common),
        Kernel::Lenient(nullif),
    )
    .doc("nullif(x, y)", "Null where x equals y, else x.", "nullif('-', '-')", "null"),
    FunctionEntry::new(
        "greatest",
        Family::Conditional,
        ALIKE,
        Gives::Common,
        Kernel::Lenient(|args, kind| best(args, kind, Ordering::Greater)),
    )
    .more()
    .doc("greatest(x, …)", "The greatest, nulls left out.", "greatest(1, NULL, 2.5)", "2.5"),
    FunctionEntry::new(
        "least",
        Family::Conditional,
        ALIKE,
        Gives::Common,
        Kernel::Lenient(|args, kind| best(args, kind, Ordering::Less)),
    )
    .more()
    .doc("least(x, …)", "The least, nulls left out.", "least('b', 'a')", "a"),
    FunctionEntry::new(
        "num_nulls",
        Family::Conditional,
        &[Takes::Any],
        Gives::Is(Kind::Int),
        Kernel::Lenient(|args, _| nulls(args, true)),
    )
    .more()
    .doc("num_nulls(x, …)", "How many of them are null.", "num_nulls(1, NULL, 'a')", "1"),
    FunctionEntry::new(
        "num_nonnulls",
        Family::Conditional,
        &[Takes::Any],
        Gives::Is(Kind::Int),
        Kernel::Lenient(|args, _| nulls(args, false)),
    )
    .more()
    .doc("num_nonnulls(x, …)", "How many of them aren't null.", "num_nonnulls(1, NULL, 'a')", "2"),
];

/// Conditions stand at even places but the last; the other arguments are of one type.
fn case(args: &mut [Expr]) -> Result<Kind, Mistake> {
    let last = args.len() - 1;
    if !last.is_multiple_of(2) {
        return Err(Mistake::of(None, "a CASE without its ELSE"));
    }
    for (nth, arg) in args.iter_mut().enumerate().take(last).step_by(2) {
        if arg.is_null_literal() {
            *arg = Expr::null(Kind::Bool);
        }
        if arg.kind() != Kind::Bool {
            return Err(Mistake::of(
                Some(nth),
                format!("what follows WHEN must be a condition, not a value of type {}", arg.kind()),
            ));
        }
    }
    common(args, |nth| nth == last || nth % 2 == 1)
}

fn first_of_common(args: &mut [Expr]) -> Result<Kind, Mistake> {
    common(args, |_| true)?;
    Ok(args[0].kind())
}

fn nullif(args: &[Value], _: Kind) -> Value {
    if same(&args[0], &args[1]) { Value::Null } else { args[0].clone() }
}

fn nulls(args: &[Value], wanted: bool) -> Value {
    Value::Int(args.iter().filter(|arg| arg.is_null() == wanted).count() as i64)
}

/// Of equals the first is taken.
fn best(args: &[Value], kind: Kind, wanted: Ordering) -> Value {
    let mut best = Value::Null;
    for arg in args {
        let arg = widen(arg, kind);
        if !arg.is_null() && (best.is_null() || compare(&arg, &best) == Some(wanted)) {
            best = arg;
        }
    }
    best
}
