//! Failures, plans, interruption and locks of a run.

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde::{Deserialize, Serialize};
use support::{Needs, Text};
use togusa_core::engine::Options;
use togusa_core::event::{Event, Mode, Outcome, RootIdKey, Skip};
use togusa_core::interrupt::Interrupt;
use togusa_core::prelude::*;
use togusa_core::testing::{Harness, Run};

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Base;
impl Resource for Base {}

root!(Foundation, |scope| {
    scope.provide(Base);
    scope.add(Text::new("first", "1"));
    scope.add(Needs { name: "stone" });
    scope.add(Text::new("last", "2"));
});

root!(House, |scope| {
    scope.require_all::<Base>()?;
    scope.add(Text::new("house", "built"));
});

root!(Garden, |scope| {
    scope.add(Text::new("garden", "green"));
});

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Word(String);
impl Resource for Word {}

root!(Speaker, |scope| {
    for word in ["veni", "vidi", "vici", "vici"] {
        scope.provide(Word(word.into()));
    }
});

root!(Listener, |scope| {
    let words = scope.require_all::<Word>()?;
    let words: Vec<_> = words.iter().map(|word| word.0.as_str()).collect();
    scope.add(Text::new("words", words.join(" ")));
});

fn registry() -> Registry {
    Registry::new().with::<Foundation>("foundation").with::<House>("house").with::<Garden>("garden")
}

fn outcome<'a>(run: &'a Run, harness: &Harness, host: &str, root: &str) -> &'a Outcome {
    &run.summary.roots[&RootIdKey(harness.root(host, root))].outcome
}

#[test]
fn a_failed_root_fails_what_depends_on_it_but_not_the_rest() {
    let harness =
        Harness::new(registry()).host("one", ["foundation"]).host("two", ["house", "garden"]);
    for jobs in [1, 4] {
        let mut options = Options::new(Mode::Converge);
        options.jobs = Some(jobs);
        let run = harness.run_with(&options, &Interrupt::default());
        assert!(!run.summary.is_success());
        assert_eq!(outcome(&run, &harness, "one", "foundation"), &Outcome::Failed);
        let on = harness.root("one", "foundation");
        assert_eq!(outcome(&run, &harness, "two", "house"), &Outcome::DependencyFailed { on });
        assert_eq!(outcome(&run, &harness, "two", "garden"), &Outcome::Converged);
        assert_eq!(run.failures().len(), 1, "{:?}", run.failures());
        assert!(!harness.local("two", "~/house").exists());
    }
    fs::write(harness.local("one", "~/stone"), "").unwrap();
    harness.assert_converges();
    assert_eq!(harness.read("two", "~/house"), "built");
}

#[test]
fn a_failed_component_stops_its_root_and_names_itself_and_the_file() {
    let harness = Harness::new(registry()).host("one", ["foundation"]).host("two", ["house"]);
    let run = harness.deploy();
    let stone = harness.local("one", "~/stone");
    let failure = &run.failures()[0];
    assert!(failure.starts_with("foundation@one: Foundation > Needs: verify failed\n  1: "));
    assert!(failure.contains(&format!("`{}`", stone.display())), "{failure}");
    assert_eq!(harness.read("one", "~/first"), "1");
    assert!(!harness.local("one", "~/last").exists());
}

#[test]
fn a_plan_does_not_stop_at_what_cannot_be_judged_yet() {
    let harness = Harness::new(registry()).host("one", ["foundation"]).host("two", ["house"]);
    let plan = harness.plan();
    plan.assert_success();
    assert_eq!(
        plan.changes(),
        [
            "foundation@one: Foundation > Text(\"first\")\n  + create text",
            "foundation@one: Foundation > Needs\n  ? unknown until applied",
            "foundation@one: Foundation > Text(\"last\")\n  + create text",
            "house@two: House > Text(\"house\")\n  + create text",
        ]
    );
    assert!(!harness.home(&"one".into()).join("target").exists(), "a plan must change nothing");

    fs::create_dir_all(harness.home(&"one".into())).unwrap();
    fs::write(harness.local("one", "~/first"), "1").unwrap();
    let plan = harness.plan();
    assert!(!plan.summary.is_success(), "nothing before it is stale, so it is an error");
}

