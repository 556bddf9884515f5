//! The entry point of a project's program.

#[cfg(togusa_agent)]
mod agent;
#[cfg(not(togusa_agent))]
mod coordinator;

use std::process::ExitCode;

use togusa_core::registry::Registry;

use crate::shell;

#[cfg(togusa_agent)]
use agent::dispatch;
#[cfg(not(togusa_agent))]
use coordinator::dispatch;

/// The command line of a project.
#[derive(Debug)]
pub struct Cli {
    registry: Registry,
    project: Option<String>,
}

impl Cli {
    /// A command line over the components of a registry.
    pub fn new(registry: Registry) -> Self {
        Self { registry, project: None }
    }

    /// Names the project; default: the name of the program's file.
    ///
    /// The name is part of the default target directory on every host.
    #[must_use]
    pub fn project(mut self, name: impl Into<String>) -> Self {
        self.project = Some(name.into());
        self
    }

    /// Runs the command that the process was started with.
    pub fn run(self) -> ExitCode {
        shell::run(std::env::args_os(), |arguments, ui| dispatch(self, arguments, ui))
    }
}
