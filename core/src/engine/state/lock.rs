//! One deployment at a time: a lock of the operating system, so that it cannot be left behind.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::StateError;

/// What is said of a deployment that holds a lock and has not written down who it is.
const NAMELESS: &str = "it has not said who it is";

/// The lock of a host's target directory; it is free when this is dropped or the process ends.
#[derive(Debug)]
pub(crate) struct HostLock {
    file: File,
    holder: PathBuf,
    info: Mutex<Holder>,
}

/// Who holds a lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Holder {
    /// User and machine that the deployment was started by.
    pub(crate) who: String,
    /// The process on the host.
    pub(crate) pid: u32,
    /// When it was taken, in seconds since 1970.
    pub(crate) since: u64,
    /// The updates that run at the moment.
    pub(crate) updates: Vec<String>,
}

impl Holder {
    pub(crate) fn new(who: impl Into<String>) -> Self {
        Self { who: who.into(), pid: std::process::id(), since: now(), updates: Vec::new() }
    }

    /// Reads who holds the lock of a target directory.
    pub(crate) fn read(target: &Path) -> Option<Self> {
        Self::parse(&fs::read(target.join(".togusa/holder.json")).ok()?)
    }

    /// Reads the content of a holder's file.
    pub(crate) fn parse(content: &[u8]) -> Option<Self> {
        serde_json::from_slice(content).ok()
    }

    /// Who, for how long, and what it is waiting for.
    pub(crate) fn describe(&self) -> String {
        let held = Duration::from_secs(now().saturating_sub(self.since));
        let updates = match self.updates.as_slice() {
            [] => String::new(),
            updates => format!(", now updating {}", updates.join(", ")),
        };
        let (who, pid) = (&self.who, self.pid);
        format!("{who}, process {pid}, for {} s{updates}", held.as_secs())
    }
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

impl HostLock {
    /// Takes the lock of a target directory, whose `.togusa` must be there.
    pub(crate) fn take(target: &Path, info: Holder) -> Result<Self, StateError> {
        let path = target.join(".togusa/lock");
        let write = |source| StateError::Write { path: path.clone(), source };
        let file = File::options().create(true).append(true).open(&path).map_err(write)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Self::locked(target)),
            Err(TryLockError::Error(source)) => return Err(write(source)),
        }
        let lock =
            Self { file, holder: target.join(".togusa/holder.json"), info: Mutex::new(info) };
        lock.tell(|_| {});
        Ok(lock)
    }

    fn locked(target: &Path) -> StateError {
        let holder = Holder::read(target).map(|holder| holder.describe());
        StateError::Locked {
            path: target.to_owned(),
            holder: holder.unwrap_or_else(|| NAMELESS.to_owned()),
        }
    }

    /// That a deployment holds the lock of a target directory, by the content of the holder's file.
    pub(crate) fn held(target: &Path, content: &str) -> StateError {
        let holder = Holder::parse(content.as_bytes()).map(|holder| holder.describe());
        let holder = holder.unwrap_or_else(|| NAMELESS.to_owned());
        StateError::Locked { path: target.to_owned(), holder }
    }

    /// Whether a deployment holds the lock of a target directory at the moment.
    pub(crate) fn is_held(target: &Path) -> bool {
        let Ok(file) = File::open(target.join(".togusa/lock")) else { return false };
        let tried = file.try_lock_shared();
        if tried.is_ok() {
            // As when a lock is dropped: closing it may come too late for who wants it next.
            let _ = file.unlock();
        }
        matches!(tried, Err(TryLockError::WouldBlock))
    }

    /// Says that an update begins.
    pub(crate) fn updating(&self, update: &str) {
        self.tell(|info| info.updates.push(update.to_owned()));
    }

    /// Says that an update has ended.
    pub(crate) fn updated(&self, update: &str) {
        self.tell(|info| info.updates.retain(|running| running != update));
    }

    fn tell(&self, change: impl FnOnce(&mut Holder)) {
        let mut info = self.info.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut info);
        // Who waits is told less when this fails; the lock itself does not depend on it.
        if let Ok(content) = serde_json::to_vec(&*info) {
            let _ = fs::write(&self.holder, content);
        }
    }
}

impl Drop for HostLock {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.holder);
        // Closing it is not enough: a command that is just being started has it open too.
        let _ = self.file.unlock();
    }
}
