use super::RunOptions;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;
use crate::view::Purpose;

/// Look for drift
///
/// Looks at every selected component like `plan`, shows no diffs unless asked to, and exits with 4
/// when anything differs from the model.
#[derive(Debug, clap::Args)]
pub struct Verify {
    /// The environment's name
    pub environment: String,
    /// What to run and how.
    #[command(flatten)]
    pub run: RunOptions,
}

impl Verify {
    /// Looks for drift.
    ///
    /// # Errors
    /// The environment, the model or the selection is wrong.
    pub fn run(&self, session: &Session) -> Result<Exit, Failure> {
        session.run_to_exit(&self.environment, Purpose::Verify, &self.run, true)
    }
}
