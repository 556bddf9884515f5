//! Finding the way to a path without being led astray by whom a directory on it belongs to.
//!
//! Who may write into a directory may put a link into it, also between a look and a change. A link
//! is therefore followed only where nobody but root and the agent's own user can have put it; each
//! part of the way is opened below the descriptor of the one before.

use std::ffi::{OsStr, OsString};
use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{self, CWD, FileType, Mode, OFlags, ResolveFlags, Stat};
use rustix::io::Errno;

use crate::accounts::SYSTEM;
use crate::fault::Remedied;
use crate::problem::{Problem, code};

/// How many links may lie on one way, as for the system itself.
const MOST_LINKS: usize = 40;

/// How a directory on the way is opened: to go on from there, whoever may read it.
const DIRECTORY: OFlags =
    OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// What is done with a link at the end of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LastLink {
    /// The path means the link.
    Stay,
    /// The path means what the link leads to.
    Follow,
}

/// The end of a way: a name in a directory.
#[derive(Debug)]
struct End {
    directory: OwnedFd,
    name: OsString,
    /// Whether nobody but root and the agent's own user can put something else in the place.
    is_ours: bool,
}

impl End {
    fn open(&self, flags: OFlags) -> io::Result<OwnedFd> {
        let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(fs::openat(&self.directory, &self.name, flags, Mode::empty())?)
    }
}

/// Opens what lies at a path that holds no link at all; `None` where the way must be walked.
fn open_directly(path: &Path, flags: OFlags) -> io::Result<Option<OwnedFd>> {
    let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match fs::openat2(CWD, path, flags, Mode::empty(), ResolveFlags::NO_SYMLINKS) {
        Ok(opened) => Ok(Some(opened)),
        // A link; or a kernel, or a container's filter, that does not know the call.
        Err(Errno::LOOP | Errno::NOTDIR | Errno::NOSYS | Errno::PERM) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Opens a directory, by the rule also through a link at its end, to go on from there.
pub(super) fn open_directory(path: &Path) -> io::Result<OwnedFd> {
    open(path, DIRECTORY)
}

/// Opens what lies at a path; a link at its end is an error.
pub(super) fn open_itself(path: &Path, flags: OFlags) -> io::Result<OwnedFd> {
    match open_directly(path, flags)? {
        Some(opened) => Ok(opened),
        None => walk(path, LastLink::Stay)?.open(flags),
    }
}

/// Opens what a path leads to, by the rule also through a link at its end.
pub(super) fn open(path: &Path, flags: OFlags) -> io::Result<OwnedFd> {
    if let Some(opened) = open_directly(path, flags)? {
        return Ok(opened);
    }
    // A link that took its place meanwhile is an error, not followed.
    walk(path, LastLink::Follow)?.open(flags)
}

/// Whether nobody but root and the agent's own user can put something else in the place of a path.
pub(super) fn is_ours(path: &Path) -> io::Result<bool> {
    Ok(walk(path, LastLink::Stay)?.is_ours)
}

/// Refuses a directory for the state of a root agent that somebody else could replace: what root
/// writes there would land where they want it.
pub(crate) fn require_own_way(path: &Path) -> Result<(), Problem> {
    if own_uid() != 0 {
        return Ok(());
    }
    let there = path.ancestors().find(|above| above.is_dir()).unwrap_or(Path::new("/"));
    match is_ours(&there.join("state")) {
        Ok(true) => Ok(()),
        Ok(false) => {
            let message =
                format!("others may write on the way to target directory `{}`", path.display());
            Err(Problem::new(code::TARGET_OPEN, message).hint(
                "an agent that converges as root keeps its state where root alone may write: set \
                 `target_directory` to a path such as `/var/lib/deployment`",
            ))
        }
        Err(error) => {
            let message = format!("cannot look at target directory `{}`", path.display());
            Err(Problem::from_error(
                &anyhow::Error::new(error).context(message),
                code::STATE_UNUSABLE,
            ))
        }
    }
}

/// Goes to the directory that holds the last part of a path, step by step.
fn walk(path: &Path, last: LastLink) -> io::Result<End> {
    let start = if path.is_absolute() { "/" } else { "." };
    let start = fs::openat(CWD, start, DIRECTORY, Mode::empty())?;
    let stat = fs::fstat(&start)?;
    let mut way =
        Way { steps: vec![Step { descriptor: start, stat }], place: "/".into(), is_ours: true };
    let mut ahead = Vec::new();
    put_ahead(&mut ahead, path);
    let mut links = 0;
    while let Some(name) = ahead.pop() {
        if name == ".." {
            way.back();
            continue;
        }
        let is_last = ahead.is_empty();
        let opened = way.open(&name);
        let (descriptor, stat) = match opened {
            Err(Errno::NOENT) if is_last => return way.end(name, None),
            Err(error) => return Err(error.into()),
            Ok(opened) => opened,
        };
        let is_link = kind(&stat) == FileType::Symlink;
        if is_last && (!is_link || last == LastLink::Stay) {
            return way.end(name, Some(&stat));
        }
        if is_link {
            links += 1;
            if links > MOST_LINKS {
                return Err(Errno::LOOP.into());
            }
            way.check(&name, &stat)?;
            let target = fs::readlinkat(&descriptor, "", Vec::new())?;
            let target = PathBuf::from(OsString::from_vec(target.into_bytes()));
            if target.is_absolute() {
                way.start_over();
            }
            put_ahead(&mut ahead, &target);
        } else if kind(&stat) == FileType::Directory {
            way.enter(&name, descriptor, stat);
        } else {
            return Err(Errno::NOTDIR.into());
        }
    }
    way.end(OsString::from("."), None)
}

/// Puts the parts of a path before those that are still ahead; the next one is the last.
fn put_ahead(ahead: &mut Vec<OsString>, path: &Path) {
    let parts = path.components().rev().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some(OsString::from("..")),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    });
    ahead.extend(parts);
}

