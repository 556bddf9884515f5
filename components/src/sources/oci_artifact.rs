//! Artifacts of registries.

mod manifest;
mod reference;
mod registry;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use togusa_core::digest::Digest;
use togusa_core::fault::CodeExt as _;
use togusa_core::host::{Content, Entry};
use togusa_core::prelude::*;
use togusa_core::problem::code;
use togusa_core::{demand, fault};

use crate::access::{self, Access};
use crate::file::Text;
use crate::location::{Location, Place};
use crate::mode::IntoMode;

use super::memory::Memory;
use manifest::{Item, Manifest, Wanted};
use reference::Reference;
use registry::Registry;

/// An artifact of an OCI registry, by its digest: what `oras push` and its like brought there.
///
/// [`new`](Self::new) lays down each layer that has a title (`org.opencontainers.image.title`) as the file
/// of that name in a directory; what else lies in the directory stays, and what a former artifact brought
/// and the new one lacks goes. [`file`](Self::file) lays down one layer as one file, whatever it is: a
/// program, a module of WebAssembly, a chart of Helm.
///
/// Nothing is unpacked: an `Archive` after it does that. A directory that `oras` packed is laid down as
/// `TITLE.tar.gz`. The layers of an image of a container have no titles; such an image is for a container
/// engine. A digest that stands for several platforms is refused, with the digests that it lists.
///
/// | attribute | default |
/// |---|---|
/// | `layer` | of `file`: the only one that there is |
/// | `login` | none: what everybody may read |
/// | `plain_http` | no: the registry speaks TLS |
/// | `timeout` | of each request an hour; 30 s to connect, and 60 s without a byte, end it sooner |
/// | `retries` | 3 after an error that may pass |
/// | `mode`, `owner`, `group` | of each file as for `File`: left as they are; of a new file what the umask gives |
/// | `leading_directories` | no; yes for what a sandbox maps |
///
/// The digest is that of the manifest, which holds the digests of the layers: both are compared with what
/// came, and every layer is there before the first file is replaced. A tag in the reference says nothing.
/// A directory in the place of a file is an error, unless a former artifact made it.
///
/// `verify` reads the files and compares them with the manifest, which is kept in the private directory
/// `.togusa` of the root's work directory; it needs no network. `update` fetches what differs, each layer
/// as `Download` does a file: it goes on where a former try broke. [`absent`](Self::absent) removes what
/// was laid down, the directory too if nothing else lies in it, and asks nobody.
///
/// It asks the registry by its HTTP API, with `curl`, as `Download` does, so that hosts need neither
/// `skopeo` nor `oras`. A registry that wants a token is asked for one; user, password and token reach
/// `curl` by standard input, and user and password no other server than that which the registry names,
/// over TLS. Logins that `docker` keeps are not read.
///
/// **Needs**: `curl`; root for another owner.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// #[derive(Debug)]
/// struct Tool {
///     password: Secret,
/// }
///
/// impl Component for Tool {
///     fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
///         let digest = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
///         let pages = format!("registry.example.org:5000/site/pages@{digest}");
///         scope.add(OciArtifact::new(pages, "/srv/pages").login("deploy", &self.password));
///         let tool = OciArtifact::file(format!("ghcr.io/example/tool@{digest}"), "/usr/local/bin/tool");
///         scope.add(tool.layer("tool-linux-amd64").mode(0o755));
///         Ok(())
///     }
/// }
/// ```
#[derive(Debug)]
pub struct OciArtifact {
    place: Place,
    access: Access,
    given: String,
    reference: Option<Reference>,
    wanted: Wanted,
    asking: Asking,
    absent: bool,
    memory: Option<Memory>,
}

/// How the registry is asked.
#[derive(Debug, Default)]
struct Asking {
    plain_http: bool,
    login: Option<(String, Text)>,
    timeout: Option<Duration>,
    retries: Option<u32>,
}

/// What is remembered: the manifest, which its digest keeps from being another one.
#[derive(Debug, Serialize, Deserialize)]
struct Laid {
    manifest: String,
    /// What may be there of this and former artifacts, below the directory.
    paths: BTreeSet<String>,
}

