use super::RunOptions;
use crate::confirm;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::git;
use crate::session::{Manner, Secrets, Session};
use crate::view::Purpose;

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
    /// Do not ask, also where the environment wants a confirmation
    #[arg(long)]
    pub yes: bool,
    /// What to run and how.
    #[command(flatten)]
    pub run: RunOptions,
}

impl Deploy {
    /// Converges the hosts.
    ///
    /// # Errors
    /// The environment, the model or the selection is wrong, the project's tree is not clean where
    /// it must be, or nobody confirmed; no host was touched.
    pub fn run(&self, session: &Session) -> Result<Exit, Failure> {
        let configured = session.configure(&self.environment, false, Secrets::Open)?;
        let environment = configured.model.environment();
        if environment.require_clean {
            git::require_clean(&session.root, &self.environment)?;
        }
        if !self.yes {
            confirm::can_ask(&configured, &self.run)?;
        }
        if environment.confirm && !self.yes {
            confirm::ask(session, &configured, &self.run)?;
        }
        let manner = Manner { wait: self.wait, ask: !self.yes };
        let summary = session.run(&configured, Purpose::Deploy, &self.run, manner)?;
        Ok(Exit::of_run(&summary, false))
    }
}
