//! What a root is asked for beside its own converging: whether it is healthy, and to take instances
//! of others out of use and put them back.

use std::collections::BTreeSet;

use crate::fault;
use crate::host::{Machine, Probe};
use crate::model::draft::{Draft, NodeId};
use crate::names::RootId;
use crate::panics;
use crate::problem::{Problem, code};
use crate::protocol::CallKind;
use crate::resource::Provider;

use super::run::Host;
use super::state::{Drain, Managed};

/// Does what is asked of a root. Who drains or restores waits until nothing else is done with it; its
/// health is asked at any time.
pub(super) fn call(
    host: &Host,
    id: &RootId,
    draft: &Draft,
    kind: &CallKind,
) -> Result<Vec<RootId>, Problem> {
    // A root that waits to reboot the host is not to wait for who waits for that root.
    let alone = matches!(kind, CallKind::Drain { .. } | CallKind::Restore { .. })
        .then(|| host.site.shared.exclusive_root(&id.root));
    let _present = host.door.enter_at_once(&host.site.interrupt);
    let called = perform(host, id, draft, kind);
    drop(alone);
    called
}

fn perform(
    host: &Host,
    id: &RootId,
    draft: &Draft,
    kind: &CallKind,
) -> Result<Vec<RootId>, Problem> {
    match kind {
        CallKind::Health => health(host, id, draft).map(|()| Vec::new()),
        CallKind::Drain { instances } => drain(host, id, draft, instances)
            .map_err(|error| Problem::from_error(&error, code::NOT_DRAINED)),
        CallKind::Restore { instances } => {
            let restored = restore(host, id, draft, instances.iter());
            restored
                .map_err(|error| Problem::from_error(&error, code::NOT_RESTORED))
                .map(|()| Vec::new())
        }
        CallKind::Rolled => {
            let ended = host.rolling.end(&id.root).map_err(super::StateError::into_problem);
            ended.map(|()| Vec::new())
        }
    }
}

/// Asks all components, those below first; what one says is not what another has seen before.
fn health(host: &Host, id: &RootId, draft: &Draft) -> Result<(), Problem> {
    host.site.shared.invalidate_snapshots();
    for node in in_order(draft) {
        let Some(component) = draft.component(node) else { continue };
        let breadcrumb = draft.breadcrumb(node);
        let probe = Probe::new(&host.site, id, breadcrumb);
        let asked = panics::catch(|| component.healthy(&probe));
        if let Err(error) = asked.unwrap_or_else(|panicked| Err(panicked.into())) {
            let problem = Problem::from_error(&error, code::UNHEALTHY);
            return Err(problem.in_component(&id.root, breadcrumb));
        }
    }
    Ok(())
}

/// Children before their parents, as they converge.
fn in_order(draft: &Draft) -> Vec<NodeId> {
    fn visit(draft: &Draft, node: NodeId, order: &mut Vec<NodeId>) {
        draft.nodes[node].children.iter().for_each(|child| visit(draft, *child, order));
        order.push(node);
    }
    let mut order = Vec::with_capacity(draft.nodes.len());
    if !draft.nodes.is_empty() {
        visit(draft, 0, &mut order);
    }
    order
}

/// The components that drain any of the instances, each with the providers that it does it for.
fn drainers(draft: &Draft, instances: &BTreeSet<&RootId>) -> Vec<(NodeId, Vec<Provider>)> {
    let mut drainers = Vec::new();
    for node in in_order(draft) {
        let of_node = draft.drains.iter().filter(|(drainer, _)| *drainer == node);
        let providers = of_node.filter(|(_, provider)| instances.contains(&provider.root));
        let providers: Vec<_> = providers.map(|(_, provider)| provider.clone()).collect();
        if !providers.is_empty() {
            drainers.push((node, providers));
        }
    }
    drainers
}

/// Takes instances out of use; those that are, by now. A root that never converged uses none.
fn drain(
    host: &Host,
    id: &RootId,
    draft: &Draft,
    instances: &[RootId],
) -> anyhow::Result<Vec<RootId>> {
    if !Managed::exists(host.site.state(), &id.root) {
        return Ok(Vec::new());
    }
    let instances: BTreeSet<_> = instances.iter().collect();
    let drainers = drainers(draft, &instances);
    let drained = drainers.iter().flat_map(|(_, providers)| providers);
    let drained: BTreeSet<_> = drained.map(|provider| provider.root.clone()).collect();
    let marks = marks(id, drained.iter());
    host.drains.add(&marks)?;
    host.site.shared.set_drained(&id.root, drained.iter(), true);
    each(host, id, draft, &drainers, |component, machine, providers| {
        component.drain(machine, providers)
    })?;
    Ok(drained.into_iter().collect())
}

/// Puts instances back into use.
pub(super) fn restore<'a>(
    host: &Host,
    id: &RootId,
    draft: &Draft,
    instances: impl Iterator<Item = &'a RootId>,
) -> anyhow::Result<()> {
    let instances: BTreeSet<_> = instances.collect();
    let drainers = drainers(draft, &instances);
    host.site.shared.set_drained(&id.root, instances.iter().copied(), false);
    let restored = each(host, id, draft, &drainers, |component, machine, providers| {
        component.restore(machine, providers)
    });
    if let Err(error) = restored {
        host.site.shared.set_drained(&id.root, instances.iter().copied(), true);
        return Err(error);
    }
    Ok(host.drains.clear(&marks(id, instances.into_iter()))?)
}

fn marks<'a>(id: &RootId, instances: impl Iterator<Item = &'a RootId>) -> Vec<Drain> {
    instances.map(|instance| Drain { root: id.root.clone(), instance: instance.clone() }).collect()
}

fn each(
    host: &Host,
    id: &RootId,
    draft: &Draft,
    drainers: &[(NodeId, Vec<Provider>)],
    act: impl Fn(&dyn crate::component::Component, &Machine<'_>, &[Provider]) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    for (node, providers) in drainers {
        let breadcrumb = draft.breadcrumb(*node);
        let component = draft.component(*node);
        let component = component
            .ok_or_else(|| fault!(code::NOT_CONFIGURED, "`{breadcrumb}` was not configured"))?;
        let name = format!("{}: {breadcrumb}", id.root);
        if let Some(lock) = &host.lock {
            lock.updating(&name);
        }
        let machine = Machine::new(Probe::new(&host.site, id, breadcrumb));
        let acted = panics::catch(|| act(&**component, &machine, providers));
        if let Some(lock) = &host.lock {
            lock.updated(&name);
        }
        let acted = acted.unwrap_or_else(|panicked| Err(panicked.into()));
        acted.map_err(|error| error.context(format!("in `{breadcrumb}`")))?;
    }
    Ok(())
}
