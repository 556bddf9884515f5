//! Processes as the machine sees them.

use std::fs;

use super::host::BOOT;
use super::namespaces::Namespaces;

/// A process of a host or of the coordinator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// The id by which the test can signal it. On the host it has another one.
    pub pid: i32,
    /// Its parent, in the same counting.
    pub parent: i32,
    /// The command line, arguments separated by blanks.
    pub command: String,
    /// One letter, as `ps` shows it: `R`, `S`, `T`, …
    pub state: char,
}

impl Process {
    /// Reads what `/proc` tells; nothing for a process that has ended.
    fn read(pid: i32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name, in parentheses, may itself hold blanks and parentheses.
        let (_, fields) = stat.rsplit_once(") ")?;
        let mut fields = fields.split(' ');
        let state = fields.next()?.chars().next()?;
        let parent = fields.next()?.parse().ok()?;
        let arguments = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let command = String::from_utf8_lossy(&arguments).trim_end_matches('\0').replace('\0', " ");
        Some(Self { pid, parent, command, state })
    }

    /// All processes of the machine that still run, by process id.
    pub(super) fn all() -> Vec<Self> {
        let entries = fs::read_dir("/proc").expect("`/proc` can be read");
        let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        let running = pids.filter_map(Self::read).filter(|process| !"ZX".contains(process.state));
        let mut all: Vec<_> = running.collect();
        all.sort_by_key(|process| process.pid);
        all
    }

    /// The processes that live in the namespaces, without what the lab itself keeps there.
    pub(super) fn within(namespaces: &Namespaces, init: i32) -> Vec<Self> {
        let mut within = Self::all();
        within.retain(|process| namespaces.hold(process.pid));
        let keeps = |process: &Self| ["sleep infinity", "cat"].contains(&process.command.as_str());
        let is_own = |process: &Self| {
            process.pid == init
                || process.parent == init && keeps(process)
                || process.command.contains(&format!("/bin/dash {BOOT}"))
        };
        within.retain(|process| !is_own(process));
        within
    }
}

/// The only child of a process, as soon as it has one.
pub(super) fn child_of(parent: i32) -> Option<i32> {
    Process::all().into_iter().find(|process| process.parent == parent).map(|child| child.pid)
}
