//! Archives: every format, drift by hand, and what an archive must not do.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use togusa_components::prelude::*;

use crate::Bench;
use crate::bench::set_mode;

fn bench(make: fn() -> Archive) -> Bench {
    Bench::new().model(move |scope| {
        scope.add(make());
        Ok(())
    })
}

/// Runs a program in the directory that no component manages.
#[track_caller]
fn run(directory: &Path, line: &str) {
    let ran = Command::new("sh").arg("-c").arg(line).current_dir(directory).output().unwrap();
    assert!(ran.status.success(), "{line}: {}", String::from_utf8_lossy(&ran.stderr));
}

/// What the archives hold: `app-1/` with a program, a file, an empty directory and links.
fn tree(test: &Bench) -> PathBuf {
    let top = test.outside("app-1");
    fs::create_dir_all(top.join("bin")).unwrap();
    fs::create_dir_all(top.join("empty")).unwrap();
    fs::write(top.join("bin/run"), "#!/bin/sh\n").unwrap();
    set_mode(&top.join("bin/run"), 0o755);
    fs::write(top.join("read me"), "text\n").unwrap();
    set_mode(&top.join("read me"), 0o644);
    symlink("bin/run", top.join("start")).unwrap();
    let file = fs::File::options().append(true).open(top.join("read me")).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000)).unwrap();
    test.outside("")
}

fn packed(test: Bench, name: &str) -> Bench {
    let outside = tree(&test);
    let line = match name.rsplit_once('.').unwrap().1 {
        "zip" => format!("zip -q -y -r src/{name} app-1"),
        _ => format!("tar -c -a -f src/{name} app-1"),
    };
    run(&outside, &line);
    test
}

#[test]
fn every_format_is_unpacked_with_modes_times_and_links() {
    for name in ["a.tar", "a.tar.gz", "a.tar.bz2", "a.tar.xz", "a.tar.zst", "a.zip"] {
        let test = Bench::new().model(move |scope| {
            scope.add(Archive::new("app").source(name).strip_components(1));
            Ok(())
        });
        let test = packed(test, name);
        let changes = test.converge();
        assert_eq!(changes.len(), 1, "{changes:?}");
        assert!(changes[0].starts_with("+ create what `tested/src/a."), "{changes:?}");
        assert_eq!(
            (test.read("app/read me").as_str(), test.mode("app/read me")),
            ("text\n", 0o644)
        );
        assert_eq!(test.mode("app/bin/run"), 0o755, "{name}");
        assert_eq!(fs::read_link(test.path("app/start")).unwrap(), PathBuf::from("bin/run"));
        assert!(test.path("app/empty").is_dir());
        if name != "a.zip" {
            let time = test.path("app/read me").metadata().unwrap().modified().unwrap();
            let seconds = time.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
            assert_eq!(seconds, 1_000_000_000, "{name}");
        }
        let stamp = test.stamp("app/bin/run");
        test.converge();
        assert_eq!(test.stamp("app/bin/run"), stamp);
    }
}

#[test]
fn what_was_removed_or_changed_by_hand_is_seen_and_mended() {
    let test = bench(|| Archive::new("app").source("a.tar.gz").strip_components(1));
    let test = packed(test, "a.tar.gz");
    test.converge();
    let kept = test.stamp("app/bin/run");
    // As long as it was.
    fs::write(test.path("app/read me"), "TEXT\n").unwrap();
    fs::remove_dir(test.path("app/empty")).unwrap();
    fs::write(test.path("app/mine"), "").unwrap();
    let changes = ["+ create directory `empty`", "~ content of `read me` was changed"];
    let mut found = test.converge();
    found.sort();
    assert_eq!(found, changes);
    assert_eq!(test.read("app/read me"), "text\n");
    assert_eq!(test.stamp("app/bin/run"), kept, "what was right is touched");
    assert!(test.exists("app/mine"));
    test.set_mode("app/bin/run", 0o700);
    assert_eq!(test.converge(), ["~ mode of `bin/run` 0700 → 0755"]);
    fs::remove_file(test.path("app/start")).unwrap();
    symlink("elsewhere", test.path("app/start")).unwrap();
    assert_eq!(test.converge(), ["~ target of `start` elsewhere → bin/run"]);
    fs::remove_file(test.path("app/start")).unwrap();
    fs::write(test.path("app/start"), "").unwrap();
    assert_eq!(test.converge(), ["- remove file `start`", "+ create symlink `start`"]);
    fs::remove_dir_all(test.path("app")).unwrap();
    assert_eq!(test.converge().len(), 5);
}

