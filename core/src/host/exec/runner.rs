//! Running a command to its end.

use std::ffi::OsStr;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::Builder as Thread;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::output::{Capture, Show, tail};
use super::signal::{Group, sudo};
use super::{Exec, ExecError, Failure, Output, journal};
use crate::event::{Event, Stream};
use crate::host::staged::Programs;
use crate::host::{Machine, Probe, walk};
use crate::secret::KnownSecrets;
use crate::step::step;
use crate::system;

/// How long a command may take to end itself before it is killed.
const GRACE: Duration = Duration::from_secs(2);

/// How long output is waited for when the command has ended but something holds its streams open.
const STRAGGLERS: Duration = Duration::from_millis(500);

/// How often it is looked whether the run was interrupted.
const GLANCE: Duration = Duration::from_millis(50);

/// Runs a command that changes the host: recorded while it runs, output streamed as events.
pub(in crate::host) fn run(machine: &Machine<'_>, exec: &Exec) -> Result<Output, ExecError> {
    let site = machine.site;
    let (events, root) = (Arc::clone(&site.events), machine.root.clone());
    let breadcrumb = machine.breadcrumb.clone();
    let show: Show = Arc::new(move |stream, text| {
        let (root, breadcrumb, text) = (root.clone(), breadcrumb.clone(), text.to_owned());
        events(Event::Output { root, breadcrumb, stream, text });
    });
    let show = Some(show).filter(|_| !exec.sensitive);
    let record = |source| ExecError::Record { command: exec.short(&site.secrets), source };
    let command = exec.short(&site.secrets);
    let mut entry =
        journal::Entry::create(&site.running(), machine.breadcrumb, command).map_err(record)?;
    step("spawn");
    let mut running = Running::start(machine, exec, show, Some(entry.nonce()))?;
    if let Err(source) = entry.started(running.leader) {
        running.group().send(Signal::SIGKILL);
        running.wait(machine)?;
        return Err(record(source));
    }
    step("spawned");
    let end = running.wait(machine);
    step("exit");
    drop(entry);
    step("run-cleared");
    running.judge(end?)
}

/// Runs a command that only looks: neither recorded nor shown.
pub(in crate::host) fn query(probe: &Probe<'_>, exec: &Exec) -> Result<Output, ExecError> {
    let mut running = Running::start(probe, exec, None, None)?;
    let end = running.wait(probe)?;
    running.judge(end)
}

/// A command that was started.
struct Running<'a> {
    exec: &'a Exec,
    sudo_user: Option<&'a str>,
    directory: PathBuf,
    leader: i32,
    started: Instant,
    show: Option<Show>,
    secrets: Arc<KnownSecrets>,
    stdout: Capture,
    stderr: Capture,
    news: Receiver<News>,
    open_streams: usize,
}

/// What the threads around a command tell.
enum News {
    Exited(io::Result<ExitStatus>),
    StreamEnded,
}

/// How a command came to its end.
enum End {
    Exited(ExitStatus),
    TimedOut,
    Killed,
}

