//! What holds of every rollout: random worlds are deployed to, with failures, and after being killed.

mod random;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;

use crate::event::{Event, Outcome};
use crate::names::RootId;
use crate::problem::code;
use crate::rollout::{Amount, Rollout};

use super::forecast::Forecast;
use super::rollout::Rolled;
use random::{Seed, any_seed};
use world::{Run, World};

const FOR_EVER: usize = usize::MAX;

fn config() -> ProptestConfig {
    // A failure is told with the smallest world that shows it; no file of seeds is kept.
    ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() }
}

fn run(world: &mut World, most: usize, stop: Option<usize>) -> Result<Run, TestCaseError> {
    world.run(most, stop).map_err(TestCaseError::fail)
}

fn outcomes(run: &Run, world: &World) -> Result<(), TestCaseError> {
    let ended: BTreeSet<_> = run.ends.keys().collect();
    prop_assert_eq!(ended, world.roots.iter().collect::<BTreeSet<_>>());
    Ok(())
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_rollout_that_goes_well_reaches_every_instance(seed in any_seed()) {
        let mut world = seed.sound();
        let stale: BTreeSet<_> = world.stale.clone();
        let run = run(&mut world, FOR_EVER, None)?;
        outcomes(&run, &world)?;
        for (root, outcome) in &run.ends {
            prop_assert_eq!(outcome, &Outcome::Converged, "{}", root);
        }
        prop_assert!(world.stale.is_empty() && world.rolling.is_empty());
        prop_assert!(world.drained.values().all(BTreeSet::is_empty), "{:?}", world.drained);
        let in_batches: Vec<_> = run.batches.iter().flat_map(|(_, _, members, _)| members).collect();
        let rolled = |id: &&RootId| world.rolled.iter().any(|it| it.instances.contains_key(*id));
        prop_assert_eq!(in_batches.len(), stale.iter().filter(rolled).count());
        for (component, number, members, _) in &run.batches {
            let rolled = world.rolled.iter().find(|it| it.component.as_str() == component).unwrap();
            let most = rolled.settings.batch_size(number - 1, rolled.instances.len());
            prop_assert!(members.len() <= most, "{} of {}: {:?}", number, component, members);
        }
    }

    #[test]
    fn a_run_without_changes_takes_nothing(seed in any_seed()) {
        let mut world = seed.sound();
        world.stale.clear();
        let run = run(&mut world, FOR_EVER, None)?;
        prop_assert_eq!((run.drains, run.batches.len()), (0, 0));
        prop_assert!(run.ends.values().all(|outcome| *outcome == Outcome::Converged));
    }

    #[test]
    fn whatever_fails_every_root_is_accounted_for_and_what_serves_is_in_use(seed in any_seed()) {
        let mut world = seed.faulty();
        let run = run(&mut world, FOR_EVER, None)?;
        outcomes(&run, &world)?;
        for (balancer, out) in &world.drained {
            for id in out {
                let serves = !world.broken.contains(id) && !world.unreachable.contains(&id.host);
                prop_assert!(
                    !serves || world.unreachable.contains(&balancer.host),
                    "{} serves and is out of use on {}", id, balancer
                );
            }
        }
        // Nobody is said to be done who is not.
        for (root, outcome) in &run.ends {
            if *outcome == Outcome::Converged {
                prop_assert!(!world.stale.contains(root) && !world.rolling.contains(root), "{root}");
                let is_rolled = world.rolled.iter().any(|it| it.instances.contains_key(root));
                prop_assert!(!is_rolled || !world.breaking.contains(root) || !world.broken.contains(root)
                    || !run.batches.iter().any(|(_, _, members, _)| members.contains(root)), "{root}");
            }
        }
    }

    #[test]
    fn a_rollout_that_was_killed_is_ended_by_the_next_run(
        seed in any_seed(),
        after in 0..300_usize,
        reverts in any::<bool>(),
    ) {
        let mut world = seed.faulty();
        run(&mut world, after, None)?;
        // Whoever deploys mends what is broken.
        world.failing.clear();
        world.breaking.clear();
        world.refusing.clear();
        world.unreachable.clear();
        // What is down and waits for the last one that is up would stay so.
        let waits = world.waits_within();
        if reverts {
            // What was not changed yet is not to be changed after all.
            world.stale.clear();
        }
        world.broken.retain(|id| !waits && world.stale.contains(id));
        let run = run(&mut world, FOR_EVER, None)?;
        for (root, outcome) in &run.ends {
            prop_assert_eq!(outcome, &Outcome::Converged, "{}", root);
        }
        prop_assert!(world.rolling.is_empty(), "{:?}", world.rolling);
        prop_assert!(world.drained.values().all(BTreeSet::is_empty), "{:?}", world.drained);
    }

    #[test]
    fn a_rollout_that_is_stopped_leaves_nothing_out_of_use_that_serves(
        seed in any_seed(),
        stop in 1..200_usize,
    ) {
        let mut world = seed.sound();
        let run = run(&mut world, FOR_EVER, Some(stop))?;
        outcomes(&run, &world)?;
        for id in world.drained.values().flatten() {
            prop_assert!(world.broken.contains(id), "{} serves and is out of use", id);
        }
    }

    #[test]
    fn a_forecast_is_what_comes(seed in any_seed()) {
        let mut world = seed.sound();
        // Whose turn it is when others are waited for, or counted with, is a matter of time.
        world.edges.clear();
        for rolled in world.rolled.iter_mut().filter(|rolled| rolled.settings.group.is_some()) {
            rolled.settings.group = None;
            rolled.settings.minimum_up = Some(Amount::Count(0));
        }
        world.delays = vec![1];
        let forecast = Forecast {
            graph: &world.graph(),
            selected: world.graph().order().to_vec(),
            rolled: world.rolled.clone(),
            changing: &world.stale,
            left: &BTreeMap::new(),
        };
        let event = forecast.event();
        let planned = match event {
            Some(Event::RolloutPlanned { waves, .. }) => waves,
            _ => Vec::new(),
        };
        let run = run(&mut world, FOR_EVER, None)?;
        let planned: BTreeSet<_> = planned.into_iter().flatten().map(|batch| {
            (batch.component.to_string(), batch.number, batch.roots)
        }).collect();
        let came: BTreeSet<_> = run.batches.into_iter().map(|(component, number, roots, _)| {
            (component, number, roots.into_iter().collect())
        }).collect();
        prop_assert_eq!(planned, came);
    }
}

