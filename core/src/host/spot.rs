//! A name in a directory that is held open: what is done there is done nowhere else.

use std::ffi::{OsStr, OsString};
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context as _, Result};
use rustix::fs::{self, AtFlags, Dir, FileType, Mode, OFlags, Stat, Timespec, Timestamps};
use rustix::io::Errno;
use rustix::process::{Gid, Uid};

use super::walk;
use crate::fault::Remedied;
use crate::problem::code;
use crate::step::step;
use crate::{demand, fail};

/// How deep directories may be nested that are removed at once.
const DEEPEST: usize = 500;

/// A name in a directory; a link that lies there is never followed.
#[derive(Debug)]
pub(super) struct Spot {
    directory: OwnedFd,
    name: OsString,
    path: PathBuf,
}

impl Spot {
    /// Finds the place of a path: links on the way are followed by the rule of [`walk`].
    pub(super) fn find(path: &Path) -> io::Result<Self> {
        let (directory, name) = match (path.parent(), path.file_name()) {
            (Some(parent), Some(name)) => (walk::open_directory(parent)?, name.to_owned()),
            _ => (walk::open_directory(path)?, ".".into()),
        };
        Ok(Self { directory, name, path: path.to_owned() })
    }

    /// The same for what is to be made or replaced; the root of the system has no name.
    pub(super) fn named(path: &Path) -> io::Result<Self> {
        let spot = Self::find(path)?;
        if spot.name == "." {
            return Err(io::Error::new(ErrorKind::IsADirectory, "the path has no file name"));
        }
        Ok(spot)
    }

    pub(super) fn directory(&self) -> &OwnedFd {
        &self.directory
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn name(&self) -> &OsStr {
        &self.name
    }

    /// What lies there; `None` if nothing does.
    pub(super) fn stat(&self) -> io::Result<Option<Stat>> {
        match fs::statat(&self.directory, &self.name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat)),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Where a link leads.
    pub(super) fn read_link(&self) -> io::Result<PathBuf> {
        let target = fs::readlinkat(&self.directory, &self.name, Vec::new())?;
        Ok(OsStr::from_bytes(target.as_bytes()).into())
    }

    /// Makes an empty directory.
    pub(super) fn make_directory(&self, mode: u32) -> io::Result<()> {
        Ok(fs::mkdirat(&self.directory, &self.name, Mode::from_raw_mode(mode))?)
    }

    /// Holds what lies there, whatever takes its place.
    pub(super) fn hold(&self) -> io::Result<Held> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let descriptor = fs::openat(&self.directory, &self.name, flags, Mode::empty())?;
        let stat = fs::fstat(&descriptor)?;
        Ok(Held { descriptor, stat, path: self.path.clone() })
    }

    /// Removes what lies there, a directory with all that it holds.
    pub(super) fn remove(&self) -> io::Result<()> {
        remove(&self.directory, &self.name, 0)?;
        step("removed");
        self.sync()
    }

    /// Writes the names in the directory to the disk, where it may be opened for that.
    pub(super) fn sync(&self) -> io::Result<()> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        match fs::openat(&self.directory, ".", flags, Mode::empty()) {
            Ok(opened) => match fs::fsync(opened) {
                Ok(()) | Err(Errno::INVAL) => {}
                Err(error) => return Err(error.into()),
            },
            Err(Errno::ACCESS) => {}
            Err(error) => return Err(error.into()),
        }
        step("directory-fsync");
        Ok(())
    }
}

/// The names in a directory that is held.
pub(super) fn names(directory: impl AsFd) -> io::Result<Vec<OsString>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let opened = fs::openat(directory, ".", flags, Mode::empty())?;
    let mut found = Vec::new();
    for entry in Dir::new(opened)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            found.push(OsStr::from_bytes(name).to_owned());
        }
    }
    Ok(found)
}