impl Laid {
    fn digest(&self) -> Digest {
        Digest::of(self.manifest.as_bytes())
    }
}

impl OciArtifact {
    /// What an artifact, `REGISTRY/NAME@sha256:…`, holds, in a directory; a relative one lies in the root's
    /// work directory.
    pub fn new(reference: impl Into<String>, directory: impl Into<Location>) -> Self {
        Self::laid(reference.into(), directory.into(), Wanted::Titled)
    }

    /// One layer of an artifact, `REGISTRY/NAME@sha256:…`, as a file; a relative path lies in the root's
    /// work directory.
    pub fn file(reference: impl Into<String>, path: impl Into<Location>) -> Self {
        Self::laid(reference.into(), path.into(), Wanted::One(None))
    }

    fn laid(given: String, location: Location, wanted: Wanted) -> Self {
        Self {
            place: Place::new(location),
            access: Access::default(),
            given,
            reference: None,
            wanted,
            asking: Asking::default(),
            absent: false,
            memory: None,
        }
    }

    /// Takes the layer with that title alone, as a file: the place is its path.
    #[must_use]
    pub fn layer(mut self, title: impl Into<String>) -> Self {
        self.wanted = Wanted::One(Some(title.into()));
        self
    }

    /// Logs in to the registry.
    #[must_use]
    pub fn login(mut self, user: impl Into<String>, password: impl Into<Text>) -> Self {
        self.asking.login = Some((user.into(), password.into()));
        self
    }

    /// Asks a registry that has no TLS.
    #[must_use]
    pub fn plain_http(mut self) -> Self {
        self.asking.plain_http = true;
        self
    }

