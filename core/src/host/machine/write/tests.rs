use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::host::site::tests::TestSite;

/// A user and a group that are not the own ones.
const OTHER: u32 = 54321;

fn names(test: &TestSite) -> Vec<String> {
    test.probe().list(&test.path("")).unwrap()
}

fn mode(path: PathBuf) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

fn is_root() -> bool {
    crate::system::user_id() == 0
}

#[test]
fn a_reader_sees_the_old_or_the_new_file_and_never_a_part() {
    let test = TestSite::new();
    let versions = [vec![b'a'; 300_000], vec![b'b'; 400_000]];
    let (path, ownership) = (test.path("x"), Ownership::default());
    test.machine().write(&path, &versions[0], &ownership).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut looks = 0;
            while !done.load(Ordering::SeqCst) || looks == 0 {
                let seen = fs::read(test.file("x")).unwrap();
                assert!(versions.contains(&seen), "{} bytes", seen.len());
                looks += 1;
            }
        });
        for number in 0..40 {
            test.machine().write(&path, &versions[number % 2], &ownership).unwrap();
        }
        done.store(true, Ordering::SeqCst);
        reader.join().unwrap();
    });
    assert_eq!(names(&test), ["x"]);
}

#[test]
fn a_file_has_its_mode_before_anybody_sees_content() {
    /// Gives content while it looks at the file that it is written to.
    struct Hostile<'a>(&'a TestSite, usize);
    impl Read for Hostile<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let names = names(self.0);
            let temporary = names.iter().find(|name| name.starts_with(".togusa-x-")).unwrap();
            assert_eq!(mode(self.0.file(temporary)), 0o600);
            self.1 += 1;
            buffer[0] = b's';
            Ok(usize::from(self.1 < 5))
        }
    }
    let test = TestSite::new();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let poller = scope.spawn(|| {
            while !done.load(Ordering::SeqCst) {
                let Ok(found) = fs::symlink_metadata(test.file("x")) else { continue };
                assert_eq!(found.mode() & 0o7777, 0o640);
            }
        });
        for _ in 0..20 {
            let content = Content::Reader(Box::new(Hostile(&test, 0)));
            test.machine().write(&test.path("x"), content, &Ownership::mode(0o640)).unwrap();
            test.machine().remove(&test.path("x")).unwrap();
        }
        done.store(true, Ordering::SeqCst);
        poller.join().unwrap();
    });
}

#[test]
fn an_unset_mode_is_that_of_the_old_file_or_of_the_umask() {
    let test = TestSite::new();
    let write = |content: &str, ownership| {
        test.machine().write(&test.path("x"), content, &ownership).unwrap();
        mode(test.file("x"))
    };
    assert_eq!(write("a", Ownership::default()), 0o666 & !umask());
    assert_eq!(write("b", Ownership::mode(0o4711)), 0o4711);
    assert_eq!(write("c", Ownership::default()), 0o4711);
    assert_eq!(write("", Ownership::mode(0)), 0);
    assert_eq!(fs::metadata(test.file("x")).unwrap().len(), 0);
}

#[test]
fn a_link_is_replaced_and_not_followed() {
    let test = TestSite::new();
    fs::write(test.file("precious"), "old").unwrap();
    symlink("precious", test.file("x")).unwrap();
    test.machine().write(&test.path("x"), "new", &Ownership::default()).unwrap();
    assert_eq!(fs::read(test.file("precious")).unwrap(), b"old");
    assert!(fs::symlink_metadata(test.file("x")).unwrap().is_file());
}

#[test]
fn a_directory_gives_way_only_when_that_is_asked_for() {
    let test = TestSite::new();
    fs::create_dir_all(test.file("x/below")).unwrap();
    let (path, ownership) = (test.path("x"), Ownership::default());
    let error = test.machine().write(&path, "a", &ownership).unwrap_err();
    assert!(error.to_string().ends_with("x`: it is a directory"), "{error}");
    assert!(test.file("x/below").is_dir());
    test.machine().replace(&path, "a", &ownership).unwrap();
    assert_eq!(fs::read(test.file("x")).unwrap(), b"a");
}

