use std::fs;
use std::os::unix::fs::MetadataExt as _;

use togusa_tests::lab::{HostSpec, Lab, User};

use crate::project::{Project, agents_on, build_that_waits, has_site, is_untouched, on};

#[test]
fn all_of_a_host_belongs_to_the_user_that_converges() {
    let deploy = || User::new("deploy").may_become("ALL");
    let lab = Lab::start([
        HostSpec::new("service").user(deploy()).user(User::service("app")),
        HostSpec::new("root").user(deploy()),
        HostSpec::new("login").user(deploy()),
    ]);
    let environment =
        on("service", "service_user = \"app\"") + &on("root", "sudo = true") + &on("login", "");
    let project = Project::new(&lab, &environment);
    build_that_waits(&project);

    let running = project.command("deploy lab").spawn();
    for (host, user) in [("service", "app"), ("root", "root"), ("login", "deploy")] {
        let host = &lab[host];
        crate::wait_until("the build", || !host.processes_with("build.sh").is_empty());
        let agents = agents_on(host);
        assert_eq!(agents.len(), 1, "{agents:?}");
        let owner = fs::metadata(format!("/proc/{}", agents[0].pid)).unwrap().uid();
        assert_eq!(host.sh(&format!("id -u {user}")).trim(), owner.to_string());
        host.write("/tmp/go", "");
    }
    running.wait().succeeded();

    for (host, user) in [("service", "app"), ("root", "root"), ("login", "deploy")] {
        let host = &lab[host];
        let home = format!("~{user}");
        assert!(has_site(host, &home));
        for path in ["deployment", ".cache"] {
            let others = host.sh(&format!("find {home}/{path} ! -user {user}"));
            assert_eq!(others, "", "{}", host.name());
        }
        for other in ["app", "root", "deploy"].into_iter().filter(|other| *other != user) {
            let is_there = !host.sh(&format!("id -u {other} 2>/dev/null || :")).is_empty();
            assert!(!is_there || is_untouched(host, &format!("~{other}")), "{other}");
        }
        crate::wait_until("the end of the agent", || agents_on(host).is_empty());
    }
}

#[test]
fn a_sudo_that_does_not_do_it_says_what_it_wants() {
    let app = || User::service("app");
    let user = || User::new("deploy");
    let lab = Lab::start([
        HostSpec::new("password").user(user().may_become_with_password("app")).user(app()),
        HostSpec::new("terminal").user(user().may_become("app").sudo_wants_terminal()).user(app()),
        HostSpec::new("forbidden").user(user()).user(app()),
        HostSpec::new("other").user(user().may_become("root")).user(app()),
        HostSpec::new("ghost").user(user().may_become("ALL")),
        HostSpec::new("missing").user(user()).user(app()),
        HostSpec::new("fine").user(user().may_become("app")).user(app()),
    ]);
    lab["missing"].sh("rm \"$(command -v sudo)\"");
    let project = Project::on_all(&lab, "service_user = \"app\"\nuser = \"deploy\"");

    let deployed = project.deploy().failed();

    let said = |host, words: &[&str]| deployed.assert_said(host, words);
    let rule = "deploy ALL=(app) NOPASSWD: ALL";
    said("password", &["asks for a password to become `app`", "a password is required", rule]);
    said("terminal", &["wants a terminal to become `app`", "tty", "Defaults:deploy !requiretty"]);
    said("forbidden", &["`app`", rule]);
    said("other", &["`app`", rule]);
    said("ghost", &["no user `app` on the host", "unknown user", "useradd --system -m app"]);
    said("missing", &["sudo is not installed", "sudo: ", "not found"]);
    for host in lab.hosts() {
        assert!(is_untouched(host, "~deploy"), "{}", host.name());
        let is_fine = host.name() == "fine";
        assert!(host.name() == "ghost" || has_site(host, "~app") == is_fine, "{}", host.name());
        assert!(host.name() == "ghost" || is_untouched(host, "~app") != is_fine, "{}", host.name());
    }
}
