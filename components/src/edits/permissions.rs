//! Mode, owner and group by pattern.

use std::borrow::Cow;

use togusa_core::fault;
use togusa_core::fault::CodeExt as _;
use togusa_core::host::{Entry, Ownership};
use togusa_core::prelude::*;
use togusa_core::problem::code;

use crate::access::{self, Access, Wanted};
use crate::globs::{self, Globs, Parsed};
use crate::location::Location;
use crate::mode::IntoMode;

/// Mode, owner and group of all that matches a pattern, for files and for directories apart.
///
/// The pattern is a path with `*`, `?`, `[…]` and `**`; a name that begins with a dot matches only
/// where the pattern has that dot. Links are left alone, and what lies behind one is not looked at.
/// Nothing is created, and a pattern that matches nothing is right as it is.
///
/// | attribute | default |
/// |---|---|
/// | `file_mode` | left as it is |
/// | `directory_mode` | left as it is |
/// | `mode` | both of them |
/// | `owner`, `group` | left as they are |
/// | `recursive` | no: what lies below a directory that matches is left alone |
/// | `except` | nothing is left alone |
///
/// `verify` lists the directories that the pattern names and looks at every entry. `update` changes
/// what differs, in place. It needs to own the files, and root for another owner.
///
/// Every file has a mode and an owner, so that they cannot be absent; `Purge` removes what matches.
///
/// **Needs**: root for what others own.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// fn configure(scope: &mut Scope<'_>) -> Result {
///     let uploads = Permissions::new("/srv/www/uploads").recursive().except("*.sh");
///     scope.add(uploads.file_mode(0o640).directory_mode(0o750).owner("www-data"));
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct Permissions {
    pattern: Location,
    files: Access,
    directories: Access,
    recursive: bool,
    except: Globs,
    path: Option<HostPath>,
}

impl Permissions {
    /// Looks after what matches; a relative pattern is looked for in the root's work directory.
    pub fn new(pattern: impl Into<Location>) -> Self {
        Self {
            pattern: pattern.into(),
            files: Access::default(),
            directories: Access::default(),
            recursive: false,
            except: Globs::default(),
            path: None,
        }
    }

    /// Sets the mode of files and directories alike.
    #[must_use]
    pub fn mode(self, mode: impl IntoMode + Clone) -> Self {
        self.file_mode(mode.clone()).directory_mode(mode)
    }

    /// Sets the mode of files.
    #[must_use]
    pub fn file_mode(mut self, mode: impl IntoMode) -> Self {
        self.files.set_mode(mode);
        self
    }

    /// Sets the mode of directories.
    #[must_use]
    pub fn directory_mode(mut self, mode: impl IntoMode) -> Self {
        self.directories.set_mode(mode);
        self
    }

    /// Sets the owner, by name or number.
    #[must_use]
    pub fn owner(mut self, name: impl Into<String>) -> Self {
        let name = name.into();
        self.files.set_owner(name.clone());
        self.directories.set_owner(name);
        self
    }

    /// Sets the group, by name or number.
    #[must_use]
    pub fn group(mut self, name: impl Into<String>) -> Self {
        let name = name.into();
        self.files.set_group(name.clone());
        self.directories.set_group(name);
        self
    }

    /// Looks after all below a directory that matches too, whatever its name.
    #[must_use]
    pub fn recursive(mut self) -> Self {
        self.recursive = true;
        self
    }

    /// Leaves alone what has a name like this, with all below it; may be given several times.
    #[must_use]
    pub fn except(mut self, name: impl Into<String>) -> Self {
        self.except.push(name);
        self
    }

    /// What differs: the path, what lies there, what it shall be, and how it differs from that.
    fn differences(&self, probe: &Probe<'_>) -> Result<Vec<Difference<'_>>> {
        let pattern = self
            .path
            .as_ref()
            .context("the pattern was not configured")
            .code(code::NOT_CONFIGURED)?;
        let wanted = [&self.files, &self.directories].map(Access::ownership);
        let mut survey = Survey {
            probe,
            files: (wanted[0], Wanted::new(wanted[0], probe)?),
            directories: (wanted[1], Wanted::new(wanted[1], probe)?),
            except: self.except.parse()?,
            recursive: self.recursive,
            found: Vec::new(),
        };
        for path in probe.glob(pattern)? {
            survey.look(path)?;
        }
        Ok(survey.found)
    }
}

struct Difference<'a> {
    path: HostPath,
    entry: Entry,
    ownership: &'a Ownership,
    changes: Vec<Change>,
}

struct Survey<'a, 'p> {
    probe: &'p Probe<'p>,
    files: (&'a Ownership, Wanted),
    directories: (&'a Ownership, Wanted),
    except: Parsed,
    recursive: bool,
    found: Vec<Difference<'a>>,
}

impl Survey<'_, '_> {
    fn look(&mut self, path: HostPath) -> Result {
        if self.except.match_path(path.file_name()) {
            return Ok(());
        }
        // It may be gone since it was listed.
        let Some(entry) = self.probe.entry(&path)? else { return Ok(()) };
        let (ownership, wanted) = match (entry.is_file(), entry.is_directory()) {
            (true, _) => self.files,
            (_, true) => self.directories,
            _ => return Ok(()),
        };
        let of = format!(" of `{}`", self.probe.local(&path).display());
        let changes = wanted.changes(self.probe, &entry, &of);
        let below = self.recursive && entry.is_directory();
        if !changes.is_empty() {
            self.found.push(Difference { path: path.clone(), entry, ownership, changes });
        }
        if below {
            for name in self.probe.list(&path)? {
                self.look(path.join(name))?;
            }
        }
        Ok(())
    }
}

impl Component for Permissions {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some(self.pattern.as_str().into())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        self.except.parse()?;
        let nothing = Ownership::default();
        if [&self.files, &self.directories]
            .into_iter()
            .map(Access::checked)
            .collect::<Result<Vec<_>>>()?
            .iter()
            .all(|wanted| **wanted == nothing)
        {
            return Err(fault!(
                code::OPTION_MISSING,
                "neither mode nor owner nor group is asked for"
            ))
            .hint("give it `.file_mode(…)`, `.directory_mode(…)`, `.owner(…)` or `.group(…)`");
        }
        let path = self.pattern.resolve(scope)?;
        path.as_str()
            .split('/')
            .filter(|part| *part != "**")
            .try_for_each(|part| globs::parse(part).map(|_| ()))?;
        self.path = Some(path);
        Ok(())
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        let found = self.differences(probe)?;
        Ok(found.into_iter().flat_map(|difference| difference.changes).collect())
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        self.differences(machine)?.iter().try_for_each(
            |Difference { path, entry, ownership, .. }| {
                access::mend(machine, path, entry, ownership)
            },
        )
    }
}
