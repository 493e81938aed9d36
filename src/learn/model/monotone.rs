//! Monotone constraints: which way answers go as a feature rises.

use std::collections::BTreeMap;

use super::faults::{Faults, out_of_range};
use crate::learn::{Target, Training};
use crate::source::{Fault, suggest};

/// By feature: 1 never down, -1 never up, 0 as they like.
pub type Monotone = BTreeMap<String, i8>;

/// What is wrong with the directions themselves.
pub(super) fn check(monotone: &Monotone, faults: &mut Faults) {
    for (name, sign) in monotone {
        if !(-1..=1).contains(sign) {
            let message = format!("`{name}` goes up (1), down (-1) or both ways (0), and this is {sign}");
            faults.push(out_of_range(name, message).within("monotone"));
        }
    }
}

/// Each feature's direction, or nothing if none has one.
///
/// # Errors
/// If a feature isn't there or is a category, or there are more than two classes.
pub(super) fn signs(monotone: &Monotone, data: &Training) -> Result<Vec<i8>, Fault> {
    if monotone.values().all(|sign| *sign == 0) {
        return Ok(Vec::new());
    }
    if matches!(data.y, Target::Classes { count, .. } if *count > 2) {
        let message = "more than two classes have no order that could rise or fall";
        return Err(Fault::new("wrong-task", message).within("monotone").help("leave `monotone` out"));
    }
    let names = data.x.names();
    let mut signs = vec![0; names.len()];
    for (name, &sign) in monotone {
        let at = |fault: Fault| fault.within(name).within("monotone");
        let Some(place) = names.iter().position(|other| other == name) else {
            let known = suggest(name, names.iter().map(String::as_str));
            return Err(at(Fault::new("unknown-column", format!("there is no feature `{name}`")).maybe_help(known)));
        };
        if data.x.levels(place).is_some() && sign != 0 {
            let message = format!("`{name}` is a category, which neither rises nor falls");
            return Err(at(Fault::new("wrong-type", message).help(format!("leave `{name}` out of `monotone`"))));
        }
        signs[place] = sign;
    }
    Ok(signs)
}
