use nix::sys::signal::kill;
use nix::unistd::Pid;
use togusa_tests::lab::{Lab, Signal};

use crate::project::{Project, hosts};
use crate::wait_until;

const GIT: &str = "git -c user.name=t -c user.email=t@t";

/// The row of a host, from its second column on.
#[track_caller]
fn row<'a>(shown: &'a str, host: &str) -> &'a str {
    let row = shown.lines().find_map(|line| line.strip_prefix(&format!("{host}  ")));
    row.unwrap_or_else(|| panic!("there is no `{host}` in:\n{shown}")).trim_start()
}

#[test]
fn the_last_deployment_is_told_with_its_commit_and_its_end() {
    let lab = Lab::start(3);
    let project = Project::new(&lab, "", &hosts("host[1-3]"));
    project.sh(&format!("git init -q -b main; git add .; {GIT} commit -q -m m"));
    let short = project.sh("git rev-parse HEAD")[..7].to_owned();

    let never = project.expect(0, "status lab");
    assert_eq!(row(&never.stdout, "host2"), "never deployed");

    project.expect(0, "deploy lab");
    let shown = project.expect(0, "status lab").stdout;
    assert!(shown.ends_with(&format!("all 3 hosts are at commit {short} main\n")), "{shown}");
    for host in ["host1", "host2", "host3"] {
        let row = row(&shown, host);
        assert!(row.contains(" s ago (20") && row.contains("  root@"), "{row}");
        assert!(row.ends_with(&format!("  {short} main  converged")), "{row}");
    }

    // A build that fails, from a tree that is not committed, on one host.
    project.write("site/src/build.sh", "exit 3");
    project.expect(1, "deploy lab --host host2");
    let shown = project.expect(0, "status lab -v").stdout;
    assert!(
        row(&shown, "host2").ends_with(&format!("{short} main dirty  failed: `site`")),
        "{shown}"
    );
    assert!(row(&shown, "host1").ends_with("converged"), "{shown}");
    assert_eq!(shown.matches("root@").count(), 4, "{shown}");
    let places = format!(
        "the hosts are not at the same commit:\n  {short} main: `host1`, `host3`\n  \
         {short} main dirty: `host2`\n"
    );
    assert!(shown.contains(&places), "{shown}");

    let told = project.expect(0, "status lab --host host2 --json").stdout;
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!((&told[0]["host"], &told[0]["state"]), (&"host2".into(), &"failed".into()));
    assert_eq!(told[0]["records"][0]["end"]["roots"]["site"], "failed");
    assert_eq!(told[0]["records"].as_array().unwrap().len(), 2);
}

#[test]
fn a_deployment_that_runs_or_was_killed_is_told_with_what_it_left() {
    let lab = Lab::start(1);
    let project = Project::new(&lab, "", &hosts("host1"));
    project.write("site/src/build.sh", "echo waiting\nuntil [ -e /tmp/go ]; do sleep 0.02; done\n");
    let running = project.command("deploy lab --json").spawn();
    running.wait_until_printed("\"waiting\"");

    let shown = project.expect(0, "status lab").stdout;
    assert!(row(&shown, "host1").ends_with("running now"), "{shown}");
    let holder = shown.lines().find_map(|line| line.strip_prefix("host1  running: root@")).unwrap();
    assert!(holder.ends_with("now updating site: Site > Command(\"build\")"), "{holder}");

    running.kill();
    let host = &lab["host1"];
    for process in host.processes_with("/agents/hello/") {
        kill(Pid::from_raw(process.pid), Signal::SIGKILL).unwrap();
    }
    wait_until("the end of the agent", || host.processes_with("/agents/hello/").is_empty());
    let shown = project.expect(0, "status lab").stdout;
    assert!(row(&shown, "host1").ends_with("did not end"), "{shown}");
    assert!(shown.contains("\nhost1  pending in site: `Site > Command(\"build\")`"), "{shown}");

    // What is wrong with the model is no matter here.
    project.environment("lab", "", &(hosts("host1") + "attributes.site.keep = \"many\"\n"));
    project.expect(2, "check lab");
    let shown = project.expect(0, "status lab").stdout;
    assert!(row(&shown, "host1").ends_with("did not end"), "{shown}");
}

#[test]
fn a_host_that_is_down_hides_no_other() {
    let lab = Lab::start(2);
    let project = Project::new(&lab, "timeout = \"2s\"", &hosts("host[1-2]"));
    project.expect(0, "deploy lab");
    lab["host2"].refuse();
    project.expect(0, "disconnect lab");
    let shown = project.expect(1, "status lab");
    assert!(row(&shown.stdout, "host1").ends_with("converged"), "{}", shown.stdout);
    assert_eq!(row(&shown.stdout, "host2"), "could not be asked");
    assert!(shown.stderr.starts_with("host2  error[T0410]: cannot connect: "), "{}", shown.stderr);
    assert!(shown.stderr.contains("\n  hint: "), "{}", shown.stderr);
    project.expect(0, "status lab --host host1");

    let told = project.expect(1, "status lab --json").stdout;
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!((&told[0]["state"], &told[1]["state"]), (&"converged".into(), &"unknown".into()));
    assert!(told[1]["problem"]["message"].as_str().unwrap().starts_with("cannot connect"));
}
