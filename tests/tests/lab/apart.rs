use std::collections::BTreeSet;

use togusa_tests::lab::{HostSpec, Lab, User};

use crate::ssh;

#[test]
fn two_hosts_share_neither_users_nor_files_nor_names_nor_processes() {
    let lab = Lab::start([HostSpec::new("one").user(User::new("anna")), HostSpec::new("two")]);
    let (one, two) = (&lab["one"], &lab["two"]);

    assert_eq!((one.sh("hostname"), two.sh("hostname")), ("one\n".into(), "two\n".into()));
    assert_eq!(ssh(&lab, "one", "id -un").succeeded(), "anna\n");
    assert_eq!(ssh(&lab, "two", "id -un").succeeded(), "root\n");
    two.command("id").arg("anna").output().failed();
    lab.command("id").arg("anna").output().failed();

    // Also on file systems that they have from the machine, and where all users write.
    for path in
        ["~anna/file", "/etc/file", "/tmp/file", "/dev/shm/file", "/run/file", "/var/tmp/file"]
    {
        one.write(path, "of one");
        assert_eq!(one.read(path), "of one");
        let path = path.replace("~anna", "/srv/anna");
        assert!(!two.exists(&path) && !lab.exists(&path), "{path}");
    }

    let sleeping = one.command("sleep").arg("12345").spawn();
    let found = one.processes_with("sleep 12345");
    assert_eq!(found.iter().map(|process| process.pid).collect::<Vec<_>>(), [sleeping.pid()]);
    assert!(one.sh("ps ax").contains("sleep 12345"));
    assert!(two.processes_with("sleep").is_empty() && lab.processes_with("sleep").is_empty());
    assert!(!two.sh("ps ax").contains("sleep 12345"));

    let addresses: BTreeSet<_> = lab.hosts().iter().map(|host| host.address()).collect();
    assert_eq!(addresses.len(), 2);
    assert_ne!(one.host_key(), two.host_key());
    assert_eq!(one.sh("getent hosts two | cut -d' ' -f1"), format!("{}\n", two.address()));
}

#[test]
fn a_fresh_host_runs_sshd_alone_and_sees_nothing_private_of_the_machine() {
    let lab = Lab::start(1);
    let host = &lab["host1"];
    let processes: Vec<_> = host.processes().into_iter().map(|process| process.command).collect();
    assert_eq!(processes.len(), 1, "{processes:?}");
    assert!(processes[0].contains("sshd"), "{processes:?}");
    assert!(lab.processes().is_empty(), "{:?}", lab.processes());

    let mine = tempfile::NamedTempFile::new().unwrap();
    let path = mine.path().to_str().unwrap();
    assert!(lab.exists(path) && !host.exists(path));
    assert!(!host.exists(env!("CARGO_MANIFEST_DIR")));
    assert_eq!(host.sh("ls -A ~"), host.sh("ls -A /etc/skel"));
    assert_eq!(host.sh("ls -A /home /mnt /srv /var/tmp | grep -v : | tr -d '\\n'"), "");
}

#[test]
fn the_coordinator_has_a_home_of_its_own_and_no_way_out() {
    let lab = Lab::start(1);
    let home = lab.sh("echo $HOME; cd; pwd; getent passwd root | cut -d: -f6; pwd");
    let homes: BTreeSet<_> = home.lines().collect();
    assert_eq!(homes.len(), 1, "{home}");
    lab.write("~/notes/a", "b");
    assert_eq!(lab.sh("cat notes/a"), "b");
    assert_eq!(lab.sh("stat -c %a $XDG_RUNTIME_DIR"), "700\n");
    assert_eq!(lab.sh("ip route | grep default || echo none"), "none\n");
    let outside = lab.command("getent").args(["hosts", "deb.debian.org"]).output();
    assert_eq!(outside.code(), Some(2), "a name of another network was resolved");
}

#[test]
fn labs_run_side_by_side_with_the_same_addresses() {
    let (one, other) = (Lab::start(1), Lab::start(1));
    assert_eq!(one["host1"].address(), other["host1"].address());
    one["host1"].write("/srv/of", "one");
    other["host1"].write("/srv/of", "other");
    assert_eq!(ssh(&one, "host1", "cat /srv/of").succeeded(), "one");
    assert_eq!(ssh(&other, "host1", "cat /srv/of").succeeded(), "other");
}

#[test]
fn twenty_seven_hosts_all_answer() {
    let lab = Lab::start(27);
    let running: Vec<_> = lab
        .hosts()
        .iter()
        .map(|host| lab.command("ssh").args([host.name(), "hostname"]).spawn())
        .collect();
    for (host, running) in lab.hosts().iter().zip(running) {
        assert_eq!(running.wait().succeeded(), format!("{}\n", host.name()));
    }
}
