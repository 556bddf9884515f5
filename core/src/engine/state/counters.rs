//! Triggers between roots: how often a provider has changed, and what a dependant last acted on.
//!
//! The provider raises its count before its update and tells it with its "done"; the dependant is
//! pending while the count that it last acted on differs.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::{StateError, durable};
use crate::names::{Breadcrumb, RootName};
use crate::resource::Provider;

/// The counts that a host keeps.
#[derive(Clone, Debug)]
pub(crate) struct Counters {
    state: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct Counter {
    root: RootName,
    breadcrumb: Breadcrumb,
    count: u64,
}

#[derive(Serialize, Deserialize)]
struct Acted {
    root: RootName,
    dependant: Breadcrumb,
    provider: Provider,
    count: u64,
}

impl Counters {
    pub(crate) fn new(state: &Path) -> Self {
        Self { state: state.to_owned() }
    }

    /// The count of a component; 0 if it never changed.
    pub(crate) fn get(&self, root: &RootName, breadcrumb: &Breadcrumb) -> Result<u64, StateError> {
        let counter = durable::read::<Counter>(&self.counter(root, breadcrumb))?;
        Ok(counter.map_or(0, |counter| counter.count))
    }

    /// Raises the count of a component, durably, and returns it.
    ///
    /// A count is never used twice, even after the state of the host was lost.
    pub(crate) fn raise(
        &self,
        root: &RootName,
        breadcrumb: &Breadcrumb,
    ) -> Result<u64, StateError> {
        let before = self.get(root, breadcrumb)?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let count = u64::try_from(now.as_micros()).unwrap_or(0).max(before + 1);
        durable::create_directory(&self.state.join("counters"))?;
        let counter = Counter { root: root.clone(), breadcrumb: breadcrumb.clone(), count };
        durable::write(&self.counter(root, breadcrumb), &counter)?;
        Ok(count)
    }

    /// The count of a provider that a dependant last acted on; 0 if it never did.
    pub(crate) fn acted(
        &self,
        root: &RootName,
        dependant: &Breadcrumb,
        provider: &Provider,
    ) -> Result<u64, StateError> {
        let acted = durable::read::<Acted>(&self.acted_path(root, dependant, provider))?;
        Ok(acted.map_or(0, |acted| acted.count))
    }

    /// Records that a dependant has acted on a count of a provider.
    pub(crate) fn act(
        &self,
        root: &RootName,
        dependant: &Breadcrumb,
        provider: &Provider,
        count: u64,
    ) -> Result<(), StateError> {
        durable::create_directory(&self.state.join("acted"))?;
        let acted = Acted {
            root: root.clone(),
            dependant: dependant.clone(),
            provider: provider.clone(),
            count,
        };
        durable::write(&self.acted_path(root, dependant, provider), &acted)
    }

    fn counter(&self, root: &RootName, breadcrumb: &Breadcrumb) -> PathBuf {
        let name = durable::file_name(&[root.as_str(), breadcrumb.as_str()]);
        self.state.join("counters").join(name)
    }

    fn acted_path(&self, root: &RootName, dependant: &Breadcrumb, provider: &Provider) -> PathBuf {
        let provider_root = provider.root.to_string();
        let name = durable::file_name(&[
            root.as_str(),
            dependant.as_str(),
            &provider_root,
            provider.breadcrumb.as_str(),
        ]);
        self.state.join("acted").join(name)
    }
}
