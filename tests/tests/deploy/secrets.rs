//! Where the secrets of a deployment are: on the way to hosts whose roots need them, in the files
//! that are to hold them, and nowhere else.

use std::collections::BTreeMap;

use togusa_tests::lab::{Host, HostSpec, Lab};
use togusa_tests::project::Project;
use togusa_tests::tap::{self, Frame};

use crate::hosts::{agents, open_gates, wait_until};
use crate::project;

const PASSWORD: &str = "tr0ub4dor/of the \"safe\"";
const KEYSTORE: &str = "-----BEGIN STORE-----\nMIIEowIBAAKCAQEAxyz\n-----END STORE-----\n";
const KEY: &str = "the key of the app\nand its second line\n";
const RACK: &str = "rack-of-the-guest";
/// Masked by its type alone.
const PIN: &str = "4711";

/// What no text may hold: each secret as it is, a line of it, in Base64, in a URL, in JSON.
const FORBIDDEN: [&str; 9] = [
    "tr0ub4dor/of the",
    "dHIwdWI0ZG9yL29mIHRoZSAi",
    "tr0ub4dor%2Fof",
    "MIIEowIBAAKCAQEAxyz",
    "TUlJRW93SUJBQUtDQVFFQXh5e",
    "the key of the app",
    "and its second line",
    RACK,
    "cmFjay1vZi10aGUtZ3Vlc3",
];

/// Where each secret may be found on a host, below its target directory.
const HELD: [(&str, &[&str]); 3] = [
    ("safe", &["work/safe/keystore", "work/safe/app.key"]),
    ("guest", &["work/guest/login"]),
    ("aside", &[]),
];

fn project_with_secrets(lab: &Lab) -> Project {
    let project = project();
    environment(&project, false);
    let run = |arguments: &str, input: &str| {
        project.command(lab, arguments).input(input).output().succeeded();
    };
    run("secrets add test ci /run/lab/home/.ssh/id_ed25519.pub", "");
    run("secrets set test components.safe.password", PASSWORD);
    run("secrets set test components.safe.keystore --file -", KEYSTORE);
    run("secrets set test files.app.key --file -", KEY);
    run("secrets set test hosts.guest.data.rack", RACK);
    run("secrets set test hosts.guest.data.pin", PIN);
    project
}

fn environment(project: &Project, fails: bool) {
    project.environment(format!(
        "[hosts.safe]\ncomponents = [\"safe\"]\n\
         [hosts.guest]\ncomponents = [\"guest\"]\n\
         [hosts.aside]\ncomponents = [\"aside\"]\n\
         [components.guest]\nfails = {fails}\n"
    ));
}

/// The forbidden texts that some bytes hold.
fn found_in(bytes: &[u8]) -> Vec<&'static str> {
    let holds = |text: &&str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
    FORBIDDEN.into_iter().filter(holds).collect()
}

#[track_caller]
fn assert_clean(what: &str, bytes: &[u8]) {
    let found = found_in(bytes);
    assert!(found.is_empty(), "{what} has {found:?}:\n{}", String::from_utf8_lossy(bytes));
}

/// The files that hold a forbidden text, below some directories.
fn grep(lab: &Lab, places: &str) -> Vec<String> {
    let patterns: Vec<_> = FORBIDDEN.iter().map(|text| format!("-e '{text}'")).collect();
    let script = format!("grep -rlaF {} {places} 2>/dev/null || :", patterns.join(" "));
    lab.sh(&script).lines().map(str::to_owned).collect()
}

/// Nothing that a host has written since it was made has a secret but for what is to hold it.
#[track_caller]
fn assert_kept_only_where_meant(lab: &Lab, host: &Host, meant: &[&str]) {
    let up = format!("/run/lab/hosts/{}/up", host.name());
    let mut found = grep(lab, &up);
    found.sort();
    let mut meant: Vec<_> =
        meant.iter().map(|below| format!("{up}/root/deployment/subject/test/{below}")).collect();
    meant.sort();
    assert_eq!(found, meant, "{}", host.name());
    let memory = host.sh(&format!(
        "grep -rlaF {} /tmp /run /dev/shm /var/tmp 2>/dev/null || :",
        FORBIDDEN.map(|text| format!("-e '{text}'")).join(" ")
    ));
    assert_eq!(memory, "", "{}", host.name());
}

/// Nothing that the coordinator has written has a secret, nor has any process on its command line
/// or in its environment.
#[track_caller]
fn assert_nothing_beside(lab: &Lab, project: &Project) {
    let places = format!("{} /run/lab/home", project.path("").display());
    assert_eq!(grep(lab, &places), [""; 0]);
    let processes = "for file in /proc/[0-9]*/cmdline /proc/[0-9]*/environ; do
                         [ $file = /proc/$$/cmdline ] || tr '\\0' '\\n' <$file 2>/dev/null || :
                     done";
    assert_clean("a process of the coordinator", lab.sh(processes).as_bytes());
    for host in lab.hosts() {
        assert_clean(host.name(), host.sh(processes).as_bytes());
    }
}

