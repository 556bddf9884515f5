use togusa_tests::lab::{HostSpec, Lab, User};

use crate::{ssh, ssh_with, wait_until};

#[test]
fn a_stopped_sshd_accepts_and_says_nothing() {
    let lab = Lab::start(1);
    lab["host1"].stop_sshd();
    let failed = ssh_with(&lab, &["ConnectTimeout=1"], "host1", "true").failed();
    assert!(failed.contains("timed out during banner exchange"), "{failed}");
    lab["host1"].continue_sshd();
    ssh(&lab, "host1", "true").succeeded();
}

#[test]
fn killed_sessions_end_connections_and_leave_sshd_running() {
    let lab = Lab::start([HostSpec::new("web").user(User::new("anna"))]);
    let host = &lab["web"];
    let open = lab.command("ssh").args(["web", "echo up; cat; sleep 1000"]).spawn();
    open.wait_until_printed("up");
    assert_eq!(host.processes_with("sshd: anna").len(), 2, "{:?}", host.processes());
    host.kill_sshd_sessions();
    assert_eq!(open.wait().code(), Some(255));
    wait_until("the end of sessions", || host.processes_with("sshd: anna").is_empty());
    ssh(&lab, "web", "true").succeeded();
}

#[test]
fn a_changed_and_an_unknown_host_key_are_told_apart() {
    let lab = Lab::start(1);
    let host = &lab["host1"];
    let old = host.host_key();
    host.new_host_key();
    assert_ne!(host.host_key(), old);
    let failed = ssh(&lab, "host1", "true").failed();
    assert!(failed.contains("REMOTE HOST IDENTIFICATION HAS CHANGED"), "{failed}");

    host.forget_host_key();
    let failed = ssh(&lab, "host1", "true").failed();
    assert!(failed.contains("Host key verification failed"), "{failed}");
    assert!(!failed.contains("CHANGED"), "{failed}");

    host.trust_host_key();
    ssh(&lab, "host1", "true").succeeded();
}

#[test]
fn a_user_without_a_key_is_refused() {
    let lab = Lab::start([HostSpec::new("web").user(User::new("anna"))]);
    lab["web"].revoke_key("anna");
    let failed = ssh(&lab, "web", "true").failed();
    assert!(failed.contains("Permission denied (publickey)"), "{failed}");
    ssh(&lab, "root@web", "true").succeeded();
}

#[test]
fn options_of_sshd_are_in_force() {
    let lab = Lab::start([HostSpec::new("web").sshd("ForceCommand echo forced")]);
    assert_eq!(ssh(&lab, "web", "true").succeeded(), "forced\n");
}

#[test]
fn a_restarted_host_has_its_files_and_none_of_its_processes() {
    let lab = Lab::start([HostSpec::new("web").small("/srv/data", 1), HostSpec::new("other")]);
    let host = &lab["web"];
    for path in ["/srv/data/kept", "/etc/kept", "/tmp/lost", "/run/lost"] {
        host.write(path, "");
    }
    let key = host.host_key();
    let open = lab.command("ssh").args(["web", "nohup sleep 1000 & echo up; wait"]).spawn();
    open.wait_until_printed("up");
    for _ in 0..2 {
        host.restart();
        assert_eq!(open.wait().code(), Some(255));
        assert!(host.processes_with("sleep").is_empty(), "{:?}", host.processes());
        assert!(host.exists("/srv/data/kept") && host.exists("/etc/kept"));
        assert!(!host.exists("/tmp/lost") && !host.exists("/run/lost"));
        assert_eq!(host.host_key(), key);
        assert_eq!(ssh(&lab, "web", "hostname").succeeded(), "web\n");
    }
    ssh(&lab, "other", "true").succeeded();
}

#[test]
fn a_host_that_loses_power_does_not_say_so() {
    let lab = Lab::start(1);
    let host = &lab["host1"];
    let open = lab.command("ssh").args(["host1", "echo up; exec sleep 1000"]).spawn();
    open.wait_until_printed("up");
    host.cut();
    host.restart();
    assert!(open.is_running());
    host.restore();
    ssh(&lab, "host1", "true").succeeded();
}

#[test]
fn orphans_are_taken_leave_of() {
    let lab = Lab::start(1);
    for station in [&*lab, &*lab["host1"]] {
        let orphan = "( sh -c 'echo $$ >~/orphan; exec sleep 0' & )";
        station.sh(orphan);
        wait_until("the orphan's end", || {
            station.exists("~/orphan")
                && station.sh("[ -e /proc/$(cat ~/orphan) ] || echo gone") == "gone\n"
        });
    }
}
