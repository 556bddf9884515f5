//! Files: presence, what lies in their place, sensitive ones.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::sync::atomic::{AtomicBool, Ordering};

use togusa_components::prelude::*;
use togusa_core::prelude::*;

use crate::Bench;

fn bench(make: fn() -> File) -> Bench {
    Bench::new().model(move |scope| {
        scope.add(make());
        Ok(())
    })
}

#[test]
fn a_new_file_is_shown_with_mode_and_content_in_this_order() {
    let test = bench(|| File::new("a").content("x\ny\n").mode(0o640));
    assert_eq!(test.converge(), ["+ create file (mode 0640)", "~ content (+2 -0 lines)"]);
    assert_eq!((test.read("a").as_str(), test.mode("a")), ("x\ny\n", 0o640));
}

#[test]
fn a_right_file_is_not_touched() {
    let test = bench(|| File::new("a").content("x").mode("600"));
    test.converge();
    let stamp = test.stamp("a");
    assert!(test.converge().is_empty());
    assert_eq!(test.stamp("a"), stamp);
}

#[test]
fn a_wrong_mode_alone_changes_the_mode_alone() {
    let test = bench(|| File::new("a").content("x").mode(0o600));
    test.converge();
    let (inode, modified, _) = test.stamp("a");
    test.set_mode("a", 0o666);
    assert_eq!(test.converge(), ["~ mode 0666 → 0600"]);
    let after = test.stamp("a");
    assert_eq!((after.0, after.1, test.mode("a")), (inode, modified, 0o600));
}

#[test]
fn wrong_content_and_mode_are_both_shown_and_mended() {
    let test = bench(|| File::new("a").content("x\n").mode(0o600));
    test.converge();
    fs::write(test.path("a"), "z\n").unwrap();
    test.set_mode("a", 0o4777);
    assert_eq!(test.converge(), ["~ mode 4777 → 0600", "~ content (+1 -1 lines)"]);
    assert_eq!((test.read("a").as_str(), test.mode("a")), ("x\n", 0o600));
}

#[test]
fn a_mode_that_is_not_set_is_left_as_it_is() {
    let test = bench(|| File::new("a").content("x"));
    test.converge();
    test.set_mode("a", 0o604);
    assert!(test.converge().is_empty());
    fs::write(test.path("a"), "other").unwrap();
    test.converge();
    assert_eq!((test.read("a").as_str(), test.mode("a")), ("x", 0o604));
}

#[test]
fn an_unreadable_file_is_replaced_or_mended() {
    let test = bench(|| File::new("a").content("x").mode(0o600));
    test.converge();
    test.set_mode("a", 0);
    assert_eq!(test.converge()[0], "~ mode 0000 → 0600");
    assert_eq!(test.read("a"), "x");
}

#[test]
fn a_directory_in_its_place_is_replaced() {
    let test = bench(|| File::new("a").content("x"));
    fs::create_dir_all(test.path("a/below")).unwrap();
    fs::write(test.path("a/below/b"), "").unwrap();
    assert_eq!(
        test.converge(),
        ["- remove directory with all that it holds", "+ create file", "~ content (+1 -0 lines)"]
    );
    assert_eq!(test.read("a"), "x");
}

#[test]
fn a_link_in_its_place_is_replaced_and_not_followed() {
    let test = bench(|| File::new("a").content("x").mode(0o666));
    let outside = test.outside("precious");
    fs::write(&outside, "x").unwrap();
    crate::bench::set_mode(&outside, 0o600);
    fs::create_dir_all(test.path("")).unwrap();
    symlink(&outside, test.path("a")).unwrap();

    assert_eq!(
        test.converge(),
        ["- remove symlink", "+ create file (mode 0666)", "~ content (+1 -0 lines)"]
    );
    assert!(test.path("a").symlink_metadata().unwrap().is_file());
    assert_eq!(fs::read_to_string(&outside).unwrap(), "x");
    assert_eq!(outside.metadata().unwrap().mode() & 0o777, 0o600);
}

#[test]
fn a_dangling_link_in_its_place_is_replaced() {
    let test = bench(|| File::new("a").content(""));
    fs::create_dir_all(test.path("")).unwrap();
    symlink(test.outside("nothing"), test.path("a")).unwrap();
    assert_eq!(test.converge(), ["- remove symlink", "+ create file"]);
    assert!(!test.outside("nothing").exists());
}

#[test]
fn a_missing_directory_above_is_an_error_with_both_remedies() {
    let test = bench(|| File::new("x/y/a").content(""));
    let failure = test.failure();
    assert!(failure.contains("there is no directory `"), "{failure}");
    assert!(failure.contains("x/y` for `a`"), "{failure}");
    assert!(failure.contains("hint: add a `Directory` before it, or ask for"), "{failure}");
    assert!(!test.exists("x"));

    test.set_model(|scope| {
        scope.add(File::new("x/y/a").content("").leading_directories());
        Ok(())
    });
    test.converge();
    assert!(test.exists("x/y/a"));
}

