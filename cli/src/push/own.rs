//! What the running program is.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use togusa_core::digest::Digest;

use super::prune::prune;

/// The file of the running program, whatever its path leads to by now.
const SELF: &str = "/proc/self/exe";
/// How much of its end is kept, in bytes.
const TAIL: u64 = 128;

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

    fn of(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let (digest, length) = Digest::of_reader(&file)?;
        file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
        let mut tail = Vec::new();
        file.take(TAIL).read_to_end(&mut tail)?;
        Ok(Self { digest: digest.to_string(), tail })
    }

    /// Notes in the store that this program was used, and removes what is not used any more. Does
    /// nothing for a program that lies elsewhere.
    ///
    /// # Errors
    /// The store cannot be read or written to.
    pub fn note_use(&self) -> io::Result<()> {
        match directory_in_store(&fs::read_link(SELF)?, &self.digest) {
            Some(directory) => {
                File::open(SELF)?.set_modified(SystemTime::now())?;
                prune(&directory, &self.digest)
            }
            None => Ok(()),
        }
    }
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
