use super::RunOptions;

/// Make the hosts what the environment says
///
/// Converges every selected root, in the order of their dependencies, hosts in parallel. A root
/// that fails stops what depends on it; the rest goes on.
#[derive(Debug, clap::Args)]
pub struct Deploy {
    /// The environment's name
    pub environment: String,
    /// Wait for another deployment that holds the lock of a host
    #[arg(long)]
    pub wait: bool,
    /// What to run and how.
    #[command(flatten)]
    pub run: RunOptions,
}
