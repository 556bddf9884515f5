//! Components that converge on one host for all: who does it, and who waits for that.

use std::collections::{BTreeMap, BTreeSet};

use crate::environment::Environment;
use crate::names::RootId;
use crate::rollout;

use super::graph::Edge;

/// The roots that do it for all others of their component.
#[derive(Clone, Debug, Default)]
pub(super) struct Once {
    /// By each other root of the component, those that are ignored too.
    done_by: BTreeMap<RootId, RootId>,
}

impl Once {
    /// The first root of each such component that is not ignored, by host, does it.
    pub(super) fn of(environment: &Environment) -> Self {
        let once = environment.rollouts.iter().filter(|(_, rollout)| rollout.once);
        let names: BTreeSet<_> = once.map(|(name, _)| name).collect();
        if names.is_empty() {
            return Self::default();
        }
        let instances = rollout::instances(environment);
        let mut done_by = BTreeMap::new();
        for host in environment.hosts.values() {
            for root in host.roots.iter().filter(|root| names.contains(&root.name)) {
                let id = RootId::new(host.name.clone(), root.name.clone());
                let first = instances.get(&root.name).and_then(BTreeSet::first);
                done_by.extend(first.filter(|first| **first != id).cloned().map(|it| (id, it)));
            }
        }
        Self { done_by }
    }

    /// The root that does what another would.
    pub(super) fn done_by(&self, root: &RootId) -> Option<&RootId> {
        self.done_by.get(root)
    }

    /// Lets whoever waits for a root of such a component wait for the one that does it.
    pub(super) fn add_edges(&self, edges: &mut Vec<Edge>) {
        if self.done_by.is_empty() {
            return;
        }
        let mut all = BTreeMap::<(RootId, RootId), BTreeSet<String>>::new();
        for Edge { first, then, resources } in edges.drain(..) {
            // What is left out itself need not wait: that could be a circle which nobody goes.
            let waits = |does: &&RootId| **does != then && self.done_by(&then).is_none();
            if let Some(does) = self.done_by(&first).filter(waits) {
                let key = (does.clone(), then.clone());
                all.entry(key).or_default().extend(resources.iter().cloned());
            }
            all.entry((first, then)).or_default().extend(resources);
        }
        let all = all.into_iter();
        edges.extend(all.map(|((first, then), resources)| Edge { first, then, resources }));
    }
}
