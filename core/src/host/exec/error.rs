//! What can go wrong with a command.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::fault::HintExt as _;
use crate::problem::{Code, code};

/// Why a command did not do what it should.
#[derive(Debug, thiserror::Error)]
pub enum ExecError {
    /// There is no such program.
    #[error("there is no program `{program}`{}", path.as_ref().map(|path| format!(" in `{path}`")).unwrap_or_default())]
    NotFound {
        /// The program.
        program: String,
        /// Where it was looked for; `None`: its name says where.
        path: Option<String>,
    },
    /// A test lets nothing run but what it has faked, and this is not.
    #[error("`{program}` is not faked, and nothing else may run: `{command}`")]
    NotFaked {
        /// The program.
        program: String,
        /// The command line.
        command: String,
    },
    /// A secret stands among its arguments, where every user of the host could read it.
    #[error("an argument of `{command}` holds a secret, which every user of the host could read")]
    SecretArgument {
        /// The command line.
        command: String,
    },
    /// There is no such directory to run it in.
    #[error("cannot run `{command}`: there is no directory `{}`", directory.display())]
    NoDirectory {
        /// The command line.
        command: String,
        /// The directory.
        directory: PathBuf,
    },
    /// The record that lets the next run find it could not be written.
    #[error("cannot record command `{command}`, so it is not started")]
    Record {
        /// The command line.
        command: String,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// It could not be started, or its end could not be waited for.
    #[error("cannot run `{command}`")]
    Spawn {
        /// The command line.
        command: String,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// It ended with a code that is not accepted, or by a signal.
    #[error("command `{}` {} after {}", failure.command, failure.end(), seconds(failure.elapsed))]
    Failed {
        /// What is known of it.
        failure: Box<Failure>,
        /// The same as causes.
        #[source]
        details: Details,
    },
    /// It took longer than it may, and was killed.
    #[error("command `{}` hung: it was killed after {}", failure.command, seconds(failure.elapsed))]
    TimedOut {
        /// What is known of it.
        failure: Box<Failure>,
        /// The same as causes.
        #[source]
        details: Details,
    },
    /// The run was interrupted, and the command was killed.
    #[error("command `{command}` was killed because the run was interrupted")]
    Killed {
        /// The command line.
        command: String,
    },
}

impl ExecError {
    /// What kind of problem it is.
    pub fn code(&self) -> Code {
        match self {
            Self::NotFound { .. } => code::NO_PROGRAM,
            Self::NotFaked { .. } => code::NOT_FAKED,
            Self::SecretArgument { .. } => code::SECRET_ARGUMENT,
            Self::NoDirectory { .. } => code::NO_DIRECTORY,
            Self::Record { .. } | Self::Spawn { .. } => code::COMMAND_NOT_STARTED,
            Self::Failed { .. } => code::COMMAND_FAILED,
            Self::TimedOut { .. } => code::COMMAND_HUNG,
            Self::Killed { .. } => code::INTERRUPTED,
        }
    }
}

/// A command that ran and failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The command line.
    pub command: String,
    /// The directory that it ran in.
    pub directory: PathBuf,
    /// The user that it ran as.
    pub user: String,
    /// Its exit code, unless a signal ended it.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// How long it ran.
    pub elapsed: Duration,
    /// The last lines of its standard output.
    pub stdout_tail: String,
    /// The last lines of its standard error.
    pub stderr_tail: String,
}

impl Failure {
    fn end(&self) -> String {
        match (self.code, self.signal) {
            (Some(code), _) => format!("exited with {code}"),
            (None, Some(signal)) => {
                let name = nix::sys::signal::Signal::try_from(signal);
                let name =
                    name.map_or_else(|_| format!("signal {signal}"), |name| name.to_string());
                format!("was ended by {name}")
            }
            (None, None) => "ended".into(),
        }
    }

    pub(super) fn failed(self) -> ExecError {
        let details = self.details();
        ExecError::Failed { failure: Box::new(self), details }
    }

    pub(super) fn timed_out(self) -> ExecError {
        let details = self.details();
        ExecError::TimedOut { failure: Box::new(self), details }
    }

    fn details(&self) -> Details {
        let tail = |name: &str, tail: &str| {
            let lines = tail.lines().map(|line| format!("\n     | {line}"));
            format!("{name} ends with:{}", lines.collect::<String>())
        };
        let mut details = None;
        for (name, text) in [("stdout", &self.stdout_tail), ("stderr", &self.stderr_tail)] {
            if !text.is_empty() {
                details = Some(Box::new(Details { text: tail(name, text), next: details }));
            }
        }
        let text = format!("in directory `{}` as user `{}`", self.directory.display(), self.user);
        Details { text, next: details }
    }
}

/// Where a command ran and how its output ends, one cause after the other.
#[derive(Debug)]
pub struct Details {
    text: String,
    next: Option<Box<Details>>,
}

impl fmt::Display for Details {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Error for Details {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.next.as_deref().map(|next| next as &(dyn Error + 'static))
    }
}

/// Adds what to do about an error, where that is known.
pub(crate) fn remedied<T>(result: Result<T, ExecError>) -> anyhow::Result<T> {
    match result {
        Err(error @ ExecError::SecretArgument { .. }) => Err(error).hint(
            "hand it over by `.env(…)` or `.stdin(…)`; if the program takes it in no other way, \
             `.secret_arguments()` lets it pass",
        ),
        Err(ExecError::NotFaked { program, command }) => {
            let hint = format!(
                "`.fake(\"{program}\")` answers in its place, `.allow([\"{program}\"])` lets it run"
            );
            Err(ExecError::NotFaked { program, command }).hint(hint)
        }
        result => Ok(result?),
    }
}

fn seconds(elapsed: Duration) -> String {
    format!("{:.1} s", elapsed.as_secs_f64())
}
