//! Looking at files.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rustix::fs::{self, OFlags, Stat};

use crate::assets::Asset;
use crate::demand;
use crate::digest::Digest;
use crate::host::spot::{self, Spot};
use crate::host::{Entry, Probe, entry, walk};
use crate::path::HostPath;
use crate::problem::code;
use crate::verdict::{Change, Verdict};

/// Up to this size a file is compared in one buffer that the thread keeps.
const SMALL: u64 = 64 * 1024;

thread_local! {
    static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

impl Probe<'_> {
    /// What lies at a path, without following a link there; `None` if nothing does.
    ///
    /// # Errors
    /// The path cannot be looked at.
    pub fn entry(&self, path: &HostPath) -> Result<Option<Entry>> {
        let local = self.local(path);
        match Spot::find(&local).and_then(|spot| spot.stat()) {
            Ok(stat) => Ok(stat.map(Entry::from)),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => {
                Err(error).with_context(|| format!("cannot look at `{}`", local.display()))
            }
        }
    }

    /// The content of a file.
    ///
    /// # Errors
    /// The file is missing or cannot be read.
    pub fn read(&self, path: &HostPath) -> Result<Vec<u8>> {
        let path = self.local(path);
        let read = || -> io::Result<Vec<u8>> {
            let mut bytes = Vec::new();
            open(&path)?.read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        read().with_context(|| format!("cannot read `{}`", path.display()))
    }

    /// A file to read, for content that has no place in memory; a link at its end is followed.
    ///
    /// # Errors
    /// The file is missing or cannot be read.
    pub fn open(&self, path: &HostPath) -> Result<File> {
        let path = self.local(path);
        open(&path).with_context(|| format!("cannot read `{}`", path.display()))
    }

    /// The content of a file as text.
    ///
    /// # Errors
    /// The file is missing, cannot be read, or is not UTF-8.
    pub fn read_to_string(&self, path: &HostPath) -> Result<String> {
        let path = self.local(path);
        let text = open(&path).and_then(io::read_to_string);
        text.with_context(|| format!("cannot read `{}`", path.display()))
    }

    /// The digest of a file's content, and its size.
    ///
    /// # Errors
    /// The file is missing or cannot be read.
    pub fn digest(&self, path: &HostPath) -> Result<(Digest, u64)> {
        let path = self.local(path);
        let digest = open(&path).and_then(Digest::of_reader);
        digest.with_context(|| format!("cannot read `{}`", path.display()))
    }

    /// Whether nobody but root and the converging user can put something else in the place of a
    /// path, or of a directory on the way to it.
    ///
    /// What lies elsewhere may be another thing a moment later: it is better replaced than changed.
    ///
    /// # Errors
    /// The way cannot be looked at, or a link on it is not followed.
    pub fn is_own_place(&self, path: &HostPath) -> Result<bool> {
        let path = self.local(path);
        walk::is_ours(&path).with_context(|| format!("cannot look at `{}`", path.display()))
    }

    /// Whether a regular file lies at the path and has the content of an asset.
    ///
    /// Anything else there, also a link to such a file, does not match.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn matches(&self, path: &HostPath, asset: &Asset) -> Result<bool> {
        let path = self.local(path);
        file_matches(&path, asset).with_context(|| format!("cannot read `{}`", path.display()))
    }

    /// Where a link leads, as it is written there.
    ///
    /// # Errors
    /// There is no link.
    pub fn read_link(&self, path: &HostPath) -> Result<PathBuf> {
        let path = self.local(path);
        let target = Spot::find(&path).and_then(|spot| spot.read_link());
        target.with_context(|| format!("cannot read link `{}`", path.display()))
    }

    /// The names in a directory, sorted.
    ///
    /// # Errors
    /// The directory is missing or cannot be read.
    pub fn list(&self, path: &HostPath) -> Result<Vec<String>> {
        let path = self.local(path);
        let names = walk::open_directory(&path).and_then(spot::names);
        let names = names.with_context(|| format!("cannot read directory `{}`", path.display()))?;
        let mut names: Vec<_> =
            names.iter().map(|name| name.to_string_lossy().into_owned()).collect();
        names.sort();
        Ok(names)
    }

    /// Whether a target is there and not older than any of the files that it is made from.
    ///
    /// # Errors
    /// One of the inputs is missing, or something cannot be looked at.
    pub fn is_current(&self, target: &HostPath, inputs: &[HostPath]) -> Result<Verdict> {
        let made = self.modified(target)?;
        let mut verdict = Verdict::current();
        if made.is_none() {
            verdict.push(Change::create(format!("`{}`", self.local(target).display())));
        }
        for input in inputs {
            let changed = self.modified(input)?;
            let local = self.local(input);
            demand!(changed.is_some(), code::NO_FILE, "input `{}` is missing", local.display());
            if made.is_some() && made < changed {
                let target = self.local(target);
                let (target, input) = (target.display(), local.display());
                verdict.push(format!("`{target}` is older than `{input}`"));
            }
        }
        Ok(verdict)
    }

    /// When the content behind a path was last changed; `None` if nothing is there.
    fn modified(&self, path: &HostPath) -> Result<Option<std::time::SystemTime>> {
        let path = self.local(path);
        match walk::open(&path, OFlags::PATH).and_then(|held| Ok(fs::fstat(held)?)) {
            Ok(stat) => Ok(Some(entry::modified(&stat))),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => {
                Err(error).with_context(|| format!("cannot look at `{}`", path.display()))
            }
        }
    }

    /// Whether a path leads to a directory, also through a link at its end.
    pub(in crate::host) fn leads_to_directory(&self, path: &HostPath) -> Result<bool> {
        let path = self.local(path);
        match walk::open_directory(&path) {
            Ok(_) => Ok(true),
            Err(error) if is_missing(&error) => Ok(false),
            Err(error) => {
                Err(error).with_context(|| format!("cannot look at `{}`", path.display()))
            }
        }
    }
}

