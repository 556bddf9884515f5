//! Random models as plain data, and what must hold of them, worked out by brute force.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::sample::subsequence;
use togusa_core::assets::ProjectAssets;
use togusa_core::environment::{Environment, Host};
use togusa_core::model::{self, Model};
use togusa_core::names::RootId;
use togusa_core::prelude::*;
use togusa_core::problem::Problems;
use togusa_core::value::{Table, Value};

use crate::node::{How, KINDS, Need, Node};

/// How many hosts there can be.
pub const HOSTS: usize = 4;

/// A component of the registry: what it does, and the hosts that have it.
#[derive(Clone, Debug)]
pub struct Spec {
    pub name: String,
    pub kind: usize,
    pub hosts: Vec<usize>,
    pub needs: Vec<Need>,
    pub provides_first: bool,
}

/// Random roots that require anything, in circles too; `how` draws how.
pub fn any_specs(
    how: impl Strategy<Value = How> + Clone + 'static,
) -> impl Strategy<Value = Vec<Spec>> {
    let needs = proptest::collection::vec((0..KINDS, how), 0..4);
    let hosts = subsequence((0..HOSTS).collect::<Vec<_>>(), 1..=HOSTS);
    let spec = (0..KINDS, hosts, needs, any::<bool>());
    proptest::collection::vec(spec, 1..12).prop_map(|specs| {
        let numbered = specs.into_iter().enumerate();
        let specs = numbered.map(|(number, (kind, hosts, needs, provides_first))| {
            let needs: BTreeSet<_> =
                needs.into_iter().map(|(kind, how)| Need { kind, how }).collect();
            let needs = needs.into_iter().collect();
            Spec { name: format!("n{number}"), kind, hosts, needs, provides_first }
        });
        specs.collect()
    })
}

/// Random roots whose order has no circle and whose requirements are met: what comes first is of a
/// lower kind.
pub fn sound_specs() -> impl Strategy<Value = Vec<Spec>> {
    let how = prop_oneof![
        4 => Just(How::All),
        2 => (0..HOSTS).prop_map(How::On),
        1 => Just(How::Reversed),
        1 => Just(How::Unordered),
        1 => Just(How::Optional),
    ];
    any_specs(how).prop_map(|mut specs| {
        let there: BTreeSet<(usize, usize)> = specs
            .iter()
            .flat_map(|spec| spec.hosts.iter().map(move |host| (spec.kind, *host)))
            .collect();
        for spec in &mut specs {
            let kind = spec.kind;
            spec.needs.retain(|need| {
                let met = match need.how {
                    How::On(host) => there.contains(&(need.kind, host)),
                    How::Optional => true,
                    _ => there.iter().any(|(kind, _)| *kind == need.kind),
                };
                met && match need.how {
                    How::Reversed => need.kind > kind,
                    How::Unordered => true,
                    _ => need.kind < kind,
                }
            });
            // Who knows another without an order must not wait for it either.
            spec.provides_first |=
                spec.needs.iter().any(|need| matches!(need.how, How::Reversed | How::Unordered));
        }
        specs
    })
}

/// The environment and the registry of the specs, declared in the order given.
pub fn declare(specs: &[Spec], hosts: &[usize]) -> (Registry, Environment) {
    let registry = specs
        .iter()
        .fold(Registry::new(), |registry, spec| registry.with::<Node>(spec.name.as_str()));
    let environment = hosts.iter().fold(Environment::new("p", "e"), |environment, host| {
        let roots = specs.iter().filter(|spec| spec.hosts.contains(host));
        let empty = Host::local(format!("h{host}"), "~/target");
        environment.with(roots.fold(empty, |host, spec| host.with_root(&*spec.name, table(spec))))
    });
    (registry, environment)
}

fn table(spec: &Spec) -> Table {
    let needs = spec.needs.iter().map(|need| need.to_string().into()).collect::<Vec<Value>>();
    let mut table = Table::default();
    table.insert("requires", needs);
    table.insert("provides", vec![Value::from(spec.kind as i64)]);
    table.insert("provides_first", spec.provides_first);
    table
}

/// Configures the specs, declared in the order given.
pub fn configure(specs: &[Spec], hosts: &[usize]) -> Result<Model, Problems> {
    let (registry, environment) = declare(specs, hosts);
    model::configure(&registry, &environment, &ProjectAssets::new("."))
}

/// All roots: each spec on each of its hosts.
pub fn roots(specs: &[Spec]) -> Vec<(RootId, &Spec)> {
    let roots = specs.iter().flat_map(|spec| {
        let ids = spec.hosts.iter().map(|host| RootId::new(format!("h{host}"), &*spec.name));
        ids.map(move |id| (id, spec))
    });
    roots.collect()
}

/// The roots that answer a requirement, if all of them provide.
pub fn answering<'a>(
    roots: &'a [(RootId, &Spec)],
    need: &'a Need,
) -> impl Iterator<Item = &'a RootId> {
    let of_kind = roots.iter().filter(|(_, spec)| spec.kind == need.kind).map(|(id, _)| id);
    of_kind.filter(|id| match need.how {
        How::On(host) => id.host.as_str() == format!("h{host}"),
        _ => true,
    })
}

/// Who must come before whom, if all provide.
pub fn edges(specs: &[Spec]) -> BTreeSet<(RootId, RootId)> {
    let roots = roots(specs);
    let mut edges = BTreeSet::new();
    for (id, spec) in &roots {
        for need in &spec.needs {
            for other in answering(&roots, need).filter(|other| *other != id) {
                match need.how {
                    How::Unordered => false,
                    How::Reversed => edges.insert((id.clone(), other.clone())),
                    _ => edges.insert((other.clone(), id.clone())),
                };
            }
        }
    }
    edges
}

/// The roots that can be reached from each along the edges.
pub fn reachable(edges: &BTreeSet<(RootId, RootId)>) -> BTreeMap<&RootId, BTreeSet<&RootId>> {
    let mut reachable = BTreeMap::<_, BTreeSet<_>>::new();
    for (first, then) in edges {
        reachable.entry(first).or_default().insert(then);
    }
    loop {
        let mut grown = false;
        for first in reachable.keys().copied().collect::<Vec<_>>() {
            let next: BTreeSet<_> = reachable[first]
                .iter()
                .filter_map(|then| reachable.get(then))
                .flatten()
                .copied()
                .collect();
            let known = reachable.entry(first).or_default();
            let before = known.len();
            known.extend(next);
            grown |= known.len() > before;
        }
        if !grown {
            return reachable;
        }
    }
}
