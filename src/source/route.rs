//! Where in a document something stands, told by keys and indexes (`steps.forest.with.max_depth`), never by lines.

use std::fmt;

/// One step down into a document.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Segment {
    /// Into a map, by key.
    Key(String),
    /// Into a sequence, by position from zero.
    Index(usize),
}

/// A path from a document's root (or from a node of it) to a node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Route(Vec<Segment>);

impl Route {
    /// The node itself.
    pub fn here() -> Self {
        Self::default()
    }

    /// A route of keys only: `Route::of(["steps", "tidy"])`.
    pub fn of<'a>(keys: impl IntoIterator<Item = &'a str>) -> Self {
        Self(keys.into_iter().map(|key| Segment::Key(key.to_owned())).collect())
    }

    /// This route, then into the map's `key`.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        self.then(Segment::Key(key.to_owned()))
    }

    /// This route, then into the sequence's item `index`.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        self.then(Segment::Index(index))
    }

    /// This route, then `rest`.
    #[must_use]
    pub fn join(&self, rest: &Route) -> Self {
        Self(self.0.iter().chain(&rest.0).cloned().collect())
    }

    /// This route without its first segment, if that is the key `key`.
    #[must_use]
    pub fn without_first(&self, key: &str) -> Self {
        match self.0.split_first() {
            Some((Segment::Key(first), rest)) if first == key => Self(rest.to_vec()),
            _ => self.clone(),
        }
    }

    /// The route to the node that holds this one; the root's is its own.
    #[must_use]
    pub fn parent(&self) -> Self {
        Self(self.0[..self.0.len().saturating_sub(1)].to_vec())
    }

    /// The segments from the root down.
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }

    fn then(&self, segment: Segment) -> Self {
        let mut segments = self.0.clone();
        segments.push(segment);
        Self(segments)
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (nth, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Key(key) if nth == 0 => write!(f, "{key}")?,
                Segment::Key(key) => write!(f, ".{key}")?,
                Segment::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Route;

    #[test]
    fn a_route_reads_like_a_path() {
        let route = Route::of(["steps", "tidy", "ops"]).index(2).key("filter");
        assert_eq!(route.to_string(), "steps.tidy.ops[2].filter");
        assert_eq!(Route::of(["a"]).join(&Route::of(["b"])), Route::of(["a", "b"]));
    }
}
