//! Pending triggers: marks on the disk that say what is still to be updated, and why.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use super::{StateError, durable};
use crate::names::{Breadcrumb, RootName};

/// That a dependant is to be updated because its cause was changed, or was about to be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Mark {
    pub(crate) root: RootName,
    pub(crate) cause: Breadcrumb,
    pub(crate) dependant: Breadcrumb,
}

impl Mark {
    fn file_name(&self) -> String {
        durable::file_name(&[self.root.as_str(), self.cause.as_str(), self.dependant.as_str()])
    }
}

/// All marks of a host.
#[derive(Debug)]
pub(crate) struct Marks {
    directory: PathBuf,
    pending: Mutex<BTreeMap<RootName, BTreeSet<Mark>>>,
}

impl Marks {
    /// Reads the marks that earlier runs left.
    pub(crate) fn load(state: &std::path::Path) -> Result<Self, StateError> {
        let directory = state.join("pending");
        let mut pending = BTreeMap::<_, BTreeSet<_>>::new();
        for path in durable::files(&directory)? {
            if let Some(mark) = durable::read::<Mark>(&path)? {
                pending.entry(mark.root.clone()).or_default().insert(mark);
            }
        }
        Ok(Self { directory, pending: Mutex::new(pending) })
    }

    fn pending(&self) -> MutexGuard<'_, BTreeMap<RootName, BTreeSet<Mark>>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The marks of a root.
    pub(crate) fn of_root(&self, root: &RootName) -> BTreeSet<Mark> {
        self.pending().get(root).cloned().unwrap_or_default()
    }

    /// The roots that have marks.
    pub(crate) fn roots(&self) -> Vec<RootName> {
        self.pending()
            .iter()
            .filter(|(_, marks)| !marks.is_empty())
            .map(|(r, _)| r.clone())
            .collect()
    }

    /// Makes marks durable, before anything that they stand for is done.
    pub(crate) fn add(&self, marks: &[Mark]) -> Result<(), StateError> {
        let missing: Vec<_> = {
            let pending = self.pending();
            let known =
                |mark: &&Mark| pending.get(&mark.root).is_some_and(|all| all.contains(*mark));
            marks.iter().filter(|mark| !known(mark)).collect()
        };
        if missing.is_empty() {
            return Ok(());
        }
        durable::create_directory(&self.directory)?;
        for mark in &missing {
            durable::write_unsynced_name(&self.directory.join(mark.file_name()), mark)?;
        }
        durable::sync_directory(&self.directory)?;
        let mut pending = self.pending();
        for mark in missing {
            pending.entry(mark.root.clone()).or_default().insert(mark.clone());
        }
        Ok(())
    }

    /// Removes marks, after what they stand for was done.
    pub(crate) fn clear(&self, marks: &[Mark]) -> Result<(), StateError> {
        for mark in marks {
            durable::remove(&self.directory.join(mark.file_name()))?;
            if let Some(all) = self.pending().get_mut(&mark.root) {
                all.remove(mark);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_outlive_the_process_that_made_them() {
        let state = tempfile::tempdir().unwrap();
        let mark = |dependant: &str| Mark {
            root: "web".into(),
            cause: "Web > File".into(),
            dependant: dependant.into(),
        };
        let marks = Marks::load(state.path()).unwrap();
        marks.add(&[mark("Web > A"), mark("Web > B")]).unwrap();

        let marks = Marks::load(state.path()).unwrap();
        assert_eq!(marks.of_root(&"web".into()).len(), 2);
        marks.clear(&[mark("Web > A")]).unwrap();

        let marks = Marks::load(state.path()).unwrap();
        assert_eq!(marks.of_root(&"web".into()), [mark("Web > B")].into());
    }

    #[test]
    fn a_mark_that_was_being_written_is_not_there() {
        let state = tempfile::tempdir().unwrap();
        std::fs::create_dir(state.path().join("pending")).unwrap();
        std::fs::write(state.path().join("pending/.new-abc"), "{").unwrap();
        assert!(Marks::load(state.path()).unwrap().roots().is_empty());
    }
}
