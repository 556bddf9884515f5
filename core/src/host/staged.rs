//! What a test puts in the place of a host's own: stand-ins of programs, facts, and reboots.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};

use crate::boot::Boot;
use crate::host::boot::boot;
use crate::host::{Exec, ExecError, Facts};
use crate::names::HostName;
use crate::secret::KnownSecrets;
use crate::system;

/// The variable that tells a stand-in which user the command is for.
pub(crate) const USER: &str = "TOGUSA_STAGED_USER";
/// The variable that names, between commas, the variables that the component has set.
pub(crate) const VARIABLES: &str = "TOGUSA_STAGED_VARIABLES";
/// The variable with the number of the process that runs the component.
pub(crate) const PROCESS: &str = "TOGUSA_STAGED_PROCESS";
/// The variable that is set where the component gives the command something to read.
pub(crate) const INPUT: &str = "TOGUSA_STAGED_INPUT";

/// What a test puts in the place of a host's own. A deployment stages nothing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Staged {
    pub(crate) facts: Option<Facts>,
    pub(crate) programs: Option<Programs>,
    pub(crate) boots: Option<StagedBoots>,
}

impl Staged {
    /// What tells this start of the host's system from others.
    pub(crate) fn boot(&self) -> Boot {
        self.boots.as_ref().map_or_else(boot, StagedBoots::boot)
    }
}

/// The starts of a host that nothing reboots.
#[derive(Clone, Debug)]
pub(crate) struct StagedBoots {
    pub(crate) host: HostName,
    /// How often each host was said to reboot.
    pub(crate) count: Arc<Mutex<BTreeMap<HostName, u64>>>,
}

impl StagedBoots {
    /// What tells this start of the host from others.
    fn boot(&self) -> Boot {
        let count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        let count = count.get(&self.host).copied().unwrap_or_default();
        Boot { id: format!("staged {count}"), first_process: None }
    }

    /// The host starts anew.
    pub(crate) fn reboot(&self) {
        let mut count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        *count.entry(self.host.clone()).or_default() += 1;
    }
}

/// Stand-ins for programs, which are found before what they stand for, also by scripts.
///
/// With them nothing becomes another user: a stand-in is told whom it would have run as.
#[derive(Clone, Debug)]
pub(crate) struct Programs {
    /// The directory in which they are found by name.
    pub(crate) directory: PathBuf,
    /// All of them, by what a command calls them.
    pub(crate) known: BTreeMap<String, PathBuf>,
    /// Nothing else may run.
    pub(crate) only: bool,
}

impl Programs {
    /// Refuses a command that no stand-in is there for, where nothing else may run.
    pub(super) fn check(&self, exec: &Exec, secrets: &KnownSecrets) -> Result<(), ExecError> {
        if !self.only || self.known.contains_key(&exec.program) {
            return Ok(());
        }
        let program = exec.program.clone();
        Err(ExecError::NotFaked { program, command: exec.short(secrets) })
    }

    /// What to start for a program.
    pub(super) fn program(&self, name: &str) -> OsString {
        self.known.get(name).map_or_else(|| name.into(), |path| path.clone().into())
    }

    /// Lets a command find the stand-ins, and tells them what they cannot see.
    pub(super) fn prepare(&self, command: &mut Command, exec: &Exec) {
        let mut path = self.directory.clone().into_os_string();
        if !self.only {
            let usual = exec.env.get("PATH").cloned().or_else(|| system::variable("PATH"));
            path.push(":");
            path.push(usual.unwrap_or_default());
        }
        let names: Vec<&str> = exec.env.keys().map(String::as_str).collect();
        command.env("PATH", path).env(VARIABLES, names.join(","));
        command.env(PROCESS, std::process::id().to_string());
        command.env(USER, exec.user.as_deref().unwrap_or_default());
        command.env(INPUT, if exec.stdin.is_some() { "yes" } else { "" });
    }
}
