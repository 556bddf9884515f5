//! Commands: the one home of starting processes.

mod error;
mod journal;
mod output;
pub(super) mod process;
mod runner;
mod signal;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

pub(crate) use error::remedied;
pub use error::{ExecError, Failure};
pub use journal::{Survivor, survivors};
pub use output::Output;
pub(super) use runner::{query, run};

use crate::digest::Digest;
use crate::path::HostPath;
use crate::secret::{self, KnownSecrets};

/// A command: a program with its arguments, run without a shell unless one is asked for.
///
/// It runs in its own process group with a fixed locale and closed standard input. Its end is
/// waited for at most an hour unless another limit is set.
#[derive(Clone, PartialEq, Eq)]
pub struct Exec {
    pub(super) program: String,
    args: Vec<String>,
    directory: Option<HostPath>,
    pub(super) env: BTreeMap<String, String>,
    pub(super) user: Option<String>,
    timeout: Option<Duration>,
    pub(super) stdin: Option<Vec<u8>>,
    accept: BTreeSet<i32>,
    sensitive: bool,
    secret_arguments: bool,
}

impl Exec {
    /// A program, found in `PATH` unless its name has a `/`.
    pub fn new(program: impl Into<String>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            directory: None,
            env: BTreeMap::new(),
            user: None,
            timeout: Some(Duration::from_secs(60 * 60)),
            stdin: None,
            accept: BTreeSet::from([0]),
            sensitive: false,
            secret_arguments: false,
        }
    }

    /// A text that `sh` runs.
    pub fn shell(script: impl Into<String>) -> Self {
        Self::new("sh").arg("-c").arg(script)
    }

    /// Sets another program, for the same arguments and all that else was set.
    #[must_use]
    pub fn program(mut self, program: impl Into<String>) -> Self {
        self.program = program.into();
        self
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Puts an argument before those that it has.
    #[must_use]
    pub fn first_arg(mut self, arg: impl Into<String>) -> Self {
        self.args.insert(0, arg.into());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args(mut self, args: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets the directory to run in; default: the home of the converging user.
    #[must_use]
    pub fn directory(mut self, directory: &HostPath) -> Self {
        self.directory = Some(directory.clone());
        self
    }

    /// Sets the directory to run in, unless one is set already.
    #[must_use]
    pub fn default_directory(mut self, directory: &HostPath) -> Self {
        self.directory.get_or_insert_with(|| directory.clone());
        self
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.env.insert(name.into(), value.into());
        self
    }

    /// Runs it as another user, through sudo; nothing changes if that is the converging user.
    #[must_use]
    pub fn user(mut self, name: impl Into<String>) -> Self {
        self.user = Some(name.into());
        self
    }

    /// Sets how long it may take; default: an hour.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Lowers how long it may take, where that is more.
    #[must_use]
    pub fn at_most(mut self, limit: Duration) -> Self {
        self.timeout = Some(self.timeout.map_or(limit, |timeout| timeout.min(limit)));
        self
    }

    /// Lets it take as long as it wants.
    #[must_use]
    pub fn without_timeout(mut self) -> Self {
        self.timeout = None;
        self
    }

    /// Sets what it reads on its standard input.
    #[must_use]
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(bytes.into());
        self
    }

    /// Sets the exit codes that are no failure; default: 0 alone.
    #[must_use]
    pub fn accept(mut self, codes: impl IntoIterator<Item = i32>) -> Self {
        self.accept = codes.into_iter().collect();
        self
    }

    /// Hides arguments, variables, input and output wherever the command is shown.
    #[must_use]
    pub fn sensitive(mut self) -> Self {
        self.sensitive = true;
        self
    }

    /// Lets arguments hold secrets, for a program that takes them in no other way: while it runs,
    /// every user of the host can read them. Without it such a command is not started.
    #[must_use]
    pub fn secret_arguments(mut self) -> Self {
        self.secret_arguments = true;
        self
    }

    /// Refuses arguments that hold a secret.
    pub(crate) fn check_arguments(&self, secrets: &KnownSecrets) -> Result<(), ExecError> {
        let all = || std::iter::once(&self.program).chain(&self.args);
        if self.secret_arguments || !all().any(|arg| secrets.is_in(arg.as_bytes())) {
            return Ok(());
        }
        Err(ExecError::SecretArgument { command: self.short(secrets) })
    }

    /// The command line as a shell would read it, with all that it holds.
    fn line(&self) -> String {
        let program = quoted(&self.program);
        if self.sensitive {
            return format!("{program} [sensitive]");
        }
        let args = self.args.iter().map(|arg| format!(" {}", quoted(arg)));
        std::iter::once(program).chain(args).collect()
    }

    /// The command line for messages: its first line, at most 200 characters.
    pub(in crate::host) fn short(&self, secrets: &KnownSecrets) -> String {
        // Masked before it is cut, so that no part of a secret is left.
        let full = secrets.mask(&self.line()).into_owned();
        let line = full.lines().next().unwrap_or_default();
        let short = start_of(line, 200);
        if short.len() == full.len() { full } else { format!("{short} …") }
    }
}

impl fmt::Display for Exec {
    /// The command line as a shell would read it, secrets masked.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&secret::masked(self.line()))
    }
}

impl fmt::Debug for Exec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Exec({}", self.line())?;
        if let Some(directory) = &self.directory {
            write!(f, ", in {directory:?}")?;
        }
        if let Some(user) = &self.user {
            write!(f, ", as {user:?}")?;
        }
        for (name, value) in &self.env {
            let value = if self.sensitive { "[sensitive]".into() } else { quoted(value) };
            write!(f, ", {name}={value}")?;
        }
        match &self.stdin {
            Some(_) if self.sensitive => f.write_str(", stdin [sensitive]")?,
            Some(bytes) => write!(f, ", stdin {}", Digest::of(bytes))?,
            None => {}
        }
        write!(f, ", accept {:?}, timeout {:?})", self.accept, self.timeout)
    }
}

/// The beginning of a text, at most that many bytes long.
pub(super) fn start_of(text: &str, limit: usize) -> &str {
    let ends = (0..=limit.min(text.len())).rev();
    let end = ends.into_iter().find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or(0)]
}

/// A text as one word of a shell.
pub(crate) fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./=:,@%+".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
pub(super) mod tests;