#[test]
fn an_update_that_does_not_converge_fails() {
    #[derive(Debug)]
    struct Lazy;
    impl Component for Lazy {
        fn verify(&self, _: &Probe<'_>) -> Result<Verdict> {
            Ok(Verdict::stale("not running"))
        }
        fn update(&self, _: &Machine<'_>) -> Result {
            Ok(())
        }
    }
    root!(Office, |scope| {
        scope.add(Lazy);
    });
    let harness = Harness::new(Registry::new().with::<Office>("office")).host("one", ["office"]);
    assert_eq!(
        harness.deploy().failures(),
        ["office@one: Office > Lazy: update did not converge: not running after it\n  \
          hint: `update` must bring about what `verify` looks for"]
    );
}

#[test]
fn panics_of_verify_and_update_are_errors_with_their_breadcrumb() {
    #[derive(Debug)]
    struct Shaky(bool);
    impl Component for Shaky {
        fn verify(&self, _: &Probe<'_>) -> Result<Verdict> {
            assert!(!self.0, "shaken");
            Ok(Verdict::stale("still"))
        }
        fn update(&self, _: &Machine<'_>) -> Result {
            panic!("stirred")
        }
    }
    root!(Verifying, |scope| {
        scope.add(Shaky(true));
    });
    root!(Updating, |scope| {
        scope.add(Shaky(false));
    });
    let registry = Registry::new().with::<Verifying>("v").with::<Updating>("u");
    let harness = Harness::new(registry).host("one", ["u", "v"]);
    let mut failures = harness.deploy().failures();
    failures.sort();
    assert!(failures[0].contains("Shaky: update failed\n  1: panicked at core/tests/converge.rs:"));
    assert!(failures[0].ends_with(": stirred"), "{}", failures[0]);
    assert!(failures[1].contains("Shaky: verify failed\n  1: panicked at core/tests/converge.rs:"));
}

#[test]
fn ignored_hosts_and_roots_are_skipped_and_what_depends_on_them_runs() {
    let harness = Harness::new(registry())
        .host("one", ["foundation"])
        .host("two", ["house", "garden"])
        .with_host("one", |host| host.ignore = true)
        .with_host("two", |host| host.roots[1].ignore = true);
    let run = harness.assert_converges();
    let Event::Started { skipped, roots, .. } = &run.events[0] else { panic!("no start") };
    assert_eq!(roots, &[harness.root("two", "house")]);
    assert_eq!(skipped[&RootIdKey(harness.root("one", "foundation"))], Skip::HostIgnored);
    assert_eq!(skipped[&RootIdKey(harness.root("two", "garden"))], Skip::RootIgnored);
    assert!(!harness.home(&"one".into()).join("target").exists());
    assert!(!harness.local("two", "~/garden").exists());
}

#[test]
fn a_target_directory_of_another_project_is_refused() {
    let harness = Harness::new(registry()).host("one", ["garden"]);
    harness.assert_converges();
    let target = harness.target_directory("one").display().to_string();
    let other = Harness::new(registry())
        .host("two", ["garden"])
        .with_host("two", |host| host.target_directory.clone_from(&target));
    let failures = other.deploy().failures();
    assert_eq!(
        failures,
        [format!(
            "two: target directory `{target}` belongs to project `test`, environment `test`, host \
             `one`, not to project `test`, environment `test`, host `two`\n  hint: set another \
             `target_directory`, or remove the directory if it is not needed"
        )]
    );
}

#[test]
fn a_target_directory_that_is_a_file_is_refused() {
    let harness = Harness::new(registry()).host("one", ["garden"]);
    fs::create_dir_all(harness.home(&"one".into())).unwrap();
    fs::write(harness.target_directory("one"), "a file").unwrap();
    for run in [harness.plan(), harness.deploy()] {
        let failures = run.failures();
        assert!(failures[0].contains("is not a directory\n  hint: set another"), "{failures:?}");
    }
    assert_eq!(fs::read_to_string(harness.target_directory("one")).unwrap(), "a file");
}