/// Removes by name, and a directory from below: each is opened beneath the one that holds it.
fn remove(directory: &OwnedFd, name: &OsStr, depth: usize) -> io::Result<()> {
    match fs::unlinkat(directory, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => return Ok(()),
        // What Linux and what the standard say of a directory.
        Err(Errno::ISDIR | Errno::PERM) => {}
        Err(error) => return Err(error.into()),
    }
    if depth == DEEPEST {
        return Err(io::Error::other(format!("directories are nested deeper than {DEEPEST}")));
    }
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let below = match fs::openat(directory, name, flags, Mode::empty()) {
        Err(Errno::NOTDIR) => {
            // It may not be unlinked, and is no directory.
            return Ok(fs::unlinkat(directory, name, AtFlags::empty())?);
        }
        below => below?,
    };
    for name in names(&below)? {
        remove(&below, &name, depth + 1)?;
    }
    match fs::unlinkat(directory, name, AtFlags::REMOVEDIR) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Something that is held open, whatever its name leads to meanwhile.
#[derive(Debug)]
pub(super) struct Held {
    descriptor: OwnedFd,
    stat: Stat,
    path: PathBuf,
}

impl Held {
    pub(super) fn is_directory(&self) -> bool {
        FileType::from_raw_mode(self.stat.st_mode) == FileType::Directory
    }

    /// Sets the owner and the group, those that are given and differ.
    pub(super) fn change_owner(&self, uid: Option<u32>, gid: Option<u32>) -> io::Result<()> {
        let uid = uid.filter(|wanted| *wanted != self.stat.st_uid).map(Uid::from_raw);
        let gid = gid.filter(|wanted| *wanted != self.stat.st_gid).map(Gid::from_raw);
        if uid.is_none() && gid.is_none() {
            return Ok(());
        }
        self.check_names()?;
        Ok(fs::chownat(&self.descriptor, "", uid, gid, AtFlags::EMPTY_PATH)?)
    }

    /// Sets the permission bits; a link has none.
    pub(super) fn change_mode(&self, mode: u32) -> Result<()> {
        let kind = FileType::from_raw_mode(self.stat.st_mode);
        demand!(kind != FileType::Symlink, code::IN_THE_WAY, "it is a link");
        self.check_names()?;
        // The call that takes a descriptor of this kind is newer than the kernels of many hosts.
        let path = format!("/proc/self/fd/{}", self.descriptor.as_raw_fd());
        match fs::chmod(path, Mode::from_raw_mode(mode & 0o7777)) {
            Err(Errno::NOENT) => fail!(code::NO_PROC, "`/proc` is not mounted"),
            changed => Ok(changed.map_err(io::Error::from)?),
        }
    }

    /// Sets the time of the last change of its content; a link has none that counts.
    pub(super) fn change_modified(&self, time: SystemTime) -> Result<()> {
        let kind = FileType::from_raw_mode(self.stat.st_mode);
        demand!(kind != FileType::Symlink, code::IN_THE_WAY, "it is a link");
        self.check_names()?;
        // What was before 1970 counts as then.
        let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let seconds = i64::try_from(since.as_secs()).context("the time is too far away")?;
        let nanoseconds = i64::from(since.subsec_nanos());
        let modified = Timespec { tv_sec: seconds, tv_nsec: nanoseconds };
        let kept = Timespec { tv_sec: 0, tv_nsec: fs::UTIME_OMIT };
        let times = Timestamps { last_access: kept, last_modification: modified };
        let path = format!("/proc/self/fd/{}", self.descriptor.as_raw_fd());
        match fs::utimensat(fs::CWD, path, &times, AtFlags::empty()) {
            Err(Errno::NOENT) => fail!(code::NO_PROC, "`/proc` is not mounted"),
            changed => Ok(changed.map_err(io::Error::from)?),
        }
    }

    /// Refuses a file that somebody else may have given a second name here: it would be changed
    /// where its first name lies.
    fn check_names(&self) -> io::Result<()> {
        if self.is_directory() || self.stat.st_nlink <= 1 {
            return Ok(());
        }
        if walk::is_ours(&self.path)? {
            return Ok(());
        }
        Err(Remedied::error(
            code::LED_ASTRAY,
            "it is known by several names, and its directory is open to other users".into(),
            "remove it, so that it is made anew, or let its directory belong to root or to the \
             converging user, writable by nobody else"
                .into(),
        ))
    }
}
