//! What is said when a host cannot be reached.

use std::net::TcpListener;
use std::time::Duration;

use togusa::core::environment::Host;
use togusa::core::problem::Problem;

use super::masters::processes_with;
use super::place::{KEEP, Place, say, wait_until};
use super::sshd::{Sshd, free_address};

fn refusal(place: &Place, host: &Host) -> Problem {
    place.connections(KEEP).start(host, "true").expect_err("it connected")
}

#[test]
fn an_unknown_and_a_changed_host_key_are_told_apart() {
    let place = Place::new();
    let sshd = Sshd::start(&place, "web", "");
    let host = place.host("web");
    place.forget_host_keys();
    let problem = refusal(&place, &host);
    assert_eq!(problem.message, "cannot connect: the host key of `web` is not known");
    assert_eq!(
        problem.hint.unwrap(),
        "connect once by hand to see and accept it: `ssh -F config web`"
    );

    let other = place.make_key("other");
    place.know(&sshd.address, sshd.port, &other);
    let problem = refusal(&place, &host);
    assert_eq!(problem.message, "cannot connect: the host key of `web` has changed");
    assert!(problem.causes[0].starts_with("the host's key is now SHA256:"), "{problem}");
    assert!(problem.hint.unwrap().contains("`ssh-keygen -f \""), "no command to remove the key");

    place.forget_host_keys();
    place.know(&sshd.address, sshd.port, &sshd.key);
    say(&place.connections(KEEP), &host, "true");
}

#[test]
fn a_key_that_is_not_taken_is_a_refused_login() {
    let place = Place::new();
    let _sshd = Sshd::start(&place, "web", "");
    std::fs::write(place.path("key.pub"), "").unwrap();
    let problem = refusal(&place, &place.host("web"));
    assert_eq!(problem.message, "cannot connect: `web` refuses the login");
    assert!(problem.causes[0].ends_with("Permission denied (publickey)."), "{problem}");
    let hint = problem.hint.unwrap();
    assert!(hint.starts_with("install your key with `ssh-copy-id -F config web`"), "{hint}");
}

#[test]
fn a_port_a_name_and_a_silent_host_are_told_apart() {
    let place = Place::new();
    let (address, port) = free_address();
    let mut host = place.host("web");
    (host.address, host.port) = (Some(address.clone()), Some(port));
    let problem = refusal(&place, &host);
    let message = format!("cannot connect: nothing listens at port {port} of `{address}`");
    assert_eq!(problem.message, message);

    // The system takes the connection; nobody ever answers.
    let _silent = TcpListener::bind((address.as_str(), port)).unwrap();
    host.timeout = Duration::from_secs(1);
    let problem = refusal(&place, &host);
    assert_eq!(problem.message, format!("cannot connect: `{address}` does not answer"));

    host.address = Some("no-such-host.invalid".to_owned());
    let problem = refusal(&place, &host);
    let message = "cannot connect: the name `no-such-host.invalid` does not resolve";
    assert_eq!(problem.message, message);
}

#[test]
fn a_configuration_that_ssh_refuses_is_shown() {
    let place = Place::new();
    place.configure("Host web\n  Prot 22\n");
    let problem = refusal(&place, &place.host("web"));
    assert_eq!(problem.message, "ssh refuses its configuration");
    assert!(problem.causes[0].contains("Bad configuration option: prot"), "{problem}");

    let mut host = place.host("web");
    host.ssh_config = Some("no-such-file".to_owned());
    let problem = refusal(&place, &host);
    assert!(problem.causes[0].contains("no-such-file: No such file"), "{problem}");
}

#[test]
fn what_is_wrong_with_a_jump_host_is_said() {
    let place = Place::new();
    let _jump = Sshd::start(&place, "jump", "");
    let (address, port) = free_address();
    place.configure(&format!(
        "Host dead\n  HostName {address}\n  Port {port}\n\
         Host behind-dead\n  ProxyJump dead\n\
         Host unreached\n  HostName {address}\n  Port {port}\n  ProxyJump jump\n"
    ));
    let problem = refusal(&place, &place.host("behind-dead"));
    let message = "cannot connect through the jump host: nothing listens at its port";
    assert_eq!(problem.message, message);
    assert_eq!(
        problem.causes,
        [format!("ssh: connect to host {address} port {port}: Connection refused")]
    );
    let problem = refusal(&place, &place.host("unreached"));
    assert_eq!(
        problem.message,
        "the jump host cannot reach `unreached`: nothing listens at its port"
    );

    place.forget_host_keys();
    let problem = refusal(&place, &place.host("unreached"));
    let message = "cannot connect through the jump host: its host key is not known";
    assert_eq!(problem.message, message);
}

#[test]
fn a_login_that_hangs_is_given_up_with_all_that_it_started() {
    let place = Place::new();
    let _sshd = Sshd::start(&place, "web", "");
    let mark = place.path("hangs");
    place.configure(&format!(
        "Host web\n  PermitLocalCommand yes\n  LocalCommand tail -f /dev/null {}\n",
        mark.display()
    ));
    std::fs::write(&mark, "").unwrap();
    let mut host = place.host("web");
    host.timeout = Duration::from_secs(1);
    let problem = refusal(&place, &host);
    assert_eq!(problem.message, "the login was not done after 21 s");
    wait_until("what hung is gone", || processes_with(&mark).is_empty());
}

#[test]
fn a_configuration_that_hangs_is_given_up() {
    let place = Place::new();
    let mark = place.path("hangs");
    std::fs::write(&mark, "").unwrap();
    let exec = format!("exec tail -f /dev/null {}", mark.display());
    place.configure(&format!("Match exec \"{exec}\"\n  User x\n"));
    let mut host = place.host("web");
    host.timeout = Duration::from_secs(1);
    let problem = refusal(&place, &host);
    assert_eq!(problem.message, "`ssh -G` was not done after 6 s");
    wait_until("what hung is gone", || processes_with(&mark).is_empty());
}
