//! Commands and their guards.

use std::fs;
use std::time::{Duration, SystemTime};

use togusa_components::prelude::*;
use togusa_core::prelude::*;

use crate::Bench;

fn bench(make: fn() -> Command) -> Bench {
    Bench::new().model(move |scope| {
        scope.add(make());
        Ok(())
    })
}

/// How often the command of a test ran.
fn runs(test: &Bench) -> usize {
    fs::read_to_string(test.path("log")).unwrap_or_default().lines().count()
}

fn set_age(test: &Bench, below: &str, seconds: u64) {
    let file = fs::File::options().append(true).create(true).open(test.path(below)).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(seconds)).unwrap();
}

#[test]
fn a_command_without_a_guard_is_a_model_error() {
    let problems = bench(|| Command::shell("true")).problems();
    assert!(problems.contains("a command without a guard would run every time"), "{problems}");
    assert!(problems.contains("hint: give it `.unless(…)`"), "{problems}");
    let problems = bench(|| Command::shell("true").newer_than(["x"])).problems();
    assert!(problems.contains("means nothing without `.creates(…)`"), "{problems}");
    let problems = bench(|| Command::shell("true").creates("x").on_trigger_only()).problems();
    assert!(problems.contains("a guard means nothing"), "{problems}");
}

#[test]
fn it_runs_if_its_check_fails() {
    let make = || {
        Command::shell("echo x >> log; touch done").unless(Exec::new("test").args(["-e", "done"]))
    };
    let test = bench(make);
    let planned = test.plan();
    planned.assert_success();
    assert_eq!(planned.changes().len(), 1, "a plan before the first deployment");
    test.deploy().assert_success();
    assert!(test.converge().is_empty());
    assert_eq!(runs(&test), 1);
    fs::remove_file(test.path("done")).unwrap();
    assert_eq!(test.converge(), ["~ check `test -e done` fails"]);
    assert_eq!(runs(&test), 2);
}

#[test]
fn a_check_that_cannot_be_found_fails() {
    let make = || {
        let tool = "printf '#!/bin/sh\\n' > tool; chmod +x tool; echo x >> log";
        Command::shell(tool).unless(Exec::new("./tool"))
    };
    let test = bench(make);
    test.deploy().assert_success();
    test.converge();
    assert_eq!(runs(&test), 1);
}

#[test]
fn a_command_that_does_not_satisfy_its_guard_has_not_converged() {
    let failure = bench(|| Command::shell("true").creates("x")).failure();
    assert!(failure.contains("update did not converge: create `"), "{failure}");
    let failure = bench(|| Command::shell("true").unless(Exec::new("no-such"))).failure();
    assert!(failure.contains("there is no program `no-such`"), "{failure}");
}

#[test]
fn it_runs_if_what_it_creates_is_missing_or_older_than_an_input() {
    let make = || {
        let command = Command::shell("echo x >> log; touch out").named("make out");
        command.creates("out").newer_than(["in1", "in2"])
    };
    let test = bench(make);
    fs::create_dir_all(test.path("")).unwrap();
    assert!(test.failure().contains("in1` is missing"));
    set_age(&test, "in1", 100);
    set_age(&test, "in2", 100);
    let created = test.converge();
    assert!(created[0].starts_with("+ create `"), "{created:?}");
    set_age(&test, "out", 50);
    assert!(test.converge().is_empty());
    set_age(&test, "in2", 10);
    let older = test.converge();
    assert_eq!(older.len(), 1);
    assert!(older[0].contains("out` is older than") && older[0].contains("in2"), "{older:?}");
    assert_eq!(runs(&test), 2);
}

#[test]
fn a_condition_alone_runs_it_while_it_holds() {
    let test = bench(|| {
        Command::shell("rm wanted; echo x >> log").only_if(Exec::new("test").args(["-e", "wanted"]))
    });
    assert!(test.converge().is_empty());
    fs::write(test.path("wanted"), "").unwrap();
    assert_eq!(test.converge(), ["~ condition `test -e wanted` holds"]);
    assert_eq!(runs(&test), 1);
}

