//! Symbolic links.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use togusa_components::prelude::*;

use crate::Bench;

fn bench(make: fn() -> Symlink) -> Bench {
    Bench::new().model(move |scope| {
        scope.add(make());
        Ok(())
    })
}

fn target(test: &Bench, below: &str) -> PathBuf {
    fs::read_link(test.path(below)).unwrap()
}

#[test]
fn a_link_is_created_and_redirected() {
    let test = bench(|| Symlink::new("current", "releases/1"));
    assert_eq!(test.converge(), ["+ create symlink to releases/1"]);
    assert_eq!(target(&test, "current"), PathBuf::from("releases/1"));
    let stamp = test.stamp("current");
    test.converge();
    assert_eq!(test.stamp("current"), stamp);

    test.set_model(|scope| {
        scope.add(Symlink::new("current", "releases/2"));
        Ok(())
    });
    assert_eq!(test.converge(), ["~ target releases/1 → releases/2"]);
    assert_eq!(target(&test, "current"), PathBuf::from("releases/2"));
}

#[test]
fn there_is_a_link_at_every_moment_while_it_is_redirected() {
    let test = bench(|| Symlink::new("current", "new"));
    fs::create_dir_all(test.path("")).unwrap();
    let link = test.path("current");
    symlink("old", &link).unwrap();
    let (done, looked) = (AtomicBool::new(false), AtomicBool::new(false));
    std::thread::scope(|threads| {
        threads.spawn(|| {
            while !done.load(Ordering::SeqCst) {
                fs::read_link(&link).unwrap();
                looked.store(true, Ordering::SeqCst);
            }
        });
        for _ in 0..5 {
            test.deploy().assert_success();
            symlink("old", test.path("next")).unwrap();
            fs::rename(test.path("next"), &link).unwrap();
        }
        done.store(true, Ordering::SeqCst);
    });
    assert!(looked.into_inner());
}

#[test]
fn a_target_is_written_as_given_or_expanded_on_the_host() {
    let test = Bench::new().model(|scope| {
        let data = scope.add(Directory::new("data"));
        scope.add(Symlink::new("by-path", data.path()));
        scope.add(Symlink::new("of-home", "~/x"));
        scope.add(Symlink::new("absolute", "/etc/hostname"));
        scope.add(Symlink::new("relative", "../x"));
        Ok(())
    });
    test.converge();
    assert_eq!(target(&test, "by-path"), test.path("data"));
    assert_eq!(target(&test, "of-home"), test.home("x"));
    assert_eq!(target(&test, "absolute"), PathBuf::from("/etc/hostname"));
    assert_eq!(target(&test, "relative"), PathBuf::from("../x"));
}

#[test]
fn a_file_or_a_directory_in_its_place_is_replaced() {
    let test = bench(|| Symlink::new("a", "b"));
    fs::create_dir_all(test.path("")).unwrap();
    fs::write(test.path("a"), "").unwrap();
    assert_eq!(test.converge(), ["- remove file", "+ create symlink to b"]);
    fs::remove_file(test.path("a")).unwrap();
    fs::create_dir_all(test.path("a/below")).unwrap();
    assert_eq!(
        test.converge(),
        ["- remove directory with all that it holds", "+ create symlink to b"]
    );
    assert_eq!(target(&test, "a"), PathBuf::from("b"));
}

#[test]
fn a_link_to_a_directory_is_redirected_and_the_directory_kept() {
    let test = bench(|| Symlink::new("a", "b"));
    fs::create_dir_all(test.path("real")).unwrap();
    fs::write(test.path("real/precious"), "").unwrap();
    symlink("real", test.path("a")).unwrap();
    assert_eq!(test.converge(), ["~ target real → b"]);
    assert!(test.exists("real/precious") && !test.exists("real/b"));
}

#[test]
fn a_missing_directory_above_is_an_error_unless_it_is_asked_for() {
    let test = bench(|| Symlink::new("x/a", "b"));
    assert!(test.failure().contains("there is no directory"));
    bench(|| Symlink::new("x/a", "b").leading_directories()).converge();
}

#[test]
fn a_link_without_a_target_or_to_itself_is_a_model_error() {
    let problems = bench(|| Symlink::new("a", "")).problems();
    assert!(problems.contains("the link's target cannot be used"), "{problems}");
    assert!(bench(|| Symlink::new("~/a", "~/a")).problems().contains("the link leads to itself"));
}