pub(in crate::host) fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

/// Opens a file to read it, by the rule for links also through one.
fn open(path: &Path) -> io::Result<File> {
    Ok(walk::open(path, OFlags::RDONLY)?.into())
}

/// Compares sizes first; the content is read once, small ones without allocating anything.
fn file_matches(path: &Path, asset: &Asset) -> io::Result<bool> {
    // A pipe must not block the run, and a link is no file.
    let mut file = match walk::open_itself(path, OFlags::RDONLY | OFlags::NONBLOCK) {
        Ok(opened) => File::from(opened),
        Err(error) if is_missing(&error) => return Ok(false),
        Err(error) => {
            let is_other = |stat: Stat| !Entry::from(stat).is_file();
            let found = Spot::find(path)?.stat()?;
            return if found.is_some_and(is_other) { Ok(false) } else { Err(error) };
        }
    };
    let metadata = file.metadata()?;
    if !metadata.is_file() || metadata.len() != asset.size {
        return Ok(false);
    }
    if asset.size > SMALL {
        return Ok(Digest::of_reader(file)?.0 == asset.digest);
    }
    BUFFER.with_borrow_mut(|buffer| {
        // One byte more, so that a file that grows meanwhile is seen as another.
        let wanted = usize::try_from(asset.size).unwrap_or(usize::MAX).saturating_add(1);
        if buffer.len() < wanted {
            buffer.resize(wanted, 0);
        }
        let mut length = 0;
        while length < wanted {
            match file.read(&mut buffer[length..wanted]) {
                Ok(0) => break,
                Ok(count) => length += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Digest::of(&buffer[..length]) == asset.digest)
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::host::EntryKind;
    use crate::host::site::tests::TestSite;

    #[test]
    fn an_entry_describes_a_link_itself() {
        let test = TestSite::new();
        fs::write(test.file("a"), "abc").unwrap();
        fs::set_permissions(test.file("a"), fs::Permissions::from_mode(0o4751)).unwrap();
        symlink("a", test.file("link")).unwrap();
        let entry = |below: &str| test.probe().entry(&test.path(below)).unwrap();

        let file = entry("a").unwrap();
        assert_eq!((file.kind, file.mode, file.size), (EntryKind::File, 0o4751, 3));
        assert_eq!(entry("link").unwrap().kind, EntryKind::Symlink);
        assert_eq!(entry("").unwrap().kind, EntryKind::Directory);
        assert_eq!(entry("nothing"), None);
        assert_eq!(entry("a/below"), None);
        assert_eq!(test.probe().read_link(&test.path("link")).unwrap(), PathBuf::from("a"));
    }

    #[test]
    fn a_file_matches_an_asset_only_with_the_same_content() {
        let test = TestSite::new();
        let large = vec![7; 200_000];
        for content in [b"".as_slice(), b"abc", &[1; 65_536], &large] {
            let asset = test.asset("x", content);
            let matches = || test.probe().matches(&test.path("x"), &asset).unwrap();
            let _ = fs::remove_file(test.file("x"));
            assert!(!matches(), "missing");
            fs::write(test.file("x"), content).unwrap();
            assert!(matches(), "{} bytes", content.len());
            fs::write(test.file("x"), [content, b"!"].concat()).unwrap();
            assert!(!matches(), "longer");
            if let Some((_, start)) = content.split_last() {
                fs::write(test.file("x"), [start, b"!"].concat()).unwrap();
                assert!(!matches(), "the last byte differs");
            }
        }
    }

    #[test]
    fn a_link_a_directory_or_a_pipe_matches_no_asset() {
        let test = TestSite::new();
        let asset = test.asset("x", b"abc");
        fs::write(test.file("real"), "abc").unwrap();
        symlink("real", test.file("link")).unwrap();
        fs::create_dir(test.file("directory")).unwrap();
        let pipe = test.file("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, pipe, rustix::fs::Mode::RWXU).unwrap();
        for name in ["link", "directory", "pipe", "real/below"] {
            assert!(!test.probe().matches(&test.path(name), &asset).unwrap(), "{name}");
        }
        assert!(test.probe().matches(&test.path("real"), &asset).unwrap());
    }

    #[test]
    fn what_cannot_be_read_is_an_error_with_its_path() {
        let test = TestSite::new();
        let path = test.file("nothing").display().to_string();
        let nothing = test.path("nothing");
        let probe = test.probe();
        let errors = [
            probe.read(&nothing).unwrap_err(),
            probe.open(&nothing).unwrap_err(),
            probe.read_to_string(&nothing).unwrap_err(),
            probe.digest(&nothing).unwrap_err(),
            probe.read_link(&nothing).unwrap_err(),
            probe.list(&nothing).unwrap_err(),
        ];
        for error in errors {
            assert!(error.to_string().contains(&format!("`{path}`")), "{error}");
        }
    }

    #[test]
    fn a_target_is_stale_when_missing_or_older_than_an_input() {
        let test = TestSite::new();
        let at = |name: &str, seconds: u64| {
            let file = File::create(test.file(name)).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)).unwrap();
        };
        let inputs = [test.path("in1"), test.path("in2")];
        let verdict = || test.probe().is_current(&test.path("out"), &inputs);
        at("in1", 100);
        assert!(verdict().unwrap_err().to_string().contains("in2` is missing"));
        at("in2", 200);
        assert!(verdict().unwrap().changes()[0].to_string().starts_with("create `"));
        at("out", 150);
        let older = verdict().unwrap();
        assert_eq!(older.changes().len(), 1);
        assert!(older.changes()[0].to_string().contains("in2"));
        at("out", 200);
        assert!(verdict().unwrap().is_current());
    }
}
