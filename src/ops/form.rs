//! The forms an op's argument may be written in, made one before it is typed.

use serde::de::DeserializeOwned;

use crate::source::{Data, Fault, Node, decode};

/// The field that an argument stands for in its short form.
#[derive(Clone, Copy)]
pub(super) struct Shorthand {
    /// Its name.
    pub(super) field: &'static str,
    /// Whether it may be a map from columns.
    pub(super) maps: bool,
}

/// Decodes an op's argument. With a shorthand field, an argument that isn't a map of fields stands for that field.
pub(super) fn read<P: DeserializeOwned>(argument: &Node, shorthand: Option<Shorthand>) -> Result<P, Vec<Fault>> {
    let mut faults = Vec::new();
    let wrapped = short(argument, shorthand);
    let decoded = match wrapped {
        Some(field) => decode::<P>(&argument.wrapped(field), &mut faults),
        None => decode::<P>(argument, &mut faults),
    };
    if let Some(field) = wrapped {
        for fault in &mut faults {
            fault.route = fault.route.without_first(field);
        }
    }
    match decoded {
        Some(params) if faults.is_empty() => Ok(params),
        _ => Err(faults),
    }
}

/// The field that an argument stands for, if it is written in its short form.
pub(super) fn short(argument: &Node, shorthand: Option<Shorthand>) -> Option<&'static str> {
    shorthand.filter(|shorthand| !is_map_of_fields(argument, *shorthand)).map(|shorthand| shorthand.field)
}

/// `{except: […]}` is a selector; any other map says fields by name. An absent argument has none to say.
fn is_map_of_fields(argument: &Node, shorthand: Shorthand) -> bool {
    match &argument.data {
        Data::Map(entries) => {
            let has = |key: &str| entries.iter().any(|entry| entry.key == key);
            if shorthand.maps { has(shorthand.field) } else { !has("except") }
        }
        Data::Null => true,
        _ => false,
    }
}
