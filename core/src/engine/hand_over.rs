//! What each host is handed: all that its own roots need, and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::host::boot;
use crate::model::Model;
use crate::names::{HostName, RootId};
use crate::protocol::HandOver;

use super::Options;

/// Collects what a host gets for the selected roots.
pub(super) fn hand_over(
    model: &Model,
    host: &HostName,
    selected: &BTreeSet<RootId>,
    homes: &BTreeMap<HostName, String>,
    options: &Options,
) -> HandOver {
    let environment = &model.environment;
    let mut its_host = environment.hosts[host].clone();
    let all_roots = its_host.roots.iter().map(|root| root.name.clone()).collect();
    its_host.roots.retain(|root| selected.contains(&RootId::new(host.clone(), root.name.clone())));
    if let Some(jobs) = options.jobs {
        its_host.jobs = jobs;
    }
    let mut answers = Vec::new();
    let mut answered = BTreeSet::new();
    let mut assets = BTreeMap::new();
    let mut trees = BTreeMap::new();
    let mut digests = BTreeMap::new();
    let mut names = BTreeSet::new();
    for id in selected.iter().filter(|id| id.host == *host) {
        let root = &model.roots[id];
        let draft = &root.draft;
        for requirement in &draft.required {
            // The order in which a root provided its values is kept, and equal ones are kept apart.
            let values = model.answers.get(&requirement.query);
            let new = values.filter(|value| answered.insert(Arc::as_ptr(value)));
            answers.extend(new.map(|value| value.to_wire()));
        }
        assets.extend(draft.assets.iter().map(|(name, asset)| (name, asset.clone())));
        trees.extend(draft.trees.iter().map(|(name, tree)| (name.clone(), tree.clone())));
        names.extend(draft.listens.iter().map(|(_, address)| address.host.clone()));
        let breadcrumbs = draft.nodes.iter().map(|node| node.breadcrumb.clone());
        let of_root = breadcrumbs.zip(root.digests.iter().copied()).collect();
        digests.insert(id.root.clone(), of_root);
    }
    let needed = needed_homes(model, host, selected);
    let homes = homes.iter().filter(|(name, _)| needed.contains(*name));
    let addresses = options.addresses.iter().filter(|(name, _)| names.contains(*name));
    HandOver {
        mode: options.mode,
        project: environment.project.clone(),
        environment: environment.name.clone(),
        deployment: options.deployment.clone(),
        coordinator_boot: boot(),
        back: None,
        host: its_host,
        all_roots,
        attending: BTreeSet::new(),
        wait: options.wait,
        answers,
        homes: homes.map(|(name, home)| (name.clone(), home.clone())).collect(),
        addresses: addresses.map(|(name, address)| (name.clone(), address.clone())).collect(),
        assets: assets.into_values().collect(),
        trees,
        key: model.key.clone(),
        digests,
    }
}

/// The hosts of which paths may be among what a host requires.
pub(super) fn needed_homes(
    model: &Model,
    host: &HostName,
    selected: &BTreeSet<RootId>,
) -> BTreeSet<HostName> {
    let roots = selected.iter().filter(|id| id.host == *host).map(|id| &model.roots[id]);
    let queries = roots.flat_map(|root| root.draft.required.iter().map(|asked| &asked.query));
    let values = queries.flat_map(|query| model.answers.get(query));
    values.flat_map(|value| hosts_of_paths(&value.json).map(HostName::from)).collect()
}

/// The hosts of the paths below a home in a value: a path is written as its host and its path.
fn hosts_of_paths(json: &str) -> impl Iterator<Item = &str> {
    json.match_indices(r#"","path":"~"#).filter_map(|(end, _)| {
        let start = json[..end].rfind(r#"{"host":""#)? + r#"{"host":""#.len();
        Some(&json[start..end])
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::HostPath;

    #[test]
    fn the_hosts_of_paths_in_a_value_are_found() {
        let path = |host: &str, path: &str| HostPath::new(&host.into(), path);
        let value = (path("db1", "~/data"), "x", [path("db2", "/srv"), path("db3", "~")]);
        let json = serde_json::to_string(&value).unwrap();
        assert_eq!(hosts_of_paths(&json).collect::<Vec<_>>(), ["db1", "db3"]);
    }
}
