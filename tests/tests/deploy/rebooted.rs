//! Hosts that reboot in the middle of a run: it goes on when they are back.

use togusa_core::event::{Event, Outcome};
use togusa_tests::lab::{Host, HostSpec, Lab};
use togusa_tests::project::{Deployment, Project};

use crate::hosts::{agents, log, open_gates, times, wait_until};
use crate::project;

/// Writes down how it is called, and does what is given; the test brings the host down.
fn set_shutdown(host: &Host, then: &str) {
    let script = format!("#!/bin/sh\necho \"$*\" >>/srv/reboots\n{then}\n");
    host.write("/usr/local/sbin/shutdown", &script);
    host.sh("chmod 755 /usr/local/sbin/shutdown");
}

/// Lets the host go down when it is told to.
fn bring_down(host: &Host) {
    wait_until("the command", || host.exists("/run/down"));
    host.restart();
}

fn reboots(host: &Host) -> usize {
    host.read("/srv/reboots").lines().filter(|line| *line == "-r now").count()
}

fn is_rebooting(events: &[Event]) -> bool {
    events.iter().any(|event| matches!(event, Event::Rebooting { .. }))
}

fn start(lab: &Lab, project: &Project) -> Deployment {
    let run = project.start(lab);
    run.wait_until("reboot", is_rebooting);
    run
}

const ENVIRONMENT: &str = r#"
[hosts.web]
components = ["kernel", "aside"]

[hosts.other]
components = ["app"]
"#;

#[test]
fn a_run_goes_on_when_its_host_is_back() {
    let lab = Lab::start(["web", "other"].map(HostSpec::new));
    let (web, project) = (&lab["web"], project());
    set_shutdown(web, ": >/run/down");
    let set = |text: &str| {
        let text = format!("[components]\nkernel.text = '{text}'\naside.gated = true\n");
        project.environment(format!("{ENVIRONMENT}{text}"));
    };
    set("v1");
    let run = project.start(&lab);
    run.wait_for_gates(&["web"]);
    wait_until("all before the reboot", || log(web).contains(&"before v1".to_owned()));
    // What another root does is not torn off.
    assert!(!is_rebooting(&run.events()) && !web.exists("/srv/reboots"));
    open_gates([web]);
    run.wait_until("reboot", is_rebooting);
    bring_down(web);
    let ran = run.end().expect(0);
    assert!(ran.changes().contains(&"kernel@web: Kernel > Reboot".to_owned()), "{ran:?}");
    for line in ["before v1", "after v1", "work v1", "restart v1"] {
        assert_eq!(times(web, line), 1, "{line}: {:?}", log(web));
    }
    assert_eq!(reboots(web), 1);
    assert_eq!(log(&lab["other"]), ["work v1", "restart v1", "reconnect v1"]);
    assert_eq!(project.deploy(&lab).expect(0).changes(), [""; 0]);

    // Nobody waits for it, and it is not done again.
    set("v2");
    let run = start(&lab, &project);
    run.running.kill();
    bring_down(web);
    let ran = project.deploy(&lab).expect(0);
    assert!(!ran.changes().contains(&"kernel@web: Kernel > Reboot".to_owned()), "{ran:?}");
    assert_eq!((reboots(web), times(web, "before v2"), times(web, "after v2")), (2, 1, 1));
    assert_eq!(times(&lab["other"], "reconnect v1"), 2);

    // The system asks for it. It ends the agent first, and is still there when it is looked for; then
    // it loses power, so that no connection is ended.
    set_shutdown(web, ": >/run/down; kill -9 $(pgrep -f 'agent --digest')");
    web.write("/run/reboot-required", "");
    web.write("~/.ssh/rc", "echo login >>/run/logins");
    let run = start(&lab, &project);
    wait_until("the command", || web.exists("/run/down"));
    wait_until("three sessions", || web.read("/run/logins").lines().count() > 2);
    web.cut();
    web.restart();
    web.restore();
    let differences = run.end().expect(0).differences();
    assert_eq!(
        differences,
        ["~ reboot: the system asks for it", "triggered by Kernel of kernel@web"]
    );
    assert_eq!(reboots(web), 3);
}

#[test]
fn a_host_that_does_not_go_or_does_not_come_fails_alone() {
    let lab = Lab::start(["stays", "lost", "other"].map(HostSpec::new));
    let project = project();
    project.environment(
        "[hosts.\"stays\"]\ncomponents = [\"kernel\"]\n[hosts.\"lost\"]\ncomponents = [\"kernel\"]\n\
         [hosts.other]\ncomponents = [\"aside\"]\n[hosts.here]\nconnect = \"local\"\n\
         components = [\"kernel\"]\n[components]\nkernel.seconds = 4\n",
    );
    set_shutdown(&lab["stays"], ":");
    // Both sshd and the agent.
    set_shutdown(&lab["lost"], "kill -9 $(pgrep -f 'sshd|agent --digest')");
    let ran = project.deploy(&lab).expect(1);
    assert_eq!(ran.failed_hosts(), ["lost"]);
    let problem = ran.host_problem("lost");
    assert!(problem.contains("did not come back within 4 s after its reboot"), "{problem}");
    assert!(problem.contains("the last attempt: ") && problem.contains("hint:"), "{problem}");
    let failures = ran.failures().join("\n");
    assert!(failures.contains("did not go down within 4 s after `shutdown -r now`"), "{failures}");
    assert!(failures.contains("the deployment runs on this very host"), "{failures}");
    assert_eq!(*ran.outcome("aside@other"), Outcome::Converged);
    assert!(agents(&lab["stays"]).is_empty());
    // It goes down after all.
    lab["stays"].restart();
    lab["lost"].restart();
    let ran = project.run(&lab, "deploy test --host stays,lost").expect(0);
    assert!(ran.changes().iter().all(|change| change.contains("after")), "{ran:?}");
    assert_eq!((reboots(&lab["stays"]), reboots(&lab["lost"])), (1, 1));
}
