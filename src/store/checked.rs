//! JSON files that know their own checksum, so that a torn or rotten one reads as none.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Digest;

const BEFORE: &str = r#"{"check":""#;
const BETWEEN: &str = r#"","body":"#;
const AFTER: &str = "}\n";
/// `sha256:` and 64 hex digits.
const DIGEST: usize = 71;

/// `{"check": the digest of the body's bytes, "body": …}` and a newline.
pub(super) fn wrap(body: &impl Serialize) -> Vec<u8> {
    let body = serde_json::to_vec(body).expect("our own types have string keys and no failing parts");
    let check = Digest::of(&body).to_string();
    [BEFORE.as_bytes(), check.as_bytes(), BETWEEN.as_bytes(), &body, AFTER.as_bytes()].concat()
}

/// The body, if every byte is what was written.
pub(super) fn unwrap<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    let rest = bytes.strip_prefix(BEFORE.as_bytes())?;
    let (check, rest) = rest.split_at_checked(DIGEST)?;
    let body = rest.strip_prefix(BETWEEN.as_bytes())?.strip_suffix(AFTER.as_bytes())?;
    let check: Digest = std::str::from_utf8(check).ok()?.parse().ok()?;
    if Digest::of(body) != check {
        return None;
    }
    serde_json::from_slice(body).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_changed_byte_and_every_cut_is_noticed() {
        let whole = wrap(&vec![1, 20, 300]);
        assert_eq!(unwrap(&whole), Some(vec![1, 20, 300]));
        assert!(serde_json::from_slice::<serde_json::Value>(&whole).is_ok(), "it is JSON");
        for at in 0..whole.len() {
            let mut bad = whole.clone();
            bad[at] ^= 1;
            assert_eq!(unwrap::<Vec<i32>>(&bad), None, "flipped at {at}");
            assert_eq!(unwrap::<Vec<i32>>(&whole[..at]), None, "cut at {at}");
        }
    }
}
