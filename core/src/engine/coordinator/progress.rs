//! Which roots wait, run, or are done.

use std::collections::{BTreeMap, BTreeSet};

use crate::event::Outcome;
use crate::model::Graph;
use crate::names::{HostName, RootId, RootName};

/// The state of every selected root.
#[derive(Debug)]
pub(super) struct Progress {
    /// Roots that have not started, with those that they still wait for.
    waiting: BTreeMap<RootId, BTreeSet<RootId>>,
    running: BTreeSet<RootId>,
    /// The selected roots that wait for a root.
    dependants: BTreeMap<RootId, Vec<RootId>>,
    /// The roots that wait or run, by host.
    unfinished: BTreeMap<HostName, BTreeSet<RootName>>,
    ready: BTreeSet<HostName>,
    /// The roots that wait for nothing, on hosts that are ready.
    startable: BTreeSet<RootId>,
}

impl Progress {
    /// What is not selected counts as done.
    pub(super) fn new(graph: &Graph, selected: Vec<RootId>) -> Self {
        let all: BTreeSet<_> = selected.iter().collect();
        let mut dependants = BTreeMap::<_, Vec<_>>::new();
        let mut waiting = BTreeMap::new();
        let mut unfinished = BTreeMap::<_, BTreeSet<_>>::new();
        for id in &selected {
            let first = graph.dependencies(id).filter(|first| all.contains(first));
            let first: BTreeSet<_> = first.cloned().collect();
            for first in &first {
                dependants.entry(first.clone()).or_default().push(id.clone());
            }
            waiting.insert(id.clone(), first);
            unfinished.entry(id.host.clone()).or_default().insert(id.root.clone());
        }
        Self {
            waiting,
            running: BTreeSet::new(),
            dependants,
            unfinished,
            ready: BTreeSet::new(),
            startable: BTreeSet::new(),
        }
    }

    pub(super) fn is_done(&self) -> bool {
        self.unfinished.is_empty()
    }

    pub(super) fn is_running(&self, id: &RootId) -> bool {
        self.running.contains(id)
    }

    pub(super) fn is_over(&self, id: &RootId) -> bool {
        !self.running.contains(id) && !self.waiting.contains_key(id)
    }

    /// All roots that wait for some, all the way down.
    pub(super) fn behind<'a>(&self, roots: impl Iterator<Item = &'a RootId>) -> BTreeSet<&RootId> {
        let mut behind = BTreeSet::new();
        let of = |id: &RootId| self.dependants.get(id).into_iter().flatten();
        let mut open: Vec<&RootId> = roots.flat_map(of).collect();
        while let Some(id) = open.pop() {
            if self.waiting.contains_key(id) && behind.insert(id) {
                open.extend(of(id));
            }
        }
        behind
    }

    /// A host is ready for its roots.
    pub(super) fn ready(&mut self, host: &HostName) {
        self.ready.insert(host.clone());
        let of_host = self.unfinished_on(host);
        let free =
            of_host.into_iter().filter(|id| self.waiting.get(id).is_some_and(BTreeSet::is_empty));
        self.startable.extend(free.collect::<Vec<_>>());
    }

    /// Starts a root that waits for nothing, on a host that is ready.
    pub(super) fn next(&mut self) -> Option<RootId> {
        let id = self.startable.pop_first()?;
        self.waiting.remove(&id);
        self.running.insert(id.clone());
        Some(id)
    }

    /// Ends a root, which reached what was asked of it or did not. Those that cannot start because
    /// of it are returned, all the way down.
    pub(super) fn end(&mut self, id: &RootId, reached: bool) -> Vec<(RootId, Outcome)> {
        self.forget(id);
        let mut given_up = Vec::new();
        let mut ended = vec![id.clone()];
        while let Some(ended_id) = ended.pop() {
            for then in self.dependants.remove(&ended_id).unwrap_or_default() {
                if !reached {
                    if self.waiting.contains_key(&then) {
                        self.forget(&then);
                        let outcome = Outcome::DependencyFailed { on: id.clone() };
                        given_up.push((then.clone(), outcome));
                        ended.push(then);
                    }
                } else if let Some(first) = self.waiting.get_mut(&then) {
                    first.remove(&ended_id);
                    if first.is_empty() && self.ready.contains(&then.host) {
                        self.startable.insert(then);
                    }
                }
            }
        }
        given_up
    }

    fn forget(&mut self, id: &RootId) {
        self.running.remove(id);
        self.waiting.remove(id);
        self.startable.remove(id);
        if let Some(roots) = self.unfinished.get_mut(&id.host) {
            roots.remove(&id.root);
            if roots.is_empty() {
                self.unfinished.remove(&id.host);
            }
        }
    }

    /// Ends all roots that have not started.
    pub(super) fn give_up_unstarted(&mut self) -> Vec<RootId> {
        let unstarted: Vec<_> = self.waiting.keys().cloned().collect();
        unstarted.iter().for_each(|id| self.forget(id));
        unstarted
    }

    pub(super) fn unfinished_on(&self, host: &HostName) -> Vec<RootId> {
        let roots = self.unfinished.get(host).into_iter().flatten();
        roots.map(|root| RootId::new(host.clone(), root.clone())).collect()
    }

    pub(super) fn is_done_on(&self, host: &HostName) -> bool {
        !self.unfinished.contains_key(host)
    }
}
