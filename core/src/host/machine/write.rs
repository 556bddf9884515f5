//! Writing files so that nobody ever sees a part of one.

use std::fmt;
use std::fs::{File, Permissions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::sync::OnceLock;

use anyhow::{Context, Result};
use rustix::fs::{FileType, OFlags, Stat};

use super::temporary::{self, Temporary};
use crate::assets::{Asset, AssetError};
use crate::demand;
use crate::digest::Digest;
use crate::host::spot::Spot;
use crate::host::{Machine, Ownership, walk};
use crate::path::HostPath;
use crate::problem::code;
use crate::step::step;

/// What is written into a file.
pub enum Content<'a> {
    /// Bytes in memory.
    Bytes(&'a [u8]),
    /// An asset; its digest is compared while it is copied.
    Asset(&'a Asset),
    /// All that a reader gives.
    Reader(Box<dyn Read + 'a>),
}

impl fmt::Debug for Content<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(f, "Bytes({})", bytes.len()),
            Self::Asset(asset) => asset.fmt(f),
            Self::Reader(_) => f.write_str("Reader"),
        }
    }
}

/// How a file is put into its place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// A directory there is an error.
    Write,
    Replace,
    /// The disk is not waited for.
    ReplaceUnsynced,
}

impl<'a> From<&'a [u8]> for Content<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Bytes(bytes)
    }
}

impl<'a> From<&'a Vec<u8>> for Content<'a> {
    fn from(bytes: &'a Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl<'a> From<&'a str> for Content<'a> {
    fn from(text: &'a str) -> Self {
        Self::Bytes(text.as_bytes())
    }
}

impl<'a> From<&'a String> for Content<'a> {
    fn from(text: &'a String) -> Self {
        Self::Bytes(text.as_bytes())
    }
}

impl<'a> From<&'a Asset> for Content<'a> {
    fn from(asset: &'a Asset) -> Self {
        Self::Asset(asset)
    }
}

