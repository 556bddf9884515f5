//! Temporary files and links beside the place that they are made for.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;

use rustix::fs::{self, AtFlags, Mode, OFlags};
use rustix::io::Errno;

use crate::host::exec;
use crate::host::shared::{RANDOM_LETTERS, TEMPORARY};
use crate::host::spot::Spot;
use crate::step::step;

/// How many names are tried before it is given up to find a free one.
const ATTEMPTS: usize = 1000;

/// Something temporary in the directory of a spot; removed unless it is installed.
#[derive(Debug)]
pub(super) struct Temporary<'a> {
    spot: &'a Spot,
    name: OsString,
    installed: bool,
}

/// How the names begin of what is temporary for a spot.
pub(super) fn prefix(spot: &Spot) -> String {
    let name = spot.name().to_string_lossy();
    // A name may have 255 bytes with what is put before and after it.
    let name = exec::start_of(&name, 200);
    format!("{TEMPORARY}{name}-")
}

impl<'a> Temporary<'a> {
    /// Makes a file that only the converging user may open.
    pub(super) fn file(spot: &'a Spot, prefix: &str) -> io::Result<(Self, File)> {
        let flags =
            OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Mode::RUSR | Mode::WUSR;
        let make = |name: &OsStr| fs::openat(spot.directory(), name, flags, mode);
        let (temporary, opened) = Self::make(spot, prefix, make)?;
        Ok((temporary, opened.into()))
    }

    /// Makes a link.
    pub(super) fn link(spot: &'a Spot, prefix: &str, target: &str) -> io::Result<Self> {
        let make = |name: &OsStr| fs::symlinkat(target, spot.directory(), name);
        Self::make(spot, prefix, make).map(|(temporary, ())| temporary)
    }

    fn make<T>(
        spot: &'a Spot,
        prefix: &str,
        make: impl Fn(&OsStr) -> Result<T, Errno>,
    ) -> io::Result<(Self, T)> {
        for _ in 0..ATTEMPTS {
            let random: String =
                std::iter::repeat_with(fastrand::alphanumeric).take(RANDOM_LETTERS).collect();
            let name = OsString::from(format!("{prefix}{random}"));
            match make(&name) {
                Ok(made) => return Ok((Self { spot, name, installed: false }, made)),
                Err(Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Errno::EXIST.into())
    }

    /// Puts it in the place of what was there, for good.
    pub(super) fn install(self) -> io::Result<()> {
        let spot = self.spot;
        self.rename()?;
        spot.sync()
    }

    /// Puts it in the place of what was there, without waiting for the disk.
    pub(super) fn rename(mut self) -> io::Result<()> {
        let directory = self.spot.directory();
        fs::renameat(directory, &self.name, directory, self.spot.name())?;
        self.installed = true;
        step("rename");
        Ok(())
    }
}

impl Drop for Temporary<'_> {
    fn drop(&mut self) {
        if !self.installed {
            remove(self.spot, &self.name);
        }
    }
}

/// Removes something temporary. What cannot be removed does no harm; the next run tries again.
pub(super) fn remove(spot: &Spot, name: &OsStr) {
    let _ = fs::unlinkat(spot.directory(), name, AtFlags::empty());
}
