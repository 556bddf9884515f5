//! The rule for links, and a user who puts them where they hurt.

mod race;

use std::fs::Permissions;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};

use tempfile::TempDir;

use super::*;
use crate::host::Ownership;
use crate::host::site::tests::TestSite;
use crate::path::HostPath;
use crate::problem::Problem;

/// A user who is neither root nor the one that runs the tests.
const OTHER: u32 = 1500;

/// A third one.
const THIRD: u32 = 1501;

/// A directory that belongs to another user, beside one that is root's.
struct Neighbours {
    directory: TempDir,
    test: TestSite,
}

impl Neighbours {
    fn new() -> Self {
        assert_eq!(own_uid(), 0, "this test makes directories of other users: run it as root");
        let directory = TempDir::new_in("/dev/shm").unwrap();
        let neighbours = Self { directory, test: TestSite::new() };
        std::fs::set_permissions(neighbours.path(""), Permissions::from_mode(0o755)).unwrap();
        for name in ["theirs", "theirs/place", "protected"] {
            std::fs::create_dir(neighbours.path(name)).unwrap();
        }
        chown(neighbours.path("theirs"), Some(OTHER), Some(OTHER)).unwrap();
        chown(neighbours.path("theirs/place"), Some(OTHER), Some(OTHER)).unwrap();
        neighbours
    }

    fn path(&self, below: &str) -> PathBuf {
        self.directory.path().join(below)
    }

    fn host_path(&self, below: &str) -> HostPath {
        HostPath::new(&"web".into(), self.path(below).to_str().unwrap())
    }
}

/// Does something as another user, in a thread of its own.
fn as_user<T: Send>(uid: u32, act: impl FnOnce() -> T + Send) -> T {
    let become_user = || {
        rustix::thread::set_thread_groups(&[]).unwrap();
        rustix::thread::set_thread_gid(rustix::process::Gid::from_raw(uid)).unwrap();
        rustix::thread::set_thread_uid(rustix::process::Uid::from_raw(uid)).unwrap();
        act()
    };
    std::thread::scope(|scope| scope.spawn(become_user).join().unwrap())
}

#[test]
fn a_link_is_followed_only_where_nobody_else_can_have_put_it() {
    // owner and mode of the directory, owner of the link, whether it is followed
    let cases = [
        (0, 0o755, 0, true),
        (0, 0o755, OTHER, true),
        (0, 0o700, THIRD, true),
        (0, 0o775, 0, false),
        (0, 0o757, 0, false),
        (0, 0o1777, 0, true),
        (0, 0o1777, OTHER, false),
        (0, 0o1775, 0, true),
        (0, 0o1775, OTHER, false),
        (OTHER, 0o755, OTHER, false),
        (OTHER, 0o755, 0, false),
        (OTHER, 0o700, 0, false),
        (OTHER, 0o1777, 0, false),
    ];
    for (owner, mode, link, followed) in cases {
        let holder = Holder::new(owner, mode, || false);
        assert_eq!(holder.guards(link), followed, "{owner} {mode:o} {link}");
    }
    assert!(Holder::new(0, 0o775, || true).guards(OTHER), "a group with nobody else in it");
    assert!(!Holder::new(0, 0o777, || true).guards(OTHER), "but the others are many");
    as_user(OTHER, || {
        for (owner, mode, link, followed) in [
            (OTHER, 0o755, OTHER, true),
            (OTHER, 0o755, THIRD, true),
            (0, 0o755, THIRD, true),
            (0, 0o1777, OTHER, true),
            (0, 0o1777, 0, true),
            (0, 0o1777, THIRD, false),
            (OTHER, 0o777, OTHER, false),
            (THIRD, 0o755, OTHER, false),
            (THIRD, 0o755, THIRD, false),
        ] {
            let holder = Holder::new(owner, mode, || false);
            assert_eq!(holder.guards(link), followed, "{owner} {mode:o} {link}");
        }
    });
}

#[test]
fn links_of_root_are_followed_wherever_they_lead_and_however_many() {
    let here = Neighbours::new();
    let protected = here.path("protected");
    std::fs::write(protected.join("file"), "found").unwrap();
    symlink("protected/../protected/.", here.path("relative")).unwrap();
    symlink(here.path("relative"), here.path("absolute")).unwrap();
    symlink("absolute/file", here.path("last")).unwrap();
    symlink("nowhere", here.path("dangling")).unwrap();
    symlink("turn", here.path("turn")).unwrap();
    let probe = here.test.probe();
    for name in ["relative/file", "absolute/file", "last", "protected/../last"] {
        assert_eq!(probe.read(&here.host_path(name)).unwrap(), b"found", "{name}");
    }
    assert_eq!(probe.list(&here.host_path("absolute")).unwrap(), ["file"]);
    assert_eq!(probe.entry(&here.host_path("dangling/x")).unwrap(), None);
    assert_eq!(probe.entry(&here.host_path("last/x")).unwrap(), None);
    let error = probe.read(&here.host_path("turn")).unwrap_err();
    assert!(format!("{error:#}").contains("Too many"), "{error:#}");

    here.test.machine().write(&here.host_path("absolute/new"), "x", &Ownership::default()).unwrap();
    assert_eq!(std::fs::read(protected.join("new")).unwrap(), b"x");
}

