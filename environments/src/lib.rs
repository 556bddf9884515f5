//! Loads the environments of a project from TOML into `togusa_core::environment::Environment`.
//!
//! The ways in are in `load`. A load goes through these steps, and goes on after a mistake wherever
//! it can, so that one run reports all of them:
//!
//! 1. `files` finds `environments/NAME/environment.toml` and reads its text;
//! 2. `parse` turns the text into core's tables, every value with its place (`source`); what is
//!    not TOML is told by `syntax`;
//! 3. `level` splits one file into its sections and spreads ranges of hosts (`ranges`) over the
//!    hosts that they name;
//! 4. `extends` follows a file to its bases and lays the levels over each other;
//! 5. `secrets` decrypts what stands beside the file, and lays it over the same level;
//! 6. `read` gives the merged tables their meaning, key by key.
//!
//! `layers` keeps the levels apart instead, for who wants to know where an attribute comes from; `keys`
//! is the table of all keys: what `read` knows, the reference shows and `schema` describes to editors.
//!
//! Whether a component or an attribute exists is not known here: core asks the registry, with the
//! places that this crate hands on.

// What is raised here is shown to users, who look its code up; tests may do without.
#![cfg_attr(not(test), deny(clippy::disallowed_macros))]

mod extends;
mod files;
pub mod keys;
mod layers;
mod level;
mod load;
mod parse;
mod ranges;
mod read;
pub mod schema;
pub mod secrets;
mod source;
mod syntax;
#[cfg(test)]
mod tests;

pub use files::{check_name, list};
pub use layers::{Layer, Layers};
pub use load::{Loaded, from_str, load};
