//! Parts of files that something else looks after.
//!
//! | module | component | what it looks after |
//! |---|---|---|
//! | [`line`](mod@line) | [`Line`] | one line: it is there, or it is not |
//! | [`block`] | [`Block`] | lines between two markers |
//! | [`patch`](mod@patch) | [`Patch`] | a unified diff, applied once |
//! | [`values`] | [`Values`] | values in a JSON, YAML, TOML or INI file |
//! | [`permissions`] | [`Permissions`] | mode, owner and group of all that matches a pattern |
//!
//! An edit reads the whole file, and writes it anew in one moment: mode, owner and group stay as they
//! are unless others are asked for, a second name of the file (a hard link) keeps the old content.
//! Access control lists and extended attributes are not carried over. A link in the place of the file
//! is an error that names where it leads.

pub mod block;
pub mod line;
mod lines;
pub mod patch;
pub mod permissions;
pub(crate) mod target;
pub mod values;

pub use block::Block;
pub use line::Line;
pub use patch::Patch;
pub use permissions::Permissions;
pub use values::Values;
