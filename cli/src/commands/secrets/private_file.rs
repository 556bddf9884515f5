//! A text in a place that only its owner sees and that is no disk, gone whatever ends the process.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use nix::sys::statfs::{FsType, TMPFS_MAGIC, statfs};
use togusa_core::system;

/// How the names of our directories begin.
const PREFIX: &str = "togusa-secrets-";

/// The magic number of ramfs.
const RAMFS_MAGIC: FsType = FsType(0x8584_58f6);

/// A private directory with one file in it; removed when dropped.
#[derive(Debug)]
pub struct PrivateFile {
    directory: PathBuf,
    file: PathBuf,
    /// Held for as long as the process lives, so that another can tell what was left behind.
    _lock: File,
}

impl PrivateFile {
    /// Writes a text into a new private file; whether it lies in memory.
    ///
    /// # Errors
    /// No place can be written.
    pub fn new(name: &str, text: &str) -> io::Result<(Self, bool)> {
        let places = places();
        for place in &places {
            clear(place);
        }
        let mut last = io::Error::other("there is no place for it");
        for place in &places {
            match Self::within(place, name, text) {
                Ok(file) => return Ok((file, is_memory(place))),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn within(place: &Path, name: &str, text: &str) -> io::Result<Self> {
        let directory = place.join(format!("{PREFIX}{:016x}", unique()));
        DirBuilder::new().mode(0o700).create(&directory)?;
        let lock = File::open(&directory)?;
        lock.try_lock().map_err(io::Error::from)?;
        // From here on the directory is removed whatever happens.
        let private = Self { file: directory.join(name), directory, _lock: lock };
        let mut file =
            File::options().write(true).create_new(true).mode(0o600).open(&private.file)?;
        file.write_all(text.as_bytes())?;
        Ok(private)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.file
    }
}

impl Drop for PrivateFile {
    fn drop(&mut self) {
        // What cannot be removed now is removed by the next edit.
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// Where it can lie, the best place first.
fn places() -> Vec<PathBuf> {
    let own = system::variable("XDG_RUNTIME_DIR").map(PathBuf::from);
    let mut places: Vec<_> = own.into_iter().chain([PathBuf::from("/dev/shm")]).collect();
    places.retain(|place| is_memory(place));
    places.push(std::env::temp_dir());
    places
}

fn is_memory(place: &Path) -> bool {
    statfs(place).is_ok_and(|stat| [TMPFS_MAGIC, RAMFS_MAGIC].contains(&stat.filesystem_type()))
}

/// Removes what own processes left behind that were killed.
fn clear(place: &Path) {
    let Ok(entries) = fs::read_dir(place) else { return };
    for entry in entries.flatten() {
        let ours = entry.file_name().to_string_lossy().starts_with(PREFIX);
        let user = nix::unistd::geteuid().as_raw();
        let own = entry.metadata().is_ok_and(|found| found.is_dir() && found.uid() == user);
        if ours && own && File::open(entry.path()).is_ok_and(|lock| lock.try_lock().is_ok()) {
            // What cannot be removed is tried again by the next edit.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn unique() -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    RandomState::new().hash_one(std::process::id())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn only_the_owner_sees_it_and_it_is_gone_afterwards() {
        let place = tempfile::tempdir().unwrap();
        let private = PrivateFile::within(place.path(), "a.toml", "text").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&private.directory), mode(private.path())), (0o700, 0o600));
        assert_eq!(fs::read_to_string(private.path()).unwrap(), "text");
        drop(private);
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_nobody_holds_is_cleared_and_what_somebody_holds_is_not() {
        let place = tempfile::tempdir().unwrap();
        let held = PrivateFile::within(place.path(), "a.toml", "text").unwrap();
        let left = place.path().join(format!("{PREFIX}0000000000000000"));
        fs::create_dir(&left).unwrap();
        fs::write(left.join("a.toml"), "text").unwrap();
        let foreign = place.path().join("other");
        fs::create_dir(&foreign).unwrap();
        clear(place.path());
        assert!(held.path().exists() && !left.exists() && foreign.exists());
    }
}
