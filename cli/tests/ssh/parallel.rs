//! Many at once.

use std::thread;
use std::time::Duration;

use super::place::{Place, finish, say};
use super::sshd::Sshd;

#[test]
fn an_sshd_that_drops_connections_is_asked_again() {
    let place = Place::new();
    let sshd = Sshd::start(&place, "web", "MaxStartups 1:100:1");
    place.configure(&format!("Host a*\n  HostName {}\n  Port {}\n", sshd.address, sshd.port));
    let connections = place.connections(Duration::ZERO);

    thread::scope(|scope| {
        for number in 0..16 {
            let host = place.host(&format!("a{number}"));
            let connections = &connections;
            scope.spawn(move || assert_eq!(say(connections, &host, "echo on").0, "on"));
        }
    });

    assert_eq!(sshd.logins(), 16);
    assert!(sshd.count("MaxStartups") > 0, "it dropped none");
}

#[test]
fn a_connection_that_is_full_is_joined_by_another() {
    assert!((3..12).contains(&logins_for_twelve("MaxSessions 5")));
    assert_eq!(logins_for_twelve("MaxSessions 1"), 12);
}

/// Runs twelve commands at once on one host.
fn logins_for_twelve(options: &str) -> usize {
    let place = Place::new();
    let sshd = Sshd::start(&place, "web", options);
    let host = place.host("web");
    let connections = place.connections(Duration::ZERO);

    let channels: Vec<_> = thread::scope(|scope| {
        let start = || connections.start(&host, "cat; echo on");
        let starts: Vec<_> = (0..12).map(|_| scope.spawn(start)).collect();
        starts.into_iter().map(|start| start.join().unwrap().expect("a channel")).collect()
    });

    let made = channels.iter().filter(|channel| !channel.resumed).count();
    assert_eq!(made, sshd.logins(), "{options}");
    for channel in channels {
        let (printed, _, code) = finish(channel);
        assert_eq!((printed.as_str(), code), ("on\n", 0), "{options}");
    }
    made
}

#[test]
fn a_host_that_takes_no_command_is_not_asked_for_ever() {
    let place = Place::new();
    let sshd = Sshd::start(&place, "web", "MaxSessions 0");
    let connections = place.connections(Duration::ZERO);
    let problem = connections.start(&place.host("web"), "true").expect_err("it ran");
    assert_eq!(problem.message, "`web` takes the login but no command");
    assert!(sshd.logins() <= 3, "{}", sshd.logins());
}
