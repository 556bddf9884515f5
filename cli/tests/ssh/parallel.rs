//! Many at once.

use std::thread;
use std::time::Duration;

use super::place::{Place, finish, say};
use super::sshd::Sshd;

#[test]
fn an_sshd_that_drops_connections_is_asked_again() {
    let place = Place::new();
    let sshd = Sshd::start(&place, "web", "MaxStartups 2:100:2");
    place.configure(&format!("Host a*\n  HostName {}\n  Port {}\n", sshd.address, sshd.port));
    let connections = place.connections(Duration::ZERO);

    thread::scope(|scope| {
        for number in 0..12 {
            let host = place.host(&format!("a{number}"));
            let connections = &connections;
            scope.spawn(move || assert_eq!(say(connections, &host, "echo on").0, "on"));
        }
    });

    assert_eq!(sshd.logins(), 12);
    assert!(sshd.count("MaxStartups") > 0, "it dropped none");
}

#[test]
fn a_connection_that_is_full_is_joined_by_another() {
    let place = Place::new();
    let sshd = Sshd::start(&place, "web", "MaxSessions 5");
    let host = place.host("web");
    let connections = place.connections(Duration::ZERO);

    let channels: Vec<_> = thread::scope(|scope| {
        let start = || connections.start(&host, "cat; echo on").unwrap();
        let starts: Vec<_> = (0..12).map(|_| scope.spawn(start)).collect();
        starts.into_iter().map(|start| start.join().unwrap()).collect()
    });

    assert_eq!(channels.iter().filter(|channel| !channel.resumed).count(), sshd.logins());
    assert!((3..12).contains(&sshd.logins()), "{}", sshd.logins());
    for channel in channels {
        let (printed, _, code) = finish(channel);
        assert_eq!((printed.as_str(), code), ("on\n", 0));
    }
}
