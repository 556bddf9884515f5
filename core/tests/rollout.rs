//! Rollouts over real agents: instances are drained, changed, watched and put back.

mod support;

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use support::Text;
use togusa_core::engine::Options;
use togusa_core::event::{Event, Mode, Outcome};
use togusa_core::interrupt::Interrupt;
use togusa_core::names::RootId;
use togusa_core::prelude::*;
use togusa_core::problem::code;
use togusa_core::rollout::{Amount, Rollout};
use togusa_core::testing::{Harness, Run};

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Backend {
    name: String,
}

impl Resource for Backend {}

/// Serves whatever its version is, unless that is `bad`.
#[derive(Debug, Attributes)]
struct App {
    #[attribute(default = "v1")]
    version: String,
}

impl Component for App {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        scope.add(Text::new("version", self.version.as_str()));
        let name = scope.host().to_string();
        scope.offer(Backend { name });
        Ok(())
    }

    fn healthy(&self, probe: &Probe<'_>) -> Result {
        let version = probe.read_to_string(&HostPath::new(&probe.host().name, "~/version"))?;
        ensure!(version != "bad", "it serves nothing");
        Ok(())
    }
}

/// A balancer: `~/pool` has the names of all that are in use, `~/history` each pool that there was.
#[derive(Debug, Attributes)]
struct Balancer {
    /// Refuses to drain.
    #[attribute(default = false)]
    broken: bool,
}

impl Component for Balancer {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let backends = scope.require::<Backend>().optional().all()?;
        let backends: Vec<_> = backends
            .into_iter()
            .map(|backend| (backend.provider().clone(), backend.name.clone()))
            .collect();
        scope.add(Pool { backends, broken: self.broken });
        Ok(())
    }
}

#[derive(Debug)]
struct Pool {
    backends: Vec<(Provider, String)>,
    broken: bool,
}

impl Pool {
    fn wanted(&self, probe: &Probe<'_>) -> String {
        let in_use = self.backends.iter().filter(|(provider, _)| !probe.drained(provider));
        in_use.map(|(_, name)| format!("{name}\n")).collect()
    }

    fn write(&self, machine: &Machine<'_>, pool: &str) -> Result {
        let path = |name| HostPath::new(&machine.host().name, name);
        machine.write(&path("~/pool"), pool, &Default::default())?;
        let history = match machine.entry(&path("~/history"))? {
            Some(_) => machine.read_to_string(&path("~/history"))?,
            None => String::new(),
        };
        let names: Vec<_> = pool.lines().collect();
        let history = format!("{history}{}\n", names.join(" "));
        machine.write(&path("~/history"), &history, &Default::default())
    }

    fn present(&self, probe: &Probe<'_>) -> Result<Option<String>> {
        let path = HostPath::new(&probe.host().name, "~/pool");
        probe.entry(&path)?.map(|_| probe.read_to_string(&path)).transpose()
    }
}

impl Component for Pool {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        self.backends.iter().for_each(|(provider, _)| scope.drains(provider));
        Ok(())
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        let (present, wanted) = (self.present(probe)?.unwrap_or_default(), self.wanted(probe));
        Ok(Verdict::expect(present == wanted, Change::text(&present, &wanted)))
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        self.write(machine, &self.wanted(machine))
    }

    fn drain(&self, machine: &Machine<'_>, provided: &[Provider]) -> Result {
        ensure!(!self.broken, "the balancer does not answer");
        let out: Vec<_> = self.backends.iter().filter(|(it, _)| provided.contains(it)).collect();
        let present = self.present(machine)?.context("there is no pool")?;
        let left = present.lines().filter(|line| !out.iter().any(|(_, name)| name == line));
        let left: String = left.map(|line| format!("{line}\n")).collect();
        self.write(machine, &left)
    }

    fn restore(&self, machine: &Machine<'_>, provided: &[Provider]) -> Result {
        let back = self.backends.iter().filter(|(it, _)| provided.contains(it));
        let present = self.present(machine)?.unwrap_or_default();
        let mut names: BTreeSet<_> = present.lines().map(str::to_owned).collect();
        names.extend(back.map(|(_, name)| name.clone()));
        let pool: String = names.into_iter().map(|name| format!("{name}\n")).collect();
        self.write(machine, &pool)
    }
}

