//! Programs that run on the coordinator or on a host.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{Seek as _, Write as _};
use std::os::unix::fs::FileExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;

use super::namespaces::Namespaces;

/// Longer than anything that a test waits for, builds included: what is not there by then never
/// comes.
const PATIENCE: Duration = Duration::from_secs(600);

/// A program to be started, in the manner of [`std::process::Command`].
///
/// It gets nothing on standard input unless [`Program::input`] says so.
#[derive(Debug)]
pub struct Program {
    namespaces: Arc<Namespaces>,
    command: Command,
    input: Vec<u8>,
}

impl Program {
    #[expect(clippy::disallowed_methods, reason = "the one home of the programs of a lab")]
    pub(super) fn new(namespaces: Arc<Namespaces>, program: &OsStr) -> Self {
        Self { namespaces, command: Command::new(program), input: Vec::new() }
    }

    /// Adds an argument.
    pub fn arg(&mut self, argument: impl AsRef<OsStr>) -> &mut Self {
        self.command.arg(argument);
        self
    }

    /// Adds arguments.
    pub fn args(&mut self, arguments: impl IntoIterator<Item: AsRef<OsStr>>) -> &mut Self {
        self.command.args(arguments);
        self
    }

    /// Sets a variable of the environment, which else is the one of a fresh login.
    pub fn env(&mut self, name: &str, value: impl AsRef<OsStr>) -> &mut Self {
        self.command.env(name, value);
        self
    }

    /// Starts without any variable of the environment but those set from here on.
    pub fn env_clear(&mut self) -> &mut Self {
        self.command.env_clear();
        self
    }

    /// Sets the working directory, by its path inside; else it is the home directory.
    pub fn current_dir(&mut self, directory: impl AsRef<Path>) -> &mut Self {
        self.command.current_dir(directory);
        self
    }

    /// Gives the program a text to read from its standard input.
    pub fn input(&mut self, text: impl Into<Vec<u8>>) -> &mut Self {
        self.input = text.into();
        self
    }

    /// Makes the program the leader of a process group, as a shell does, for
    /// [`Running::signal_group`].
    pub fn own_group(&mut self) -> &mut Self {
        self.command.process_group(0);
        self
    }

    /// Runs the program to its end, whatever that is.
    pub fn output(&mut self) -> Output {
        self.spawn().wait()
    }

    /// Runs the program to its end with the terminal, or whatever else the test itself has.
    pub fn status(&mut self) -> ExitStatus {
        let mut child = self.start([Stdio::inherit(), Stdio::inherit(), Stdio::inherit()]);
        child.wait().expect("a child can be waited for")
    }

    /// Starts the program; what it prints is kept.
    pub fn spawn(&mut self) -> Running {
        let file = || tempfile::tempfile().expect("a temporary file can be made");
        let (input, stdout, stderr) = (file(), file(), file());
        let mut writer = &input;
        let written = writer.write_all(&self.input).and_then(|()| writer.rewind());
        written.expect("a temporary file can be written");
        let same = |file: &File| file.try_clone().map_or_else(|e| panic!("{e}"), Stdio::from);
        let child = self.start([same(&input), same(&stdout), same(&stderr)]);
        let pid = Pid::from_raw(child.id().cast_signed());
        let end = Arc::new(End::default());
        thread::spawn({
            let end = Arc::clone(&end);
            move || end.reap(child)
        });
        Running { name: self.name(), pid, end, stdout, stderr }
    }

    fn start(&mut self, [stdin, stdout, stderr]: [Stdio; 3]) -> Child {
        let command = &mut self.command;
        command.stdin(stdin).stdout(stdout).stderr(stderr);
        match self.namespaces.enter(|| command.spawn()) {
            Ok(child) => child,
            Err(error) => panic!("cannot start {} in the lab: {error}", self.name()),
        }
    }

    /// Program and arguments, without the variables.
    fn name(&self) -> String {
        let words = [self.command.get_program()].into_iter().chain(self.command.get_args());
        words.map(|word| format!("{word:?}")).collect::<Vec<_>>().join(" ")
    }
}

/// How a process ended, known as soon as it did.
///
/// Every process is reaped at once: one that is not keeps its whole lab from ending.
#[derive(Debug, Default)]
struct End {
    status: Mutex<Option<ExitStatus>>,
    ended: Condvar,
}

impl End {
    fn lock(&self) -> MutexGuard<'_, Option<ExitStatus>> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The lock is held while the process id becomes free, so that no signal reaches another one.
    fn reap(&self, mut child: Child) {
        let pid = Pid::from_raw(child.id().cast_signed());
        let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
        while waitid(Id::Pid(pid), flags) == Err(nix::errno::Errno::EINTR) {}
        let mut status = self.lock();
        *status = Some(child.wait().expect("a child can be waited for"));
        self.ended.notify_all();
    }

