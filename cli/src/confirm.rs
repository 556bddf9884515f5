//! The question before a deployment, for environments that ask for one.

use std::io::{self, BufRead as _, IsTerminal as _};

use togusa_core::problem::{Problem, code};

use crate::commands::RunOptions;
use crate::exit::Ending;
use crate::failure::Failure;
use crate::session::{Configured, Session};
use crate::ui::Stream;
use crate::view::Purpose;

/// Shows what would change and asks for the environment's name.
///
/// # Errors
/// The plan failed, the name was not given, or there is no terminal to ask on.
pub fn ask(session: &Session, configured: &Configured, how: &RunOptions) -> Result<(), Failure> {
    let name = &configured.model.environment().name;
    if !io::stdin().is_terminal() {
        let problem = Problem::new(
            code::NOBODY_TO_ASK,
            format!("`{name}` wants a confirmation, but nobody can be asked"),
        );
        return Err(Failure::wrong_use([problem.hint("deploy on a terminal, or with `--yes`")]));
    }
    let summary = session.run(configured, Purpose::Plan, how, false)?;
    if Ending::of(&summary) != Ending::Success {
        let problem =
            Problem::new(code::PLAN_FAILED, "nothing was deployed: the plan did not succeed");
        return Err(Failure::failed(problem));
    }
    session.ui.write(Stream::Notes, &format!("type the environment's name to deploy `{name}`: "));
    let mut answer = String::new();
    // An input that cannot be read is no confirmation.
    let _ = io::stdin().lock().read_line(&mut answer);
    if answer.trim() == name {
        return Ok(());
    }
    Err(Failure::wrong_use([Problem::new(
        code::NOT_CONFIRMED,
        "not confirmed, nothing was deployed",
    )]))
}
