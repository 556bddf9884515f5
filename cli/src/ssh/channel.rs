//! A command on a host, over a connection that is there.

use std::fmt;
use std::io::{self, PipeReader, PipeWriter};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use openssh::{Child, Error, Session};
use togusa_core::environment::Host;
use togusa_core::problem::{Problem, code};
use tokio::runtime::Runtime;
use tokio::time::timeout;

use super::diagnosis::lost;
use super::master::{self, Found};

/// A command that runs on a host, and its streams.
pub struct Channel {
    /// What the command reads.
    pub stdin: PipeWriter,
    /// What the command prints.
    pub stdout: PipeReader,
    /// What the command prints as errors.
    pub stderr: PipeReader,
    /// Whether the connection was there before.
    pub resumed: bool,
    /// Waits until the remote command has ended: its exit code, or why that is not known, such as
    /// a connection that was lost, with what ssh said of it.
    pub ended: Box<dyn FnOnce() -> Result<i32, Problem> + Send>,
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel").field("resumed", &self.resumed).finish_non_exhaustive()
    }
}

/// Why a command could not be started over a connection.
#[derive(Debug)]
pub enum NotOpened {
    /// The host did not answer in time.
    Slow,
    /// The host lets no further command in over this connection; it said this.
    Refused(String),
    /// The connection is gone.
    Lost,
    /// No connection would help.
    Broken(Problem),
}

/// A command that was started, and its streams.
#[derive(Debug)]
pub struct Opened {
    child: Child<Arc<Session>>,
    stdin: PipeWriter,
    stdout: PipeReader,
    stderr: PipeReader,
}

/// Starts a command over the connection behind a socket.
///
/// # Errors
/// See [`NotOpened`].
pub async fn open(socket: &Path, command: &str, limit: Duration) -> Result<Opened, NotOpened> {
    // ssh reads and writes the other ends itself: nothing is copied here.
    let (its_stdin, stdin) = io::pipe().map_err(no_pipe)?;
    let (stdout, its_stdout) = io::pipe().map_err(no_pipe)?;
    let (stderr, its_stderr) = io::pipe().map_err(no_pipe)?;
    let session = Arc::new(Session::resume_mux(socket.into(), None));
    let mut start = session.arc_raw_command(command);
    start.stdin(OwnedFd::from(its_stdin));
    start.stdout(OwnedFd::from(its_stdout)).stderr(OwnedFd::from(its_stderr));
    match timeout(limit, start.spawn()).await {
        Err(_) => Err(NotOpened::Slow),
        Ok(Ok(child)) => Ok(Opened { child, stdin, stdout, stderr }),
        Ok(Err(error)) => Err(not_opened(error)),
    }
}

impl Opened {
    /// The command as callers have it.
    pub fn channel(
        self,
        host: &Host,
        runtime: &Arc<Runtime>,
        socket: PathBuf,
        log: Option<PathBuf>,
        resumed: bool,
    ) -> Channel {
        let Self { child, stdin, stdout, stderr } = self;
        let (host, runtime) = (host.clone(), Arc::clone(runtime));
        let wait = async move {
            match child.wait().await {
                Ok(status) => status.code().ok_or_else(|| killed(&host)),
                // The crate takes this exit code for an error of its own.
                Err(Error::Remote(_)) => Ok(127),
                // A connection that is lost and a command that was killed look alike.
                Err(_) if matches!(master::look(&socket).await, Found::Alive(_)) => {
                    Err(killed(&host))
                }
                Err(_) => {
                    let printed = log.map(|log| master::printed(&log)).unwrap_or_default();
                    Err(lost(&host, &printed))
                }
            }
        };
        let ended = Box::new(move || runtime.block_on(wait));
        Channel { stdin, stdout, stderr, resumed, ended }
    }
}

fn killed(host: &Host) -> Problem {
    Problem::new(code::COMMAND_LOST, "the command was killed by a signal").on(&host.name)
}

fn no_pipe(error: io::Error) -> NotOpened {
    let problem = Problem::new(code::THIS_MACHINE, "cannot make a pipe");
    NotOpened::Broken(
        Problem { causes: vec![error.to_string()], ..problem }
            .hint("`ulimit -Hn` shows how many files may be open: a host needs eight"),
    )
}

fn not_opened(error: Error) -> NotOpened {
    use openssh_mux_client::Error as Mux;
    match error {
        Error::SshMux(Mux::RequestFailure(why) | Mux::PermissionDenied(why)) => {
            NotOpened::Refused(why.into())
        }
        Error::Disconnected | Error::SshMux(_) => NotOpened::Lost,
        error => {
            let problem = Problem::new(code::THIS_MACHINE, "cannot start a command over ssh");
            NotOpened::Broken(Problem { causes: vec![error.to_string()], ..problem })
        }
    }
}
