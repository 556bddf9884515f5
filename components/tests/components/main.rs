//! The components of the library on real directories, through the harness and the real engine.

#![expect(clippy::disallowed_methods, reason = "tests arrange the files of hosts by hand")]

mod bench;
#[cfg(feature = "web")]
mod certificate;
#[cfg(feature = "checks")]
mod checks;
mod command;
mod directory;
mod file;
mod file_access;
mod file_content;
mod hostile;
#[cfg(feature = "services")]
mod program;
mod purge;
mod secrets;
mod symlink;

use bench::{Bench, is_root, lines};
