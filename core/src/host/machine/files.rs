//! Changing directories, links, modes and owners.

use std::io::ErrorKind;
use std::time::SystemTime;

use anyhow::{Context, Result};

use super::temporary::{self, Temporary};
use crate::demand;
use crate::host::probe::is_missing;
use crate::host::spot::Spot;
use crate::host::{Machine, Ownership};
use crate::path::HostPath;
use crate::problem::code;
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
            let spot = Spot::find(&local)?;
            // Nobody else may enter before mode and owner are what they shall be. Where any mode
            // will do it is right from the start: nobody would mend it after a crash.
            let first = ownership.mode.map_or(0o777, |_| 0o700);
            let is_new = match spot.make_directory(first) {
                Ok(()) => true,
                Err(error) if error.kind() == ErrorKind::AlreadyExists => false,
                Err(error) => return Err(error.into()),
            };
            if is_new {
                step("directory-created");
            }
            let held = spot.hold()?;
            demand!(held.is_directory(), code::IN_THE_WAY, "something else is in its place");
            held.change_owner(uid, gid)?;
            if let Some(mode) = ownership.mode {
                held.change_mode(mode)?;
            }
            if is_new {
                spot.sync()?;
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
        path.parent().map_or(Ok(()), |parent| self.create_all(&parent))
    }

    /// Creates a directory and those above it, as far as they are missing.
    pub(crate) fn create_all(&self, path: &HostPath) -> Result<()> {
        if self.leads_to_directory(path)? {
            return Ok(());
        }
        self.create_leading(path)?;
        self.create_directory(path, &Ownership::default())
    }

    /// Makes a link that leads to `target` in the place of what lies there, in one moment.
    ///
    /// # Errors
    /// A directory lies there, or the link cannot be made.
    pub fn symlink(&self, link: &HostPath, target: &str) -> Result<()> {
        let local = self.local(link);
        let failed = || format!("cannot create link `{}`", local.display());
        let spot = Spot::named(&local).with_context(failed)?;
        let prefix = temporary::prefix(&spot);
        let leftovers = self.site.shared.leftovers(&spot, &prefix);
        let make = || -> Result<()> {
            let made = Temporary::link(&spot, &prefix, target)?;
            step("symlink-temp");
            Ok(made.install()?)
        };
        make().with_context(failed)?;
        leftovers.iter().for_each(|name| temporary::remove(&spot, name));
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
        let is_needed = local.parent().is_none() || local == self.home();
        demand!(!is_needed, code::NEEDED_PATH, "cannot remove `{}`: it is needed", local.display());
        let remove = || -> Result<()> {
            let spot = match Spot::find(&local) {
                Err(error) if is_missing(&error) => return Ok(()),
                spot => spot?,
            };
            if spot.stat()?.is_some() {
                spot.remove()?;
            }
            Ok(())
        };
        remove().with_context(failed)
    }

    /// Sets the permission bits of a file or directory; a link is an error, not followed.
    ///
    /// # Errors
    /// Nothing or a link lies there, or the mode may not be set.
    pub fn set_mode(&self, path: &HostPath, mode: u32) -> Result<()> {
        let path = self.local(path);
        let set = || -> Result<()> { Spot::find(&path)?.hold()?.change_mode(mode) };
        set().with_context(|| format!("cannot set mode {mode:04o} of `{}`", path.display()))?;
        step("mode");
        Ok(())
    }

    /// Says when the content of a file was last changed; a link is an error, not followed.
    ///
    /// # Errors
    /// Nothing or a link lies there, or it belongs to somebody else.
    pub fn set_modified(&self, path: &HostPath, time: SystemTime) -> Result<()> {
        let path = self.local(path);
        let set = || -> Result<()> { Spot::find(&path)?.hold()?.change_modified(time) };
        set().with_context(|| format!("cannot set the time of `{}`", path.display()))
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
            Ok(Spot::find(&local)?.hold()?.change_owner(uid, gid)?)
        };
        set().with_context(|| format!("cannot set owner of `{}`", local.display()))?;
        step("owner");
        Ok(())
    }
}

#[cfg(test)]
mod tests;