#[test]
fn beside_a_condition_a_reason_is_needed_too() {
    let test = bench(|| {
        let wanted = Exec::new("test").args(["-e", "wanted"]);
        Command::shell("touch out; echo x >> log").only_if(wanted).creates("out")
    });
    assert!(test.converge().is_empty());
    fs::write(test.path("wanted"), "").unwrap();
    test.converge();
    assert_eq!(runs(&test), 1);
    let failure = bench(|| Command::shell("true").only_if(Exec::new("no-such"))).failure();
    assert!(failure.contains("the condition cannot be tried"), "{failure}");
}

#[test]
fn only_a_trigger_runs_it() {
    let test = Bench::new().model(|scope| {
        let conf = scope.add(File::new("conf").content("1"));
        let reload = Command::shell("echo x >> log").named("reload").on_trigger_only();
        scope.on_change(&conf).add(reload);
        Ok(())
    });
    let changes = test.converge();
    assert!(changes.iter().any(|change| change.starts_with("triggered by")), "{changes:?}");
    test.converge();
    assert_eq!(runs(&test), 1);
    fs::write(test.path("conf"), "2").unwrap();
    test.converge();
    assert_eq!(runs(&test), 2);
}

#[test]
fn it_runs_in_the_work_directory_or_the_one_that_is_set() {
    let test = Bench::new().model(|scope| {
        let sub = scope.add(Directory::new("sub"));
        scope.add(Command::shell("pwd > here").creates("here"));
        scope.add(Command::shell("pwd > there").directory("sub").creates("sub/there"));
        let exec = Exec::shell("pwd > own").directory(sub.path());
        scope.add(Command::new(exec).creates("sub/own"));
        let check = Exec::new("test").args(["-e", "checked"]);
        scope.add(Command::shell("touch checked").directory("sub").unless(check));
        Ok(())
    });
    test.converge();
    let real = |below: &str| test.path(below).canonicalize().unwrap().display().to_string();
    assert_eq!(test.read("here").trim(), real(""));
    assert_eq!(test.read("sub/there").trim(), real("sub"));
    assert_eq!(test.read("sub/own").trim(), real("sub"));
    assert!(test.exists("sub/checked"));
}

#[test]
fn environment_input_and_accepted_codes_are_passed_on() {
    let test = bench(|| {
        Command::shell("cat > out; echo \"$X\" >> out; exit 3")
            .env("X", "y")
            .stdin("in\n")
            .accept([3])
            .creates("out")
    });
    test.converge();
    assert_eq!(test.read("out"), "in\ny\n");
}

#[test]
fn reading_standard_input_does_not_hang_it() {
    let test = bench(|| Command::shell("cat; touch out").creates("out"));
    test.converge();
}

#[test]
fn a_failing_command_is_shown_with_all_that_is_known_of_it() {
    let failure =
        bench(|| Command::shell("echo to-out; echo to-err >&2; exit 7").creates("x")).failure();
    for part in ["exited with 7 after", "in directory `", "as user `", "| to-out", "| to-err"] {
        assert!(failure.contains(part), "{part}: {failure}");
    }
    let failure = bench(|| Command::shell("kill -9 $$").creates("x")).failure();
    assert!(failure.contains("was ended by SIGKILL"), "{failure}");
}

#[test]
fn a_command_that_hangs_is_killed() {
    let hangs = || {
        let command = Command::new(Exec::new("sleep").arg("600"));
        command.timeout(Duration::from_millis(100)).creates("x")
    };
    assert!(bench(hangs).failure().contains("hung: it was killed after"));
}

#[test]
fn a_sensitive_command_is_not_shown() {
    let make = || {
        let check = Exec::shell("test -e done # hunter2").sensitive();
        Command::shell("echo hunter2; touch done").unless(check).sensitive()
    };
    assert!(!format!("{:?}", make()).contains("hunter"));
    let test = bench(make);
    let run = test.deploy();
    run.assert_success();
    assert!(!format!("{run:?}").contains("hunter"), "{run:?}");
}

#[test]
fn the_key_is_the_name_or_the_beginning_of_the_command_line() {
    let key = |command: Command| command.key().unwrap().into_owned();
    assert_eq!(key(Command::shell("a").named("b")), "b");
    assert_eq!(key(Command::new(Exec::new("make").arg("install"))), "make install");
    assert_eq!(key(Command::shell("a\nb")), "a…");
    assert_eq!(key(Command::shell("é".repeat(70))), format!("{}…", "é".repeat(60)));
    assert_eq!(key(Command::shell("a secret").sensitive()), "sh [sensitive]");
}
