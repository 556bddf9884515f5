//! Connections to hosts over the user's own OpenSSH, kept for the next command.
//!
//! Opening a connection is what costs, so an ssh in the background holds it, and commands of this
//! run and of later ones go through the socket of that ssh. It ends by itself when it has been idle
//! for a while, whatever becomes of us.
//!
//! | module | what lives there |
//! |---|---|
//! | `destination` | how ssh is told about a host, and what the user's configuration makes of it |
//! | `answers` | what it has made of hosts, kept while nothing changes |
//! | `configuration`, `keyword` | what it reads for that |
//! | `sockets` | the private directory of the sockets, and who may start what |
//! | `master` | the ssh in the background: started, looked at, given up |
//! | `channel` | a command over a connection |
//! | `limits` | how many connections are started at once |
//! | `diagnosis` | what a failure means, and what to do |
//!
//! The algorithms, the agent, jump hosts and known_hosts are as the user has configured them.

mod answers;
mod channel;
mod configuration;
mod destination;
mod diagnosis;
mod keyword;
mod limits;
mod link;
mod master;
mod sockets;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use togusa_core::environment::Host;
use togusa_core::problem::{Problem, code};
use togusa_core::system;
use togusa_core::system::program;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::OnceCell;

use answers::Answers;
use configuration::Places;
use destination::{Destination, Resolved};
use limits::Limits;
use master::Found;
use sockets::Sockets;

pub use channel::Channel;
pub use diagnosis::{diagnose, mute, not_run, sudo_failed};

/// How long to wait for what takes a moment: another process, ssh's look at its configuration.
const PATIENCE: Duration = Duration::from_secs(5);

/// The connections of a run; those that are there already are resumed.
///
/// It may be used from many threads at once, and must not be used from an async runtime.
#[derive(Debug)]
pub struct Connections {
    runtime: Arc<Runtime>,
    keep: Duration,
    root: PathBuf,
    home: Option<PathBuf>,
    answers: Answers,
    sockets: Sockets,
    limits: Limits,
    /// What ssh makes of each host, found out once a run.
    resolved: Mutex<BTreeMap<String, Arc<OnceCell<Resolved>>>>,
    /// Held by the thread that makes the connection of this name.
    making: Mutex<BTreeMap<String, Arc<tokio::sync::Mutex<()>>>>,
    /// The masters that this run started, by the name of their connection.
    started: Mutex<BTreeMap<String, u32>>,
    /// Those of them over which a command hangs that nobody waits for any more.
    abandoned: Mutex<BTreeMap<String, u32>>,
}

impl Connections {
    /// Connections that stay open for `keep` after their last command; with zero they end with this
    /// run. A relative `ssh_config` of a host, and relative paths in it, are relative to `root`.
    ///
    /// # Errors
    /// The private directory of the sockets cannot be made, or others could reach into it.
    pub fn new(keep: Duration, root: &Path) -> Result<Self, Problem> {
        Self::from_sockets(Sockets::of_user()?, keep, root)
    }

    /// As [`new`](Self::new), with the sockets in a directory of the caller's choice.
    ///
    /// # Errors
    /// As [`new`](Self::new); or the path of the directory is too long for sockets.
    pub fn within(directory: &Path, keep: Duration, root: &Path) -> Result<Self, Problem> {
        Self::from_sockets(Sockets::within(directory)?, keep, root)
    }

    fn from_sockets(sockets: Sockets, keep: Duration, root: &Path) -> Result<Self, Problem> {
        let cannot = |what: &str, error: io::Error| {
            let problem = Problem::new(code::KEPT_CONNECTIONS, format!("cannot {what}"));
            Problem { causes: vec![error.to_string()], ..problem }
        };
        raise_file_limit().map_err(|error| cannot("raise the limit of open files", error))?;
        sockets.sweep().map_err(|error| cannot("look at the kept connections", error))?;
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build();
        Ok(Self {
            runtime: Arc::new(runtime.map_err(|error| cannot("start threads", error))?),
            keep,
            root: root.to_owned(),
            home: system::variable("HOME").map(PathBuf::from),
            answers: Answers::new(&sockets, Places::of_user()),
            sockets,
            limits: Limits::default(),
            resolved: Mutex::default(),
            making: Mutex::default(),
            started: Mutex::default(),
            abandoned: Mutex::default(),
        })
    }

    /// Starts a command in the login shell of the host, over a kept connection or a new one.
    /// Blocks until it runs.
    ///
    /// # Errors
    /// The host cannot be reached or refuses the login; see [`diagnose`].
    pub fn start(&self, host: &Host, command: &str) -> Result<Channel, Problem> {
        self.runtime.block_on(self.open(host, command, false))
    }

