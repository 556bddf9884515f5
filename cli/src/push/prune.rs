//! Removing binaries that no coordinator asks for any more.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use togusa_core::digest::Digest;

use super::own::SEAL;

/// What was used within this time stays: a start may have found it just now.
const JUST_USED: Duration = Duration::from_secs(60 * 60);
/// An upload that is older was killed.
const ABANDONED: Duration = Duration::from_secs(24 * 60 * 60);
/// How the temporary file of an upload is named, as the script of the push does.
const UPLOAD: &str = ".push-";

/// Removes old binaries of a project from its directory in the store.
///
/// There remain: the one with the own digest, the one that was used last beside it (two people who
/// deploy in turns need not push each time), what was used within the last hour, and whatever else
/// lies there. A binary is used when its agent starts, which sets its time of modification.
/// Temporary files of uploads go after a day.
///
/// # Errors
/// The directory cannot be read, or a file cannot be removed; the others are removed nevertheless.
pub fn prune(store_of_project: &Path, own_digest: &str) -> io::Result<()> {
    let now = SystemTime::now();
    let mut others: Vec<(Duration, PathBuf)> = Vec::new();
    let mut result = Ok(());
    for entry in fs::read_dir(store_of_project)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        let is_upload = name.starts_with(UPLOAD);
        if name == own_digest || !(is_upload || name.parse::<Digest>().is_ok()) {
            continue;
        }
        let modified = match entry.metadata().and_then(|metadata| metadata.modified()) {
            Ok(modified) => modified,
            // Another agent removed it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        // What is of the future is not old.
        let age = now.duration_since(modified).unwrap_or(Duration::ZERO);
        if !is_upload {
            others.push((age, entry.path()));
        } else if age > ABANDONED {
            result = result.and(remove(&entry.path()));
        }
    }
    others.sort();
    for (age, path) in others.iter().skip(1) {
        if *age > JUST_USED {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let seal = path.with_file_name(format!("{SEAL}{name}"));
            result = result.and(remove(path)).and(remove(&seal));
        }
    }
    result
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    const HOUR: u64 = 60 * 60;

    #[test]
    fn the_own_the_last_other_and_the_just_used_stay() {
        let store = tempfile::tempdir().unwrap();
        let digest = |letter: &str| letter.repeat(64);
        let ages = [
            (digest("a"), 900 * HOUR),
            (digest("b"), 30 * HOUR),
            (digest("c"), 2 * HOUR),
            (digest("d"), 3 * HOUR),
            (format!("{SEAL}{}", digest("b")), HOUR),
            (format!("{SEAL}{}", digest("c")), HOUR),
            (".push-1".to_owned(), 25 * HOUR),
            (".push-2".to_owned(), 23 * HOUR),
            ("notes".to_owned(), 900 * HOUR),
        ];
        for (name, age) in &ages {
            let file = File::create(store.path().join(name)).unwrap();
            file.set_modified(SystemTime::now() - Duration::from_secs(*age)).unwrap();
        }
        let remaining = || {
            let mut names: Vec<_> = fs::read_dir(store.path())
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            names.sort();
            names
        };
        prune(store.path(), &digest("a")).unwrap();
        let seal = format!("{SEAL}{}", digest("c"));
        assert_eq!(remaining(), [&seal, ".push-2", &digest("a"), &digest("c"), "notes"]);

        for letter in ["d", "e"] {
            File::create(store.path().join(digest(letter))).unwrap();
        }
        prune(store.path(), &digest("a")).unwrap();
        let all = [".push-2", &digest("a"), &digest("d"), &digest("e"), "notes"];
        assert_eq!(remaining(), all);
    }

    #[test]
    fn a_directory_that_is_gone_is_an_error() {
        assert!(prune(Path::new("/proc/none"), "a").is_err());
    }
}
