use togusa_tests::lab::{HostSpec, Lab, User};

use crate::project::{Project, connections_to, has_site, is_untouched, on};

#[test]
fn the_configuration_of_the_project_leads_through_a_jump_host() {
    let gate = HostSpec::new("gate").user(User::new("jumper"));
    let inner = HostSpec::new("inner").user(User::new("deploy")).behind("gate");
    let lab = Lab::start([gate, inner]);
    let project = Project::new(&lab, &on("inner", "ssh_config = \"ssh/config\""));
    let address = lab["inner"].address();
    project.write(
        "ssh/config",
        &format!(
            "Host inner\n  HostName {address}\n  User deploy\n  ProxyJump bastion\n\
             Host bastion\n  HostName gate\n  User jumper\n\
             Host *\n  IdentityFile ssh/key\n  IdentitiesOnly yes\n  UserKnownHostsFile ssh/known\n"
        ),
    );
    // Nothing of the user's own is left to help.
    let ssh = project.path("ssh").display().to_string();
    lab.sh(&format!("cd ~/.ssh; mv id_ed25519 {ssh}/key; mv known_hosts {ssh}/known; rm config"));

    // Paths are relative to the project, wherever in it one stands.
    let mut command = project.command("deploy lab");
    command.current_dir(project.path("environments")).output().succeeded();

    assert!(has_site(&lab["inner"], "~deploy"));
    assert!(is_untouched(&lab["gate"], "~jumper"));
}

#[test]
fn a_jump_host_that_fails_is_told_from_the_host_behind_it() {
    let user = || User::new("deploy");
    let mut specs = vec![HostSpec::new("gate").user(user())];
    for fault in ["cut", "refusing", "unknown", "keyless", "strict"] {
        let gate = HostSpec::new(format!("{fault}-gate")).user(user());
        let gate = if fault == "strict" { gate.sshd("AllowTcpForwarding no") } else { gate };
        specs.push(gate);
        specs.push(
            HostSpec::new(format!("{fault}-inner")).user(user()).behind(format!("{fault}-gate")),
        );
    }
    for inner in ["inner", "closed", "off"] {
        specs.push(HostSpec::new(inner).user(user()).behind("gate"));
    }
    let lab = Lab::start(specs);
    lab["cut-gate"].cut();
    lab["refusing-gate"].refuse();
    lab["unknown-gate"].forget_host_key();
    lab["keyless-gate"].revoke_key("deploy");
    lab["closed"].refuse();
    lab["off"].cut();
    let inner: String = lab
        .hosts()
        .iter()
        .filter(|host| host.is_behind())
        .map(|host| on(host.name(), ""))
        .collect();
    let project = Project::new(&lab, &format!("[environment]\ntimeout = \"5s\"\n{inner}"));

    let deployed = project.deploy().failed();

    let said = |host, words: &[&str]| deployed.assert_said(host, words);
    said("cut-inner", &["through the jump host: there is no route to it"]);
    said("refusing-inner", &["through the jump host: nothing listens at its port"]);
    said("unknown-inner", &["through the jump host: its host key is not known"]);
    said("keyless-inner", &["through the jump host: it refuses the login", "deploy@keyless-gate"]);
    said("strict-inner", &["the jump host forwards no connections", "AllowTcpForwarding yes"]);
    said("closed", &["the jump host cannot reach `closed`: nothing listens at its port"]);
    said("off", &["the jump host cannot reach `off`"]);
    for host in lab.hosts() {
        assert_eq!(has_site(host, "~deploy"), host.name() == "inner", "{}", host.name());
        assert_eq!(is_untouched(host, "~deploy"), host.name() != "inner", "{}", host.name());
    }
}

#[test]
fn a_jump_host_that_lets_few_in_at_once_is_asked_again() {
    let mut specs = vec![HostSpec::new("gate").sshd("MaxStartups 2:100:3")];
    specs.extend((1..=8).map(|number| HostSpec::new(format!("inner{number}")).behind("gate")));
    let lab = Lab::start(specs);
    let inner: String = lab.hosts()[1..].iter().map(|host| on(host.name(), "")).collect();
    let project = Project::new(&lab, &inner);

    project.deploy().succeeded();

    assert!(lab.hosts()[1..].iter().all(|host| has_site(host, "~")));
    // Else nobody was turned away, and this shows nothing.
    assert!(connections_to(&lab["gate"]) > 8);
}
