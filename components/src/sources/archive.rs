//! Archives, unpacked.

mod format;
mod member;
mod unpacked;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Read};

use togusa_core::digest::Digest;
use togusa_core::fault::CodeExt as _;
use togusa_core::host::Entry;
use togusa_core::prelude::*;
use togusa_core::problem::code;
use togusa_core::{demand, fault};

use crate::access::{self, Access, Wanted};
use crate::globs::Globs;
use crate::location::{Location, Place};

use super::memory::Memory;
pub use format::ArchiveFormat;
use member::{Member, MemberKind, Members};
use unpacked::{Item, Source, Unpacked};

/// What an archive holds, unpacked into a directory.
///
/// The archive is an asset ([`source`](Self::source)) or a file of the host
/// ([`file`](Self::file)), such as one of a `Download`. Its format is known by the suffix: `.tar`,
/// `.tar.gz`, `.tgz`, `.tar.bz2`, `.tbz2`, `.tar.xz`, `.txz`, `.tar.zst`, `.tzst`, `.zip`; else
/// [`format`](Self::format) says it.
///
/// | attribute | default |
/// |---|---|
/// | `strip_components` | 0 directories are taken off the beginning of each path |
/// | `only`, `exclude` | all that the archive holds |
/// | `owner`, `group` | the converging user, whatever the archive says |
/// | `leading_directories` | no; yes for what a sandbox maps |
///
/// Modes are those of the archive without setuid, setgid, sticky, and without the right of others and
/// of the group to write; times of files are those of the archive. What else lies in the directory
/// stays; what a former version of the archive brought and the new one lacks goes.
///
/// Refused are absolute paths, paths and links that lead out of the directory, paths through a link
/// that the archive brought, devices and pipes. The archive is read to its end before anything is
/// written.
///
/// Everything is unpacked by this program itself, with decoders in Rust: hosts need neither `tar` nor
/// `unzip`, and every path is looked at before it is used.
///
/// `verify` compares size, time and mode of all that it unpacked, and the target of links, without
/// reading the archive again unless its size or time changed. A file that was changed so that size
/// and time stayed is not seen. `update` unpacks what differs, each file in one moment. It needs the
/// right to write into the directory above; another owner needs root.
///
/// [`absent`](Self::absent) removes what was unpacked, also what was changed by hand in it; the directory
/// goes if nothing else lies in it. The archive itself is not needed for that.
///
/// **Needs**: nothing; root for another owner.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// fn configure(scope: &mut Scope<'_>) -> Result {
///     let sum = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
///     let archive = Download::new("https://example.org/app-1.2.tar.gz", "app.tar.gz").sha256(sum);
///     let archive = scope.add(archive);
///     scope.add(Archive::new("/opt/app").file(archive.path()).strip_components(1));
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct Archive {
    place: Place,
    access: Access,
    given: Vec<Given>,
    origin: Option<Origin>,
    format: Option<ArchiveFormat>,
    strip: usize,
    only: Globs,
    exclude: Globs,
    absent: bool,
    memory: Option<Memory>,
}

#[derive(Clone, Debug)]
enum Given {
    Source(String),
    File(Location),
}

/// Where the archive is.
#[derive(Debug)]
enum Origin {
    Asset(Asset),
    File(HostPath),
}

impl Archive {
    /// Unpacks into a directory; a relative one lies in the root's work directory.
    pub fn new(directory: impl Into<Location>) -> Self {
        Self {
            place: Place::new(directory.into()),
            access: Access::default(),
            given: Vec::new(),
            origin: None,
            format: None,
            strip: 0,
            only: Globs::default(),
            exclude: Globs::default(),
            absent: false,
            memory: None,
        }
    }

    /// Takes an archive that is an asset.
    #[must_use]
    pub fn source(mut self, name: impl Into<String>) -> Self {
        self.given.push(Given::Source(name.into()));
        self
    }

