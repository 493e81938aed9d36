//! Bytes by digest, no ops: objects, keys and their explanation, step records, claims, run history, lock files.
//!
//! Everything that can be made again is a plain file under `.gristmill/`; runs and models are rows of one SQLite file there.

mod atomic;
mod canonical;
mod checked;
mod claims;
mod clock;
pub mod db;
mod diff;
mod digest;
mod error;
mod examine;
mod gc;
mod history;
mod home;
mod key;
mod lock;
mod manifest;
mod objects;
mod records;
mod remembered;
mod runs;
mod schema;
mod scratch;
mod sources;
mod stat;
mod uses;
mod yaml;

pub use atomic::write_atomic;
pub use canonical::{canonical, sorted};
pub use claims::Claim;
pub use clock::Clock;
pub use diff::{Change, diff};
pub use digest::{Digest, Hasher, ParseDigestError};
pub use error::{StoreError, is_environment};
pub use examine::Examined;
pub use gc::{Branches, Swept, Tally, Wanted, branches, collect, digests_in, locks_under};
pub use history::History;
pub use home::STATE;
pub use key::{Key, KeyHasher, key_alone, key_of};
pub use lock::{Lock, SourceLock, StepLock};
pub use manifest::{Describe, Manifest, Part, Recorder};
pub use objects::{ObjectWriter, Store};
pub use records::Record;
pub use runs::{Run, RunId, Status};
pub use sources::{Seen, Sources};