#[test]
fn an_asset_that_changed_underway_replaces_nothing() {
    let test = TestSite::new();
    let asset = test.asset("a.conf", b"content");
    let write = || test.machine().write(&test.path("x"), &asset, &Ownership::default());
    write().unwrap();
    assert!(test.probe().matches(&test.path("x"), &asset).unwrap());
    test.corrupt(&asset);
    let error = format!("{:#}", write().unwrap_err());
    assert!(error.contains("content of asset `a.conf`"), "{error}");
    assert_eq!(fs::read(test.file("x")).unwrap(), b"content");
    assert_eq!(names(&test), ["x"]);
}

#[test]
fn a_failed_write_leaves_nothing_behind() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("cut off"))
        }
    }
    let test = TestSite::new();
    let broken = Content::Reader(Box::new(Broken));
    let machine = test.machine();
    let error = machine.write(&test.path("x"), broken, &Ownership::default()).unwrap_err();
    assert!(format!("{error:#}").ends_with("x`: cut off"), "{error:#}");
    let missing = machine.write(&test.path("no/x"), "a", &Ownership::default()).unwrap_err();
    assert!(missing.to_string().contains("no/x`"), "{missing}");
    let nobody = Ownership::default().owner("no-such-user");
    let error = format!("{:#}", machine.write(&test.path("x"), "a", &nobody).unwrap_err());
    assert!(error.contains("there is no user `no-such-user`"), "{error}");
    assert!(names(&test).is_empty());
}

#[test]
fn the_owner_is_set_or_the_old_file_stays() {
    let test = TestSite::new();
    test.machine().write(&test.path("x"), "old", &Ownership::mode(0o600)).unwrap();
    let ownership = Ownership::mode(0o600).owner(OTHER.to_string()).group(OTHER.to_string());
    let result = test.machine().write(&test.path("x"), "new", &ownership);
    let found = fs::metadata(test.file("x")).unwrap();
    if is_root() {
        result.unwrap();
        assert_eq!((found.uid(), found.gid()), (OTHER, OTHER));
        test.machine().write(&test.path("x"), "newer", &Ownership::default()).unwrap();
        let kept = fs::metadata(test.file("x")).unwrap();
        assert_eq!((kept.uid(), kept.gid(), kept.mode() & 0o7777), (OTHER, OTHER, 0o600));
    } else {
        assert!(result.is_err());
        assert_eq!(fs::read(test.file("x")).unwrap(), b"old");
    }
    assert_eq!(names(&test), ["x"]);
}

#[test]
fn what_a_killed_run_left_goes_with_the_next_write_of_the_same_file() {
    let test = TestSite::new();
    for name in [".togusa-x-AbC123", ".togusa-x-zzzzzz", ".togusa-x-y-zzzzzz", ".togusa-x"] {
        fs::write(test.file(name), "half").unwrap();
    }
    test.machine().write(&test.path("x"), "a", &Ownership::default()).unwrap();
    assert_eq!(names(&test), [".togusa-x", ".togusa-x-y-zzzzzz", "x"]);
    test.machine().symlink(&test.path("x-y"), "x").unwrap();
    assert_eq!(names(&test), [".togusa-x", "x", "x-y"]);
}

#[test]
fn a_long_name_leaves_room_for_the_temporary_one() {
    let test = TestSite::new();
    let name = format!("{}é", "n".repeat(253));
    test.machine().write(&test.path(&name), "a", &Ownership::default()).unwrap();
    assert_eq!(names(&test), [name]);
}

#[test]
fn many_files_are_written_and_then_synced_at_once() {
    let test = TestSite::new();
    fs::create_dir(test.file("1")).unwrap();
    for name in ["1", "2"] {
        let ownership = Ownership::mode(0o640);
        test.machine().replace_unsynced(&test.path(name), name, &ownership).unwrap();
        assert_eq!(fs::read_to_string(test.file(name)).unwrap(), name);
        assert_eq!(mode(test.file(name)), 0o640);
    }
    test.machine().sync(&test.path("")).unwrap();
    assert_eq!(names(&test), ["1", "2"]);
    let error = test.machine().sync(&test.path("nothing")).unwrap_err();
    assert!(error.to_string().contains("nothing` to the disk"), "{error}");
}
