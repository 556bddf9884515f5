//! Coordinators that are stopped, and those that come in each other's way.

use togusa_core::event::{Event, Outcome};
use togusa_tests::lab::{Lab, Signal};

use crate::hosts::{
    agents, assert_whole, log, open_gates, times, unfinished, wait_for_the_end_on, wait_until,
};
use crate::project;

const GATED: &str = r#"
[hosts.host1]
components = ["database"]

[hosts.host2]
components = ["app", "aside"]

[components]
database.gated = true
aside.gated = true
"#;

#[test]
fn ctrl_c_lets_running_updates_end_and_starts_nothing_more() {
    let lab = Lab::start(2);
    let project = project();
    project.environment(GATED);
    let run = project.start(&lab);
    run.wait_for_gates(&["host1", "host2"]);
    run.running.signal_group(Signal::SIGINT);
    run.running.wait_until_printed("stopping after the running updates");
    run.wait_until("end of what has not begun", |events| {
        events.iter().any(|event| matches!(event, Event::RootFinished { .. }))
    });
    for host in lab.hosts() {
        // What was said to the agent before was heard when this comes back.
        lab.command("ssh").args([host.name(), "true"]).output().succeeded();
    }
    assert!(run.running.is_running());
    open_gates(lab.hosts());
    let ran = run.end().expect(130);
    for root in ["database@host1", "app@host2", "aside@host2"] {
        assert_eq!(*ran.outcome(root), Outcome::Interrupted, "{root}");
    }
    for host in lab.hosts() {
        wait_for_the_end_on(host);
        assert_eq!(log(host), ["work v1"]);
    }

    let next = project.deploy(&lab).expect(0);
    assert!(
        next.changes()
            .iter()
            .all(|change| !change.contains("File(\"conf\")") || change.starts_with("app@host2")),
        "{:?}",
        next.changes()
    );
    for host in lab.hosts() {
        assert!(times(host, "restart v1") >= 1);
    }
    assert_eq!(project.deploy(&lab).expect(0).changes(), [""; 0]);
}

#[test]
fn ctrl_c_again_kills_running_updates_on_all_hosts() {
    let lab = Lab::start(2);
    let project = project();
    project.environment(GATED);
    let run = project.start(&lab);
    run.wait_for_gates(&["host1", "host2"]);
    run.running.signal_group(Signal::SIGINT);
    run.running.wait_until_printed("stopping after the running updates");
    run.running.signal_group(Signal::SIGINT);
    run.running.wait_until_printed("killing the running updates");
    let ran = run.end().expect(130);
    assert_eq!(*ran.outcome("database@host1"), Outcome::Interrupted);
    for host in lab.hosts() {
        wait_for_the_end_on(host);
        wait_until("the end of the command", || host.processes_with("echo waiting").is_empty());
        assert_eq!(log(host), [""; 0]);
    }

    open_gates(lab.hosts());
    project.deploy(&lab).expect(0);
    assert_eq!(log(&lab["host1"]), ["work v1", "restart v1"]);
    assert_eq!(project.deploy(&lab).expect(0).changes(), [""; 0]);
}

#[test]
fn a_second_coordinator_is_told_who_is_there_and_may_wait() {
    let lab = Lab::start(2);
    let project = project();
    project.environment(GATED);
    let run = project.start(&lab);
    run.wait_for_gates(&["host1", "host2"]);

    let second = project.deploy(&lab).expect(3);
    assert_eq!(second.summary().locked_hosts.len(), 2);
    let problem = second.host_problem("host1");
    let coordinator = lab.sh("hostname");
    for part in [
        &format!("root@{}", coordinator.trim()),
        " s, now updating database: Database > Command(\"work\")",
        "--wait",
    ] {
        assert!(problem.contains(part), "no {part:?} in {problem}");
    }
    // A plan needs no lock, and says that it may be outdated.
    let plan = project.run(&lab, "plan test").expect(0);
    assert!(plan.output.stdout.contains("a deployment is running"), "{}", plan.output.stdout);

    let waiting = project.start_with(&lab, "deploy test --wait");
    waiting.wait_until("word that it waits", |events| {
        let waits = |event: &&Event| {
            matches!(event, Event::Warning { problem, .. }
            if problem.message.starts_with("waiting: "))
        };
        events.iter().filter(waits).count() == 2
    });
    open_gates(lab.hosts());
    run.end().expect(0);
    let waited = waiting.end().expect(0);
    assert_eq!(waited.changes(), [""; 0]);
    for host in lab.hosts() {
        assert!(agents(host).is_empty());
        assert_whole(host, &["v1"]);
        assert_eq!(unfinished(host), [""; 0]);
    }
    assert_eq!(log(&lab["host1"]), ["work v1", "restart v1"]);
}
