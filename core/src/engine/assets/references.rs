//! Which contents are wanted: those that the last deployment of some target directory referred to.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::DiskStore;
use crate::digest::Digest;
use crate::engine::state::{StateError, read_json, write_json};

/// What nobody refers to is kept for so long: another deployment may be receiving it.
const YOUNG: Duration = Duration::from_secs(60 * 60);

/// The contents that one target directory refers to.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct OfTarget {
    target: PathBuf,
    digests: BTreeSet<Digest>,
}

/// Who refers to what, beside the contents: a file for each target directory.
#[derive(Debug)]
pub(in crate::engine) struct References {
    directory: PathBuf,
}

impl References {
    /// Those beside a directory of contents.
    pub(in crate::engine) fn beside(contents: &Path) -> Self {
        Self { directory: contents.with_file_name("references") }
    }

    /// Notes what a target directory refers to; `all`: and to nothing else any more. When that has
    /// changed, what nobody refers to now is removed.
    pub(in crate::engine) fn note(
        &self,
        target: &Path,
        digests: BTreeSet<Digest>,
        all: bool,
        store: &DiskStore,
    ) -> Result<(), StateError> {
        let name = Digest::of(target.as_os_str().as_encoded_bytes()).to_string();
        let path = self.directory.join(format!("{}.json", &name[..32]));
        let before = read_json::<OfTarget>(&path)?;
        let mut now = OfTarget { target: target.to_owned(), digests };
        if let (Some(before), false) = (&before, all) {
            now.digests.extend(&before.digests);
        }
        if before.as_ref() == Some(&now) {
            return Ok(());
        }
        let write = |source| StateError::Write { path: self.directory.clone(), source };
        fs::create_dir_all(&self.directory).map_err(write)?;
        write_json(&path, &now)?;
        let wanted = self.wanted()?;
        store.prune(&wanted, YOUNG).map_err(write)
    }

    /// All that is referred to by target directories that are still there.
    fn wanted(&self) -> Result<BTreeSet<Digest>, StateError> {
        let read = |source| StateError::Read { path: self.directory.clone(), source };
        let mut wanted = BTreeSet::new();
        for entry in fs::read_dir(&self.directory).map_err(read)? {
            let path = entry.map_err(read)?.path();
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            let Some(of_target) = read_json::<OfTarget>(&path)? else { continue };
            if of_target.target.join(".togusa").is_dir() {
                wanted.extend(of_target.digests);
            } else if let Err(error) = fs::remove_file(&path)
                && error.kind() != io::ErrorKind::NotFound
            {
                return Err(StateError::Write { path, source: error });
            }
        }
        Ok(wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_target_refers_to_any_more_is_removed_once_it_is_old() {
        let home = tempfile::tempdir().unwrap();
        let contents = home.path().join("assets");
        let store = DiskStore::open(contents.clone()).unwrap();
        let references = References::beside(&contents);
        let put = |text: &str, age: u64| {
            let digest = Digest::of(text.as_bytes());
            let path = contents.join(digest.to_string());
            fs::write(&path, text).unwrap();
            let then = std::time::SystemTime::now() - Duration::from_secs(age);
            fs::File::options().append(true).open(path).unwrap().set_modified(then).unwrap();
            digest
        };
        let there = |digest: Digest| contents.join(digest.to_string()).exists();
        let [a, b] = ["a", "b"].map(|name| home.path().join(name));
        [&a, &b].iter().for_each(|target| fs::create_dir_all(target.join(".togusa")).unwrap());
        let (shared, own, other, young) =
            (put("shared", 7200), put("own", 7200), put("other", 7200), put("young", 60));

        references.note(&a, [shared, own].into(), true, &store).unwrap();
        assert!(there(shared) && there(own) && there(young) && !there(other));

        references.note(&b, [shared].into(), true, &store).unwrap();
        references.note(&a, [young].into(), false, &store).unwrap();
        assert!(there(own), "a deployment of some roots drops nothing of the others");
        references.note(&a, [young].into(), true, &store).unwrap();
        assert!(there(shared) && !there(own));

        fs::remove_dir_all(b.join(".togusa")).unwrap();
        references.note(&a, [].into(), true, &store).unwrap();
        assert!(!there(shared), "a target directory that is gone refers to nothing");
    }
}
