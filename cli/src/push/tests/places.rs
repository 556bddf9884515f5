//! Stores that cannot be written to, that nothing runs from, or that are not private.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::Path;
use std::process::{Child, Stdio};

use super::host::{Host, SHS, Talk, agent, command};
use crate::push::{Start, unstarted};

/// A process that keeps a namespace, in which a small file system lies at a place of its own; it
/// ends when its standard input does.
struct Disk {
    keeper: Child,
}

impl Disk {
    fn mount(place: &Path, options: &str) -> Self {
        let mut keeper = command("unshare");
        keeper.args(["--mount", "--propagation", "private", "sh", "-c"]);
        keeper.arg("mount -t tmpfs -o \"$2\" tmpfs \"$1\" && echo ready && read -r _ || :");
        keeper.arg("sh").arg(place).arg(options);
        keeper.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut keeper = keeper.spawn().unwrap();
        let mut said = String::new();
        BufReader::new(keeper.stdout.take().unwrap()).read_line(&mut said).unwrap();
        if said != "ready\n" {
            let mut error = String::new();
            keeper.stderr.take().unwrap().read_to_string(&mut error).unwrap();
            panic!("cannot mount a tmpfs in a namespace of its own, which takes root: {error}");
        }
        Self { keeper }
    }

    fn remount(&self, place: &Path, option: &str) {
        let mut mount = command("nsenter");
        mount.arg(format!("--mount=/proc/{}/ns/mnt", self.keeper.id()));
        mount.args(["mount", "-o", &format!("remount,{option}")]).arg(place);
        assert!(mount.status().unwrap().success());
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        // It ends by itself; nothing is left to tell.
        let _ = self.keeper.wait();
    }
}

/// A host whose store is a file system with the given options.
fn host_on(options: &str, sh: &str) -> (Host, Disk) {
    let mut host = Host::new(&["dash", "-c"]).with_first("sh", sh);
    fs::create_dir(host.store()).unwrap();
    let disk = Disk::mount(&host.store(), options);
    let namespace = format!("--mount=/proc/{}/ns/mnt", disk.keeper.id());
    host.login = ["nsenter", &namespace, "--", "dash", "-c"].map(str::to_owned).into();
    (host, disk)
}

/// What the host says, without the directory of the test.
fn refused(host: &Host, talk: &Talk) -> String {
    talk.refused().replace(&host.home.path().display().to_string(), "~")
}

#[test]
fn a_disk_that_fills_up_is_told_while_the_agent_is_being_sent() {
    for sh in SHS {
        let (host, disk) = host_on("size=256k,mode=700", sh);
        let agent = agent("big", 5_000_000);
        let talk = host.talk(&host.start(&agent), &agent);
        let refused = refused(&host, &talk);
        assert!(refused.contains("No space left on device"), "{sh}: {refused}");
        assert!(refused.contains("hint: make room there"), "{sh}: {refused}");
        assert!(talk.sent < agent.compressed.len() / 2, "{sh}: {} were sent", talk.sent);
        assert_eq!(kept_inside(&disk, &host), "", "{sh}");
    }
}

