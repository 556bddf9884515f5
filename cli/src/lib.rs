//! The command line over a project's components.
//!
//! A project has one small program:
//!
//! ```no_run
//! use togusa::prelude::*;
//!
//! #[derive(Debug, Attributes)]
//! struct App {}
//! impl Component for App {}
//!
//! fn main() -> std::process::ExitCode {
//!     Cli::new(Registry::new().with::<App>("app")).run()
//! }
//! ```
//!
//! | module | what lives there |
//! |---|---|
//! | [`agents`] | the binaries that are pushed to hosts |
//! | [`arguments`], [`commands`] | the command line as data; one file per command |
//! | [`shell`] | what surrounds every command: arguments, failures, panics, exit code |
//! | [`ui`] | the two streams, colours, verbosity; everything that is shown goes through it |
//! | [`view`] | events as plain lines, live progress or JSON lines |
//! | [`explain`] | the pages of the errors' codes |
//! | [`chart`] | the order of the roots as text, picture and page |
//! | [`exit`], [`failure`] | how a run ended, why a command failed |
//! | [`session`] | what every command works on, and how it runs a model |
//! | [`transport`] | the ways to hosts |
//! | [`ssh`] | connections over the user's own OpenSSH, kept for the next command |
//! | [`execute`] | one command on many hosts |
//! | [`doctor`] | whether hosts can be deployed to |
//! | [`push`] | starts the agent on a host, sends it where it is missing |
//! | [`confirm`], [`git`] | what an environment wants before it is deployed |
//! | [`identities`] | the private keys that open secrets |
//! | [`project`], [`selection`] | where the project lies, which roots a run is about |
//! | [`signals`] | Ctrl-C |
//! | [`testing`] | the test harness, with environments in TOML |
//! | [`text`] | words, numbers and foreign text on a terminal |
//!
//! Core emits events and never writes; nothing here looks at a host.

// What is raised here is shown to users, who look its code up; tests may do without.
#![cfg_attr(not(test), deny(clippy::disallowed_macros))]

pub mod agents;
pub mod arguments;
pub mod chart;
mod cli;
pub mod commands;
pub mod confirm;
pub mod doctor;
pub mod execute;
pub mod exit;
pub mod explain;
pub mod failure;
pub mod git;
pub mod identities;
pub mod project;
pub mod push;
pub mod selection;
pub mod session;
pub mod shell;
pub mod signals;
pub mod ssh;
pub mod testing;
pub mod text;
pub mod transport;
pub mod ui;
pub mod view;

pub use cli::Cli;
pub use togusa_components as components;
pub use togusa_core as core;

/// What a project needs: `use togusa::prelude::*;`.
pub mod prelude {
    pub use crate::Cli;
    pub use togusa_components::prelude::*;
    pub use togusa_core::prelude::*;
}

#[doc = include_str!("../../README.md")]
#[cfg(doctest)]
struct Readme;
