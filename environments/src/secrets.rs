//! The secrets of an environment: `environments/NAME/secrets.toml`, and the files beside it.
//!
//! The file has the shape of the environment: `components` and the `attributes` and `data` of
//! `hosts`. Each value is encrypted by itself, to a key of the environment. The public half of that
//! key stands in the file, so that whoever can write the file can add a value; the private half
//! stands there encrypted to the members.
//!
//! | module | what lives there |
//! |---|---|
//! | [`access`] | whether loading an environment opens its secrets |
//! | [`path`] | where a value belongs |
//! | [`document`], `header` | the file as it stands, nothing decrypted |
//! | `rewrite` | the file with other values, all else kept |
//! | [`members`] | who may decrypt |
//! | [`identities`], `candidate` | the keys that somebody has |
//! | [`environment_key`] | the environment's key, locked to the members and unlocked again |
//! | `seal` | one value, bound to its place |
//! | [`store`] | reading, locking, replacing |
//! | `operations` | setting, members, rotation |
//! | [`editing`] | all values as a text for an editor, and back |
//! | [`batou`] | a batou `secrets.cfg` in clear |
//!
//! The cryptography is that of the `age` crate alone.

pub mod access;
pub mod batou;
mod candidate;
pub mod document;
pub mod editing;
pub mod environment_key;
mod header;
pub mod identities;
pub mod members;
mod operations;
pub mod path;
mod rewrite;
mod seal;
pub mod store;
#[cfg(test)]
mod tests;

pub use access::Access;
pub use document::SecretFile;
pub use editing::Editing;
pub use environment_key::EnvironmentKey;
pub use header::public_key_in;
pub use identities::{Identities, Prompt};
pub use members::Members;
pub use path::SecretPath;
pub use store::{Locked, Store};

use zeroize::Zeroizing;

/// A value in clear, wiped from memory when it is dropped.
pub type Clear = Zeroizing<Vec<u8>>;

/// The largest value, in bytes.
pub const LARGEST: usize = 10 * 1000 * 1000;

/// Values that are larger stand in a file of their own, so that the file of all can be read.
const LARGEST_INLINE: usize = 16 * 1024;
