//! Files: modes, owners and groups.

use std::os::unix::fs::{MetadataExt, chown};

use togusa_components::prelude::*;

use crate::{Bench, is_root};

fn bench(make: impl Fn() -> File + Send + Sync + 'static) -> Bench {
    Bench::new().model(move |scope| {
        scope.add(make());
        Ok(())
    })
}

#[test]
fn modes_are_given_as_number_octal_text_or_letters() {
    let test = Bench::new().model(|scope| {
        scope.add(File::new("a").content("").mode(0o751));
        scope.add(File::new("b").content("").mode("751"));
        scope.add(File::new("c").content("").mode("rwxr-x--x"));
        Ok(())
    });
    test.converge();
    assert_eq!([test.mode("a"), test.mode("b"), test.mode("c")], [0o751; 3]);
}

#[test]
fn what_is_no_mode_is_a_model_error_with_the_ways_to_write_one() {
    let problems = bench(|| File::new("a").content("").mode("rwx")).problems();
    assert!(problems.contains("`rwx` is no mode"), "{problems}");
    assert!(problems.contains("hint: write a mode as `0o644`"), "{problems}");
}

#[test]
fn mode_zero_is_a_mode() {
    let test = bench(|| File::new("a").content("").mode(0));
    if is_root() {
        assert_eq!(test.converge(), ["+ create file (mode 0000)"]);
    } else {
        // Its owner cannot look whether the content is right.
        let failure = test.failure();
        assert!(failure.contains("cannot read"), "{failure}");
    }
    assert_eq!(test.mode("a"), 0);
}

#[test]
fn owner_and_group_are_kept_right() {
    let test = Bench::new();
    let own = test.outside("").metadata().unwrap();
    let (uid, gid) = if is_root() { (1, 1) } else { (own.uid(), own.gid()) };
    test.set_model(move |scope| {
        let file = File::new("a").content("x").mode(0o640);
        scope.add(file.owner(uid.to_string()).group(gid.to_string()));
        Ok(())
    });
    let created = format!("+ create file (mode 0640, owner {uid}, group {gid})");
    assert_eq!(test.converge(), [created, "~ content (+1 -0 lines)".to_owned()]);
    let there = test.path("a").metadata().unwrap();
    assert_eq!((there.uid(), there.gid()), (uid, gid));
    if !is_root() {
        return;
    }
    let stamp = test.stamp("a");
    chown(test.path("a"), Some(0), Some(0)).unwrap();
    let changes = test.converge();
    assert_eq!(changes.len(), 2, "{changes:?}");
    assert!(changes[0].starts_with("~ owner root → "), "{changes:?}");
    assert!(changes[1].starts_with("~ group root → "), "{changes:?}");
    let there = test.path("a").metadata().unwrap();
    assert_eq!((there.uid(), there.gid(), test.stamp("a").0), (1, 1, stamp.0));
}

#[test]
fn a_change_of_owner_keeps_setuid() {
    let test = Bench::new();
    let uid = if is_root() { 1 } else { test.outside("").metadata().unwrap().uid() };
    test.set_model(move |scope| {
        scope.add(File::new("a").content("x").mode(0o4755).owner(uid.to_string()));
        Ok(())
    });
    test.converge();
    if is_root() {
        chown(test.path("a"), Some(0), None).unwrap();
        test.set_mode("a", 0o4755);
        assert_eq!(test.converge().len(), 1);
    }
    assert_eq!(test.mode("a"), 0o4755);
}

#[test]
fn an_unknown_owner_or_group_is_an_error_that_names_it_and_nothing_is_written() {
    let test = bench(|| File::new("a").content("x").owner("no-such-user"));
    let failure = test.failure();
    assert!(failure.contains("there is no user `no-such-user`"), "{failure}");
    assert!(failure.contains("hint: create the account in an earlier component"), "{failure}");
    assert!(!test.exists("a"));

    let failure = bench(|| File::new("a").content("x").group("no-such-group")).failure();
    assert!(failure.contains("there is no group `no-such-group`"), "{failure}");
}

#[test]
fn an_account_that_an_earlier_component_may_create_is_unknown_in_a_plan() {
    let test = Bench::new().model(|scope| {
        scope.add(Command::shell("touch account").creates("account"));
        scope.add(File::new("a").content("x").owner("no-such-user"));
        Ok(())
    });
    let planned = test.plan();
    planned.assert_success();
    assert!(planned.changes()[1].ends_with("? unknown until applied"), "{planned:?}");
    // With nothing before it that changes, nobody would create the account.
    assert!(test.failure().contains("no-such-user"));
    assert!(!test.plan().summary.is_success());
}