    /// Takes an archive that is a file of the host.
    #[must_use]
    pub fn file(mut self, path: impl Into<Location>) -> Self {
        self.given.push(Given::File(path.into()));
        self
    }

    /// Says how it is packed.
    #[must_use]
    pub fn format(mut self, format: ArchiveFormat) -> Self {
        self.format = Some(format);
        self
    }

    /// Takes that many directories off the beginning of each path; what has no more is left out.
    #[must_use]
    pub fn strip_components(mut self, count: usize) -> Self {
        self.strip = count;
        self
    }

    /// Unpacks only what matches, with all below it. A pattern without `/` means a name at any depth,
    /// another one the path below the directory. May be given several times.
    #[must_use]
    pub fn only(mut self, pattern: impl Into<String>) -> Self {
        self.only.push(pattern);
        self
    }

    /// Leaves out what matches, with all below it. May be given several times.
    #[must_use]
    pub fn exclude(mut self, pattern: impl Into<String>) -> Self {
        self.exclude.push(pattern);
        self
    }

    /// Sets the owner of all that is unpacked, by name or number.
    #[must_use]
    pub fn owner(mut self, name: impl Into<String>) -> Self {
        self.access.set_owner(name);
        self
    }

    /// Sets the group of all that is unpacked, by name or number.
    #[must_use]
    pub fn group(mut self, name: impl Into<String>) -> Self {
        self.access.set_group(name);
        self
    }

    /// Creates the directories above that are missing; without it they are an error.
    #[must_use]
    pub fn leading_directories(mut self) -> Self {
        self.place.with_leading();
        self
    }

    /// Removes what was unpacked.
    #[must_use]
    pub fn absent(mut self) -> Self {
        self.absent = true;
        self
    }

    /// The path of the directory on the host.
    ///
    /// # Panics
    /// The archive was not added yet.
    #[track_caller]
    pub fn path(&self) -> &HostPath {
        self.place.path()
    }

    fn memory(&self) -> Result<&Memory> {
        self.memory.as_ref().context("the archive was not configured").code(code::NOT_CONFIGURED)
    }

    fn origin(&self) -> Result<&Origin> {
        self.origin.as_ref().context("the archive was not configured").code(code::NOT_CONFIGURED)
    }

    /// What is asked for beside the archive itself.
    fn options(&self) -> String {
        format!("strip {}, only {:?}, exclude {:?}", self.strip, self.only, self.exclude)
    }

    /// The archive as it is now. What has the size and time of the one that was unpacked is that.
    fn source_now(&self, probe: &Probe<'_>, known: Option<&Source>) -> Result<Source> {
        let path = match self.origin()? {
            Origin::Asset(asset) => return Ok(Source::of_asset(asset, self.options())),
            Origin::File(path) => path,
        };
        let local = probe.local(path);
        let entry = probe.entry(path)?.filter(Entry::is_file);
        let entry = entry
            .with_context(|| format!("there is no archive `{}`", local.display()))
            .code(code::NO_FILE);
        let entry = entry.hint("let an earlier component make it, such as a `Download`")?;
        let modified = unpacked::nanoseconds(entry.modified);
        let mut source = Source { size: entry.size, modified, ..Source::of(Digest::of(b"")) };
        source.options = self.options();
        source.digest = match known {
            Some(known) if known.size == entry.size && known.modified == modified => known.digest,
            _ => probe.digest(path)?.0,
        };
        Ok(source)
    }

    /// Gives all members to a function, each with its content.
    fn each(
        &self,
        probe: &Probe<'_>,
        mut take: impl FnMut(Member, &mut dyn Read) -> Result,
    ) -> Result {
        let format = self
            .format
            .context("the format of the archive is not known")
            .code(code::OPTION_MISSING)?;
        let mut members = Members::new(self.strip, &self.only, &self.exclude)?;
        let mut check = |raw: format::Raw, content: &mut dyn Read| -> Result {
            match members.check(raw)? {
                Some(member) => take(member, content),
                None => Ok(()),
            }
        };
        match self.origin()? {
            Origin::Asset(asset) => {
                let content = Cursor::new(probe.asset(asset)?);
                format::read(format, content, &mut check)
            }
            Origin::File(path) => format::read(format, probe.open(path)?, &mut check),
        }
        .with_context(|| format!("cannot unpack `{}`", self.name()))
    }

