//! Processes without an init system, of another user.

use crate::{Subject, wait_until};

#[test]
fn a_program_of_another_user_is_started_watched_and_stopped() {
    let here = Subject::start();
    let host = here.host();
    host.sh("useradd -m -d /srv/app app; install -d -o app /var/log/app");
    host.write(
        "/opt/app",
        "#!/bin/sh\necho \"I am $(id -un) at $HOME: $PASSWORD\"\nexec sleep 999\n",
    );
    host.sh("chmod 755 /opt/app");
    let site = here.site("program");
    let base =
        "[components.program]\nuser = 'app'\nlog = '/var/log/app/app.log'\ndirectory = '/'\n";
    let with = |more: &str| site.set(["program"], &format!("{base}{more}"));
    with("command = ['/opt/app', 'one']\npassword = 'tr0ub4dor'");
    assert_eq!(site.converge(), ["~ not running"]);
    let log = || host.read("/var/log/app/app.log");
    wait_until("the log", || log().contains("I am app at /srv/app: tr0ub4dor\n"));
    let find = || {
        let found = host.processes_with("sleep 999");
        assert_eq!(found.len(), 1, "{found:?}");
        found[0].pid
    };
    let first = find();
    assert_eq!(host.sh("stat -c %U:%a /var/log/app/app.log"), "app:640\n");
    let status = host.sh("ps -o uid=,ppid= -p $(pgrep -x sleep -u app)");
    assert!(status.trim().ends_with(" 1"), "it hangs on nothing of the deployment: {status}");

    host.sh("kill -9 $(pgrep -x sleep -u app)");
    let changes = site.converge();
    assert!(changes[0].starts_with("~ not running: process "), "{changes:?}");
    assert_ne!(find(), first);

    with("command = ['/opt/app', 'two']\npassword = 'other-words'");
    let changes = site.converge();
    assert_eq!(
        changes,
        ["~ command /opt/app one → /opt/app two", "~ variable PASSWORD differs (sensitive)"]
    );
    wait_until("the log", || log().contains("other-words"));
    assert!(host.processes_with("other-words").is_empty());

    with("command = ['/opt/app', 'two']\nabsent = true");
    assert_eq!(site.converge().len(), 3);
    assert!(host.processes_with("sleep 999").is_empty());

    host.sh("chown root /var/log/app; chmod 700 /var/log/app");
    with("command = ['/opt/app']");
    let failure = site.failure();
    assert!(failure.contains("cannot create /var/log/app/app.log: Permission denied"), "{failure}");
}

#[test]
fn an_ordinary_user_needs_no_privilege_and_its_program_survives_the_deployment() {
    let here = Subject::start();
    let host = here.host();
    host.sh("useradd -m dev");
    let site = here.site_of("dev", "program");
    let text = "[components.program]\nuser = 'dev'\nlog = 'app.log'\ndirectory = '/'\n\
                command = ['/bin/sleep', '998']";
    site.set(["program"], text);
    assert_eq!(site.converge(), ["~ not running"]);
    assert_eq!(host.processes_with("sleep 998").len(), 1);
    host.sh("chmod -x $(command -v setsid)");
    site.set(["program"], &text.replace("998", "997"));
    let failure = site.failure();
    assert!(failure.contains("setsid"), "{failure}");
}

#[test]
fn a_program_neither_ends_with_its_session_nor_keeps_it_open() {
    let here = Subject::start();
    let site = here.site("session");
    let text = "[components.program]\nuser = 'root'\nlog = 'app.log'\ndirectory = '/'\n\
                command = ['/bin/sleep', '996']";
    site.set(["program"], text);
    // ssh ends when nothing holds the streams of its session any more.
    here.ssh("cd /srv/root/session && library-subject deploy session");
    assert_eq!(here.host().processes_with("sleep 996").len(), 1);
    assert!(site.converge().is_empty());
}