#[test]
fn a_users_own_agent_follows_the_users_own_links() {
    let here = Neighbours::new();
    let theirs = here.path("theirs");
    as_user(OTHER, || {
        symlink("place", theirs.join("current")).unwrap();
        let end = walk(&theirs.join("current/file"), LastLink::Stay).unwrap();
        assert!(end.is_ours);
        assert_eq!(end.name, "file");
        open_directory(&theirs.join("current")).unwrap();
    });
    as_user(THIRD, || {
        open_directory(&theirs.join("current")).unwrap_err();
    });
}

#[test]
fn a_link_that_is_not_followed_is_an_error_that_says_why_and_what_to_do() {
    let here = Neighbours::new();
    as_user(OTHER, || symlink("../protected", here.path("theirs/link")).unwrap());
    let machine = here.test.machine();
    let error =
        machine.write(&here.host_path("theirs/link/file"), "x", &Ownership::default()).unwrap_err();
    let theirs = here.path("theirs").display().to_string();
    assert_eq!(
        Problem::from_error(&error, crate::problem::code::UPDATE_FAILED).to_string(),
        format!(
            "cannot write `{theirs}/link/file`\n  1: `{theirs}/link` is a link of user `1500` that \
             is not followed: `{theirs}` belongs to user `1500`\n  hint: name the real path instead \
             of the link, or let `{theirs}` belong to root or to the converging user, writable by \
             nobody else, or converge as its owner"
        )
    );
    // In a directory of root's that is open to all.
    std::fs::set_permissions(here.path(""), Permissions::from_mode(0o1777)).unwrap();
    as_user(OTHER, || symlink("protected", here.path("link")).unwrap());
    let error = machine.remove(&here.host_path("link/file")).unwrap_err();
    let place = here.path("").display().to_string();
    let place = place.trim_end_matches('/');
    let said = format!("not followed: others may write into `{place}`");
    assert!(format!("{error:#}").ends_with(&said), "{error:#}");
    let run = machine.run(&crate::host::Exec::new("true").directory(&here.host_path("link")));
    let error =
        Problem::from_error(&run.unwrap_err(), crate::problem::code::UPDATE_FAILED).to_string();
    assert!(error.starts_with("cannot run `true`\n") && error.contains("hint: name"), "{error}");
}

#[test]
fn what_lies_below_a_directory_of_another_user_is_not_our_own_place() {
    let here = Neighbours::new();
    std::fs::create_dir(here.path("theirs/roots")).unwrap();
    let is_ours = |name: &str| here.test.probe().is_own_place(&here.host_path(name)).unwrap();
    assert!(is_ours("protected/file") && is_ours("theirs"));
    assert!(!is_ours("theirs/place") && !is_ours("theirs/nothing"));
    assert!(!is_ours("theirs/roots/file"), "they can rename the directory");
}

#[test]
fn a_second_name_for_a_file_of_roots_does_not_give_it_away() {
    let here = Neighbours::new();
    let precious = here.path("protected/precious");
    std::fs::write(&precious, "old").unwrap();
    std::fs::set_permissions(&precious, Permissions::from_mode(0o4755)).unwrap();
    std::fs::hard_link(&precious, here.path("theirs/name")).unwrap();
    let machine = here.test.machine();
    let path = here.host_path("theirs/name");
    let refused = [
        machine.set_mode(&path, 0o666).unwrap_err(),
        machine.set_owner(&path, Some("1500"), None).unwrap_err(),
    ];
    for error in refused {
        let problem = Problem::from_error(&error, crate::problem::code::UPDATE_FAILED).to_string();
        assert!(problem.contains("it is known by several names"), "{problem}");
        assert!(problem.contains("hint: remove it"), "{problem}");
    }
    machine.write(&path, "new", &Ownership::default().owner("1500")).unwrap();
    let kept = std::fs::metadata(&precious).unwrap();
    assert_eq!((kept.uid(), kept.mode() & 0o7777, kept.nlink()), (0, 0o4755, 1));
    assert_eq!(std::fs::read(&precious).unwrap(), b"old");
    let new = std::fs::metadata(here.path("theirs/name")).unwrap();
    assert_eq!((new.uid(), new.mode() & 0o7000), (1500, 0), "no model to take a mode from");

    // Where nobody else can give names, the file is meant.
    std::fs::hard_link(&precious, here.path("protected/second")).unwrap();
    machine.set_mode(&here.host_path("protected/second"), 0o600).unwrap();
    assert_eq!(std::fs::metadata(&precious).unwrap().mode() & 0o7777, 0o600);
}

#[test]
fn directories_that_are_nested_without_end_are_an_error() {
    let here = Neighbours::new();
    let mut below = open_directory(&here.path("theirs")).unwrap();
    for _ in 0..600 {
        fs::mkdirat(&below, "d", Mode::RWXU).unwrap();
        below = fs::openat(&below, "d", DIRECTORY, Mode::empty()).unwrap();
    }
    let error = here.test.machine().remove(&here.host_path("theirs/d")).unwrap_err();
    assert!(format!("{error:#}").contains("nested deeper than 500"), "{error:#}");
}

#[test]
fn root_keeps_no_state_where_others_may_write() {
    assert!(
        rustix::process::geteuid().is_root(),
        "this test gives a directory away: run it as root"
    );
    let home = tempfile::tempdir().unwrap();
    let theirs = home.path().join("theirs");
    std::fs::create_dir(&theirs).unwrap();
    std::os::unix::fs::chown(&theirs, Some(1500), Some(1500)).unwrap();
    require_own_way(&home.path().join("own/deployment")).unwrap();
    for below in ["", "deployment", "a/b"] {
        let refused = require_own_way(&theirs.join(below)).unwrap_err().to_string();
        assert!(refused.contains("others may write on the way"), "{refused}");
    }
}
