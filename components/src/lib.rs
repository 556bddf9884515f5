//! The components that most deployments need.
//!
//! | module | component | what it looks after |
//! |---|---|---|
//! | [`mod@file`] | [`File`] | one file: presence, mode, owner, group, content |
//! | [`directory`] | [`Directory`] | one directory, or a whole tree copied from a source |
//! | [`symlink`] | [`Symlink`] | one symbolic link and where it leads |
//! | [`purge`] | [`Purge`] | that nothing matches a pattern |
//! | [`command`] | [`Command`] | a command that runs when its guard says so |
//! | [`accounts`] | [`User`], [`Group`], [`AuthorizedKey`], [`KnownHost`] | accounts and keys of SSH |
//! | [`packages`] | [`Apt`], [`AptRepository`], [`VirtualEnv`] | packages and their sources |
//! | [`scheduled`] | [`Cron`], [`Logrotate`] | what happens at its time |
//!
//! What they share: [`mode`] for the ways to write a mode, [`location`] for the ways to name a path
//! on a host; inside, `content` compares what a file has with what it shall have, `access` its mode
//! and owners, `globs` reads patterns, and `privilege` tells what needs root. `use togusa_components::prelude::*;` brings all of them.
//!
//! Every component here is idempotent, changes a host only through
//! [`Machine`](togusa_core::host::Machine), shows each difference that it found, and keeps what it
//! was told at `configure` in its `Debug` text, which the digest of the model is made of.

mod access;
#[cfg(feature = "accounts")]
pub mod accounts;
pub mod command;
mod content;
pub mod directory;
pub mod file;
mod globs;
pub mod location;
pub mod mode;
#[cfg(feature = "packages")]
pub mod packages;
pub mod prelude;
#[cfg(any(feature = "accounts", feature = "packages", feature = "scheduled"))]
mod privilege;
pub mod purge;
#[cfg(feature = "scheduled")]
pub mod scheduled;
pub mod symlink;

#[cfg(feature = "accounts")]
pub use accounts::{AuthorizedKey, Group, KnownHost, User};
pub use command::Command;
pub use directory::Directory;
pub use file::File;
pub use location::Location;
pub use mode::IntoMode;
#[cfg(feature = "packages")]
pub use packages::{Apt, AptRepository, VirtualEnv};
pub use purge::Purge;
#[cfg(feature = "scheduled")]
pub use scheduled::{Cron, Logrotate};
pub use symlink::Symlink;
