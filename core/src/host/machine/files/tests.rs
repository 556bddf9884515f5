use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use super::super::write::umask;
use super::*;
use crate::host::site::tests::TestSite;

fn mode(path: std::path::PathBuf) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

#[test]
fn a_directory_is_created_with_its_mode_and_an_existing_one_keeps_its_own() {
    let test = TestSite::new();
    let create = |mode: Option<u32>| {
        let ownership = Ownership { mode, ..Ownership::default() };
        test.machine().create_directory(&test.path("d"), &ownership)
    };
    create(None).unwrap();
    assert_eq!(mode(test.file("d")), 0o777 & !umask());
    create(Some(0o2750)).unwrap();
    assert_eq!(mode(test.file("d")), 0o2750);
    create(None).unwrap();
    assert_eq!(mode(test.file("d")), 0o2750);
}

#[test]
fn a_directory_does_not_take_the_place_of_a_file_or_a_link() {
    let test = TestSite::new();
    fs::create_dir(test.file("real")).unwrap();
    symlink("real", test.file("link")).unwrap();
    fs::write(test.file("file"), "").unwrap();
    for name in ["link", "file"] {
        let result = test.machine().create_directory(&test.path(name), &Ownership::mode(0o700));
        let error = format!("{:#}", result.unwrap_err());
        assert!(error.ends_with(&format!("{name}`: something else is in its place")), "{error}");
    }
    let missing = test.machine().create_directory(&test.path("a/b"), &Ownership::default());
    assert!(missing.unwrap_err().to_string().contains("a/b`"));
}

#[test]
fn leading_directories_are_created_but_not_the_last() {
    let test = TestSite::new();
    for _ in 0..2 {
        test.machine().create_leading(&test.path("a/b/c")).unwrap();
    }
    assert!(test.file("a/b").is_dir());
    assert!(!test.file("a/b/c").exists());
}

#[test]
fn a_link_is_redirected_in_one_moment() {
    let test = TestSite::new();
    fs::create_dir_all(test.file("one")).unwrap();
    let link = test.path("current");
    test.machine().symlink(&link, "one").unwrap();
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut looks = 0;
            while !done.load(std::sync::atomic::Ordering::SeqCst) || looks == 0 {
                let seen = fs::read_link(test.file("current")).unwrap();
                assert!(["one", "two"].map(Path::new).contains(&&*seen), "{seen:?}");
                looks += 1;
            }
        });
        for target in ["two", "one"].into_iter().cycle().take(40) {
            test.machine().symlink(&link, target).unwrap();
        }
        done.store(true, std::sync::atomic::Ordering::SeqCst);
        reader.join().unwrap();
    });
    assert_eq!(test.probe().list(&test.path("")).unwrap(), ["current", "one"]);
    assert!(test.probe().list(&test.path("one")).unwrap().is_empty());
}

#[test]
fn removing_follows_no_link_and_takes_whole_directories() {
    let test = TestSite::new();
    fs::create_dir_all(test.file("outside")).unwrap();
    fs::write(test.file("outside/precious"), "").unwrap();
    fs::create_dir_all(test.file("d/below")).unwrap();
    symlink(test.file("outside"), test.file("d/below/link")).unwrap();
    symlink(test.file("outside"), test.file("link")).unwrap();
    for name in ["link", "d", "nothing", "outside/precious/below"] {
        test.machine().remove(&test.path(name)).unwrap();
    }
    assert_eq!(test.probe().list(&test.path("")).unwrap(), ["outside"]);
    assert!(test.file("outside/precious").exists());
    assert!(test.machine().remove(&test.path("")).is_err(), "the home stays");
}

#[test]
fn the_mode_of_an_unreadable_file_is_set_and_a_link_is_not_followed() {
    let test = TestSite::new();
    fs::write(test.file("x"), "").unwrap();
    fs::set_permissions(test.file("x"), fs::Permissions::from_mode(0o0)).unwrap();
    test.machine().set_mode(&test.path("x"), 0o640).unwrap();
    assert_eq!(mode(test.file("x")), 0o640);
    symlink("x", test.file("link")).unwrap();
    assert!(test.machine().set_mode(&test.path("link"), 0o777).is_err());
    assert_eq!(mode(test.file("x")), 0o640);
}

#[test]
fn the_owner_of_a_link_is_its_own() {
    let test = TestSite::new();
    fs::write(test.file("x"), "").unwrap();
    symlink("x", test.file("link")).unwrap();
    let own = fs::symlink_metadata(test.file("x")).unwrap().uid();
    let result = test.machine().set_owner(&test.path("link"), Some("54321"), None);
    let uid = |name: &str| fs::symlink_metadata(test.file(name)).unwrap().uid();
    if crate::system::user_id() == 0 {
        result.unwrap();
        assert_eq!((uid("link"), uid("x")), (54321, own));
    } else {
        assert!(result.is_err());
        assert_eq!((uid("link"), uid("x")), (own, own));
    }
    let error = test.machine().set_owner(&test.path("x"), None, Some("no-such-group"));
    assert!(format!("{:#}", error.unwrap_err()).contains("there is no group `no-such-group`"));
}

#[test]
fn the_time_of_a_file_is_set_and_no_link_followed() {
    let test = TestSite::new();
    let time = SystemTime::UNIX_EPOCH + std::time::Duration::new(1_000_000, 5);
    fs::write(test.file("a"), "").unwrap();
    symlink("a", test.file("link")).unwrap();
    test.machine().set_modified(&test.path("a"), time).unwrap();
    assert_eq!(fs::metadata(test.file("a")).unwrap().modified().unwrap(), time);
    let error = test.machine().set_modified(&test.path("link"), time).unwrap_err();
    assert!(format!("{error:#}").ends_with("link`: it is a link"), "{error:#}");
}
