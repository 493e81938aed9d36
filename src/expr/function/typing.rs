//! How a call gets its type: arguments are checked against what the function takes, and gently turned into it.

use super::{Family, FunctionEntry, Kernel};
use crate::data::{Kind, Value};
use crate::expr::calendar;
use crate::expr::tree::{Expr, Node};

/// What an argument may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// Any type.
    Any,
    /// A condition.
    Bool,
    /// An int.
    Int,
    /// An int or a float.
    Number,
    /// A string.
    Str,
    /// A string constant.
    Constant,
    /// A date or a datetime.
    Day,
    /// A date, a datetime or a duration.
    Time,
    /// Of one type with the other arguments marked so.
    Alike,
}

/// What type a call has.
#[derive(Clone, Copy)]
pub enum Gives {
    /// Always that one.
    Is(Kind),
    /// The first argument's.
    First,
    /// The common type of the arguments marked `Alike`.
    Common,
    /// By its own rules, which may change arguments too.
    By(fn(&mut [Expr]) -> Result<Kind, Mistake>),
}

/// Why a call can't be typed.
#[derive(Clone, Debug, PartialEq)]
pub struct Mistake {
    /// Which argument is at fault, if one is.
    pub arg: Option<usize>,
    /// The fault's code.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

impl Mistake {
    /// A type error, in one argument or in the call.
    pub fn of(arg: Option<usize>, message: impl Into<String>) -> Self {
        Self { arg, code: "type", message: message.into(), help: None }
    }

