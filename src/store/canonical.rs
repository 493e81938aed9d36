//! One spelling for each JSON value: no spaces, object keys sorted, numbers as serde_json prints them (floats shortest).

use serde_json::{Map, Value as Json};

/// The canonical text of a value. Equal values give equal bytes, however their maps are ordered.
pub fn canonical(value: &Json) -> Vec<u8> {
    sorted(value).to_string().into_bytes()
}

/// The same value with the keys of every map in byte order.
pub fn sorted(value: &Json) -> Json {
    match value {
        Json::Array(items) => Json::Array(items.iter().map(sorted).collect()),
        Json::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_unstable_by_key(|(key, _)| *key);
            let entries = entries.into_iter().map(|(key, value)| (key.clone(), sorted(value)));
            Json::Object(Map::from_iter(entries))
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn keys_are_sorted_at_every_depth_and_lists_are_not() {
        let value = json!({"b": [3, {"z": 1, "a": 0.1}], "a": null});
        assert_eq!(canonical(&value), br#"{"a":null,"b":[3,{"a":0.1,"z":1}]}"#.to_vec());
    }
}