#[test]
fn a_file_in_the_place_of_a_directory_above_is_not_replaced() {
    let test = bench(|| File::new("x/a").content("").leading_directories());
    fs::create_dir_all(test.path("")).unwrap();
    fs::write(test.path("x"), "kept").unwrap();
    let failure = test.failure();
    assert!(failure.contains("something else is in its place"), "{failure}");
    assert_eq!(test.read("x"), "kept");
}

#[test]
fn paths_are_relative_absolute_of_the_home_or_of_another_component() {
    let test = Bench::new();
    let absolute = test.outside("absolute").display().to_string();
    let given = absolute.clone();
    test.set_model(move |scope| {
        scope.add(File::new("~/in-home").content("h"));
        let file = scope.add(File::new(given.as_str()).content("a"));
        ensure!(file.path().as_str() == given, "an absolute path stays as it is");
        let sub = scope.add(Directory::new("sub"));
        scope.add(File::new(sub.path().join("b")).content("b"));
        Ok(())
    });
    test.converge();
    assert_eq!(fs::read_to_string(test.home("in-home")).unwrap(), "h");
    assert_eq!(fs::read_to_string(absolute).unwrap(), "a");
    assert_eq!(test.read("sub/b"), "b");
}

#[test]
fn a_sandbox_maps_absolute_paths_and_makes_their_directories() {
    let test = bench(|| File::new("/etc/nginx/nginx.conf").content("x"));
    let sandbox = test.outside("sandbox");
    let test = test.sandbox(&sandbox.display().to_string());
    test.converge();
    assert_eq!(fs::read_to_string(sandbox.join("etc/nginx/nginx.conf")).unwrap(), "x");
}

#[test]
fn an_empty_path_and_one_of_another_host_are_model_errors() {
    let problems = bench(|| File::new("").content("")).problems();
    assert!(problems.contains("the path is empty"), "{problems}");
    let problems = bench(|| File::new(HostPath::new(&"db".into(), "/x")).content("")).problems();
    assert!(problems.contains("`/x` is a path of host `db`, not of `web`"), "{problems}");
}

#[test]
fn the_path_is_known_only_after_the_file_was_added() {
    let problems = Bench::new()
        .model(|_| {
            let _ = File::new("a").path();
            Ok(())
        })
        .problems();
    assert!(problems.contains("`a` has no path before it is added"), "{problems}");
}

#[test]
fn a_sensitive_file_is_never_shown_and_private_by_default() {
    let test = bench(|| File::new("key").content("hunter2hunter2").sensitive());
    let planned = test.plan();
    let run = test.deploy();
    assert_eq!(crate::lines(&run), ["+ create file (mode 0600)", "~ content (sensitive)"]);
    assert_eq!(test.mode("key"), 0o600);
    fs::write(test.path("key"), "hunter1hunter1").unwrap();
    let again = test.plan();
    assert_eq!(crate::lines(&again), ["~ content (sensitive)"]);
    for run in [planned, run, again] {
        assert!(!format!("{run:?}").contains("hunter"), "the secret is in an event");
    }
    let file = File::new("key").content("hunter2").sensitive();
    assert!(!format!("{file:?}").contains("hunter"));
}

#[test]
fn a_secret_is_never_readable_while_it_is_written() {
    let test = bench(|| File::new("key").content("secret".repeat(200_000)).mode(0o600));
    fs::create_dir_all(test.path("")).unwrap();
    let directory = test.path("");
    let (done, looked) = (AtomicBool::new(false), AtomicBool::new(false));
    std::thread::scope(|threads| {
        threads.spawn(|| {
            while !done.load(Ordering::SeqCst) {
                for entry in fs::read_dir(&directory).unwrap().flatten() {
                    let Ok(metadata) = entry.metadata() else { continue };
                    assert!(
                        metadata.len() == 0 || metadata.mode() & 0o077 == 0,
                        "{:?} can be read by others: {:o}",
                        entry.file_name(),
                        metadata.mode()
                    );
                }
                looked.store(true, Ordering::SeqCst);
            }
        });
        for _ in 0..10 {
            let _ = fs::remove_file(directory.join("key"));
            test.deploy().assert_success();
        }
        done.store(true, Ordering::SeqCst);
    });
    assert!(looked.into_inner());
    assert_eq!(test.mode("key"), 0o600);
}

#[test]
fn no_write_leaves_a_temporary_file() {
    let test = bench(|| File::new("a").content("x"));
    test.converge();
    let names: Vec<_> = fs::read_dir(test.path("")).unwrap().flatten().collect();
    assert_eq!(names.len(), 1, "{names:?}");
}
