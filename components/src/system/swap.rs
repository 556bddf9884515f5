//! Files and devices to swap to.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Read as _;

use togusa_core::fault::CodeExt as _;
use togusa_core::host::{Entry as Stat, Ownership, Snapshot};
use togusa_core::prelude::*;
use togusa_core::problem::code;
use togusa_core::{demand, fail, fault};

use super::fstab::{Entry, Fstab, unescaped};
use super::paths::real;
use super::size;
use crate::foreign;
use crate::location::{Location, Place};
use crate::privilege::require_root;

/// A new file is written in pieces of this size, in bytes.
const PIECE: u64 = 1024 * 1024;

/// A file or a device that the host swaps to, now and at boot by `/etc/fstab`.
///
/// | attribute | default |
/// |---|---|
/// | size | of a file a multiple of 1M, `2G`; a device is used as a whole |
/// | `priority` | what the kernel chooses; else from 0 to 32767, the highest is used first |
/// | `only_now` | no: it is used after a boot too |
/// | `absent` | no; else it is not used, and a file is removed |
///
/// `verify` reads the file system table, `/proc/swaps` once for all of the host, and size, mode and
/// signature of a file that is not in use. `update` needs root. It runs `swapon`, `swapoff` and `mkswap`,
/// of the package `util-linux` and `mount`, and `dd` to fill a file, which nobody else may read. A file of
/// another size is made anew, so that its pages are moved first: that fails if there is no room for
/// them. A device on which `wipefs` finds something else is an error, and so is a file that holds
/// something and no swap: nothing is overwritten.
///
/// A file must lie in a file system that can hold one: ext4 or xfs; not overlay, tmpfs or ZFS.
///
/// In a sandbox only the file system table is looked after.
///
/// **Needs**: root; `swapon`, `swapoff`, `mkswap`, `dd`, `wipefs`.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// fn configure(scope: &mut Scope<'_>) -> Result {
///     scope.add(Swap::file("/swapfile", "2G"));
///     scope.add(Swap::device("/dev/nvme1n1").priority(10));
///     scope.add(Swap::file("/old-swap", "1G").absent());
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct Swap {
    place: Place,
    size: Option<String>,
    bytes: u64,
    priority: Option<i32>,
    only_now: bool,
    absent: bool,
    fstab: Option<Fstab>,
}

/// What is in use, with its priority.
struct InUse(BTreeMap<String, i32>);

impl Snapshot for InUse {
    fn take(probe: &Probe<'_>) -> Result<Self> {
        let path = HostPath::new(&probe.host().name, "/proc/swaps");
        let text = probe.read_to_string(&path).hint("the kernel of this host has no swap")?;
        Ok(Self(parse(&text)))
    }
}

/// Reads `/proc/swaps`: a heading, then name, type, size, used and priority.
fn parse(text: &str) -> BTreeMap<String, i32> {
    let words = text.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
    let lines = words.filter_map(|words| {
        let (name, priority) = (words.first()?, words.get(4)?);
        Some((unescaped(name), priority.parse().ok()?))
    });
    lines.collect()
}

/// How a swap differs from what it shall be.
#[derive(Debug, Default)]
struct Differs {
    /// The file has to be made anew.
    file: Option<Change>,
    mode: Option<Change>,
    /// It cannot be used before it is made ready for it.
    signature: bool,
    in_use: Option<Change>,
    priority: Option<Change>,
}

impl Swap {
    fn of(path: impl Into<Location>, size: Option<String>) -> Self {
        Self {
            place: Place::new(path.into()),
            size,
            bytes: 0,
            priority: None,
            only_now: false,
            absent: false,
            fstab: None,
        }
    }

    /// A file of a size, such as `512M` or `2G`.
    pub fn file(path: impl Into<Location>, size: impl Into<String>) -> Self {
        Self::of(path, Some(size.into()))
    }

    /// A device, by its path.
    pub fn device(path: impl Into<Location>) -> Self {
        Self::of(path, None)
    }

    /// Sets the priority.
    #[must_use]
    pub fn priority(mut self, priority: u16) -> Self {
        self.priority = Some(i32::from(priority));
        self
    }

    /// Leaves the file system table alone.
    #[must_use]
    pub fn only_now(mut self) -> Self {
        self.only_now = true;
        self
    }

    /// Stops swapping to it; a file is removed.
    #[must_use]
    pub fn absent(mut self) -> Self {
        self.absent = true;
        self
    }

    fn fstab(&self) -> Result<&Fstab> {
        self.fstab.as_ref().context("the swap was not configured").code(code::NOT_CONFIGURED)
    }

    fn local(&self, probe: &Probe<'_>) -> String {
        probe.local(self.place.path()).display().to_string()
    }

