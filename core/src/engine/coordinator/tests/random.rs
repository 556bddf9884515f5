//! Random worlds.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::prelude::*;

use crate::names::RootId;
use crate::rollout::{Amount, Rollout};

use super::super::rollout::Rolled;
use super::world::World;

/// How many hosts there are at most.
const HOSTS: usize = 7;
/// How many components there are, beside balancers.
const COMPONENTS: usize = 3;

/// What a world is made from.
#[derive(Clone, Debug)]
pub(super) struct Seed {
    hosts: usize,
    balancers: usize,
    rollouts: Vec<Option<Rollout>>,
    /// Which component is on which host.
    placed: Vec<bool>,
    /// Pairs of roots, by their places modulo how many there are.
    edges: Vec<(usize, usize)>,
    stale: Vec<bool>,
    faults: Vec<u8>,
    delays: Vec<u64>,
}

fn any_amount(most: usize) -> impl Strategy<Value = Amount> {
    prop_oneof![(1..=most).prop_map(Amount::Count), (1..=100_u8).prop_map(Amount::Percent)]
}

fn any_rollout() -> impl Strategy<Value = Rollout> {
    let group = prop_oneof![3 => Just(None), 1 => Just(Some("front".to_owned()))];
    let batch = proptest::collection::vec(any_amount(HOSTS), 1..3);
    let minimum = proptest::option::of((0..HOSTS).prop_map(Amount::Count));
    let settle = prop_oneof![Just(0_u64), Just(2000)];
    (batch, minimum, 0..3_usize, settle, any::<bool>(), group).prop_map(
        |(batch, minimum_up, max_failed, settle, confirm, group)| Rollout {
            batch,
            minimum_up,
            max_failed: Amount::Count(max_failed),
            settle: Duration::from_millis(settle),
            timeout: Duration::from_secs(5),
            confirm,
            group,
            ..Rollout::default()
        },
    )
}

pub(super) fn any_seed() -> impl Strategy<Value = Seed> {
    let rollouts = proptest::collection::vec(
        prop_oneof![1 => Just(None), 3 => any_rollout().prop_map(Some)],
        COMPONENTS,
    );
    let bits = |count| proptest::collection::vec(any::<bool>(), count);
    let most = HOSTS * COMPONENTS + 2;
    (
        1..=HOSTS,
        0..3_usize,
        rollouts,
        bits(HOSTS * COMPONENTS),
        proptest::collection::vec((0..most, 0..most), 0..12),
        bits(most),
        proptest::collection::vec(0..12_u8, most),
        proptest::collection::vec(1..400_u64, 1..6),
    )
        .prop_map(|(hosts, balancers, rollouts, placed, edges, stale, faults, delays)| Seed {
            hosts,
            balancers,
            rollouts,
            placed,
            edges,
            stale,
            faults,
            delays,
        })
}

impl Seed {
    /// A world in which nothing goes wrong: batches leave as many up as must be, as is checked when an
    /// environment is loaded.
    pub(super) fn sound(&self) -> World {
        let components = ["a", "b", "c"];
        let mut roots = Vec::new();
        for host in 0..self.hosts {
            for (place, component) in components.iter().enumerate() {
                if self.placed[host * COMPONENTS + place] {
                    roots.push(RootId::new(format!("h{host}"), *component));
                }
            }
        }
        let balancers: Vec<_> =
            (0..self.balancers).map(|number| RootId::new(format!("lb{number}"), "lb")).collect();
        let mut edges = BTreeSet::new();
        for (first, then) in &self.edges {
            if roots.is_empty() {
                break;
            }
            let (first, then) = (first % roots.len(), then % roots.len());
            // All go one way, so that there is no circle.
            if first != then {
                edges.insert((first.min(then), first.max(then)));
            }
        }
        let inner = roots.len();
        roots.extend(balancers.iter().cloned());
        edges.extend((0..inner).flat_map(|place| (inner..roots.len()).map(move |lb| (place, lb))));
        let mut rolled: Vec<_> = components
            .iter()
            .zip(&self.rollouts)
            .filter_map(|(component, settings)| {
                let of_component = roots.iter().filter(|id| id.root.as_str() == *component);
                let instances: BTreeMap<_, _> = of_component.map(|id| (id.clone(), true)).collect();
                let settings = settings.clone()?;
                let out = balancers.iter().enumerate().map(|(layer, id)| (layer, id.clone()));
                let out: BTreeSet<_> = out.collect();
                let balancers = instances.keys().map(|id| (id.clone(), out.clone())).collect();
                let component = (*component).into();
                (!instances.is_empty()).then_some(Rolled {
                    component,
                    settings,
                    balancers,
                    instances,
                })
            })
            .collect();
        agree(&mut rolled);
        let stale = roots.iter().zip(&self.stale).filter(|(_, stale)| **stale);
        World {
            stale: stale.map(|(id, _)| id.clone()).collect(),
            edges,
            rolled,
            roots,
            delays: self.delays.clone(),
            confirms: true,
            ..World::default()
        }
    }

    /// A world in which all sorts of things go wrong.
    pub(super) fn faulty(&self) -> World {
        let mut world = self.sound();
        for (id, fault) in world.roots.iter().zip(&self.faults) {
            let id = id.clone();
            match fault {
                0 => drop(world.failing.insert(id)),
                1 => drop(world.breaking.insert(id)),
                2 => drop(world.broken.insert(id)),
                3 => drop(world.unreachable.insert(id.host)),
                4 if id.root.as_str() == "lb" => drop(world.refusing.insert(id)),
                _ => {}
            }
        }
        world
    }
}

/// Has groups agree on `minimum_up`, and lowers it to what the batches leave.
fn agree(rolled: &mut [Rolled]) {
    let grouped = |rolled: &Rolled| rolled.settings.group.is_some();
    let all: usize = rolled.iter().filter(|it| grouped(it)).map(|it| it.instances.len()).sum();
    let largest = |rolled: &Rolled| {
        let own = rolled.instances.len();
        let sizes = (0..rolled.settings.batch.len()).map(|it| rolled.settings.batch_size(it, own));
        sizes.max().unwrap_or(1).min(own)
    };
    let most = rolled.iter().filter(|it| grouped(it)).map(largest).max().unwrap_or_default();
    let of_group = rolled.iter().find(|it| grouped(it)).and_then(|it| it.settings.minimum_up);
    for rolled in rolled {
        let (all, most, wanted) = match grouped(rolled) {
            true => (all, most, of_group),
            false => (rolled.instances.len(), largest(rolled), rolled.settings.minimum_up),
        };
        let wanted = wanted.map_or(1, |wanted| wanted.at_least(all));
        rolled.settings.minimum_up = Some(Amount::Count(wanted.min(all - most)));
    }
}
