//! Hosts that are lost, and found again.

use std::time::{Duration, Instant};

use nix::sys::signal::kill;
use nix::unistd::Pid;
use togusa_core::event::{Event, Outcome};
use togusa_tests::lab::{HostSpec, Lab, Signal};

use crate::hosts::{
    agents, assert_whole, close_gates, lock_is_free, log, open_gates, times, unfinished,
    wait_for_the_end_on, wait_until,
};
use crate::project;

/// An agent that is told nothing for 30 s counts its coordinator as lost, and has noticed by then.
const NOTICED: Duration = Duration::from_secs(35);

const ENVIRONMENT: &str = r#"
[hosts.database]
components = ["database"]

[hosts.down]
components = ["aside"]

[hosts.idle]
components = ["app"]

[hosts."busy[1-2]"]
components = ["aside"]

[hosts.chatty]
components = ["chatty"]

[hosts.blinking]
components = ["aside"]

[components]
database.gated = true
aside.gated = true
"#;

#[test]
fn a_line_that_is_cut_fails_its_host_alone_and_the_next_run_completes_what_is_due() {
    const CUT: [&str; 3] = ["idle", "busy1", "chatty"];
    let names = ["database", "down", "idle", "busy1", "busy2", "chatty", "blinking"];
    let lab = Lab::start(names.map(HostSpec::new));
    let project = project();
    project.environment(ENVIRONMENT);
    lab["down"].cut();
    let run = project.start(&lab);
    run.wait_for_gates(&["database", "busy1", "busy2", "chatty", "blinking"]);
    wait_until("the agent on idle", || !agents(&lab["idle"]).is_empty());
    for name in CUT.into_iter().chain(["blinking"]) {
        lab[name].cut();
    }
    let cut = Instant::now();
    // Shorter than what ssh itself waits for.
    wait_until("the end of the short cut", || cut.elapsed() > Duration::from_secs(4));
    lab["blinking"].restore();
    // An update that has much to say is not held up for longer than the others.
    open_gates([&lab["chatty"]]);
    for name in ["idle", "chatty"] {
        let host = &lab[name];
        wait_until(&format!("the end of the agent on {name}"), || agents(host).is_empty());
        assert!(lock_is_free(host), "{name} is locked");
    }
    assert!(cut.elapsed() < 2 * NOTICED, "agents were there for {:?}", cut.elapsed());
    wait_until("the silence", || cut.elapsed() > NOTICED);
    let host = &lab["busy1"];
    assert_eq!(agents(host).len(), 1, "the agent left its update alone");
    assert!(!lock_is_free(host));
    open_gates([host]);
    wait_for_the_end_on(host);
    open_gates(["database", "busy2", "blinking"].map(|name| &lab[name]));
    let ran = run.end().expect(1);

    assert_eq!(ran.failed_hosts(), ["busy1", "chatty", "down", "idle"]);
    let problem = ran.host_problem("down");
    assert!(problem.contains("No route to host"), "{problem}");
    for host in CUT {
        let problem = ran.host_problem(host);
        assert!(problem.contains("connection") && problem.contains("hint:"), "{problem}");
    }
    for root in ["database@database", "aside@busy2", "aside@blinking"] {
        assert_eq!(*ran.outcome(root), Outcome::Converged, "{root}");
    }
    for root in ["app@idle", "aside@busy1", "chatty@chatty", "aside@down"] {
        assert_eq!(*ran.outcome(root), Outcome::Failed, "{root}");
    }
    // Their updates were not torn off, and nothing was begun after them.
    for name in ["busy1", "chatty"] {
        assert_eq!(log(&lab[name]), ["work v1"], "{name}");
    }
    for host in lab.hosts() {
        assert_whole(host, &["v1"]);
        assert_eq!(unfinished(host), [""; 0], "{}", host.name());
    }

    lab.hosts().iter().for_each(|host| host.restore());
    open_gates(lab.hosts());
    let mut changes = project.deploy(&lab).expect(0).changes();
    changes.retain(|change| !change.contains("@down") && !change.contains("@idle"));
    changes.sort();
    let due = [
        "aside@busy1: Aside > Command(\"restart\")",
        "chatty@chatty: Chatty > Command(\"restart\")",
    ];
    assert_eq!(changes, due);
    for host in lab.hosts() {
        assert_eq!(times(host, "work v1"), 1, "{}: {:?}", host.name(), log(host));
        assert_eq!(times(host, "restart v1"), 1, "{}: {:?}", host.name(), log(host));
    }
    assert_eq!(times(&lab["idle"], "reconnect v1"), 1);
    close_gates(lab.hosts());
    assert_eq!(project.deploy(&lab).expect(0).changes(), [""; 0]);
}

#[test]
fn an_agent_that_is_killed_fails_its_host_alone_and_the_next_run_waits_for_its_command() {
    let lab = Lab::start(2);
    let project = project();
    project.environment(
        "[hosts.\"host[1-2]\"]\ncomponents = [\"aside\"]\n[components]\naside.gated = true\n",
    );
    let run = project.start(&lab);
    run.wait_for_gates(&["host1", "host2"]);
    let host = &lab["host1"];
    kill(Pid::from_raw(agents(host)[0].pid), Signal::SIGKILL).unwrap();
    open_gates([&lab["host2"]]);
    let ran = run.end().expect(1);
    assert_eq!(ran.failed_hosts(), ["host1"]);
    let problem = ran.host_problem("host1");
    assert!(problem.contains("killed"), "{problem}");
    assert_eq!(*ran.outcome("aside@host2"), Outcome::Converged);

    let next = project.start(&lab);
    next.wait_until("word of the survivor", |events| {
        events.iter().any(|event| {
            matches!(event, Event::Warning { problem, .. }
                if problem.message.contains("still running")
                    && problem.message.contains("Aside > Command(\"work\")"))
        })
    });
    open_gates([host]);
    next.end().expect(0);
    assert_eq!(times(host, "restart v1"), 1);
    // What was done by a command that nobody watched is not known to be done.
    assert_eq!(times(host, "work v1"), 2, "{:?}", log(host));
    assert_eq!(project.deploy(&lab).expect(0).changes(), [""; 0]);
}

#[test]
fn a_host_that_restarts_in_the_middle_fails_alone_and_completes_with_the_next_run() {
    let lab = Lab::start(2);
    let project = project();
    project.environment(
        "[hosts.\"host[1-2]\"]\ncomponents = [\"aside\"]\n[components]\naside.gated = true\n",
    );
    let run = project.start(&lab);
    run.wait_for_gates(&["host1", "host2"]);
    lab["host1"].restart();
    open_gates([&lab["host2"]]);
    let ran = run.end().expect(1);
    assert_eq!(ran.failed_hosts(), ["host1"]);
    let problem = ran.host_problem("host1");
    assert!(problem.contains("hint:"), "{problem}");
    assert!(ran.output.stdout.contains("\"host\":\"host1\""), "{problem}");

    open_gates([&lab["host1"]]);
    let changes = project.deploy(&lab).expect(0).changes();
    let due =
        ["aside@host1: Aside > Command(\"work\")", "aside@host1: Aside > Command(\"restart\")"];
    assert_eq!(changes, due);
    assert_eq!(log(&lab["host1"]), ["work v1", "restart v1"]);
    assert_eq!(project.deploy(&lab).expect(0).changes(), [""; 0]);
}