    fn entry(&self, probe: &Probe<'_>) -> Entry {
        let priority = self.priority.map(|priority| format!(",pri={priority}"));
        Entry {
            device: self.local(probe),
            path: "none".into(),
            fs_type: "swap".into(),
            options: format!("sw{}", priority.unwrap_or_default()),
            dump: 0,
            pass: 0,
        }
    }

    /// Its priority, if it is in use. The kernel names it without links on the way.
    fn in_use(&self, probe: &Probe<'_>) -> Result<Option<i32>> {
        let real = real(probe, &self.local(probe))?;
        Ok(probe.snapshot::<InUse>()?.0.get(&real).copied())
    }

    /// Refuses to overwrite a file that is something else.
    fn check_file(&self, probe: &Probe<'_>) -> Result {
        let start = start(probe, self.place.path())?;
        if has_signature(&start) || start.iter().all(|byte| *byte == 0) {
            return Ok(());
        }
        let local = self.local(probe);
        Err(fault!(code::HOLDS_DATA, "`{local}` is a file of something else"))
            .hint("if nobody needs it, remove it by hand; or name another file")
    }

    fn differs(&self, probe: &Probe<'_>) -> Result<Differs> {
        let path = self.place.path();
        let present = probe.entry(path)?;
        let in_use = self.in_use(probe)?;
        let mut differs = Differs::default();
        if self.absent {
            differs.in_use = in_use.map(|_| Change::remove("swap in use"));
            let file = present.filter(|_| self.size.is_some());
            differs.file = file.map(|_| Change::remove("swap file"));
            return Ok(differs);
        }
        if let Some(size) = &self.size {
            let wanted = size::shown(self.bytes);
            if in_use.is_none() && present.as_ref().is_some_and(Stat::is_file) {
                self.check_file(probe)?;
            }
            match &present {
                Some(entry) if !entry.is_file() => {
                    fail!(code::IN_THE_WAY, "`{}` is no file", self.local(probe))
                }
                Some(entry) if entry.size == self.bytes => {
                    let mode = entry.mode & 0o777;
                    if mode != 0o600 {
                        let mode = format!("{mode:04o}");
                        differs.mode = Some(Change::property("mode", mode, "0600"));
                    }
                }
                Some(entry) => {
                    let from = size::shown(entry.size);
                    differs.file = Some(Change::property("size", from, wanted));
                }
                None => differs.file = Some(Change::create(format!("swap file ({size})"))),
            }
        } else {
            let none = || format!("there is no device `{}`", self.local(probe));
            present.with_context(none).code(code::NO_FILE)?;
        }
        match in_use {
            _ if differs.file.is_some() => {}
            None => {
                differs.signature = !has_signature(&start(probe, path)?);
                differs.in_use = Some("not in use".into());
            }
            Some(present) => {
                let wanted = self.priority.filter(|wanted| *wanted != present);
                differs.priority =
                    wanted.map(|wanted| Change::property("priority", present, wanted));
            }
        }
        Ok(differs)
    }

    fn make_file(&self, machine: &Machine<'_>) -> Result {
        let (path, local) = (self.place.path(), self.local(machine));
        let private = Ownership { mode: Some(0o600), ..Ownership::default() };
        self.place.prepare(machine)?;
        machine.write(path, "", &private)?;
        let count = format!("count={}", self.bytes / PIECE);
        let (to, piece) = (format!("of={local}"), format!("bs={PIECE}"));
        let fill = ["if=/dev/zero", &to, &piece, &count, "conv=notrunc,fsync"];
        let filled = machine.run(&foreign::program("dd").args(fill));
        if filled.is_err() {
            // Usually the disk is full, which others suffer from.
            machine.remove(path)?;
        }
        foreign::of_package(filled, "coreutils")?;
        run(machine, "mkswap", &[&local])
    }

    /// Refuses to overwrite what is on a device.
    fn check_device(&self, machine: &Machine<'_>) -> Result {
        let local = self.local(machine);
        let wipefs = foreign::program("wipefs");
        let wipefs = wipefs.args(["--no-act", "--noheadings", "--output", "TYPE", &*local]);
        let found = foreign::of_package(machine.query(&wipefs), "util-linux")?.stdout_text();
        let found: Vec<_> = found.split_whitespace().collect();
        if found.is_empty() {
            return Ok(());
        }
        Err(fault!(code::HOLDS_DATA, "`{local}` holds something else: {}", found.join(", ")))
            .hint(format!("if nobody needs that, say so by hand: `wipefs --all {local}`"))
    }

