//! How the coordinator reaches the agent of a host: a reader and a writer, whatever is between.

use std::fmt;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use crate::assets::AssetStore;
use crate::environment::Host;
use crate::event::Event;
use crate::host::Staged;
use crate::problem::{Problem, code};
use crate::registry::Registry;

use super::BUILD;
use super::agent::{Agent, serve_staged};

/// Reaches hosts.
pub trait Transport: Send + Sync {
    /// Starts the agent of a host and connects to it; `tell` hears what takes long, and warnings.
    ///
    /// # Errors
    /// Why the host cannot be reached, with what to do about it.
    fn connect(&self, host: &Host, tell: &dyn Fn(Event)) -> Result<Connection, Problem>;
}

/// A connection to an agent.
pub struct Connection {
    /// What the agent says.
    pub reader: Box<dyn Read + Send>,
    /// What the agent hears.
    pub writer: Box<dyn Write + Send>,
    /// The build that the agent must be of.
    pub build: String,
    /// Waits until the agent is gone; its last words, if it ended badly.
    pub ended: Box<dyn FnOnce() -> Option<Problem> + Send>,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connection")
    }
}

/// Agents as threads of this process, for hosts that are this machine.
pub struct InProcess {
    /// The components that the agents know.
    pub registry: Arc<Registry>,
    /// The assets of the project, which need not be sent.
    pub assets: Arc<dyn AssetStore>,
    /// The home directory of the user.
    pub home: PathBuf,
}

impl Transport for InProcess {
    fn connect(&self, host: &Host, _: &dyn Fn(Event)) -> Result<Connection, Problem> {
        self.connect_staged(host, Staged::default())
    }
}

impl InProcess {
    /// Connects to an agent of a host that a test has staged.
    pub(crate) fn connect_staged(
        &self,
        host: &Host,
        staged: Staged,
    ) -> Result<Connection, Problem> {
        let failed = |error: std::io::Error| {
            Problem::new(
                code::AGENT_NOT_STARTED,
                format!("cannot start the agent of `{}`", host.name),
            )
            .hint(error.to_string())
        };
        let (ours, theirs) = UnixStream::pair().map_err(failed)?;
        let agent = Agent {
            registry: Arc::clone(&self.registry),
            assets: Some(Arc::clone(&self.assets)),
            home: self.home.clone(),
            build: BUILD.to_owned(),
        };
        let reader = theirs.try_clone().map_err(failed)?;
        let writer = theirs.try_clone().map_err(failed)?;
        let thread = thread::Builder::new()
            .name(format!("agent {}", host.name))
            .spawn(move || {
                let served = serve_staged(&agent, &staged, Box::new(reader), Box::new(writer));
                // What ends with a process is ended here by hand, for who still reads.
                let _ = theirs.shutdown(Shutdown::Both);
                served
            })
            .map_err(failed)?;
        Ok(Connection {
            reader: Box::new(ours.try_clone().map_err(failed)?),
            writer: Box::new(ours),
            build: BUILD.to_owned(),
            ended: Box::new(move || match thread.join() {
                Ok(Ok(())) => None,
                Ok(Err(problem)) => Some(problem),
                Err(_) => Some(
                    Problem::new(code::DEFECT, "the agent panicked")
                        .hint("this is a defect of togusa"),
                ),
            }),
        })
    }
}

impl fmt::Debug for InProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InProcess")
    }
}