#[test]
fn a_second_deployment_is_told_who_holds_the_lock_and_can_wait() {
    #[derive(Debug)]
    struct Nested;
    static SECOND: std::sync::Mutex<Option<Harness>> = std::sync::Mutex::new(None);
    impl Component for Nested {
        fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
            let done = HostPath::new(&probe.host().name, "~/done");
            Ok(Verdict::expect(probe.entry(&done)?.is_some(), "not done"))
        }
        fn update(&self, machine: &Machine<'_>) -> Result {
            // The second deployment, while the first is in the middle of an update.
            let second = SECOND.lock().unwrap();
            let harness = second.as_ref().unwrap();
            let run = harness.deploy();
            assert_eq!(run.summary.locked_hosts, ["one".into()]);
            let failure = &run.failures()[0];
            assert!(failure.contains("another deployment holds the lock of"), "{failure}");
            assert!(failure.contains("now updating nested: Locked > Nested"), "{failure}");
            let plan = harness.plan();
            let warned = plan.events.iter().any(|event| matches!(event, Event::Warning { .. }));
            assert!(warned, "a plan says that a deployment is running");
            let done = HostPath::new(&machine.host().name, "~/done");
            machine.write(&done, "", &Default::default())
        }
    }
    root!(Locked, |scope| {
        scope.add(Nested);
    });
    let registry = Registry::new().with::<Locked>("nested");
    let harness = || Harness::new(registry.clone()).host("one", ["nested"]);
    let first = harness();
    let target = first.target_directory("one").display().to_string();
    let second = harness().with_host("one", |host| host.target_directory = target);
    *SECOND.lock().unwrap() = Some(second);
    first.assert_converges();
}

#[test]
fn an_interrupted_run_stops_between_two_components_and_says_so() {
    static INTERRUPT: std::sync::LazyLock<Interrupt> = std::sync::LazyLock::new(Interrupt::default);
    #[derive(Debug)]
    struct Stopping;
    impl Component for Stopping {
        fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
            let text = Text::new("stopped", "yes");
            text.verify(probe)
        }
        fn update(&self, machine: &Machine<'_>) -> Result {
            INTERRUPT.raise();
            // The coordinator passes the interruption on while this update still runs.
            machine
                .run(&Exec::shell("i=0; while [ $i -lt 40 ]; do i=$((i+1)); sleep 0.01; done"))?;
            Text::new("stopped", "yes").update(machine)
        }
    }
    root!(Long, |scope| {
        scope.add(Stopping);
        scope.add(Text::new("after", "never"));
    });
    let registry = registry().with::<Long>("long");
    let harness = Harness::new(registry).host("one", ["long"]);
    let run = harness.run_with(&Options::new(Mode::Converge), &INTERRUPT);
    assert!(run.summary.interrupted && !run.summary.is_success());
    assert_eq!(outcome(&run, &harness, "one", "long"), &Outcome::Interrupted);
    assert_eq!(harness.read("one", "~/stopped"), "yes", "the running update ends");
    assert!(!harness.local("one", "~/after").exists());
    harness.assert_converges();
}

#[test]
fn a_host_sees_the_values_of_one_root_in_the_order_of_their_provider() {
    let registry = Registry::new().with::<Speaker>("speaker").with::<Listener>("listener");
    let harness = Harness::new(registry).host("one", ["speaker"]).host("two", ["listener"]);
    harness.assert_converges();
    assert_eq!(harness.read("two", "~/words"), "veni vidi vici vici");
}

#[test]
fn fail_fast_starts_nothing_more() {
    let harness = Harness::new(registry())
        .host("one", ["foundation", "garden"])
        .host("two", ["house"])
        .with_host("one", |host| host.jobs = 1);
    let mut options = Options::new(Mode::Converge);
    options.fail_fast = true;
    let run = harness.run_with(&options, &Interrupt::default());
    assert!(!run.summary.is_success());
    assert!(!run.summary.interrupted, "nobody interrupted it");
    assert_eq!(outcome(&run, &harness, "one", "garden"), &Outcome::Interrupted);
}

#[test]
fn a_read_only_target_is_refused_before_anything_is_changed() {
    let harness = Harness::new(registry()).host("one", ["garden"]);
    let home = harness.home(&"one".into());
    fs::create_dir_all(&home).unwrap();
    // Root may write anywhere but into what is no directory of a real file system.
    let harness = harness.with_host("one", |host| host.target_directory = "/proc/togusa".into());
    fs::set_permissions(&home, fs::Permissions::from_mode(0o755)).unwrap();
    let failures = harness.deploy().failures();
    assert!(failures[0].contains("cannot write `/proc/togusa`"), "{failures:?}");
    assert!(failures[0].contains("hint: nothing was changed"), "{failures:?}");
    assert!(!home.join("garden").exists());
}
