//! Durable triggers: what is to be restarted is, whatever happens in between.

mod support;

use serde::{Deserialize, Serialize};
use support::{Needs, Service, Text, restarts};
use togusa_core::engine::Options;
use togusa_core::event::{Event, Mode};
use togusa_core::interrupt::Interrupt;
use togusa_core::prelude::*;
use togusa_core::testing::Harness;

#[derive(Debug, Attributes)]
struct Web {
    #[attribute(default = "v1")]
    text: String,
}

impl Component for Web {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let conf = scope.add(Text::new("conf", self.text.as_str()));
        scope.add(Text::new("unrelated", "x"));
        scope.on_change(&conf).add(Service::new("web"));
        Ok(())
    }
}

fn web(text: &str) -> Harness {
    Harness::new(Registry::new().with::<Web>("web"))
        .host("one", ["web"])
        .set("one", "web", "text", text)
}

#[test]
fn a_service_is_restarted_once_for_each_change_of_its_cause_and_not_otherwise() {
    let harness = web("v1");
    harness.assert_converges();
    assert_eq!(restarts(&harness, "one", "web"), 1);

    std::fs::write(harness.local("one", "~/unrelated"), "y").unwrap();
    harness.assert_converges();
    assert_eq!(restarts(&harness, "one", "web"), 1);

    let harness = harness.set("one", "web", "text", "v2");
    harness.assert_converges();
    assert_eq!(restarts(&harness, "one", "web"), 2);
}

#[test]
fn a_plan_shows_what_a_change_would_trigger_and_changes_nothing() {
    let harness = web("v1");
    harness.assert_converges();
    let harness = harness.set("one", "web", "text", "v2");
    let plan = harness.plan();
    plan.assert_success();
    let expected = [
        "web@one: Web > Text(\"conf\")\n  ~ text v1 → v2",
        "web@one: Web > Service(\"web\")\n  triggered by Web > Text(\"conf\")",
    ];
    assert_eq!(plan.changes(), expected);
    assert_eq!(harness.read("one", "~/conf"), "v1");
    assert_eq!(harness.deploy().changes(), expected);
}

root!(Failing, |scope| {
    let conf = scope.add(Text::new("conf", "x"));
    scope.add(Needs { name: "permission" });
    scope.on_change(&conf).add(Service::new("web"));
});

#[test]
fn a_restart_is_not_lost_when_something_between_fails() {
    let harness = Harness::new(Registry::new().with::<Failing>("web")).host("one", ["web"]);
    let run = harness.deploy();
    assert!(!run.summary.is_success());
    assert_eq!(restarts(&harness, "one", "web"), 0);

    std::fs::write(harness.local("one", "~/permission"), "").unwrap();
    let plan = harness.plan();
    assert_eq!(
        plan.changes(),
        ["web@one: Failing > Service(\"web\")\n  triggered by Failing > Text(\"conf\")"]
    );
    harness.assert_converges();
    assert_eq!(restarts(&harness, "one", "web"), 1);
}

#[test]
fn a_composite_is_a_cause_for_all_that_lies_below_it() {
    #[derive(Debug)]
    struct Config;
    impl Component for Config {
        fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
            scope.add(Text::new("a", "a"));
            scope.add(Text::new("b", "b"));
            Ok(())
        }
    }
    root!(Composite, |scope| {
        let config = scope.add(Config);
        scope.on_change(&config).add(Service::new("s"));
    });
    let harness = Harness::new(Registry::new().with::<Composite>("c")).host("one", ["c"]);
    harness.assert_converges();
    std::fs::write(harness.local("one", "~/b"), "drift").unwrap();
    harness.assert_converges();
    assert_eq!(restarts(&harness, "one", "s"), 2);
}

#[test]
fn a_component_can_be_updated_itself_on_any_change_below_it() {
    #[derive(Debug)]
    struct Reloading;
    impl Component for Reloading {
        fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
            scope.add(Text::new("a", "a"));
            scope.add(Text::new("b", "b"));
            scope.on_any_change().update_self();
            Ok(())
        }
        fn update(&self, machine: &Machine<'_>) -> Result {
            Service::new("self").update(machine)
        }
    }
    root!(Parent, |scope| {
        scope.add(Reloading);
    });
    let harness = Harness::new(Registry::new().with::<Parent>("p")).host("one", ["p"]);
    harness.assert_converges();
    std::fs::write(harness.local("one", "~/a"), "drift").unwrap();
    harness.assert_converges();
    assert_eq!(restarts(&harness, "one", "self"), 2);
}

#[test]
fn a_trigger_without_an_update_is_an_error_that_says_so() {
    #[derive(Debug)]
    struct Nothing;
    impl Component for Nothing {}
    root!(Pointless, |scope| {
        let conf = scope.add(Text::new("conf", "x"));
        scope.on_change(&conf).add(Nothing);
    });
    let harness = Harness::new(Registry::new().with::<Pointless>("p")).host("one", ["p"]);
    assert_eq!(
        harness.deploy().failures(),
        [
            "p@one: Pointless > Nothing: update failed\n  1: the component has no `update`, but it is \
          stale or a trigger is pending for it"
        ]
    );
}

