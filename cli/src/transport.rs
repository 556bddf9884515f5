//! How hosts are reached from the command line.

mod child;
mod ssh;
mod tap;
mod words;

use std::path::PathBuf;
use std::sync::Arc;

use togusa_core::assets::AssetStore;
use togusa_core::engine::transport::{Connection, InProcess, Transport};
use togusa_core::environment::{Connect, Host};
use togusa_core::event::Event;
use togusa_core::problem::{Problem, code};
use togusa_core::registry::Registry;
use togusa_core::system;

use crate::failure::Failure;

pub use child::ChildProcess;
pub use ssh::Ssh;
pub(crate) use ssh::{FIRST_WORD, STORE};
pub(crate) use words::Words;

/// Chooses the way to each host by what the environment says of it.
#[derive(Debug)]
pub struct Transports {
    in_process: InProcess,
    ssh: Option<Ssh>,
}

impl Transports {
    /// Ways to hosts for agents that know the given components; without `ssh` to local ones alone.
    ///
    /// # Errors
    /// The home directory of the user is not known.
    pub fn new(
        registry: Arc<Registry>,
        assets: Arc<dyn AssetStore>,
        ssh: Option<Ssh>,
    ) -> Result<Self, Failure> {
        Ok(Self { in_process: InProcess { registry, assets, home: home()? }, ssh })
    }

    /// Ends the connections that are not to be kept.
    pub fn close(&self) {
        if let Some(ssh) = &self.ssh {
            ssh.close();
        }
    }
}

/// The home directory of the user.
///
/// # Errors
/// `HOME` is not set to an absolute path.
pub fn home() -> Result<PathBuf, Failure> {
    let home = system::variable("HOME").map(PathBuf::from).filter(|home| home.is_absolute());
    home.ok_or_else(|| {
        let problem = Problem::new(code::NO_HOME, "the home directory is not known");
        Failure::wrong_use([problem.hint("set `HOME` to an absolute path")])
    })
}

impl Transport for Transports {
    fn connect(&self, host: &Host, tell: &dyn Fn(Event)) -> Result<Connection, Problem> {
        match (host.connect, &self.ssh) {
            (Connect::Ssh, Some(ssh)) => ssh.connect(host, tell),
            (Connect::Ssh, None) => {
                Err(Problem::new(code::DEFECT, "nothing was made ready for SSH")
                    .hint("this is a defect of togusa"))
            }
            (Connect::Local, _) => match converging_user(host) {
                user if user == system::user_name().as_deref() => {
                    self.in_process.connect(host, tell)
                }
                Some(user) => ChildProcess::as_user(user)?.connect(host, tell),
                None => self.in_process.connect(host, tell),
            },
        }
    }
}

/// The user that a host converges as, where it is not the one who logs in.
pub fn converging_user(host: &Host) -> Option<&str> {
    if host.sudo { Some("root") } else { host.service_user.as_deref() }
}