/// One component on so many hosts before a balancer, all of it stale.
fn fleet(hosts: usize, settings: Rollout) -> World {
    let app = |number: usize| RootId::new(format!("app{number:04}"), "app");
    let balancer = RootId::new("lb", "lb");
    let instances: BTreeMap<_, _> = (1..=hosts).map(|number| (app(number), true)).collect();
    let balancers = instances.keys().map(|id| (id.clone(), [(1, balancer.clone())].into()));
    let rolled = Rolled {
        component: "app".into(),
        settings,
        balancers: balancers.collect(),
        instances: instances.clone(),
    };
    let mut roots: Vec<_> = instances.into_keys().collect();
    let stale = roots.iter().cloned().collect();
    roots.push(balancer);
    World {
        edges: (0..hosts).map(|place| (place, hosts)).collect(),
        roots,
        rolled: vec![rolled],
        stale,
        delays: vec![3, 5, 1],
        confirms: true,
        ..World::default()
    }
}

fn quarters() -> Rollout {
    Rollout {
        batch: vec![Amount::Count(1), Amount::Percent(25)],
        minimum_up: Some(Amount::Percent(75)),
        ..Rollout::default()
    }
}

fn ids(numbers: &[usize]) -> BTreeSet<RootId> {
    numbers.iter().map(|number| RootId::new(format!("app{number:04}"), "app")).collect()
}

#[test]
fn a_thousand_hosts_take_as_many_waves_as_the_settings_say() {
    let mut world = fleet(1000, quarters());
    let run = world.run(FOR_EVER, None).unwrap();
    let sizes: Vec<_> = run.batches.iter().map(|(_, _, members, _)| members.len()).collect();
    assert_eq!(sizes, [1, 250, 250, 250, 249]);
    // One call takes a whole batch out of use.
    assert_eq!(run.drains, 5);
    assert!(run.ends.values().all(|outcome| *outcome == Outcome::Converged));
    // Each batch is healthy for the time to settle before the next begins.
    for pair in run.batches.windows(2) {
        assert!(pair[1].3 - pair[0].3 >= Duration::from_secs(10), "{pair:?}");
    }
}

#[test]
fn a_version_that_never_becomes_healthy_stops_at_the_canary() {
    let mut world = fleet(4, quarters());
    world.breaking = world.stale.clone();
    let run = world.run(FOR_EVER, None).unwrap();
    assert_eq!(run.batches.len(), 1);
    let of = |number| run.ends[&RootId::new(format!("app{number:04}"), "app")].clone();
    assert_eq!(of(1), Outcome::Failed);
    assert_eq!([of(2), of(3), of(4)], [const { Outcome::NotReached }; 3]);
    let balancer = RootId::new("lb", "lb");
    assert!(matches!(run.ends[&balancer], Outcome::DependencyFailed { .. }));
    assert_eq!(world.drained[&balancer], ids(&[1]));
    let Event::RolloutFinished { stopped: Some(stopped), failed, .. } = &run.finished[0] else {
        panic!("{:?}", run.finished)
    };
    assert_eq!((stopped.code, failed.len()), (code::ROLLOUT_STOPPED, 1));

    // The next version is tried where the last one failed, and what is down takes nobody away.
    world.breaking.clear();
    world.stale = world.rolled[0].instances.keys().cloned().collect();
    let run = world.run(FOR_EVER, None).unwrap();
    let first = run.batches.iter().map(|(_, _, members, _)| members.clone()).next();
    assert_eq!(first, Some(ids(&[1])));
    assert!(run.ends.values().all(|outcome| *outcome == Outcome::Converged));
    assert!(world.drained[&balancer].is_empty());
}

