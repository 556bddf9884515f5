//! Processes of the host, as `/proc` tells of them.

use std::fs;

/// A process; what is read of it later may be gone by then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) pid: i32,
    pub(crate) parent: i32,
    #[cfg(feature = "services")]
    pub(crate) group: i32,
    #[cfg(feature = "services")]
    pub(crate) session: i32,
    /// In ticks since the system started: no two processes share number and start.
    pub(crate) started: u64,
    is_dead: bool,
}

impl Process {
    /// A process that runs, by its number. One that nobody has waited for runs no longer.
    pub(crate) fn running(pid: i32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        Self::read(pid, &stat).filter(|process| !process.is_dead)
    }

    fn read(pid: i32, stat: &str) -> Option<Self> {
        // The name, in parentheses, may hold anything, also a parenthesis.
        let (_, fields) = stat.rsplit_once(") ")?;
        let fields: Vec<&str> = fields.split(' ').collect();
        let number = |at: usize| fields.get(at)?.parse().ok();
        Some(Self {
            pid,
            parent: number(1)?,
            #[cfg(feature = "services")]
            group: number(2)?,
            #[cfg(feature = "services")]
            session: number(3)?,
            started: fields.get(19)?.parse().ok()?,
            is_dead: matches!(*fields.first()?, "Z" | "X"),
        })
    }

    /// All processes that run and that this one may see.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        pids.filter_map(Self::running)
    }
}

#[cfg(feature = "services")]
impl Process {
    /// The numbers of this process and of those that started it.
    pub(crate) fn above_this() -> Vec<i32> {
        let own = i32::try_from(std::process::id()).ok();
        let parent = |pid: &i32| Self::running(*pid).map(|process| process.parent);
        std::iter::successors(own, parent).take_while(|pid| *pid > 0).collect()
    }

    /// Whether it was started with a variable, given as `NAME=value`; of another user's process
    /// only root can tell.
    pub(crate) fn has_variable(&self, variable: &str) -> bool {
        // What may not be read is of somebody else.
        let environment = fs::read(format!("/proc/{}/environ", self.pid)).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|entry| entry == variable.as_bytes())
    }
}

#[cfg(feature = "web")]
impl Process {
    /// Whether it is of this host, and not of a container on it: those have a number of their own there.
    pub(crate) fn is_here(&self) -> bool {
        // One that ends meanwhile is nowhere.
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid)).unwrap_or_default();
        let numbers = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
        numbers.is_some_and(|numbers| numbers.split_whitespace().count() == 1)
    }

    /// The name that it goes by in lists of processes, which it may have set itself.
    pub(crate) fn title(&self) -> String {
        // One that ends meanwhile has no title any more.
        let title = fs::read(format!("/proc/{}/cmdline", self.pid)).unwrap_or_default();
        String::from_utf8_lossy(&title).trim_end_matches('\0').replace('\0', " ")
    }
}

/// What tells this start of the system from others.
#[cfg(feature = "services")]
pub(crate) fn boot() -> String {
    // Where the system does not say, number and start alone tell one process from another.
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    id.trim().to_owned()
}

#[cfg(all(test, feature = "services", feature = "web"))]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_read_whatever_its_name_holds() {
        let fields = "S 7 42 41 0 -1 4194560 1 0 0 0 1 2 0 0 20 0 1 0 98765 1 2";
        let read = Process::read(42, &format!("42 (a) R b) {fields}")).unwrap();
        assert_eq!((read.parent, read.group, read.session, read.started), (7, 42, 41, 98765));
        assert!(!read.is_dead);
        assert!(Process::read(42, &format!("42 (a) Z{}", &fields[1..])).unwrap().is_dead);
        assert_eq!(Process::read(42, "42 (a) S 7"), None);
    }

    #[test]
    fn this_process_is_among_all() {
        let own = i32::try_from(std::process::id()).unwrap();
        let process = Process::running(own).unwrap();
        assert!(Process::all().any(|other| other == process));
        assert_eq!(Process::above_this()[..2], [own, process.parent]);
        assert!(!process.title().is_empty() && process.is_here() && !boot().is_empty());
        assert_eq!(Process::running(i32::MAX), None);
    }
}
