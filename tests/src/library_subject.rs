//! The subject of the tests of the library: roots whose attributes are those of its components.
//!
//! | module | roots for |
//! |---|---|
//! | `accounts` | users, groups, keys of SSH |
//! | `containers` | Docker |
//! | [`crowd`] | a host with much on it |
//! | `data` | PostgreSQL |
//! | `mysql` | MariaDB and MySQL |
//! | `packages` | packages and their sources |
//! | `redis` | Redis |
//! | `rights` | what users may do, keys of GnuPG |
//! | `scheduled` | jobs of cron, rotation of logs |
//! | `sources` | checkouts and scripts of another user |
//! | `services` | programs, systemd, supervisord |
//! | `system` | the system itself: kernel, mounts, names |
//! | `web` | nginx, HAProxy, certificates, checks |
//!
//! It is copied to a host of the lab and deploys there, on that host itself.

/// Gives a component what an attribute says, if the environment sets it.
macro_rules! set {
    ($on:ident: $($name:ident = $value:expr),* $(,)?) => {
        $(let $on = match $value {
            Some(value) => $on.$name(value),
            None => $on,
        };)*
    };
}

/// Asks a component for something, if the environment does.
macro_rules! ask {
    ($on:ident: $($name:ident if $asked:expr),* $(,)?) => {
        $(let $on = if $asked { $on.$name() } else { $on };)*
    };
}

mod accounts;
mod containers;
pub mod crowd;
mod data;
mod mysql;
mod packages;
mod redis;
mod rights;
mod scheduled;
mod services;
mod sources;
mod system;
mod web;

use std::process::ExitCode;

use togusa::Cli;
use togusa::prelude::*;

/// The project's name, which is part of the paths on a host.
pub const PROJECT: &str = "library";

/// Runs the command line of the project.
pub fn main() -> ExitCode {
    let groups = [
        accounts::register,
        containers::register,
        crowd::register,
        data::register,
        mysql::register,
        packages::register,
        redis::register,
        rights::register,
        scheduled::register,
        services::register,
        sources::register,
        system::register,
        web::register,
    ];
    let registry =
        groups.into_iter().fold(Registry::new(), |registry, register| register(registry));
    Cli::new(registry).project(PROJECT).run()
}
