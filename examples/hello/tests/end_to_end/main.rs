//! The program of the example, run as a user would, on copies of the project.

#![expect(clippy::disallowed_methods, reason = "tests arrange files and processes by hand")]

mod agents;
mod build;
mod commands;
mod looking;
mod mistakes;
mod processes;
mod project;
mod pushed;
mod secrets;
