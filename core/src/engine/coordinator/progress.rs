//! Which roots wait, run, or are done.

use std::collections::{BTreeMap, BTreeSet};

use crate::event::Outcome;
use crate::model::Model;
use crate::names::{HostName, RootId};

/// The state of every selected root.
#[derive(Debug)]
pub(super) struct Progress {
    /// Roots that have not started, with those that they still wait for.
    waiting: BTreeMap<RootId, BTreeSet<RootId>>,
    running: BTreeSet<RootId>,
    /// The selected roots that wait for a root.
    dependants: BTreeMap<RootId, Vec<RootId>>,
}

impl Progress {
    /// What is not selected counts as done.
    pub(super) fn new(model: &Model, selected: Vec<RootId>) -> Self {
        let all: BTreeSet<_> = selected.iter().collect();
        let mut dependants = BTreeMap::<_, Vec<_>>::new();
        let mut waiting = BTreeMap::new();
        for id in &selected {
            let first = model.graph().dependencies(id).filter(|first| all.contains(first));
            let first: BTreeSet<_> = first.cloned().collect();
            for first in &first {
                dependants.entry(first.clone()).or_default().push(id.clone());
            }
            waiting.insert(id.clone(), first);
        }
        Self { waiting, running: BTreeSet::new(), dependants }
    }

    pub(super) fn is_done(&self) -> bool {
        self.waiting.is_empty() && self.running.is_empty()
    }

    pub(super) fn is_running(&self, id: &RootId) -> bool {
        self.running.contains(id)
    }

    /// Starts a root that waits for nothing, on a host that is ready.
    pub(super) fn next(&mut self, is_ready: impl Fn(&HostName) -> bool) -> Option<RootId> {
        let free =
            |(id, first): &(&RootId, &BTreeSet<RootId>)| first.is_empty() && is_ready(&id.host);
        let id = self.waiting.iter().find(free).map(|(id, _)| id.clone())?;
        self.waiting.remove(&id);
        self.running.insert(id.clone());
        Some(id)
    }

    /// Ends a root, which reached what was asked of it or did not. Those that cannot start because of it are returned, all the way down.
    pub(super) fn end(&mut self, id: &RootId, reached: bool) -> Vec<(RootId, Outcome)> {
        self.running.remove(id);
        self.waiting.remove(id);
        let mut given_up = Vec::new();
        let mut ended = vec![id.clone()];
        while let Some(ended_id) = ended.pop() {
            for then in self.dependants.remove(&ended_id).unwrap_or_default() {
                if !reached {
                    if self.waiting.remove(&then).is_some() {
                        let outcome = Outcome::DependencyFailed { on: id.clone() };
                        given_up.push((then.clone(), outcome));
                        ended.push(then);
                    }
                } else if let Some(first) = self.waiting.get_mut(&then) {
                    first.remove(&ended_id);
                }
            }
        }
        given_up
    }

    /// Ends all roots that have not started.
    pub(super) fn give_up_unstarted(&mut self) -> Vec<RootId> {
        std::mem::take(&mut self.waiting).into_keys().collect()
    }

    pub(super) fn unfinished_on(&self, host: &HostName) -> Vec<RootId> {
        let unfinished = self.running.iter().chain(self.waiting.keys());
        unfinished.filter(|id| id.host == *host).cloned().collect()
    }

    pub(super) fn is_done_on(&self, host: &HostName) -> bool {
        self.unfinished_on(host).is_empty()
    }
}
