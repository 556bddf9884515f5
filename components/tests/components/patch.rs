//! Diffs on files of the work directory.

use std::fs;

use togusa_components::prelude::*;

use crate::Bench;

const DIFF: &str = "--- a/f\n+++ b/f\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n";

fn put(test: &Bench, text: &str) {
    fs::create_dir_all(test.path("")).unwrap();
    fs::write(test.path("f"), text).unwrap();
}

#[test]
fn a_diff_beside_the_source_is_applied_once_and_taken_out_again() {
    let test = Bench::new().asset("f.patch", DIFF).model(|scope| {
        scope.add(Patch::source("f", "f.patch"));
        Ok(())
    });
    put(&test, "a\nb\nc\nd\n");
    test.set_mode("f", 0o640);
    assert_eq!(test.converge(), ["~ content (+1 -1 lines)"]);
    assert_eq!((&*test.read("f"), test.mode("f")), ("a\nB\nc\nd\n", 0o640));
    assert_eq!(fs::read_dir(test.path("")).unwrap().count(), 1, "no file lies beside it");
    put(&test, "new\na\nb\nc\n");
    assert_eq!(test.converge(), ["~ content (+1 -1 lines)"]);
    assert_eq!(test.read("f"), "new\na\nB\nc\n");
    put(&test, "a\nx\nc\n");
    let failure = test.failure();
    assert!(failure.contains("neither is applied nor fits the file: `@@ -1`"), "{failure}");
    assert!(failure.contains("make the diff anew"), "{failure}");
    assert_eq!(test.read("f"), "a\nx\nc\n");

    test.set_model(|scope| {
        scope.add(Patch::new("f", DIFF).absent().mode(0o600));
        Ok(())
    });
    put(&test, "a\nB\nc\n");
    assert_eq!(test.converge(), ["~ mode 0640 → 0600", "~ content (+1 -1 lines)"]);
    assert_eq!(test.read("f"), "a\nb\nc\n");
}

#[test]
fn a_missing_file_is_an_error_unless_the_diff_makes_it() {
    let test = Bench::new().model(|scope| {
        scope.add(Patch::new("f", DIFF));
        Ok(())
    });
    let failure = test.failure();
    assert!(failure.contains("neither is applied nor fits the file"), "{failure}");
    test.set_model(|scope| {
        let diff = "--- /dev/null\n+++ b/f\n@@ -0,0 +1 @@\n+new\n";
        scope.add(Patch::new("f", diff).create());
        Ok(())
    });
    assert_eq!(test.converge(), ["+ create file", "~ content (+1 -0 lines)"]);
    assert_eq!(test.read("f"), "new\n");
}

#[test]
fn a_diff_that_holds_a_secret_is_not_shown() {
    let test = Bench::new().model(|scope| {
        let diff = DIFF.replace("+B", "+password = hunter2-hunter2");
        scope.add(Patch::new("f", togusa_core::secret::Secret::new(diff)));
        Ok(())
    });
    put(&test, "a\nb\nc\n");
    assert_eq!(test.converge(), ["~ content (sensitive)"]);
    assert!(test.read("f").contains("hunter2-hunter2"));
}

#[test]
fn what_is_no_diff_is_a_model_error() {
    let test = Bench::new().model(|scope| {
        scope.add(Patch::new("f", "not a diff\n"));
        Ok(())
    });
    assert!(test.problems().contains("the diff has no hunk"), "{}", test.problems());
}
