//! Scripts.

use std::fs;

use togusa_components::prelude::*;
use togusa_core::prelude::*;

use crate::Bench;

fn bench(make: fn() -> Script) -> Bench {
    Bench::new().model(move |scope| {
        scope.add(make());
        Ok(())
    })
}

#[test]
fn a_script_runs_when_its_text_changed() {
    let test = bench(|| Script::new("setup.sh").args(["a b", "c"]).when_changed());
    let test = test.asset("setup.sh", "echo \"$1|$2|${#1}\" >> log\n");
    let changes = test.converge();
    assert!(changes.iter().any(|change| change.starts_with("triggered by")), "{changes:?}");
    assert!(test.converge().is_empty());
    assert_eq!(test.read("log"), "a b|c|3\n");
    fs::write(test.asset_path("setup.sh"), "echo again >> log\n").unwrap();
    test.converge();
    assert_eq!(test.read("log"), "a b|c|3\nagain\n");
}

#[test]
fn a_script_that_failed_runs_again() {
    let make = || Script::inline("s", "echo x >> log; test -e allowed\n").when_changed();
    let test = bench(make);
    assert!(test.failure().contains("exited with 1"));
    fs::write(test.path("allowed"), "").unwrap();
    test.deploy().assert_success();
    assert_eq!(test.read("log"), "x\nx\n");
    assert!(test.converge().is_empty());
}

#[test]
fn guards_decide_as_for_a_command() {
    let test = bench(|| Script::inline("s", "echo x >> log; touch out").creates("out"));
    test.converge();
    test.converge();
    assert_eq!(test.read("log"), "x\n");
    fs::remove_file(test.path("out")).unwrap();
    assert_eq!(test.converge().len(), 1);
    let problems = bench(|| Script::inline("s", "true")).problems();
    assert!(problems.contains("without a guard would run every time"), "{problems}");
}

#[test]
fn the_interpreter_is_said_or_stands_in_the_first_line() {
    let test = Bench::new().model(|scope| {
        scope.add(Script::inline("sh", "echo $0 > sh").creates("sh"));
        let env = "#!/usr/bin/env bash\necho \"${BASH_VERSINFO[0]}\" > bash\n";
        scope.add(Script::inline("bash", env).creates("bash"));
        scope.add(Script::inline("sed", "w sed\n").interpreter("sed").args(["f"]).creates("x"));
        Ok(())
    });
    // sed takes its first argument for a program: it does run, and has nothing that it could do.
    assert!(test.failure().contains("command `sed "), "sed was not run");
    assert!(test.read("bash").trim().parse::<u32>().unwrap() > 2);
    assert!(test.read("sh").contains("/scripts/"));
}

#[test]
fn a_missing_interpreter_is_named() {
    let failure = bench(|| Script::inline("s", "x").interpreter("no-such").creates("x")).failure();
    assert!(failure.contains("there is no program `no-such`"), "{failure}");
}

#[test]
fn a_script_is_rendered_and_private() {
    let test = bench(|| Script::template("s.sh", context! { word => "hi" }).when_changed());
    let test = test.asset("s.sh", "stat -c %a \"$0\" > mode; echo {{ word }} > word\n");
    test.converge();
    assert_eq!((test.read("word").as_str(), test.read("mode").as_str()), ("hi\n", "600\n"));
}

#[test]
fn a_sensitive_script_is_not_shown() {
    let make = || {
        let script = Script::inline("s", "echo hunter2 $1; touch done").args(["hunter3"]);
        script.sensitive().creates("done")
    };
    let test = bench(make);
    let run = test.deploy();
    run.assert_success();
    assert!(!format!("{run:?}").contains("hunter"), "{run:?}");
}
