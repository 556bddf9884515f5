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
//! | [`services`] | [`Program`], [`SystemdService`], [`SupervisorProgram`], … | what runs |
//! | [`web`] | [`NginxSite`], [`HaproxyBackend`], [`Certificate`], … | what stands before an application |
//! | [`checks`] | [`WaitForPort`], [`WaitForHttp`] | that something answers |
//!
//! What they share: [`mode`] for the ways to write a mode, [`location`] for the ways to name a path
//! on a host; inside, `content` compares what a file has with what it shall have, `access` its mode
//! and owners, `globs` reads patterns, and `privilege` tells what needs root; `foreign` runs
//! programs of others, `processes` looks at what runs, and `waiting` waits for it.
//! `use togusa_components::prelude::*;` brings all of them.
//!
//! Every component here is idempotent, changes a host only through
//! [`Machine`](togusa_core::host::Machine), shows each difference that it found, and keeps what it
//! was told at `configure` in its `Debug` text, which the digest of the model is made of.

mod access;
#[cfg(feature = "accounts")]
pub mod accounts;
#[cfg(feature = "checks")]
pub mod checks;
pub mod command;
mod content;
pub mod directory;
pub mod file;
#[cfg(any(feature = "services", feature = "web", feature = "checks"))]
mod foreign;
mod globs;
pub mod location;
pub mod mode;
pub mod prelude;
#[cfg(any(feature = "accounts", feature = "services"))]
mod privilege;
#[cfg(any(feature = "services", feature = "web"))]
mod processes;
pub mod purge;
#[cfg(feature = "services")]
pub mod services;
pub mod symlink;
#[cfg(any(feature = "services", feature = "web", feature = "checks"))]
mod waiting;
#[cfg(feature = "web")]
pub mod web;

#[cfg(feature = "accounts")]
pub use accounts::{AuthorizedKey, Group, KnownHost, User};
#[cfg(feature = "checks")]
pub use checks::{WaitForHttp, WaitForPort};
pub use command::Command;
pub use directory::Directory;
pub use file::File;
pub use location::Location;
pub use mode::IntoMode;
pub use purge::Purge;
#[cfg(feature = "services")]
pub use services::{Program, SupervisorProgram, SystemdService, SystemdTimer, SystemdUnit};
pub use symlink::Symlink;
#[cfg(feature = "web")]
pub use web::{Certificate, HaproxyBackend, NginxReload, NginxSite};
