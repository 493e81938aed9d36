//! `profiles`: sets of values for params, one of which `--profile` chooses.

use super::overrides::{declared, set};
use crate::source::{Data, Fault, Node, Route, suggest};

/// Checks all profiles and applies the chosen one. Faults in the document go to `inside`; one of the command line is
/// returned.
pub(super) fn apply(root: &mut Node, chosen: Option<&str>, inside: &mut Vec<Fault>) -> Option<Fault> {
    let profiles = root.get("profiles").cloned();
    let profiles = profiles.as_ref();
    if let Some(node) = profiles.filter(|node| !matches!(node.data, Data::Map(_))) {
        let fault = Fault::new("wrong-type", format!("`profiles` is a map of names, and this is {}", node.what()));
        inside.push(fault.help("write `profiles: {dev: {params: {sample: 0.02}}}`").under(&Route::of(["profiles"])));
    }
    let entries = profiles.map(Node::entries).unwrap_or_default();
    let known = declared(root);
    for profile in entries {
        let route = Route::of(["profiles", &profile.key]);
        check(&profile.value, &known, &route, inside);
        if chosen == Some(profile.key.as_str()) {
            for (name, text) in params(&profile.value).filter(|(name, _)| known.iter().any(|known| known == name)) {
                let by = format!("the profile `{}`", profile.key);
                inside
                    .extend(set(root, name, text, &by).err().map(|fault| fault.under(&route.key("params").key(name))));
            }
        }
    }
    let chosen = chosen?;
    if entries.iter().any(|profile| profile.key == chosen) {
        return None;
    }
    let fault = Fault::new("unknown-profile", format!("--profile: there is no profile `{chosen}`"));
    let names = entries.iter().map(|profile| profile.key.as_str());
    Some(fault.maybe_help(suggest(chosen, names).or_else(|| {
        entries.is_empty().then(|| "the file has none: write `profiles: {dev: {params: {…}}}`".to_owned())
    })))
}

fn params(profile: &Node) -> impl Iterator<Item = (&str, &str)> {
    let params = profile.get("params").map(Node::entries).unwrap_or_default();
    params.iter().map(|entry| (entry.key.as_str(), entry.value.text.as_str()))
}

/// A profile says values of declared params, and nothing else.
fn check(profile: &Node, known: &[String], route: &Route, faults: &mut Vec<Fault>) {
    for entry in profile.entries().iter().filter(|entry| entry.key != "params") {
        let fault = Fault::new("unknown-key", format!("there is no key `{}` in a profile", entry.key));
        faults.push(fault.help("a profile has `params`").on_key().under(&route.key(&entry.key)));
    }
    for (name, _) in params(profile).filter(|(name, _)| !known.iter().any(|known| known == name)) {
        let fault = Fault::new("unknown-param", format!("there is no param `{name}`"));
        let fault = fault.maybe_help(suggest(name, known.iter().map(String::as_str))).on_key();
        faults.push(fault.under(&route.key("params").key(name)));
    }
}
