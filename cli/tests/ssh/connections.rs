//! What a command over a connection gives.

use std::io::{Read as _, Write as _};
use std::time::Duration;

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

    let mut echo = start("exec cat");
    assert!(!echo.resumed);
    let big = vec![7; 3_000_000];
    let copy = std::thread::scope(|scope| {
        let Channel { mut stdin, mut stdout, .. } = echo;
        let sent = big.clone();
        scope.spawn(move || stdin.write_all(&sent).unwrap());
        let mut copy = Vec::new();
        stdout.read_to_end(&mut copy).unwrap();
        echo.ended = Box::new(|| Ok(0));
        copy
    });
    assert!(copy == big);

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
    assert!(problem.causes.join(" ").contains("closed by remote host"), "{problem}");
}

#[test]
fn an_interactive_ssh_takes_the_same_way() {
    let place = Place::new();
    let sshd = Sshd::start(&place, "web", "");
    let connections = place.connections(KEEP);
    let host = place.host("web");
    let run = || {
        let output = connections.interactive(&host).unwrap().arg("echo hi").output().unwrap();
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
    assert_eq!(say(&connections, &host, "echo $SSH_CONNECTION").0.is_empty(), false);
    assert!(say(&connections, &host, "true").1);
    assert_eq!((jump.logins(), web.logins()), (1, 1));
}
