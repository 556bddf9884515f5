//! What a component remembers on the host from one run to the next.

use serde::Serialize;
use serde::de::DeserializeOwned;
use togusa_core::digest::Digest;
use togusa_core::host::Ownership;
use togusa_core::prelude::*;

/// Where a component keeps what it remembers: files in a directory that nobody else can read.
#[derive(Clone, Debug)]
pub(super) struct Memory {
    directory: HostPath,
    name: String,
}

impl Memory {
    /// The memory of the component that is being configured.
    pub(super) fn of(scope: &Scope<'_>) -> Self {
        let breadcrumb = Digest::of(scope.breadcrumb().to_string().as_bytes());
        Self { directory: scope.work_directory().join(".togusa"), name: breadcrumb.short() }
    }

    /// The path of one of its files; others of the same component have another suffix.
    pub(super) fn path(&self, suffix: &str) -> HostPath {
        self.directory.join(format!("{}.{suffix}", self.name))
    }

    /// Makes the directory.
    pub(super) fn prepare(&self, machine: &Machine<'_>) -> Result {
        machine.create_directory(&self.directory, &Ownership::mode(0o700))
    }

    /// What was written last; nothing if there is none, or another version wrote it.
    pub(super) fn read<T: DeserializeOwned>(&self, probe: &Probe<'_>) -> Result<Option<T>> {
        let path = self.path("json");
        if probe.entry(&path)?.is_none() {
            return Ok(None);
        }
        // What cannot be understood is as good as nothing: the work is done once more.
        Ok(serde_json::from_slice(&probe.read(&path)?).ok())
    }

    /// Forgets what was written.
    pub(super) fn forget(&self, machine: &Machine<'_>) -> Result {
        machine.remove(&self.path("json"))
    }

    pub(super) fn write<T: Serialize>(&self, machine: &Machine<'_>, value: &T) -> Result {
        self.prepare(machine)?;
        let json = serde_json::to_vec(value)?;
        machine.write(&self.path("json"), &json, &Ownership::mode(0o600))
    }
}
