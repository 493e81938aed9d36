//! `promote_if`: what a model must reach, beside the champion, before the alias moves to it.

use super::step::{Bar, Promotion};
use crate::learn::{Direction, find_metric};
use crate::source::{Data, Entry, Fault, Fields, Node, suggest};

const EXAMPLE: &str = "write `promote_if: {f1: {min: champion - 0.01}}`";
const CHAMPION: &str = "champion";

/// Reads the bounds. Faults have their routes from the step.
pub(super) fn read(node: &Node, fields: &mut Fields) -> Vec<Promotion> {
    let at = |fault: Fault| fault.within("promote_if");
    if !matches!(node.data, Data::Map(_)) {
        fields.fault(at(Fault::new("wrong-type", "`promote_if` is a map of metrics").help(EXAMPLE)));
        return Vec::new();
    }
    if node.entries().is_empty() {
        fields.fault(at(Fault::new("missing-field", "`promote_if` names no metric").help(EXAMPLE)));
    }
    let mut found = Vec::new();
    for entry in node.entries() {
        match promotion(entry) {
            Ok(promotion) => found.push(promotion),
            Err(fault) => fields.fault(at(fault.within(&entry.key))),
        }
    }
    found
}

fn promotion(entry: &Entry) -> Result<Promotion, Fault> {
    let metric = find_metric(&entry.key).map_err(Fault::on_key)?;
    if !matches!(entry.value.data, Data::Map(_)) {
        return Err(Fault::new("wrong-type", "a bound is a map of `min` or `max`").help(EXAMPLE));
    }
    let mut found = Promotion { metric: metric.name.to_owned(), min: None, max: None };
    for bound in entry.value.entries() {
        let bar = bar(&bound.value).map_err(|fault| fault.within(&bound.key))?;
        match bound.key.as_str() {
            "min" => found.min = Some(bar),
            "max" => found.max = Some(bar),
            other => {
                let fault = Fault::new("unknown-key", format!("there is no key `{other}` here"));
                return Err(fault.maybe_help(suggest(other, ["min", "max"])).on_key().within(other));
            }
        }
    }
    // A model that must be worse than the champion is a slip.
    let (wrong, right, better) = match metric.direction {
        Direction::Higher => (found.max, "min", "more"),
        Direction::Lower => (found.min, "max", "less"),
    };
    if matches!(wrong, Some(Bar::Champion(_))) {
        let message = format!("of `{}` {better} is better, so a better model keeps a `{right}`", metric.name);
        let side = if right == "min" { "max" } else { "min" };
        return Err(Fault::new("bad-gate", message).help(format!("write `{right}`")).on_key().within(side));
    }
    if metric.name == "max_error" && [found.min, found.max].iter().any(|bar| matches!(bar, Some(Bar::Champion(_)))) {
        let message = "by the largest error two models can't be compared: other rows say nothing of it";
        return Err(Fault::new("bad-gate", message).help("compare them by `rmse` or `mae`").on_key());
    }
    if found.min.is_none() && found.max.is_none() {
        return Err(Fault::new("bad-gate", "a bound needs a `min` or a `max`").help(EXAMPLE));
    }
    Ok(found)
}

/// A number, `champion`, or `champion` and so much more or less.
fn bar(node: &Node) -> Result<Bar, Fault> {
    let wrong = |text: &str| {
        Fault::new("bad-gate", format!("`{text}` is no bar for a score"))
            .help("write a number, `champion`, or `champion - 0.01`")
    };
    let text = match &node.data {
        Data::Int(number) => return Ok(Bar::Number(*number as f64)),
        Data::Float(number) if number.is_finite() => return Ok(Bar::Number(*number)),
        Data::Str(text) => text.trim(),
        _ => return Err(Fault::new("wrong-type", format!("a bar is a number or text, and this is {}", node.what()))),
    };
    let rest = text.strip_prefix(CHAMPION).ok_or_else(|| wrong(text))?.trim_start();
    let (sign, amount) = match rest.chars().next() {
        None => return Ok(Bar::Champion(0.0)),
        Some('+') => (1.0, &rest[1..]),
        Some('-') => (-1.0, &rest[1..]),
        Some(_) => return Err(wrong(text)),
    };
    match amount.trim().parse::<f64>() {
        Ok(amount) if amount.is_finite() && amount >= 0.0 => Ok(Bar::Champion(sign * amount)),
        _ => Err(wrong(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(data: Data) -> Result<Bar, &'static str> {
        let node = Node::made(data, 0..0);
        bar(&node).map_err(|fault| fault.code)
    }

    #[test]
    fn a_bar_is_a_number_or_the_champions_score_and_so_much_more() {
        let text = |text: &str| of(Data::Str(text.to_owned()));
        assert_eq!(text("champion"), Ok(Bar::Champion(0.0)));
        assert_eq!(text(" champion - 0.01 "), Ok(Bar::Champion(-0.01)));
        assert_eq!(text("champion+1e-3"), Ok(Bar::Champion(1e-3)));
        assert_eq!(of(Data::Float(0.9)), Ok(Bar::Number(0.9)));
        assert_eq!(of(Data::Int(3)), Ok(Bar::Number(3.0)));
        for wrong in
            ["champ - 0.01", "champion * 2", "champion - x", "champion - -1", "champions", "0.9x", "champion - inf"]
        {
            assert_eq!(text(wrong), Err("bad-gate"), "{wrong}");
        }
    }
}
