//! File systems in their places.

mod options;
mod table;

use std::borrow::Cow;

use togusa_core::demand;
use togusa_core::fault::CodeExt as _;
use togusa_core::host::Ownership;
use togusa_core::prelude::*;
use togusa_core::problem::code;

use super::fstab::{Entry, Fstab, without_slash};
use super::paths::real;
use crate::foreign;
use crate::location::{Location, Place};
use crate::privilege::require_root;

use table::{Mounted, Table};

/// A file system in its place: mounted now, and at boot by `/etc/fstab`.
///
/// | attribute | default |
/// |---|---|
/// | `fs_type` | `auto`: what is on the device |
/// | `options` | `defaults` |
/// | `dump`, `pass` | 0: it is neither dumped nor checked at boot |
/// | `only_now` | no: it is mounted at boot too |
/// | `only_at_boot` | no; else it has its entry, and whether it is mounted now is left alone |
/// | `unmounted` | no; else it has its entry, which should say `noauto`, and is not mounted |
///
/// The device is a path, `UUID=…`, `LABEL=…`, a file with an image (`loop` among the options), a share
/// (`server:/path`), or what stands for none (`tmpfs`). A place that is missing is made, with the
/// directories above. Of the file only the line for this place is changed, the first if there are
/// several; the others of this place are removed.
///
/// `verify` reads the file, and `/proc/self/mountinfo` once for all mounts of the host. Of what is
/// mounted now it compares the device, the type, and of the options those that the kernel shows:
/// `ro`, `noexec`, `noatime`, `size=…` and the like; `vers=4` is what it shows as `vers=4.2`, and the
/// type `nfs` may be `nfs4`. What a file system keeps to itself is set when it is mounted the next
/// time; for a change of it alone see the entry. A root file system that is
/// mounted from elsewhere is left as it is.
///
/// `update` runs `mount` and `umount`, of the package `mount`, and needs root; `findfs` for a
/// device by its UUID or label, `losetup` for an image. With other options it is mounted again in
/// place, with another device it is unmounted first, which fails while it is used. The file is written
/// when that was done; systemd, where it runs, reads it anew. A password belongs into a file for it
/// (`credentials=…`), because the options stand on a command line, and in a file that all may read.
///
/// In a sandbox only the file is looked after.
///
/// **Needs**: root; `mount`, `umount`, and `findfs` or `losetup` for some devices.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// fn configure(scope: &mut Scope<'_>) -> Result {
///     let data = Mount::new("/srv/data", "UUID=6a454a6e-0c1c-4a3f-9b6c-2d1c1c0c7a10");
///     scope.add(data.fs_type("ext4").options(["noatime", "nofail"]).pass(2));
///     scope.add(Mount::bind("/srv/www", "/srv/data/www").options(["ro"]));
///     scope.add(Mount::tmpfs("/srv/cache").options(["size=512M", "mode=0750"]));
///     scope.add(Mount::absent("/mnt/old"));
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct Mount {
    place: Place,
    device: String,
    fs_type: String,
    options: Vec<String>,
    dump: u32,
    pass: u32,
    now: Now,
    at_boot: AtBoot,
    fstab: Option<Fstab>,
}

/// What holds at this moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Now {
    Mounted,
    Unmounted,
    LeftAlone,
}

/// What the file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AtBoot {
    Entry,
    NoEntry,
    LeftAlone,
}

impl Mount {
    /// A device in a place.
    pub fn new(path: impl Into<Location>, device: impl Into<String>) -> Self {
        Self {
            place: Place::new(path.into()),
            device: device.into(),
            fs_type: "auto".into(),
            options: Vec::new(),
            dump: 0,
            pass: 0,
            now: Now::Mounted,
            at_boot: AtBoot::Entry,
            fstab: None,
        }
    }

    /// A directory, or a file, that is seen in a second place too.
    pub fn bind(path: impl Into<Location>, from: impl Into<String>) -> Self {
        Self { options: vec!["bind".into()], ..Self::new(path, from).fs_type("none") }
    }

    /// A file system in memory, which is empty at first.
    pub fn tmpfs(path: impl Into<Location>) -> Self {
        Self::new(path, "tmpfs").fs_type("tmpfs")
    }

    /// Nothing is mounted in a place, nor at boot; the directory stays.
    pub fn absent(path: impl Into<Location>) -> Self {
        Self { now: Now::Unmounted, at_boot: AtBoot::NoEntry, ..Self::new(path, "") }
    }

    /// Sets the type: `ext4`, `nfs4`, `overlay`.
    #[must_use]
    pub fn fs_type(mut self, name: impl Into<String>) -> Self {
        self.fs_type = name.into();
        self
    }

