//! Reboots of a host that the harness says to be back.

use std::fs;
use std::time::Duration;

use togusa_components::prelude::*;
use togusa_core::prelude::*;
use togusa_core::testing::{Answer, Fake};

use crate::Bench;

fn bench(model: impl Fn(&mut Scope<'_>) -> Result + Send + Sync + 'static) -> Bench {
    Bench::new().model(model).with(|harness| harness.fake("shutdown").only_fakes())
}

fn triggered(scope: &mut Scope<'_>) -> Result {
    let file = scope.add(File::new("kernel").content("6.1"));
    scope.on_change(&file).add(Reboot::new());
    scope.add(File::new("after").content("the reboot"));
    Ok(())
}

fn required(scope: &mut Scope<'_>) -> Result {
    scope.add(Reboot::new().when_required().required_by("~/flag"));
    Ok(())
}

/// Removes the flag when the host goes down.
fn shutdown() -> Fake {
    Fake::new("shutdown").otherwise(Answer::ok().removes("~/flag"))
}

#[test]
fn a_trigger_reboots_the_host_once() {
    let test = bench(triggered);
    let changes = test.converge();
    assert!(changes.iter().any(|it| it.starts_with("triggered by")), "{changes:?}");
    assert_eq!(test.new_calls("shutdown"), ["shutdown -r now"]);
    assert_eq!(test.read("after"), "the reboot");
    fs::write(test.path("kernel"), "5.10").unwrap();
    test.converge();
    assert_eq!(test.new_calls("shutdown"), ["shutdown -r now"]);
}

#[test]
fn what_asks_for_a_reboot_is_told() {
    let asked = |code| Fake::new("needs-restarting").on(["-r"], Answer::exit(code));
    let test = bench(required).with(|harness| harness.fake(shutdown()).fake(asked(0)));
    assert_eq!(test.converge(), [""; 0]);
    fs::write(test.home("flag"), "").unwrap();
    let changes = test.converge();
    assert!(changes[0].starts_with("~ reboot: `~/flag` is there"), "{changes:?}");
    assert_eq!(test.new_calls("shutdown"), ["shutdown -r now"]);

    // That it still says so after a reboot is a failure, and no second reboot.
    let test = test.with(|harness| harness.fake(asked(1)));
    let failure = test.failure();
    assert!(failure.contains("is to be rebooted again: reboot: `needs-restarting`"), "{failure}");
    assert_eq!(test.new_calls("shutdown").len(), 1);
    let test = test.with(|harness| harness.fake(asked(2)));
    assert!(test.failure().contains("`needs-restarting -r` exited with 2"));
}

#[test]
fn another_command_may_do_it() {
    let test = bench(|scope| {
        let file = scope.add(File::new("kernel").content("6.1"));
        let command = Exec::new("kexec").arg("--exec");
        scope.on_change(&file).add(Reboot::new().command(command).timeout(Duration::from_secs(9)));
        Ok(())
    });
    let test = test.with(|harness| harness.fake("kexec"));
    test.converge();
    assert_eq!(test.new_calls("kexec"), ["kexec --exec"]);
}

#[test]
fn a_command_that_fails_leaves_the_trigger_pending() {
    let test = Bench::new().model(triggered);
    let missing = Fake::new("shutdown").otherwise(Answer::exit(1).stderr("not permitted"));
    let test = test.with(|harness| harness.fake(missing).only_fakes());
    let failure = test.failure();
    assert!(failure.contains("`shutdown -r now` exited with 1"), "{failure}");
    assert!(failure.contains("not permitted"), "{failure}");
    // What triggered it is not lost.
    let test = test.with(|harness| harness.fake("shutdown"));
    let changes = test.converge();
    assert!(changes[0].starts_with("triggered by"), "{changes:?}");
}

#[test]
fn in_a_sandbox_nothing_is_rebooted() {
    let test = bench(triggered).sandbox("~/box");
    test.converge();
    assert_eq!(test.new_calls("shutdown"), [""; 0]);
    assert_eq!(test.read("after"), "the reboot");
}
