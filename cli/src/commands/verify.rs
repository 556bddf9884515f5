use super::RunOptions;

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
