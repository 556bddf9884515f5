//! One root on its host, from its start to its end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::event::{Event, Mode};
use crate::host::HostSite;
use crate::model::draft::{Cause, Draft, NodeId};
use crate::names::{Breadcrumb, RootId};
use crate::protocol::Start;
use crate::resource::Provider;

use super::activity::Activity;
use super::reboot::{Door, Rebooted};
use super::state::{
    Counters, Drains, HostLock, Managed, Mark, Marks, RebootNote, Rolling, StateError,
};

/// What all roots of a host share while they run.
pub(super) struct Host {
    pub(super) site: HostSite,
    pub(super) mode: Mode,
    pub(super) marks: Marks,
    pub(super) counters: Counters,
    pub(super) activity: Activity,
    pub(super) rolling: Rolling,
    pub(super) drains: Drains,
    pub(super) door: Door,
    /// Held while converging; a plan needs none.
    pub(super) lock: Option<HostLock>,
}

impl Host {
    pub(super) fn emit(&self, event: Event) {
        (self.site.events)(event);
    }
}

/// The triggers of one root, and what is pending of them.
pub(super) struct Triggers<'a> {
    host: &'a Host,
    id: &'a RootId,
    draft: &'a Draft,
    /// By the node that changes: the nodes that depend on it.
    dependants: BTreeMap<NodeId, Vec<NodeId>>,
    /// The same by the node that depends.
    causes: BTreeMap<NodeId, Vec<NodeId>>,
    /// By the node that is updated: the providers on other roots that trigger it.
    providers: BTreeMap<NodeId, Vec<Arc<Provider>>>,
    /// The nodes that provide something to other roots.
    providing: BTreeSet<NodeId>,
    /// The nodes whose dependants are marked in this run.
    marked: BTreeSet<NodeId>,
    /// What other roots came to.
    counts: BTreeMap<&'a Provider, u64>,
    predicted: BTreeSet<&'a Provider>,
    rebooted: Rebooted,
}

/// Why a component is to be updated although it is current.
#[derive(Debug, Default)]
pub(super) struct Pending {
    pub(super) marks: Vec<Mark>,
    pub(super) providers: Vec<(Arc<Provider>, Option<u64>)>,
}

impl Pending {
    pub(super) fn is_empty(&self) -> bool {
        self.marks.is_empty() && self.providers.is_empty()
    }

    /// The causes, as a user knows them.
    pub(super) fn causes(&self) -> Vec<String> {
        let marks = self.marks.iter().map(|mark| mark.cause.to_string());
        let providers = self.providers.iter();
        let providers =
            providers.map(|(provider, _)| format!("{} of {}", provider.breadcrumb, provider.root));
        let causes: BTreeSet<_> = marks.chain(providers).collect();
        causes.into_iter().collect()
    }
}

impl<'a> Triggers<'a> {
    pub(super) fn new(host: &'a Host, id: &'a RootId, draft: &'a Draft, start: &'a Start) -> Self {
        let mut dependants = BTreeMap::<_, Vec<_>>::new();
        let mut causes = BTreeMap::<_, Vec<_>>::new();
        let mut providers = BTreeMap::<_, Vec<_>>::new();
        for trigger in &draft.triggers {
            match &trigger.cause {
                Cause::Node(cause) => {
                    dependants.entry(*cause).or_default().push(trigger.dependant);
                    causes.entry(trigger.dependant).or_default().push(*cause);
                }
                Cause::Provider(provider) => {
                    providers.entry(trigger.dependant).or_default().push(Arc::clone(provider));
                }
            }
        }
        let nodes = draft.by_breadcrumb();
        let providing = draft.provided.iter();
        let providing = providing.filter_map(|provided| nodes.get(&provided.provider.breadcrumb));
        Self {
            host,
            id,
            draft,
            dependants,
            causes,
            providers,
            providing: providing.copied().collect(),
            marked: BTreeSet::new(),
            counts: start.counts.iter().map(|(provider, count)| (provider, *count)).collect(),
            predicted: start.predicted.iter().collect(),
            rebooted: Rebooted::default(),
        }
    }

    /// Finds out for what the host has been rebooted since.
    pub(super) fn look_for_reboots(&mut self) -> Result<(), StateError> {
        let plans = self.host.mode == Mode::Verify;
        self.rebooted = Rebooted::of_root(self.host, self.id, self.draft, plans)?;
        Ok(())
    }

    /// The components that have rebooted the host in this very deployment.
    pub(super) fn rebooted(&self) -> &BTreeMap<NodeId, RebootNote> {
        &self.rebooted.now
    }

