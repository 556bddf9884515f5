//! What the components of one host share in memory while a run lasts.

use std::any::{Any, TypeId};
use std::collections::{BTreeSet, HashMap};
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};

use crate::host::Facts;
use crate::host::spot::{self, Spot};
use crate::names::{RootId, RootName};

/// What the components of one host share in memory while a run lasts; starts out empty.
#[derive(Default)]
pub struct Shared {
    pub(super) facts: OnceLock<Facts>,
    pub(super) globals: OnceLock<Vec<(&'static str, minijinja::Value)>>,
    snapshots: Mutex<HashMap<TypeId, Arc<Slot>>>,
    exclusive: Mutex<BTreeSet<String>>,
    released: Condvar,
    leftovers: Mutex<HashMap<PathBuf, Vec<OsString>>>,
    /// By root: the instances of others that it has taken out of use.
    drained: Mutex<BTreeSet<(RootName, RootId)>>,
}

/// A snapshot that is being taken, or was.
type Slot = Mutex<Option<Arc<dyn Any + Send + Sync>>>;

impl Shared {
    /// Nothing is shared yet, but for facts that are given.
    pub(crate) fn with_facts(facts: Option<Facts>) -> Self {
        let facts = facts.map_or_else(OnceLock::new, OnceLock::from);
        Self { facts, ..Self::default() }
    }

    /// The shared value of a type; taken by one thread while the others wait.
    pub(super) fn snapshot<S: Any + Send + Sync>(
        &self,
        take: impl FnOnce() -> anyhow::Result<S>,
    ) -> anyhow::Result<Arc<S>> {
        let slot = Arc::clone(lock(&self.snapshots).entry(TypeId::of::<S>()).or_default());
        let mut slot = lock(&slot);
        let taken = slot.as_ref().and_then(|taken| Arc::clone(taken).downcast::<S>().ok());
        if let Some(taken) = taken {
            return Ok(taken);
        }
        let taken = Arc::new(take()?);
        *slot = Some(Arc::clone(&taken) as Arc<dyn Any + Send + Sync>);
        Ok(taken)
    }

    /// Forgets a snapshot. One that is being taken serves only those who wait for it already.
    pub(super) fn invalidate(&self, kind: TypeId) {
        lock(&self.snapshots).remove(&kind);
    }

    /// Forgets all snapshots.
    pub(super) fn invalidate_all(&self) {
        lock(&self.snapshots).clear();
    }

    /// Forgets all snapshots, for one who must see what is there at this moment.
    pub(crate) fn invalidate_snapshots(&self) {
        self.invalidate_all();
    }

    /// Waits until nothing else is done with a root, and keeps others from it.
    pub(crate) fn exclusive_root(&self, root: &RootName) -> Exclusive<'_> {
        self.exclusive(&format!("togusa root {root}"))
    }

    /// Notes what a root has taken out of use, or has put back.
    pub(crate) fn set_drained<'a>(
        &self,
        root: &RootName,
        instances: impl Iterator<Item = &'a RootId>,
        drained: bool,
    ) {
        let mut all = lock(&self.drained);
        for instance in instances {
            let key = (root.clone(), instance.clone());
            if drained {
                all.insert(key);
            } else {
                all.remove(&key);
            }
        }
    }

    /// Whether a root has taken an instance out of use.
    pub(super) fn is_drained(&self, root: &RootName, instance: &RootId) -> bool {
        lock(&self.drained).contains(&(root.clone(), instance.clone()))
    }

    /// Waits until nobody else holds the name.
    pub(super) fn exclusive(&self, name: &str) -> Exclusive<'_> {
        let mut held = lock(&self.exclusive);
        while held.contains(name) {
            held = self.released.wait(held).unwrap_or_else(PoisonError::into_inner);
        }
        held.insert(name.to_owned());
        Exclusive { shared: self, name: name.to_owned() }
    }

    /// Names of temporary files that killed runs left in a directory. It is listed once per run,
    /// before the first temporary file of this run appears in it.
    pub(super) fn leftovers(&self, spot: &Spot, prefix: &str) -> Vec<OsString> {
        let mut leftovers = lock(&self.leftovers);
        let directory = spot.path().parent().unwrap_or(Path::new("/")).to_owned();
        let known = leftovers.entry(directory).or_insert_with(|| list(spot));
        let prefix = prefix.as_bytes();
        known.extract_if(.., |name| is_temporary(name, prefix)).collect()
    }
}

/// How the name of every temporary file begins.
pub(super) const TEMPORARY: &str = ".togusa-";

/// How many random letters end the name of a temporary file.
pub(super) const RANDOM_LETTERS: usize = 6;

fn is_temporary(name: &OsString, prefix: &[u8]) -> bool {
    let random = name.as_encoded_bytes().strip_prefix(prefix);
    random.is_some_and(|rest| rest.len() == RANDOM_LETTERS && rest.is_ascii())
}

/// A directory that cannot be listed has no leftovers that could be removed.
fn list(spot: &Spot) -> Vec<OsString> {
    let names = spot::names(spot.directory()).unwrap_or_default().into_iter();
    names.filter(|name| name.as_encoded_bytes().starts_with(TEMPORARY.as_bytes())).collect()
}

/// The right to be the only one; it ends when this is dropped.
#[must_use]
pub struct Exclusive<'a> {
    shared: &'a Shared,
    name: String,
}

impl Drop for Exclusive<'_> {
    fn drop(&mut self) {
        lock(&self.shared.exclusive).remove(&self.name);
        self.shared.released.notify_all();
    }
}

impl fmt::Debug for Exclusive<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Exclusive({:?})", self.name)
    }
}

/// A thread that panicked leaves nothing half-done in here.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