#[test]
fn a_new_version_replaces_the_old_one_and_leaves_nothing_of_it() {
    let test = bench(|| Archive::new("app").file("a.tar").strip_components(1));
    let outside = tree(&test);
    fs::create_dir_all(test.path("")).unwrap();
    let work = test.path("");
    run(&outside, &format!("tar -c -f '{}/a.tar' app-1", work.display()));
    test.converge();
    fs::write(test.path("app/bin/mine"), "").unwrap();
    fs::remove_file(outside.join("app-1/bin/run")).unwrap();
    fs::remove_file(outside.join("app-1/start")).unwrap();
    fs::remove_dir(outside.join("app-1/empty")).unwrap();
    fs::write(outside.join("app-1/new"), "new").unwrap();
    run(&outside, &format!("tar -c -f '{}/a.tar' app-1", work.display()));
    let changes = test.converge();
    assert_eq!(changes.len(), 1, "{changes:?}");
    assert!(changes[0].starts_with("~ archive sha256 "), "{changes:?}");
    assert_eq!(test.read("app/new"), "new");
    for gone in ["app/bin/run", "app/start", "app/empty"] {
        assert!(!test.exists(gone), "{gone}");
    }
    assert!(test.exists("app/bin/mine"), "what it did not bring is removed");
}

#[test]
fn what_is_left_out_is_not_unpacked() {
    let test = packed(bench(|| Archive::new("app").source("a.tar.xz").only("run")), "a.tar.xz");
    test.converge();
    assert!(test.exists("app/app-1/bin/run") && !test.exists("app/app-1/read me"));
    test.set_model(|scope| {
        scope.add(Archive::new("app").source("a.tar.xz").exclude("app-1/bin").exclude("start"));
        Ok(())
    });
    let changes = test.converge();
    assert!(changes[0].starts_with("~ options strip 0, only"), "{changes:?}");
    assert!(!test.exists("app/app-1/bin/run") && test.exists("app/app-1/read me"));
}

#[test]
fn a_missing_broken_or_unknown_archive_is_named() {
    let failure = bench(|| Archive::new("app").file("none.zip")).failure();
    assert!(
        failure.contains("there is no archive `") && failure.contains("`Download`"),
        "{failure}"
    );
    for name in ["a.tar.gz", "a.zip", "a.tar.zst", "a.tar.bz2", "a.tar.xz"] {
        let test = Bench::new().model(move |scope| {
            scope.add(Archive::new("app").source(name));
            Ok(())
        });
        let failure = test.asset(name, "no archive at all").failure();
        assert!(failure.contains("cannot unpack `tested/src/a."), "{failure}");
    }
    let problems = bench(|| Archive::new("app").source("a.rar")).asset("a.rar", "").problems();
    assert!(problems.contains("the format of `tested/src/a.rar` is not known"), "{problems}");
    let problems = bench(|| Archive::new("app")).problems();
    assert!(problems.contains("no archive is given"), "{problems}");
}

#[test]
fn a_cut_archive_changes_nothing() {
    let test = packed(bench(|| Archive::new("app").source("a.tar.gz")), "a.tar.gz");
    let whole = fs::read(test.asset_path("a.tar.gz")).unwrap();
    fs::write(test.asset_path("a.tar.gz"), &whole[..whole.len() - 20]).unwrap();
    assert!(test.failure().contains("cannot unpack"));
    assert!(!test.exists("app"));
}