    /// Gives marks of earlier runs a home in the present model.
    ///
    /// A dependant that left the model passes its mark to the present dependants of the cause.
    /// When there are none, the mark is dropped. Both are shown.
    pub(super) fn adopt(&self) -> Result<(), StateError> {
        let marks = self.host.marks.of_root(&self.id.root);
        if marks.is_empty() {
            return Ok(());
        }
        let nodes = self.draft.by_breadcrumb();
        for mark in marks {
            if nodes.contains_key(&mark.dependant) {
                continue;
            }
            let cause = nodes.get(&mark.cause);
            let dependants = cause.and_then(|cause| self.dependants.get(cause));
            let moved: Vec<_> = dependants
                .into_iter()
                .flatten()
                .map(|node| Mark { dependant: self.breadcrumb(*node).clone(), ..mark.clone() })
                .collect();
            if self.host.mode == Mode::Converge {
                self.host.marks.add(&moved)?;
                self.host.marks.clear(std::slice::from_ref(&mark))?;
            }
            self.host.emit(Event::TriggerMoved {
                root: self.id.root.clone(),
                host: self.id.host.clone(),
                cause: mark.cause.to_string(),
                dependant: mark.dependant,
                moved_to: moved.into_iter().map(|mark| mark.dependant).collect(),
            });
        }
        Ok(())
    }

    /// Why a node is to be updated, as of now.
    pub(super) fn pending(&self, node: NodeId) -> Result<Pending, StateError> {
        let breadcrumb = self.breadcrumb(node);
        let marks = self.host.marks.of(&self.id.root, breadcrumb);
        let mut pending = Pending { marks, providers: Vec::new() };
        let done = self.rebooted.notes.iter().filter(|note| note.breadcrumb == *breadcrumb);
        let done: Vec<_> = done.collect();
        pending.marks.retain(|mark| !done.iter().any(|note| note.marks.contains(mark)));
        for provider in self.providers.get(&node).into_iter().flatten() {
            if self.predicted.contains(&**provider) {
                pending.providers.push((Arc::clone(provider), None));
                continue;
            }
            // A provider that is left out of this run says nothing; what it did stays pending.
            let Some(count) = self.counts.get(&**provider).copied() else { continue };
            let is_done = |note: &&RebootNote| {
                note.providers.iter().any(|(of, noted)| *of == **provider && *noted == count)
            };
            let acted = self.host.counters.acted(&self.id.root, breadcrumb, provider)?;
            if acted != count && !done.iter().any(is_done) {
                pending.providers.push((Arc::clone(provider), Some(count)));
            }
        }
        Ok(pending)
    }

    /// Makes durable, before a node is updated, what will be due because of it.
    pub(super) fn mark(&mut self, node: NodeId) -> Result<(), StateError> {
        let above = std::iter::successors(Some(node), |node| self.draft.nodes[*node].parent);
        let due: Vec<_> = above.filter(|node| !self.marked.contains(node)).collect();
        let mut marks = Vec::new();
        for cause in &due {
            for dependant in self.dependants.get(cause).into_iter().flatten() {
                marks.push(Mark {
                    root: self.id.root.clone(),
                    cause: self.breadcrumb(*cause).clone(),
                    dependant: self.breadcrumb(*dependant).clone(),
                });
            }
        }
        self.host.marks.add(&marks)?;
        for cause in due.iter().filter(|node| self.providing.contains(node)) {
            self.host.counters.raise(&self.id.root, self.breadcrumb(*cause))?;
        }
        self.marked.extend(due);
        Ok(())
    }

    /// Removes what a node has acted on.
    pub(super) fn performed(&self, node: NodeId, pending: &Pending) -> Result<(), StateError> {
        let breadcrumb = self.breadcrumb(node);
        for (provider, count) in &pending.providers {
            if let Some(count) = count {
                self.host.counters.act(&self.id.root, breadcrumb, provider, *count)?;
            }
        }
        self.host.marks.clear(&pending.marks)
    }

    /// In a plan: the causes of a node among those that would change.
    pub(super) fn predicted_causes(&self, node: NodeId, changed: &BTreeSet<NodeId>) -> Vec<String> {
        let causes = self.causes.get(&node).into_iter().flatten();
        causes
            .filter(|cause| changed.contains(cause))
            .map(|cause| self.breadcrumb(*cause).to_string())
            .collect()
    }

    /// The counts of all nodes that provide something.
    pub(super) fn counters(&self) -> Result<Vec<(Breadcrumb, u64)>, StateError> {
        let providing = self.providing.iter();
        providing
            .map(|node| {
                let breadcrumb = self.breadcrumb(*node);
                let count = self.host.counters.get(&self.id.root, breadcrumb)?;
                Ok((breadcrumb.clone(), count))
            })
            .collect()
    }

    /// The providing nodes among those that would change.
    pub(super) fn predicted(&self, changed: &BTreeSet<NodeId>) -> Vec<Breadcrumb> {
        let predicted = self.providing.intersection(changed);
        predicted.map(|node| self.breadcrumb(*node).clone()).collect()
    }

    /// Records what the root manages, before it touches any of it.
    pub(super) fn record_managed(&self) -> Result<(), StateError> {
        let managed = self.draft.managed.iter().map(|(node, kind, name)| {
            (
                kind.clone(),
                self.draft.secrets.mask(name).into_owned(),
                self.breadcrumb(*node).clone(),
            )
        });
        Managed::record(self.host.site.state(), &self.id.root, managed)
    }

    fn breadcrumb(&self, node: NodeId) -> &Breadcrumb {
        self.draft.breadcrumb(node)
    }
}