impl<'a> Running<'a> {
    fn start(
        probe: &Probe<'_>,
        exec: &'a Exec,
        show: Option<Show>,
        nonce: Option<&str>,
    ) -> Result<Self, ExecError> {
        if probe.site.interrupt.must_kill() {
            return Err(ExecError::Killed { command: exec.short(&probe.site.secrets) });
        }
        exec.check_arguments(probe.site.secrets_of(&probe.root.root))?;
        let staged = probe.site.programs.as_ref();
        if let Some(staged) = staged {
            staged.check(exec, &probe.site.secrets)?;
        }
        let own_uid = system::user_id();
        let sudo_user = exec.user.as_deref().filter(|user| {
            staged.is_none()
                && *user != probe.user_name(own_uid)
                && probe.user_id(user).ok().flatten() != Some(own_uid)
        });
        let directory = exec.directory.as_ref().map(|directory| probe.local(directory));
        let directory = directory.unwrap_or_else(|| probe.home().to_owned());
        // Held until the command has started: it runs in this one, whatever takes its place.
        let held = walk::open_directory(&directory).map_err(|source| match source.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory => ExecError::NoDirectory {
                command: exec.short(&probe.site.secrets),
                directory: directory.clone(),
            },
            _ => ExecError::Spawn { command: exec.short(&probe.site.secrets), source },
        })?;
        let mut command = command(exec, sudo_user, staged);
        command.current_dir(format!("/proc/self/fd/{}", held.as_raw_fd())).process_group(0);
        if let Some(nonce) = nonce {
            command.env(journal::VARIABLE, nonce);
        }
        let started = Instant::now();
        let mut child = command.spawn().map_err(|source| match source.kind() {
            ErrorKind::NotFound => not_found(command.get_program()),
            _ => ExecError::Spawn { command: exec.short(&probe.site.secrets), source },
        })?;
        let leader = child.id().cast_signed();
        let (sender, news) = channel();
        let mut running = Self {
            exec,
            sudo_user,
            directory,
            leader,
            started,
            show,
            secrets: Arc::clone(&probe.site.secrets),
            stdout: Capture::new(&probe.site.secrets),
            stderr: Capture::new(&probe.site.secrets),
            news,
            open_streams: 0,
        };
        if let Err(source) = running.attend(&mut child, &sender) {
            running.group().send(Signal::SIGKILL);
            let _ = child.wait();
            return Err(ExecError::Spawn { command: exec.short(&probe.site.secrets), source });
        }
        let waiting = move || {
            // Nobody listens any more if the command could not be killed and was given up.
            let _ = sender.send(News::Exited(child.wait()));
        };
        match Thread::new().spawn(waiting) {
            Ok(_) => Ok(running),
            Err(source) => {
                running.group().send(Signal::SIGKILL);
                Err(ExecError::Spawn { command: exec.short(&probe.site.secrets), source })
            }
        }
    }

    /// Feeds the command and reads what it prints, each on a thread of its own.
    fn attend(&mut self, child: &mut Child, sender: &Sender<News>) -> io::Result<()> {
        if let (Some(mut stdin), Some(bytes)) = (child.stdin.take(), self.exec.stdin.clone()) {
            // A command that does not read all of its input may still succeed.
            Thread::new().spawn(move || drop(stdin.write_all(&bytes)))?;
        }
        if let Some(stdout) = child.stdout.take() {
            self.read(stdout, Stream::Stdout, &self.stdout, sender)?;
            self.open_streams += 1;
        }
        if let Some(stderr) = child.stderr.take() {
            self.read(stderr, Stream::Stderr, &self.stderr, sender)?;
            self.open_streams += 1;
        }
        Ok(())
    }

    fn read(
        &self,
        from: impl Read + Send + 'static,
        stream: Stream,
        into: &Capture,
        sender: &Sender<News>,
    ) -> io::Result<()> {
        let (into, show, sender) = (into.clone(), self.show.clone(), sender.clone());
        Thread::new().spawn(move || {
            into.read(from, stream, show.as_ref());
            // Nobody listens any more if something held the stream open after the command's end.
            let _ = sender.send(News::StreamEnded);
        })?;
        Ok(())
    }

    fn group(&self) -> Group<'a> {
        Group { leader: self.leader, sudo_user: self.sudo_user }
    }

    /// Waits for the end of the command, or brings it about.
    fn wait(&mut self, probe: &Probe<'_>) -> Result<End, ExecError> {
        let interrupt = &probe.site.interrupt;
        let deadline = self.exec.timeout.and_then(|timeout| self.started.checked_add(timeout));
        let exited = self.exit_before(deadline, || interrupt.must_kill())?;
        let end = match exited {
            Some(status) => End::Exited(status),
            None if interrupt.must_kill() => {
                self.kill()?;
                End::Killed
            }
            None => {
                self.group().send(Signal::SIGTERM);
                let grace = Instant::now() + GRACE;
                if self.exit_before(Some(grace), || interrupt.must_kill())?.is_some() {
                    let rest = grace.saturating_duration_since(Instant::now());
                    self.group().is_gone_within(rest);
                    self.group().send(Signal::SIGKILL);
                } else {
                    self.kill()?;
                }
                End::TimedOut
            }
        };
        let stragglers = Instant::now() + STRAGGLERS;
        while self.open_streams > 0 {
            match self.news.recv_timeout(stragglers.saturating_duration_since(Instant::now())) {
                Ok(News::StreamEnded) => self.open_streams -= 1,
                Ok(News::Exited(_)) => {}
                Err(_) => break,
            }
        }
        Ok(end)
    }

    /// Kills all processes of the command. One that cannot be killed is not waited for for ever.
    fn kill(&mut self) -> Result<(), ExecError> {
        self.group().send(Signal::SIGKILL);
        self.exit_before(Some(Instant::now() + GRACE), || false)?;
        Ok(())
    }

    /// Waits for the end of the command until the deadline has passed or something says stop.
    fn exit_before(
        &mut self,
        deadline: Option<Instant>,
        stop: impl Fn() -> bool,
    ) -> Result<Option<ExitStatus>, ExecError> {
        loop {
            let now = Instant::now();
            let left = deadline.map_or(GLANCE, |deadline| deadline.saturating_duration_since(now));
            match self.news.recv_timeout(left.min(GLANCE)) {
                Ok(News::StreamEnded) => self.open_streams -= 1,
                Ok(News::Exited(Ok(status))) => return Ok(Some(status)),
                Ok(News::Exited(Err(source))) => {
                    return Err(ExecError::Spawn {
                        command: self.exec.short(&self.secrets),
                        source,
                    });
                }
                Err(RecvTimeoutError::Timeout) if stop() || left.is_zero() => return Ok(None),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(None),
            }
        }
    }

    /// Says whether the end is a success.
    fn judge(self, end: End) -> Result<Output, ExecError> {
        let elapsed = self.started.elapsed();
        let (stdout, cut_stdout) = self.stdout.close(Stream::Stdout, self.show.as_ref());
        let (stderr, cut_stderr) = self.stderr.close(Stream::Stderr, self.show.as_ref());
        let truncated = cut_stdout || cut_stderr;
        let status = match &end {
            End::Killed => {
                return Err(ExecError::Killed { command: self.exec.short(&self.secrets) });
            }
            End::TimedOut => None,
            End::Exited(status) => Some(*status),
        };
        if self.sudo_user.is_some() && misses(&stderr, &self.exec.program) {
            return Err(ExecError::NotFound { program: self.exec.program.clone(), path: None });
        }
        if let Some(code) = status.and_then(|status| status.code())
            && self.exec.accept.contains(&code)
        {
            return Ok(Output { stdout, stderr, truncated, code, elapsed });
        }
        let shown = |bytes: &[u8]| match self.exec.sensitive {
            true if !bytes.is_empty() => "[sensitive]".to_owned(),
            _ => tail(bytes, &self.secrets),
        };
        let failure = Failure {
            command: self.exec.short(&self.secrets),
            directory: self.directory,
            user: self.exec.user.clone().unwrap_or_else(own_name),
            code: status.and_then(|status| status.code()),
            signal: status.and_then(|status| status.signal()),
            elapsed,
            stdout_tail: shown(&stdout),
            stderr_tail: shown(&stderr),
        };
        Err(if status.is_some() { failure.failed() } else { failure.timed_out() })
    }
}

