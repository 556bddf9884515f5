//! How long connections stay, who may use them and who ends them.

use std::fs;
use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;
use togusa::core::system;
use togusa::ssh::Connections;

use super::masters::{masters_in, only_master, sockets_in};
use super::place::{KEEP, Place, finish, program, say, wait_until};
use super::sshd::Sshd;

#[test]
fn the_next_run_resumes_what_is_kept() {
    let place = Place::new();
    let sshd = Sshd::start(&place, "web", "");
    let host = place.host("web");

    let first = place.connections(KEEP);
    assert_eq!(say(&first, &host, "echo 1"), ("1".to_owned(), false));
    assert_eq!(say(&first, &host, "echo 2"), ("2".to_owned(), true));
    drop(first);
    assert_eq!(say(&place.connections(Duration::ZERO), &host, "echo 3"), ("3".to_owned(), true));
    assert_eq!(say(&place.connections(KEEP), &host, "echo 4"), ("4".to_owned(), true));

    assert_eq!(sshd.logins(), 1);
    let (master, _) = only_master(&place.sockets());
    assert_eq!(master.session(), master.0, "the terminal's Ctrl-C must not reach it");
}

#[test]
fn what_is_not_kept_ends_with_the_run() {
    let place = Place::new();
    let _sshd = Sshd::start(&place, "web", "");
    let connections = place.connections(Duration::ZERO);
    say(&connections, &place.host("web"), "true");
    let (master, _) = only_master(&place.sockets());

    drop(connections);

    // It had not idled out yet.
    assert!(sockets_in(&place.sockets()).is_empty());
    wait_until("the master is gone", || !master.is_alive());
}

#[test]
fn a_run_that_ends_leaves_another_its_connection() {
    let place = Place::new();
    let _sshd = Sshd::start(&place, "web", "");
    let host = place.host("web");
    let (first, second) = (place.connections(Duration::ZERO), place.connections(Duration::ZERO));
    say(&first, &host, "true");
    let (master, _) = only_master(&place.sockets());
    let channel = second.start(&host, "exec cat").unwrap();
    assert!(channel.resumed);

    drop(first);

    let (printed, _, code) = finish(channel);
    assert_eq!((printed.as_str(), code), ("", 0));
    wait_until("the master is gone", || !master.is_alive());
}

#[test]
fn another_configuration_is_another_connection() {
    let place = Place::new();
    let sshd = Sshd::start(&place, "web", "");
    let host = place.host("web");
    assert!(!say(&place.connections(KEEP), &host, "true").1);
    place.configure("Host web\n  Compression yes\n");
    assert!(!say(&place.connections(KEEP), &host, "true").1);

    let mut other = host.clone();
    other.user = system::user_name();
    assert!(!say(&place.connections(KEEP), &other, "true").1);
    assert_eq!(sshd.logins(), 3);
}

#[test]
fn disconnect_ends_what_it_is_asked_to() {
    let place = Place::new();
    let _sshds = [Sshd::start(&place, "web", ""), Sshd::start(&place, "db", "")];
    let connections = place.connections(KEEP);
    let (web, db) = (place.host("web"), place.host("db"));
    say(&connections, &web, "true");
    say(&connections, &db, "true");
    assert_eq!(masters_in(&place.sockets()).len(), 2);

    let other = place.connections(KEEP);
    assert_eq!(other.disconnect(Some(std::slice::from_ref(&web))).unwrap(), 1);
    assert_eq!(other.disconnect(Some(&[web])).unwrap(), 0);
    assert!(say(&other, &db, "true").1);
    assert_eq!(other.disconnect(None).unwrap(), 1);
    assert_eq!(other.disconnect(None).unwrap(), 0);
    wait_until("the masters are gone", || masters_in(&place.sockets()).is_empty());
}

#[test]
fn the_users_own_connection_is_used_and_left_alone() {
    let place = Place::new();
    let sshd = Sshd::start(&place, "web", "");
    let own = place.path("own");
    place.configure(&format!("Host web\n  ControlPath {}\n", own.display()));
    let host = place.host("web");

    // As long as the user has none, ours is as always.
    assert!(!say(&place.connections(Duration::ZERO), &host, "true").1);
    let control = |arguments: &[&str]| place.ssh(arguments).output().unwrap();
    assert!(control(&["-M", "-N", "-f", "web"]).status.success());
    assert_eq!(sshd.logins(), 2);

    let connections = place.connections(Duration::ZERO);
    assert!(say(&connections, &host, "true").1);
    let output = connections.interactive(&host, false).unwrap().arg("echo hi").output().unwrap();
    assert_eq!(output.stdout, b"hi\n");
    assert_eq!(connections.disconnect(None).unwrap(), 0);
    drop(connections);
    assert_eq!(sshd.logins(), 2);
    assert!(control(&["-O", "check", "web"]).status.success());

    assert!(control(&["-O", "exit", "web"]).status.success());
}

/// A further process that holds a connection of a place.
struct Holder(Child, Lines<BufReader<ChildStdout>>);