    fn use_now(&self, machine: &Machine<'_>) -> Result {
        let differs = self.differs(machine)?;
        let local = self.local(machine);
        let in_use = self.in_use(machine)?.is_some();
        let anew = differs.file.is_some();
        if in_use && (anew || differs.priority.is_some() || self.absent) {
            run(machine, "swapoff", &[&local])?;
        }
        if self.absent {
            return if anew { machine.remove(self.place.path()) } else { Ok(()) };
        }
        if anew {
            self.make_file(machine)?;
        } else if differs.signature {
            if self.size.is_none() {
                self.check_device(machine)?;
            }
            run(machine, "mkswap", &[&local])?;
        }
        if differs.mode.is_some() {
            machine.set_mode(self.place.path(), 0o600)?;
        }
        if !anew && differs.in_use.is_none() && differs.priority.is_none() {
            return Ok(());
        }
        match self.priority.map(|priority| priority.to_string()) {
            Some(priority) => run(machine, "swapon", &["--priority", &priority, &local]),
            None => run(machine, "swapon", &[&local]),
        }
    }
}

/// The sizes that a page of memory can have.
const PAGES: [usize; 3] = [4096, 16384, 65536];

/// The first page of a file or device, whatever size that has.
fn start(probe: &Probe<'_>, path: &HostPath) -> Result<Vec<u8>> {
    let mut start = Vec::new();
    probe.open(path)?.take(PAGES[2] as u64).read_to_end(&mut start)?;
    Ok(start)
}

/// Whether something was made ready to swap to, which the end of its first page tells.
fn has_signature(start: &[u8]) -> bool {
    PAGES.iter().any(|page| start.get(page - 10..*page) == Some(b"SWAPSPACE2"))
}

fn run(machine: &Machine<'_>, program: &str, args: &[&str]) -> Result {
    let package = if program == "mkswap" { "util-linux" } else { "mount" };
    let ran = machine.run(&foreign::program(program).args(args.iter().copied()));
    let Err(error) = foreign::of_package(ran, package) else { return Ok(()) };
    let said = foreign::failure(&error).map(|it| it.stderr_tail.clone()).unwrap_or_default();
    match program {
        "swapon" if said.contains("Invalid argument") => Err(error).code(code::SWAP_PLACE).hint(
            "a file must lie in a file system that can hold one: ext4 or xfs; not overlay, tmpfs or ZFS",
        ),
        "swapoff" if said.contains("Cannot allocate memory") => Err(error)
            .code(code::SWAP_NEEDED)
            .hint("what was swapped out has no room elsewhere: free memory, or add another swap before"),
        _ => Err(error),
    }
}

impl Component for Swap {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some(self.place.key())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        self.place.resolve("swap", scope)?;
        if let Some(size) = &self.size {
            self.bytes = size::checked(size)?;
            if !self.bytes.is_multiple_of(PIECE) {
                return Err(fault!(code::OPTION_VALUE, "a swap file cannot have `{size}`"))
                    .hint("give it a multiple of 1M");
            }
        }
        let fits = self.priority.is_none_or(|priority| priority <= 32767);
        demand!(fits, code::OPTION_VALUE, "the priority is more than 32767");
        self.fstab = Some(Fstab::new(scope)?);
        Ok(())
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        let fstab = self.fstab()?;
        let mut verdict = Verdict::current();
        if !fstab.is_sandboxed() {
            let Differs { file, mode, signature, in_use, priority } = self.differs(probe)?;
            let signature = signature.then(|| Change::create("swap signature"));
            let all = [file, mode, signature, in_use, priority];
            verdict = all.into_iter().flatten().collect();
        }
        if self.only_now {
            return Ok(verdict);
        }
        let (local, entry) = (self.local(probe), self.entry(probe));
        let is_meant = |it: &Entry| it.device == local && it.fs_type == "swap";
        Ok(verdict.and(fstab.verify(probe, is_meant, (!self.absent).then_some(&entry))?))
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        let fstab = self.fstab()?;
        if !fstab.is_sandboxed() {
            require_root(machine, "change what is swapped to")?;
            let _alone = machine.exclusive("swap");
            machine.invalidate::<InUse>();
            self.use_now(machine)?;
        }
        if self.only_now {
            return Ok(());
        }
        let (local, entry) = (self.local(machine), self.entry(machine));
        let is_meant = |it: &Entry| it.device == local && it.fs_type == "swap";
        fstab.update(machine, is_meant, (!self.absent).then_some(&entry))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `cat /proc/swaps` of Linux 6.18.
    #[test]
    fn what_is_in_use_is_read() {
        let text = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n\
                    /run/swap/my\\040file                    file\t\t8188\t\t0\t\t5\n\
                    /dev/loop7                              partition\t8188\t\t0\t\t-2\n";
        let expected = [("/dev/loop7".to_owned(), -2), ("/run/swap/my file".to_owned(), 5)];
        assert_eq!(parse(text), BTreeMap::from(expected));
    }
}
