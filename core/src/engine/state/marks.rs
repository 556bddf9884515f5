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
    pending: Mutex<Pending>,
}

/// Marks by root and dependant; what is empty is not kept.
#[derive(Debug, Default)]
struct Pending(BTreeMap<RootName, BTreeMap<Breadcrumb, BTreeSet<Mark>>>);

impl Pending {
    fn insert(&mut self, mark: Mark) {
        let of_root = self.0.entry(mark.root.clone()).or_default();
        of_root.entry(mark.dependant.clone()).or_default().insert(mark);
    }

    fn of(&self, root: &RootName, dependant: &Breadcrumb) -> Option<&BTreeSet<Mark>> {
        self.0.get(root)?.get(dependant)
    }

    fn remove(&mut self, mark: &Mark) {
        let Some(of_root) = self.0.get_mut(&mark.root) else { return };
        let Some(marks) = of_root.get_mut(&mark.dependant) else { return };
        marks.remove(mark);
        if marks.is_empty() {
            of_root.remove(&mark.dependant);
        }
        if of_root.is_empty() {
            self.0.remove(&mark.root);
        }
    }
}

impl Marks {
    /// Reads the marks that earlier runs left.
    pub(crate) fn load(state: &std::path::Path) -> Result<Self, StateError> {
        let directory = state.join("pending");
        let mut pending = Pending::default();
        for path in durable::files(&directory)? {
            if let Some(mark) = durable::read::<Mark>(&path)? {
                pending.insert(mark);
            }
        }
        Ok(Self { directory, pending: Mutex::new(pending) })
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The marks of a root.
    pub(crate) fn of_root(&self, root: &RootName) -> BTreeSet<Mark> {
        let pending = self.pending();
        let of_root = pending.0.get(root).into_iter().flat_map(BTreeMap::values);
        of_root.flatten().cloned().collect()
    }

    /// The marks for one component, by their cause.
    pub(crate) fn of(&self, root: &RootName, dependant: &Breadcrumb) -> Vec<Mark> {
        let pending = self.pending();
        pending.of(root, dependant).into_iter().flatten().cloned().collect()
    }

    /// The roots that have marks.
    pub(crate) fn roots(&self) -> Vec<RootName> {
        self.pending().0.keys().cloned().collect()
    }

    /// Makes marks durable, before anything that they stand for is done.
    pub(crate) fn add(&self, marks: &[Mark]) -> Result<(), StateError> {
        let missing: Vec<_> = {
            let pending = self.pending();
            let known = |mark: &Mark| {
                pending.of(&mark.root, &mark.dependant).is_some_and(|marks| marks.contains(mark))
            };
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
            pending.insert(mark.clone());
        }
        Ok(())
    }

    /// Removes marks, after what they stand for was done.
    pub(crate) fn clear(&self, marks: &[Mark]) -> Result<(), StateError> {
        for mark in marks {
            durable::remove(&self.directory.join(mark.file_name()))?;
            self.pending().remove(mark);
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
