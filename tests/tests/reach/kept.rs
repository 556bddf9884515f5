use nix::sys::signal::kill;
use nix::unistd::Pid;
use togusa_tests::lab::{Host, Lab, LabSpec, Process, Signal};

use crate::project::{Project, agents_on, build_that_waits, connections_to};
use crate::wait_until;

/// The ssh that holds the connection to a host.
fn master(lab: &Lab, host: &Host) -> Process {
    let mut masters = lab.processes_with(" -M -N -f ");
    masters.retain(|process| process.command.ends_with(&format!("-- {}", host.name())));
    assert_eq!(masters.len(), 1, "{:?}", lab.processes());
    masters.remove(0)
}

fn signal(process: &Process, signal: Signal) {
    kill(Pid::from_raw(process.pid), signal).unwrap();
}

#[test]
fn a_kept_connection_is_resumed_and_replaced_when_it_is_no_good() {
    let lab = Lab::start(6);
    let project = Project::on_all(&lab, "keep_connections = \"1m\"");
    project.deploy().succeeded();
    let before: Vec<_> = lab.hosts().iter().map(|host| master(&lab, host)).collect();
    signal(&before[1], Signal::SIGSTOP);
    signal(&before[2], Signal::SIGKILL);
    let [kept, _, _, ended, blinking, restarted] = lab.hosts() else { panic!() };
    ended.kill_sshd_sessions();
    blinking.cut();
    blinking.restore();
    restarted.cut();
    restarted.restart();
    restarted.restore();

    let said = project.deploy().succeeded();

    assert!(!said.contains("error") && !said.contains("warning"), "{said}");
    for (host, before) in lab.hosts().iter().zip(&before) {
        let is_kept = [kept.name(), blinking.name()].contains(&host.name());
        assert_eq!(master(&lab, host).pid == before.pid, is_kept, "{}", host.name());
        assert_eq!(connections_to(host), if is_kept { 1 } else { 2 }, "{}", host.name());
    }
    let is_there = |master: &Process| lab.processes().iter().any(|other| other.pid == master.pid);
    wait_until("the end of the stopped ssh", || !is_there(&before[1]));

    // Cut for good, it fails by name; the next run after that is as if nothing had been.
    kept.cut();
    let deployed = project.deploy().failed();
    deployed.assert_said(kept.name(), &["no route to `host1`"]);
    kept.restore();
    project.deploy().succeeded();
}

#[test]
fn a_changed_ssh_config_is_another_connection() {
    let lab = Lab::start(1);
    let project = Project::on_all(&lab, "keep_connections = \"1m\"");
    let host = &lab["host1"];
    let answers = || lab.sh("cat $XDG_RUNTIME_DIR/togusa/*.answer");
    project.deploy().succeeded();
    project.deploy().succeeded();
    let config = lab.read("~/.ssh/config");
    assert!(answers().contains("\nhostname "), "what ssh said is not kept: {}", answers());
    assert_eq!(connections_to(host), 1);

    lab.write("~/.ssh/config", format!("Include more\n{config}"));
    lab.write("~/.ssh/more", "Host host1\n  TCPKeepAlive no\n");
    project.deploy().succeeded();
    assert_eq!(connections_to(host), 2);
    project.deploy().succeeded();
    assert_eq!(connections_to(host), 2);

    lab.write("~/.ssh/config", config);
    project.deploy().succeeded();
    assert_eq!(connections_to(host), 2, "the first connection was not found again");
}

#[test]
fn nothing_is_left_of_a_run_that_keeps_nothing_or_is_killed() {
    let lab = Lab::start(2);
    let project = Project::on_all(&lab, "keep_connections = \"0s\"");
    build_that_waits(&project);
    let deploy = || {
        let running = project.command("deploy lab").spawn();
        for host in lab.hosts() {
            wait_until("the build", || !host.processes_with("build.sh").is_empty());
        }
        running
    };
    let gone = || {
        wait_until("the end of all that was started", || {
            let sessions = lab.hosts().iter().flat_map(|host| host.processes_with("sshd: root"));
            lab.processes().is_empty() && sessions.count() == 0
        });
    };
    let killed = deploy();
    assert!(lab.hosts().iter().all(|host| agents_on(host).len() == 1));
    killed.kill();
    // Busy ones end after what they do.
    lab.hosts().iter().for_each(|host| host.write("/tmp/go", ""));
    gone();
    assert!(lab.hosts().iter().all(|host| agents_on(host).is_empty()));

    project.deploy().succeeded();
    gone();
}

#[test]
fn a_connection_of_the_users_own_is_used_and_left_alone() {
    let lab = Lab::start(LabSpec::from(2).control_master());
    lab.command("ssh").args(["host1", "true"]).output().succeeded();
    let check = |host: &str| {
        let mut command = lab.command("ssh");
        command.args(["-O", "check", host]).output().status.success()
    };
    assert!(check("host1") && !check("host2"));
    let project = Project::on_all(&lab, "keep_connections = \"0s\"");

    project.deploy().succeeded();

    assert!(check("host1") && !check("host2"));
    assert_eq!(lab.hosts().iter().map(connections_to).collect::<Vec<_>>(), [1, 1]);
}
