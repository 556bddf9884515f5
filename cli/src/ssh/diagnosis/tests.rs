use super::*;

/// What OpenSSH 9.2p1 and sudo 1.9.13p3 of Debian 12 really print: `= CASE` and the text below it.
const PRINTED: &str = include_str!("printed.txt");

fn printed(case: &str) -> &'static str {
    let mut cases = PRINTED.split("\n= ").filter_map(|text| text.split_once('\n'));
    let found = cases.find(|(name, _)| *name == case);
    found.unwrap_or_else(|| panic!("there is no `= {case}` in printed.txt")).1
}

fn host() -> Host {
    let mut host = Host::local("web1", "t");
    host.address = Some("192.0.2.1".to_owned());
    (host.user, host.service_user) = (Some("dep".to_owned()), Some("app".to_owned()));
    host
}

#[test]
fn each_failure_is_known_by_what_is_printed() {
    let expected = [
        ("name", "cannot connect: the name `192.0.2.1` does not resolve"),
        ("unreachable", "cannot connect: there is no route to `192.0.2.1`"),
        ("no route", "cannot connect: there is no route to `192.0.2.1`"),
        ("prohibited", "cannot connect: there is no route to `192.0.2.1`"),
        ("port", "cannot connect: nothing listens at the SSH port of `192.0.2.1`"),
        ("dropped packets", "cannot connect: `192.0.2.1` does not answer"),
        ("silent", "cannot connect: `192.0.2.1` does not answer"),
        ("key unknown", "cannot connect: the host key of `192.0.2.1` is not known"),
        ("key unknown, strict", "cannot connect: the host key of `192.0.2.1` is not known"),
        ("key changed", "cannot connect: the host key of `192.0.2.1` has changed"),
        ("login", "cannot connect: `192.0.2.1` refuses the login"),
        ("open key file", "cannot connect: `192.0.2.1` refuses the login"),
        ("algorithms", "cannot connect: ssh and `192.0.2.1` have no algorithm in common"),
        ("MaxStartups", "cannot connect: `192.0.2.1` closes the connection"),
        ("MaxSessions", "`192.0.2.1` takes the login but no command"),
        ("no config", "ssh refuses its configuration"),
        ("bad config", "ssh refuses its configuration"),
        ("jump port", "cannot connect through the jump host: nothing listens at its port"),
        ("jump key", "cannot connect through the jump host: its host key is not known"),
        ("jump forward", "the jump host forwards no connections"),
        ("jump target", "the jump host cannot reach `192.0.2.1`: nothing listens at its port"),
        ("sudo password", "sudo asks for a password to become `app`"),
        ("sudo tty", "sudo wants a terminal to become `app`"),
        ("sudo user", "there is no user `app` on the host"),
        ("sudo not in file", "sudo does not let the login user become `app`"),
        ("sudo not allowed", "sudo does not let the login user become `app`"),
        ("sudo privileges", "sudo cannot become `app`"),
        ("sudo missing, dash", "sudo is not installed on the host"),
        ("sudo missing, bash", "sudo is not installed on the host"),
        ("sudo missing, busybox", "sudo is not installed on the host"),
        ("sudo missing, zsh", "sudo is not installed on the host"),
        ("disk", "the disk of the host is full"),
        ("read-only", "the file system of the host is read-only"),
        ("read-only, zsh", "the file system of the host is read-only"),
        ("noexec, dash", "the host does not let the agent be stored or run"),
        ("noexec, bash", "the host does not let the agent be stored or run"),
        ("noexec, zsh", "the host does not let the agent be stored or run"),
        ("machine, dash", "the agent was built for another kind of machine"),
        ("machine, bash", "the agent was built for another kind of machine"),
        ("nologin", "the login user has no shell"),
        ("something else", "cannot start the agent over ssh"),
    ];
    for (case, message) in expected {
        let problem = diagnose(&host(), printed(case));
        assert_eq!(problem.message, message, "{case}");
        assert!(!problem.causes.is_empty() && problem.hint.is_some(), "{case}: {problem}");
    }
    let cases = PRINTED.matches("\n= ").count();
    assert_eq!(cases, expected.len(), "a text that no case uses");
}

#[test]
fn only_what_sshd_drops_is_tried_again() {
    let again: Vec<_> = PRINTED
        .split("\n= ")
        .filter_map(|text| text.split_once('\n'))
        .filter(|(_, text)| is_dropped(text))
        .map(|(case, _)| case)
        .collect();
    assert_eq!(again, ["MaxStartups"]);
}

#[test]
fn the_words_and_the_remedy_stand_below_the_message() {
    let problem = diagnose(&host(), printed("sudo password"));
    insta::assert_snapshot!(problem, @r"
    sudo asks for a password to become `app` (on web1)
      1: sudo: a password is required
      hint: let the host's sudo do it: `visudo -f /etc/sudoers.d/togusa`, with the line `dep ALL=(app) NOPASSWD: ALL`
    ");
    let problem = diagnose(&host(), printed("key changed"));
    insta::assert_snapshot!(problem, @r#"
    cannot connect: the host key of `192.0.2.1` has changed (on web1)
      1: the host's key is now SHA256:QsNFT5o4QoqYGI42q88IbuRJZ8LIBVnkQXt2G2XddDE
      2: Offending ED25519 key in /home/u/.ssh/known_hosts:1
      3: Host key for 192.0.2.1 has changed and you have requested strict checking.
      hint: if the host was made anew, remove the old key with `ssh-keygen -f "/home/u/.ssh/known_hosts" -R "192.0.2.1"`, then see and accept the new one with `ssh -l dep 192.0.2.1`
    "#);
    let problem = diagnose(&host(), printed("jump port"));
    insta::assert_snapshot!(problem, @r"
    cannot connect through the jump host: nothing listens at its port (on web1)
      1: ssh: connect to host 192.0.2.9 port 22: Connection refused
      hint: see what `ssh -l dep 192.0.2.1` says
    ");
    let problem = diagnose(&host(), "");
    insta::assert_snapshot!(problem, @r"
    cannot start the agent over ssh (on web1)
      hint: see what `ssh -l dep 192.0.2.1` says
    ");
}

#[test]
fn a_login_without_an_agent_says_how_it_ended_and_what_it_may_have_run() {
    insta::assert_snapshot!(not_run(&host(), 3, "No entrance"), @r"
    the login ended with exit code 3 and started no agent (on web1)
      1: No entrance
      hint: see what `ssh -l dep 192.0.2.1 true` does: the login shell, `ForceCommand` in sshd_config or `command=` of the key may run something else
    ");
    let known = not_run(&host(), 1, printed("nologin"));
    assert_eq!(known.message, "the login user has no shell");
    insta::assert_snapshot!(mute(&host(), Duration::from_secs(3), ""), @r"
    the login was done but no agent spoke within 3 s (on web1)
      hint: see what `ssh -l dep 192.0.2.1 true` does: the login shell, `ForceCommand` in sshd_config or `command=` of the key may run something else; `timeout` in environment.toml is how long to wait
    ");
}