/// The same cause with a dependant of another name, or with none.
#[derive(Debug, Attributes)]
struct Renamed {
    #[attribute(default = "old")]
    service: String,
    #[attribute(default = false)]
    ready: bool,
}

impl Component for Renamed {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        let conf = scope.add(Text::new("conf", "x"));
        if !self.ready {
            scope.add(Needs { name: "never" });
        }
        if self.service != "none" {
            scope.on_change(&conf).add(Service::new(self.service.as_str()));
        }
        Ok(())
    }
}

#[test]
fn a_pending_trigger_moves_to_the_new_name_of_its_dependant_or_is_dropped_and_shown() {
    for (service, restarted) in [("new", 1), ("none", 0)] {
        let harness = Harness::new(Registry::new().with::<Renamed>("r")).host("one", ["r"]);
        assert!(!harness.deploy().summary.is_success());

        let harness = harness.set("one", "r", "service", service).set("one", "r", "ready", true);
        let run = harness.deploy();
        run.assert_success();
        assert_eq!(restarts(&harness, "one", service), restarted);
        let moved: Vec<_> = run
            .events
            .iter()
            .filter_map(|event| match event {
                Event::TriggerMoved { dependant, moved_to, .. } => {
                    Some((dependant.as_str(), moved_to.len()))
                }
                _ => None,
            })
            .collect();
        assert_eq!(moved, [("Renamed > Service(\"old\")", restarted)]);
        assert!(harness.deploy().changes().is_empty());
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Database;
impl Resource for Database {}

#[derive(Debug, Attributes)]
struct Server {
    #[attribute(default = "v1")]
    version: String,
}

impl Component for Server {
    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        scope.add(Text::new("server", self.version.as_str()));
        scope.provide(Database);
        Ok(())
    }
}

root!(Client, |scope| {
    let database = scope.require_one::<Database>()?;
    scope.on_change(&database).add(Service::new("client"));
});

fn client_and_server() -> Harness {
    let registry = Registry::new().with::<Server>("server").with::<Client>("client");
    Harness::new(registry).host("db", ["server"]).host("web1", ["client"]).host("web2", ["client"])
}

#[test]
fn a_change_on_one_host_triggers_what_requires_it_on_others_once() {
    let harness = client_and_server();
    harness.assert_converges();
    assert_eq!(restarts(&harness, "web1", "client"), 1);

    let harness = harness.set("db", "server", "version", "v2");
    let mut changes = harness.plan().changes();
    changes[1..].sort();
    assert_eq!(
        changes,
        [
            "server@db: Server > Text(\"server\")\n  ~ text v1 → v2",
            "client@web1: Client > Service(\"client\")\n  triggered by Server of server@db",
            "client@web2: Client > Service(\"client\")\n  triggered by Server of server@db",
        ]
    );
    harness.assert_converges();
    assert_eq!(restarts(&harness, "web1", "client"), 2);
    assert_eq!(restarts(&harness, "web2", "client"), 2);
}

#[test]
fn a_dependant_that_was_left_out_is_triggered_by_the_next_run_that_has_it() {
    let harness = client_and_server();
    harness.assert_converges();
    let harness = harness.set("db", "server", "version", "v2");
    let mut options = Options::new(Mode::Converge);
    options.selected = Some([harness.root("db", "server"), harness.root("web1", "client")].into());
    harness.run_with(&options, &Interrupt::default()).assert_success();
    assert_eq!(restarts(&harness, "web1", "client"), 2);
    assert_eq!(restarts(&harness, "web2", "client"), 1);

    options.selected = Some([harness.root("web2", "client")].into());
    harness.run_with(&options, &Interrupt::default()).assert_success();
    assert_eq!(restarts(&harness, "web2", "client"), 1, "the provider said nothing in this run");

    harness.assert_converges();
    assert_eq!(restarts(&harness, "web1", "client"), 2);
    assert_eq!(restarts(&harness, "web2", "client"), 2);
}

#[test]
fn a_root_that_is_left_out_keeps_its_pending_triggers() {
    let registry = Registry::new().with::<Failing>("web").with::<Offer>("server");
    let harness = Harness::new(registry).host("one", ["web", "server"]);
    assert!(!harness.deploy().summary.is_success());
    std::fs::write(harness.local("one", "~/permission"), "").unwrap();
    let mut options = Options::new(Mode::Converge);
    options.selected = Some([harness.root("one", "server")].into());
    harness.run_with(&options, &Interrupt::default()).assert_success();
    harness.assert_converges();
    assert_eq!(restarts(&harness, "one", "web"), 1);
}

root!(Offer, |scope| {
    scope.offer(Database);
});

#[test]
fn a_change_that_cannot_be_told_to_its_dependants_is_a_failure() {
    let harness = client_and_server();
    harness.assert_converges();
    let counters = harness.target_directory("db").join(".togusa/counters");
    let counter = std::fs::read_dir(counters).unwrap().next().unwrap().unwrap().path();
    std::fs::write(&counter, "{").unwrap();

    let run = harness.deploy();
    assert!(!run.summary.is_success());
    let failures = run.failures();
    assert!(failures[0].contains(&format!("`{}` is damaged", counter.display())), "{failures:?}");
}