#[test]
fn so_many_may_fail_as_is_allowed() {
    let mut world = fleet(
        8,
        Rollout {
            max_failed: Amount::Percent(25),
            minimum_up: Some(Amount::Percent(50)),
            ..quarters()
        },
    );
    world.breaking = ids(&[1, 3]);
    let run = world.run(FOR_EVER, None).unwrap();
    let failed = run.ends.iter().filter(|(_, outcome)| **outcome == Outcome::Failed);
    assert_eq!(failed.map(|(id, _)| id.clone()).collect::<BTreeSet<_>>(), ids(&[1, 3]));
    let done = run.ends.values().filter(|outcome| **outcome == Outcome::Converged);
    assert_eq!(done.count(), 6);
}

#[test]
fn an_instance_that_is_down_counts_as_down() {
    // Two of four are down and not to be changed: to take a third would leave one.
    let mut world = fleet(4, Rollout { minimum_up: Some(Amount::Count(2)), ..Rollout::default() });
    world.broken = ids(&[1, 2]);
    world.stale = ids(&[3, 4]);
    let run = world.run(FOR_EVER, None).unwrap();
    assert!(run.batches.is_empty() && run.drains == 0);
    let Event::RolloutFinished { stopped: Some(stopped), not_reached, .. } = &run.finished[0]
    else {
        panic!("{:?}", run.finished)
    };
    assert_eq!((stopped.code, not_reached.len()), (code::TOO_FEW_UP, 2));
    assert!(stopped.message.contains("`app@app0001`, `app@app0002`"), "{stopped}");

    // What is down and is to be changed is taken first, as that takes nobody away.
    world.stale = ids(&[1, 2, 3, 4]);
    let run = world.run(FOR_EVER, None).unwrap();
    let order: Vec<_> = run.batches.iter().map(|(_, _, members, _)| members.clone()).collect();
    assert_eq!(order, [ids(&[1]), ids(&[2]), ids(&[3]), ids(&[4])]);
}

#[test]
fn a_canary_is_confirmed_or_the_rollout_ends_there() {
    let mut world = fleet(4, Rollout { confirm: true, ..quarters() });
    let run = world.run(FOR_EVER, None).unwrap();
    assert_eq!((run.questions, run.batches.len()), (1, 4));

    let mut world = fleet(4, Rollout { confirm: true, ..quarters() });
    world.confirms = false;
    let run = world.run(FOR_EVER, None).unwrap();
    assert_eq!((run.questions, run.batches.len()), (1, 1));
    let reached = run.ends.values().filter(|outcome| **outcome == Outcome::NotReached);
    assert_eq!(reached.count(), 3);
    assert!(world.drained.values().all(BTreeSet::is_empty));
}

#[test]
fn a_balancer_that_refuses_leaves_everything_as_it_was() {
    let mut world = fleet(4, quarters());
    world.refusing = [RootId::new("lb", "lb")].into();
    let run = world.run(FOR_EVER, None).unwrap();
    assert_eq!(world.stale.len(), 4);
    assert!(world.drained.values().all(BTreeSet::is_empty), "{:?}", world.drained);
    let Event::RolloutFinished { stopped: Some(stopped), .. } = &run.finished[0] else {
        panic!("{:?}", run.finished)
    };
    assert_eq!(stopped.code, code::NOT_DRAINED);

    let mut world = fleet(4, quarters());
    world.unreachable = ["lb".into()].into();
    let run = world.run(FOR_EVER, None).unwrap();
    assert_eq!((world.stale.len(), run.drains, run.batches.len()), (4, 0, 0));
}

#[test]
fn seeds_make_worlds_with_all_that_can_go_wrong() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut batches, mut several, mut stopped) = (0, 0, 0);
    for _ in 0..100 {
        let seed: Seed = any_seed().new_tree(&mut runner).unwrap().current();
        let mut world = seed.faulty();
        let run = world.run(FOR_EVER, None).unwrap();
        batches += run.batches.len();
        several += usize::from(run.batches.iter().any(|(_, _, members, _)| members.len() > 1));
        stopped += usize::from(run.ends.values().any(|outcome| *outcome == Outcome::NotReached));
    }
    assert!(batches > 100 && several > 10 && stopped > 10, "{batches} {several} {stopped}");
}
