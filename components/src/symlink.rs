//! Symbolic links.

use std::borrow::Cow;

use togusa_core::demand;
use togusa_core::fault::CodeExt as _;
use togusa_core::host::Entry;
use togusa_core::prelude::*;
use togusa_core::problem::code;

use crate::access;
use crate::location::{Location, Place};

/// One symbolic link, and where it leads.
///
/// A relative target is written into the link as it is, so that it counts from the link's own
/// directory. One that begins with `/` or `~`, and a [`HostPath`], is a path of the host like any
/// other: a sandbox maps it, and `~` is expanded there. The target need not exist.
///
/// | attribute | default |
/// |---|---|
/// | `leading_directories` | no; yes for what a sandbox maps |
///
/// `verify` reads the link. `update` creates or redirects it in one moment; a file or another link
/// in its place goes in that moment too, a directory with all that it holds just before. It needs
/// the right to write into the directory that holds the link. [`absent`](Self::absent) removes a link,
/// and nothing else.
///
/// **Needs**: nothing.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// fn configure(scope: &mut Scope<'_>) -> Result {
///     let release = scope.add(Directory::new("releases/7").leading_directories());
///     scope.add(Symlink::new("latest", "releases/7"));
///     scope.add(Symlink::new("/srv/app", release.path()));
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct Symlink {
    place: Place,
    target: Location,
    absent: bool,
}

impl Symlink {
    /// A link at a path that leads to a target.
    pub fn new(path: impl Into<Location>, target: impl Into<Location>) -> Self {
        Self { place: Place::new(path.into()), target: target.into(), absent: false }
    }

    /// No link is at a path, wherever it leads.
    pub fn absent(path: impl Into<Location>) -> Self {
        Self { absent: true, ..Self::new(path, "") }
    }

    /// Creates the directories above that are missing; without it they are an error.
    #[must_use]
    pub fn leading_directories(mut self) -> Self {
        self.place.with_leading();
        self
    }

    /// The path of the link itself on the host.
    ///
    /// # Panics
    /// The link was not added yet.
    #[track_caller]
    pub fn path(&self) -> &HostPath {
        self.place.path()
    }

    /// The target as it stands in the link.
    fn written(&self, probe: &Probe<'_>) -> String {
        match &self.target {
            Location::Text(relative) => relative.clone(),
            Location::Path(path) => probe.local(path).to_string_lossy().into_owned(),
        }
    }
}

impl Component for Symlink {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some(self.place.key())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        self.place.resolve("symlink", scope)?;
        if self.absent {
            return Ok(());
        }
        let relative = !self.target.as_str().starts_with(['/', '~']);
        let target = self
            .target
            .resolve(scope)
            .context("the link's target cannot be used")
            .code(code::OPTION_VALUE)?;
        demand!(relative || target != *self.path(), code::OPTION_VALUE, "the link leads to itself");
        if !relative {
            self.target = target.into();
        }
        Ok(())
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        if self.absent {
            return access::to_remove(probe, self.path(), "symlink", Entry::is_symlink);
        }
        let target = self.written(probe);
        match probe.entry(self.path())? {
            Some(entry) if entry.is_symlink() => {
                let present = probe.read_link(self.path())?;
                let present = present.to_string_lossy();
                Ok(Verdict::expect(
                    present == target,
                    Change::property("target", &present, &target),
                ))
            }
            other => {
                let mut verdict = Verdict::current();
                other.iter().for_each(|entry| verdict.push(access::removed(entry, "")));
                verdict.push(Change::create(format!("symlink to {target}")));
                Ok(verdict)
            }
        }
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        if self.absent {
            return machine.remove(self.path());
        }
        self.place.prepare(machine)?;
        let path = self.path();
        if machine.entry(path)?.is_some_and(|entry| entry.is_directory()) {
            machine.remove(path)?;
        }
        machine.symlink(path, &self.written(machine))
    }
}
