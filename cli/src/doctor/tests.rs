//! The scripts in every `sh`, and what is made of their answers.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, SystemTime};

use togusa_core::environment::{Connect, Host};
use togusa_core::problem::code;
use togusa_core::system;
use togusa_core::system::program;

use super::ask::Asking;
use super::table::{Seen, table};
use super::*;
use crate::ui::Paint;

const SHS: [&str; 5] = ["dash", "bash", "zsh", "mksh", "busybox"];

/// A home directory of its own, and an `sh`.
struct Place {
    home: tempfile::TempDir,
    path: OsString,
}

impl Place {
    fn new(sh: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        let path = system::variable("PATH").unwrap();
        let found = path.split(':').map(|place| Path::new(place).join(sh));
        let sh = found.into_iter().find(|file| file.is_file()).unwrap();
        fs::create_dir(home.path().join("bin")).unwrap();
        symlink(sh, home.path().join("bin/sh")).unwrap();
        let path = format!("{}:{path}", home.path().join("bin").display()).into();
        Self { home, path }
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.home.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn ask(&self, connect: Connect) -> Answers {
        let mut host = Host::local("web1", "~/deployment/shop/live");
        host.connect = connect;
        let asking = Asking { connections: None, home: self.home.path(), project: "shop" };
        let command = asking.command(&host, "TAG");
        let mut shell: Command = program(self.home.path().join("bin").join(&command[0]));
        shell.args(&command[1..]).env("PATH", &self.path).env("HOME", self.home.path());
        let sent = SystemTime::now();
        let Output { stdout, stderr, .. } = shell.current_dir("/").output().unwrap();
        let mut answers = Answers::default();
        let text = String::from_utf8(stdout).unwrap();
        for line in text.lines().filter_map(|line| line.strip_prefix("TAG ")) {
            answers.take(line, sent);
        }
        assert!(answers.is_whole, "{text}\n{}", String::from_utf8_lossy(&stderr));
        assert_eq!(answers.end, Some(0));
        answers
    }

    /// All that lies in the home directory.
    fn files(&self) -> Vec<String> {
        let listed = program("find").arg(self.home.path()).output().unwrap().stdout;
        String::from_utf8(listed).unwrap().lines().map(str::to_owned).collect()
    }
}

#[test]
fn every_sh_tells_the_same_and_nothing_is_left_behind() {
    let facts = togusa_core::host::Facts::read();
    for sh in SHS {
        let place = Place::new(sh);
        let before = place.files();
        let answers = place.ask(Connect::Ssh);
        assert_eq!(place.files(), before, "{sh}");
        assert_eq!(answers.user, system::user_name(), "{sh}");
        assert_eq!(answers.login, answers.user, "{sh}");
        assert_eq!(answers.clock, Some(0.0), "{sh}");
        assert_eq!(answers.hostname.as_ref(), Some(&facts.hostname), "{sh}");
        assert_eq!(answers.machine.as_ref(), Some(&facts.architecture), "{sh}");
        assert_eq!(answers.release.as_ref(), Some(&facts.release), "{sh}");
        assert_eq!(answers.memory_mb, Some(facts.memory_mb), "{sh}");
        assert!(answers.cores.is_some() && answers.openssh.is_some(), "{sh}: {answers:?}");
        let home = place.home.path().to_str();
        assert_eq!(answers.store.directory.as_deref(), home, "{sh}");
        assert_eq!(answers.target.directory.as_deref(), home, "{sh}");
        assert!(answers.target.free.is_some(), "{sh}");
        assert_eq!(answers.failures, [], "{sh}");
        assert!(answers.agents.is_empty() && answers.holder.is_none(), "{sh}");
    }
}

#[test]
fn what_is_wrong_with_store_and_target_is_told_by_every_sh() {
    for sh in SHS {
        let place = Place::new(sh);
        let agents = ".cache/togusa/agents/shop";
        let digest = "ab".repeat(32);
        place.write(&format!("{agents}/{digest}"), "x");
        let binary = place.home.path().join(agents).join(&digest);
        fs::set_permissions(&binary, fs::Permissions::from_mode(0o700)).unwrap();
        place.write(&format!("{agents}/not-executable"), "x");
        place.write("deployment/shop/live/.togusa/identity.json", "{\"project\":\"a  b\"}");
        let answers = place.ask(Connect::Ssh);
        assert_eq!(answers.agents.iter().collect::<Vec<_>>(), [&digest], "{sh}");
        assert_eq!(answers.failures, [], "{sh}");
        assert_eq!(answers.identity.as_deref(), Some("{\"project\":\"a  b\"}"), "{sh}");
        let target = place.home.path().join("deployment/shop/live");
        assert_eq!(answers.target.directory.as_deref(), target.to_str(), "{sh}");

        let store = place.home.path().join(".cache/togusa");
        fs::set_permissions(&store, fs::Permissions::from_mode(0o777)).unwrap();
        fs::remove_dir_all(place.home.path().join("deployment")).unwrap();
        place.write("deployment", "a file");
        let answers = place.ask(Connect::Ssh);
        assert_eq!(answers.failure("open"), store.to_str(), "{sh}");
        let file = place.home.path().join("deployment");
        assert_eq!(answers.failure("file-target"), file.to_str(), "{sh}");
        // Nothing is pushed to this machine.
        assert_eq!(place.ask(Connect::Local).failure("open"), None, "{sh}");
    }
}

#[test]
fn a_lock_counts_while_it_is_held_and_not_for_the_name_that_was_left_behind() {
    let place = Place::new("dash");
    let state = "deployment/shop/live/.togusa";
    let holder = format!("{{\"who\":\"ada\",\"pid\":{},\"since\":0}}", std::process::id());
    place.write(&format!("{state}/holder.json"), &holder);
    place.write(&format!("{state}/lock"), "");
    assert_eq!(place.ask(Connect::Ssh).holder, None);
    let lock = fs::File::open(place.home.path().join(state).join("lock")).unwrap();
    lock.lock().unwrap();
    assert_eq!(place.ask(Connect::Ssh).holder.as_ref(), Some(&holder));
    let gone = holder.replace(&std::process::id().to_string(), "4194305");
    place.write(&format!("{state}/holder.json"), &gone);
    assert_eq!(place.ask(Connect::Ssh).holder, None);
}

/// A host with which nothing is wrong.
fn asked() -> Asked {
    let text = |text: &str| Some(text.to_owned());
    let place =
        super::answers::Place { directory: text("/srv/deploy"), free: Some(12_100_000_000) };
    let answers = Answers {
        clock: Some(0.0),
        login: text("deploy"),
        user: text("deploy"),
        system: text("Linux"),
        machine: text("x86_64"),
        release: text("debian 12"),
        store: place.clone(),
        target: place,
        end: Some(0),
        is_whole: true,
        ..Answers::default()
    };
    Asked { reached: Duration::from_millis(120), resumed: false, answers }
}

fn host(name: &str) -> Host {
    Host { connect: Connect::Ssh, ..Host::local(name, "~/deployment/shop/live") }
}

/// The findings of a host that is changed so, one below the other.
fn judged(change: impl FnOnce(&mut Host, &mut Answers)) -> String {
    let (mut host, mut asked) = (host("web1"), asked());
    change(&mut host, &mut asked.answers);
    let findings = judge(&host, ("shop", "live"), &asked, Some(&Ok(None)));
    let text = |finding: Finding| format!("{:?}: {}\n", finding.severity, finding.problem);
    findings.into_iter().map(text).collect()
}

fn fail(answers: &mut Answers, kind: &str, detail: &str) {
    answers.failures.push((kind.to_owned(), detail.to_owned()));
}

#[test]
fn a_host_without_faults_has_no_finding() {
    assert_eq!(judged(|_, _| {}), "");
    assert_eq!(judged(|_, answers| answers.clock = Some(-1.9)), "");
}

#[test]
fn each_fault_is_told_with_its_remedy() {
    insta::assert_snapshot!(judged(|host, answers| {
        host.service_user = Some("app".into());
        answers.user = None;
        answers.is_whole = false;
        answers.end = Some(1);
        answers.said = vec!["sudo: a password is required".into()];
    }), @r"
    Error: sudo asks for a password to become `app` (on web1)
      1: sudo: a password is required
      hint: let the host's sudo do it: `visudo -f /etc/sudoers.d/togusa`, with the line `deploy ALL=(app) NOPASSWD: ALL`
    ");
    insta::assert_snapshot!(judged(|_, answers| {
        answers.is_whole = false;
        answers.end = None;
    }), @r"
    Error: the host did not say all that it was asked (on web1)
      hint: a file system may hang: see whether `df` comes back there
    ");
    insta::assert_snapshot!(judged(|_, answers| {
        fail(answers, "missing", "gzip");
        fail(answers, "owner", "/srv/store");
        fail(answers, "write-store", "cat: denied");
        fail(answers, "write-target", "sh: cannot create /srv/x: Permission denied");
        answers.identity = Some(r#"{"project":"shop","environment":"dev","host":"web1"}"#.into());
        answers.holder = Some(r#"{"who":"ada@desk","pid":7,"since":99999999999,"updates":[]}"#.into());
        answers.clock = Some(3600.0);
    }), @r#"
    Error: `gzip` is missing, which unpacks the agent (on web1)
      hint: install `gzip` there
    Error: the store `/srv/store` belongs to another user (on web1)
      hint: remove it there, or set `store = "/path"` in environment.toml to a directory of the converging user
    Error: cannot write to the target directory `~/deployment/shop/live` (on web1)
      1: sh: cannot create /srv/x: Permission denied
      hint: set `target_directory` to a place where `deploy` may write, or make it there for `deploy`
    Error: target directory `~/deployment/shop/live` belongs to project `shop`, environment `dev`, host `web1`, not to project `shop`, environment `live`, host `web1` (on web1)
      hint: set another `target_directory`, or remove the directory if it is not needed
    Warning: another deployment holds the lock of `~/deployment/shop/live`: ada@desk, process 7, for 0 s (on web1)
      hint: wait until it is done, or use `--wait`
    Warning: the clock is 1 h 0 min ahead of the one here (on web1)
      hint: let both follow a time server: `timedatectl set-ntp true`; certificates, tokens and the times of files are judged by it
    "#);
    insta::assert_snapshot!(judged(|host, answers| {
        host.target = Some("aarch64-unknown-linux-musl".into());
        answers.store.free = Some(9_000_000);
        answers.target.free = Some(8_000_000);
        fail(answers, "noexec", "Permission denied");
    }), @r#"
    Error: the store may not run programs (on web1)
      1: Permission denied
      hint: set `store = "/path"` in environment.toml to a file system that is not mounted with `noexec`
    Warning: only 8.00 MB are free in `/srv/deploy`, for the store and the target directory (on web1)
      hint: make room there: `df /srv/deploy`; a deployment fails where a disk is full
    Warning: `target = "aarch64-unknown-linux-musl"` is named, but the host is `x86_64` (on web1)
      hint: remove `target` in environment.toml, or set it to what runs there
    "#);
    insta::assert_snapshot!(judged(|_, answers| {
        fail(answers, "write-target", "cat: write error: No space left on device");
        fail(answers, "file-store", "/srv/deploy/.cache");
    }), @r#"
    Error: the store cannot be made: `/srv/deploy/.cache` is no directory (on web1)
      hint: remove what stands there, or set `store = "/path"` in environment.toml
    Error: cannot write to the target directory `~/deployment/shop/live` (on web1)
      1: cat: write error: No space left on device
      hint: make room there: `df /srv/deploy` and `df -i`
    "#);
}

#[test]
fn a_full_store_matters_only_to_an_agent_that_is_to_come() {
    let binary = AgentBinary {
        digest: "d".repeat(64),
        target: String::new(),
        size: 6_000_000,
        compressed: Vec::new(),
        build: String::new(),
    };
    let supply = Ok(Some(Arc::new(binary)));
    let mut asked = asked();
    asked.answers.store.free = Some(5_000_000);
    let judged = |asked: &Asked| judge(&host("web1"), ("shop", "live"), asked, Some(&supply));
    let findings = judged(&asked);
    assert!(!is_sound(&findings), "{findings:?}");
    assert!(findings[0].problem.message.contains("5.00 MB are free in `/srv/deploy`"));
    asked.answers.agents.insert("d".repeat(64));
    assert!(is_sound(&judged(&asked)));
}

#[test]
fn an_architecture_of_another_family_is_noticed() {
    let says = |target: &str, machine: &str| {
        judged(|host, answers| {
            host.target = Some(format!("{target}-unknown-linux-musl"));
            answers.machine = Some(machine.to_owned());
        })
    };
    for (target, machine) in [
        ("x86_64", "x86_64"),
        ("i686", "x86_64"),
        ("armv7", "armv7l"),
        ("riscv64gc", "riscv64"),
        ("powerpc64le", "ppc64le"),
    ] {
        assert_eq!(says(target, machine), "", "{target} on {machine}");
    }
    for (target, machine) in [("x86_64", "aarch64"), ("aarch64", "x86_64"), ("armv7", "aarch64")] {
        assert!(says(target, machine).starts_with("Warning: "), "{target} on {machine}");
    }
}

#[test]
fn hosts_that_came_to_the_same_share_a_row_and_findings_stand_alone() {
    let names = ["web1", "web2", "web3", "web4", "slow", "down"];
    let hosts = names.map(host);
    let mut answers: Vec<Answer> = names.iter().map(|_| Ok(asked())).collect();
    if let Ok(slow) = &mut answers[3] {
        slow.reached = Duration::from_millis(1500);
        slow.answers.target.free = Some(3_000_000_000);
    }
    if let Ok(slow) = &mut answers[4] {
        slow.resumed = true;
        slow.answers.clock = Some(-7322.0);
        fail(&mut slow.answers, "noexec", "");
    }
    answers[5] = Err(Problem::new(code::NO_ROUTE, "cannot connect: there is no route to `down`"));
    let seen = |whole: bool| {
        let seen = hosts.iter().zip(&answers).map(|(host, answer)| {
            let supply = Some(Ok(None));
            let findings = match answer {
                Ok(asked) => judge(host, ("shop", "live"), asked, supply.as_ref()),
                Err(problem) => vec![Finding::error(problem.clone())],
            };
            Seen { host, answer, supply, findings }
        });
        table(&seen.collect::<Vec<_>>(), whole, Paint(false))
    };
    insta::assert_snapshot!(seen(false), @r"
    host     ssh            user    system            agent     store          target        clock       lock
    slow     0.12 s (kept)  deploy  debian 12 x86_64  to build  noexec         12.10 GB      -2 h 2 min  free
    down     cannot connect: there is no route to `down`
    4 hosts  up to 1.5 s    deploy  debian 12 x86_64  to build  from 12.10 GB  from 3.00 GB  right       free
    ");
    assert_eq!(seen(true).lines().count(), 7);
}
