//! SHA-256 of bytes, files and JSON, written `sha256:` and 64 hex digits.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::str::FromStr;
use std::sync::mpsc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest as _, Sha256};

use super::{StoreError, canonical};

const PREFIX: &str = "sha256:";
/// Up to which size a file is read at once.
const SMALL: u64 = 64 << 10;
/// From which size on a file is read ahead by a thread of its own.
const LARGE: u64 = 8 << 20;
/// What it reads ahead: so many buffers of so many bytes.
const BUFFERS: usize = 3;
const BUFFER: usize = 1 << 20;

/// The SHA-256 of some bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// Of bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Of a file's bytes, read in pieces.
    pub fn of_file(path: &Path) -> Result<Self, StoreError> {
        let hash = || {
            let mut file = File::open(path)?;
            match file.metadata()?.len() {
                // Without a buffer that is larger than the file.
                length if length < SMALL => {
                    let mut bytes = Vec::with_capacity(length as usize + 1);
                    file.read_to_end(&mut bytes)?;
                    Ok(Self::of(&bytes))
                }
                length if length < LARGE => Self::of_reader(&mut file),
                _ => Self::overlapped(&mut file),
            }
        };
        hash().map_err(StoreError::io("read", path))
    }

    /// Of a value's canonical JSON: the order of map keys doesn't count.
    pub fn of_json(value: &serde_json::Value) -> Self {
        Self::of(&canonical(value))
    }

    /// Of all that a reader gives.
    pub(super) fn of_reader(reader: &mut dyn Read) -> io::Result<Self> {
        let mut hasher = Hasher::default();
        let mut buffer = vec![0; 1 << 18];
        loop {
            match reader.read(&mut buffer) {
                Ok(0) => return Ok(hasher.finish()),
                Ok(count) => hasher.update(&buffer[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The same with a thread that reads ahead: neither the disk nor the hashing waits for the other.
    fn overlapped(reader: &mut (dyn Read + Send)) -> io::Result<Self> {
        let (full, filled) = mpsc::sync_channel::<io::Result<Vec<u8>>>(BUFFERS);
        let (empty, emptied) = mpsc::channel();
        for _ in 0..BUFFERS {
            // The other end lives until the thread below ends.
            drop(empty.send(vec![0; BUFFER]));
        }
        std::thread::scope(|scope| {
            scope.spawn(move || {
                while let Ok(buffer) = emptied.recv() {
                    let piece = fill(reader, buffer);
                    let goes_on = piece.as_ref().is_ok_and(|piece| !piece.is_empty());
                    if full.send(piece).is_err() || !goes_on {
                        break;
                    }
                }
            });
            let mut hasher = Hasher::default();
            for piece in filled {
                let piece = piece?;
                hasher.update(&piece);
                // Nobody takes it any more when all was read.
                drop(empty.send(piece));
            }
            Ok(hasher.finish())
        })
    }

    /// The 64 hex digits.
    pub fn hex(&self) -> String {
        hex(&self.0)
    }

    /// The first 8 hex digits, for people.
    pub fn short(&self) -> String {
        hex(&self.0[..4])
    }

    /// A digest from its 64 lowercase hex digits.
    pub(super) fn from_hex(text: &str) -> Option<Self> {
        let text = text.as_bytes();
        if text.len() != 64 {
            return None;
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
            *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
        }
        Some(Self(bytes))
    }
}

/// A buffer with the next bytes; empty at the end.
fn fill(reader: &mut dyn Read, mut buffer: Vec<u8>) -> io::Result<Vec<u8>> {
    buffer.resize(BUFFER, 0);
    loop {
        match reader.read(&mut buffer) {
            Ok(count) => {
                buffer.truncate(count);
                return Ok(buffer);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Text that isn't a digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` isn't a digest: that is `sha256:` and 64 hex digits")]
pub struct ParseDigestError(String);

impl FromStr for Digest {
    type Err = ParseDigestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.strip_prefix(PREFIX).and_then(Self::from_hex).ok_or_else(|| ParseDigestError(text.to_owned()))
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// Hashes what is written to it.
#[derive(Clone, Default)]
pub struct Hasher(Sha256);

impl Hasher {
    /// Takes in bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Takes in bytes after their count, so that neighbours can't be confused.
    pub fn update_prefixed(&mut self, bytes: &[u8]) {
        self.update(&(bytes.len() as u64).to_le_bytes());
        self.update(bytes);
    }

    /// The digest of everything so far.
    pub fn finish(self) -> Digest {
        Digest(self.0.finalize().into())
    }
}

impl Write for Hasher {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const ABC: &str = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn it_is_the_sha256_that_everybody_computes() {
        let digest = Digest::of(b"abc");
        assert_eq!(digest.to_string(), ABC);
        assert_eq!(digest.short(), "ba7816bf");
        assert_eq!(ABC.parse(), Ok(digest));
        assert_eq!(serde_json::to_value(digest).expect("json"), json!(ABC));
    }

    #[test]
    fn what_is_not_a_digest_is_refused() {
        for text in ["", "sha256:", "ba7816bf", &ABC.to_uppercase(), &ABC[..70]] {
            assert!(text.parse::<Digest>().is_err(), "{text}");
        }
    }

    #[test]
    fn files_and_pieces_hash_like_the_whole() {
        let bytes: Vec<u8> = (0..600_000_u32).map(|n| n as u8).collect();
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("big");
        std::fs::write(&path, &bytes).expect("written");
        assert_eq!(Digest::of_file(&path).expect("read"), Digest::of(&bytes));
        assert_eq!(Digest::overlapped(&mut &bytes[..]).expect("read"), Digest::of(&bytes));
        assert_eq!(Digest::overlapped(&mut io::empty()).expect("read"), Digest::of(b""));
        let large: Vec<u8> = (0..LARGE + 12_345).map(|n| (n % 251) as u8).collect();
        std::fs::write(&path, &large).expect("written");
        assert_eq!(Digest::of_file(&path).expect("read"), Digest::of(&large));
        let mut hasher = Hasher::default();
        io::copy(&mut &bytes[..], &mut hasher).expect("hashed");
        assert_eq!(hasher.finish(), Digest::of(&bytes));
    }

    #[test]
    fn json_counts_by_value_not_by_the_order_of_keys() {
        let one = json!({"a": 1, "b": {"c": 0.1, "d": [1, 2]}});
        let two = json!({"b": {"d": [1, 2], "c": 0.1}, "a": 1});
        assert_eq!(Digest::of_json(&one), Digest::of_json(&two));
        let swapped = json!({"a": 1, "b": {"c": 0.1, "d": [2, 1]}});
        assert_ne!(Digest::of_json(&one), Digest::of_json(&swapped));
    }
}
