//! Programs that stay when the deployment is over.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use togusa_components::prelude::*;
use togusa_core::prelude::*;

use crate::Bench;

/// A test whose program ends with it.
struct Running(Bench);

impl Running {
    fn new(make: impl Fn() -> Program + Send + Sync + 'static) -> Self {
        let test = Self(Bench::new());
        test.set(make);
        test
    }

    fn set(&self, make: impl Fn() -> Program + Send + Sync + 'static) {
        self.0.set_model(move |scope| {
            scope.add(make());
            Ok(())
        });
    }

    fn script(&self, text: &str) {
        fs::create_dir_all(self.0.path("")).unwrap();
        fs::write(self.0.path("web"), format!("#!/bin/sh\n{text}\n")).unwrap();
        self.0.set_mode("web", 0o755);
    }

    fn pid(&self) -> u32 {
        self.0.read("web.pid").lines().next().unwrap().parse().unwrap()
    }

    /// Waits until the program has written something.
    fn wait_for(&self, below: &str, text: &str) {
        wait_until(&format!("`{text}` in {below}"), || {
            fs::read_to_string(self.0.path(below)).is_ok_and(|read| read.contains(text))
        });
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.set(|| web().absent());
        self.0.deploy();
    }
}

fn wait_until(what: &str, happened: impl Fn() -> bool) {
    let start = Instant::now();
    while !happened() {
        assert!(start.elapsed() < Duration::from_secs(30), "there is no {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

fn is_running(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z ")
}

fn kill(pid: u32, signal: &str) {
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    let signal = match signal {
        "KILL" => rustix::process::Signal::KILL,
        _ => rustix::process::Signal::TERM,
    };
    rustix::process::kill_process(pid, signal).unwrap();
}

fn web() -> Program {
    let quickly = Duration::from_millis(100);
    Program::new("web", "./web").start_time(quickly).stop_timeout(Duration::from_millis(500))
}

/// A loop that ends with this process, however that ends.
fn stays_busy() -> String {
    format!("while [ -e /proc/{} ]; do sleep 0.05; done", std::process::id())
}

const STAYS: &str = "echo \"started with $*\"; exec sleep 1000";

#[test]
fn it_is_started_once_and_stays_in_a_session_of_its_own() {
    let test = Running::new(|| web().args(["a b", "c"]));
    test.script(STAYS);
    assert_eq!(test.0.converge(), ["~ not running"]);
    let pid = test.pid();
    assert!(is_running(pid));
    assert_eq!(test.0.read("web.log"), "started with a b c\n");
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<_> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
    assert_eq!([fields[2], fields[3]], [pid.to_string(), pid.to_string()], "group and session");
    let open = fs::read_dir(format!("/proc/{pid}/fd")).unwrap().map(|entry| entry.unwrap());
    let open = open.map(|entry| (entry.file_name(), fs::read_link(entry.path()).unwrap()));
    // What the test itself was started with is not for it to close.
    let own = |name: &OsString| fs::read_link(Path::new("/proc/self/fd").join(name)).ok();
    let given: Vec<_> = open.filter(|(name, to)| own(name).as_ref() != Some(to)).collect();
    let given: BTreeSet<_> = given.iter().map(|(name, _)| name.to_str().unwrap()).collect();
    assert!(given.iter().all(|name| ["0", "1", "2"].contains(name)), "{given:?}");
    let stdin = fs::read_link(format!("/proc/{pid}/fd/0")).unwrap();
    assert_eq!(stdin, Path::new("/dev/null"));
    assert_eq!((test.0.mode("web.start"), test.0.mode("web.log")), (0o600, 0o640));
}

#[test]
fn a_killed_one_is_started_again() {
    let test = Running::new(web);
    test.script(STAYS);
    test.0.converge();
    let pid = test.pid();
    kill(pid, "KILL");
    wait_until("end", || !is_running(pid));
    assert_eq!(test.0.converge(), [format!("~ not running: process {pid} has ended")]);
    assert!(is_running(test.pid()) && test.pid() != pid);
}

#[test]
fn each_change_of_how_it_is_started_is_shown_and_restarts_it() {
    let base = || web().arg("1").env("A", "x");
    let test = Running::new(base);
    test.script("echo \"$A $B $* $PWD\"; exec sleep 1000");
    fs::create_dir_all(test.0.path("sub")).unwrap();
    test.0.converge();
    type Made = fn() -> Program;
    let changed: [(Made, &str); 5] = [
        (|| web().arg("2").env("A", "x"), "~ command ./web 1 → ./web 2"),
        (|| web().arg("2").env("A", "y"), "~ variable A x → y"),
        (|| web().arg("2"), "- remove variable A"),
        (|| web().arg("2").env("B", "z"), "+ create variable B"),
        (|| web().arg("2").env("B", "z").log("other.log"), "web.log → "),
    ];
    for (make, expected) in changed {
        let before = test.pid();
        test.set(make);
        let changes = test.0.converge();
        assert_eq!(changes.len(), 1, "{changes:?}");
        assert!(changes[0].contains(expected), "{changes:?}");
        assert!(!is_running(before) && is_running(test.pid()));
    }
    test.set(|| web().directory("sub"));
    let failure = test.0.failure();
    assert!(failure.contains("`web` ended") && failure.contains("./web"), "{failure}");
    test.script(STAYS);
    fs::copy(test.0.path("web"), test.0.path("sub/web")).unwrap();
    test.0.deploy().assert_success();
    let moved = format!("/proc/{}/cwd", test.pid());
    assert_eq!(fs::read_link(moved).unwrap(), test.0.path("sub").canonicalize().unwrap());
}

#[test]
fn secrets_travel_in_no_argument_and_are_never_shown() {
    let test = Running::new(|| web().env("PASSWORD", Secret::new("hunter22")));
    test.script("echo \"it is $PASSWORD\"; exec sleep 1000");
    let run = test.0.deploy();
    run.assert_success();
    assert!(!format!("{run:?}").contains("hunter"), "{run:?}");
    test.wait_for("web.log", "it is hunter22");
    assert_eq!(test.0.mode("web.start"), 0o600);
    assert!(test.0.converge().is_empty());

    test.0.set_mode("web.start", 0o644);
    assert_eq!(test.0.converge(), ["~ mode of web.start 0644 → 0600"]);
    test.set(|| web().env("PASSWORD", Secret::new("hunter33")));
    assert_eq!(test.0.converge(), ["~ variable PASSWORD differs (sensitive)"]);

    // The old one is no secret of this run any more, and not shown all the same.
    test.set(|| web().env("PASSWORD", "in clear"));
    assert_eq!(test.0.converge(), ["~ variable PASSWORD differs (sensitive)"]);

    test.set(|| web().arg(Secret::new("hunter44").expose()));
    let problems = test.0.plan_problems();
    assert!(problems.contains("holds a secret") && !problems.contains("hunter"), "{problems}");
}

#[test]
fn one_that_ends_within_its_start_time_has_failed_and_its_last_words_are_shown() {
    let test = Running::new(web);
    test.script("echo 'from before'; exec sleep 1000");
    test.0.converge();
    test.script("echo 'no database' >&2; exit 3");
    test.set(|| web().arg("new"));
    let failure = test.0.failure();
    assert!(failure.contains("`web` ended"), "{failure}");
    assert!(failure.contains("ends with:\n     | no database"), "{failure}");
    assert!(!failure.contains("from before"), "{failure}");
    assert!(failure.contains("hint: correct what it says"), "{failure}");
    test.script(STAYS);
    test.0.converge();

    test.set(|| Program::new("web", "./no-such").start_time(Duration::from_secs(5)));
    let failure = test.0.failure();
    assert!(failure.contains("no-such: not found"), "{failure}");
    test.set(|| web().directory("nowhere"));
    let failure = test.0.failure();
    assert!(failure.contains("there is no directory `"), "{failure}");
}

#[test]
fn it_is_ready_when_its_check_says_so() {
    let ready = || Exec::new("test").args(["-e", "ready"]);
    let made = move || web().ready_when(ready()).ready_timeout(Duration::from_secs(30));
    let test = Running::new(made);
    test.script("sleep 0.3; touch ready; exec sleep 1000");
    test.0.converge();
    assert!(test.0.exists("ready"));

    test.set(move || {
        let never = Exec::new("test").args(["-e", "never"]);
        web().arg("x").ready_when(never).ready_timeout(Duration::from_millis(200))
    });
    let failure = test.0.failure();
    assert!(failure.contains("`web` was not ready within 0.2 s"), "{failure}");
    assert!(failure.contains("test -e never"), "{failure}");
    assert!(!is_running(test.pid()), "one that is not ready is not left running");
}

#[test]
fn a_trigger_restarts_it_once_or_sends_its_signal() {
    let test = Running::new(web);
    test.script(&format!("trap 'echo reloaded' HUP; echo started; {}", stays_busy()));
    let conf = |text: &'static str, program: fn() -> Program| {
        test.0.set_model(move |scope| {
            let one = scope.add(File::new("one").content(text));
            let two = scope.add(File::new("two").content(text));
            scope.on_change(&one).on_change(&two).add(program());
            Ok(())
        });
        test.0.deploy().assert_success();
    };
    conf("1", web);
    let first = test.pid();
    conf("2", web);
    let second = test.pid();
    assert!(first != second && !is_running(first));
    assert_eq!(test.0.read("web.log").matches("started").count(), 2, "once for both files");

    conf("3", || web().reload_signal("SIGHUP"));
    assert_eq!(test.pid(), second);
    test.wait_for("web.log", "reloaded");

    test.script("echo started; exec sleep 1000");
    conf("4", web);
    let third = test.pid();
    test.0.set_model(|scope| {
        let one = scope.add(File::new("one").content("5"));
        scope.on_change(&one).add(web().reload_signal("HUP"));
        Ok(())
    });
    let failure = test.0.failure();
    assert!(failure.contains("did not survive its reload by signal HUP"), "{failure}");
    assert!(!is_running(third));
}

#[test]
fn it_is_stopped_gently_then_killed_with_all_that_it_started() {
    let test = Running::new(web);
    test.script(&format!("trap 'echo bye; exit' TERM; echo up; {}", stays_busy()));
    test.0.converge();
    test.wait_for("web.log", "up");
    test.set(|| web().absent());
    let changes = test.0.converge();
    assert!(changes[0].starts_with("- remove process "), "{changes:?}");
    assert_eq!(changes.len(), 3, "{changes:?}");
    assert!(test.0.read("web.log").ends_with("bye\n"));
    assert!(!test.0.exists("web.pid") && !test.0.exists("web.start"));

    test.script("trap '' TERM; (trap '' TERM; sleep 1000) & echo $! >child; wait");
    test.set(web);
    test.0.converge();
    let child = || fs::read_to_string(test.0.path("child")).unwrap_or_default();
    wait_until("child", || child().ends_with('\n'));
    let (pid, child) = (test.pid(), child().trim().parse().unwrap());
    assert!(is_running(child));
    test.set(|| web().absent());
    test.0.deploy().assert_success();
    assert!(!is_running(pid) && !is_running(child));

    // One that ends at once, but not what it started.
    fs::remove_file(test.0.path("child")).unwrap();
    test.script("(trap '' TERM; echo $(exec sh -c 'echo $PPID') >child; sleep 1000); :");
    test.set(web);
    test.0.converge();
    let child = || fs::read_to_string(test.0.path("child")).unwrap_or_default();
    wait_until("child", || child().ends_with('\n'));
    let (pid, child) = (test.pid(), child().trim().parse().unwrap());
    test.set(|| web().absent());
    test.0.deploy().assert_success();
    assert!(!is_running(pid) && !is_running(child));
}

#[test]
fn a_reused_number_is_never_signalled() {
    let test = Running::new(web);
    test.script(STAYS);
    test.0.converge();
    let bystander = test.pid();
    let text = test.0.read("web.pid");
    // The bystander runs with a number that the pid file names, but it started at another time.
    let other = Running::new(web);
    other.script(STAYS);
    let (_, rest) = text.split_once('\n').unwrap();
    let (started, boot) = rest.trim().split_once(' ').unwrap();
    let wrong = started.parse::<u64>().unwrap() + 1;
    fs::write(other.0.path("web.pid"), format!("{bystander}\n{wrong} {boot}\n")).unwrap();
    let changes = other.0.converge();
    assert_eq!(changes, [format!("~ not running: process {bystander} has ended")]);
    assert!(is_running(bystander) && is_running(other.pid()) && other.pid() != bystander);

    let elsewhere = format!("{bystander}\n{started} another-boot\n");
    fs::write(other.0.path("web.pid"), elsewhere).unwrap();
    other.set(|| web().absent());
    other.0.deploy().assert_success();
    assert!(is_running(bystander));
    assert!(test.0.converge().is_empty());
}

#[test]
fn one_whose_pid_file_is_lost_is_replaced_and_not_doubled() {
    let test = Running::new(web);
    test.script(STAYS);
    test.0.converge();
    let lost = test.pid();
    fs::remove_file(test.0.path("web.pid")).unwrap();
    assert_eq!(test.0.converge(), ["~ not running"]);
    assert!(!is_running(lost) && is_running(test.pid()));

    fs::write(test.0.path("web.pid"), "nonsense").unwrap();
    let before = test.0.path("web.start");
    fs::remove_file(before).unwrap();
    assert_eq!(test.0.converge(), ["~ not running"]);
    fs::remove_file(test.0.path("web.start")).unwrap();
    assert_eq!(test.0.converge(), ["~ nothing tells how it was started"]);
}

#[test]
fn what_cannot_be_is_a_model_error() {
    let problems = |make: fn() -> Program| {
        let test = Bench::new().model(move |scope| {
            scope.add(make());
            Ok(())
        });
        test.problems()
    };
    assert!(problems(|| Program::new("a/b", "x")).contains("`a/b` is no name for a program"));
    assert!(problems(|| web().env("A-B", "x")).contains("`A-B` is no name for a variable"));
    assert!(problems(|| web().stop_signal("SIGSTOP")).contains("`SIGSTOP` is no signal"));
    assert!(problems(|| web().arg("a\nb")).contains("an argument holds a line break"));
}

#[test]
fn how_it_was_started_is_recorded_only_once_it_is_ready() {
    // So that the next run starts it anew when this one was killed before that.
    let unrecorded = || Exec::new("test").args(["!", "-e", "web.start"]);
    let test =
        Running::new(move || web().ready_when(unrecorded()).ready_timeout(Duration::from_secs(2)));
    test.script(STAYS);
    test.0.converge();
    let first = test.pid();
    fs::remove_file(test.0.path("web.start")).unwrap();
    assert_eq!(test.0.converge(), ["~ nothing tells how it was started"]);
    assert!(!is_running(first) && test.0.mode("web.start") == 0o600);
}

#[test]
fn one_that_is_ready_but_ends_within_its_start_time_has_failed() {
    let ready = || web().start_time(Duration::from_secs(2)).ready_when(Exec::new("true"));
    let test = Running::new(ready);
    test.script("sleep 0.3; echo 'the port is taken'; exit 1");
    let failure = test.0.failure();
    assert!(failure.contains("`web` ended after"), "{failure}");
    assert!(failure.contains("| the port is taken"), "{failure}");
}

#[test]
fn a_check_that_hangs_does_not_outlast_the_time_to_be_ready() {
    let hangs = || Exec::new("sleep").arg("30");
    let test =
        Running::new(move || web().ready_when(hangs()).ready_timeout(Duration::from_millis(300)));
    test.script(STAYS);
    let begin = Instant::now();
    let failure = test.0.failure();
    assert!(failure.contains("`web` was not ready within 0.3 s"), "{failure}");
    assert!(begin.elapsed() < Duration::from_secs(15), "{:?}", begin.elapsed());
}

#[test]
fn what_has_a_group_of_its_own_is_stopped_too() {
    let test = Running::new(web);
    test.script("exec bash -c 'set -m; sleep 1000 & echo $! >child; wait'");
    test.0.converge();
    let child = || fs::read_to_string(test.0.path("child")).unwrap_or_default();
    wait_until("child", || child().ends_with('\n'));
    let (pid, child) = (test.pid(), child().trim().parse().unwrap());
    test.set(|| web().absent());
    test.0.deploy().assert_success();
    assert!(!is_running(pid) && !is_running(child));
}

#[test]
fn no_line_of_a_secret_is_taken_for_a_variable_of_its_own() {
    let test = Running::new(|| web().env("CONF", Secret::new("# a\nexport TOKEN=first-one\ncd x")));
    test.script(STAYS);
    test.0.converge();
    test.set(|| web().env("CONF", Secret::new("# a\nexport TOKEN=second-one\ncd y")));
    assert_eq!(test.0.converge(), ["~ variable CONF differs (sensitive)"]);
}
