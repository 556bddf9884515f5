//! Writes all of some files, or none.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use togusa::failure::Failure;

use super::failed;
use super::template::File;

/// Files in a directory of their own beside the one where they shall be seen.
#[derive(Debug)]
pub struct Staged {
    directory: TempDir,
    /// What becomes the directory.
    content: PathBuf,
}

impl Staged {
    /// Writes files where nobody looks for them, on the disk of `place`.
    ///
    /// # Errors
    /// They cannot be written; nothing is left of them.
    pub fn write(place: &Path, files: &[File]) -> Result<Self, Failure> {
        let refused = |error: io::Error| {
            let mut failure = failed("write into", place, &error);
            for problem in &mut failure.problems.list {
                problem.hint = Some(
                    "make room there, or let yourself write there; nothing is left of what was \
                     written so far"
                        .to_owned(),
                );
            }
            failure
        };
        fs::create_dir_all(place).map_err(refused)?;
        let mut builder = tempfile::Builder::new();
        let directory = builder.prefix(".togusa-").tempdir_in(place).map_err(refused)?;
        // The temporary directory itself is for nobody else to look into; what it holds is.
        let content = directory.path().join("new");
        for (path, text) in files {
            let path = content.join(path);
            let written = path
                .parent()
                .map_or(Ok(()), fs::create_dir_all)
                .and_then(|()| fs::write(&path, text));
            written.map_err(refused)?;
        }
        Ok(Self { directory, content })
    }

    /// Where the files lie until they are shown.
    pub fn path(&self) -> &Path {
        &self.content
    }

    /// Shows all at once as a directory that was not there.
    ///
    /// # Errors
    /// It cannot be; nothing was changed.
    pub fn become_directory(self, directory: &Path) -> Result<(), Failure> {
        fs::rename(&self.content, directory).map_err(|error| failed("write", directory, &error))?;
        self.remove();
        Ok(())
    }

    /// Moves all into a directory that is there and has nothing of these names.
    ///
    /// # Errors
    /// It cannot be; what was moved by then is taken away again.
    pub fn move_into(self, directory: &Path) -> Result<(), Failure> {
        let refused = |error: io::Error| failed("write into", directory, &error);
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.content).map_err(refused)? {
            names.push(entry.map_err(refused)?.file_name());
        }
        // Cargo looks for its manifest: what has none is no project.
        names.sort_by_key(|name| name == "Cargo.toml");
        for (number, name) in names.iter().enumerate() {
            let Err(error) = fs::rename(self.content.join(name), directory.join(name)) else {
                continue;
            };
            for name in &names[..number] {
                // Back to where it is removed with the rest; the first error is the one to tell.
                let _ = fs::rename(directory.join(name), self.content.join(name));
            }
            return Err(refused(error));
        }
        self.remove();
        Ok(())
    }

    fn remove(self) {
        // All is where it should be; an empty directory that stays does no harm.
        let _ = self.directory.close();
    }
}

/// Replaces the text of a file in one moment; what is a link stays one.
///
/// # Errors
/// It cannot be written; the file is as it was.
pub fn replace(path: &Path, text: &str) -> Result<(), Failure> {
    let write = || -> io::Result<()> {
        let path = path.canonicalize()?;
        let directory = path.parent().unwrap_or(Path::new("/"));
        let mut file = tempfile::NamedTempFile::new_in(directory)?;
        io::Write::write_all(&mut file, text.as_bytes())?;
        file.as_file().set_permissions(fs::metadata(&path)?.permissions())?;
        file.persist(&path)?;
        Ok(())
    };
    write().map_err(|error| failed("write", path, &error))
}
