//! A disk that is full, and one that may not be written to: a small one in a namespace of its own.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::{TempDir, tempdir};

use super::deployment::{Deployment, Ended, command};
use super::outcome::{Log, differences, remains, tree};

/// A disk of 1 MiB that only the processes in its namespace see at its place.
struct Disk {
    place: TempDir,
    /// A process that keeps the namespace; it ends when its standard input does.
    keeper: Child,
}

impl Disk {
    fn mount() -> Self {
        let place = tempdir().unwrap();
        let mut keeper = command("unshare");
        keeper.args(["--mount", "--propagation", "private", "sh", "-c"]);
        keeper
            .arg("mount -t tmpfs -o size=1m,mode=700 tmpfs \"$1\" && echo ready && read -r _ || :");
        keeper.arg("sh").arg(place.path());
        keeper.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut keeper = keeper.spawn().unwrap();
        let mut said = String::new();
        BufReader::new(keeper.stdout.take().unwrap()).read_line(&mut said).unwrap();
        if said != "ready\n" {
            let mut error = String::new();
            keeper.stderr.take().unwrap().read_to_string(&mut error).unwrap();
            panic!("cannot mount a tmpfs in a namespace of its own, which takes root: {error}");
        }
        Self { place, keeper }
    }

    /// A command that sees the disk.
    fn inside(&self) -> Command {
        let mut command = command("nsenter");
        command.arg(format!("--mount=/proc/{}/ns/mnt", self.keeper.id())).arg("--");
        command
    }

    fn deploy(&self, text: &str) -> Ended {
        Ended::of(Deployment::all(self.place.path(), text, "old").below(self.inside()))
    }

    /// The disk as it is seen from outside.
    fn home(&self) -> PathBuf {
        let place = self.place.path().strip_prefix("/").unwrap();
        Path::new("/proc").join(self.keeper.id().to_string()).join("root").join(place)
    }

    /// Fills the disk up but for some bytes.
    fn fill(&self, left: u64) {
        let mut filler = File::create(self.home().join("filler")).unwrap();
        while filler.write_all(&[0; 4096]).is_ok() {}
        let size = filler.metadata().unwrap().len();
        filler.set_len(size - left).unwrap();
    }

    fn free(&self) {
        fs::remove_file(self.home().join("filler")).unwrap();
    }

    fn remount(&self, option: &str) {
        let mut mount = self.inside();
        mount.args(["mount", "-o", &format!("remount,{option}")]).arg(self.place.path());
        Ended::of(mount).assert_success();
    }

    /// The files, without what fills the disk up.
    fn tree(&self) -> std::collections::BTreeMap<String, String> {
        let mut tree = tree(&self.home());
        tree.remove("filler");
        tree
    }

    /// The next run must end where an undisturbed one does, with all restarts.
    fn assert_next_run_completes(&self) {
        self.deploy("v2").assert_success();
        let undisturbed = tempdir().unwrap();
        for text in ["v1", "v2"] {
            Deployment::all(undisturbed.path(), text, "old").run().assert_success();
        }
        assert_eq!(differences(&self.tree(), &tree(undisturbed.path())), Vec::<String>::new());
        assert_eq!(remains(&self.home()), Vec::<String>::new());
        let log = Log::read(&self.home());
        assert_eq!(log.lost(&["old"]), Vec::<String>::new());
        assert!(log.restarts("database@one/SERVICE", &["old"]) >= 2);
        assert_eq!(self.deploy("v2").lines("changed: "), Vec::<&str>::new());
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

#[test]
fn nothing_is_updated_when_the_disk_has_no_space_for_marks() {
    let disk = Disk::mount();
    disk.deploy("v1").assert_success();
    let before = disk.tree();
    disk.fill(0);
    let run = disk.deploy("v2");
    let pending = format!("cannot write `{}/one/.togusa/pending/", disk.place.path().display());
    run.assert_failure(&["nothing was updated", &pending, "No space left on device"]);
    assert_eq!(run.lines("changed: "), Vec::<&str>::new());
    assert_eq!(differences(&disk.tree(), &before), Vec::<String>::new());
    assert_eq!(remains(&disk.home()), Vec::<String>::new());

    disk.free();
    disk.assert_next_run_completes();
}

#[test]
fn a_file_stays_as_it_was_when_the_disk_has_no_space_for_the_new_one() {
    let disk = Disk::mount();
    disk.deploy("v1").assert_success();
    disk.fill(96 * 1024);
    let run = disk.deploy("v2");
    let big = "one/work/database/config/big";
    let path = format!("cannot write `{}`", disk.place.path().join(big).display());
    run.assert_failure(&[&path, "No space left on device"]);
    assert!(disk.tree()[big] == format!("100600 {}", "v1".repeat(64 * 1024)));
    let temporary = remains(&disk.home()).into_iter().filter(|path| !path.contains("pending"));
    assert_eq!(temporary.collect::<Vec<_>>(), Vec::<String>::new());
    assert_eq!(Log::read(&disk.home()).restarts("database@one/SERVICE", &["old"]), 1);

    disk.free();
    disk.assert_next_run_completes();
}

#[test]
fn a_target_that_may_not_be_written_to_is_refused() {
    let disk = Disk::mount();
    disk.deploy("v1").assert_success();
    let (before, log) = (disk.tree(), fs::read(disk.home().join("log")).unwrap());
    disk.remount("ro");
    let run = disk.deploy("v2");
    let lock = format!("cannot write `{}/one/.togusa/lock`", disk.place.path().display());
    run.assert_failure(&[&lock, "Read-only file system", "nothing was changed"]);
    assert_eq!(differences(&disk.tree(), &before), Vec::<String>::new());
    assert_eq!(fs::read(disk.home().join("log")).unwrap(), log);

    disk.remount("rw");
    disk.assert_next_run_completes();
}
