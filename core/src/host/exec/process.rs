//! Processes of this machine, by what the system tells of them.

use std::fs;

use nix::errno::Errno;
use nix::sys::signal::killpg;
use nix::unistd::Pid;

/// What `/proc` tells of a process.
pub(in crate::host) struct Process {
    pub(super) pid: i32,
    pub(super) parent: i32,
    pub(super) group: i32,
    /// In ticks since the system started.
    pub(in crate::host) started: u64,
    is_dead: bool,
}

impl Process {
    /// A process by its number; `None` if there is none or the system has no `/proc`.
    pub(in crate::host) fn get(pid: i32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name, in parentheses, may hold anything, also a parenthesis.
        let (_, fields) = stat.rsplit_once(") ")?;
        let fields: Vec<&str> = fields.split(' ').collect();
        Some(Self {
            pid,
            parent: fields.get(1)?.parse().ok()?,
            group: fields.get(2)?.parse().ok()?,
            started: fields.get(19)?.parse().ok()?,
            is_dead: matches!(*fields.first()?, "Z" | "X"),
        })
    }

    /// All processes that this one may see.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        pids.filter_map(Self::get)
    }

    /// Whether a variable of its environment has the value that is given as `NAME=value`.
    pub(super) fn has_variable(&self, variable: &str) -> bool {
        let environment = fs::read(format!("/proc/{}/environ", self.pid)).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|entry| entry == variable.as_bytes())
    }

    pub(super) fn is_alive(&self) -> bool {
        !self.is_dead
    }

    /// The processes below one, however deep.
    pub(super) fn descendants(pid: i32) -> Vec<i32> {
        let all: Vec<_> = Self::all().collect();
        let mut found = vec![pid];
        let mut at = 0;
        while let Some(parent) = found.get(at).copied() {
            found.extend(all.iter().filter(|child| child.parent == parent).map(|child| child.pid));
            at += 1;
        }
        found.split_off(1)
    }
}

/// Whether a process group has a member that runs; one that is only not yet waited for does not.
pub(super) fn group_is_alive(group: i32) -> bool {
    match killpg(Pid::from_raw(group), None) {
        Err(Errno::ESRCH) => false,
        _ if cfg!(target_os = "linux") => {
            Process::all().any(|process| process.group == group && process.is_alive())
        }
        _ => true,
    }
}
