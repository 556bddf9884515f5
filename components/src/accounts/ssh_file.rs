//! The files of SSH in a home directory, and what sshd asks of them.

use togusa_core::fault::CodeExt as _;
use togusa_core::host::{Entry, Ownership};
use togusa_core::prelude::*;
use togusa_core::problem::code;
use togusa_core::system;

use super::database::Database;
use crate::privilege::{is_root, require_root};

/// What others may not do: sshd ignores files that they may write.
const WRITABLE_BY_OTHERS: u32 = 0o022;

/// A file that keys of SSH lie in.
#[derive(Debug)]
pub(super) struct SshFile {
    path: HostPath,
    /// The user whose own file in `~/.ssh` it is.
    owner: Option<Owner>,
}

#[derive(Debug)]
struct Owner {
    name: String,
    uid: u32,
    gid: u32,
}

impl SshFile {
    /// A file somewhere else, whose mode and owner are left alone.
    pub(super) fn at(path: HostPath) -> Self {
        Self { path, owner: None }
    }

    /// A file in the directory `.ssh` of a user.
    pub(super) fn of(probe: &Probe<'_>, user: &str, name: &str) -> Result<Self> {
        let database = probe.snapshot::<Database>()?;
        let line = database
            .user(user)
            .with_context(|| format!("there is no user `{user}`"))
            .code(code::NO_ACCOUNT);
        let line = line.hint("create the account in an earlier component")?;
        if !is_root() && line.uid != system::user_id() {
            require_root(probe, &format!("look after the keys of `{user}`"))?;
        }
        // The home of who converges is where the run says that it is.
        let home = if line.uid == system::user_id() {
            probe.home().display().to_string()
        } else {
            line.home.clone()
        };
        let path = HostPath::new(&probe.host().name, home).join(".ssh").join(name);
        let owner = Owner { name: user.to_owned(), uid: line.uid, gid: line.gid };
        Ok(Self { path, owner: Some(owner) })
    }

    /// Whether there is such a user: nobody else has keys that could be removed.
    pub(super) fn has_owner(probe: &Probe<'_>, user: &str) -> Result<bool> {
        Ok(probe.snapshot::<Database>()?.user(user).is_some())
    }

    /// The text, empty if there is no file.
    pub(super) fn read(&self, probe: &Probe<'_>) -> Result<String> {
        match probe.entry(&self.path)? {
            Some(_) => probe.read_to_string(&self.path),
            None => Ok(String::new()),
        }
    }

    /// What sshd would not accept of the file, or of the directory that it lies in.
    pub(super) fn access(&self, probe: &Probe<'_>) -> Result<Vec<Change>> {
        let mut changes = Vec::new();
        let Some(owner) = &self.owner else { return Ok(changes) };
        for (path, of) in [(self.directory(), " of `.ssh`"), (Some(self.path.clone()), "")] {
            let Some(entry) = path.map(|path| probe.entry(&path)).transpose()?.flatten() else {
                continue;
            };
            if entry.uid != owner.uid {
                let from = probe.user_name(entry.uid);
                changes.push(Change::property(format!("owner{of}"), from, &owner.name));
            }
            let mode = closed(&entry);
            if mode != entry.mode {
                let [from, to] = [entry.mode, mode].map(|mode| format!("{mode:04o}"));
                changes.push(Change::property(format!("mode{of}"), from, to));
            }
        }
        Ok(changes)
    }

    /// Writes the file, with the directory that it needs.
    pub(super) fn write(&self, machine: &Machine<'_>, text: &str) -> Result {
        let Some(owner) = &self.owner else {
            // Whoever is let in by it, or connects, has to read it, whatever the umask.
            let mode = machine.entry(&self.path)?.is_none().then_some(0o644);
            return machine.write(&self.path, text, &Ownership { mode, ..Ownership::default() });
        };
        let ownership = |entry: Option<Entry>, new: u32| Ownership {
            mode: Some(entry.map_or(new, |entry| closed(&entry))),
            owner: Some(owner.uid.to_string()),
            group: Some(owner.gid.to_string()),
        };
        if let Some(directory) = self.directory() {
            let present = machine.entry(&directory)?;
            machine.create_directory(&directory, &ownership(present, 0o700))?;
        }
        let present = machine.entry(&self.path)?.filter(Entry::is_file);
        machine.write(&self.path, text, &ownership(present, 0o600))
    }

    fn directory(&self) -> Option<HostPath> {
        self.path.parent().filter(|_| self.owner.is_some())
    }

    /// What keeps others out while the file is changed.
    pub(super) fn name(&self) -> String {
        self.path.as_str().to_owned()
    }
}

fn closed(entry: &Entry) -> u32 {
    entry.mode & !WRITABLE_BY_OTHERS
}