impl Machine<'_> {
    /// Writes a file: at every moment, also after a crash, there is the old or the new one.
    ///
    /// What lies at the path is replaced, a link itself and not what it leads to; a directory is
    /// an error. Mode and owner are in effect before anybody sees content.
    ///
    /// # Errors
    /// The content cannot be had, the directory is missing, the disk is full, or the owner does not
    /// exist or may not be set. What was there is then untouched.
    pub fn write<'c>(
        &self,
        path: &HostPath,
        content: impl Into<Content<'c>>,
        ownership: &Ownership,
    ) -> Result<()> {
        self.put(path, content.into(), ownership, Way::Write)
    }

    /// Writes a file like [`write`](Self::write); a directory at the path is removed with all that
    /// it holds, just before the file takes its place.
    ///
    /// # Errors
    /// As for [`write`](Self::write), or the directory cannot be removed.
    pub fn replace<'c>(
        &self,
        path: &HostPath,
        content: impl Into<Content<'c>>,
        ownership: &Ownership,
    ) -> Result<()> {
        self.put(path, content.into(), ownership, Way::Replace)
    }

    /// Writes a file like [`replace`](Self::replace), one of so many that the disk is not waited for
    /// each time. [`sync`](Self::sync) does so for all of them, and only after that may be noted
    /// anywhere that they are written: when the machine loses its power before, a file can be empty.
    ///
    /// # Errors
    /// As for [`replace`](Self::replace).
    pub fn replace_unsynced<'c>(
        &self,
        path: &HostPath,
        content: impl Into<Content<'c>>,
        ownership: &Ownership,
    ) -> Result<()> {
        self.put(path, content.into(), ownership, Way::ReplaceUnsynced)
    }

    /// Waits until all that was written in the file system of a directory is on the disk.
    ///
    /// # Errors
    /// The directory cannot be opened, or the disk failed.
    pub fn sync(&self, directory: &HostPath) -> Result<()> {
        let local = self.local(directory);
        let sync = || -> Result<()> {
            let opened = walk::open(&local, OFlags::RDONLY | OFlags::DIRECTORY)?;
            Ok(rustix::fs::syncfs(opened)?)
        };
        sync().with_context(|| format!("cannot write `{}` to the disk", local.display()))?;
        step("syncfs");
        Ok(())
    }

    fn put(
        &self,
        path: &HostPath,
        content: Content<'_>,
        ownership: &Ownership,
        way: Way,
    ) -> Result<()> {
        let local = self.local(path);
        let failed = || format!("cannot write `{}`", local.display());
        let uid = self.wanted_user(ownership.owner.as_deref()).with_context(failed)?;
        let gid = self.wanted_group(ownership.group.as_deref()).with_context(failed)?;
        let spot = Spot::named(&local).with_context(failed)?;
        let present = spot.stat().with_context(failed)?;
        let is = |kind| move |stat: &Stat| FileType::from_raw_mode(stat.st_mode) == kind;
        let is_directory = present.as_ref().is_some_and(is(FileType::Directory));
        demand!(
            way != Way::Write || !is_directory,
            code::IN_THE_WAY,
            "cannot write `{}`: it is a directory",
            local.display()
        );

        let prefix = temporary::prefix(&spot);
        let leftovers = self.site.shared.leftovers(&spot, &prefix);
        let put = || -> Result<()> {
            let (temporary, mut file) = Temporary::file(&spot, &prefix)?;
            step("temp-created");
            let present = present.filter(is(FileType::RegularFile));
            let present = present.filter(|stat| self.is_model(&spot, stat));
            give_away(&file, uid, gid, present.as_ref())?;
            self.copy(content, &mut file)?;
            step("temp-written");
            let kept = present.map(|present| present.st_mode & 0o7777);
            let mode = ownership.mode.or(kept).unwrap_or_else(|| 0o666 & !umask());
            file.set_permissions(Permissions::from_mode(mode))?;
            if way != Way::ReplaceUnsynced {
                file.sync_all()?;
                step("fsync");
            }
            if is_directory {
                spot.remove()?;
            }
            match way {
                Way::ReplaceUnsynced => Ok(temporary.rename()?),
                Way::Write | Way::Replace => Ok(temporary.install()?),
            }
        };
        put().with_context(failed)?;
        leftovers.iter().for_each(|name| temporary::remove(&spot, name));
        Ok(())
    }

    /// Whether mode and owner of a file are taken over by the one that replaces it. Whoever may
    /// write into the directory can give a second name there to a file of another user.
    fn is_model(&self, spot: &Spot, stat: &Stat) -> bool {
        stat.st_nlink <= 1 || walk::is_ours(spot.path()).unwrap_or(false)
    }

    fn copy(&self, content: Content<'_>, file: &mut File) -> Result<()> {
        match content {
            Content::Bytes(bytes) => file.write_all(bytes)?,
            Content::Reader(mut reader) => {
                io::copy(&mut reader, file)?;
            }
            Content::Asset(asset) => {
                let from = self.open_asset(asset)?;
                let (digest, _) = Digest::of_reader(Tee { from, to: file })?;
                if digest != asset.digest {
                    let (name, digest) = (asset.name.clone(), asset.digest);
                    return Err(AssetError::Gone { name, digest }.into());
                }
            }
        }
        Ok(())
    }
}

/// Sets the owner and the group; those of the file that is replaced are kept where this is allowed.
fn give_away(
    file: &File,
    uid: Option<u32>,
    gid: Option<u32>,
    present: Option<&Stat>,
) -> io::Result<()> {
    let own = file.metadata()?;
    if let Some(present) = present {
        let kept_uid = Some(present.st_uid).filter(|kept| uid.is_none() && *kept != own.uid());
        let kept_gid = Some(present.st_gid).filter(|kept| gid.is_none() && *kept != own.gid());
        for (uid, gid) in [(None, kept_gid), (kept_uid, None)] {
            if uid.is_some() || gid.is_some() {
                allow(ErrorKind::PermissionDenied, fchown(file, uid, gid))?;
            }
        }
    }
    let uid = uid.filter(|wanted| *wanted != own.uid());
    let gid = gid.filter(|wanted| *wanted != own.gid());
    if uid.is_some() || gid.is_some() {
        fchown(file, uid, gid)?;
    }
    Ok(())
}

fn allow(kind: ErrorKind, result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == kind => Ok(()),
        result => result,
    }
}

/// The permission bits that new files do not get. Asking by `umask` would change it for a moment
/// for all threads.
pub(super) fn umask() -> u32 {
    static UMASK: OnceLock<u32> = OnceLock::new();
    *UMASK.get_or_init(|| {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let umask = status.lines().find_map(|line| line.strip_prefix("Umask:"));
        umask.and_then(|octal| u32::from_str_radix(octal.trim(), 8).ok()).unwrap_or(0o022)
    })
}

/// Gives what it reads, and writes it too.
struct Tee<'a> {
    from: Box<dyn Read>,
    to: &'a mut File,
}

impl Read for Tee<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.from.read(buffer)?;
        self.to.write_all(&buffer[..count])?;
        Ok(count)
    }
}

#[cfg(test)]
mod tests;