/// An archive of one's own making: paths, each with a link's target or nothing for a file.
fn hostile(members: &[(&str, Option<&str>)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, target) in members {
        let mut header = tar::Header::new_gnu();
        header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
        if let Some(target) = target {
            header.set_entry_type(tar::EntryType::Symlink);
            header.as_old_mut().linkname[..target.len()].copy_from_slice(target.as_bytes());
        }
        header.set_mode(0o644);
        header.set_size(0);
        header.set_cksum();
        builder.append(&header, std::io::empty()).unwrap();
    }
    builder.into_inner().unwrap()
}

#[test]
fn what_leads_out_of_the_directory_is_refused_before_anything_is_written() {
    for members in [
        &[("good", None), ("../bad", None)][..],
        &[("good", None), ("/bad", None)],
        &[("good", None), ("bad", Some("/etc"))],
        &[("good", None), ("bad", Some("../.."))],
        &[("good", None), ("in", Some("good")), ("in/bad", None)],
    ] {
        let test = bench(|| Archive::new("app").source("a.tar")).asset("a.tar", hostile(members));
        let failure = test.failure();
        assert!(failure.contains("the archive holds `"), "{failure}");
        assert!(!test.exists("app/good") && !test.exists("bad"), "{members:?}");
    }
}

#[test]
fn a_link_of_the_host_in_the_place_of_a_directory_is_not_followed() {
    let test = packed(bench(|| Archive::new("app").source("a.tar").strip_components(1)), "a.tar");
    fs::create_dir_all(test.path("app")).unwrap();
    let outside = test.outside("precious");
    fs::create_dir(&outside).unwrap();
    symlink(&outside, test.path("app/bin")).unwrap();
    test.converge();
    assert!(!outside.join("run").exists());
    assert!(test.path("app/bin").symlink_metadata().unwrap().is_dir());
}

#[test]
fn directories_have_the_modes_of_the_archive_too() {
    let test = bench(|| Archive::new("app").source("a.tar"));
    run(
        &test.outside(""),
        "mkdir -p src private open; chmod 700 private; chmod 755 open; echo x >private/f
         tar -cf src/a.tar private open",
    );
    test.converge();
    assert_eq!((test.mode("app/private"), test.mode("app/open")), (0o700, 0o755));
    test.set_mode("app/private", 0o777);
    assert_eq!(test.converge(), ["~ mode of `private` 0777 → 0700"]);
}

#[test]
fn a_file_from_before_1970_is_unpacked() {
    let test = bench(|| Archive::new("app").source("a.tar"));
    run(
        &test.outside(""),
        "mkdir -p src; echo x >old; touch -d 1960-01-01 old; tar --format=gnu -cf src/a.tar old",
    );
    test.converge();
    assert_eq!(test.read("app/old"), "x\n");
}

#[test]
fn what_was_unpacked_goes_and_what_else_lies_there_stays() {
    let test = packed(bench(|| Archive::new("app").source("a.tar").strip_components(1)), "a.tar");
    test.converge();
    let absent = || {
        test.set_model(|scope| {
            scope.add(Archive::new("app").absent());
            Ok(())
        });
    };
    fs::write(test.path("app/mine"), "").unwrap();
    fs::write(test.path("app/read me"), "changed\n").unwrap();
    absent();
    assert_eq!(test.converge(), ["- remove what was unpacked"]);
    assert!(test.exists("app/mine") && !test.exists("app/bin") && !test.exists("app/read me"));
    fs::remove_file(test.path("app/mine")).unwrap();
    test.set_model(|scope| {
        scope.add(Archive::new("app").source("a.tar"));
        Ok(())
    });
    test.converge();
    absent();
    assert_eq!(test.converge(), ["- remove what was unpacked"]);
    assert!(!test.exists("app"));
}
