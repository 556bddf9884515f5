//! The namespaces that a process lives in, to start others there.

use std::fs::{self, File};
use std::io;
use std::panic;
use std::path::{Path, PathBuf};
use std::thread;

use nix::sched::{CloneFlags, setns, unshare};

/// Namespaces of network, mounts, host name and processes, held open.
#[derive(Debug)]
pub(super) struct Namespaces {
    network: File,
    mounts: File,
    names: File,
    processes: File,
    /// What `/proc/PID/ns/pid` reads as for the processes in here.
    id: PathBuf,
}

impl Namespaces {
    pub(super) fn of(pid: i32) -> io::Result<Self> {
        let namespaces = Path::new("/proc").join(pid.to_string()).join("ns");
        let open = |name: &str| File::open(namespaces.join(name));
        Ok(Self {
            network: open("net")?,
            mounts: open("mnt")?,
            names: open("uts")?,
            processes: open("pid")?,
            id: fs::read_link(namespaces.join("pid"))?,
        })
    }

    /// Does `work` in a thread in which paths, sockets and new processes are those of the
    /// namespaces.
    ///
    /// Processes that it starts are children of this one, with their real process ids. Threads that
    /// it starts are refused.
    pub(super) fn enter<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        let inside = || {
            let entered = unshare(CloneFlags::CLONE_FS)
                .and_then(|()| setns(&self.network, CloneFlags::CLONE_NEWNET))
                .and_then(|()| setns(&self.names, CloneFlags::CLONE_NEWUTS))
                .and_then(|()| setns(&self.processes, CloneFlags::CLONE_NEWPID))
                .and_then(|()| setns(&self.mounts, CloneFlags::CLONE_NEWNS));
            if let Err(error) = entered {
                panic!("cannot enter the namespaces of the lab: {error}");
            }
            work()
        };
        thread::scope(|scope| match scope.spawn(inside).join() {
            Ok(done) => done,
            Err(panic) => panic::resume_unwind(panic),
        })
    }

    /// Does `work` in a thread that has the network alone, so that it may start threads itself.
    pub(super) fn enter_network<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        let inside = || {
            if let Err(error) = setns(&self.network, CloneFlags::CLONE_NEWNET) {
                panic!("cannot enter the network of the lab: {error}");
            }
            work()
        };
        thread::scope(|scope| match scope.spawn(inside).join() {
            Ok(done) => done,
            Err(panic) => panic::resume_unwind(panic),
        })
    }

    /// Whether the process lives exactly here, not in a namespace below.
    pub(super) fn hold(&self, pid: i32) -> bool {
        // A process that has ended lives nowhere.
        fs::read_link(format!("/proc/{pid}/ns/pid")).is_ok_and(|id| id == self.id)
    }
}
