//! How hosts are reached from the command line.

mod child;

use std::path::PathBuf;
use std::sync::Arc;

use togusa_core::assets::AssetStore;
use togusa_core::engine::transport::{Connection, InProcess, Transport};
use togusa_core::environment::{Connect, Host};
use togusa_core::event::Event;
use togusa_core::problem::Problem;
use togusa_core::registry::Registry;
use togusa_core::system;

use crate::failure::Failure;

pub use child::ChildProcess;

/// Chooses the way to each host by what the environment says of it.
#[derive(Debug)]
pub struct Transports {
    in_process: InProcess,
}

impl Transports {
    /// Ways to hosts for agents that know the given components.
    ///
    /// # Errors
    /// The home directory of the user is not known.
    pub fn new(registry: Arc<Registry>, assets: Arc<dyn AssetStore>) -> Result<Self, Failure> {
        Ok(Self { in_process: InProcess { registry, assets, home: home()? } })
    }
}

/// The home directory of the user.
///
/// # Errors
/// `HOME` is not set to an absolute path.
pub fn home() -> Result<PathBuf, Failure> {
    let home = system::variable("HOME").map(PathBuf::from).filter(|home| home.is_absolute());
    home.ok_or_else(|| {
        let problem = Problem::new("the home directory is not known");
        Failure::wrong_use([problem.hint("set `HOME` to an absolute path")])
    })
}

impl Transport for Transports {
    fn connect(&self, host: &Host, tell: &dyn Fn(Event)) -> Result<Connection, Problem> {
        match (host.connect, converging_user(host)) {
            (Connect::Local, None) => self.in_process.connect(host, tell),
            (Connect::Local, Some(user)) => ChildProcess::as_user(user)?.connect(host, tell),
            (Connect::Ssh, _) => Err(Problem::new(format!(
                "`{}` is to be reached by SSH, which this version cannot do",
                host.name
            ))
            .hint("set `connect = \"local\"` to converge the machine that togusa runs on")),
        }
    }
}

/// The user that a host converges as, if it is another than the one who deploys.
fn converging_user(host: &Host) -> Option<&str> {
    let user = if host.sudo { "root" } else { host.service_user.as_deref()? };
    (system::user_name().as_deref() != Some(user)).then_some(user)
}
