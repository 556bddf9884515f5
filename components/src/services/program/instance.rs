//! The process that a program has become, and its end.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use togusa_core::demand;
use togusa_core::host::Ownership;
use togusa_core::prelude::*;
use togusa_core::problem::code;

use crate::processes::{Process, boot};
use crate::waiting::{Seen, wait};

/// The variable by which all processes of a program are known; its value is the pid file.
pub(super) const MARK: &str = "TOGUSA_PROGRAM";

/// How often it is looked whether a process has ended.
const INTERVAL: Duration = Duration::from_millis(20);

/// How long processes may take to go once they were killed.
const KILLED: Duration = Duration::from_secs(5);

/// Sends a signal to a process or its group, if the process still is the one that is meant. Only
/// what every shell has in itself is used, so that next to no time lies between look and signal.
const SIGNAL: &str = "pid=$1 started=$2 signal=$3 target=$4
IFS= read -r stat 2>/dev/null <\"/proc/$pid/stat\" || exit 0
set -f
set -- ${stat##*) }
[ \"${20}\" = \"$started\" ] || exit 0
kill -s \"$signal\" -- \"$target\"";

/// A process, told from all others that have or had its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Instance {
    pub(super) pid: i32,
    pub(super) started: u64,
    boot: String,
}

impl Instance {
    /// The process with this number, which was just started.
    pub(super) fn of(process: Process) -> Self {
        Self { pid: process.pid, started: process.started, boot: boot() }
    }

    /// What a pid file says; nothing if it is missing or not one of ours.
    pub(super) fn read(probe: &Probe<'_>, pid_file: &HostPath) -> Result<Option<Self>> {
        match probe.entry(pid_file)? {
            Some(entry) if entry.is_file() => {}
            _ => return Ok(None),
        }
        Ok(Self::parse(&String::from_utf8_lossy(&probe.read(pid_file)?)))
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let pid: i32 = lines.next()?.parse().ok()?;
        let (started, boot) = lines.next()?.split_once(' ')?;
        let known = Self { pid, started: started.parse().ok()?, boot: boot.to_owned() };
        Some(known).filter(|known| known.pid > 1)
    }

    /// The text of a pid file: the number alone on its first line, as other programs expect.
    fn text(&self) -> String {
        format!("{}\n{} {}\n", self.pid, self.started, self.boot)
    }

    pub(super) fn write(&self, machine: &Machine<'_>, pid_file: &HostPath) -> Result {
        machine.replace(pid_file, &self.text(), &Ownership::mode(0o644))
    }

    /// Whether this very process still runs.
    pub(super) fn is_running(&self) -> bool {
        let running = Process::running(self.pid);
        self.boot == boot() && running.is_some_and(|running| running.started == self.started)
    }

    /// The groups of what runs that it has started and that did not leave its session. As long as
    /// there are any, its number is not given to another process.
    fn groups(&self) -> BTreeSet<i32> {
        let mine = |other: &Process| other.group == self.pid || other.session == self.pid;
        Process::all().filter(mine).map(|other| other.group).collect()
    }

    fn has_group(&self) -> bool {
        !self.groups().is_empty()
    }

    /// Sends a signal to the process alone.
    pub(super) fn signal(&self, machine: &Machine<'_>, signal: &str, user: Option<&str>) -> Result {
        self.send(machine, signal, &self.pid.to_string(), user)
    }

    fn send(
        &self,
        machine: &Machine<'_>,
        signal: &str,
        target: &str,
        user: Option<&str>,
    ) -> Result {
        let (pid, started) = (self.pid.to_string(), self.started.to_string());
        let exec = Exec::shell(SIGNAL).args(["sh", &pid, &started, signal, target]);
        machine.run(&as_user(exec, user)).map(|_| ())
    }

    /// Ends it: a signal, some time, then SIGKILL for all that it has started.
    pub(super) fn stop(
        &self,
        machine: &Machine<'_>,
        signal: &str,
        timeout: Duration,
        user: Option<&str>,
    ) -> Result {
        if !self.is_running() {
            return Ok(());
        }
        let end = Instant::now() + timeout;
        self.signal(machine, signal, user)?;
        let gone = |is_there: bool| if is_there { Err(String::new()) } else { Ok(()) };
        wait_for_end(machine, end, || gone(self.is_running()))?;
        if self.is_running() {
            self.send(machine, "KILL", &format!("-{}", self.pid), user)?;
            self.send_to_rest(machine, "KILL", user)?;
        } else if self.has_group() {
            // What it leaves behind holds its number, so that it can still be meant by it.
            self.send_to_rest(machine, signal, user)?;
            wait_for_end(machine, end, || gone(self.has_group()))?;
            self.send_to_rest(machine, "KILL", user)?;
        }
        let left = wait(machine, KILLED, INTERVAL, || Ok(gone(self.has_group())))?;
        demand!(
            left.is_ok(),
            code::PROGRAM_NOT_STOPPED,
            "process {} still runs, though it was killed",
            self.pid
        );
        Ok(())
    }

    /// Sends a signal to what is left of the session of a process that has ended, if anything is.
    fn send_to_rest(&self, machine: &Machine<'_>, signal: &str, user: Option<&str>) -> Result {
        let groups: String = self.groups().iter().map(|group| format!(" -{group}")).collect();
        if groups.is_empty() {
            return Ok(());
        }
        let kill = format!("kill -s {signal} --{groups} 2>/dev/null || :");
        machine.run(&as_user(Exec::shell(kill), user)).map(|_| ())
    }

    /// Processes of the program that its pid file does not lead to: left behind by one that ended,
    /// or by a run that was killed before it could write the file.
    pub(super) fn strays(pid_file: &str) -> Vec<Self> {
        let mark = format!("{MARK}={pid_file}");
        let above = Process::above_this();
        let mut marked: Vec<_> = Process::all().filter(|other| other.has_variable(&mark)).collect();
        // The program may be what runs this very deployment.
        marked.retain(|other| !above.contains(&other.pid));
        marked.into_iter().map(Self::of).collect()
    }

    /// Kills it without further ado.
    pub(super) fn kill(&self, machine: &Machine<'_>, user: Option<&str>) -> Result {
        self.signal(machine, "KILL", user)?;
        let gone = || Ok(if self.is_running() { Err(String::new()) } else { Ok(()) });
        let left = wait(machine, KILLED, INTERVAL, gone)?;
        demand!(
            left.is_ok(),
            code::PROGRAM_NOT_STOPPED,
            "process {} still runs, though it was killed",
            self.pid
        );
        Ok(())
    }
}

fn wait_for_end(machine: &Machine<'_>, end: Instant, look: impl Fn() -> Seen) -> Result {
    let left = end.saturating_duration_since(Instant::now());
    wait(machine, left, INTERVAL, || Ok(look())).map(|_| ())
}

pub(super) fn as_user(exec: Exec, user: Option<&str>) -> Exec {
    match user {
        Some(user) => exec.user(user),
        None => exec,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pid_file_is_read_as_it_was_written_and_nothing_else_is() {
        let instance = Instance { pid: 42, started: 98765, boot: "b-1".into() };
        assert_eq!(Instance::parse(&instance.text()), Some(instance));
        for text in ["", "42\n", "x\n1 b\n", "42\n1\n", "1\n5 b\n", "0\n5 b\n", "-1\n5 b\n"] {
            assert_eq!(Instance::parse(text), None, "{text:?}");
        }
    }
}