impl Holder {
    /// Runs the test below alone, told where to connect to.
    fn start(place: &Place, name: &str) -> Self {
        let mut child = Self::command(place, name).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap().contains("held")), "it never connected");
        // Its own last words need a reader.
        Self(child, lines)
    }

    fn command(place: &Place, name: &str) -> Command {
        let mut command = program(std::env::current_exe().unwrap().to_str().unwrap());
        command.args(["--exact", "kept::a_connection_can_be_held", "--nocapture"]);
        command.env("HELD_PLACE", place.path("")).env("HELD_HOST", name).stdin(Stdio::piped());
        command
    }
}

#[test]
fn a_connection_can_be_held() {
    let own = Place::new();
    let mut host = own.host("web");
    let mut root = own.path("");
    let mut sshd = None;
    if let (Some(place), Some(name)) =
        (system::variable("HELD_PLACE"), system::variable("HELD_HOST"))
    {
        root = PathBuf::from(place);
        host.name = name.as_str().into();
    } else {
        sshd = Some(Sshd::start(&own, "web", ""));
    }
    let connections = Connections::within(&root.join("s"), Duration::ZERO, &root).unwrap();
    let channel = connections.start(&host, "exec cat").unwrap();
    if sshd.is_none() {
        writeln!(std::io::stdout(), "held").unwrap();
        std::io::stdin().lock().read_line(&mut String::new()).unwrap();
    }
    assert_eq!(finish(channel).2, 0);
}

#[test]
fn a_machine_without_ssh_is_told_what_to_install() {
    let place = Place::new();
    let programs = place.path("programs");
    fs::create_dir(&programs).unwrap();
    let path = system::variable("PATH").unwrap();
    let mut keygens = path.split(':').map(|path| PathBuf::from(path).join("ssh-keygen"));
    symlink(keygens.find(|path| path.exists()).unwrap(), programs.join("ssh-keygen")).unwrap();

    let output = Holder::command(&place, "web").env("PATH", programs).output().unwrap();
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(words.contains("cannot run `ssh`"), "{words}");
    assert!(words.contains("apt-get install openssh-client"), "{words}");
}

#[test]
fn nothing_is_left_of_a_run_that_was_killed() {
    let place = Place::new();
    let _sshd = Sshd::start(&place, "web", "");
    let mut holder = Holder::start(&place, "web");
    let (master, _) = only_master(&place.sockets());

    holder.0.kill().unwrap();
    holder.0.wait().unwrap();

    assert!(master.is_alive());
    wait_until("the master has idled out", || !master.is_alive());
    assert!(sockets_in(&place.sockets()).is_empty());
}

#[test]
fn processes_that_start_at_once_share_a_connection() {
    let place = Place::new();
    let sshd = Sshd::start(&place, "web", "");
    let holders: Vec<_> = std::thread::scope(|scope| {
        let starts: Vec<_> = (0..4).map(|_| scope.spawn(|| Holder::start(&place, "web"))).collect();
        starts.into_iter().map(|start| start.join().unwrap()).collect()
    });
    assert_eq!(sshd.logins(), 1);
    only_master(&place.sockets());
    for Holder(mut child, _lines) in holders {
        drop(child.stdin.take());
        assert!(child.wait().unwrap().success());
    }
    wait_until("the master is gone", || masters_in(&place.sockets()).is_empty());
    assert!(sockets_in(&place.sockets()).is_empty());
}

#[test]
fn a_socket_that_nobody_listens_to_is_replaced() {
    let place = Place::new();
    let sshd = Sshd::start(&place, "web", "");
    let host = place.host("web");
    say(&place.connections(KEEP), &host, "true");
    let (master, socket) = only_master(&place.sockets());
    master.kill();
    wait_until("it is dead", || !master.is_alive());
    assert!(fs::exists(socket).unwrap());

    assert!(!say(&place.connections(KEEP), &host, "true").1);
    assert_eq!(sshd.logins(), 2);
}

#[test]
fn a_master_that_does_not_answer_is_replaced_and_ended() {
    let place = Place::new();
    let _sshd = Sshd::start(&place, "web", "");
    let host = place.host("web");
    say(&place.connections(KEEP), &host, "true");
    let (master, _) = only_master(&place.sockets());
    master.signal(Signal::SIGSTOP);

    let connections = place.connections(KEEP);
    assert!(!say(&connections, &host, "true").1);
    wait_until("the stopped one is killed", || !master.is_alive());
    assert!(say(&connections, &host, "true").1);
}

#[test]
fn a_connection_whose_host_does_not_answer_is_replaced() {
    let place = Place::new();
    let sshd = Sshd::start(&place, "web", "");
    let host = place.host("web");
    say(&place.connections(KEEP), &host, "true");
    for session in sshd.sessions() {
        session.signal(Signal::SIGSTOP);
    }

    let connections = place.connections(KEEP);
    assert!(!say(&connections, &host, "true").1);
    assert_eq!(sshd.logins(), 2);
}

#[test]
fn a_connection_is_made_anew_when_the_caller_wants_so() {
    let place = Place::new();
    let sshd = Sshd::start(&place, "web", "");
    let host = place.host("web");
    let connections = place.connections(KEEP);
    say(&connections, &host, "true");
    let (old, _) = only_master(&place.sockets());

    let channel = connections.start_anew(&host, "true").unwrap();

    assert!(!channel.resumed);
    assert_eq!(finish(channel).2, 0);
    assert_eq!(sshd.logins(), 2);
    wait_until("the old one is gone", || !old.is_alive());
    assert!(say(&connections, &host, "true").1);
}