fn kept_inside(disk: &Disk, host: &Host) -> String {
    let store = host.store();
    let inside = Path::new("/proc").join(disk.keeper.id().to_string()).join("root");
    let store = inside.join(store.strip_prefix("/").unwrap()).join("agents/shop");
    let names = fs::read_dir(store).unwrap();
    names.map(|name| name.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn a_store_without_space_for_anything_is_told() {
    let (host, _disk) = host_on("nr_inodes=1,mode=700", "dash");
    let agent = agent("any", 1000);
    let talk = host.talk(&host.start(&agent), &agent);
    insta::assert_snapshot!(refused(&host, &talk), @r#"
    cannot keep the agent in the store
      1: mkdir: cannot create directory '~/store/agents': No space left on device
      hint: make room there (`df` and `df -i` show it), or set `store = "/path"` in environment.toml
    "#);
}

#[test]
fn a_read_only_store_is_told() {
    let (host, _disk) = host_on("ro,mode=700", "dash");
    let agent = agent("any", 1000);
    let talk = host.talk(&host.start(&agent), &agent);
    insta::assert_snapshot!(refused(&host, &talk), @r#"
    cannot keep the agent in the store
      1: mkdir: cannot create directory '~/store/agents': Read-only file system
      hint: set `store = "/path"` in environment.toml to a directory that the converging user may write to
    "#);
}

#[test]
fn a_store_that_runs_nothing_is_told() {
    for sh in SHS {
        let (host, disk) = host_on("noexec,mode=700", sh);
        let agent = agent("any", 1000);
        let told = told(&host.talk(&host.start(&agent), &agent));
        assert!(told.contains(" may not "), "{sh}: {told}");
        assert!(told.contains("ermission denied"), "{sh}: {told}");
        assert!(told.contains("`store = \"/path\"` in environment.toml"), "{sh}: {told}");
        assert!(told.contains("not mounted with `noexec`"), "{sh}: {told}");
        assert_eq!(kept_inside(&disk, &host), "", "{sh}");
    }
}

/// Some shells see that nothing can be run before they run the agent, others by that.
fn told(talk: &Talk) -> String {
    match (&talk.said, talk.exit) {
        (Ok(said), Some(exit)) if said.is_empty() => {
            unstarted(exit, &talk.stderr).unwrap().to_string()
        }
        _ => talk.refused(),
    }
}

#[test]
fn a_store_that_runs_nothing_any_more_is_told() {
    for sh in SHS {
        let (host, disk) = host_on("mode=700", sh);
        let agent = agent("any", 1000);
        host.talk(&host.start(&agent), &agent).assert_runs("any", &agent);
        disk.remount(&host.store(), "noexec");
        let told = told(&host.talk(&host.start(&agent), &agent));
        assert!(told.contains("ermission denied"), "{sh}: {told}");
        assert!(told.contains("not mounted with `noexec`"), "{sh}: {told}");
    }
}

#[test]
fn a_store_of_another_user_is_refused() {
    let host = Host::new(&["dash", "-c"]);
    fs::create_dir(host.store()).unwrap();
    chown(host.store(), Some(65534), None).unwrap();
    let agent = agent("any", 1000);
    let talk = host.talk(&host.start(&agent), &agent);
    insta::assert_snapshot!(refused(&host, &talk), @r#"
    the store `~/store` belongs to another user
      hint: remove it there, or set `store = "/path"` in environment.toml to a directory of the converging user
    "#);
}

#[test]
fn a_store_is_named_as_it_is() {
    let host = Host::new(&["dash", "-c"]);
    let store = host.home.path().join("sto*");
    for directory in [&store, &host.store()] {
        fs::create_dir(directory).unwrap();
    }
    chown(&store, Some(65534), None).unwrap();
    let agent = agent("any", 1000);
    let start = Start { store: "~/sto*".into(), ..host.start(&agent) };
    let refused = refused(&host, &host.talk(&start, &agent));
    assert!(refused.starts_with("the store `~/sto*` belongs to another user"), "{refused}");
}

#[test]
fn a_store_that_others_may_write_to_is_refused() {
    for (directory, mode) in [("", 0o770), ("agents", 0o702), ("agents/shop", 0o720)] {
        let host = Host::new(&["dash", "-c"]);
        let agent = agent("any", 1000);
        let open = host.store().join(directory);
        fs::create_dir_all(host.store().join("agents/shop")).unwrap();
        for directory in ["", "agents", "agents/shop"] {
            let private = fs::Permissions::from_mode(0o700);
            fs::set_permissions(host.store().join(directory), private).unwrap();
        }
        fs::set_permissions(&open, fs::Permissions::from_mode(mode)).unwrap();
        let refused = refused(&host, &host.talk(&host.start(&agent), &agent));
        let expected = "others may write to the store `~/store";
        assert!(refused.starts_with(expected), "{directory}: {refused}");
        assert_eq!(host.kept(), [""; 0]);
    }
}

#[test]
fn a_binary_that_another_user_put_there_is_not_run() {
    let host = Host::new(&["dash", "-c"]);
    let agent = agent("own", 1000);
    host.talk(&host.start(&agent), &agent).assert_pushed(&agent);
    fs::write(host.place(&agent), "#!/bin/sh\necho theirs\n").unwrap();
    chown(host.place(&agent), Some(65534), None).unwrap();
    let talk = host.talk(&host.start(&agent), &agent);
    talk.assert_runs("own", &agent);
    talk.assert_pushed(&agent);
}

#[test]
fn a_store_may_be_reached_by_a_link() {
    let host = Host::new(&["dash", "-c"]);
    let elsewhere = host.home.path().join("else where");
    fs::create_dir(&elsewhere).unwrap();
    symlink(&elsewhere, host.store()).unwrap();
    let agent = agent("linked", 1000);
    host.talk(&host.start(&agent), &agent).assert_pushed(&agent);
    host.talk(&host.start(&agent), &agent).assert_runs("linked", &agent);
    assert!(elsewhere.join("agents/shop").join(&agent.digest).exists());
}

#[test]
fn a_store_may_have_any_name() {
    for login in [&["dash", "-c"][..], &["zsh", "-c"], &["fish", "-c"], &["tcsh", "-c"]] {
        for name in ["a b", "it's", "so!", "$HOME", "a*", "~", "-n", "ü"] {
            let host = Host::new(login);
            let agent = agent("named", 1000);
            let mut start = host.start(&agent);
            start.store = format!("{}/{name}", host.home.path().display());
            host.talk(&start, &agent).assert_pushed(&agent);
            start.tag = crate::push::tag().unwrap();
            host.talk(&start, &agent).assert_runs("named", &agent);
            assert!(host.home.path().join(name).join("agents/shop").is_dir(), "{name}");
        }
    }
}

#[test]
fn a_file_where_the_store_should_be_is_told() {
    let host = Host::new(&["dash", "-c"]);
    fs::write(host.store(), "").unwrap();
    let agent = agent("any", 1000);
    let talk = host.talk(&host.start(&agent), &agent);
    let refused = refused(&host, &talk);
    assert!(refused.starts_with("cannot keep the agent in the store\n  1: mkdir: "), "{refused}");
}
