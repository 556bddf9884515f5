//! The fakes of a harness on their places, and what they wrote down.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::call::Call;
use super::fake::{Fake, Places, script};
use crate::host::{Facts, Programs, Staged, StagedBoots};
use crate::names::HostName;
use crate::system;

/// What a harness puts in the place of what its hosts are.
#[derive(Debug, Default)]
pub(super) struct Stage {
    fakes: Vec<Fake>,
    allowed: Vec<String>,
    only: bool,
    facts: BTreeMap<HostName, Facts>,
    boots: Arc<Mutex<BTreeMap<HostName, u64>>>,
    /// How often it was changed, so that what was there before is not taken for it.
    changed: usize,
}

impl Stage {
    pub(super) fn fake(&mut self, fake: Fake) {
        self.fakes.retain(|other| other.program != fake.program);
        self.fakes.push(fake);
        self.changed += 1;
    }

    pub(super) fn has_fake(&self, program: &str) -> bool {
        self.fakes.iter().any(|fake| fake.program == program)
    }

    pub(super) fn only_fakes(&mut self) {
        self.only = true;
        self.changed += 1;
    }

    pub(super) fn allow(&mut self, program: &str) {
        self.allowed.push(program.to_owned());
        self.changed += 1;
    }

    pub(super) fn facts(&mut self, host: &HostName) -> &mut Facts {
        self.facts.entry(host.clone()).or_insert_with(Facts::read)
    }

    /// How often a host was rebooted.
    pub(super) fn reboots(&self, host: &HostName) -> u64 {
        let boots = self.boots.lock().unwrap_or_else(PoisonError::into_inner);
        boots.get(host).copied().unwrap_or_default()
    }

    /// What the agent of a host works with.
    pub(super) fn of_host(&self, host: &HostName, directory: &Path, home: &Path) -> Staged {
        let facts = self.facts.get(host).cloned();
        let programs = (self.only || !self.fakes.is_empty()).then(|| {
            self.programs(host, directory, home).unwrap_or_else(|error| {
                panic!("cannot put the fakes of `{host}` into `{}`: {error}", directory.display())
            })
        });
        let boots = StagedBoots { host: host.clone(), count: Arc::clone(&self.boots) };
        Staged { facts, programs, boots: Some(boots) }
    }

    fn programs(&self, host: &HostName, directory: &Path, home: &Path) -> io::Result<Programs> {
        let calls = calls(directory);
        let of_host = directory.join(host.as_str());
        let (memory, place) = (of_host.join("memory"), of_host.join(self.changed.to_string()));
        let is_new = !place.exists();
        if is_new {
            fs::create_dir_all(&calls)?;
            fs::create_dir_all(&memory)?;
        }
        let search = system::variable("PATH").unwrap_or_else(|| "/usr/bin:/bin".into());
        let places =
            Places { host: host.as_str(), home, calls: &calls, memory: &memory, search: &search };
        let draft = of_host.join("draft");
        let mut known = BTreeMap::new();
        for (number, fake) in self.fakes.iter().enumerate() {
            let below = below(&fake.program, number);
            if is_new {
                let path = draft.join(&below);
                path.parent().map_or(Ok(()), fs::create_dir_all)?;
                fs::write(&path, script(fake, number, &places))?;
                fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
            }
            known.insert(fake.program.clone(), place.join(below));
        }
        for (number, program) in self.allowed.iter().enumerate() {
            if known.contains_key(program) {
                continue;
            }
            let below = below(program, self.fakes.len() + number);
            if is_new {
                let path = draft.join(&below);
                path.parent().map_or(Ok(()), fs::create_dir_all)?;
                symlink(find(program, &search)?, path)?;
            }
            known.insert(program.clone(), place.join(below));
        }
        fs::create_dir_all(draft.join("bin"))?;
        if is_new {
            copy(&draft, &place)?;
        }
        fs::remove_dir_all(&draft)?;
        Ok(Programs { directory: place.join("bin"), known, only: self.only })
    }
}

/// Where a program stands: those that are called by a path must not be found by a name.
fn below(program: &str, number: usize) -> PathBuf {
    match program.contains('/') {
        true => Path::new("by-path").join(number.to_string()),
        false => Path::new("bin").join(program),
    }
}

/// The real program.
fn find(program: &str, search: &str) -> io::Result<PathBuf> {
    if program.contains('/') {
        return Ok(program.into());
    }
    let found = search.split(':').map(|part| Path::new(part).join(program)).find(|it| it.exists());
    found.ok_or_else(|| {
        io::Error::new(io::ErrorKind::NotFound, format!("there is no program `{program}` to allow"))
    })
}

/// Copies what is to be executed by a process of its own. A file that this one has open for writing
/// would be so in children too that other threads start at that time, and could not be executed.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let status = system::program("cp").arg("-pR").arg(from).arg(to).status()?;
    status.success().then_some(()).ok_or_else(|| io::Error::other("`cp` failed"))
}

fn calls(directory: &Path) -> PathBuf {
    directory.join("calls")
}

/// All calls that were recorded, in the order in which they began.
pub(super) fn recorded(directory: &Path) -> Vec<Call> {
    let directory = calls(directory);
    let entries = fs::read_dir(&directory).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let mut numbers: Vec<u64> = names.collect();
    numbers.sort_unstable();
    numbers.iter().filter_map(|number| Call::read(&directory.join(number.to_string()))).collect()
}

/// Forgets all calls.
pub(super) fn forget(directory: &Path) {
    let calls = calls(directory);
    let forgotten = match fs::remove_dir_all(&calls) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return,
        removed => removed.and_then(|()| fs::create_dir(&calls)),
    };
    forgotten.unwrap_or_else(|error| panic!("cannot empty `{}`: {error}", calls.display()));
}
