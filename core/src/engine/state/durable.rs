//! Small files that are there whole, or not at all, even after a crash.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::StateError;
use crate::digest::Digest;
use crate::step::step;

/// How the names of files begin that are being written.
const NEW: &str = ".new-";

/// Creates a directory that only its owner may read, with all above it, durably.
///
/// What is above it is open to others as usual: services of theirs may lie in it.
pub(super) fn create_directory(path: &Path) -> Result<(), StateError> {
    create(path, 0o700)
}

fn create(path: &Path, mode: u32) -> Result<(), StateError> {
    if path.is_dir() {
        return Ok(());
    }
    let above = path.parent().unwrap_or(Path::new("/"));
    create(above, 0o777)?;
    match fs::DirBuilder::new().mode(mode).create(path) {
        Ok(()) => step("state-directory"),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => {}
        Err(source) => return Err(StateError::Write { path: path.to_owned(), source }),
    }
    sync_directory(above)
}

/// Removes what killed runs were still writing into a directory. Nobody may be writing there.
pub(super) fn remove_unfinished(directory: &Path) {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let unfinished = |name: &OsStr| name.as_encoded_bytes().starts_with(NEW.as_bytes());
    for entry in entries.filter(|entry| unfinished(&entry.file_name())) {
        // One that cannot be removed does no harm; the next run tries again.
        let _ = fs::remove_file(entry.path());
    }
}

/// Writes a file durably: when this returns, the file is there after any crash.
pub(crate) fn write(path: &Path, content: &impl Serialize) -> Result<(), StateError> {
    write_unsynced_name(path, content)?;
    path.parent().map_or(Ok(()), sync_directory)
}

/// Writes a file whose name becomes durable with the next [`sync_directory`].
pub(super) fn write_unsynced_name(path: &Path, content: &impl Serialize) -> Result<(), StateError> {
    let content = serde_json::to_vec(content).map_err(io::Error::from);
    let replaced = content.and_then(|content| replace(path, &content));
    replaced.map_err(|source| StateError::Write { path: path.to_owned(), source })
}

/// As [`write`], for content that is not one JSON value.
pub(super) fn write_bytes(path: &Path, content: &[u8]) -> Result<(), StateError> {
    let replaced = replace(path, content);
    replaced.map_err(|source| StateError::Write { path: path.to_owned(), source })?;
    path.parent().map_or(Ok(()), sync_directory)
}

fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("/"));
    let mut file = tempfile::Builder::new().prefix(NEW).tempfile_in(directory)?;
    step("state-temp");
    file.write_all(content)?;
    step("state-written");
    file.as_file().sync_all()?;
    step("state-fsync");
    file.persist(path)?;
    step("state-rename");
    Ok(())
}

/// Makes names that were created, renamed or removed in a directory durable.
pub(super) fn sync_directory(path: &Path) -> Result<(), StateError> {
    let synced = File::open(path).and_then(|directory| directory.sync_all());
    synced.map_err(|source| StateError::Write { path: path.to_owned(), source })?;
    step("state-directory-fsync");
    Ok(())
}

/// Removes a file; one that is gone already is no error.
pub(super) fn remove(path: &Path) -> Result<(), StateError> {
    match fs::remove_file(path) {
        Ok(()) => step("state-removed"),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(source) => return Err(StateError::Write { path: path.to_owned(), source }),
    }
    Ok(())
}

/// Reads a file; `None` if there is none.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, StateError> {
    let content = match fs::read(path) {
        Ok(content) => content,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(StateError::Read { path: path.to_owned(), source }),
    };
    let damaged = |source| StateError::Damaged { path: path.to_owned(), source };
    serde_json::from_slice(&content).map(Some).map_err(damaged)
}

/// The whole files in a directory, sorted; none if there is no directory.
pub(super) fn files(directory: &Path) -> Result<Vec<PathBuf>, StateError> {
    let unreadable = |source| StateError::Read { path: directory.to_owned(), source };
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(unreadable(source)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(unreadable)?.path();
        // What a killed run was still writing is not there yet.
        if path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// A file name for something with a long name of its own.
pub(super) fn file_name(parts: &[&str]) -> String {
    let digest = Digest::of(parts.join("\0").as_bytes()).to_string();
    format!("{}.json", &digest[..32])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_run_was_writing_is_removed_and_nothing_else() {
        let state = tempfile::tempdir().unwrap();
        for name in [".new-abc", "a.json", "new"] {
            fs::write(state.path().join(name), "{").unwrap();
        }
        fs::create_dir(state.path().join(".new-directory")).unwrap();
        remove_unfinished(state.path());
        remove_unfinished(&state.path().join("missing"));
        let entries = fs::read_dir(state.path()).unwrap();
        let mut left: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, [".new-directory", "a.json", "new"]);
    }
}
