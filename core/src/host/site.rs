//! What all components that converge on one host share.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::assets::AssetStore;
use crate::environment::Host;
use crate::event::Event;
use crate::interrupt::Interrupt;
use crate::template::RenderTable;

/// One host while it converges: what its components share within a run.
pub struct HostSite {
    /// The project's name.
    pub project: String,
    /// The environment's name.
    pub environment: String,
    /// The host as the environment describes it.
    pub host: Host,
    /// The home directory of the converging user.
    pub home: PathBuf,
    /// The agent's own directory for this host: `TARGET/.togusa`.
    pub state: PathBuf,
    /// Homes and addresses for templates.
    pub render_table: Arc<RenderTable>,
    /// The contents of assets.
    pub assets: Arc<dyn AssetStore>,
    /// The request to stop.
    pub interrupt: Interrupt,
    /// Where events go.
    pub events: Arc<dyn Fn(Event) + Send + Sync>,
}

impl HostSite {
    /// A path of this host as a real one.
    pub fn local(&self, path: &crate::path::HostPath) -> PathBuf {
        PathBuf::from(path.expand(&self.home.to_string_lossy()))
    }

    /// Where the records of running commands lie.
    pub fn running(&self) -> PathBuf {
        self.state.join("running")
    }

    /// The agent's own directory.
    pub fn state(&self) -> &Path {
        &self.state
    }
}

impl fmt::Debug for HostSite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HostSite({})", self.host.name)
    }
}