fn settings() -> Rollout {
    Rollout {
        settle: Duration::from_millis(200),
        timeout: Duration::from_secs(1),
        minimum_up: Some(Amount::Count(2)),
        ..Rollout::default()
    }
}

fn registry() -> Registry {
    Registry::new().with::<App>("app").with::<Balancer>("lb")
}

fn three() -> Harness {
    Harness::new(registry())
        .host("app1", ["app"])
        .host("app2", ["app"])
        .host("app3", ["app"])
        .host("lb1", ["lb"])
        .rollout("app", settings())
}

fn version(harness: Harness, version: &str) -> Harness {
    ["app1", "app2", "app3"]
        .into_iter()
        .fold(harness, |harness, host| harness.set(host, "app", "version", version))
}

fn history(harness: &Harness) -> Vec<String> {
    harness.read("lb1", "~/history").lines().map(str::to_owned).collect()
}

fn batches(run: &Run) -> Vec<(usize, Vec<String>)> {
    let batches = run.events.iter().filter_map(|event| match event {
        Event::RolloutBatch { number, roots, .. } => {
            Some((*number, roots.iter().map(|id| id.host.to_string()).collect()))
        }
        _ => None,
    });
    batches.collect()
}

fn one_by_one() -> Vec<(usize, Vec<String>)> {
    (1..=3).map(|number| (number, vec![format!("app{number}")])).collect()
}

#[test]
fn a_balancer_that_never_converged_is_asked_for_nothing() {
    let harness = three();
    let run = harness.assert_converges();
    assert_eq!(batches(&run), one_by_one());
    assert!(!run.events.iter().any(|event| matches!(event, Event::Drained { .. })));
    assert_eq!(history(&harness), ["app1 app2 app3"]);
}

#[test]
fn instances_are_drained_changed_and_put_back_one_after_the_other() {
    let harness = three();
    harness.assert_converges();
    let harness = version(harness, "v2");
    let run = harness.assert_converges();
    assert_eq!(batches(&run), one_by_one());
    let expected = [
        "app1 app2 app3",
        "app2 app3",
        "app1 app2 app3",
        "app1 app3",
        "app1 app2 app3",
        "app1 app2",
        "app1 app2 app3",
    ];
    assert_eq!(history(&harness), expected);

    // Nothing more is to be done, so that nothing is taken out of use.
    let run = harness.assert_unchanged();
    assert!(batches(&run).is_empty());
    assert_eq!(history(&harness), expected);
}

#[test]
fn a_bad_version_stops_at_the_first_and_the_next_one_starts_there() {
    let harness = three();
    harness.assert_converges();
    let harness = version(harness, "bad");
    let run = harness.deploy();
    assert!(!run.summary.is_success());
    let outcome = |run: &Run, host: &str, root: &str| {
        let id = togusa_core::event::RootIdKey(RootId::new(host, root));
        run.summary.roots[&id].outcome.clone()
    };
    assert_eq!(outcome(&run, "app1", "app"), Outcome::Failed);
    assert_eq!(outcome(&run, "app2", "app"), Outcome::NotReached);
    assert!(matches!(outcome(&run, "lb1", "lb"), Outcome::DependencyFailed { .. }));
    let failed = run.events.iter().find_map(|event| match event {
        Event::InstanceFailed { root, problem, out_on } => Some((root, problem, out_on)),
        _ => None,
    });
    let (root, problem, out_on) = failed.unwrap();
    assert_eq!((root.host.as_str(), problem.code), ("app1", code::UNHEALTHY));
    assert_eq!(problem.causes, ["it serves nothing"]);
    assert_eq!(out_on, &[RootId::new("lb1", "lb")]);
    assert_eq!(harness.read("lb1", "~/pool"), "app2\napp3\n");
    assert_eq!(harness.read("app2", "~/version"), "v1");

    // What is out of use is no drift of the balancer.
    let plan = harness.plan();
    assert!(!plan.changes().iter().any(|change| change.contains("lb@lb1")), "{plan}");

    // As it stands it is not healthy the next time either, and nothing else is touched.
    let run = harness.deploy();
    assert_eq!(batches(&run), [(0, vec!["app1".to_owned()])]);
    assert_eq!(outcome(&run, "app2", "app"), Outcome::NotReached);
    assert_eq!(harness.read("lb1", "~/pool"), "app2\napp3\n");

    let harness = version(harness, "v3");
    let run = harness.assert_converges();
    assert_eq!(batches(&run), one_by_one());
    assert_eq!(harness.read("lb1", "~/pool"), "app1\napp2\napp3\n");
}