    /// Sets how long each request may take.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.asking.timeout = Some(timeout);
        self
    }

    /// Sets how often it is tried again after an error that may pass.
    #[must_use]
    pub fn retries(mut self, count: u32) -> Self {
        self.asking.retries = Some(count);
        self
    }

    /// Sets the mode of each file: `0o644`, `"644"` or `"rw-r--r--"`.
    #[must_use]
    pub fn mode(mut self, mode: impl IntoMode) -> Self {
        self.access.set_mode(mode);
        self
    }

    /// Sets the owner of each file, by name or number.
    #[must_use]
    pub fn owner(mut self, name: impl Into<String>) -> Self {
        self.access.set_owner(name);
        self
    }

    /// Sets the group of each file, by name or number.
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

    /// Removes what was laid down.
    #[must_use]
    pub fn absent(mut self) -> Self {
        self.absent = true;
        self
    }

    /// The path of the directory, or of the file, on the host.
    ///
    /// # Panics
    /// The artifact was not added yet.
    #[track_caller]
    pub fn path(&self) -> &HostPath {
        self.place.path()
    }

    fn memory(&self) -> Result<&Memory> {
        self.memory.as_ref().context("the artifact was not configured").code(code::NOT_CONFIGURED)
    }

    fn reference(&self) -> Result<&Reference> {
        let reference = self.reference.as_ref();
        reference.context("the artifact was not configured").code(code::NOT_CONFIGURED)
    }

    fn is_file(&self) -> bool {
        self.wanted != Wanted::Titled
    }

    /// The path of something that was laid down.
    fn at(&self, path: &str) -> HostPath {
        if path.is_empty() { self.path().clone() } else { self.path().join(path) }
    }

    /// What of former artifacts, or of the one that is to go, is still there.
    fn left(&self, probe: &Probe<'_>, laid: &Laid, items: &[Item]) -> Result<Vec<String>> {
        let kept = |path: &str| items.iter().any(|item| item.path == path);
        let mut left = Vec::new();
        for path in laid.paths.iter().filter(|path| !kept(path)) {
            let entry = probe.entry(&self.at(path))?;
            if entry.is_some_and(|entry| !entry.is_directory()) {
                left.push(path.clone());
            }
        }
        Ok(left)
    }

    /// Removes what is left, and the directories that held nothing else.
    fn remove(&self, machine: &Machine<'_>, left: &[String]) -> Result {
        for path in left {
            machine.remove(&self.at(path))?;
            let mut above = path.as_str();
            while let Some((directory, _)) = above.rsplit_once('/') {
                let directory_path = self.at(directory);
                if !machine.list(&directory_path)?.is_empty() {
                    break;
                }
                machine.remove(&directory_path)?;
                above = directory;
            }
        }
        Ok(())
    }

    /// How the file of an item differs from what it should be, and how it should be created.
    fn changes(&self, probe: &Probe<'_>, item: &Item) -> Result<Vec<Change>> {
        let ownership = self.access.ownership();
        let of = if item.path.is_empty() { String::new() } else { format!(" `{}`", item.path) };
        let entry = probe.entry(&self.at(&item.path))?;
        let Some(entry) = entry.clone().filter(Entry::is_file) else {
            let removed = entry.map(|entry| access::removed(&entry, &of));
            let created = access::created(&format!("file{of}"), ownership);
            return Ok(removed.into_iter().chain([created]).collect());
        };
        let of = if of.is_empty() { of } else { format!(" of{of}") };
        let wanted = access::Wanted::new(ownership, probe)?;
        let mut changes = wanted.changes(probe, &entry, &of);
        let digest = probe.digest(&self.at(&item.path))?.0;
        if digest != item.digest {
            let (from, to) = (digest.short(), item.digest.short());
            changes.push(Change::property(format!("sha256{of}"), from, to));
        }
        Ok(changes)
    }

    /// Whether the file of an item needs no more than another mode or owner.
    fn has_content(&self, machine: &Machine<'_>, item: &Item) -> Result<bool> {
        let path = self.at(&item.path);
        if !machine.entry(&path)?.is_some_and(|entry| entry.is_file()) {
            return Ok(false);
        }
        Ok(machine.digest(&path)?.0 == item.digest && machine.is_own_place(&path)?)
    }

    fn removal(&self, probe: &Probe<'_>) -> Result<Verdict> {
        if self.is_file() {
            return access::to_remove(probe, self.path(), "file", |entry| !entry.is_directory());
        }
        let Some(laid) = self.memory()?.read::<Laid>(probe)? else { return Ok(Verdict::current()) };
        let left = self.left(probe, &laid, &[])?;
        Ok(left.iter().map(|path| Change::remove(format!("file `{path}`"))).collect())
    }

    fn remove_all(&self, machine: &Machine<'_>) -> Result {
        let memory = self.memory()?;
        if let Some(laid) = memory.read::<Laid>(machine)? {
            self.forget_partials(machine, &laid)?;
            if !self.is_file() {
                self.remove(machine, &self.left(machine, &laid, &[])?)?;
                let directory = machine.entry(self.path())?.is_some_and(|it| it.is_directory());
                if directory && machine.list(self.path())?.is_empty() {
                    machine.remove(self.path())?;
                }
            }
        }
        if self.is_file() {
            machine.remove(self.path())?;
        }
        memory.forget(machine)
    }

    /// Removes what a fetch that broke has left.
    fn forget_partials(&self, machine: &Machine<'_>, laid: &Laid) -> Result {
        // Another version may have remembered what cannot be read any more.
        let Ok(manifest) = Manifest::read(&laid.manifest) else { return Ok(()) };
        for item in manifest.items(&self.wanted).unwrap_or_default() {
            machine.remove(&self.partial(&item)?)?;
        }
        Ok(())
    }

    /// Puts what was fetched in its place.
    fn put(&self, machine: &Machine<'_>, item: &Item) -> Result {
        let (path, ownership) = (self.at(&item.path), self.access.ownership());
        if let Some(entry) = machine.entry(&path)?
            && self.has_content(machine, item)?
        {
            return access::mend(machine, &path, &entry, ownership);
        }
        if item.path.contains('/') {
            machine.create_leading(&path)?;
        }
        let content = Content::Reader(Box::new(machine.open(&self.partial(item)?)?));
        machine.replace(&path, content, ownership)
    }

    /// Refuses directories in the places of files: what they hold was not planned to go. Those that a
    /// former artifact made are its own.
    fn check_places(&self, machine: &Machine<'_>, items: &[Item], former: Option<&Laid>) -> Result {
        for item in items {
            let path = self.at(&item.path);
            let below = format!("{}/", item.path);
            let is_own =
                former.is_some_and(|laid| laid.paths.iter().any(|path| path.starts_with(&below)));
            if !is_own && machine.entry(&path)?.is_some_and(|entry| entry.is_directory()) {
                let local = machine.local(&path);
                return Err(fault!(code::IN_THE_WAY, "`{}` is a directory", local.display())).hint(
                    "a layer has this title; see what the directory holds: `Purge` removes it",
                );
            }
        }
        Ok(())
    }

    /// Where a layer is fetched to.
    fn partial(&self, item: &Item) -> Result<HostPath> {
        Ok(self.memory()?.path(&format!("{}.part", item.digest.short())))
    }
}