    /// As [`start`](Self::start), but over a connection that is made anew; one that is kept is
    /// given up first.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_anew(&self, host: &Host, command: &str) -> Result<Channel, Problem> {
        self.runtime.block_on(self.open(host, command, true))
    }

    /// Gives up a command that neither ends nor says anything, and would hold the connection for as
    /// long as it likes: if this run has made it, the connection ends with the run, kept or not.
    pub fn abandon(&self, host: &Host) {
        // A host that ssh knows nothing of has no connection.
        if let Ok((_, resolved)) = self.runtime.block_on(self.resolve(host))
            && let Some(pid) = locked(&self.started).remove(&resolved.name)
        {
            locked(&self.abandoned).insert(resolved.name, pid);
        }
    }

    /// Ends what this run started and is not to be kept. A connection that another run is using
    /// meanwhile ends with its last command.
    pub fn close(&self) {
        for (name, pid) in std::mem::take(&mut *locked(&self.abandoned)) {
            self.runtime.block_on(master::end(&self.sockets.socket(&name), pid));
        }
        if !self.keep.is_zero() {
            return;
        }
        let started = std::mem::take(&mut *locked(&self.started));
        let stops = started.into_iter().map(|(name, pid)| {
            let socket = self.sockets.socket(&name);
            self.runtime.spawn(async move { master::stop(&socket, Some(pid)).await })
        });
        for stop in stops.collect::<Vec<_>>() {
            // One that could not be stopped ends when it has been idle for its time.
            drop(self.runtime.block_on(stop));
        }
    }

    /// An interactive `ssh` to the host, over the same connection. If there is none, that ssh makes
    /// it, and may ask for what a person has to say. What is added to its arguments is a command;
    /// with `terminal` a command has a terminal, too.
    ///
    /// # Errors
    /// ssh is not installed, or refuses its configuration.
    pub fn interactive(&self, host: &Host, terminal: bool) -> Result<Command, Problem> {
        let (destination, resolved) = self.runtime.block_on(self.resolve(host))?;
        let mut further = Vec::new();
        if terminal {
            further.push("-t".into());
        }
        let own = self.runtime.block_on(link::users_own(&resolved));
        if own.is_none() {
            let socket = self.sockets.socket(&resolved.name);
            if self.runtime.block_on(master::look(&socket)) == Found::Hung {
                self.runtime.block_on(self.end(&resolved.name))?;
            }
            further.extend(["-S".into(), socket.into_os_string()]);
            let persist = format!("ControlPersist={}", master::persistence(self.keep));
            for option in ["ControlMaster=auto".to_owned(), persist] {
                further.extend(["-o".into(), option.into()]);
            }
        }
        let mut ssh = program("ssh");
        ssh.args(destination.arguments(further.iter().map(std::ffi::OsString::as_os_str)));
        ssh.current_dir(&destination.root);
        Ok(ssh)
    }

    /// Ends kept connections, of these hosts or all of the user, and tells how many. A connection
    /// that is being used ends with its last command; the user's own ones are left alone.
    ///
    /// # Errors
    /// The sockets cannot be looked at or removed.
    pub fn disconnect(&self, hosts: Option<&[Host]>) -> Result<usize, Problem> {
        let stems = hosts
            .map(|hosts| hosts.iter().map(|host| self.destination(host).stem).collect::<Vec<_>>());
        let names = self.sockets.names().map_err(|error| not_ended(&error))?;
        let of_hosts =
            |name: &&String| stems.as_ref().is_none_or(|stems| is_of(name.as_str(), stems));
        let mut ended = 0;
        for name in names.iter().filter(of_hosts) {
            ended += usize::from(self.runtime.block_on(self.end(name))?);
        }
        Ok(ended)
    }

    /// How many connections to these hosts are open and wait for commands.
    ///
    /// # Errors
    /// The sockets cannot be looked at.
    pub fn count_open(&self, hosts: &[&Host]) -> io::Result<usize> {
        let stems: Vec<_> = hosts.iter().map(|host| self.destination(host).stem).collect();
        let names = self.sockets.names()?;
        let of_hosts = names.iter().filter(|name| is_of(name, &stems));
        let is_alive = |name: &&String| {
            let socket = self.sockets.socket(name);
            matches!(self.runtime.block_on(master::look(&socket)), Found::Alive(_))
        };
        Ok(of_hosts.filter(is_alive).count())
    }

    /// Ends the connection of this name; tells whether there was one.
    async fn end(&self, name: &str) -> Result<bool, Problem> {
        let lock = self.sockets.lock(name, PATIENCE).await;
        let _lock = lock.map_err(|error| not_ended(&error))?;
        master::give_up(&self.sockets.socket(name)).await.map_err(|error| not_ended(&error))
    }

    fn destination(&self, host: &Host) -> Destination {
        Destination::of(host, &self.root, self.home.as_deref())
    }

    async fn resolve(&self, host: &Host) -> Result<(Destination, Resolved), Problem> {
        let destination = self.destination(host);
        let cell = {
            let mut resolved = locked(&self.resolved);
            Arc::clone(resolved.entry(destination.stem.clone()).or_default())
        };
        let look = || self.answers.resolve(host, &destination, &self.limits);
        let resolved = cell.get_or_try_init(look).await?.clone();
        Ok((destination, resolved))
    }
}

impl Drop for Connections {
    fn drop(&mut self) {
        self.close();
    }
}

/// Whether the connection of this name leads to one of the hosts with these stems.
fn is_of(name: &str, stems: &[String]) -> bool {
    let stem = name.split('-').next().unwrap_or_default();
    stems.iter().any(|found| found == stem)
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Lets this process have as many files open as it may: a host needs eight.
fn raise_file_limit() -> io::Result<()> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if soft < hard {
        setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
    }
    Ok(())
}

fn not_ended(error: &io::Error) -> Problem {
    let problem = Problem::new(code::KEPT_CONNECTIONS, "cannot end the kept connections");
    Problem { causes: vec![error.to_string()], ..problem }
}

pub(crate) fn no_ssh(error: &io::Error) -> Problem {
    let problem = Problem::new(code::NO_SSH, "cannot run `ssh`");
    let problem = Problem { causes: vec![error.to_string()], ..problem };
    problem.hint("install OpenSSH's client, such as with `apt-get install openssh-client`")
}
