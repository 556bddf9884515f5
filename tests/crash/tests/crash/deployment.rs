//! Starting the subject.

use std::ffi::OsStr;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

/// The subject as a program.
pub const SUBJECT: &str = env!("CARGO_BIN_EXE_crash-subject");

/// A program to be started by a test.
#[expect(clippy::disallowed_methods, reason = "the one home of the commands of this test")]
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.stdin(Stdio::null());
    command
}

/// A deployment of the subject.
#[derive(Clone, Copy, Debug)]
pub struct Deployment<'a> {
    home: &'a Path,
    model: &'a str,
    text: &'a str,
    service: &'a str,
}

impl<'a> Deployment<'a> {
    /// The model of 30 components.
    pub fn all(home: &'a Path, text: &'a str, service: &'a str) -> Self {
        Self { home, model: "all", text, service }
    }

    /// The model with a restart that waits.
    pub fn gated(home: &'a Path) -> Self {
        Self { home, model: "gated", text: "v1", service: "service" }
    }

    /// The command that deploys, below another one such as `strace`.
    pub fn below(&self, mut command: Command) -> Command {
        command.arg(SUBJECT);
        self.pass_to(command)
    }

    /// The command that deploys.
    pub fn command(&self) -> Command {
        self.pass_to(command(SUBJECT))
    }

    fn pass_to(&self, mut command: Command) -> Command {
        command.arg(self.home).args([self.model, self.text, self.service]);
        command
    }

    /// Deploys undisturbed.
    pub fn run(&self) -> Ended {
        Ended::of(self.command())
    }

    /// Deploys with a log of the steps, killed at one of them if a number is given.
    pub fn run_by_steps(&self, log: &Path, crash_at: Option<usize>) -> Ended {
        let mut command = self.command();
        command.env("TOGUSA_STEP_LOG", log);
        if let Some(step) = crash_at {
            command.env("TOGUSA_CRASH_AT_STEP", step.to_string());
        }
        Ended::of(command)
    }
}

/// A deployment that has ended.
#[derive(Debug)]
pub struct Ended {
    pub status: ExitStatus,
    pub output: String,
}

impl Ended {
    /// Waits for the end of a command.
    pub fn of(mut command: Command) -> Self {
        let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let text = [output.stdout, output.stderr].concat();
        Self { status: output.status, output: String::from_utf8_lossy(&text).into_owned() }
    }

    /// The lines that begin with something, without it.
    pub fn lines(&self, prefix: &str) -> Vec<&str> {
        self.output.lines().filter_map(|line| line.strip_prefix(prefix)).collect()
    }

    pub fn was_killed(&self) -> bool {
        self.status.signal() == Some(9)
    }

    pub fn assert_success(&self) {
        assert!(self.status.success(), "{}\n{}", self.status, self.output);
    }

    /// The deployment must have failed, with all these texts in what it says.
    pub fn assert_failure(&self, texts: &[&str]) {
        assert_eq!(self.status.code(), Some(1), "{}", self.output);
        for text in texts {
            assert!(self.output.contains(text), "`{text}` is not said:\n{}", self.output);
        }
    }
}