    fn wait(&self, patience: Duration) -> Option<ExitStatus> {
        let (status, _) = self
            .ended
            .wait_timeout_while(self.lock(), patience, |status| status.is_none())
            .unwrap_or_else(PoisonError::into_inner);
        *status
    }
}

/// A program that was started. It is killed when this is dropped.
#[derive(Debug)]
pub struct Running {
    name: String,
    pid: Pid,
    end: Arc<End>,
    stdout: File,
    stderr: File,
}

impl Running {
    /// The process id of the very program, as the test sees it.
    pub fn pid(&self) -> i32 {
        self.pid.as_raw()
    }

    /// Whether it has not ended yet.
    pub fn is_running(&self) -> bool {
        self.end.lock().is_none()
    }

    /// Sends a signal to the very program, unless it has ended.
    pub fn signal(&self, signal: Signal) {
        let status = self.end.lock();
        if status.is_none() {
            kill(self.pid, signal).expect("a child can be signalled");
        }
    }

    /// Sends a signal to the program and what it started, as Ctrl-C does.
    ///
    /// The program must have been given its [own group](Program::own_group).
    pub fn signal_group(&self, signal: Signal) {
        let status = self.end.lock();
        if status.is_none() {
            killpg(self.pid, signal).expect("a child that has its own group can be signalled");
        }
    }

    /// Sends SIGKILL and waits for the end.
    pub fn kill(&self) -> Output {
        self.signal(Signal::SIGKILL);
        self.wait()
    }

    /// Waits for the program to end. Processes that it left behind are not waited for.
    pub fn wait(&self) -> Output {
        self.wait_for(PATIENCE)
    }

    /// Waits for the program to end, and panics with what it printed if it takes longer.
    pub fn wait_for(&self, patience: Duration) -> Output {
        let Some(status) = self.end.wait(patience) else {
            panic!("{} still runs after {patience:?}\n{}", self.name, self.printed());
        };
        let (name, stdout, stderr) = (self.name.clone(), self.stdout(), self.stderr());
        Output { name, status, stdout, stderr }
    }

    /// What it has printed to standard output so far.
    pub fn stdout(&self) -> String {
        read(&self.stdout)
    }

    /// What it has printed to standard error so far.
    pub fn stderr(&self) -> String {
        read(&self.stderr)
    }

    /// Waits until it has printed the text, to standard output or error.
    ///
    /// Panics if it ends without, or takes for ever.
    pub fn wait_until_printed(&self, text: &str) {
        let start = Instant::now();
        loop {
            // Asked first: what is printed right before the end counts.
            let is_running = self.is_running();
            if self.stdout().contains(text) || self.stderr().contains(text) {
                return;
            }
            let printed = || self.printed();
            assert!(is_running, "{} ended without `{text}`\n{}", self.name, printed());
            assert!(start.elapsed() < PATIENCE, "{} prints no `{text}`\n{}", self.name, printed());
            thread::sleep(Duration::from_millis(2));
        }
    }

    fn printed(&self) -> String {
        format!("stdout:\n{}stderr:\n{}", self.stdout(), self.stderr())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.signal(Signal::SIGKILL);
        self.end.wait(PATIENCE);
    }
}

/// The position of the file is the one at which the program writes, so it is left alone.
fn read(file: &File) -> String {
    let length = file.metadata().expect("an open file has metadata").len();
    let mut bytes = vec![0; usize::try_from(length).expect("the output fits into memory")];
    file.read_exact_at(&mut bytes, 0).expect("a temporary file can be read");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// How a program ended, and what it printed.
#[derive(Debug, Clone)]
pub struct Output {
    name: String,
    /// Its exit code or signal.
    pub status: ExitStatus,
    /// What it printed to standard output.
    pub stdout: String,
    /// What it printed to standard error.
    pub stderr: String,
}

impl Output {
    /// The exit code; `None` after a signal.
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// What it printed to standard output, after it succeeded; else a panic with all that it said.
    #[track_caller]
    pub fn succeeded(self) -> String {
        let Self { name, status, stdout, stderr } = &self;
        assert!(status.success(), "{name}: {status}\nstdout:\n{stdout}stderr:\n{stderr}");
        self.stdout
    }

    /// What it printed to standard error, after it failed; else a panic with all that it said.
    #[track_caller]
    pub fn failed(self) -> String {
        let Self { name, status, stdout, stderr } = &self;
        assert!(!status.success(), "{name} succeeded\nstdout:\n{stdout}stderr:\n{stderr}");
        self.stderr
    }
}
