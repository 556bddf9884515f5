//! Removing by pattern.

use std::fs;
use std::os::unix::fs::symlink;

use togusa_components::prelude::*;

use crate::Bench;

fn bench(make: fn() -> Purge) -> Bench {
    let test = Bench::new().model(move |scope| {
        scope.add(make());
        Ok(())
    });
    fs::create_dir_all(test.path("d")).unwrap();
    test
}

#[test]
fn what_matches_goes_and_the_rest_stays() {
    let test = bench(|| Purge::new("d/*.conf").except("keep*"));
    for name in ["a.conf", "keep.conf", ".hidden.conf", "a.txt"] {
        fs::write(test.path("d").join(name), "").unwrap();
    }
    fs::create_dir_all(test.path("d/b.conf/below")).unwrap();
    assert_eq!(
        test.converge(),
        [
            format!("- remove file `{}`", test.path("d/a.conf").display()),
            format!("- remove directory `{}`", test.path("d/b.conf").display()),
        ]
    );
    assert!(!test.exists("d/a.conf") && !test.exists("d/b.conf"));
    assert!(test.exists("d/keep.conf") && test.exists("d/.hidden.conf") && test.exists("d/a.txt"));
}

#[test]
fn a_link_goes_and_its_target_stays() {
    let test = bench(|| Purge::new("d/*"));
    fs::create_dir(test.outside("precious")).unwrap();
    fs::write(test.outside("precious/file"), "x").unwrap();
    symlink(test.outside("precious"), test.path("d/link")).unwrap();
    fs::create_dir(test.path("d/sub")).unwrap();
    symlink(test.outside("precious"), test.path("d/sub/link")).unwrap();
    assert_eq!(test.converge().len(), 2);
    assert!(!test.exists("d/link") && !test.exists("d/sub"));
    assert_eq!(fs::read_to_string(test.outside("precious/file")).unwrap(), "x");
}

#[test]
fn what_is_kept_at_any_depth_keeps_its_directories() {
    let test = bench(|| Purge::new("d/**").except("kept"));
    for name in ["x/y/kept/below", "x/z", "w"] {
        fs::create_dir_all(test.path("d").join(name)).unwrap();
    }
    assert_eq!(test.converge().len(), 2);
    assert!(test.exists("d/x/y/kept/below"));
    assert!(!test.exists("d/x/z") && !test.exists("d/w"));
}

#[test]
fn nothing_to_remove_is_no_change() {
    assert!(bench(|| Purge::new("nowhere/*")).converge().is_empty());
}

#[test]
fn a_malformed_pattern_is_a_model_error() {
    let test = Bench::new().model(|scope| {
        scope.add(Purge::new("d/a["));
        Ok(())
    });
    assert!(test.problems().contains("`a[` is no pattern"));
}
