//! Removing by pattern.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::iter;

use togusa_core::fault::CodeExt as _;
use togusa_core::host::EntryKind;
use togusa_core::prelude::*;
use togusa_core::problem::code;

use crate::globs::{self, Globs};
use crate::location::Location;

/// Nothing on the host matches a pattern.
///
/// The pattern is a path with `*`, `?`, `[…]` and `**`; a name that begins with a dot matches only
/// where the pattern has that dot. What matches goes: a link, not its target; a directory with all
/// that it holds.
///
/// | attribute | default |
/// |---|---|
/// | `except` | nothing is left alone |
///
/// `verify` lists the directories that the pattern names. `update` removes what it finds, and needs
/// the right to write into the directories that hold it.
///
/// It is how whatever matches is absent, and cannot be so itself.
///
/// **Needs**: nothing.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// fn configure(scope: &mut Scope<'_>) -> Result {
///     scope.add(Purge::new("/etc/nginx/sites-enabled/*").except("shop.conf"));
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct Purge {
    pattern: Location,
    except: Globs,
    path: Option<HostPath>,
}

impl Purge {
    /// Removes what matches; a relative pattern is looked for in the root's work directory.
    pub fn new(pattern: impl Into<Location>) -> Self {
        Self { pattern: pattern.into(), except: Globs::default(), path: None }
    }

    /// Leaves alone what has a name like this, among what the pattern matches, and the directories
    /// above it; may be given several times.
    #[must_use]
    pub fn except(mut self, name: impl Into<String>) -> Self {
        self.except.push(name);
        self
    }

    /// What is to be removed; nothing that lies below something else that is.
    fn found(&self, probe: &Probe<'_>) -> Result<BTreeSet<HostPath>> {
        let pattern = self
            .path
            .as_ref()
            .context("the pattern was not configured")
            .code(code::NOT_CONFIGURED)?;
        let mut found = probe.glob(pattern)?;
        if !self.except.is_empty() {
            let except = self.except.parse()?;
            let (kept, rest): (Vec<_>, Vec<_>) =
                found.into_iter().partition(|path| except.match_path(path.file_name()));
            let above_kept: BTreeSet<_> = kept.iter().flat_map(above).collect();
            let kept: BTreeSet<_> = kept.into_iter().collect();
            let may_go = |path: &HostPath| {
                !above_kept.contains(path) && !above(path).any(|above| kept.contains(&above))
            };
            found = rest.into_iter().filter(may_go).collect();
        }
        // A directory comes before what it holds, which goes with it.
        let mut highest = BTreeSet::new();
        for path in found {
            if !above(&path).any(|above| highest.contains(&above)) {
                highest.insert(path);
            }
        }
        Ok(highest)
    }
}

/// All directories that a path lies in.
fn above(path: &HostPath) -> impl Iterator<Item = HostPath> {
    iter::successors(path.parent(), HostPath::parent)
}

impl Component for Purge {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some(self.pattern.as_str().into())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        self.except.parse()?;
        let path = self.pattern.resolve(scope)?;
        path.as_str()
            .split('/')
            .filter(|part| *part != "**")
            .try_for_each(|part| globs::parse(part).map(|_| ()))?;
        self.path = Some(path);
        Ok(())
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        let mut verdict = Verdict::current();
        for path in self.found(probe)? {
            let Some(entry) = probe.entry(&path)? else { continue };
            let what = match entry.kind {
                EntryKind::File => "file",
                EntryKind::Directory => "directory",
                EntryKind::Symlink => "symlink",
                EntryKind::Other => "device, socket or pipe",
            };
            verdict.push(Change::remove(format!("{what} `{}`", probe.local(&path).display())));
        }
        Ok(verdict)
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        self.found(machine)?.iter().try_for_each(|path| machine.remove(path))
    }
}