    fn name(&self) -> &str {
        match &self.origin {
            Some(Origin::Asset(asset)) => &asset.name,
            Some(Origin::File(path)) => path.as_str(),
            None => "",
        }
    }

    /// Puts one member in its place, and says what was put there.
    fn put(&self, machine: &Machine<'_>, member: &Member, content: &mut dyn Read) -> Result<Item> {
        let path = self.path().join(&member.path);
        let mut ownership = self.access.ownership().clone();
        ownership.mode = member.mode();
        let entry = machine.entry(&path)?;
        let in_the_way =
            |keep: fn(&Entry) -> bool| entry.as_ref().is_some_and(|entry| !keep(entry));
        match &member.kind {
            MemberKind::Directory { .. } => {
                if in_the_way(Entry::is_directory) {
                    machine.remove(&path)?;
                }
                machine.create_directory(&path, &ownership)?;
            }
            MemberKind::File { modified, .. } => {
                let reader = togusa_core::host::Content::Reader(Box::new(content));
                machine.replace_unsynced(&path, reader, &ownership)?;
                machine.set_modified(&path, *modified)?;
            }
            MemberKind::Copy { of, .. } => {
                let original = machine.open(&self.path().join(of))?;
                let modified = original.metadata()?.modified()?;
                let reader = togusa_core::host::Content::Reader(Box::new(original));
                machine.replace_unsynced(&path, reader, &ownership)?;
                machine.set_modified(&path, modified)?;
            }
            MemberKind::Symlink { target } => {
                if in_the_way(|entry| !entry.is_directory()) {
                    machine.remove(&path)?;
                }
                machine.symlink(&path, target)?;
                if let Some(entry) = machine.entry(&path)? {
                    access::mend(machine, &path, &entry, &ownership)?;
                }
            }
        }
        let entry = machine.entry(&path)?.context("what was unpacked is gone")?;
        Ok(Item::new(member, &entry))
    }

