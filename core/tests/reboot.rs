//! Reboots in the middle of a run, over real agents on hosts that a harness says to be back.

mod support;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use support::{Service, Text, restarts};
use togusa_core::engine::Options;
use togusa_core::event::{Event, Mode, Outcome, Step};
use togusa_core::interrupt::Interrupt;
use togusa_core::prelude::*;
use togusa_core::testing::{Answer, Fake, Harness};

/// Reboots its host when a trigger says so, or while `~/NAME` is there, which it removes unless it is
/// told to leave it.
#[derive(Debug)]
struct Reboots {
    flag: &'static str,
    command: &'static str,
}

impl Component for Reboots {
    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        let path = HostPath::new(&probe.host().name, format!("~/{}", self.flag));
        Ok(Verdict::expect(probe.entry(&path)?.is_none(), format!("{} is there", self.flag)))
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        if self.flag == "once" {
            let path = HostPath::new(&machine.host().name, "~/once");
            machine.remove(&path)?;
        }
        machine.reboot(&Exec::new(self.command), Duration::from_secs(60))
    }
}

fn reboots(flag: &'static str) -> Reboots {
    Reboots { flag, command: "bring-down" }
}

root!(Kernel, |scope| {
    let text = scope.add(Text::new("kernel", "6.1"));
    scope.on_change(&text).add(reboots("once"));
    scope.add(Text::new("after", "the reboot"));
});

root!(App, |scope| {
    scope.add(Text::new("app", "runs"));
});

fn kernel() -> Harness {
    let registry = Registry::new().with::<Kernel>("kernel").with::<App>("app");
    Harness::new(registry).host("web", ["kernel"])
}

