//! What of a model is rolled, and who must be there for it.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::Model;
use crate::names::RootId;
use crate::rollout;

use super::rollout::Rolled;

/// The rollouts that a run over the selected roots is about.
pub(super) fn rolled(model: &Model, selected: &BTreeSet<RootId>) -> Vec<Rolled> {
    let environment = &model.environment;
    let settings = environment.rollouts.iter().filter(|(_, settings)| !settings.once);
    let settings: Vec<_> = settings.collect();
    if settings.is_empty() {
        return Vec::new();
    }
    let mut all = rollout::instances(environment);
    let is_selected = |name| {
        let of_name = all.get(name).into_iter().flatten();
        of_name.into_iter().any(|id| selected.contains(id))
    };
    let groups: BTreeSet<_> = settings
        .iter()
        .filter(|(name, _)| is_selected(*name))
        .filter_map(|(_, settings)| settings.group.as_ref())
        .collect();
    let counts = |name, group: &Option<String>| {
        is_selected(name) || group.as_ref().is_some_and(|group| groups.contains(group))
    };
    let counted: Vec<_> =
        settings.iter().filter(|(name, settings)| counts(*name, &settings.group)).collect();
    let mut balancers = balancers(model);
    counted
        .into_iter()
        .map(|(name, settings)| {
            let instances = all.remove(*name).unwrap_or_default();
            let of_instances = instances.iter().filter(|id| selected.contains(*id));
            let balancers =
                of_instances.filter_map(|id| Some((id.clone(), balancers.remove(id)?))).collect();
            let instances =
                instances.into_iter().map(|id| (id.clone(), selected.contains(&id))).collect();
            let component = (*name).clone();
            Rolled { component, settings: (*settings).clone(), instances, balancers }
        })
        .collect()
}

/// By root: those that can take it out of use, with their layers.
fn balancers(model: &Model) -> BTreeMap<RootId, BTreeSet<(usize, RootId)>> {
    let layers = model.graph.layers();
    let mut balancers = BTreeMap::<_, BTreeSet<_>>::new();
    for (id, root) in &model.roots {
        if root.ignored || model.done_once(id).is_some() {
            continue;
        }
        for (_, provider) in root.draft.drains.iter().filter(|(_, provider)| provider.root != *id) {
            let layer = layers.get(id).copied().unwrap_or_default();
            balancers.entry(provider.root.clone()).or_default().insert((layer, id.clone()));
        }
    }
    balancers
}

/// The roots that are not selected, and that rollouts count on: other instances, and those that take
/// instances out of use.
pub(super) fn attending(rolled: &[Rolled], selected: &BTreeSet<RootId>) -> BTreeSet<RootId> {
    let roots = rolled.iter().flat_map(|rolled| {
        let balancers = rolled.balancers.values().flatten().map(|(_, id)| id);
        rolled.instances.keys().chain(balancers)
    });
    roots.filter(|id| !selected.contains(*id)).cloned().collect()
}
