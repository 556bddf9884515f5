//! The background processes of ssh, as the system shows them.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// A process of this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Process(pub i32);

impl Process {
    pub fn signal(self, signal: Signal) {
        kill(Pid::from_raw(self.0), signal).unwrap();
    }

    /// Kills it if it is still there.
    pub fn kill(self) {
        drop(kill(Pid::from_raw(self.0), Signal::SIGKILL));
    }

    /// Whether it is still there; one that has ended and was not waited for is not.
    pub fn is_alive(self) -> bool {
        self.fields().is_some_and(|fields| fields[0] != "Z")
    }

    pub fn session(self) -> i32 {
        self.fields().unwrap()[3].parse().unwrap()
    }

    pub fn parent(self) -> Option<i32> {
        self.fields()?.get(1)?.parse().ok()
    }

    /// State, parent, group, session and so on, of `/proc/PID/stat`.
    fn fields(self) -> Option<Vec<String>> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0)).ok()?;
        let (_, fields) = stat.rsplit_once(") ")?;
        Some(fields.split(' ').map(str::to_owned).collect())
    }

    fn command_line(self) -> Vec<u8> {
        fs::read(format!("/proc/{}/cmdline", self.0)).unwrap_or_default()
    }
}

pub fn processes() -> Vec<Process> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok().map(Process)).collect()
}

/// The masters whose socket lies, or lay, in a directory.
pub fn masters_in(sockets: &Path) -> Vec<Process> {
    let directory = sockets.as_os_str().as_bytes();
    let is_master = |process: &Process| {
        let line = process.command_line();
        line.starts_with(b"ssh") && line.windows(directory.len()).any(|part| part == directory)
    };
    let masters = processes().into_iter().filter(|process| process.is_alive());
    masters.filter(is_master).collect()
}

/// The one master of a directory, and its socket.
pub fn only_master(sockets: &Path) -> (Process, PathBuf) {
    let masters = masters_in(sockets);
    assert_eq!(masters.len(), 1, "{masters:?}");
    let mut found = sockets_in(sockets);
    assert_eq!(found.len(), 1, "{found:?}");
    (masters[0], found.remove(0))
}

pub fn sockets_in(directory: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_none()).collect()
}
