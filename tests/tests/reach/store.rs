use togusa_tests::lab::{Host, HostSpec, Lab, User};

use crate::project::{Project, has_site, is_untouched, on};

const AGENTS: &str = "~deploy/.cache/togusa/agents/hello";

/// The names of what was pushed into the store of user `deploy`.
fn kept(host: &Host) -> Vec<String> {
    let names = host.sh(&format!("ls -A {AGENTS} 2>/dev/null || :"));
    let pushed = names.lines().filter(|name| !name.starts_with(".checked-"));
    pushed.map(str::to_owned).collect()
}

#[test]
fn a_store_that_cannot_be_used_says_why_and_what_helps() {
    let host = |name: &str| HostSpec::new(name).user(User::new("deploy"));
    let lab = Lab::start([
        host("readonly").read_only("~deploy"),
        host("full").small("~deploy", 24),
        // Enough for the first part of what is pushed.
        host("tight").small("~deploy", 2),
        host("noexec").no_exec("~deploy"),
        host("theirs"),
        host("open"),
        host("fine"),
    ]);
    lab["full"].fill("~deploy");
    lab["theirs"].sh("mkdir -m 777 /srv/store");
    lab["open"].sh("install -d -o deploy -m 777 /srv/store");
    let environment = |noexec: &str| {
        let names = ["readonly", "full", "tight", "fine"].map(|name| on(name, ""));
        let stores = ["theirs", "open"].map(|name| on(name, "store = \"/srv/store\""));
        names.concat() + &stores.concat() + &on("noexec", noexec)
    };
    let project = Project::new(&lab, &environment(""));

    let deployed = project.deploy().failed();

    let said = |host, words: &[&str]| deployed.assert_said(host, words);
    said("readonly", &["cannot keep the agent in the store", "Read-only file system", "`store = "]);
    said("full", &["cannot keep the agent in the store", "No space left on device", "make room"]);
    said("tight", &["cannot keep the agent in the store", "No space left on device", "make room"]);
    said("noexec", &["may not run programs", "Permission denied", "`store = ", "noexec"]);
    said("theirs", &["`/srv/store` belongs to another user", "`store = "]);
    said("open", &["others may write to the store `/srv/store`", "`chmod 700 /srv/store`"]);
    assert!(has_site(&lab["fine"], "~deploy"));
    for host in lab.hosts().iter().filter(|host| host.name() != "fine") {
        assert_eq!(kept(host), [""; 0], "{}", host.name());
        assert!(!host.exists("~deploy/deployment"), "{}", host.name());
    }
    assert_eq!(lab["open"].sh("ls -A /srv/store"), "");
    assert_eq!(lab["theirs"].sh("ls -A /srv/store"), "");

    // What the hints say is what helps.
    lab["full"].free("~deploy");
    lab["tight"].sh("mount -o remount,size=24m ~deploy");
    for host in ["noexec", "theirs"] {
        lab[host].sh("rm -rf /srv/store /var/lib/store");
        lab[host].sh("install -d -o deploy -m 700 /var/lib/store /srv/store");
    }
    lab["open"].sh("chmod 700 /srv/store");
    project.environment(&environment("store = \"/var/lib/store\""));
    let deployed = project.deploy().failed();
    deployed.assert_said("readonly", &["Read-only"]);
    for host in lab.hosts() {
        assert_eq!(has_site(host, "~deploy"), host.name() != "readonly", "{}", host.name());
    }
    assert!(is_untouched(&lab["readonly"], "~deploy"));
    assert!(lab["noexec"].exists("/var/lib/store/agents/hello"));
}

#[test]
fn what_lies_damaged_in_the_store_is_replaced() {
    let names = ["tampered", "truncated", "appended", "emptied", "refused"];
    let lab = Lab::start(names.map(|name| HostSpec::new(name).user(User::new("deploy"))));
    let project = Project::on_all(&lab, "");
    project.deploy().succeeded();
    let [digest] = &kept(&lab["tampered"])[..] else { panic!("{:?}", kept(&lab["tampered"])) };
    let path = format!("{AGENTS}/{digest}");
    let damage = [
        // In the middle of the code, where it may run or not.
        "printf 'not what it was' | dd of=$f bs=1M seek=2 conv=notrunc 2>/dev/null",
        "truncate -s 3000000 $f",
        "printf x >>$f",
        ": >$f",
        "chmod 600 $f",
    ];
    for (host, damage) in names.iter().zip(damage) {
        lab[*host].sh(&format!("f={path}; {damage}"));
    }

    let said = project.deploy().succeeded();

    assert!(!said.contains("error"), "{said}");
    for host in lab.hosts() {
        assert_eq!(kept(host), [digest.as_str()]);
        assert_eq!(host.sh(&format!("sha256sum <{path}")), format!("{digest}  -\n"));
    }
}

#[test]
fn two_that_push_at_once_do_each_other_no_harm() {
    let lab = Lab::start([HostSpec::new("web").user(User::new("deploy"))]);
    let project = Project::on_all(&lab, "");
    project.deploy().succeeded();
    let [digest] = &kept(&lab["web"])[..] else { panic!("{:?}", kept(&lab["web"])) };
    for _ in 0..3 {
        lab["web"].sh(&format!("rm {AGENTS}/* {AGENTS}/.checked-*"));
        let runs = [(); 2].map(|()| project.command("deploy lab --wait").spawn());
        runs.iter().for_each(|run| drop(run.wait().succeeded()));
        assert_eq!(kept(&lab["web"]), [digest.as_str()]);
    }
}

#[test]
fn what_nobody_uses_any_more_is_removed_from_the_store() {
    let lab = Lab::start([HostSpec::new("web").user(User::new("deploy"))]);
    let host = &lab["web"];
    let project = Project::on_all(&lab, "");
    project.deploy().succeeded();
    let [digest] = &kept(host)[..] else { panic!("{:?}", kept(host)) };
    let builds = ["1", "2", "3", "4"].map(|digit| digit.repeat(64));
    for (build, age) in builds.iter().zip(["5 days", "2 hours", "3 hours", "1 day"]) {
        host.sh(&format!("cd {AGENTS}; cp {digest} {build}; touch -d '{age} ago' {build}"));
    }
    // As if the present one were the result of a new build.
    host.sh(&format!("cd {AGENTS}; rm {digest} .checked-*"));
    host.sh(&format!("cd {AGENTS}; touch .push-new; touch -d '2 days ago' .push-old"));

    project.deploy().succeeded();

    let mut expected = [".push-new", digest, &builds[1]];
    expected.sort();
    let mut left = kept(host);
    left.sort();
    assert_eq!(left, expected);
}