/// The directories from the root to where the walk has come.
struct Way {
    steps: Vec<Step>,
    /// Where the walk has come, for messages.
    place: PathBuf,
    /// Whether nobody else could have led it elsewhere.
    is_ours: bool,
}

struct Step {
    descriptor: OwnedFd,
    stat: Stat,
}

impl Way {
    fn top(&self) -> &Step {
        // The first step is never taken back.
        &self.steps[self.steps.len() - 1]
    }

    fn open(&self, name: &OsStr) -> Result<(OwnedFd, Stat), Errno> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let opened = fs::openat(&self.top().descriptor, name, flags, Mode::empty())?;
        let stat = fs::fstat(&opened)?;
        Ok((opened, stat))
    }

    fn enter(&mut self, name: &OsStr, descriptor: OwnedFd, stat: Stat) {
        self.is_ours &= Holder::of(&self.top().stat).guards(stat.st_uid);
        self.place.push(name);
        self.steps.push(Step { descriptor, stat });
    }

    fn back(&mut self) {
        if self.steps.len() > 1 {
            self.steps.pop();
            self.place.pop();
        }
    }

    fn start_over(&mut self) {
        self.steps.truncate(1);
        self.place = PathBuf::from("/");
    }

    /// Refuses a link that somebody else can have put there.
    fn check(&self, name: &OsStr, link: &Stat) -> io::Result<()> {
        let holder = Holder::of(&self.top().stat);
        if holder.guards(link.st_uid) {
            return Ok(());
        }
        let named = |uid: u32| match SYSTEM.user_name(uid) {
            Ok(Some(name)) => name,
            // The number says as much.
            Ok(None) | Err(_) => uid.to_string(),
        };
        let place = self.place.display();
        let whose = if holder.is_trusted {
            format!("others may write into `{place}`")
        } else {
            format!("`{place}` belongs to user `{}`", named(self.top().stat.st_uid))
        };
        let link_path = self.place.join(name);
        Err(Remedied::error(
            code::LED_ASTRAY,
            format!(
                "`{}` is a link of user `{}` that is not followed: {whose}",
                link_path.display(),
                named(link.st_uid)
            ),
            format!(
                "name the real path instead of the link, or let `{place}` belong to root or to the \
                 converging user, writable by nobody else, or converge as its owner"
            ),
        ))
    }

    fn end(mut self, name: OsString, stat: Option<&Stat>) -> io::Result<End> {
        let Some(Step { descriptor, stat: holder }) = self.steps.pop() else {
            return Err(ErrorKind::NotFound.into());
        };
        let owner = stat.map_or_else(own_uid, |stat| stat.st_uid);
        let is_ours = self.is_ours && Holder::of(&holder).guards(owner);
        Ok(End { directory: descriptor, name, is_ours })
    }
}

/// Who may put something into a directory.
#[derive(Clone, Copy, Debug)]
struct Holder {
    /// The owner is root or the agent's own user.
    is_trusted: bool,
    /// Somebody else may write into it.
    is_shared: bool,
    /// Each may take away only what is their own.
    is_sticky: bool,
}

impl Holder {
    fn of(directory: &Stat) -> Self {
        Self::new(directory.st_uid, directory.st_mode, || is_own_group(directory.st_gid))
    }

    fn new(owner: u32, mode: u32, is_own_group: impl FnOnce() -> bool) -> Self {
        Self {
            is_trusted: is_trusted(owner),
            is_shared: mode & 0o002 != 0 || mode & 0o020 != 0 && !is_own_group(),
            is_sticky: mode & 0o1000 != 0,
        }
    }

    /// Whether what that user owns in the directory was put there by root or the agent's own user,
    /// and stays as long as they want.
    fn guards(self, owner: u32) -> bool {
        self.is_trusted && (!self.is_shared || self.is_sticky && is_trusted(owner))
    }
}

fn is_trusted(uid: u32) -> bool {
    uid == 0 || uid == own_uid()
}

fn own_uid() -> u32 {
    crate::system::user_id()
}

/// Whether a group is the agent's own, with nobody else in it: many systems give each user one.
fn is_own_group(gid: u32) -> bool {
    // Who is in a group that cannot be read is not known.
    gid == rustix::process::getegid().as_raw()
        && SYSTEM.is_group_of_one(gid, own_uid()).unwrap_or(false)
}

fn kind(stat: &Stat) -> FileType {
    FileType::from_raw_mode(stat.st_mode)
}

#[cfg(test)]
mod tests;