#[test]
fn the_run_goes_on_when_the_host_is_back() {
    let harness = kernel().host("web", ["app"]).host("db", ["app"]);
    let run = harness.deploy();
    run.assert_success();
    assert_eq!(harness.reboots("web"), 1);
    let told = run.events.iter().filter_map(|event| match event {
        Event::Rebooting { root, timeout, .. } => Some(format!("{root} {}", timeout.as_secs())),
        Event::Rebooted { host, .. } => Some(host.to_string()),
        _ => None,
    });
    assert_eq!(told.collect::<Vec<_>>(), ["kernel@web 60", "web"]);
    assert_eq!(harness.read("web", "~/after"), "the reboot");
    // What was done before counts once, and so does the reboot.
    insta::assert_snapshot!(run);
    let kernel = run.summary.roots.iter().find(|(id, _)| id.0 == harness.root("web", "kernel"));
    let counts = kernel.unwrap().1.counts;
    assert_eq!((counts.changed, counts.triggered), (2, 1));
    // The record of the host knows what was done before, too.
    let records = harness.target_directory("web").join(".togusa/deployments.jsonl");
    let records = std::fs::read_to_string(records).unwrap();
    let last = records.lines().rfind(|line| !line.is_empty()).unwrap();
    assert!(last.contains(r#""roots":{"app":"converged","kernel":"converged"}"#), "{last}");
    assert!(last.contains(r#""changed":3"#), "{last}");
    harness.deploy().assert_unchanged();
    harness.plan().assert_unchanged();
    assert_eq!(harness.reboots("web"), 1);
}

#[test]
fn a_state_of_the_host_may_ask_for_it() {
    let harness = kernel();
    harness.deploy().assert_success();
    std::fs::write(harness.local("web", "~/once"), "").unwrap();
    let plan = harness.plan();
    assert!(plan.changes()[0].contains("once is there"), "{plan}");
    let run = harness.deploy();
    run.assert_success();
    assert_eq!(run.changes(), plan.changes());
    assert_eq!(harness.reboots("web"), 2);
}

#[test]
fn one_that_is_asked_for_again_fails() {
    root!(Stubborn, |scope| {
        scope.add(reboots("always"));
    });
    let harness = Harness::new(Registry::new().with::<Stubborn>("stubborn"));
    let harness = harness.host("web", ["stubborn"]);
    std::fs::create_dir_all(harness.home(&"web".into())).unwrap();
    std::fs::write(harness.local("web", "~/always"), "").unwrap();
    let run = harness.deploy();
    run.assert_failed_with("is to be rebooted again: always is there");
    assert!(run.failures()[0].contains("outlives a reboot"), "{run}");
    assert_eq!(harness.reboots("web"), 1);
    // It is asked for once in a deployment, not once for all.
    harness.deploy().assert_failed_with("is to be rebooted again");
    assert_eq!(harness.reboots("web"), 2);
}

#[test]
fn a_command_that_fails_is_no_reboot() {
    let fake = Fake::new("bring-down").otherwise(Answer::exit(1));
    let harness = kernel().fake(fake);
    harness.deploy().assert_failed_with("`bring-down` exited with 1");
    assert_eq!(harness.reboots("web"), 0);
    // The trigger is still due.
    let harness = harness.fake("bring-down");
    harness.deploy().assert_success();
    assert_eq!(harness.reboots("web"), 1);
}

fn options(deployment: &str) -> Options {
    let mut options = Options::new(Mode::Converge);
    options.deployment.id = deployment.to_owned();
    options
}

#[track_caller]
fn wait_until(mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(60), "it does not come to be");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_run_that_is_stopped_meanwhile_leaves_nothing_to_be_done_twice() {
    let harness = kernel().host("web", ["app"]);
    let interrupt = Interrupt::default();
    let run = harness.run_watched(&options("1"), &interrupt, &|event| {
        if matches!(event, Event::Rebooting { .. }) {
            interrupt.raise();
        }
    });
    let outcomes = run.summary.roots.values().map(|root| root.outcome.clone());
    assert!(outcomes.into_iter().any(|outcome| outcome == Outcome::Interrupted), "{run}");
    assert_eq!(run.failures(), [""; 0]);
    // Nobody waits for the agent that goes down with its host.
    wait_until(|| harness.reboots("web") == 1);
    // A plan knows it too, and changes nothing of what is remembered.
    for _ in 0..2 {
        let plan = harness.plan();
        assert_eq!(plan.changes().len(), 1, "{plan}");
        assert!(plan.changes()[0].contains("after"), "{plan}");
    }
    let run = harness.run_with(&options("2"), &Interrupt::default());
    run.assert_success();
    assert_eq!(run.changes().len(), 1, "{run}");
    assert_eq!(
        (harness.reboots("web"), harness.read("web", "~/after").as_str()),
        (1, "the reboot")
    );
}

/// Runs until something is there, and says so when it ends.
#[derive(Debug)]
struct Slow {}

static BEGUN: AtomicBool = AtomicBool::new(false);
static ENDED: AtomicBool = AtomicBool::new(false);
static TOO_EARLY: AtomicBool = AtomicBool::new(false);

impl Component for Slow {
    fn verify(&self, _: &Probe<'_>) -> Result<Verdict> {
        Ok(Verdict::expect(ENDED.load(Ordering::SeqCst), "not done"))
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        BEGUN.store(true, Ordering::SeqCst);
        machine.pause(Duration::from_millis(400))?;
        ENDED.store(true, Ordering::SeqCst);
        Ok(())
    }
}

/// Waits for the slow one to begin, and reboots the host.
#[derive(Debug)]
struct Hasty {}

impl Component for Hasty {
    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        let path = HostPath::new(&probe.host().name, "~/asked");
        Ok(Verdict::expect(probe.entry(&path)?.is_some(), "not asked"))
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        let limit = Instant::now() + Duration::from_secs(20);
        while !BEGUN.load(Ordering::SeqCst) && Instant::now() < limit {
            machine.pause(Duration::from_millis(5))?;
        }
        let path = HostPath::new(&machine.host().name, "~/asked");
        machine.write(&path, "", &Default::default())?;
        let rebooted = machine.reboot(&Exec::new("bring-down"), Duration::from_secs(60));
        TOO_EARLY.store(!ENDED.load(Ordering::SeqCst), Ordering::SeqCst);
        rebooted
    }
}

root!(SlowRoot, |scope| {
    let slow = scope.add(Slow {});
    scope.on_change(&slow).add(Service::new("slow"));
});

root!(HastyRoot, |scope| {
    scope.add(Hasty {});
});

#[test]
fn other_roots_of_the_host_come_to_their_ends_before() {
    let registry = Registry::new().with::<SlowRoot>("slow").with::<HastyRoot>("hasty");
    let harness = Harness::new(registry).host("web", ["slow", "hasty"]);
    let harness = harness.with_host("web", |host| host.jobs = 2);
    harness.deploy().assert_success();
    assert_eq!(harness.reboots("web"), 1);
    assert!(!TOO_EARLY.load(Ordering::SeqCst));
    assert_eq!(restarts(&harness, "web", "slow"), 1);
}

root!(Other, |scope| {
    let text = scope.add(Text::new("other", "too"));
    scope.on_change(&text).add(reboots("other-flag"));
});

#[test]
fn one_reboot_serves_all_that_wait_for_it() {
    let registry = Registry::new().with::<Kernel>("kernel").with::<Other>("other");
    let harness = Harness::new(registry).host("web", ["kernel", "other"]);
    let harness = harness.with_host("web", |host| host.jobs = 2);
    let run = harness.deploy();
    run.assert_success();
    // They may also come one after the other, if one of them is slow.
    assert!((1..=2).contains(&harness.reboots("web")), "{run}");
    assert_eq!(run.summary.roots.values().map(|root| root.counts.triggered).sum::<usize>(), 2);
    harness.deploy().assert_unchanged();
}

/// Goes on once it was seen to begin, and a while after that.
#[derive(Debug)]
struct Seen {}

static SEEN: AtomicBool = AtomicBool::new(false);

impl Component for Seen {
    fn verify(&self, _: &Probe<'_>) -> Result<Verdict> {
        Ok(Verdict::stale("always"))
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        let limit = Instant::now() + Duration::from_secs(20);
        while !SEEN.load(Ordering::SeqCst) && Instant::now() < limit {
            machine.pause(Duration::from_millis(5))?;
        }
        // So that the agent has heard of the interruption.
        machine.pause(Duration::from_secs(1))?;
        machine.reboot(&Exec::new("bring-down"), Duration::from_secs(60))
    }
}

root!(SeenRoot, |scope| {
    scope.add(Seen {});
});

#[test]
fn an_interrupted_run_reboots_no_host_and_fails_nothing() {
    let harness = Harness::new(Registry::new().with::<SeenRoot>("seen")).host("web", ["seen"]);
    let interrupt = Interrupt::default();
    let run = harness.run_watched(&options("1"), &interrupt, &|event| {
        if matches!(event, Event::ComponentStarted { step: Step::Update, .. }) {
            interrupt.raise();
            SEEN.store(true, Ordering::SeqCst);
        }
    });
    let outcomes: Vec<_> = run.summary.roots.values().map(|root| root.outcome.clone()).collect();
    assert_eq!(outcomes, [Outcome::Interrupted], "{run}");
    assert_eq!((run.failures().len(), harness.reboots("web")), (0, 0), "{run}");
}

/// What `late` requires, which comes when its own host is away.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Data {}

impl Resource for Data {}

/// Comes to its end when the host `web` has gone.
#[derive(Debug)]
struct Elsewhere {}

static GONE: AtomicBool = AtomicBool::new(false);

impl Component for Elsewhere {
    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        let path = HostPath::new(&probe.host().name, "~/elsewhere");
        Ok(Verdict::expect(probe.entry(&path)?.is_some(), "not done"))
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        let limit = Instant::now() + Duration::from_secs(20);
        while !GONE.load(Ordering::SeqCst) && Instant::now() < limit {
            machine.pause(Duration::from_millis(5))?;
        }
        // The agent has gone by then, and the host is not looked for yet.
        machine.pause(Duration::from_millis(300))?;
        machine.write(&HostPath::new(&machine.host().name, "~/elsewhere"), "", &Default::default())
    }
}

root!(ElsewhereRoot, |scope| {
    scope.add(Elsewhere {});
    scope.provide(Data {});
});

root!(Late, |scope| {
    let data = scope.require_all::<Data>()?;
    let text = scope.add(Text::new("late", "too"));
    scope.on_change(&data).on_change(&text).add(Service::new("late"));
});

#[test]
fn what_becomes_due_while_the_host_is_away_is_done_when_it_is_back() {
    let registry = Registry::new().with::<Kernel>("kernel").with::<Late>("late");
    let registry = registry.with::<ElsewhereRoot>("elsewhere");
    let harness = Harness::new(registry).host("web", ["kernel", "late"]);
    let harness = harness.host("db", ["elsewhere"]);
    let run = harness.run_watched(&options("1"), &Interrupt::default(), &|event| {
        if matches!(event, Event::Rebooting { .. }) {
            GONE.store(true, Ordering::SeqCst);
        }
    });
    run.assert_success();
    // It is looked for once: nothing that was said too early has sent the new agent away.
    let back = run.events.iter().filter(|event| matches!(event, Event::Rebooted { .. })).count();
    assert_eq!((harness.reboots("web"), back, restarts(&harness, "web", "late")), (1, 1, 1));
    harness.deploy().assert_unchanged();
}

#[test]
fn another_deployment_that_comes_meanwhile_is_not_taken_for_the_own_one() {
    let harness = kernel();
    let run = harness.run_watched(&options("1"), &Interrupt::default(), &|event| {
        if matches!(event, Event::Rebooting { .. }) {
            let mut other = options("2");
            other.wait = true;
            other.deployment.who = "grace".to_owned();
            harness.run_with(&other, &Interrupt::default()).assert_success();
        }
    });
    run.assert_failed_with("grace deployed to the host while it was rebooted");
    assert_eq!(harness.reboots("web"), 1);
    harness.deploy().assert_unchanged();
}
