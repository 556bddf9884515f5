//! What the running program is.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use togusa_core::digest::Digest;

use super::prune::prune;

/// The file of the running program, whatever its path leads to by now.
const SELF: &str = "/proc/self/exe";
/// How much of its end is kept, in bytes.
const TAIL: u64 = 128;
/// A use is noted again after so long.
const USED: Duration = Duration::from_secs(10 * 60);
/// How the file is named that holds what a binary looked like when its digest was found right.
pub(super) const SEAL: &str = ".checked-";

/// The running program, as its file holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Own {
    /// SHA-256 of the file, 64 hexadecimal digits.
    pub digest: String,
    /// The last 128 bytes of the file.
    pub tail: Vec<u8>,
}

impl Own {
    /// Reads the file of the running program.
    ///
    /// # Errors
    /// The file cannot be read; `/proc` may be missing.
    pub fn read() -> io::Result<Self> {
        Self::of(Path::new(SELF))
    }

    /// Reads what the running program is, where `digest` is expected. One in a store that was found
    /// to have this digest before, and was not written to since, is not read once more as a whole:
    /// that would be half of what a start costs.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn expecting(digest: &str) -> io::Result<Self> {
        let file = File::open(SELF)?;
        let Some(directory) = directory_in_store(&fs::read_link(SELF)?, digest) else {
            return Self::read();
        };
        let seal = seal(&file)?;
        // A seal that is missing or cannot be read is one that does not hold.
        let sealed = fs::read_to_string(directory.join(format!("{SEAL}{digest}")));
        if sealed.is_ok_and(|sealed| sealed == seal) {
            return Ok(Self { digest: digest.to_owned(), tail: tail(file, TAIL)? });
        }
        Self::read()
    }

    fn of(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let (digest, _) = Digest::of_reader(&file)?;
        Ok(Self { digest: digest.to_string(), tail: tail(file, TAIL)? })
    }

    /// Gives a program that an upload put into a store the name by which starts find it. Whose
    /// digest is not the right one must not come to that name.
    ///
    /// # Errors
    /// The store cannot be written to.
    pub fn install(&self, uploaded: &Path) -> io::Result<()> {
        fs::rename(uploaded, uploaded.with_file_name(&self.digest))
    }

    /// Notes in the store that this program was used, and removes what is not used any more. Does
    /// nothing for a program that lies elsewhere.
    ///
    /// # Errors
    /// The store cannot be read or written to.
    pub fn note_use(&self) -> io::Result<()> {
        match directory_in_store(&fs::read_link(SELF)?, &self.digest) {
            Some(directory) => self.note_use_of(&File::open(SELF)?, &directory),
            None => Ok(()),
        }
    }

    fn note_use_of(&self, program: &File, directory: &Path) -> io::Result<()> {
        let used = program.metadata()?.modified()?;
        let path = directory.join(format!("{SEAL}{}", self.digest));
        // What is used in the future was used just now.
        if used.elapsed().is_ok_and(|since| since < USED) && path.exists() {
            return Ok(());
        }
        program.set_modified(SystemTime::now())?;
        let mut file = tempfile::Builder::new().prefix(SEAL).tempfile_in(directory)?;
        file.write_all(seal(program)?.as_bytes())?;
        file.persist(path)?;
        prune(directory, &self.digest)
    }
}

/// What a file looks like that nobody writes to: the system sets the time of its last change.
fn seal(file: &File) -> io::Result<String> {
    let it = file.metadata()?;
    let changed = (it.mtime(), it.mtime_nsec(), it.ctime(), it.ctime_nsec());
    Ok(format!("{} {} {} {changed:?}\n", it.dev(), it.ino(), it.size()))
}

fn tail(mut file: File, length: u64) -> io::Result<Vec<u8>> {
    let size = file.metadata()?.len();
    file.seek(SeekFrom::Start(size.saturating_sub(length)))?;
    let mut tail = Vec::new();
    file.take(length).read_to_end(&mut tail)?;
    Ok(tail)
}

/// The directory of a program that lies as `STORE/agents/PROJECT/DIGEST`.
fn directory_in_store(program: &Path, digest: &str) -> Option<PathBuf> {
    let project = program.parent()?;
    let in_store = project.parent()?.ends_with("agents");
    (in_store && program.file_name()? == digest).then(|| project.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_knows_its_digest_and_its_end() {
        let own = Own::read().unwrap();
        let bytes = fs::read(std::env::current_exe().unwrap()).unwrap();
        assert_eq!(own.digest, Digest::of(&bytes).to_string());
        assert_eq!(own.tail, bytes[bytes.len() - 128..]);
    }

    #[test]
    fn a_short_file_is_its_own_end() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(&file, "short").unwrap();
        assert_eq!(Own::of(file.path()).unwrap().tail, b"short");
    }

    /// The clock of a file system goes by ticks of some milliseconds.
    fn wait_until_the_clock_ticks(directory: &Path) {
        let now = || {
            let file = tempfile::NamedTempFile::new_in(directory).unwrap();
            file.as_file().metadata().unwrap().modified().unwrap()
        };
        let then = now();
        while now() == then {
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_seal_holds_until_the_file_is_touched() {
        let store = tempfile::tempdir().unwrap();
        let path = store.path().join("program");
        fs::write(&path, "program").unwrap();
        let (program, own) = (File::open(&path).unwrap(), Own::of(&path).unwrap());
        own.note_use_of(&program, store.path()).unwrap();
        let sealed = fs::read_to_string(store.path().join(format!("{SEAL}{}", own.digest)));
        let sealed = sealed.unwrap();
        assert_eq!(sealed, seal(&program).unwrap());
        own.note_use_of(&program, store.path()).unwrap();
        assert_eq!(sealed, seal(&program).unwrap(), "noted a moment ago");

        let modified = program.metadata().unwrap().modified().unwrap();
        wait_until_the_clock_ticks(store.path());
        fs::write(&path, "progrBm").unwrap();
        program.set_modified(modified).unwrap();
        assert_ne!(sealed, seal(&program).unwrap(), "of the same size and age");
    }

    #[test]
    fn only_a_program_in_a_store_is_noted() {
        let lies = |path: &str| directory_in_store(Path::new(path), "ab12");
        assert_eq!(lies("/s/agents/shop/ab12"), Some("/s/agents/shop".into()));
        assert_eq!(lies("/s/agents/shop/cd34"), None);
        assert_eq!(lies("/s/agents/shop/ab12 (deleted)"), None);
        assert_eq!(lies("/s/programs/shop/ab12"), None);
        assert_eq!(lies("/ab12"), None);
    }
}
