//! Components that converge on one host for all.

use serde::{Deserialize, Serialize};
use togusa_core::environment::{Environment, Host};
use togusa_core::prelude::*;
use togusa_core::rollout::Rollout;
use togusa_core::testing::Harness;

use crate::root;
use crate::support::problems;

/// Three hosts of which each migrates, and a worker that waits for the migration on its own host.
fn migrating(registry: Registry, change: impl FnOnce(&mut Environment)) -> Harness {
    let mut environment = Environment::new("test", "test");
    for host in ["app1", "app2", "app3"] {
        let root = |host: Host, root| host.with_root(root, Default::default());
        environment = environment.with(root(root(Host::local(host, "~"), "migrate"), "worker"));
    }
    let once = Rollout { once: true, ..Rollout::default() };
    environment.rollouts.insert("migrate".into(), once);
    change(&mut environment);
    Harness::new(registry).environment(environment)
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Migrated {}
impl Resource for Migrated {}

root!(Migrate, |scope| {
    scope.provide(Migrated {});
});

root!(Worker, |scope| {
    let host = scope.host().clone();
    scope.require::<Migrated>().on(host).one()?;
});

fn migrations() -> Registry {
    Registry::new().with::<Migrate>("migrate").with::<Worker>("worker")
}

/// The edges of a model, and who does it for whom.
fn waiting(harness: &Harness) -> (String, String) {
    let model = harness.configure().unwrap();
    let edges = model.graph().edges().iter();
    let edges = edges.map(|edge| format!("{}<{}", edge.then, edge.first)).collect::<Vec<_>>();
    let done = model.roots().filter_map(|root| Some((root, model.done_once(root)?)));
    let done = done.map(|(root, by)| format!("{root} by {by}")).collect::<Vec<_>>();
    (edges.join(" ").replace("migrate@", "m@").replace("worker@", "w@"), done.join(", "))
}

#[test]
fn who_waits_for_a_component_that_converges_once_waits_for_the_host_that_does_it() {
    let (edges, done) = waiting(&migrating(migrations(), |_| {}));
    assert_eq!(edges, "w@app1<m@app1 w@app2<m@app1 w@app3<m@app1 w@app2<m@app2 w@app3<m@app3");
    assert_eq!(done, "migrate@app2 by migrate@app1, migrate@app3 by migrate@app1");

    let (edges, done) = waiting(&migrating(migrations(), |environment| {
        environment.rollouts.clear();
    }));
    assert_eq!(edges, "w@app1<m@app1 w@app2<m@app2 w@app3<m@app3");
    assert_eq!(done, "");
}

#[test]
fn what_is_ignored_neither_does_it_for_others_nor_has_it_done() {
    let ignore_first = |environment: &mut Environment| {
        environment.hosts.get_mut("app1").unwrap().roots[0].ignore = true;
    };
    let (edges, done) = waiting(&migrating(migrations(), ignore_first));
    assert_eq!(edges, "w@app1<m@app1 w@app1<m@app2 w@app2<m@app2 w@app3<m@app2 w@app3<m@app3");
    assert_eq!(done, "migrate@app3 by migrate@app2");

    let (edges, done) = waiting(&migrating(migrations(), |environment| {
        environment.hosts.values_mut().for_each(|host| host.ignore = true);
    }));
    assert_eq!(edges, "w@app1<m@app1 w@app2<m@app2 w@app3<m@app3");
    assert_eq!(done, "");
}

#[test]
fn roots_that_are_left_out_may_wait_for_each_other_as_they_like() {
    #[derive(Clone, Debug, Serialize, Deserialize)]
    struct Turn(u8);
    impl Resource for Turn {}

    // The first waits for the second, that one for the third.
    root!(InTurn, |scope| {
        scope.offer(Turn(0));
        let next = match scope.host().as_str() {
            "app1" => "app2",
            "app2" => "app3",
            _ => return Ok(()),
        };
        scope.require::<Turn>().on(next).one()?;
    });
    let registry = Registry::new().with::<InTurn>("migrate");
    let harness = migrating(registry, |environment| {
        environment.hosts.values_mut().for_each(|host| host.roots.truncate(1));
    });
    assert_eq!(waiting(&harness).0, "m@app1<m@app2 m@app2<m@app3");
}

#[test]
fn a_circle_by_what_converges_once_is_told_as_a_circle() {
    #[derive(Clone, Debug, Serialize, Deserialize)]
    struct Ready {}
    impl Resource for Ready {}

    // Only the first host's migration needs a worker, and that of another host.
    root!(Needy, |scope| {
        scope.provide(Migrated {});
        if scope.host().as_str() == "app1" {
            scope.require::<Ready>().on("app2").one()?;
        }
    });
    root!(ReadyWorker, |scope| {
        let host = scope.host().clone();
        scope.require::<Migrated>().on(host.clone()).one()?;
        match host.as_str() {
            "app2" => scope.provide(Ready {}),
            _ => scope.offer(Ready {}),
        }
    });
    let registry = Registry::new().with::<Needy>("migrate").with::<ReadyWorker>("worker");
    assert_eq!(
        problems(&migrating(registry, |_| {})),
        "roots wait for each other in a circle: `migrate@app1` -[Migrated]-> `worker@app2` \
         -[Ready]-> `migrate@app1`\n  \
         hint: let one of the requirements be `unordered()` or `reversed()`, or split a component"
    );
}
