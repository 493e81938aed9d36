//! The file of remembered digests: short, because a hundred thousand files are read and written at once.
//!
//! A line that names the form, the SHA-256 of the rest, then an entry after the other: the length of the name (4 bytes), the name,
//! size, times and inode (8 bytes each), the digest (32). Numbers are little-endian.

use std::collections::HashMap;

use super::Digest;
use super::sources::Entry;
use super::stat::Stat;

const HEAD: &[u8] = b"gristmill sources 2\n";
const DIGEST: usize = 32;

/// The file's bytes.
pub(super) fn encode(entries: &HashMap<String, Entry>) -> Vec<u8> {
    let mut body = Vec::with_capacity(entries.len() * 128);
    for (name, entry) in entries {
        // No path is longer than 4 GiB.
        body.extend_from_slice(&(name.len() as u32).to_le_bytes());
        body.extend_from_slice(name.as_bytes());
        entry.stat.numbers().iter().for_each(|number| body.extend_from_slice(&number.to_le_bytes()));
        body.extend_from_slice(&entry.digest.0);
    }
    [HEAD, &Digest::of(&body).0, &body].concat()
}

/// What the bytes say, if every one is what was written.
pub(super) fn decode(bytes: &[u8]) -> Option<HashMap<String, Entry>> {
    let (check, mut body) = bytes.strip_prefix(HEAD)?.split_at_checked(DIGEST)?;
    if Digest::of(body).0 != check {
        return None;
    }
    let mut entries = HashMap::with_capacity(body.len() / 100);
    while !body.is_empty() {
        let length = u32::from_le_bytes(take(&mut body, 4)?.try_into().ok()?);
        let name = std::str::from_utf8(take(&mut body, length as usize)?).ok()?.to_owned();
        let mut numbers = [0; 4];
        for number in &mut numbers {
            *number = i64::from_le_bytes(take(&mut body, 8)?.try_into().ok()?);
        }
        let digest = Digest(take(&mut body, DIGEST)?.try_into().ok()?);
        entries.insert(name, Entry { stat: Stat::of_numbers(numbers), digest });
    }
    Some(entries)
}

fn take<'a>(bytes: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(count)?;
    *bytes = rest;
    Some(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_comes_back_and_every_changed_byte_and_every_cut_is_noticed() {
        let entry = |seed: i64| Entry {
            stat: Stat::of_numbers([seed, -seed, i64::MAX, seed]),
            digest: Digest([seed as u8; 32]),
        };
        let entries = HashMap::from([("data/ü.csv".to_owned(), entry(7)), (String::new(), entry(-1))]);
        let whole = encode(&entries);
        assert_eq!(decode(&whole), Some(entries));
        assert_eq!(decode(&encode(&HashMap::new())), Some(HashMap::new()));
        for at in 0..whole.len() {
            let mut bad = whole.clone();
            bad[at] ^= 1;
            assert_eq!(decode(&bad), None, "flipped at {at}");
            assert_eq!(decode(&whole[..at]), None, "cut at {at}");
        }
    }
}