    /// Removes what a former archive brought and this one lacks; a directory only if it is empty.
    fn remove_former(
        &self,
        machine: &Machine<'_>,
        former: &Unpacked,
        kept: &BTreeSet<&str>,
    ) -> Result {
        for item in former.items.iter().rev().filter(|item| !kept.contains(item.path.as_str())) {
            let path = self.path().join(&item.path);
            match machine.entry(&path)? {
                Some(entry) if entry.is_directory() => {
                    let may_go = item.is_directory() && machine.list(&path)?.is_empty();
                    may_go.then(|| machine.remove(&path)).transpose()?;
                }
                Some(_) if !item.is_directory() => machine.remove(&path)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// What was unpacked and is still there.
    fn left(&self, probe: &Probe<'_>) -> Result<Option<Unpacked>> {
        let Some(known) = self.memory()?.read::<Unpacked>(probe)? else { return Ok(None) };
        for item in &known.items {
            if probe.entry(&self.path().join(&item.path))?.is_some() {
                return Ok(Some(known));
            }
        }
        Ok(None)
    }

    fn remove(&self, machine: &Machine<'_>) -> Result {
        if let Some(left) = self.left(machine)? {
            self.remove_former(machine, &left, &BTreeSet::new())?;
            let directory = machine.entry(self.path())?.is_some_and(|it| it.is_directory());
            if directory && machine.list(self.path())?.is_empty() {
                machine.remove(self.path())?;
            }
        }
        self.memory()?.forget(machine)
    }
}

impl Component for Archive {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some(self.place.key())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        self.place.resolve("archive", scope)?;
        self.access.checked()?;
        self.only.parse()?;
        self.exclude.parse()?;
        self.memory = Some(Memory::of(scope));
        if self.absent {
            return Ok(());
        }
        let origin = match &self.given[..] {
            [Given::Source(name)] => Origin::Asset(scope.asset(name)?),
            [Given::File(location)] => Origin::File(location.resolve(scope)?),
            given => {
                let said =
                    if given.is_empty() { "no archive is given" } else { "it has two archives" };
                return Err(fault!(code::OPTIONS_CLASH, "{said}"))
                    .hint("give it one `.source(…)` or `.file(…)`");
            }
        };
        self.origin = Some(origin);
        if self.format.is_none() {
            self.format = ArchiveFormat::of(self.name());
        }
        let known = self
            .format
            .with_context(|| format!("the format of `{}` is not known", self.name()))
            .code(code::OPTION_MISSING);
        known.hint("name it with a usual suffix, or say it by `.format(…)`")?;
        Ok(())
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        if self.absent {
            let what = || Change::remove("what was unpacked".to_owned());
            return Ok(self.left(probe)?.map(|_| what()).into_iter().collect());
        }
        let known: Option<Unpacked> = self.memory()?.read(probe)?;
        let source = self.source_now(probe, known.as_ref().map(|known| &known.source))?;
        let Some(known) = known else {
            return Ok(Verdict::stale(Change::create(format!("what `{}` holds", self.name()))));
        };
        let mut verdict = Vec::new();
        if known.source.digest != source.digest {
            let (from, to) = (known.source.digest.short(), source.digest.short());
            verdict.push(Change::property("archive sha256", from, to));
        }
        if known.source.options != source.options {
            verdict.push(Change::property("options", &known.source.options, &source.options));
        }
        let wanted = Wanted::new(self.access.ownership(), probe)?;
        for item in &known.items {
            verdict.extend(item.changes(probe, self.path(), wanted)?);
        }
        Ok(verdict.into())
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        if self.absent {
            return self.remove(machine);
        }
        self.place.prepare(machine)?;
        let former: Option<Unpacked> = self.memory()?.read(machine)?;
        let source = self.source_now(machine, former.as_ref().map(|former| &former.source))?;
        let same = former.as_ref().filter(|former| former.source.is_same(&source));
        let same = same.into_iter().flat_map(|former| &former.items);
        let same: BTreeMap<_, _> = same.map(|item| (item.path.as_str(), item)).collect();
        let wanted = Wanted::new(self.access.ownership(), machine)?;
        // The whole archive is looked at before anything is written.
        let mut paths = BTreeSet::new();
        self.each(machine, |member, content| {
            paths.insert(member.path.clone());
            std::io::copy(content, &mut std::io::sink())?;
            Ok(())
        })?;
        demand!(
            !paths.is_empty(),
            code::ARCHIVE_UNREADABLE,
            "`{}` holds nothing that is to be unpacked",
            self.name()
        );
        if machine.entry(self.path())?.is_none() {
            let ownership = self.access.ownership().clone();
            machine.create_directory(self.path(), &ownership)?;
        }
        let mut items: Vec<Item> = Vec::new();
        let mut made = BTreeSet::new();
        self.each(machine, |member, content| {
            for above in member.above() {
                if !paths.contains(above) && made.insert(above.to_owned()) {
                    let directory = Member::directory(above);
                    items.push(self.put(machine, &directory, &mut std::io::empty())?);
                }
            }
            let known = same.get(member.path.as_str()).copied();
            let intact = match known {
                Some(item) => item.changes(machine, self.path(), wanted)?.is_empty(),
                None => false,
            };
            items.push(match known {
                Some(item) if intact => item.clone(),
                _ => self.put(machine, &member, content)?,
            });
            Ok(())
        })?;
        if let Some(former) = &former {
            let kept = items.iter().map(|item| item.path.as_str()).collect();
            self.remove_former(machine, former, &kept)?;
        }
        // Only what is on the disk is remembered as unpacked.
        machine.sync(self.path())?;
        self.memory()?.write(machine, &Unpacked { source, items })
    }
}
