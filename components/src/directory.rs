//! Directories, also copied from a source.

mod tree;

use std::borrow::Cow;

use togusa_core::fault;
use togusa_core::fault::CodeExt as _;
use togusa_core::host::Entry;
use togusa_core::prelude::*;
use togusa_core::problem::code;

use crate::access::{self, Access};
use crate::globs::Globs;
use crate::location::{Location, Place};
use crate::mode::{IntoMode, InvalidMode};

use tree::Tree;

/// One directory: it is there, with its mode, owner and group; with a source, all that the source
/// holds is in it.
///
/// | attribute | default |
/// |---|---|
/// | `mode` | of a new directory what the umask gives; else left as it is |
/// | `owner`, `group` | of what is new the converging user; else left as they are |
/// | `leading_directories` | no; yes for what a sandbox maps |
/// | `source` | none: what the directory holds is left alone |
/// | `file_mode` | `0644`, and for what may be executed `0755` |
/// | `exclude` | nothing |
/// | `remove_extras` | no |
///
/// The source is a directory of assets, copied as it is: files are not rendered, links are copied
/// as links. Mode, owner and group hold for the directories below too, owner and group for files.
///
/// `verify` looks at every entry of the source and reads every file once; with `remove_extras` it
/// lists the directories. `update` mends one entry after the other, each in one moment; what is of
/// another kind, also a link to such a thing, is replaced. It needs the right to write into the
/// directory above; another owner needs root.
///
/// [`absent`](Self::absent) removes it with all that it holds; what is no directory is an error.
///
/// **Needs**: nothing; root to give it to another owner.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// fn configure(scope: &mut Scope<'_>) -> Result {
///     let www = Directory::new("www").source("static").exclude("*.bak").remove_extras();
///     let www = scope.add(www.mode(0o755));
///     scope.add(File::new(www.path().join("robots.txt")).content("User-agent: *\n"));
///     Ok(())
/// }
/// ```
///
/// (With `remove_extras` the file above would have to be excluded: it is not in the source.)
#[derive(Debug)]
pub struct Directory {
    place: Place,
    access: Access,
    source: Option<String>,
    exclude: Globs,
    remove_extras: bool,
    file_mode: Option<Result<u32, InvalidMode>>,
    tree: Tree,
    absent: bool,
}

impl Directory {
    /// A directory at a path; a relative one lies in the root's work directory.
    pub fn new(path: impl Into<Location>) -> Self {
        Self {
            place: Place::new(path.into()),
            access: Access::default(),
            source: None,
            exclude: Globs::default(),
            remove_extras: false,
            file_mode: None,
            tree: Tree::default(),
            absent: false,
        }
    }

    /// Copies all that a directory of assets holds.
    #[must_use]
    pub fn source(mut self, name: impl Into<String>) -> Self {
        self.source = Some(name.into());
        self
    }

    /// Neither copies nor removes what matches, with all below it. A pattern without `/` means a
    /// name at any depth, another one the path below the directory. May be given several times.
    #[must_use]
    pub fn exclude(mut self, pattern: impl Into<String>) -> Self {
        self.exclude.push(pattern);
        self
    }

    /// Removes what the source does not hold; a directory with all that is in it, but for what is
    /// excluded, as `rsync --delete` does.
    #[must_use]
    pub fn remove_extras(mut self) -> Self {
        self.remove_extras = true;
        self
    }

    /// Sets the mode of the directory, and of those below that the source holds.
    #[must_use]
    pub fn mode(mut self, mode: impl IntoMode) -> Self {
        self.access.set_mode(mode);
        self
    }

    /// Sets the mode of files from the source; one that may be executed there can be executed by
    /// whom this mode lets read.
    #[must_use]
    pub fn file_mode(mut self, mode: impl IntoMode) -> Self {
        self.file_mode = Some(mode.into_mode());
        self
    }

    /// Sets the owner, by name or number; an earlier component may create the account.
    #[must_use]
    pub fn owner(mut self, name: impl Into<String>) -> Self {
        self.access.set_owner(name);
        self
    }

    /// Sets the group, by name or number.
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

    /// Removes the directory with all that it holds; all else that is set means nothing then.
    #[must_use]
    pub fn absent(mut self) -> Self {
        self.absent = true;
        self
    }

    /// The path on the host.
    ///
    /// # Panics
    /// The directory was not added yet.
    #[track_caller]
    pub fn path(&self) -> &HostPath {
        self.place.path()
    }

    fn differences(&self, probe: &Probe<'_>) -> Result<Vec<tree::Difference<'_>>> {
        self.tree.differences(probe, self.path(), self.access.ownership())
    }
}

impl Component for Directory {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some(self.place.key())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        self.place.resolve("directory", scope)?;
        if self.absent {
            return Ok(());
        }
        self.access.checked()?;
        let file_mode = self
            .file_mode
            .clone()
            .transpose()
            .context("`file_mode` cannot be used")
            .code(code::MODE_FORM)?;
        let exclude = self.exclude.parse()?;
        let Some(source) = &self.source else {
            let unused = [
                (file_mode.is_some(), "file_mode"),
                (!self.exclude.is_empty(), "exclude"),
                (self.remove_extras, "remove_extras"),
            ];
            return match unused.iter().find(|(given, _)| *given) {
                None => Ok(()),
                Some((_, method)) => Err(fault!(
                    code::OPTIONS_CLASH,
                    "`.{method}(…)` means nothing without a source"
                ))
                .hint("give it a `.source(…)`, or leave that out"),
            };
        };
        let entries = scope.asset_tree(source)?;
        self.tree = Tree::new(entries, exclude, self.remove_extras, file_mode);
        self.tree.record(self.place.path(), scope);
        Ok(())
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        if self.absent {
            return access::to_remove(probe, self.path(), "directory", Entry::is_directory);
        }
        let found = self.differences(probe)?;
        Ok(found.into_iter().flat_map(|difference| difference.changes).collect())
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        if self.absent {
            return machine.remove(self.path());
        }
        self.place.prepare(machine)?;
        self.differences(machine)?.iter().try_for_each(|difference| difference.mend(machine))
    }
}
