//! A user who swaps a directory and a link to somewhere else, again and again, while root works.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::fs::RenameFlags;

use super::*;
use crate::host::{Exec, Machine};

/// How often each thing is done at least.
const ROUNDS: usize = 500;

/// How long both ends of the race are waited for; who waits that long has found a fault.
const PATIENCE: Duration = Duration::from_secs(120);

const SECRET: &str = "a secret that must not be read";

/// Everything below a directory: what a change to it would change.
fn inventory(directory: &Path) -> BTreeMap<PathBuf, (u32, u32, u32, i64, i64, u64)> {
    let mut found = BTreeMap::new();
    let mut ahead = vec![directory.to_owned()];
    while let Some(path) = ahead.pop() {
        let stat = path.symlink_metadata().unwrap();
        if stat.is_dir() {
            ahead.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        }
        let (changed, nanoseconds) = (stat.ctime(), stat.ctime_nsec());
        let seen = (stat.mode(), stat.uid(), stat.gid(), changed, nanoseconds, stat.nlink());
        found.insert(path, seen);
    }
    found
}

/// What root does at a path in the place that is swapped: whether it could, and whether what it saw
/// was of the other side.
type Act = dyn Fn(&Machine<'_>, &HostPath, usize) -> anyhow::Result<bool>;

/// Does it until it was seen to succeed and to be refused; nothing of it may reach the other side.
fn race(name: &str, act: &Act) {
    let here = Neighbours::new();
    let protected = here.path("protected");
    std::fs::create_dir_all(protected.join("directory/directory/below")).unwrap();
    for below in ["", "directory", "directory/directory", "directory/directory/below"] {
        std::fs::write(protected.join(below).join("file"), SECRET).unwrap();
        symlink("of-root", protected.join(below).join("link")).unwrap();
    }
    let theirs = here.path("theirs");
    as_user(OTHER, || symlink(&protected, theirs.join("trap")).unwrap());
    let before = inventory(&protected);
    let directory = open_directory(&theirs).unwrap();
    let place = open_directory(&theirs.join("place")).unwrap();
    let done = AtomicBool::new(false);
    let swap = || {
        as_user(OTHER, || {
            while !done.load(Ordering::Relaxed) {
                let exchange = RenameFlags::EXCHANGE;
                fs::renameat_with(&directory, "place", &directory, "trap", exchange).unwrap();
            }
        });
    };
    /// Ends the other thread also when this one fails.
    struct End<'a>(&'a AtomicBool);
    impl Drop for End<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    std::thread::scope(|scope| {
        scope.spawn(swap);
        let _end = End(&done);
        let (mut reached, mut refused, mut round) = (0, 0, 0);
        let deadline = Instant::now() + PATIENCE;
        while round < ROUNDS || reached == 0 || refused == 0 {
            assert!(Instant::now() < deadline, "{name}: {reached} reached, {refused} refused");
            // By turns the link is the directory that is worked in, and one on the way to it.
            let path = ["theirs/place", "theirs/place/directory"][round % 2];
            match fs::mkdirat(&place, "directory", Mode::RWXU) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(error) => panic!("{error}"),
            }
            match act(&here.test.machine(), &here.host_path(path), round) {
                Ok(seen) => {
                    assert!(!seen, "{name}: something of the other side was seen");
                    reached += 1;
                }
                Err(error) => {
                    let text = format!("{error:#}");
                    refused += usize::from(text.contains("not followed"));
                }
            }
            assert_eq!(inventory(&protected), before, "{name}, round {round}");
            round += 1;
        }
    });
}

/// Makes a test of each thing that is done.
macro_rules! races {
    ($($name:ident: $act:expr;)*) => {$(
        #[test]
        fn $name() {
            race(stringify!($name), &$act);
        }
    )*};
}

races! {
    writing: |machine, place, round| {
        let ownership = Ownership::mode(0o600 + u32::try_from(round % 8)?).owner("1500");
        machine.write(&place.join("file"), &format!("{round}"), &ownership).map(|()| false)
    };
    replacing_a_directory: |machine, place, _| {
        machine.create_directory(&place.join("directory"), &Ownership::default())?;
        machine.create_directory(&place.join("directory/below"), &Ownership::default())?;
        machine.replace(&place.join("directory"), "x", &Ownership::default())?;
        machine.remove(&place.join("directory")).map(|()| false)
    };
    creating_a_directory: |machine, place, round| {
        let ownership = Ownership::mode(0o700 + u32::try_from(round % 8)?).owner("1500");
        machine.create_directory(&place.join("directory"), &ownership)?;
        machine.create_leading(&place.join(format!("new-{}/a/b", round % 10))).map(|()| false)
    };
    linking: |machine, place, round| {
        machine.symlink(&place.join("link"), &format!("{round}")).map(|()| false)
    };
    removing: |machine, place, _| {
        machine.create_leading(&place.join("directory/below/more/x"))?;
        machine.remove(&place.join("directory"))?;
        machine.remove(&place.join("file")).map(|()| false)
    };
    giving_away: |machine, place, round| {
        let path = place.join("file");
        if machine.entry(&path)?.is_none() {
            machine.write(&path, "x", &Ownership::default())?;
        }
        machine.set_mode(&path, 0o640 + u32::try_from(round / 2 % 8)?)?;
        let owner = (1500 + round / 2 % 2).to_string();
        machine.set_owner(&path, Some(&owner), Some(&owner)).map(|()| false)
    };
    reading: |machine, place, round| {
        let path = place.join("file");
        if round % 10 == 0 {
            machine.write(&path, "of mine", &Ownership::default())?;
        }
        let digest = crate::digest::Digest::of(SECRET.as_bytes());
        Ok(machine.read(&path)? == SECRET.as_bytes()
            || machine.read_to_string(&path)? == SECRET
            || machine.digest(&path)?.0 == digest)
    };
    looking: |machine, place, _| {
        let of_root = machine.entry(&place.join("link"))?.is_some();
        let found = machine.glob(&place.join("directory/**"))?;
        let inputs = machine.is_current(&place.join("directory/file"), &[])?.is_current();
        Ok(of_root
            || inputs
            || !found.is_empty()
            || machine.list(place)?.contains(&"link".to_owned())
            || machine.read_link(&place.join("link")).is_ok())
    };
    running: |machine, place, _| {
        let exec = Exec::shell("test -h link && echo seen; : > made").directory(place);
        Ok(!machine.run(&exec)?.stdout.is_empty())
    };
}