#[test]
fn what_an_interruption_leaves_healthy_is_in_use_again_and_the_rest_is_done_by_the_next_run() {
    let harness = three();
    harness.assert_converges();
    let harness = version(harness, "v2");
    let options = Options::new(Mode::Converge);
    let interrupt = Interrupt::default();
    let raise = interrupt.clone();
    let run = harness.run_watched(&options, &interrupt, &|event| {
        if matches!(event, Event::Drained { .. }) {
            raise.raise();
        }
    });
    assert!(run.summary.interrupted);
    assert_eq!(harness.read("lb1", "~/pool"), "app1\napp2\napp3\n");
    assert_eq!(harness.read("app3", "~/version"), "v1");
    harness.assert_converges();
    for host in ["app1", "app2", "app3"] {
        assert_eq!(harness.read(host, "~/version"), "v2", "{host}");
    }
}

#[test]
fn a_balancer_that_refuses_stops_the_rollout_before_anything_changed() {
    let harness = three();
    harness.assert_converges();
    let harness = version(harness, "v2").set("lb1", "lb", "broken", true);
    let run = harness.deploy();
    assert!(!run.summary.is_success());
    assert_eq!(harness.read("app1", "~/version"), "v1");
    let stopped = run.events.iter().find_map(|event| match event {
        Event::RolloutFinished { stopped, .. } => stopped.as_ref(),
        _ => None,
    });
    let stopped = stopped.unwrap();
    assert_eq!(stopped.code, code::NOT_DRAINED);
    assert!(stopped.causes.iter().any(|cause| cause.contains("does not answer")), "{stopped}");
}

#[test]
fn a_run_over_one_host_drains_it_on_the_balancer_that_is_not_selected() {
    let harness = three();
    harness.assert_converges();
    let harness = version(harness, "v2").set("lb1", "lb", "broken", false);
    let selected = Some([RootId::new("app2", "app")].into());
    let options = Options { selected, ..Options::new(Mode::Converge) };
    let run = harness.run_with(&options, &Interrupt::default());
    run.assert_success();
    assert_eq!(batches(&run), [(1, vec!["app2".to_owned()])]);
    assert_eq!(history(&harness)[1..], ["app1 app3", "app1 app2 app3"]);
    assert_eq!(harness.read("app1", "~/version"), "v1");
    assert_eq!(run.summary.roots.len(), 1);
}

#[test]
fn what_a_rollout_left_drained_is_put_back_when_nothing_is_rolled_any_more() {
    let harness = three();
    harness.assert_converges();
    let harness = version(harness, "bad");
    assert!(!harness.deploy().summary.is_success());
    assert_eq!(harness.read("lb1", "~/pool"), "app2\napp3\n");
    let harness = version(harness, "v2").rollout("app", None);
    harness.assert_converges();
    assert_eq!(harness.read("lb1", "~/pool"), "app1\napp2\napp3\n");
}

#[test]
fn a_plan_shows_the_waves() {
    let harness = three();
    harness.assert_converges();
    let plan = version(harness, "v2").plan();
    let waves = plan.events.iter().find_map(|event| match event {
        Event::RolloutPlanned { waves, .. } => Some(waves),
        _ => None,
    });
    let waves: Vec<Vec<_>> = waves
        .unwrap()
        .iter()
        .map(|wave| wave.iter().map(|batch| (batch.roots.len(), batch.up)).collect())
        .collect();
    assert_eq!(waves, [[(1, 2)], [(1, 2)], [(1, 2)]]);
}
