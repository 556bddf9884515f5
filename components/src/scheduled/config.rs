//! A file of the system whose text is known only on the host.

use togusa_core::host::{Entry, Ownership};
use togusa_core::prelude::*;

use crate::access::{self, Wanted};
use crate::content::{Content, Shown};
use crate::privilege::is_root;

/// A file that its daemon reads only if nobody else may write it.
pub(super) struct ConfigFile<'a> {
    pub(super) path: &'a HostPath,
    pub(super) text: &'a str,
}

impl ConfigFile<'_> {
    /// Mode and owner: what holds a secret is for its owner alone.
    fn ownership(&self, probe: &Probe<'_>) -> Ownership {
        let mode = if self.is_sensitive(probe) { 0o600 } else { 0o644 };
        let owner = is_root().then(|| "root".to_owned());
        Ownership { mode: Some(mode), owner, group: None }
    }

    fn is_sensitive(&self, probe: &Probe<'_>) -> bool {
        probe.is_sensitive(self.text.as_bytes())
    }

    pub(super) fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
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

    pub(super) fn write(&self, machine: &Machine<'_>) -> Result {
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
pub(super) fn verify_absent(probe: &Probe<'_>, path: &HostPath) -> Result<Verdict> {
    let entry = probe.entry(path)?;
    Ok(entry.map(|entry| access::removed(&entry, "")).into_iter().collect())
}
