//! Components of root in a directory of a user who swaps a directory and a link, again and again.

use std::collections::BTreeMap;
use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags, RenameFlags, open, renameat_with};
use rustix::process::{Gid, Uid};
use rustix::thread::{set_thread_gid, set_thread_groups, set_thread_uid};
use tempfile::TempDir;
use togusa_components::prelude::*;
use togusa_core::prelude::*;

use crate::bench::set_mode;
use crate::{Bench, is_root};

/// The number of the user; it needs no account.
const USER: u32 = 1500;

const SECRET: &str = "a secret that no diff may show";

/// How often each component converges at least.
const ROUNDS: usize = 60;

/// How long both ends of the race are waited for; who waits that long has found a fault.
const PATIENCE: Duration = Duration::from_secs(120);

/// What is added to the model: below the place that is swapped, another one in each round.
type Add = fn(&mut Scope<'_>, &str, usize);

/// Everything below a directory: what a change to it would change.
fn inventory(directory: &Path) -> BTreeMap<PathBuf, [i64; 6]> {
    let mut found = BTreeMap::new();
    let mut ahead = vec![directory.to_owned()];
    while let Some(path) = ahead.pop() {
        let stat = path.symlink_metadata().unwrap();
        if stat.is_dir() {
            ahead.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        }
        let (mode, uid, gid) = (stat.mode().into(), stat.uid().into(), stat.gid().into());
        let links = stat.nlink().try_into().unwrap();
        found.insert(path, [mode, uid, gid, links, stat.ctime(), stat.ctime_nsec()]);
    }
    found
}

/// A directory of the user with `place`, a directory, and `trap`, a link to `protected`.
fn arrange(here: &Path) -> PathBuf {
    set_mode(here, 0o755);
    let (theirs, protected) = (here.join("theirs"), here.join("protected"));
    fs::create_dir_all(theirs.join("place")).unwrap();
    fs::create_dir_all(protected.join("d/sub")).unwrap();
    for name in ["file", "d/file", "d/extra", "d/sub/file"] {
        fs::write(protected.join(name), SECRET).unwrap();
    }
    symlink(&protected, theirs.join("trap")).unwrap();
    for path in [&theirs, &theirs.join("place")] {
        chown(path, Some(USER), Some(USER)).unwrap();
    }
    std::os::unix::fs::lchown(theirs.join("trap"), Some(USER), Some(USER)).unwrap();
    protected
}

/// Swaps the two as the user, until it is told that it is enough.
fn swap(theirs: &OwnedFd, done: &AtomicBool) {
    set_thread_groups(&[]).unwrap();
    set_thread_gid(Gid::from_raw(USER)).unwrap();
    set_thread_uid(Uid::from_raw(USER)).unwrap();
    while !done.load(Ordering::Relaxed) {
        renameat_with(theirs, "place", theirs, "trap", RenameFlags::EXCHANGE).unwrap();
    }
}

/// Ends the other thread also when a test fails.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn race(add: Add) {
    assert!(is_root(), "root works in a directory of another user here: run the tests as root");
    let here = TempDir::new_in("/dev/shm").unwrap();
    let protected = arrange(here.path());
    let before = inventory(&protected);
    let round = Arc::new(AtomicUsize::new(0));
    let place = here.path().join("theirs/place").display().to_string();
    let counted = Arc::clone(&round);
    let test = Bench::new().asset("tree/file", "of the source").asset("tree/sub/file", "x").model(
        move |scope| {
            add(scope, &place, counted.load(Ordering::SeqCst));
            Ok(())
        },
    );
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let theirs = open(here.path().join("theirs"), flags, Mode::empty()).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|threads| {
        threads.spawn(|| swap(&theirs, &done));
        let _end = End(&done);
        let deadline = Instant::now() + PATIENCE;
        let (mut reached, mut refused) = (0, 0);
        while round.load(Ordering::SeqCst) < ROUNDS || reached == 0 || refused == 0 {
            assert!(Instant::now() < deadline, "{reached} reached, {refused} refused");
            let run = test.deploy();
            let failures = run.failures().join("\n");
            reached += usize::from(run.summary.is_success());
            refused += usize::from(failures.contains("not followed"));
            assert_eq!(inventory(&protected), before, "{failures}");
            assert!(!format!("{:?}", run.events).contains(SECRET), "the secret was told");
            round.fetch_add(1, Ordering::SeqCst);
        }
    });
}

#[test]
fn files_are_written_and_read_in_their_own_place_alone() {
    race(|scope, place, round| {
        let content = format!("{}", round / 2);
        scope.add(File::new(format!("{place}/file")).content(content).mode(0o640));
    });
}

#[test]
fn modes_and_owners_are_changed_in_their_own_place_alone() {
    race(|scope, place, round| {
        let (mode, owner) = ([0o640, 0o4755][round % 2], [0, USER][round / 2 % 2]);
        let file = File::new(format!("{place}/file")).content("x").mode(mode);
        scope.add(file.owner(owner.to_string()).group(owner.to_string()));
    });
}

#[test]
fn directories_are_made_and_given_away_in_their_own_place_alone() {
    race(|scope, place, round| {
        let directory = Directory::new(format!("{place}/d/{}/sub", round % 5));
        let directory = directory.leading_directories().mode([0o700, 0o750][round % 2]);
        scope.add(directory.owner([0, USER][round % 2].to_string()));
    });
}

#[test]
fn trees_are_copied_and_their_extras_removed_in_their_own_place_alone() {
    race(|scope, place, round| {
        let tree = Directory::new(format!("{place}/d")).source("tree").remove_extras();
        let tree = tree.file_mode([0o644, 0o600][round % 2]);
        scope.add(tree.owner([0, USER][round / 2 % 2].to_string()));
    });
}

#[test]
fn links_are_made_in_their_own_place_alone() {
    race(|scope, place, round| {
        scope.add(Symlink::new(format!("{place}/d"), format!("release-{}", round / 2)));
    });
}

#[test]
fn what_matches_is_removed_from_its_own_place_alone() {
    race(|scope, place, round| {
        scope.add(File::new(format!("{place}/x/{round}")).content("x").leading_directories());
        scope.add(Purge::new(format!("{place}/*")));
    });
}

#[test]
fn commands_run_in_their_own_place_alone() {
    race(|scope, place, round| {
        let script = format!("test -e file && touch seen; touch {round}");
        let command = Command::shell(script).directory(place);
        scope.add(command.unless(Exec::new("test").args(["-e", &round.to_string()])));
    });
}
