use togusa_tests::lab::{HostSpec, Lab, Shell, Signal, User};

use crate::project::{Project, expect, hosts};
use crate::wait_until;

fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<_> = text.lines().collect();
    lines.sort_unstable();
    lines
}

/// Two hosts that converge as `app`, whose logins have different shells.
fn with_service_users() -> Lab {
    let user = |shell| User::new("deploy").shell(shell).may_become("app");
    let host = |name, shell| HostSpec::new(name).user(user(shell)).user(User::service("app"));
    Lab::start([host("zsh", Shell::Zsh), host("ash1", Shell::Busybox)])
}

#[test]
fn a_command_runs_as_the_converging_user_with_its_arguments_as_they_are() {
    let lab = with_service_users();
    let both = hosts("zsh") + &hosts("ash1");
    let project = Project::new(&lab, "service_user = \"app\"", &both);
    let script = "id -un; test \"$PWD\" = ~app && echo at home; echo >&2 ${HOME##*/}";
    let who = expect(0, project.command("exec lab -- sh -c").arg(script).output());
    let expected = ["ash1  | app", "ash1  | at home", "zsh   | app", "zsh   | at home"];
    assert_eq!(sorted(&who.stdout), expected);
    assert_eq!(sorted(&who.stderr), ["ash1  | app", "exit 0: all 2 hosts", "zsh   | app"]);
    let login = project.expect(0, "exec lab --login --host zsh -- id -un");
    assert_eq!((login.stdout.as_str(), login.stderr.as_str()), ("deploy\n", ""));

    let odd = ["", "it's  \"$HOME\"", "`id` \\\\ !x * ~ =ls", "two\nlines\n", "{a,b}", "%"];
    for host in ["zsh", "ash1"] {
        let mut command = project.command("exec lab --host");
        let printed = command.args([host, "--", "printf", "%s|"]).args(odd).output();
        assert_eq!(expect(0, printed).stdout, odd.map(|word| format!("{word}|")).concat());
    }
}

#[test]
fn exit_codes_are_summed_up_and_a_host_that_is_down_hides_no_other() {
    let lab = Lab::start(3);
    let project = Project::new(&lab, "timeout = \"2s\"", &hosts("host[1-3]"));
    lab["host3"].refuse();
    let script = "hostname; test $(hostname) = host1";
    let ran = expect(1, project.command("exec lab -- sh -c").arg(script).output());
    assert_eq!(sorted(&ran.stdout), ["host1  | host1", "host2  | host2"]);
    assert!(ran.stderr.starts_with("host3  error[T0410]: cannot connect: "), "{}", ran.stderr);
    assert!(ran.stderr.contains("\nexit 0: 1 host\nexit 1: `host2`\n"), "{}", ran.stderr);

    let quiet = project.expect(1, "exec lab --host host2 -q -- no-such-program");
    assert!(quiet.stderr.contains("no-such-program: not found\nexit 127: `host2`\n"), "{quiet:?}");
    let ambiguous = project.expect(2, "exec lab --host host9 -- true");
    assert!(ambiguous.stderr.contains("`--host host9` matches no host"), "{}", ambiguous.stderr);
}

#[test]
fn much_output_comes_whole() {
    let lab = Lab::start(1);
    let project = Project::new(&lab, "", &hosts("host1"));
    let script = "i=0; while [ $i -lt 20 ]; do seq 20000; i=$((i+1)); done; printf end";
    let output = expect(0, project.command("exec lab -- sh -c").arg(script).output());
    let expected: String = (1..=20_000).map(|number| format!("{number}\n")).collect();
    assert!(output.stdout == expected.repeat(20) + "end", "{} bytes", output.stdout.len());
}

#[test]
fn ctrl_c_and_the_end_of_the_program_end_the_command_everywhere() {
    let lab = with_service_users();
    let both = hosts("zsh") + &hosts("ash1");
    let project = Project::new(&lab, "service_user = \"app\"", &both);
    let is_running = || lab.hosts().iter().map(|host| host.processes_with("sleep 1000").len());
    for signal in [Signal::SIGINT, Signal::SIGKILL] {
        let mut command = project.command("exec lab -- sh -c");
        // The shell has a child, which does not get by with a signal to the shell alone.
        let running = command.arg("echo up; sleep 1000; echo not reached").own_group().spawn();
        wait_until("the command", || is_running().all(|running| running > 0));
        ["ash1  | up", "zsh   | up"].iter().for_each(|line| running.wait_until_printed(line));
        running.signal_group(signal);
        let output = running.wait();
        assert_eq!(output.code(), (signal == Signal::SIGINT).then_some(130), "{}", output.stderr);
        wait_until("its end", || is_running().sum::<usize>() == 0);
        assert_eq!(sorted(&output.stdout), ["ash1  | up", "zsh   | up"]);
    }
}

#[test]
fn a_sudo_that_asks_is_seen() {
    let user = User::new("deploy").may_become_with_password("app");
    let lab = Lab::start([HostSpec::new("web").user(user).user(User::service("app"))]);
    let project = Project::new(&lab, "service_user = \"app\"", &hosts("web"));
    let refused = project.expect(1, "exec lab -- true");
    assert!(refused.stderr.contains("sudo: a password is required"), "{}", refused.stderr);
    assert!(refused.stderr.ends_with("exit 1: `web`\n"), "{}", refused.stderr);
    project.expect(0, "exec lab --login -- true");
}
