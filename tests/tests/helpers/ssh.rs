use togusa_tests::example::program;
use togusa_tests::lab::{Host, HostSpec, Lab};

use crate::project::{Project, expect, hosts};

/// How many connections the host has taken since it was started.
fn connections_to(host: &Host) -> u64 {
    let counters = host.sh("grep ^Tcp: /proc/net/snmp");
    let lines: Vec<Vec<_>> = counters.lines().map(|line| line.split(' ').collect()).collect();
    let at = lines[0].iter().position(|name| *name == "PassiveOpens").unwrap();
    lines[1][at].parse().unwrap()
}

#[test]
fn all_commands_share_one_connection_until_it_is_ended() {
    let lab = Lab::start([HostSpec::new("app01"), HostSpec::new("app02"), HostSpec::new("db")]);
    let project = Project::new(&lab, "", &hosts("app[01-02]"));
    project.environment("other", "", &hosts("db"));
    let connections = || lab.hosts().iter().map(connections_to).collect::<Vec<_>>();
    let before = connections();

    project.expect(0, "deploy lab");
    let ran = project.command("ssh lab app01 --").arg("hostname; exit 7").output();
    assert_eq!(expect(7, ran).stdout, "app01\n");
    project.expect(0, "exec lab -- true");
    project.expect(0, "status lab");
    project.expect(0, "exec other -- true");
    let expected: Vec<_> = before.iter().map(|number| number + 1).collect();
    assert_eq!(connections(), expected);

    assert_eq!(project.expect(0, "disconnect lab").stderr, "ended 2 connections\n");
    assert_eq!(project.expect(0, "disconnect lab").stderr, "no connection was kept\n");
    // Those of the other environment are still there.
    project.expect(0, "exec other -- true");
    assert_eq!(connections(), expected);
    assert_eq!(project.expect(0, "disconnect --json").stdout, "{\"ended\":1}\n");
    project.expect(0, "exec other -- true");
    assert_eq!(connections()[2], expected[2] + 1);
    project.expect(0, "disconnect");
}

#[test]
fn a_shell_has_a_terminal_and_its_exit_code_is_passed_on() {
    let lab = Lab::start(1);
    let project = Project::new(&lab, "", &hosts("host1"));
    let program = program(&lab).display();
    let directory = project.path("").display().to_string();
    let in_terminal = |arguments: &str, typed: &str| {
        let mut script = lab.command("script");
        script.args(["-q", "-e", "-c", &format!("{program} {arguments}"), "/dev/null"]);
        script.current_dir(&directory).env("TERM", "dumb").input(typed).output()
    };
    let shell = in_terminal("ssh lab host1", "tty && echo host $(hostname)\nexit 5\n");
    let shell = expect(5, shell);
    assert!(shell.stdout.contains("/dev/pts/"), "{}", shell.stdout);
    assert!(shell.stdout.contains("host host1"), "{}", shell.stdout);
    let command = expect(0, in_terminal("ssh lab host1 -- tty", ""));
    assert!(command.stdout.contains("/dev/pts/"), "{}", command.stdout);
    let without = project.expect(1, "ssh lab host1 -- tty");
    assert_eq!(without.stdout, "not a tty\n");
    project.expect(0, "disconnect lab");
}

#[test]
fn a_host_that_is_not_there_or_is_this_machine_is_refused() {
    let lab = Lab::start(0);
    let here = "[hosts.here]\nconnect = \"local\"\ncomponents = [\"pages\", \"site\"]\n";
    let project = Project::new(&lab, "", here);
    let near = project.expect(2, "ssh lab hera");
    assert!(near.stderr.contains("there is no host `hera` in `lab`"), "{}", near.stderr);
    assert!(near.stderr.contains("hint: did you mean `here`?"), "{}", near.stderr);
    let local = project.expect(2, "ssh lab here");
    assert!(local.stderr.contains("`here` is this machine, without ssh"), "{}", local.stderr);
    assert_eq!(project.expect(0, "exec lab -- echo hi").stdout, "hi\n");
}
