//! Walking a map by hand, where what one key may hold depends on another.

use serde::de::DeserializeOwned;

use super::{Data, Entry, Fault, Node, Route, decode, suggest};

/// A map that is taken apart key by key. What no one asked for is a mistake in the end.
pub struct Fields<'a> {
    node: &'a Node,
    route: Route,
    asked: Vec<&'static str>,
    /// Known, and no help to whoever misspelled another key.
    known: Vec<&'static str>,
    faults: Vec<Fault>,
}

impl<'a> Fields<'a> {
    /// The fields of the node at `route`. Anything but a map is a mistake, and then has no fields.
    pub fn new(node: &'a Node, route: Route, what: &str) -> Self {
        let mut faults = Vec::new();
        if !matches!(node.data, Data::Map(_)) {
            let message = format!("{what} is a map of fields, and this is {}", node.what());
            faults.push(Fault::new("wrong-type", message).under(&route));
        }
        Self { node, route, asked: Vec::new(), known: Vec::new(), faults }
    }

    /// Where this map stands.
    pub fn route(&self) -> &Route {
        &self.route
    }

    /// The entries.
    pub fn entries(&self) -> &'a [Entry] {
        self.node.entries()
    }

    /// The node under a key.
    pub fn node(&mut self, key: &'static str) -> Option<&'a Node> {
        self.asked.push(key);
        self.node.get(key)
    }

    /// The value under a key; `None` if it isn't there or is at fault.
    pub fn take<T: DeserializeOwned>(&mut self, key: &'static str) -> Option<T> {
        let node = self.node(key)?;
        let mut faults = Vec::new();
        let value = decode(node, &mut faults);
        let route = self.route.key(key);
        self.faults.extend(faults.into_iter().map(|fault| fault.under(&route)));
        value
    }

    /// The value under a key that must be there.
    pub fn need<T: DeserializeOwned>(&mut self, key: &'static str, help: &str) -> Option<T> {
        if self.node.get(key).is_none() && matches!(self.node.data, Data::Map(_)) {
            self.asked.push(key);
            let fault = Fault::new("missing-field", format!("`{key}` is missing")).help(help);
            self.faults.push(fault.on_key().under(&self.route));
            return None;
        }
        self.take(key)
    }

    /// Adds a mistake, whose route begins at this map.
    pub fn fault(&mut self, fault: Fault) {
        let fault = fault.under(&self.route);
        self.faults.push(fault);
    }

    /// Keys that are looked at elsewhere.
    pub fn allow(&mut self, keys: &[&'static str]) {
        self.known.extend(keys);
    }

    /// Keys of the language that this version doesn't have.
    pub fn later(&mut self, keys: &[&'static str]) {
        for key in keys {
            self.known.push(key);
            if self.node.get(key).is_some() {
                self.fault(Fault::new("not-supported", format!("`{key}` is not supported yet")).on_key().within(key));
            }
        }
    }

    /// All mistakes, with those of keys that nobody asked for.
    pub fn finish(mut self) -> Vec<Fault> {
        for entry in self.node.entries() {
            let key = entry.key.as_str();
            if self.asked.contains(&key) || self.known.contains(&key) || key.starts_with("x-") {
                continue;
            }
            let fault = Fault::new("unknown-key", format!("there is no key `{}` here", entry.key))
                .on_key()
                .maybe_help(suggest(&entry.key, self.asked.iter().copied()));
            self.faults.push(fault.under(&self.route.key(&entry.key)));
        }
        self.faults
    }
}