    /// Adds options.
    #[must_use]
    pub fn options(mut self, options: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.options.extend(options.into_iter().map(Into::into));
        self
    }

    /// Sets whether `dump` saves it.
    #[must_use]
    pub fn dump(mut self, dump: u32) -> Self {
        self.dump = dump;
        self
    }

    /// Sets when it is checked at boot: 1 for the root, 2 for others.
    #[must_use]
    pub fn pass(mut self, pass: u32) -> Self {
        self.pass = pass;
        self
    }

    /// Leaves the file alone.
    #[must_use]
    pub fn only_now(mut self) -> Self {
        self.at_boot = AtBoot::LeftAlone;
        self
    }

    /// Leaves alone what is mounted now.
    #[must_use]
    pub fn only_at_boot(mut self) -> Self {
        self.now = Now::LeftAlone;
        self
    }

    /// Keeps the entry, and unmounts it now.
    #[must_use]
    pub fn unmounted(mut self) -> Self {
        self.now = Now::Unmounted;
        self
    }

    fn fstab(&self) -> Result<&Fstab> {
        self.fstab.as_ref().context("the mount was not configured").code(code::NOT_CONFIGURED)
    }

    fn option_text(&self) -> String {
        if self.options.is_empty() { "defaults".into() } else { self.options.join(",") }
    }

    fn is_bind(&self) -> bool {
        self.options.iter().any(|option| option == "bind" || option == "rbind")
    }

    /// Where it is, as the kernel names it.
    fn local(&self, probe: &Probe<'_>) -> String {
        without_slash(probe.local(self.place.path()).display().to_string())
    }

    fn entry(&self, probe: &Probe<'_>) -> Entry {
        Entry {
            device: self.device.clone(),
            path: self.local(probe),
            fs_type: self.fs_type.clone(),
            options: self.option_text(),
            dump: self.dump,
            pass: self.pass,
        }
    }

    /// How what is mounted differs: the options, or all of it.
    fn differs(&self, probe: &Probe<'_>, mounted: &Mounted, table: &Table) -> Result<Differs> {
        let mut source = Vec::new();
        if mounted.path != "/" && !self.is_device_of(probe, mounted, table)? {
            source.push(Change::property("mounted device", mounted.shown(), &self.device));
        }
        let any_type = self.is_bind() || ["auto", "none"].contains(&&*self.fs_type);
        if !any_type && !table::is_type(&mounted.fs_type, &self.fs_type) {
            source.push(Change::property("mounted type", &mounted.fs_type, &self.fs_type));
        }
        let options = if source.is_empty() {
            options::differing(&self.options, mounted, self.is_bind())
        } else {
            Vec::new()
        };
        Ok(Differs { source, options })
    }

    fn is_device_of(&self, probe: &Probe<'_>, mounted: &Mounted, table: &Table) -> Result<bool> {
        if self.is_bind() {
            return Ok(table.is_bound(mounted, &real(probe, &self.device)?));
        }
        if mounted.source == self.device {
            return Ok(true);
        }
        if ["UUID=", "LABEL=", "PARTUUID=", "PARTLABEL="]
            .iter()
            .any(|it| self.device.starts_with(it))
        {
            let found = probe.query(&foreign::program("findfs").arg(&self.device));
            let found = foreign::of_package(found, "util-linux")?.stdout_text();
            return Ok(real(probe, found.trim())? == real(probe, &mounted.source)?);
        }
        if !self.device.starts_with('/') {
            return Ok(false);
        }
        if mounted.source.starts_with("/dev/loop") {
            let backing = ["--noheadings", "--raw", "--output", "BACK-FILE", &*mounted.source];
            let found = probe.query(&foreign::program("losetup").args(backing));
            let found = foreign::of_package(found, "mount")?.stdout_text();
            return Ok(found.trim() == self.device);
        }
        Ok(real(probe, &self.device)? == real(probe, &mounted.source)?)
    }

    /// What is to be done now; the table is read anew if something was changed.
    fn changes_now(&self, probe: &Probe<'_>) -> Result<Vec<Change>> {
        if self.fstab()?.is_sandboxed() || self.now == Now::LeftAlone {
            return Ok(Vec::new());
        }
        let table = probe.snapshot::<Table>()?;
        let path = real(probe, &self.local(probe))?;
        Ok(match (table.at(&path), self.now) {
            (None, Now::Mounted) => vec![Change::create(format!("mount of {}", self.device))],
            (Some(mounted), Now::Mounted) => {
                let Differs { mut source, options } = self.differs(probe, mounted, &table)?;
                source.extend(options);
                source
            }
            (Some(mounted), _) => vec![Change::remove(format!("mount of {}", mounted.shown()))],
            (None, _) => Vec::new(),
        })
    }

