use super::RunOptions;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;
use crate::view::Purpose;

/// Show what a deployment would change
///
/// Looks at every selected component and prints every difference to standard output. Changes
/// nothing on the hosts. What cannot be judged before an earlier component was updated is shown as
/// unknown.
#[derive(Debug, clap::Args)]
pub struct Plan {
    /// The environment's name
    pub environment: String,
    /// Exit with 4 when there is something to change
    #[arg(long)]
    pub exit_code: bool,
    /// What to run and how.
    #[command(flatten)]
    pub run: RunOptions,
}

impl Plan {
    /// Looks what would change, and shows it.
    ///
    /// # Errors
    /// The environment, the model or the selection is wrong.
    pub fn run(&self, session: &Session) -> Result<Exit, Failure> {
        session.run_to_exit(&self.environment, Purpose::Plan, &self.run, self.exit_code)
    }
}
