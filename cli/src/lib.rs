//! The command line over a project's components.
//!
//! | module | what lives there |
//! |---|---|
//! | [`arguments`], [`commands`] | the command line as data; one file per command |
//! | [`shell`] | what surrounds every command: arguments, failures, panics, exit code |
//! | [`ui`] | the two streams, colours, verbosity; everything that is shown goes through it |
//! | [`view`] | events as plain lines, live progress or JSON lines |
//! | [`exit`], [`failure`] | how a run ended, why a command failed |
//! | [`project`], [`selection`] | where the project lies, which roots a run is about |
//! | [`signals`] | Ctrl-C |
//! | [`text`] | words, numbers and foreign text on a terminal |
//!
//! Core emits events and never writes; nothing here looks at a host.

pub mod arguments;
pub mod commands;
pub mod exit;
pub mod failure;
pub mod project;
pub mod selection;
pub mod shell;
pub mod signals;
pub mod text;
pub mod ui;
pub mod view;

pub use togusa_core as core;
