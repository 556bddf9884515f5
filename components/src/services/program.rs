//! Processes without an init system.

mod instance;
mod launcher;
mod start;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use togusa_core::fault::CodeExt as _;
use togusa_core::prelude::*;
use togusa_core::problem::code;
use togusa_core::{demand, fail, fault};

use crate::file::Text;
use crate::location::{Location, Place};

use instance::Instance;
use launcher::Launcher;

/// A process that stays when the deployment is over, on a machine without an init system.
///
/// It runs in a session of its own, with nothing left of the connection that started it: no
/// terminal, no file that the agent has open, a new environment. What it prints goes to its log. Nothing starts it
/// again when it ends or when the machine restarts, but for the next deployment.
///
/// | attribute | default |
/// |---|---|
/// | `args` | none; secrets are refused, give them as variables |
/// | `env` | `HOME`, `USER`, `LOGNAME`, `PATH` and `LANG=C.UTF-8` are always set |
/// | `directory` | the root's work directory |
/// | `user` | the converging user |
/// | `log` | `NAME.log` in the work directory; only ever appended to |
/// | `pid_file` | `NAME.pid` in the work directory |
/// | `stop_signal` | `TERM` |
/// | `stop_timeout` | 10 s, then SIGKILL for all that it started |
/// | `start_time` | 1 s: one that ends within it has failed, also after a reload |
/// | `ready_when` | no command; else it has failed unless the command succeeds within `ready_timeout` too |
/// | `ready_timeout` | 60 s |
/// | `reload_signal` | none: a trigger restarts it |
///
/// It must stay in the foreground: what forks and ends has failed.
///
/// `verify` reads the pid file and `/proc`: whether the process runs, still is the one that was
/// started (number, start time and start of the system), and was started with the same command,
/// variables, directory, user and log. `update` starts it, or stops it first if it is to be another
/// one. If nothing differs, a trigger has come: it is sent its reload signal, or restarted. Its last
/// words stand in the error if it fails. It is `healthy` while it runs and `ready_when` succeeds.
///
/// Variables travel through a pipe. Once it has come up they also stand, with the command, in
/// `NAME.start` beside the pid file, which nobody but the converging user can read, as the record of
/// how it was started; without one, it is started anew.
///
/// Another `user` needs `sudo`, also for root, and must be able to enter the directory and to write
/// the log. Linux, `sh` and `setsid` (of `util-linux` or busybox) are needed.
///
/// **Needs**: `sh`, `setsid`.
///
/// ```
/// use std::time::Duration;
///
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// fn configure(scope: &mut Scope<'_>, password: Secret) -> Result {
///     let conf = scope.add(File::new("app.toml").content("workers = 2\n"));
///     let app = Program::new("app", "./app")
///         .args(["--config", "app.toml"])
///         .env("PASSWORD", password)
///         .ready_when(Exec::new("./app").arg("ping"))
///         .stop_timeout(Duration::from_secs(30));
///     scope.on_change(&conf).add(app);
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct Program {
    name: String,
    program: String,
    args: Vec<String>,
    env: BTreeMap<String, Text>,
    directory: Option<Location>,
    user: Option<String>,
    log: Place,
    pid_file: Place,
    record: Option<HostPath>,
    stop_signal: String,
    stop_timeout: Duration,
    start_time: Duration,
    ready_when: Option<Exec>,
    ready_timeout: Duration,
    reload_signal: Option<String>,
    absent: bool,
    resolved_directory: Option<HostPath>,
}

