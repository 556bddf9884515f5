//! Mode, owner and group, of files and of directories.

use togusa_core::fault;
use togusa_core::fault::CodeExt as _;
use togusa_core::host::{Entry, EntryKind, Ownership};
use togusa_core::prelude::*;
use togusa_core::problem::code;

use crate::mode::{IntoMode, InvalidMode};

/// The mode, owner and group that were asked for; what is wrong with them comes out at `configure`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Access {
    ownership: Ownership,
    invalid: Option<InvalidMode>,
}

impl Access {
    pub(crate) fn set_mode(&mut self, mode: impl IntoMode) {
        match mode.into_mode() {
            Ok(mode) => self.ownership.mode = Some(mode),
            Err(invalid) => self.invalid = Some(invalid),
        }
    }

    pub(crate) fn set_owner(&mut self, owner: impl Into<String>) {
        self.ownership.owner = Some(owner.into());
    }

    pub(crate) fn set_group(&mut self, group: impl Into<String>) {
        self.ownership.group = Some(group.into());
    }

    /// What was asked for, if all of it can be.
    pub(crate) fn checked(&self) -> Result<&Ownership> {
        match &self.invalid {
            None => Ok(&self.ownership),
            Some(invalid) => {
                Err(invalid.clone()).hint("write a mode as `0o644`, `\"644\"` or `\"rw-r--r--\"`")
            }
        }
    }

    pub(crate) fn ownership(&self) -> &Ownership {
        &self.ownership
    }
}

/// What is wanted on a host, with the accounts looked up.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wanted {
    mode: Option<u32>,
    uid: Option<u32>,
    gid: Option<u32>,
}

impl Wanted {
    /// Looks the accounts up. One that is missing may be made by an earlier component, so that this
    /// is an error of judging, not of the model.
    pub(crate) fn new(ownership: &Ownership, probe: &Probe<'_>) -> Result<Self> {
        let Ownership { mode, owner, group } = ownership;
        let mut wanted = Self { mode: *mode, uid: None, gid: None };
        if let Some(name) = owner {
            let uid = probe
                .user_id(name)?
                .with_context(|| format!("there is no user `{name}`"))
                .code(code::NO_ACCOUNT);
            wanted.uid = Some(uid.hint("create the account in an earlier component")?);
        }
        if let Some(name) = group {
            let gid = probe
                .group_id(name)?
                .with_context(|| format!("there is no group `{name}`"))
                .code(code::NO_ACCOUNT);
            wanted.gid = Some(gid.hint("create the group in an earlier component")?);
        }
        Ok(wanted)
    }

    /// The same with another mode; links have none.
    pub(crate) fn with_mode(self, mode: Option<u32>) -> Self {
        Self { mode, ..self }
    }

    /// Every difference; `of` follows the name of what differs.
    pub(crate) fn changes(&self, probe: &Probe<'_>, entry: &Entry, of: &str) -> Vec<Change> {
        let mut changes = Vec::new();
        if let Some(mode) = self.mode.filter(|mode| *mode != entry.mode) {
            let (from, to) = (octal(entry.mode), octal(mode));
            changes.push(Change::property(format!("mode{of}"), from, to));
        }
        if let Some(uid) = self.uid.filter(|uid| *uid != entry.uid) {
            let (from, to) = (probe.user_name(entry.uid), probe.user_name(uid));
            changes.push(Change::property(format!("owner{of}"), from, to));
        }
        if let Some(gid) = self.gid.filter(|gid| *gid != entry.gid) {
            let (from, to) = (probe.group_name(entry.gid), probe.group_name(gid));
            changes.push(Change::property(format!("group{of}"), from, to));
        }
        changes
    }
}

/// Gives what lies at a path the owner, group and mode that it lacks.
pub(crate) fn mend(
    machine: &Machine<'_>,
    path: &HostPath,
    entry: &Entry,
    ownership: &Ownership,
) -> Result {
    let wanted = Wanted::new(ownership, machine)?;
    let moves = |wanted: Option<u32>, present: u32| wanted.is_some_and(|wanted| wanted != present);
    let given_away = moves(wanted.uid, entry.uid) || moves(wanted.gid, entry.gid);
    if given_away {
        machine.set_owner(path, ownership.owner.as_deref(), ownership.group.as_deref())?;
    }
    match wanted.mode.filter(|_| !entry.is_symlink()) {
        // A new owner costs setuid and setgid, so that the mode comes last.
        Some(mode) if given_away || mode != entry.mode => machine.set_mode(path, mode),
        _ => Ok(()),
    }
}

/// What is created, with the mode, owner and group it gets.
pub(crate) fn created(what: &str, ownership: &Ownership) -> Change {
    let mode = ownership.mode.map(|mode| format!("mode {}", octal(mode)));
    let owner = ownership.owner.as_ref().map(|owner| format!("owner {owner}"));
    let group = ownership.group.as_ref().map(|group| format!("group {group}"));
    let with: Vec<_> = [mode, owner, group].into_iter().flatten().collect();
    if with.is_empty() {
        return Change::create(what);
    }
    Change::create(format!("{what} ({})", with.join(", ")))
}

/// What is to be removed so that nothing is at a path; what does not fit is somebody else's.
pub(crate) fn to_remove(
    probe: &Probe<'_>,
    path: &HostPath,
    what: &str,
    fits: impl Fn(&Entry) -> bool,
) -> Result<Verdict> {
    let Some(entry) = probe.entry(path)? else { return Ok(Verdict::current()) };
    if !fits(&entry) {
        let local = probe.local(path);
        let error = fault!(code::IN_THE_WAY, "`{}` is no {what}", local.display());
        return Err(error).hint("see what it is; `Purge` removes whatever it is");
    }
    Ok(Verdict::stale(removed(&entry, "")))
}

/// What is removed, by its kind; `of` follows it.
pub(crate) fn removed(entry: &Entry, of: &str) -> Change {
    Change::remove(match entry.kind {
        EntryKind::File => format!("file{of}"),
        EntryKind::Directory => format!("directory{of} with all that it holds"),
        EntryKind::Symlink => format!("symlink{of}"),
        EntryKind::Other => format!("device, socket or pipe{of}"),
    })
}

fn octal(mode: u32) -> String {
    format!("{mode:04o}")
}