    /// With advice.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// The typed call.
pub fn apply(entry: &'static FunctionEntry, mut args: Vec<Expr>) -> Result<Expr, Mistake> {
    arity(entry, args.len())?;
    let takes = |nth: usize| entry.takes[nth.min(entry.takes.len() - 1)];
    for (nth, arg) in args.iter_mut().enumerate() {
        check(entry, nth, arg, takes(nth))?;
    }
    let kind = match entry.gives {
        Gives::Is(kind) => kind,
        Gives::First => args[0].kind(),
        Gives::Common => common(&mut args, |nth| takes(nth) == Takes::Alike)?,
        Gives::By(rule) => rule(&mut args)?,
    };
    // Null of a type is a constant, not a cast.
    if entry.family == Family::Cast && args.len() == 1 && args[0].is_null_literal() {
        return Ok(Expr::null(kind));
    }
    if let Kernel::Prepared(prepare) = entry.kernel {
        let constants: Vec<Value> = args[1..].iter().filter_map(|arg| arg.as_literal().cloned()).collect();
        if let Some(variable) = args[1..].iter().position(|arg| arg.as_literal().is_none()) {
            return Err(Mistake::of(
                Some(variable + 1),
                match entry.family {
                    Family::Operator => format!("here `{}` takes constants only", spelled(entry.name)),
                    _ => format!("here `{}` takes constants only", entry.name),
                },
            ));
        }
        prepare(&constants, kind)?;
    }
    Ok(Expr(Node::Call { function: entry, args, kind }))
}

fn arity(entry: &FunctionEntry, found: usize) -> Result<(), Mistake> {
    if found >= entry.least && (entry.more || found <= entry.takes.len()) {
        return Ok(());
    }
    let wanted = match (entry.least, entry.more) {
        (least, true) => format!("at least {least}"),
        (least, false) if least == entry.takes.len() => format!("{least}"),
        (least, false) => format!("{least} to {}", entry.takes.len()),
    };
    let plural = if wanted == "1" || wanted.ends_with("least 1") { "argument" } else { "arguments" };
    Err(Mistake {
        code: "arguments",
        ..Mistake::of(None, format!("`{}` takes {wanted} {plural}, not {found}", entry.name))
    }
    .help(format!("it is written `{}`", entry.signature)))
}

fn check(entry: &FunctionEntry, nth: usize, arg: &mut Expr, takes: Takes) -> Result<(), Mistake> {
    let (fits, default, wanted): (fn(Kind) -> bool, Kind, &str) = match takes {
        Takes::Any | Takes::Alike => return Ok(()),
        Takes::Bool => (|kind| kind == Kind::Bool, Kind::Bool, "a condition (true or false)"),
        Takes::Int => (|kind| kind == Kind::Int, Kind::Int, "an int"),
        Takes::Number => (Kind::is_numeric, Kind::Int, "a number"),
        Takes::Str | Takes::Constant => (Kind::is_string, Kind::Str, "a string"),
        Takes::Day => (|kind| matches!(kind, Kind::Date | Kind::Datetime), Kind::Date, "a date or a datetime"),
        Takes::Time => (Kind::is_temporal, Kind::Date, "a date, a datetime or a duration"),
    };
    if takes == Takes::Constant && !matches!(arg.as_literal(), Some(Value::Str(_))) {
        return Err(Mistake::of(
            Some(nth),
            format!("argument {} of `{}` must be a string constant", nth + 1, entry.name),
        ));
    }
    if fits(arg.kind()) {
        return Ok(());
    }
    if arg.is_null_literal() {
        *arg = Expr::null(default);
        return Ok(());
    }
    if matches!(takes, Takes::Day | Takes::Time) && matches!(arg.as_literal(), Some(Value::Str(_))) {
        let date = coerce(arg, Kind::Date).or_else(|_| coerce(arg, Kind::Datetime));
        return date.map_err(|why| Mistake { arg: Some(nth), ..why });
    }
    let found = arg.kind();
    let mistake = Mistake::of(
        Some(nth),
        match entry.family {
            Family::Operator => format!("`{}` takes {wanted}, not a value of type {found}", spelled(entry.name)),
            _ => format!("argument {} of `{}` must be {wanted}, not a value of type {found}", nth + 1, entry.name),
        },
    );
    Err(match takes {
        Takes::Str => mistake.help("turn it into one with `CAST(… AS str)`"),
        Takes::Bool if arg.kind().is_numeric() => mistake.help("compare it: `… <> 0`"),
        _ => mistake,
    })
}

/// An operator as it is written.
fn spelled(operator: &str) -> String {
    match operator {
        "neg" => "-".to_owned(),
        other => other.to_uppercase().replace('_', " "),
    }
}

/// Gives a constant the type its surroundings ask for: null any, a string that of a date or datetime it spells.
pub fn coerce(arg: &mut Expr, kind: Kind) -> Result<(), Mistake> {
    let text = match arg.as_literal() {
        Some(Value::Null) => {
            *arg = Expr::null(kind);
            return Ok(());
        }
        Some(Value::Str(text)) => text.clone(),
        _ => return Ok(()),
    };
    let value = match kind {
        Kind::Date => calendar::read_date(&text).map(Value::Date),
        Kind::Datetime => calendar::read_moment(&text).map(Value::Datetime),
        _ => return Ok(()),
    };
    let Some(value) = value else {
        let example = if kind == Kind::Date { "2024-01-31" } else { "2024-01-31 12:30:00" };
        return Err(Mistake::of(None, format!("`{text}` isn't a {kind}")).help(format!("write it as '{example}'")));
    };
    *arg = Expr::literal(value);
    Ok(())
}

/// The one type of the picked arguments, whose constants are turned into it.
pub fn common(args: &mut [Expr], picked: impl Fn(usize) -> bool) -> Result<Kind, Mistake> {
    let group: Vec<usize> = (0..args.len()).filter(|&nth| picked(nth)).collect();
    let is_text = |arg: &Expr| matches!(arg.as_literal(), Some(Value::Str(_)));
    let solid = group.iter().filter(|&&nth| !args[nth].is_null_literal());
    // String constants come last, so that a date beside one decides what it is.
    let (texts, others): (Vec<usize>, Vec<usize>) = solid.partition(|&&nth| is_text(&args[nth]));
    let mut kind = None;
    for nth in others.into_iter().chain(texts) {
        let own = args[nth].kind();
        kind = Some(match kind {
            None => own,
            Some(sofar) => join(sofar, own, is_text(&args[nth])).ok_or_else(|| clash(nth, sofar, own))?,
        });
    }
    let kind = kind.unwrap_or_else(|| args[group[0]].kind());
    for nth in group {
        coerce(&mut args[nth], kind).map_err(|why| Mistake { arg: Some(nth), ..why })?;
    }
    Ok(kind)
}

fn clash(nth: usize, sofar: Kind, own: Kind) -> Mistake {
    let mistake = Mistake::of(Some(nth), format!("values of type {own} and {sofar} don't go together"));
    match (sofar, own) {
        (Kind::Bool, Kind::Int | Kind::Float) | (Kind::Int | Kind::Float, Kind::Bool) => {
            mistake.help("use the condition as it is, or turn it into a number with `CAST(… AS int)`")
        }
        (day, number) | (number, day) if day.is_temporal() && number.is_numeric() => {
            mistake.help("`year(x)`, `date_diff('day', a, b)` or `epoch(x)` make numbers of dates")
        }
        _ if own.is_string() => mistake.help(format!("read the text with `CAST(… AS {sofar})`")),
        _ if sofar.is_string() => mistake.help(format!("read the text with `CAST(… AS {own})`")),
        _ => mistake,
    }
}

fn join(a: Kind, b: Kind, b_is_text: bool) -> Option<Kind> {
    Some(match (a, b) {
        _ if a == b => a,
        _ if a.is_numeric() && b.is_numeric() => Kind::Float,
        _ if a.is_string() && b.is_string() => Kind::Str,
        (Kind::Date, Kind::Datetime) | (Kind::Datetime, Kind::Date) => Kind::Datetime,
        (Kind::Date | Kind::Datetime, _) if b_is_text => a,
        _ => return None,
    })
}
