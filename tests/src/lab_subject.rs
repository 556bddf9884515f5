//! The subject of the tests over SSH: a project's program whose components are made for faults.
//!
//! What a component is about to do, or has done, stands in the file `log` in the home directory of
//! its host. An update that is `gated` prints `waiting` and goes on when the test has made the file
//! [`GATE`] there.

mod roots;
mod serving;

use std::process::ExitCode;

use togusa::Cli;

/// What a gated update waits for.
pub const GATE: &str = "/run/gate";

/// The project's name, which is part of the paths on a host.
pub const PROJECT: &str = "subject";

/// The content of the configuration of a service, the file `conf`: a line with the text alone, and
/// one that is long.
pub fn config(text: &str) -> String {
    format!("{text}\n{}\n", text.repeat(128 * 1024))
}

/// Runs the command line of the project.
pub fn main() -> ExitCode {
    Cli::new(roots::registry()).project(PROJECT).run()
}
