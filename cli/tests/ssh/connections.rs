//! What a command over a connection gives.

use std::io::{Read as _, Write as _};
use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::Signal;
use togusa::ssh::Channel;

use super::masters::{masters_in, only_master};
use super::place::{KEEP, Place, finish, say, wait_until};
use super::sshd::Sshd;

#[test]
fn a_command_has_its_streams_and_its_exit_code() {
    let place = Place::new();
    let _sshd = Sshd::start(&place, "web", "");
    let connections = place.connections(KEEP);
    let host = place.host("web");
    let start = |command: &str| connections.start(&host, command).unwrap();

    let Channel { mut stdin, mut stdout, resumed, ended, .. } = start("exec cat");
    assert!(!resumed);
    let sent = vec![7; 3_000_000];
    let mut copy = Vec::new();
    std::thread::scope(|scope| {
        let sent = &sent;
        scope.spawn(move || stdin.write_all(sent).unwrap());
        stdout.read_to_end(&mut copy).unwrap();
    });
    assert!(copy == sent);
    assert_eq!(ended().unwrap(), 0);

    assert_eq!(finish(start("echo a; echo b >&2; exit 3")), ("a\n".into(), "b\n".into(), 3));
    assert_eq!(finish(start("exit 127")).2, 127);
    assert_eq!(finish(start("exit 255")).2, 255);
    let killed = start("kill -KILL $$");
    let problem = (killed.ended)().unwrap_err();
    assert_eq!(problem.to_string(), "the command was killed by a signal (on web)");
}

#[test]
fn a_lost_connection_is_told_from_a_command_that_failed() {
    let place = Place::new();
    let sshd = Sshd::start(&place, "web", "");
    let connections = place.connections(KEEP);
    let mut channel = connections.start(&place.host("web"), "echo on; cat").unwrap();
    channel.stdout.read_exact(&mut [0; 3]).unwrap();

    for session in sshd.sessions() {
        session.kill();
    }

    let mut rest = String::new();
    channel.stdout.read_to_string(&mut rest).unwrap();
    let problem = (channel.ended)().unwrap_err();
    assert_eq!(problem.message, "the connection was lost");
}

#[test]
fn a_host_that_falls_silent_is_lost() {
    let place = Place::new();
    let sshd = Sshd::start(&place, "web", "");
    let connections = place.connections(KEEP);
    let mut channel = connections.start(&place.host("web"), "echo on; cat").unwrap();
    channel.stdout.read_exact(&mut [0; 3]).unwrap();

    for session in sshd.sessions() {
        session.signal(Signal::SIGSTOP);
    }

    let problem = (channel.ended)().unwrap_err();
    assert_eq!(problem.message, "the connection was lost");
    assert_eq!(problem.causes, [format!("Timeout, server {} not responding.", sshd.address)]);
}

#[test]
fn an_interactive_ssh_takes_the_same_way() {
    let place = Place::new();
    let sshd = Sshd::start(&place, "web", "");
    let connections = place.connections(KEEP);
    let host = place.host("web");
    let run = || {
        let output =
            connections.interactive(&host, false).unwrap().arg("echo hi").output().unwrap();
        assert_eq!(output.stdout, b"hi\n", "{output:?}");
    };

    run();
    wait_until("it is kept", || masters_in(&place.sockets()).len() == 1);
    run();
    assert!(say(&connections, &host, "echo").1);
    assert_eq!(sshd.logins(), 1);

    let (master, _) = only_master(&place.sockets());
    master.signal(Signal::SIGSTOP);
    run();
    wait_until("the stopped one is killed", || !master.is_alive());
    assert_eq!(sshd.logins(), 2);
}

#[test]
fn a_connection_is_reached_through_a_jump_host_of_the_configuration() {
    let place = Place::new();
    let jump = Sshd::start(&place, "jump", "");
    let web = Sshd::start(&place, "web", "");
    place.configure("Host far\n  HostKeyAlias far\n  ProxyJump jump\n  ");
    place.configure(&format!("HostName {}\n  Port {}\n", web.address, web.port));
    std::fs::write(place.path("known_hosts"), format!("far {}\n", web.key)).unwrap();
    place.know(&jump.address, jump.port, &jump.key);

    let connections = place.connections(Duration::ZERO);
    let host = place.host("far");
    assert_eq!(say(&connections, &host, "echo on"), ("on".to_owned(), false));
    assert!(say(&connections, &host, "true").1);
    assert_eq!((jump.logins(), web.logins()), (1, 1));
}

#[test]
fn as_many_files_as_possible_may_be_open() {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, hard - 1, hard).unwrap();
    drop(Place::new().connections(KEEP));
    assert_eq!(getrlimit(Resource::RLIMIT_NOFILE).unwrap(), (hard, hard));
}
