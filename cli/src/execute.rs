//! One command on many hosts at once, over the connections that deployments use.
//!
//! The remote end is `sh`, below sudo where the host converges as another user. It reads one line
//! from the connection, which holds the command quoted for `sh` alone, whatever the login shell is,
//! and runs it with an empty input. The connection's input stays open as long as the command is
//! wanted: when it ends, by Ctrl-C here or because this process is gone, the command is ended, too.

mod lines;
mod quote;

use std::collections::BTreeMap;
use std::io::{self, PipeReader, PipeWriter, Read, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::Stdio;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use togusa_core::environment::{Connect, Host};
use togusa_core::names::HostName;
use togusa_core::problem::{Problem, code};
use togusa_core::system;
use togusa_core::system::program;

use crate::ssh::{Channel, Connections};
use crate::transport::converging_user;
use crate::ui::Stream;

pub use lines::split;

/// The exit code of the command on a host, or why it is not known.
pub type Ended = Result<i32, Problem>;

/// What the login shell of a host is given; the rest comes over the connection.
const START: &str = "IFS= read -r l && eval \"$l\"";
const RUN: &str = include_str!("execute/run.sh");

/// A shell tells with an exit code above this that a signal ended a program.
const SIGNALLED: i32 = 128;

/// A command that is to run on hosts.
#[derive(Debug)]
pub struct Execution<'a> {
    /// The program and its arguments; no shell interprets them.
    pub command: &'a [String],
    /// Run as the user who logs in, also where the host converges as another.
    pub login: bool,
    /// The connections, if there is a host that is reached by SSH.
    pub connections: Option<&'a Connections>,
    /// The directory in which the command runs on local hosts.
    pub home: &'a Path,
}

/// What keeps commands running, until nobody wants them any more.
#[derive(Debug, Default)]
pub struct Lifelines(Mutex<Lines>);

#[derive(Debug, Default)]
struct Lines {
    cut: bool,
    held: BTreeMap<HostName, PipeWriter>,
}

impl Lifelines {
    /// Ends all commands that run, and those that are about to.
    pub fn cut(&self) {
        let mut lines = self.lock();
        lines.cut = true;
        lines.held.clear();
    }

    /// Whether the commands were ended.
    pub fn are_cut(&self) -> bool {
        self.lock().cut
    }

