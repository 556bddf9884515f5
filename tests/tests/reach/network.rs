use togusa_tests::lab::{HostSpec, Lab, User};

use crate::project::{Project, connections_to, has_site, is_untouched, on};

#[test]
fn each_host_that_cannot_be_reached_says_why_and_the_others_converge() {
    let hosts = [
        ("up", ""),
        ("cut", ""),
        ("silent", "timeout = \"1s\""),
        ("closed", "port = 2222"),
        ("stopped", "timeout = \"2s\""),
        ("unknown", ""),
        ("changed", ""),
        ("keyless", ""),
        ("nobody", "user = \"nobody-there\""),
    ];
    let specs = hosts.map(|(name, _)| HostSpec::new(name).user(User::new("deploy")));
    let lab = Lab::start(specs);
    lab["cut"].cut();
    lab["silent"].drop_packets();
    lab["stopped"].stop_sshd();
    lab["unknown"].forget_host_key();
    lab["changed"].new_host_key();
    lab["keyless"].revoke_key("deploy");
    let listed: String = hosts.iter().map(|(name, lines)| on(name, lines)).collect();
    let project = Project::new(&lab, &(listed + &on("missing", "address = \"no-such-name\"")));

    let deployed = project.deploy().failed();

    let said = |host, words: &[&str]| deployed.assert_said(host, words);
    said("missing", &["`no-such-name` does not resolve", "1: ssh: Could not", "`address`"]);
    said("cut", &["no route to `cut`", "No route to host", "ip route get cut"]);
    said("silent", &["`silent` does not answer", "timed out", "`timeout`"]);
    said("closed", &["nothing listens at port 2222 of `closed`", "refused", "`port`"]);
    said("stopped", &["`stopped` does not answer", "banner exchange", "`timeout`"]);
    said("unknown", &["host key of `unknown` is not known", "by hand", "`ssh unknown`"]);
    said("changed", &["host key of `changed` has changed", "SHA256:", "ssh-keygen -f", "-R"]);
    said("keyless", &["refuses the login", "deploy@keyless: Permission denied", "ssh-copy-id"]);
    said("nobody", &["nobody-there@nobody", "ssh-copy-id -o User=nobody-there nobody`"]);
    assert!(has_site(&lab["up"], "~deploy"));
    for (host, _) in &hosts[1..] {
        assert!(is_untouched(&lab[host], "~deploy"), "{host}");
    }
}

#[test]
fn user_port_and_address_of_a_host_win_over_its_name() {
    let spec = HostSpec::new("web").user(User::new("anna")).user(User::new("berta"));
    let lab = Lab::start([spec.sshd("Port 22").sshd("Port 2200"), HostSpec::new("web1")]);
    let address = lab["web"].address();
    // The name is that of another host.
    let lines = format!("address = \"{address}\"\nport = 2200\nuser = \"berta\"");
    let project = Project::new(&lab, &on("web1", &lines));
    lab["web"]
        .sh("nft 'add table inet t; add chain inet t in { type filter hook input priority 0; }; \
                   add rule inet t in tcp dport 22 drop'");

    project.deploy().succeeded();

    assert!(has_site(&lab["web"], "~berta"));
    assert!(is_untouched(&lab["web"], "~anna") && is_untouched(&lab["web1"], "~"));
    assert_eq!(connections_to(&lab["web1"]), 0);
}

#[test]
fn a_key_is_accepted_only_where_the_user_has_said_so() {
    let lab = Lab::start(2);
    let config = lab.read("~/.ssh/config");
    lab.write("~/.ssh/config", format!("Host host1\nStrictHostKeyChecking accept-new\n{config}"));
    for host in lab.hosts() {
        host.forget_host_key();
    }
    let project = Project::on_all(&lab, "");
    let knows = |host| lab.read("~/.ssh/known_hosts").contains(&lab[host].host_key());

    project.deploy().failed().assert_said("host2", &["host key of `host2` is not known"]);
    assert!(has_site(&lab["host1"], "~"));
    assert!(knows("host1") && !knows("host2"));

    lab["host1"].new_host_key();
    let deployed = project.deploy().failed();
    deployed.assert_said("host1", &["host key of `host1` has changed"]);
}