    fn mount_now(&self, machine: &Machine<'_>) -> Result {
        let path = real(machine, &self.local(machine))?;
        let table = machine.snapshot::<Table>()?;
        let mounted = table.at(&path);
        let differs = mounted.map(|it| self.differs(machine, it, &table)).transpose()?;
        match (self.now, mounted.zip(differs)) {
            (Now::Mounted, Some((mounted, Differs { source, options }))) if source.is_empty() => {
                if options.is_empty() {
                    return Ok(());
                }
                let bind = if self.is_bind() { "bind," } else { "" };
                let options = options::in_full(&self.options, mounted, self.is_bind());
                mount(machine, &["-o", &format!("remount,{bind}{options}"), &self.device, &path])
            }
            (Now::Mounted, Some(_)) => {
                umount(machine, &path)?;
                self.mount_anew(machine, &path)
            }
            (Now::Mounted, None) => self.mount_anew(machine, &path),
            (Now::Unmounted, Some(_)) => {
                umount(machine, &path)?;
                // Another one may lie below.
                self.mount_now(machine)
            }
            _ => Ok(()),
        }
    }

    fn mount_anew(&self, machine: &Machine<'_>, path: &str) -> Result {
        let place = self.place.path();
        if machine.entry(place)?.is_none() {
            machine.create_leading(place)?;
            machine.create_directory(place, &Ownership::default())?;
        }
        mount(machine, &["-t", &self.fs_type, "-o", &self.option_text(), &self.device, path])
    }
}

/// The two ways in which something else is mounted.
struct Differs {
    source: Vec<Change>,
    options: Vec<Change>,
}

fn mount(machine: &Machine<'_>, args: &[&str]) -> Result {
    let ran = machine.run(&foreign::program("mount").args(args.iter().copied()));
    foreign::of_package(ran, "mount").map(|_| ())
}

fn umount(machine: &Machine<'_>, path: &str) -> Result {
    let ran = machine.run(&foreign::program("umount").arg(path));
    let ran = foreign::of_package(ran, "mount").map(|_| ());
    let Err(error) = ran else { return Ok(()) };
    let said = foreign::failure(&error).map(|it| it.stderr_tail.clone()).unwrap_or_default();
    if said.contains("busy") {
        let hint =
            format!("stop what uses it in an earlier component; `fuser -vm {path}` names it");
        return Err(error).code(code::IN_USE).hint(hint);
    }
    Err(error)
}

impl Component for Mount {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some(self.place.key())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        self.place.resolve("mount", scope)?;
        if self.at_boot != AtBoot::NoEntry {
            let is_device = !self.device.is_empty() && !self.device.contains(['\n', '\t']);
            demand!(is_device, code::OPTION_VALUE, "`{}` cannot be a device", self.device);
            let is_word =
                |text: &str| !text.is_empty() && !text.contains(|c: char| c.is_whitespace());
            demand!(
                is_word(&self.fs_type),
                code::OPTION_VALUE,
                "`{}` is no type of a file system",
                self.fs_type
            );
            for option in &self.options {
                demand!(is_word(option), code::OPTION_VALUE, "`{option}` is no option of a mount");
            }
            let pointless = self.now != Now::Mounted && self.at_boot == AtBoot::LeftAlone;
            demand!(
                !pointless,
                code::OPTIONS_CLASH,
                "nothing is left to look after beside `.only_now()`"
            );
            let options = Exec::new("mount").args(["-o", &*self.option_text(), &*self.device]);
            scope
                .check_arguments(&options)
                .hint("put the password into a file, and name that: `credentials=FILE`")?;
        }
        self.fstab = Some(Fstab::new(scope)?);
        Ok(())
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        let verdict = Verdict::from(self.changes_now(probe)?);
        let (path, entry) = (self.local(probe), self.entry(probe));
        let wanted = match self.at_boot {
            AtBoot::LeftAlone => return Ok(verdict),
            AtBoot::Entry => Some(&entry),
            AtBoot::NoEntry => None,
        };
        Ok(verdict.and(self.fstab()?.verify(probe, |it| it.path == path, wanted)?))
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        let fstab = self.fstab()?;
        if !fstab.is_sandboxed() {
            require_root(machine, "mount file systems")?;
            let _alone = machine.exclusive("mounts");
            machine.invalidate::<Table>();
            self.mount_now(machine)?;
        }
        let (path, entry) = (self.local(machine), self.entry(machine));
        let wanted = match self.at_boot {
            AtBoot::LeftAlone => return Ok(()),
            AtBoot::Entry => Some(&entry),
            AtBoot::NoEntry => None,
        };
        fstab.update(machine, |it| it.path == path, wanted)
    }
}
