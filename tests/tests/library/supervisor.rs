//! Programs below a real supervisord.

use crate::{Subject, wait_until};

/// A host where supervisord runs.
fn start() -> Subject {
    let here = Subject::start();
    here.host()
        .sh("rm -f /etc/supervisor/conf.d/*; supervisord -c /etc/supervisor/supervisord.conf");
    wait_until("supervisord", || here.host().exists("/run/supervisor.sock"));
    here
}

#[test]
fn a_program_is_added_kept_right_and_removed() {
    let here = start();
    let host = here.host();
    host.write("/opt/app", "#!/bin/sh\necho \"$* $A $PASSWORD\"\nexec sleep 999\n");
    host.sh("chmod 755 /opt/app; useradd -m app");
    let site = here.site("supervised");
    let base = "[components.supervised]\nname = 'app'\nlog = '/var/log/app.log'\n";
    let set = |more: &str| site.set(["supervised"], &format!("{base}{more}"));
    let env = "env = { A = '50% b' }\n";
    set(&format!("{env}command = ['/opt/app', 'a ;b #c', '100%']\npassword = 'tr0ub4dor'"));
    let changes = site.converge();
    assert!(changes.contains(&"+ create file (mode 0600)".to_owned()), "{changes:?}");
    assert!(changes.contains(&"+ create process".to_owned()), "{changes:?}");
    assert!(changes.contains(&"~ content (sensitive)".to_owned()), "{changes:?}");
    let log = || host.read("/var/log/app.log");
    wait_until("the log", || log().contains("a ;b #c 100% 50% b tr0ub4dor\n"));

    // Stopped by hand.
    host.sh("supervisorctl stop app");
    let changes = site.converge();
    assert!(changes[0].starts_with("~ state STOPPED (") && changes.len() == 1, "{changes:?}");

    // Another command: restarted by `update`, once.
    set(&format!("{env}command = ['/opt/app', 'two']\nuser = 'app'"));
    let pid = || host.sh("supervisorctl pid app");
    let before = pid();
    site.converge();
    wait_until("the log", || log().contains("two 50% b"));
    assert_ne!(pid(), before);
    assert_eq!(host.sh("stat -c %a /etc/supervisor/conf.d/app.conf"), "644\n");
    assert_eq!(host.sh("ps -o user= -p $(supervisorctl pid app)"), "app\n");

    // A file that it depends on: restarted, or sent a signal.
    let before = pid();
    set(&format!("{env}command = ['/opt/app', 'two']\nuser = 'app'\nconf = 'x'"));
    site.converge();
    let after = pid();
    assert_ne!(after, before);
    let signal = "conf = 'y'\nreload_signal = 'CONT'";
    set(&format!("{env}command = ['/opt/app', 'two']\nuser = 'app'\n{signal}"));
    site.converge();
    assert_eq!(pid(), after);

    // Its file changed by hand.
    host.sh("echo 'priority = 5' >>/etc/supervisor/conf.d/app.conf; chmod 666 /etc/supervisor/conf.d/app.conf");
    let changes = site.converge();
    assert_eq!(changes[..2], ["~ mode 0666 → 0644", "~ content (+0 -1 lines)"]);

    set(&format!("{env}command = ['/opt/app']\nabsent = true"));
    let changes = site.converge();
    assert!(changes.contains(&"- remove process, RUNNING".to_owned()), "{changes:?}");
    assert!(!host.exists("/etc/supervisor/conf.d/app.conf"));
    assert!(host.processes_with("sleep 999").is_empty());
}

#[test]
fn a_trigger_reaches_what_is_starting_and_a_reload_must_be_survived() {
    let here = start();
    let host = here.host();
    let text = |more: &str| format!("#!/bin/sh\n{more}\nwhile :; do sleep 0.1; done\n");
    host.write("/opt/app", text(""));
    host.sh("chmod 755 /opt/app");
    let site = here.site("supervised");
    let base = "[components.supervised]\nname = 'app'\nenv = {}\ncommand = ['/opt/app']\n";
    let set = |more: &str| site.set(["supervised"], &format!("{base}{more}"));
    set("start_seconds = 3\nconf = 'one'");
    site.converge();
    // Started again by hand, and changed before supervisord takes it for running.
    host.sh("supervisorctl signal KILL app");
    let find = || host.processes_with("/bin/sh /opt/app").iter().map(|one| one.pid).collect();
    let mut started: Vec<i32> = Vec::new();
    wait_until("the start", || {
        started = find();
        !started.is_empty() && host.sh("supervisorctl status app || :").contains("STARTING")
    });
    set("start_seconds = 3\nconf = 'two'");
    site.converge();
    assert_ne!(find(), started, "it was started with the old file");

    host.write("/opt/app", text("trap 'sleep 0.4; echo bad value; exit 1' HUP"));
    host.sh("supervisorctl restart app");
    set("start_seconds = 3\nconf = 'three'\nreload_signal = 'HUP'");
    let failure = site.failure();
    assert!(failure.contains("`app` did not survive its reload by signal HUP"), "{failure}");
    assert!(failure.contains("| bad value"), "{failure}");
}

#[test]
fn what_goes_wrong_is_told_with_its_remedy() {
    let here = start();
    let host = here.host();
    let site = here.site("broken");
    let set = |name: &str, more: &str| {
        let text = format!("[components.supervised]\nname = '{name}'\nenv = {{}}\n{more}");
        site.set(["supervised"], &text);
    };
    host.write("/opt/fails", "#!/bin/sh\necho 'no database' >&2\nexit 3\n");
    host.sh("chmod 755 /opt/fails");
    set("fails", "command = ['/opt/fails']\nlog = '/var/log/fails.log'");
    let failure = site.failure();
    assert!(failure.contains("`fails` does not stay up for 1 s: FATAL"), "{failure}");
    assert!(failure.contains("| no database"), "{failure}");

    set("missing", "command = ['/no/such']");
    let failure = site.failure();
    assert!(failure.contains("can't find command '/no/such'"), "{failure}");

    host.sh("rm /etc/supervisor/conf.d/*; echo '[nonsense' >/etc/supervisor/conf.d/other.conf");
    set("app", "command = ['/bin/sleep', '999']");
    let failure = site.failure();
    assert!(failure.contains("supervisord says: ERROR: CANT_REREAD"), "{failure}");
    host.sh("rm /etc/supervisor/conf.d/other.conf");
    site.converge();

    host.sh("supervisorctl shutdown");
    wait_until("the end", || !host.exists("/run/supervisord.pid"));
    let failure = site.failure();
    assert!(failure.contains("supervisord does not answer: unix:///"), "{failure}");
    assert!(failure.contains("hint: start it in an earlier component"), "{failure}");
    host.sh("rm $(command -v supervisorctl)");
    let failure = site.failure();
    assert!(failure.contains("there is no program `supervisorctl`"), "{failure}");
    assert!(failure.contains("hint: install the package `supervisor`"), "{failure}");
}