impl Program {
    /// A program by a name of one's own, and its path; without `/` it is found in `PATH`, and a
    /// relative one counts from the directory.
    pub fn new(name: impl Into<String>, program: impl Into<String>) -> Self {
        let name = name.into();
        Self {
            log: Place::new(format!("{name}.log").into()),
            pid_file: Place::new(format!("{name}.pid").into()),
            name,
            program: program.into(),
            args: Vec::new(),
            env: BTreeMap::new(),
            directory: None,
            user: None,
            record: None,
            stop_signal: "TERM".into(),
            stop_timeout: Duration::from_secs(10),
            start_time: Duration::from_secs(1),
            ready_when: None,
            ready_timeout: Duration::from_secs(60),
            reload_signal: None,
            absent: false,
            resolved_directory: None,
        }
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args(mut self, args: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets an environment variable: a text, or a secret.
    #[must_use]
    pub fn env(mut self, name: impl Into<String>, value: impl Into<Text>) -> Self {
        self.env.insert(name.into(), value.into());
        self
    }

    /// Sets the directory that it runs in.
    #[must_use]
    pub fn directory(mut self, path: impl Into<Location>) -> Self {
        self.directory = Some(path.into());
        self
    }

    /// Runs it as another user.
    #[must_use]
    pub fn user(mut self, name: impl Into<String>) -> Self {
        self.user = Some(name.into());
        self
    }

    /// Sets the file that takes what it prints.
    #[must_use]
    pub fn log(mut self, path: impl Into<Location>) -> Self {
        self.log = Place::new(path.into());
        self
    }

    /// Sets the file that tells its number.
    #[must_use]
    pub fn pid_file(mut self, path: impl Into<Location>) -> Self {
        self.pid_file = Place::new(path.into());
        self
    }

    /// Sets the signal that ends it, such as `INT` or `QUIT`.
    #[must_use]
    pub fn stop_signal(mut self, signal: impl Into<String>) -> Self {
        self.stop_signal = signal.into();
        self
    }

    /// Sets how long it may take to end before it is killed.
    #[must_use]
    pub fn stop_timeout(mut self, timeout: Duration) -> Self {
        self.stop_timeout = timeout;
        self
    }

    /// Sets how long it must run to count as started.
    #[must_use]
    pub fn start_time(mut self, time: Duration) -> Self {
        self.start_time = time;
        self
    }

    /// Sets a command that succeeds once the program is ready; it is tried again and again after a
    /// start, in the same directory.
    #[must_use]
    pub fn ready_when(mut self, check: Exec) -> Self {
        self.ready_when = Some(check);
        self
    }

    /// Sets how long it may take to be ready.
    #[must_use]
    pub fn ready_timeout(mut self, timeout: Duration) -> Self {
        self.ready_timeout = timeout;
        self
    }

    /// Sets the signal that makes it read its configuration again, such as `HUP`; a trigger sends
    /// it instead of restarting the program.
    #[must_use]
    pub fn reload_signal(mut self, signal: impl Into<String>) -> Self {
        self.reload_signal = Some(signal.into());
        self
    }

    /// Stops it, and removes its pid file and the record of its start. The log stays.
    #[must_use]
    pub fn absent(mut self) -> Self {
        self.absent = true;
        self
    }

    /// The file that tells its number.
    ///
    /// # Panics
    /// The program was not added yet.
    #[track_caller]
    pub fn pid_path(&self) -> &HostPath {
        self.pid_file.path()
    }

    /// The file that takes what it prints.
    ///
    /// # Panics
    /// The program was not added yet.
    #[track_caller]
    pub fn log_path(&self) -> &HostPath {
        self.log.path()
    }

    fn user_name(&self) -> Option<&str> {
        self.user.as_deref()
    }

    fn working_directory(&self) -> Result<&HostPath> {
        self.resolved_directory
            .as_ref()
            .context("the program was not configured")
            .code(code::NOT_CONFIGURED)
    }

    fn record(&self) -> Result<&HostPath> {
        self.record.as_ref().context("the program was not configured").code(code::NOT_CONFIGURED)
    }

    /// What starts it, as it is to be recorded.
    fn launcher(&self, probe: &Probe<'_>) -> Result<String> {
        let local = |path: &HostPath| probe.local(path).display().to_string();
        let command = [&self.program].into_iter().chain(&self.args).cloned().collect();
        Launcher {
            name: &self.name,
            user: self.user_name(),
            directory: local(self.working_directory()?),
            env: &self.env,
            command,
            log: local(self.log.path()),
        }
        .text()
    }

    /// What differs between the process that runs and the one that is wanted.
    fn differences(&self, probe: &Probe<'_>) -> Result<Vec<Change>> {
        let record = self.record()?;
        let present = match probe.entry(record)? {
            Some(entry) if entry.is_file() => entry,
            _ => return Ok(vec!["nothing tells how it was started".into()]),
        };
        let mut changes = Vec::new();
        if present.mode & 0o077 != 0 {
            let mode = format!("{:04o}", present.mode);
            changes.push(Change::property(format!("mode of {}", record.file_name()), mode, "0600"));
        }
        let text = String::from_utf8_lossy(&probe.read(record)?).into_owned();
        changes.extend(launcher::changes(&text, &self.launcher(probe)?, probe));
        Ok(changes)
    }

    fn stop(&self, machine: &Machine<'_>, instance: &Instance) -> Result {
        let stopped =
            instance.stop(machine, &self.stop_signal, self.stop_timeout, self.user_name());
        stopped.with_context(|| format!("cannot stop `{}`", self.name))
    }

    /// Tells it to read its configuration again, and sees whether it survives that.
    fn reload(&self, machine: &Machine<'_>, instance: &Instance, signal: &str) -> Result {
        let log = self.log_size(machine)?;
        instance.signal(machine, signal, self.user_name())?;
        self.watch(machine, instance, log).with_context(|| {
            format!("`{}` did not survive its reload by signal {signal}", self.name)
        })
    }

    fn remove(&self, machine: &Machine<'_>) -> Result {
        if let Some(instance) = Instance::read(machine, self.pid_file.path())? {
            self.stop(machine, &instance)?;
        }
        self.kill_strays(machine)?;
        machine.remove(self.pid_file.path())?;
        machine.remove(self.record()?)
    }

    fn verify_absent(&self, probe: &Probe<'_>) -> Result<Verdict> {
        let mut verdict = Verdict::current();
        let instance = Instance::read(probe, self.pid_file.path())?;
        if let Some(instance) = instance.filter(Instance::is_running) {
            verdict.push(Change::remove(format!("process {}", instance.pid)));
        }
        for path in [self.pid_file.path(), self.record()?] {
            if probe.entry(path)?.is_some() {
                verdict.push(Change::remove(format!("file `{}`", probe.local(path).display())));
            }
        }
        Ok(verdict)
    }
}

/// The name of a signal, without `SIG`.
fn signal_name(signal: &str) -> Result<String> {
    const SIGNALS: [&str; 11] =
        ["ABRT", "ALRM", "HUP", "INT", "KILL", "QUIT", "TERM", "USR1", "USR2", "WINCH", "PIPE"];
    let name = signal.strip_prefix("SIG").unwrap_or(signal);
    match SIGNALS.contains(&name) {
        true => Ok(name.to_owned()),
        false => Err(fault!(code::OPTION_VALUE, "`{signal}` is no signal"))
            .hint(format!("give one of {}", SIGNALS.join(", "))),
    }
}

/// Whether a shell can export a variable of that name.
fn check_variable(name: &str) -> Result {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let begins_well = !name.starts_with(|c: char| c.is_ascii_digit());
    demand!(
        !name.is_empty() && begins_well && name.chars().all(plain) && name != instance::MARK,
        code::NOT_A_NAME,
        "`{name}` is no name for a variable"
    );
    Ok(())
}

impl Component for Program {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some(self.name.as_str().into())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        demand!(
            !self.name.is_empty() && !self.name.contains(['/', '\n', '\0']),
            code::NOT_A_NAME,
            "`{}` is no name for a program",
            self.name
        );
        self.env.keys().try_for_each(|name| check_variable(name))?;
        for (name, value) in &self.env {
            demand!(
                !value.is_masked(),
                code::SECRET_PRINTED,
                "the variable `{name}` holds a secret that was printed"
            );
            demand!(
                !value.bytes().contains(&0),
                code::OPTION_VALUE,
                "the variable `{name}` holds a zero byte"
            );
        }
        let mut words = [&self.program].into_iter().chain(&self.args);
        demand!(
            !words.any(|word| word.contains(['\n', '\0'])),
            code::OPTION_VALUE,
            "an argument holds a line break"
        );
        scope.check_arguments(&Exec::new(&self.program).args(&self.args))?;
        self.stop_signal = signal_name(&self.stop_signal)?;
        self.reload_signal = self.reload_signal.as_deref().map(signal_name).transpose()?;
        self.log.resolve("log", scope)?;
        self.pid_file.resolve("pid-file", scope)?;
        let pid_file = self.pid_file.path();
        let beside = pid_file.parent().context("the pid file has no directory")?;
        self.record = Some(beside.join(format!("{}.start", self.name)));
        let directory = match &self.directory {
            Some(directory) => directory.resolve(scope)?,
            None => scope.work_directory(),
        };
        if let Some(check) = &mut self.ready_when {
            scope.check_arguments(check)?;
            *check = check.clone().default_directory(&directory);
        }
        self.resolved_directory = Some(directory);
        scope.manages("program", pid_file.as_str().to_owned());
        Ok(())
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        if self.absent {
            return self.verify_absent(probe);
        }
        match Instance::read(probe, self.pid_file.path())? {
            Some(instance) if instance.is_running() => Ok(self.differences(probe)?.into()),
            Some(instance) => {
                Ok(Verdict::stale(format!("not running: process {} has ended", instance.pid)))
            }
            None => Ok(Verdict::stale("not running")),
        }
    }

    fn healthy(&self, probe: &Probe<'_>) -> Result {
        if self.absent {
            return Ok(());
        }
        match Instance::read(probe, self.pid_file.path())? {
            Some(instance) if instance.is_running() => self.check_ready(probe),
            Some(instance) => fail!(
                code::UNHEALTHY,
                "`{}` does not run: process {} has ended",
                self.name,
                instance.pid
            ),
            None => fail!(code::UNHEALTHY, "`{}` does not run", self.name),
        }
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        if self.absent {
            return self.remove(machine);
        }
        let instance = Instance::read(machine, self.pid_file.path())?;
        if let Some(instance) = instance.filter(Instance::is_running) {
            // Nothing differs, so that a trigger has come.
            if let Some(signal) = &self.reload_signal
                && self.differences(machine)?.is_empty()
            {
                return self.reload(machine, &instance, signal);
            }
            self.stop(machine, &instance)?;
        }
        self.start(machine)
    }
}