    fn hold(&self, host: &HostName, stdin: PipeWriter) {
        let mut lines = self.lock();
        if !lines.cut {
            lines.held.insert(host.clone(), stdin);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Execution<'_> {
    /// Runs the command on all hosts at once, to its end on each.
    ///
    /// `hear` gets what it prints, as it comes, and nothing at the end of each stream; it is called
    /// from many threads. `done` gets how the command ended on a host, after all that it printed.
    pub fn run(
        &self,
        hosts: &[&Host],
        lifelines: &Lifelines,
        hear: &(dyn Fn(&HostName, Stream, &[u8]) + Sync),
        done: &(dyn Fn(&HostName, &Ended) + Sync),
    ) -> BTreeMap<HostName, Ended> {
        thread::scope(|scope| {
            let threads = hosts.iter().map(|host| {
                let run = move || {
                    let ended = self.run_on(host, lifelines, hear);
                    done(&host.name, &ended);
                    ended
                };
                (host.name.clone(), scope.spawn(run))
            });
            let threads: Vec<_> = threads.collect();
            let ended = threads.into_iter().map(|(name, thread)| {
                let ended = thread.join();
                (name, ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            });
            ended.collect()
        })
    }

    fn run_on(
        &self,
        host: &Host,
        lifelines: &Lifelines,
        hear: &(dyn Fn(&HostName, Stream, &[u8]) + Sync),
    ) -> Ended {
        if lifelines.are_cut() {
            return Err(
                Problem::new(code::INTERRUPTED, "the command was not started").on(&host.name)
            );
        }
        let Channel { stdin, stdout, stderr, ended, .. } = self.start(host, false)?;
        lifelines.hold(&host.name, stdin);
        thread::scope(|scope| {
            for (stream, output) in [(Stream::Data, stdout), (Stream::Notes, stderr)] {
                scope.spawn(move || copy(output, |bytes| hear(&host.name, stream, bytes)));
            }
        });
        let ended = ended();
        lifelines.lock().held.remove(&host.name);
        ended
    }

    /// Starts the command on a host, with `anew` over a connection of its own. The command is ended
    /// when its input is dropped.
    ///
    /// # Errors
    /// The host cannot be reached, or starts no shell.
    pub fn start(&self, host: &Host, anew: bool) -> Result<Channel, Problem> {
        let mut channel = match host.connect {
            Connect::Ssh => self.over_ssh(host, anew)?,
            Connect::Local => self.here(host)?,
        };
        let line = format!("{}; {}\n", quote::arguments(self.command), one_line(RUN));
        // A host that does not read has ended by then, which tells more.
        let _ = channel.stdin.write_all(line.as_bytes());
        Ok(channel)
    }

    fn over_ssh(&self, host: &Host, anew: bool) -> Result<Channel, Problem> {
        let connections = self.connections.ok_or_else(|| {
            Problem::new(code::DEFECT, "nothing was made ready for SSH")
                .hint("this is a defect of togusa")
        })?;
        let start = if anew { Connections::start_anew } else { Connections::start };
        start(connections, host, &self.shell(host).join(" "))
    }

    fn here(&self, host: &Host) -> Result<Channel, Problem> {
        let failed = |error: io::Error| {
            let problem = Problem::new(code::THIS_MACHINE, "cannot start a shell").on(&host.name);
            Problem { causes: vec![error.to_string()], ..problem }
        };
        let mut shell = program("sh");
        shell.arg("-c").arg(self.shell(host).join(" ")).current_dir(self.home);
        shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // In a group of its own, so that it is ended as on other hosts, and nothing else is.
        let mut child = shell.process_group(0).spawn().map_err(failed)?;
        let (Some(stdin), Some(stdout), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(Problem::new(code::DEFECT, "the shell has no streams").on(&host.name));
        };
        let name = host.name.clone();
        let ended = move || match child.wait() {
            Ok(status) => {
                Ok(status.code().or(status.signal().map(|it| it + SIGNALLED)).unwrap_or(1))
            }
            Err(error) => {
                Err(Problem::new(code::COMMAND_LOST, format!("the command is lost: {error}"))
                    .on(&name))
            }
        };
        Ok(Channel {
            stdin: PipeWriter::from(OwnedFd::from(stdin)),
            stdout: PipeReader::from(OwnedFd::from(stdout)),
            stderr: PipeReader::from(OwnedFd::from(stderr)),
            resumed: false,
            ended: Box::new(ended),
        })
    }

    /// The words for the login shell of a host.
    fn shell(&self, host: &Host) -> Vec<String> {
        let mut words = vec!["exec".to_owned()];
        let user = converging_user(host).filter(|user| {
            let is_here = host.connect == Connect::Local;
            let is_me = is_here && system::user_name().as_deref() == Some(user);
            !self.login && !is_me
        });
        if let Some(user) = user {
            words.extend(["sudo", "-n", "-H", "-u"].map(str::to_owned));
            words.extend([quote::for_any_shell(user), "--".to_owned()]);
        }
        words.extend(["sh".to_owned(), "-c".to_owned(), quote::for_any_shell(START)]);
        words
    }
}

/// Hands on what comes, to the end.
fn copy(mut from: impl Read, mut to: impl FnMut(&[u8])) {
    let mut chunk = vec![0; 64 * 1024];
    loop {
        match from.read(&mut chunk) {
            Ok(count @ 1..) => to(&chunk[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // How the command ended tells of a connection that broke.
            _ => return to(&[]),
        }
    }
}

/// A script without its line ends and indentation.
fn one_line(script: &str) -> String {
    script.lines().map(str::trim).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
