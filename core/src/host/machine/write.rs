//! Writing files so that nobody ever sees a part of one.

use std::ffi::OsString;
use std::fmt;
use std::fs::{File, Permissions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::Path;
use std::sync::OnceLock;

use anyhow::{Context, Result, ensure};
use tempfile::NamedTempFile;

use crate::assets::{Asset, AssetError};
use crate::digest::Digest;
use crate::host::shared::{RANDOM_LETTERS, TEMPORARY};
use crate::host::{Machine, Ownership, exec};
use crate::path::HostPath;
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
        self.put(path, content.into(), ownership, false)
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
        self.put(path, content.into(), ownership, true)
    }

    fn put(
        &self,
        path: &HostPath,
        content: Content<'_>,
        ownership: &Ownership,
        replace: bool,
    ) -> Result<()> {
        let local = self.local(path);
        let failed = || format!("cannot write `{}`", local.display());
        let uid = self.wanted_user(ownership.owner.as_deref()).with_context(failed)?;
        let gid = self.wanted_group(ownership.group.as_deref()).with_context(failed)?;
        let target = Target::new(&local).with_context(failed)?;
        let present = std::fs::symlink_metadata(&local).ok();
        let is_directory = present.as_ref().is_some_and(std::fs::Metadata::is_dir);
        ensure!(replace || !is_directory, "cannot write `{}`: it is a directory", local.display());

        let leftovers = self.site.shared.leftovers(target.directory, &target.prefix);
        let put = || -> Result<()> {
            let mut temporary = target.builder().tempfile_in(target.directory)?;
            step("temp-created");
            let file = temporary.as_file_mut();
            let present = present.filter(|present| present.is_file());
            give_away(file, uid, gid, present.as_ref())?;
            self.copy(content, file)?;
            step("temp-written");
            let kept = present.map(|present| present.mode() & 0o7777);
            let mode = ownership.mode.or(kept).unwrap_or_else(|| 0o666 & !umask());
            file.set_permissions(Permissions::from_mode(mode))?;
            file.sync_all()?;
            step("fsync");
            if is_directory {
                self.remove(path)?;
            }
            target.install(temporary)
        };
        put().with_context(failed)?;
        target.remove(leftovers);
        Ok(())
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

/// A path whose entry is replaced in one moment.
pub(super) struct Target<'a> {
    path: &'a Path,
    directory: &'a Path,
    prefix: String,
}

impl<'a> Target<'a> {
    pub(super) fn new(path: &'a Path) -> io::Result<Self> {
        let no_name = || io::Error::new(ErrorKind::IsADirectory, "the path has no file name");
        let name = path.file_name().ok_or_else(no_name)?.to_string_lossy();
        let directory = path.parent().ok_or_else(no_name)?;
        // A name may have 255 bytes with what is put before and after it.
        let name = exec::start_of(&name, 200);
        Ok(Self { path, directory, prefix: format!("{TEMPORARY}{name}-") })
    }

    pub(super) fn directory(&self) -> &'a Path {
        self.directory
    }

    /// How the names of its temporary files begin.
    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Removes temporary files that killed runs left behind.
    pub(super) fn remove(&self, leftovers: Vec<OsString>) {
        for name in leftovers {
            // One that cannot be removed does no harm; the next run tries again.
            let _ = std::fs::remove_file(self.directory.join(name));
        }
    }

    /// Makes temporary files that only the converging user may open.
    pub(super) fn builder(&self) -> tempfile::Builder<'_, '_> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(&self.prefix).rand_bytes(RANDOM_LETTERS);
        builder
    }

    /// Puts a temporary file in the place of what was there, for good.
    pub(super) fn install<F>(&self, temporary: NamedTempFile<F>) -> Result<()> {
        temporary.persist(self.path).map_err(|error| error.error)?;
        step("rename");
        sync_directory(self.directory)?;
        Ok(())
    }
}

/// Sets the owner and the group; those of the file that is replaced are kept where this is allowed.
fn give_away(
    file: &File,
    uid: Option<u32>,
    gid: Option<u32>,
    present: Option<&std::fs::Metadata>,
) -> io::Result<()> {
    let own = file.metadata()?;
    if let Some(present) = present {
        let kept_uid = Some(present.uid()).filter(|kept| uid.is_none() && *kept != own.uid());
        let kept_gid = Some(present.gid()).filter(|kept| gid.is_none() && *kept != own.gid());
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

/// Writes the names in a directory to the disk, where the directory may be opened for that.
pub(super) fn sync_directory(directory: &Path) -> io::Result<()> {
    match File::open(directory) {
        Ok(opened) => allow(ErrorKind::InvalidInput, opened.sync_all())?,
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {}
        Err(error) => return Err(error),
    }
    step("directory-fsync");
    Ok(())
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
