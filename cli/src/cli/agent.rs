//! What a pushed program does: it is the agent, and nothing else.

use std::sync::Arc;

use togusa_core::problem::{Problem, code};

use super::Cli;
use crate::arguments::Arguments;
use crate::commands::Command;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::ui::Ui;

/// Serves as an agent.
///
/// # Errors
/// Another command was given.
pub fn dispatch(cli: Cli, arguments: Arguments, _: &Ui) -> Result<Exit, Failure> {
    if let Command::Agent(agent) = &arguments.command {
        return agent.run(Arc::new(cli.registry));
    }
    let problem =
        Problem::new(code::PUSHED_PROGRAM, "this program is the part that is pushed to hosts");
    Err(Failure::wrong_use([
        problem.hint("start it with `cargo run`, or take the one that `build --out DIR` writes")
    ]))
}
