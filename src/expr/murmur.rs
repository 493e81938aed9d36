//! MurmurHash3 for 32 bits (Austin Appleby, in the public domain): a hash that is the same on every machine.

/// The hash of some bytes with the seed 0, as scikit-learn's `FeatureHasher` takes it.
pub(super) fn murmur3(bytes: &[u8]) -> u32 {
    let mut hash = 0u32;
    let mut blocks = bytes.chunks_exact(4);
    for block in &mut blocks {
        hash ^= scrambled(u32::from_le_bytes(block.try_into().expect("4 bytes")));
        hash = hash.rotate_left(13).wrapping_mul(5).wrapping_add(0xe654_6b64);
    }
    let rest = blocks.remainder();
    if !rest.is_empty() {
        let mut last = [0; 4];
        last[..rest.len()].copy_from_slice(rest);
        hash ^= scrambled(u32::from_le_bytes(last));
    }
    hash ^= bytes.len() as u32;
    hash = (hash ^ (hash >> 16)).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ (hash >> 13)).wrapping_mul(0xc2b2_ae35);
    hash ^ (hash >> 16)
}

fn scrambled(block: u32) -> u32 {
    block.wrapping_mul(0xcc9e_2d51).rotate_left(15).wrapping_mul(0x1b87_3593)
}

#[cfg(test)]
mod tests {
    use super::murmur3;

    /// Known values of the algorithm's own test and of scikit-learn's `murmurhash3_32`.
    #[test]
    fn hashes_are_those_of_scikit_learn() {
        for (text, hash) in HASHES {
            assert_eq!(murmur3(text.as_bytes()) as i32, *hash, "{text}");
        }
    }

    const HASHES: &[(&str, i32)] = &[
        ("", 0),
        ("a", 1009084850),
        ("ab", -1681926305),
        ("abc", -1277324294),
        ("abcd", 1139631978),
        ("foo", -156908512),
        ("Montréal", 1358826080),
        ("名前", -1288410098),
        ("The quick brown fox jumps over the lazy dog", 776992547),
    ];
}
