//! What components that reboot their host have begun, and what is done once the host is back.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Mark, StateError, durable, now};
use crate::boot::Boot;
use crate::event::Counts;
use crate::names::{Breadcrumb, RootName};
use crate::resource::Provider;
use crate::verdict::Change;

/// That a component is about to reboot its host. When the host has been started anew since, it has done
/// what was pending for it then.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct RebootNote {
    pub(crate) root: RootName,
    pub(crate) breadcrumb: Breadcrumb,
    /// The start of the system in which this was written.
    pub(crate) boot: Boot,
    /// The deployment.
    pub(crate) deployment: String,
    /// In seconds since 1970 by the clock of the host.
    pub(crate) began: u64,
    /// What the component was found to differ in.
    pub(crate) changes: Vec<Change>,
    pub(crate) causes: Vec<String>,
    pub(crate) marks: Vec<Mark>,
    pub(crate) providers: Vec<(Provider, u64)>,
    /// What the root had done before.
    pub(crate) counts: Counts,
}

impl RebootNote {
    /// How long ago it was begun, by the clock of the host.
    pub(crate) fn elapsed(&self) -> Duration {
        Duration::from_secs(now().saturating_sub(self.began))
    }
}

/// All such notes of a host.
#[derive(Clone, Debug)]
pub(crate) struct RebootNotes {
    directory: PathBuf,
}

impl RebootNotes {
    pub(crate) fn new(state: &Path) -> Self {
        Self { directory: state.join("rebooting") }
    }

    /// Those of a root.
    pub(crate) fn of_root(&self, root: &RootName) -> Result<Vec<RebootNote>, StateError> {
        let mut notes = self.all()?;
        notes.retain(|note| note.root == *root);
        Ok(notes)
    }

    fn all(&self) -> Result<Vec<RebootNote>, StateError> {
        let mut notes = Vec::new();
        for path in durable::files(&self.directory)? {
            notes.extend(durable::read::<RebootNote>(&path)?);
        }
        Ok(notes)
    }

    /// Forgets the notes of roots that the host does not have any more.
    pub(crate) fn keep(&self, roots: &BTreeSet<&RootName>) -> Result<(), StateError> {
        let gone = self.all()?.into_iter().filter(|note| !roots.contains(&note.root));
        gone.into_iter().try_for_each(|note| self.remove(&note.root, &note.breadcrumb))
    }

    /// Durable when this returns.
    pub(crate) fn write(&self, note: &RebootNote) -> Result<(), StateError> {
        durable::create_directory(&self.directory)?;
        durable::write(&self.path(&note.root, &note.breadcrumb), note)
    }

    pub(crate) fn remove(
        &self,
        root: &RootName,
        breadcrumb: &Breadcrumb,
    ) -> Result<(), StateError> {
        durable::remove(&self.path(root, breadcrumb))
    }

    fn path(&self, root: &RootName, breadcrumb: &Breadcrumb) -> PathBuf {
        let name = durable::file_name(&[root.as_str(), breadcrumb.as_str()]);
        self.directory.join(name)
    }
}
