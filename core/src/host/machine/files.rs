//! Changing directories, links, modes and owners.

use std::fs::DirBuilder;
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, lchown, symlink};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use nix::fcntl::AT_FDCWD;
use nix::sys::stat::{FchmodatFlags, Mode, fchmodat};

use super::write::{Target, sync_directory};
use crate::host::{Machine, Ownership};
use crate::path::HostPath;
use crate::step::step;

impl Machine<'_> {
    /// Creates a directory, or gives an existing one the mode and owner that are set.
    ///
    /// # Errors
    /// Something else lies there, the directory above is missing, or the owner does not exist or
    /// may not be set.
    pub fn create_directory(&self, path: &HostPath, ownership: &Ownership) -> Result<()> {
        let local = self.local(path);
        let failed = || format!("cannot create directory `{}`", local.display());
        let uid = self.wanted_user(ownership.owner.as_deref()).with_context(failed)?;
        let gid = self.wanted_group(ownership.group.as_deref()).with_context(failed)?;
        let create = || -> Result<()> {
            // Nobody else may enter before mode and owner are what they shall be. Where any mode
            // will do it is right from the start: nobody would mend it after a crash.
            let first = ownership.mode.map_or(0o777, |_| 0o700);
            match DirBuilder::new().mode(first).create(&local) {
                Ok(()) => {
                    step("directory-created");
                    change_owner(&local, uid, gid)?;
                    if let Some(mode) = ownership.mode {
                        change_mode(&local, mode)?;
                    }
                    if let Some(parent) = local.parent() {
                        sync_directory(parent)?;
                    }
                }
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                    ensure!(
                        std::fs::symlink_metadata(&local)?.is_dir(),
                        "something else is in its place"
                    );
                    change_owner(&local, uid, gid)?;
                    if let Some(mode) = ownership.mode {
                        change_mode(&local, mode)?;
                    }
                }
                Err(error) => return Err(error.into()),
            }
            Ok(())
        };
        create().with_context(failed)
    }

    /// Creates the directories above a path that are missing.
    ///
    /// # Errors
    /// Something else lies in the place of one, or it cannot be created.
    pub fn create_leading(&self, path: &HostPath) -> Result<()> {
        let Some(parent) = path.parent() else { return Ok(()) };
        if self.local(&parent).is_dir() {
            return Ok(());
        }
        self.create_leading(&parent)?;
        self.create_directory(&parent, &Ownership::default())
    }

    /// Makes a link that leads to `target` in the place of what lies there, in one moment.
    ///
    /// # Errors
    /// A directory lies there, or the link cannot be made.
    pub fn symlink(&self, link: &HostPath, target: &str) -> Result<()> {
        let local = self.local(link);
        let failed = || format!("cannot create link `{}`", local.display());
        let place = Target::new(&local).with_context(failed)?;
        let leftovers = self.site.shared.leftovers(place.directory(), place.prefix());
        let make = || -> Result<()> {
            let made = place.builder().make_in(place.directory(), |name| symlink(target, name))?;
            step("symlink-temp");
            place.install(made)
        };
        make().with_context(failed)?;
        place.remove(leftovers);
        Ok(())
    }

    /// Removes a file, a link, or a directory with all that it holds. No link is followed; nothing
    /// there is nothing to do.
    ///
    /// # Errors
    /// It cannot be removed, or it is `/` or the home of the converging user.
    pub fn remove(&self, path: &HostPath) -> Result<()> {
        let local = self.local(path);
        let failed = || format!("cannot remove `{}`", local.display());
        let parent = local.parent().filter(|_| local != self.home());
        let parent = parent.context("it is needed").with_context(failed)?;
        let Some(entry) = self.entry(path)? else { return Ok(()) };
        let remove = || -> Result<()> {
            if entry.is_directory() {
                std::fs::remove_dir_all(&local)?;
            } else {
                std::fs::remove_file(&local)?;
            }
            step("removed");
            Ok(sync_directory(parent)?)
        };
        remove().with_context(failed)
    }

    /// Sets the permission bits of a file or directory; a link is an error, not followed.
    ///
    /// # Errors
    /// Nothing or a link lies there, or the mode may not be set.
    pub fn set_mode(&self, path: &HostPath, mode: u32) -> Result<()> {
        let path = self.local(path);
        change_mode(&path, mode)
            .with_context(|| format!("cannot set mode {mode:04o} of `{}`", path.display()))?;
        step("mode");
        Ok(())
    }

    /// Sets the owner and the group, those that are given, of a file, a directory, or a link
    /// itself.
    ///
    /// # Errors
    /// There is no such account, nothing lies there, or the owner may not be set.
    pub fn set_owner(
        &self,
        path: &HostPath,
        owner: Option<&str>,
        group: Option<&str>,
    ) -> Result<()> {
        let local = self.local(path);
        let set = || -> Result<()> {
            let (uid, gid) = (self.wanted_user(owner)?, self.wanted_group(group)?);
            change_owner(&local, uid, gid)
        };
        set().with_context(|| format!("cannot set owner of `{}`", local.display()))?;
        step("owner");
        Ok(())
    }
}

/// The mode of a link cannot be set; what it leads to is somebody else's.
fn change_mode(path: &Path, mode: u32) -> Result<()> {
    let mode = Mode::from_bits_truncate((mode & 0o7777) as nix::sys::stat::mode_t);
    Ok(fchmodat(AT_FDCWD, path, mode, FchmodatFlags::NoFollowSymlink)?)
}

fn change_owner(path: &Path, uid: Option<u32>, gid: Option<u32>) -> Result<()> {
    if uid.is_none() && gid.is_none() {
        return Ok(());
    }
    let present = std::fs::symlink_metadata(path)?;
    let uid = uid.filter(|wanted| *wanted != present.uid());
    let gid = gid.filter(|wanted| *wanted != present.gid());
    if uid.is_some() || gid.is_some() {
        lchown(path, uid, gid)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
