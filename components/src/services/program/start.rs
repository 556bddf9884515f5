//! Starting a program.

use std::io::{Read, Seek, SeekFrom};
use std::time::{Duration, Instant};

use togusa_core::fault;
use togusa_core::host::{ExecError, Output, Ownership};
use togusa_core::prelude::*;
use togusa_core::problem::code;
use togusa_core::system;

use crate::processes::Process;
use crate::services::text;
use crate::waiting::{seconds, wait};

use super::Program;
use super::instance::{Instance, MARK, as_user};

/// How often it is looked whether the program still runs, or is ready.
const INTERVAL: Duration = Duration::from_millis(50);

/// Reads the launcher from its standard input, and prints the number of the process that becomes
/// the program. A program started by `&` would be deaf to SIGINT and SIGQUIT, so `setsid` forks.
const STARTER: &str = "exec 3<&0
start() {
    exec setsid $1 env -i HOME=\"$HOME\" USER=\"${USER:-}\" LOGNAME=\"${LOGNAME:-${USER:-}}\" \
PATH=\"$PATH\" LANG=C.UTF-8 \"$2\" sh -s <&3 3<&- 4<&- 5<&- 6<&- 7<&- 8<&- 9<&-
}
if setsid -f true 2>/dev/null; then pid=$(start -f \"$1\"); else pid=$(start '' \"$1\" &); fi
echo \"$pid\"";

const FOREGROUND: &str = "correct what it says; a program that puts itself into the background \
                          must be told to stay in the foreground";

/// How much of the log is looked at for its last words.
const TAIL: u64 = 16 * 1024;

/// How long one look may take whether it is ready.
const LOOK: Duration = Duration::from_secs(10);

/// How long the last check may take at least, though the time to be ready is up.
const LAST_CHECK: Duration = Duration::from_secs(1);

/// What a check complains of that did not succeed.
fn is_unready(checked: Result<Output>) -> Result<Option<String>> {
    let Err(error) = checked else { return Ok(None) };
    match error.downcast_ref::<ExecError>() {
        Some(ExecError::Failed { .. } | ExecError::TimedOut { .. }) => {
            Ok(Some(format!("{error:#}")))
        }
        _ => Err(error),
    }
}

impl Program {
    pub(super) fn start(&self, machine: &Machine<'_>) -> Result {
        self.kill_strays(machine)?;
        let log = self.prepare_log(machine)?;
        let launcher = self.launcher(machine)?;
        self.pid_file.prepare(machine)?;
        // Until it has come up, nothing tells how it was started: a run that is killed meanwhile
        // leaves one that the next run starts anew.
        machine.remove(self.record()?)?;
        let mark = format!("{MARK}={}", self.mark(machine));
        let exec = Exec::shell(STARTER)
            .args(["sh", &mark])
            .directory(self.working_directory()?)
            .stdin(launcher.clone())
            .timeout(Duration::from_secs(30));
        let exec = match system::user_name() {
            // sudo sets these for other users.
            Some(name) => exec.env("USER", name),
            None => exec,
        };
        let output = machine.run(&as_user(exec, self.user_name()))?;
        let Ok(pid) = output.stdout_text().trim().parse::<i32>() else {
            let said = text::tail("what was said", &output.stderr_text());
            return Err(fault!(code::PROGRAM_NOT_STARTED, "{said}"))
                .with_context(|| format!("cannot start `{}`", self.name));
        };
        let Some(process) = Process::running(pid) else {
            let said = output.stderr_text();
            let error = match said.trim().is_empty() {
                true => self.last_words(machine, log)?,
                false => {
                    fault!(code::PROGRAM_NOT_STARTED, "{}", text::tail("what was said", &said))
                }
            };
            return Err(error.context(format!("`{}` ended at once", self.name))).hint(FOREGROUND);
        };
        let instance = Instance::of(process);
        instance.write(machine, self.pid_file.path())?;
        let started = self.watch(machine, &instance, log);
        if started.is_err() {
            // One that is not ready must not be found running by the next run.
            self.stop(machine, &instance)?;
            return started;
        }
        machine.replace(self.record()?, &launcher, &Ownership::mode(0o600))
    }

    /// Asks once whether it is ready.
    pub(super) fn check_ready(&self, probe: &Probe<'_>) -> Result {
        let Some(check) = &self.ready_when else { return Ok(()) };
        match is_unready(probe.query(&check.clone().at_most(self.ready_timeout.min(LOOK))))? {
            None => Ok(()),
            Some(last) => {
                Err(fault!(code::UNHEALTHY, "{last}")
                    .context(format!("`{}` is not ready", self.name)))
            }
        }
    }

    /// Sees the program through its start time, and until it is ready.
    pub(super) fn watch(&self, machine: &Machine<'_>, instance: &Instance, log: u64) -> Result {
        let begin = Instant::now();
        let limit = match &self.ready_when {
            Some(_) => self.ready_timeout.max(self.start_time),
            None => self.start_time,
        };
        // What the check said last; nothing once it has succeeded.
        let mut unready = self.ready_when.as_ref().map(|_| String::new());
        let ended = wait(machine, limit, INTERVAL, || {
            if !instance.is_running() {
                return Ok(Ok(true));
            }
            if let (Some(check), Some(_)) = (&self.ready_when, &unready) {
                let left = limit.saturating_sub(begin.elapsed()).max(LAST_CHECK);
                unready = is_unready(machine.query(&check.clone().at_most(left)))?;
            }
            let done = unready.is_none() && begin.elapsed() >= self.start_time;
            Ok(if done { Ok(false) } else { Err(String::new()) })
        })?;
        if ended == Ok(true) {
            let text = format!("`{}` ended after {}", self.name, seconds(begin.elapsed()));
            return Err(self.last_words(machine, log)?.context(text)).hint(FOREGROUND);
        }
        let Some(last) = unready else { return Ok(()) };
        let text = format!("`{}` was not ready within {}", self.name, seconds(limit));
        Err(self.last_words(machine, log)?.context(last).context(text))
    }

    /// The pid file as a real path, which no other program of the host has.
    fn mark(&self, probe: &Probe<'_>) -> String {
        probe.local(self.pid_file.path()).display().to_string()
    }

    pub(super) fn kill_strays(&self, machine: &Machine<'_>) -> Result {
        for stray in Instance::strays(&self.mark(machine)) {
            stray.kill(machine, self.user_name())?;
        }
        Ok(())
    }

    pub(super) fn log_size(&self, probe: &Probe<'_>) -> Result<u64> {
        Ok(probe.entry(self.log.path())?.map_or(0, |entry| entry.size))
    }

    /// Makes the log where that can be done for the program's user. Gives its size.
    fn prepare_log(&self, machine: &Machine<'_>) -> Result<u64> {
        let path = self.log.path();
        self.log.prepare(machine)?;
        if machine.entry(path)?.is_none() {
            let ownership = Ownership { mode: Some(0o640), ..Ownership::default() };
            let ownership = match &self.user {
                Some(user) if system::user_name().as_deref() == Some("root") => {
                    ownership.owner(user)
                }
                // That user makes the file, or the start fails and says so.
                Some(user) if system::user_name().as_ref() != Some(user) => return Ok(0),
                _ => ownership,
            };
            machine.write(path, "", &ownership)?;
        }
        self.log_size(machine)
    }

    /// What the log says since it had that size.
    fn last_words(&self, probe: &Probe<'_>, from: u64) -> Result<anyhow::Error> {
        let path = probe.local(self.log.path());
        let read = || -> std::io::Result<String> {
            let mut file = std::fs::File::open(&path)?;
            let length = file.metadata()?.len();
            // A log that is shorter than it was has been rotated.
            let from = if length < from { 0 } else { from };
            file.seek(SeekFrom::Start(from.max(length.saturating_sub(TAIL))))?;
            let mut bytes = Vec::new();
            file.take(TAIL).read_to_end(&mut bytes)?;
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        };
        let log = format!("its log `{}`", path.display());
        Ok(match read() {
            Ok(text) => fault!(code::PROGRAM_NOT_STARTED, "{}", text::tail(&log, &text)),
            Err(error) => fault!(code::PROGRAM_NOT_STARTED, "{log} cannot be read: {error}"),
        })
    }
}
