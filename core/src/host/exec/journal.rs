//! Records of running commands, for the run after one that was killed.

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::process::{Process, group_is_alive};
use crate::host::boot::boot;
use crate::names::Breadcrumb;

/// The variable by which a command's processes are known before its record names their group.
pub(super) const VARIABLE: &str = "TOGUSA_RUN";

/// A command that runs or ran, as its record says.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Record {
    breadcrumb: Breadcrumb,
    command: String,
    nonce: String,
    boot: String,
    /// Seconds since 1970.
    started: u64,
    group: Option<i32>,
    /// When the group's leader started, in ticks since the system did.
    leader_started: Option<u64>,
}

/// The record of a command; removed when this is dropped.
pub(super) struct Entry {
    path: PathBuf,
    record: Record,
}

impl Entry {
    /// Records a command that is about to start.
    pub(super) fn create(
        directory: &Path,
        breadcrumb: &Breadcrumb,
        command: String,
    ) -> io::Result<Self> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let nonce = format!("{:x}-{:x}-{number:x}", now.as_nanos(), std::process::id());
        let record = Record {
            breadcrumb: breadcrumb.clone(),
            command,
            nonce,
            boot: boot().id,
            started: now.as_secs(),
            group: None,
            leader_started: None,
        };
        let entry = Self { path: directory.join(format!("{}.json", record.nonce)), record };
        match entry.write() {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                fs::create_dir_all(directory)?;
                entry.write()?;
            }
            result => result?,
        }
        Ok(entry)
    }

    /// What tells the processes of this command from all others.
    pub(super) fn nonce(&self) -> &str {
        &self.record.nonce
    }

    /// Records the process group of the command, which has started.
    pub(super) fn started(&mut self, leader: i32) -> io::Result<()> {
        self.record.group = Some(leader);
        self.record.leader_started = Process::get(leader).map(|process| process.started);
        self.write()
    }

    /// A crash of the system ends the command too, so that nothing needs to reach the disk.
    fn write(&self) -> io::Result<()> {
        let new = self.path.with_extension("new");
        let mut options = fs::File::options();
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.write(true).create(true).truncate(true).open(&new)?;
        file.write_all(&serde_json::to_vec(&self.record)?)?;
        fs::rename(new, &self.path)
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        // A record that stays is found to be of no survivor.
        let _ = fs::remove_file(&self.path);
    }
}

/// A command that an earlier run started and that still runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Survivor {
    /// The component that ran it.
    pub breadcrumb: Breadcrumb,
    /// The command line.
    pub command: String,
    /// Its process group.
    pub group: i32,
    /// When it was started.
    pub started: SystemTime,
    path: PathBuf,
}

impl Survivor {
    /// Whether any of its processes still runs. When none does, its record is removed.
    pub fn is_alive(&self) -> bool {
        let is_alive = group_is_alive(self.group);
        if !is_alive {
            // A record that stays is found to be of no survivor.
            let _ = fs::remove_file(&self.path);
        }
        is_alive
    }
}

/// The commands that earlier runs started and that still run, oldest first.
///
/// To be asked while no other run works on the host. Records of commands that ended are removed,
/// and so are unreadable ones.
///
/// # Errors
/// The directory of the records cannot be read or changed.
pub fn survivors(running: &Path) -> io::Result<Vec<Survivor>> {
    let entries = match fs::read_dir(running) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let boot = boot().id;
    let mut survivors = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let record = path.extension().filter(|extension| *extension == "json");
        let record = record.map(|_| fs::read(&path)).transpose()?;
        let record = record.and_then(|bytes| serde_json::from_slice::<Record>(&bytes).ok());
        let group = record.as_ref().filter(|record| record.boot == boot).and_then(group_of);
        match (record, group) {
            (Some(Record { breadcrumb, command, started, .. }), Some(group)) => {
                let started = SystemTime::UNIX_EPOCH + Duration::from_secs(started);
                survivors.push(Survivor { breadcrumb, command, group, started, path });
            }
            _ => match fs::remove_file(&path) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            },
        }
    }
    survivors.sort_by(|a, b| (a.started, &a.path).cmp(&(b.started, &b.path)));
    Ok(survivors)
}

/// The group of a record's command, if any of its processes still runs.
fn group_of(record: &Record) -> Option<i32> {
    let Some(group) = record.group else {
        let variable = format!("{VARIABLE}={}", record.nonce);
        let mut processes = Process::all().filter(Process::is_alive);
        return processes.find(|process| process.has_variable(&variable)).map(|found| found.group);
    };
    // A number is not given to another process as long as a group of that number exists.
    let leader = Process::get(group).map(|leader| leader.started);
    let is_another = leader.is_some() && record.leader_started.is_some();
    let is_another = is_another && leader != record.leader_started;
    (!is_another && group_is_alive(group)).then_some(group)
}
