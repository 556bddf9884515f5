use std::io::{self, IsTerminal as _};
use std::os::unix::process::CommandExt as _;

use togusa_core::environment::Connect;
use togusa_core::problem::{Problem, code};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::selection::find_host;
use crate::session::Session;
use crate::ssh::no_ssh;

/// Open a shell on a host
///
/// Runs `ssh` to the host over the connection that deployments use, with address, port, user and
/// ssh_config of the environment, as the user who logs in. Its exit code is that of ssh: the one of
/// the remote command, or 255.
#[derive(Debug, clap::Args)]
pub struct Ssh {
    /// The environment's name
    pub environment: String,
    /// The host's name in the environment
    pub host: String,
    /// A command instead of a shell; the login shell of the host reads it, as with ssh itself
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<String>,
}

impl Ssh {
    /// Becomes ssh.
    ///
    /// # Errors
    /// The environment is wrong, the host is local, or ssh cannot be run.
    pub fn run(&self, session: &Session) -> Result<Exit, Failure> {
        let environment = session.load(&self.environment)?;
        let host = find_host(&environment, &self.host)?;
        if host.connect == Connect::Local {
            let problem = Problem::new(
                code::NOT_OVER_SSH,
                format!("`{}` is this machine, without ssh", host.name),
            );
            let hint = "`exec` runs a command on hosts of all kinds";
            return Err(Failure::wrong_use([problem.hint(hint)]));
        }
        let connections = session.connections(&environment)?;
        let terminal = !self.command.is_empty() && io::stdin().is_terminal();
        let ssh = connections.interactive(host, terminal);
        let mut ssh = ssh.map_err(|problem| Failure::wrong_use([problem]))?;
        Err(Failure::wrong_use([no_ssh(&ssh.args(&self.command).exec())]))
    }
}
