//! What rollouts have begun on a host and not ended: instances of its own that are being rolled, and
//! those of others that its roots have taken out of use.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{StateError, durable};
use crate::names::{RootId, RootName};

/// The roots of a host that are being rolled: from before their update until they are healthy and
/// back in use.
#[derive(Clone, Debug)]
pub(crate) struct Rolling {
    directory: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct RollingRoot {
    root: RootName,
}

impl Rolling {
    pub(crate) fn new(state: &Path) -> Self {
        Self { directory: state.join("rolling") }
    }

    /// The roots that are, or that a killed run has left so.
    pub(crate) fn roots(&self) -> Result<BTreeSet<RootName>, StateError> {
        let mut roots = BTreeSet::new();
        for path in durable::files(&self.directory)? {
            roots.extend(durable::read::<RollingRoot>(&path)?.map(|rolling| rolling.root));
        }
        Ok(roots)
    }

    /// A root begins; durable when this returns.
    pub(crate) fn begin(&self, root: &RootName) -> Result<(), StateError> {
        durable::create_directory(&self.directory)?;
        durable::write(&self.path(root), &RollingRoot { root: root.clone() })
    }

    /// A root is done.
    pub(crate) fn end(&self, root: &RootName) -> Result<(), StateError> {
        durable::remove(&self.path(root))
    }

    fn path(&self, root: &RootName) -> PathBuf {
        self.directory.join(durable::file_name(&[root.as_str()]))
    }
}

/// That a root has taken an instance of another out of use, or was about to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Drain {
    pub(crate) root: RootName,
    pub(crate) instance: RootId,
}

/// What the roots of a host have taken out of use.
#[derive(Clone, Debug)]
pub(crate) struct Drains {
    directory: PathBuf,
}

impl Drains {
    pub(crate) fn new(state: &Path) -> Self {
        Self { directory: state.join("drained") }
    }

    /// Reads all of them.
    pub(crate) fn load(&self) -> Result<BTreeSet<Drain>, StateError> {
        let mut drains = BTreeSet::new();
        for path in durable::files(&self.directory)? {
            drains.extend(durable::read::<Drain>(&path)?);
        }
        Ok(drains)
    }

    /// Makes some durable, before anything is taken out of use.
    pub(crate) fn add(&self, drains: &[Drain]) -> Result<(), StateError> {
        if drains.is_empty() {
            return Ok(());
        }
        durable::create_directory(&self.directory)?;
        for drain in drains {
            durable::write_unsynced_name(&self.path(drain), drain)?;
        }
        durable::sync_directory(&self.directory)
    }

    /// Removes some, after they were put back into use.
    pub(crate) fn clear(&self, drains: &[Drain]) -> Result<(), StateError> {
        drains.iter().try_for_each(|drain| durable::remove(&self.path(drain)))
    }

    fn path(&self, drain: &Drain) -> PathBuf {
        let instance = drain.instance.to_string();
        self.directory.join(durable::file_name(&[drain.root.as_str(), &instance]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_drained_or_being_rolled_outlives_the_process() {
        let state = tempfile::tempdir().unwrap();
        let drain = |host: &str| Drain { root: "lb".into(), instance: RootId::new(host, "app") };
        let (drains, rolling) = (Drains::new(state.path()), Rolling::new(state.path()));
        assert!(drains.load().unwrap().is_empty() && rolling.roots().unwrap().is_empty());
        drains.add(&[drain("a"), drain("b")]).unwrap();
        rolling.begin(&"app".into()).unwrap();
        assert_eq!(Drains::new(state.path()).load().unwrap(), [drain("a"), drain("b")].into());
        drains.clear(&[drain("a"), drain("c")]).unwrap();
        assert_eq!(drains.load().unwrap(), [drain("b")].into());
        assert_eq!(Rolling::new(state.path()).roots().unwrap(), ["app".into()].into());
        rolling.end(&"app".into()).unwrap();
        rolling.end(&"app".into()).unwrap();
        assert!(rolling.roots().unwrap().is_empty());
    }
}
