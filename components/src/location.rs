//! The ways to name a path on a host.

use std::borrow::Cow;

use togusa_core::demand;
use togusa_core::prelude::*;
use togusa_core::problem::code;

/// Where something lies: a text, read by [`Scope::path`], or a path of another component.
///
/// A relative text lies in the root's work directory, an absolute one below the environment's
/// sandbox if there is one, and `~` is the home of the converging user. A [`HostPath`] is taken as
/// it is; it must be a path of the host that is being configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// As an author wrote it.
    Text(String),
    /// A path that is known already.
    Path(HostPath),
}

impl Location {
    /// The text as it was given, for breadcrumbs.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Path(path) => path.as_str(),
        }
    }

    /// The path on the host that is being configured.
    pub(crate) fn resolve(&self, scope: &Scope<'_>) -> Result<HostPath> {
        match self {
            Self::Text(text) => {
                demand!(!text.is_empty(), code::OPTION_VALUE, "the path is empty");
                Ok(scope.path(text))
            }
            Self::Path(path) => {
                let (of, here) = (path.host(), scope.host());
                demand!(
                    of == here,
                    code::PATH_OF_OTHER_HOST,
                    "`{}` is a path of host `{of}`, not of `{here}`",
                    path.as_str()
                );
                Ok(path.clone())
            }
        }
    }

    /// Whether the path was mapped below a sandbox, where the system's directories are missing.
    fn is_sandboxed(&self, resolved: &HostPath) -> bool {
        match self {
            Self::Text(text) if text.starts_with('/') => {
                HostPath::new(resolved.host(), text) != *resolved
            }
            _ => false,
        }
    }
}

impl From<&str> for Location {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Location {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&String> for Location {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<HostPath> for Location {
    fn from(path: HostPath) -> Self {
        Self::Path(path)
    }
}

impl From<&HostPath> for Location {
    fn from(path: &HostPath) -> Self {
        Self::Path(path.clone())
    }
}

/// The place that a component manages: as it was given, and, once configured, on the host.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    location: Location,
    path: Option<HostPath>,
    leading: bool,
}

impl Place {
    pub(crate) fn new(location: Location) -> Self {
        Self { location, path: None, leading: false }
    }

    /// Finds the path and records that it is managed.
    pub(crate) fn resolve(&mut self, kind: &str, scope: &mut Scope<'_>) -> Result {
        let path = self.location.resolve(scope)?;
        self.leading |= self.location.is_sandboxed(&path);
        scope.manages(kind, path.as_str());
        self.path = Some(path);
        Ok(())
    }

    /// Asks for the directories above.
    pub(crate) fn with_leading(&mut self) {
        self.leading = true;
    }

    pub(crate) fn key(&self) -> Cow<'_, str> {
        self.location.as_str().into()
    }

    /// The path on the host.
    #[track_caller]
    pub(crate) fn path(&self) -> &HostPath {
        match &self.path {
            Some(path) => path,
            None => panic!("`{}` has no path before it is added", self.location.as_str()),
        }
    }

    /// Makes sure that the directory above is there, by creating it where this was asked for.
    pub(crate) fn prepare(&self, machine: &Machine<'_>) -> Result {
        let path = self.path();
        if self.leading {
            return machine.create_leading(path);
        }
        let Some(parent) = path.parent() else { return Ok(()) };
        let local = machine.local(&parent);
        let there = machine.entry(&parent)?.with_context(|| {
            format!("there is no directory `{}` for `{}`", local.display(), path.file_name())
        });
        there.hint("add a `Directory` before it, or ask for `.leading_directories()`").map(|_| ())
    }
}