#[test]
fn secrets_are_in_the_files_that_are_to_hold_them_and_nowhere_else() {
    let lab = Lab::start(["safe", "guest", "aside"].map(HostSpec::new));
    let project = project_with_secrets(&lab);
    let taps = tempfile::tempdir().unwrap();
    let run = |arguments: &str, code: i32| {
        let mut program = project.command(&lab, arguments);
        let output = program.env("TOGUSA_TAP", taps.path()).output();
        let said = [output.stdout.as_bytes(), output.stderr.as_bytes()].concat();
        assert_clean(arguments, &said);
        assert_eq!(output.code(), Some(code), "{arguments}\n{}{}", output.stdout, output.stderr);
        String::from_utf8(said).unwrap()
    };

    for look in ["check test -v", "check test --json -v", "graph test", "components", "build"] {
        run(look, 0);
    }
    assert!(run("plan test -vv", 0).contains("sensitive"), "the plan says why it shows nothing");

    // Killed in the middle, nothing is left behind.
    let deployment = project.start(&lab);
    deployment.wait_for_gates(&["guest"]);
    assert_nothing_beside(&lab, &project);
    deployment.running.kill();
    // An update that runs is not broken off by that.
    open_gates(lab.hosts());
    wait_until("the end of the agents", || lab.hosts().iter().all(|host| agents(host).is_empty()));
    assert_clean("a deployment that was killed", deployment.running.stdout().as_bytes());
    for ((name, held), host) in HELD.iter().zip(lab.hosts()) {
        assert_eq!(*name, host.name());
        assert_kept_only_where_meant(&lab, host, held);
    }

    // All that the components tell is told, masked.
    lab["guest"].sh("rm ~/deployment/subject/test/work/guest/login");
    let told = run("deploy test -vv", 0);
    for expected in ["the password is [secret]", "safe [secret] "] {
        assert!(told.contains(expected), "no `{expected}` in:\n{told}");
    }
    assert_eq!(lab["safe"].read("~/deployment/subject/test/work/safe/keystore"), KEYSTORE);
    assert_eq!(lab["safe"].read("~/deployment/subject/test/work/safe/app.key"), KEY);
    let login = lab["guest"].read("~/deployment/subject/test/work/guest/login");
    assert_eq!(login, format!("safe {PASSWORD} {PIN} {RACK}\n"));
    let modes = lab["safe"].sh("stat -c %a ~/deployment/subject/test/work/safe/*");
    assert_eq!(modes, "600\n600\n");

    // Drift, failures, and everything that can be asked.
    lab["guest"].sh("echo changed > ~/deployment/subject/test/work/guest/login");
    lab["safe"].sh("rm ~/deployment/subject/test/work/safe/*");
    run("verify test -vv", 4);
    run("verify test --json -vv", 4);
    environment(&project, true);
    run("plan test --json -vv", 0);
    let told = run("deploy test -vv", 1);
    assert!(told.contains("[secret]"), "{told}");
    let told = run("deploy test --json -vv", 1);
    assert!(told.contains("[secret]"), "{told}");
    for look in ["status test", "status test --json", "secrets list test", "secrets check test"] {
        run(look, 0);
    }
    for ((_, held), host) in HELD.iter().zip(lab.hosts()) {
        assert_kept_only_where_meant(&lab, host, held);
    }
    assert_nothing_beside(&lab, &project);

    // What crossed the wire: to those that need it, and never back.
    let needed: BTreeMap<&str, &[&str]> = BTreeMap::from([
        ("safe", &[FORBIDDEN[0], FORBIDDEN[3], FORBIDDEN[5]][..]),
        ("guest", &[FORBIDDEN[0], RACK]),
        ("aside", &[]),
    ]);
    for (host, needed) in needed {
        let heard = |end: &str| {
            let path = taps.path().join(format!("{host}.{end}"));
            tap::frames(&std::fs::read(path).unwrap())
        };
        let has = |frames: &[Frame], text: &str| frames.iter().any(|frame| frame.contains(text));
        let (to_agent, from_agent) = (heard("to-agent"), heard("from-agent"));
        for text in FORBIDDEN {
            assert!(!has(&from_agent, text), "{host} sent `{text}`");
        }
        let unneeded = ["tr0ub4dor", "MIIEowIBAAKCAQEAxyz", "TUlJRW93SUJB", "key of the app", RACK];
        for text in unneeded {
            let may = needed.iter().any(|needed| needed.contains(text)) || text == "TUlJRW93SUJB";
            assert!(may && host != "aside" || !has(&to_agent, text), "{host} was sent `{text}`");
        }
    }
}

#[test]
fn a_key_in_the_environment_reaches_no_program_that_is_started() {
    let lab = Lab::start([HostSpec::new("safe"), HostSpec::new("guest")]);
    let project = project_with_secrets(&lab);
    project.environment(
        "[hosts.safe]\ncomponents = [\"safe\"]\n\
         [hosts.guest]\nconnect = \"local\"\ncomponents = [\"guest\"]\n",
    );
    lab.sh("mv ~/.ssh/id_ed25519 ~/.ssh/key && sed -i s/id_ed25519/key/ ~/.ssh/config");
    let key = lab.read("~/.ssh/key");
    let deployment =
        project.command(&lab, "deploy test --json").env("TOGUSA_IDENTITY", &key).spawn();
    deployment.wait_until_printed("waiting");
    let holders =
        lab.sh("for file in $(grep -lz '^TOGUSA_IDENTITY=' /proc/[0-9]*/environ 2>/dev/null); do
             tr '\\0' ' ' <${file%environ}cmdline && echo
         done");
    let own = format!("{} deploy test --json \n", env!("CARGO_BIN_EXE_lab-subject"));
    assert_eq!(holders, own);
    lab.write("/run/gate", "");
    assert_eq!(deployment.wait().code(), Some(0));
}
