//! Directories: alone, and copied from a source.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown, symlink};
use std::path::PathBuf;

use togusa_components::prelude::*;

use crate::bench::set_mode;
use crate::{Bench, is_root};

fn bench(make: fn() -> Directory) -> Bench {
    Bench::new().model(move |scope| {
        scope.add(make());
        Ok(())
    })
}

/// A source with a directory, a file that may be executed, and a link.
fn with_source(make: fn() -> Directory) -> Bench {
    let test = bench(make)
        .asset("static/index.html", "<p>{{ raw }}\n")
        .asset("static/bin/run", "#!/bin/sh\n")
        .asset("static/index.html.bak", "old");
    set_mode(&test.asset_path("static/bin/run"), 0o755);
    symlink("index.html", test.asset_path("static/start")).unwrap();
    test
}

#[test]
fn a_directory_is_created_with_its_mode_which_is_kept_right() {
    let test = bench(|| Directory::new("d").mode("rwxr-x---"));
    assert_eq!(test.converge(), ["+ create directory (mode 0750)"]);
    let stamp = test.stamp("d");
    test.converge();
    assert_eq!(test.stamp("d"), stamp);
    test.set_mode("d", 0o777);
    assert_eq!(test.converge(), ["~ mode 0777 → 0750"]);
    assert_eq!(test.mode("d"), 0o750);
}

#[test]
fn owner_and_group_are_kept_right() {
    let test = with_source(|| Directory::new("other"));
    let own = test.outside("").metadata().unwrap();
    let (uid, gid) = if is_root() { (1, 1) } else { (own.uid(), own.gid()) };
    test.set_model(move |scope| {
        let directory = Directory::new("d").source("static");
        scope.add(directory.owner(uid.to_string()).group(gid.to_string()));
        Ok(())
    });
    test.converge();
    for below in ["d", "d/bin", "d/bin/run", "d/start"] {
        let there = test.path(below).symlink_metadata().unwrap();
        assert_eq!((there.uid(), there.gid()), (uid, gid), "{below}");
        if is_root() {
            std::os::unix::fs::lchown(test.path(below), Some(0), None).unwrap();
            let changes = test.converge();
            assert_eq!(changes.len(), 1, "{changes:?}");
            assert!(changes[0].starts_with("~ owner"), "{changes:?}");
        }
    }
    if is_root() {
        chown(test.path("d"), Some(0), Some(0)).unwrap();
        assert_eq!(test.converge().len(), 2);
    }
}

#[test]
fn a_file_or_a_link_in_its_place_is_replaced_and_not_followed() {
    let test = bench(|| Directory::new("d").mode(0o700));
    let outside = test.outside("precious");
    fs::create_dir(&outside).unwrap();
    set_mode(&outside, 0o755);
    fs::create_dir_all(test.path("")).unwrap();
    symlink(&outside, test.path("d")).unwrap();
    assert_eq!(test.converge(), ["- remove symlink", "+ create directory (mode 0700)"]);
    assert_eq!(outside.metadata().unwrap().mode() & 0o777, 0o755);

    fs::remove_dir(test.path("d")).unwrap();
    fs::write(test.path("d"), "").unwrap();
    assert_eq!(test.converge(), ["- remove file", "+ create directory (mode 0700)"]);
}

#[test]
fn a_missing_directory_above_is_an_error_unless_it_is_asked_for() {
    let test = bench(|| Directory::new("x/y/d"));
    assert!(test.failure().contains("hint: add a `Directory` before it"));
    let test = bench(|| Directory::new("x/y/d").leading_directories());
    test.converge();
    assert!(test.exists("x/y/d"));
}

#[test]
fn a_source_is_copied_file_by_file_without_the_excluded() {
    let test = with_source(|| Directory::new("d").source("static").exclude("*.bak"));
    assert_eq!(
        test.converge(),
        [
            "+ create directory",
            "+ create directory `bin`",
            "+ create file `bin/run` (mode 0755)",
            "+ create file `index.html` (mode 0644)",
            "+ create symlink `start` to index.html",
        ]
    );
    assert_eq!(test.read("d/index.html"), "<p>{{ raw }}\n");
    assert_eq!((test.mode("d/index.html"), test.mode("d/bin/run")), (0o644, 0o755));
    assert_eq!(fs::read_link(test.path("d/start")).unwrap(), PathBuf::from("index.html"));
    assert!(!test.exists("d/index.html.bak"));
}