/// The command of the system, through sudo if it runs as another user.
fn command(exec: &Exec, sudo_user: Option<&str>, staged: Option<&Programs>) -> Command {
    let mut command = match sudo_user {
        None => match staged {
            Some(staged) => system::program(staged.program(&exec.program)),
            None => system::program(&exec.program),
        },
        Some(user) => {
            let mut command = sudo(user);
            if !exec.env.is_empty() {
                // By name, so that no value stands on a command line.
                let names: Vec<&str> = exec.env.keys().map(String::as_str).collect();
                command.arg(format!("--preserve-env={}", names.join(",")));
            }
            command.arg("--").arg(&exec.program);
            command
        }
    };
    command.args(&exec.args);
    command.env_remove("LANG").env_remove("LANGUAGE").env("LC_ALL", "C.UTF-8").envs(&exec.env);
    if let Some(staged) = staged {
        staged.prepare(&mut command, exec);
    }
    let stdin = if exec.stdin.is_some() { Stdio::piped() } else { Stdio::null() };
    command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Whether all that was said is how sudo says that it found no such program.
fn misses(stderr: &[u8], program: &str) -> bool {
    let said = format!("sudo: {program}: command not found");
    stderr.trim_ascii() == said.as_bytes()
}

fn own_name() -> String {
    system::user_name().unwrap_or_else(|| system::user_id().to_string())
}

fn not_found(program: &OsStr) -> ExecError {
    let program = program.to_string_lossy().into_owned();
    let path = system::variable("PATH").filter(|_| !program.contains('/'));
    ExecError::NotFound { program, path }
}
