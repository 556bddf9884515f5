//! The subject of the tests of the library: roots whose attributes are those of its components.
//!
//! | module | roots for |
//! |---|---|
//! | `accounts` | users and groups |
//! | `sources` | checkouts and scripts of another user |
//!
//! It is copied to a host of the lab and deploys there, on that host itself.

mod accounts;
mod sources;

use std::process::ExitCode;

use togusa::Cli;
use togusa::prelude::*;

/// The project's name, which is part of the paths on a host.
pub const PROJECT: &str = "library";

/// Runs the command line of the project.
pub fn main() -> ExitCode {
    let groups = [accounts::register, sources::register];
    let registry =
        groups.into_iter().fold(Registry::new(), |registry, register| register(registry));
    Cli::new(registry).project(PROJECT).run()
}
