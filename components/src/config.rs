//! A file of the system whose text is known only on the host.

use togusa_core::host::{Entry, Ownership};
use togusa_core::prelude::*;

use crate::access::{self, Wanted};
use crate::content::{Content, Shown};
use crate::privilege::is_root;

/// A file that its reader takes only if nobody else may write it.
pub(crate) struct ConfigFile<'a> {
    path: &'a HostPath,
    text: &'a str,
    mode: u32,
}

impl<'a> ConfigFile<'a> {
    /// A file that all may read, unless a secret stands in it.
    pub(crate) fn new(path: &'a HostPath, text: &'a str) -> Self {
        Self { path, text, mode: 0o644 }
    }

    /// Sets another mode.
    #[cfg(any(feature = "accounts", feature = "system"))]
    pub(crate) fn mode(self, mode: u32) -> Self {
        Self { mode, ..self }
    }

    /// Mode and owner: what holds a secret is for its owner alone.
    fn ownership(&self, probe: &Probe<'_>) -> Ownership {
        let mode = if self.is_sensitive(probe) { self.mode & 0o700 } else { self.mode };
        let owner = is_root().then(|| "root".to_owned());
        Ownership { mode: Some(mode), owner, group: None }
    }

    fn is_sensitive(&self, probe: &Probe<'_>) -> bool {
        probe.is_sensitive(self.text.as_bytes())
    }

    pub(crate) fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        let ownership = self.ownership(probe);
        let content = Content::Bytes(self.text.as_bytes());
        let shown = if self.is_sensitive(probe) { Shown::Hidden } else { Shown::Text };
        let entry = probe.entry(self.path)?;
        let mut changes = Vec::new();
        let present = entry.as_ref().filter(|entry| entry.is_file());
        match present {
            Some(present) => {
                changes = Wanted::new(&ownership, probe)?.changes(probe, present, "");
                if content.is_in(probe, self.path, present)? {
                    return Ok(changes.into());
                }
            }
            None => {
                changes.extend(entry.as_ref().map(|entry| access::removed(entry, "")));
                changes.push(access::created("file", &ownership));
            }
        }
        changes.extend(content.change(probe, self.path, present, shown)?);
        Ok(changes.into())
    }

    pub(crate) fn write(&self, machine: &Machine<'_>) -> Result {
        let ownership = self.ownership(machine);
        let content = Content::Bytes(self.text.as_bytes());
        if let Some(entry) = machine.entry(self.path)?.filter(Entry::is_file)
            && content.is_in(machine, self.path, &entry)?
        {
            return access::mend(machine, self.path, &entry, &ownership);
        }
        machine.replace(self.path, content.to_write(), &ownership)
    }
}

/// What is left of a file that shall not be there.
pub(crate) fn verify_absent(probe: &Probe<'_>, path: &HostPath) -> Result<Verdict> {
    let entry = probe.entry(path)?;
    Ok(entry.map(|entry| access::removed(&entry, "")).into_iter().collect())
}

/// A file of the system, or, in a sandbox, what stands for it there.
#[cfg(any(feature = "accounts", feature = "system"))]
#[derive(Debug)]
pub(crate) struct SystemFile {
    path: HostPath,
    mode: u32,
    sandboxed: bool,
}

#[cfg(any(feature = "accounts", feature = "system"))]
impl SystemFile {
    /// A file by its path on a host that has no sandbox.
    pub(crate) fn new(scope: &Scope<'_>, path: &str) -> Self {
        let mapped = scope.path(path);
        Self { sandboxed: mapped.as_str() != path, path: mapped, mode: 0o644 }
    }

    /// Sets the mode; default: all may read it.
    #[cfg(feature = "accounts")]
    pub(crate) fn mode(self, mode: u32) -> Self {
        Self { mode, ..self }
    }

    pub(crate) fn path(&self) -> &HostPath {
        &self.path
    }

    /// Whether nobody but togusa reads it.
    pub(crate) fn is_sandboxed(&self) -> bool {
        self.sandboxed
    }

    /// How it differs from the text; `None`: it shall not be there.
    pub(crate) fn verify(&self, probe: &Probe<'_>, text: Option<&str>) -> Result<Verdict> {
        match text {
            Some(text) => ConfigFile::new(&self.path, text).mode(self.mode).verify(probe),
            None => verify_absent(probe, &self.path),
        }
    }

    /// Gives it the text, or removes it.
    pub(crate) fn write(&self, machine: &Machine<'_>, text: Option<&str>) -> Result {
        let Some(text) = text else { return machine.remove(&self.path) };
        if self.sandboxed {
            machine.create_leading(&self.path)?;
        }
        ConfigFile::new(&self.path, text).mode(self.mode).write(machine)
    }
}
