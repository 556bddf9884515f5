//! Deployments that nothing breaks, and those that a component does.

use togusa_core::event::{Event, Outcome};
use togusa_core::names::RootId;
use togusa_tests::lab::{Host, HostSpec, Lab};

use crate::hosts::{STORE, TARGET, agents, log};
use crate::project;

const ENVIRONMENT: &str = r#"
[hosts.host1]
components = ["database"]

[hosts."host[2-3]"]
components = ["app", "aside"]
"#;

/// Three hosts that write down each command that is started over SSH.
fn hosts() -> Lab {
    let host = |name: &str| HostSpec::new(name).sshd("LogLevel VERBOSE");
    Lab::start(["host1", "host2", "host3"].map(host))
}

/// The commands that were started on a host so far.
fn commands(host: &Host) -> usize {
    host.sh("grep -c 'Starting session: command' /var/log/sshd.log || :").trim().parse().unwrap()
}

fn pushes(events: &[Event]) -> usize {
    events.iter().filter(|event| matches!(event, Event::Pushing { .. })).count()
}

#[test]
fn the_first_deployment_pushes_and_converges_and_the_next_one_finds_nothing_to_do() {
    let lab = hosts();
    let project = project();
    project.environment(ENVIRONMENT);
    let first = project.deploy(&lab).expect(0);
    assert_eq!(pushes(&first.events), 3);
    for name in ["host2", "host3"] {
        let host = &lab[name];
        assert_eq!(host.read(&format!("{TARGET}/work/app/databases")), "host1 v1\n");
        let log = log(host);
        for line in ["work v1", "restart v1", "reconnect v1"] {
            assert!(log.iter().any(|found| found == line), "{name}: {log:?}");
        }
    }

    let before = |host: &Host| (host.traffic().received, commands(host), log(host));
    let before: Vec<_> = lab.hosts().iter().map(before).collect();
    let second = project.deploy(&lab).expect(0);
    assert_eq!(second.changes(), [""; 0]);
    assert_eq!((second.counts().changed, second.counts().triggered), (0, 0));
    assert_eq!(pushes(&second.events), 0);
    for (host, (received, started, logged)) in lab.hosts().iter().zip(before) {
        let received = host.traffic().received - received;
        assert!(received < 40_000, "{} received {received} bytes", host.name());
        assert_eq!(commands(host) - started, 1, "{}", host.name());
        assert_eq!(log(host), logged);
        assert!(agents(host).is_empty());
        assert_eq!(host.sh(&format!("stat -c %a {STORE}")), "700\n");
    }
}

#[test]
fn a_root_runs_after_those_that_it_requires_on_whatever_host() {
    let lab = Lab::start(3);
    let project = project();
    project.environment(ENVIRONMENT);
    let ran = project.deploy(&lab).expect(0);
    let (_, provided) = ran.span("database@host1");
    for app in ["app@host2", "app@host3"] {
        assert!(provided < ran.span(app).0, "{app} did not wait");
    }

    // A value that is new changes what requires it, in the same run.
    project.environment(format!("{ENVIRONMENT}[components.database]\ntext = \"v2\"\n"));
    let ran = project.deploy(&lab).expect(0);
    assert!(ran.span("database@host1").1 < ran.span("app@host2").0);
    for name in ["host2", "host3"] {
        assert_eq!(lab[name].read(&format!("{TARGET}/work/app/databases")), "host1 v2\n");
        let restarts: Vec<_> = log(&lab[name]);
        let count = |what: &str| restarts.iter().filter(|line| line.starts_with(what)).count();
        // The configuration of `app` and of `aside`, once; the database's, twice.
        assert_eq!((count("restart"), count("reconnect")), (2, 2), "{restarts:?}");
    }
    assert_eq!(project.deploy(&lab).expect(0).changes(), [""; 0]);
}

#[test]
fn a_root_that_fails_stops_what_requires_it_on_other_hosts_and_nothing_else() {
    let lab = Lab::start(3);
    let project = project();
    project.environment(format!("{ENVIRONMENT}[components.database]\nfails = true\n"));
    let ran = project.deploy(&lab).expect(1);
    assert_eq!(*ran.outcome("database@host1"), Outcome::Failed);
    assert!(ran.problem("database@host1").contains("no good"), "{:?}", ran.output);
    let on = RootId::new("host1", "database");
    for name in ["host2", "host3"] {
        let outcome = ran.outcome(&format!("app@{name}"));
        assert_eq!(*outcome, Outcome::DependencyFailed { on: on.clone() });
        assert_eq!(*ran.outcome(&format!("aside@{name}")), Outcome::Converged);
        assert!(!lab[name].exists(&format!("{TARGET}/work/app")));
    }

    project.environment(ENVIRONMENT);
    let ran = project.deploy(&lab).expect(0);
    let changes = ran.changes();
    assert!(changes.iter().all(|change| change.starts_with("app@")), "{changes:?}");
    for name in ["host2", "host3"] {
        let reconnects = log(&lab[name]).iter().filter(|line| *line == "reconnect v1").count();
        assert_eq!(reconnects, 1);
    }
    assert_eq!(project.deploy(&lab).expect(0).changes(), [""; 0]);
}