impl Component for OciArtifact {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some(self.place.key())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        self.place.resolve("artifact", scope)?;
        self.access.checked()?;
        self.reference = Some(Reference::parse(&self.given)?);
        if let Some((user, password)) = &self.asking.login {
            password.check()?;
            let plain = |text: &str| !text.contains(char::is_control);
            demand!(
                plain(user) && !user.contains(':') && plain(password.as_str()?),
                code::OPTION_VALUE,
                "the name of a user has no `:`, and user and password stand on one line each"
            );
        }
        self.memory = Some(Memory::of(scope));
        Ok(())
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        if self.absent {
            return self.removal(probe);
        }
        let reference = self.reference()?;
        let laid = match self.memory()?.read::<Laid>(probe)? {
            Some(laid) if laid.digest() == reference.digest => laid,
            Some(other) => {
                let (from, to) = (other.digest().short(), reference.digest.short());
                return Ok(Verdict::stale(Change::property("digest", from, to)));
            }
            None => {
                let what = format!("what `{reference}` holds");
                return Ok(Verdict::stale(access::created(&what, self.access.ownership())));
            }
        };
        let items = Manifest::read(&laid.manifest)?.items(&self.wanted)?;
        let mut changes = Vec::new();
        for item in &items {
            changes.extend(self.changes(probe, item)?);
        }
        let left = self.left(probe, &laid, &items)?;
        changes.extend(left.iter().map(|path| Change::remove(format!("file `{path}`"))));
        Ok(changes.into())
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        if self.absent {
            return self.remove_all(machine);
        }
        self.place.prepare(machine)?;
        let (memory, reference) = (self.memory()?, self.reference()?);
        memory.prepare(machine)?;
        let former: Option<Laid> = memory.read(machine)?;
        let registry = Registry::new(machine, reference, &self.asking);
        let fetch = || -> Result<(String, Vec<Item>)> {
            let known = former.as_ref().filter(|laid| laid.digest() == reference.digest);
            let manifest = match known {
                Some(laid) => laid.manifest.clone(),
                None => registry.manifest()?,
            };
            let items = Manifest::read(&manifest)?.items(&self.wanted)?;
            if !self.is_file() && known.is_none() {
                self.check_places(machine, &items, former.as_ref())?;
            }
            // All is there before anything is replaced.
            for item in &items {
                if !self.has_content(machine, item)? {
                    registry.fetch(item.digest, memory, &self.partial(item)?)?;
                }
            }
            Ok((manifest, items))
        };
        let fetched = fetch();
        let (manifest, items) = fetched.with_context(|| format!("cannot fetch `{reference}`"))?;
        let now: BTreeSet<_> = items.iter().map(|item| item.path.clone()).collect();
        let former = former.map(|laid| laid.paths).unwrap_or_default();
        // Whatever happens from here on, all that may be there is known.
        let mut laid = Laid { manifest, paths: former.union(&now).cloned().collect() };
        memory.write(machine, &laid)?;
        self.remove(machine, &self.left(machine, &laid, &items)?)?;
        if !self.is_file() && machine.entry(self.path())?.is_none() {
            let mut ownership = self.access.ownership().clone();
            ownership.mode = None;
            machine.create_directory(self.path(), &ownership)?;
        }
        for item in &items {
            self.put(machine, item)?;
        }
        // Two files may have come from one layer.
        for item in &items {
            machine.remove(&self.partial(item)?)?;
        }
        laid.paths = now;
        memory.write(machine, &laid)
    }
}