#[test]
fn every_drift_below_is_seen_and_mended() {
    let test = with_source(|| Directory::new("d").source("static").exclude("*.bak"));
    test.converge();
    fs::write(test.path("d/index.html"), "other\n").unwrap();
    test.set_mode("d/bin/run", 0o644);
    fs::remove_file(test.path("d/start")).unwrap();
    symlink("elsewhere", test.path("d/start")).unwrap();
    assert_eq!(
        test.converge(),
        [
            "~ mode of `bin/run` 0644 → 0755",
            "~ content of `index.html`",
            "~ content (+1 -1 lines)",
            "~ target of `start` elsewhere → index.html",
        ]
    );
    fs::remove_file(test.path("d/start")).unwrap();
    fs::create_dir(test.path("d/start")).unwrap();
    fs::remove_file(test.path("d/index.html")).unwrap();
    symlink("bin", test.path("d/index.html")).unwrap();
    assert_eq!(
        test.converge(),
        [
            "- remove symlink `index.html`",
            "+ create file `index.html` (mode 0644)",
            "- remove directory `start` with all that it holds",
            "+ create symlink `start` to index.html",
        ]
    );
    assert!(test.exists("d/bin/run"));
}

#[test]
fn extras_stay_unless_their_removal_is_asked_for() {
    let test = with_source(|| Directory::new("d").source("static").exclude("*.bak"));
    test.converge();
    let outside = test.outside("precious");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("file"), "").unwrap();
    fs::write(test.path("d/bin/extra"), "").unwrap();
    fs::write(test.path("d/kept.bak"), "").unwrap();
    fs::create_dir_all(test.path("d/more/below")).unwrap();
    symlink(&outside, test.path("d/more/link")).unwrap();
    symlink(&outside, test.path("d/link")).unwrap();
    assert!(test.converge().is_empty());

    test.set_model(|scope| {
        let directory = Directory::new("d").source("static").exclude("*.bak");
        scope.add(directory.remove_extras());
        Ok(())
    });
    assert_eq!(
        test.converge(),
        [
            "- remove symlink `link`",
            "- remove directory `more` with all that it holds",
            "- remove file `bin/extra`",
        ]
    );
    assert!(test.exists("d/kept.bak") && outside.join("file").exists());
}

#[test]
fn what_is_excluded_stays_also_in_a_directory_that_the_source_lacks() {
    let make = || Directory::new("d").source("static").exclude("*.bak").remove_extras();
    let test = with_source(make);
    test.converge();
    fs::create_dir_all(test.path("d/more/deep")).unwrap();
    fs::write(test.path("d/more/deep/kept.bak"), "").unwrap();
    fs::write(test.path("d/more/deep/extra"), "").unwrap();
    fs::write(test.path("d/more/extra"), "").unwrap();
    assert_eq!(test.converge(), ["- remove file `more/deep/extra`", "- remove file `more/extra`"]);
    assert!(test.exists("d/more/deep/kept.bak"));
}

#[test]
fn a_link_in_the_place_of_a_directory_below_is_not_followed() {
    let make = || Directory::new("d").source("static").exclude("*.bak").remove_extras();
    let test = with_source(make);
    test.converge();
    let outside = test.outside("precious");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("file"), "kept").unwrap();
    fs::write(outside.join("run"), "kept").unwrap();
    fs::remove_dir_all(test.path("d/bin")).unwrap();
    symlink(&outside, test.path("d/bin")).unwrap();
    assert_eq!(
        test.converge(),
        [
            "- remove symlink `bin`",
            "+ create directory `bin`",
            "+ create file `bin/run` (mode 0755)",
        ]
    );
    assert_eq!(fs::read_to_string(outside.join("run")).unwrap(), "kept");
    assert!(outside.join("file").exists());
}

#[test]
fn modes_hold_for_what_the_source_holds() {
    let test = with_source(|| {
        Directory::new("d").source("static").exclude("*.bak").mode(0o750).file_mode(0o640)
    });
    test.converge();
    let modes = ["d", "d/bin", "d/bin/run", "d/index.html"].map(|below| test.mode(below));
    assert_eq!(modes, [0o750, 0o750, 0o750, 0o640]);
    test.set_mode("d/bin", 0o700);
    assert_eq!(test.converge(), ["~ mode of `bin` 0700 → 0750"]);
}

#[test]
fn what_cannot_be_meant_is_a_model_error() {
    let problems = bench(|| Directory::new("d").remove_extras()).problems();
    assert!(problems.contains("`.remove_extras(…)` means nothing without a source"), "{problems}");
    let problems = bench(|| Directory::new("d").source("nothing")).problems();
    assert!(problems.contains("no asset `nothing`"), "{problems}");
    let problems = bench(|| Directory::new("d").exclude("[")).problems();
    assert!(problems.contains("`[` is no pattern"), "{problems}");
    let problems = with_source(|| Directory::new("d").source("static").file_mode("x")).problems();
    assert!(problems.contains("`x` is no mode"), "{problems}");
    assert!(bench(|| Directory::new("d").mode(0o20000)).problems().contains("is no mode"));
}
