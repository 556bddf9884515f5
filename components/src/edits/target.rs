//! The file that is edited.

use togusa_core::host::Entry;
use togusa_core::prelude::*;
use togusa_core::problem::code;
use togusa_core::system;
use togusa_core::{demand, fault};

use crate::access::{self, Access, Wanted};
use crate::location::{Location, Place};

/// The file that is edited: where it is, and what else is asked of it.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) place: Place,
    pub(crate) access: Access,
    pub(crate) create: bool,
    pub(crate) sensitive: bool,
}

/// What an edit makes of a text.
#[derive(Debug)]
pub(crate) struct Edit {
    pub(crate) text: String,
    /// What differs, where this says more than the difference of the texts.
    pub(crate) changes: Option<Vec<Change>>,
}

impl From<String> for Edit {
    fn from(text: String) -> Self {
        Self { text, changes: None }
    }
}

/// Builder methods that all edits of one file share.
macro_rules! target_methods {
    () => {
        /// Creates the file if it is missing; without this a missing file is an error.
        #[must_use]
        pub fn create(mut self) -> Self {
            self.target.create = true;
            self
        }

        /// Sets the mode of the file: `0o644`, `"644"` or `"rw-r--r--"`.
        #[must_use]
        pub fn mode(mut self, mode: impl $crate::mode::IntoMode) -> Self {
            self.target.access.set_mode(mode);
            self
        }

        /// Sets the owner of the file, by name or number.
        #[must_use]
        pub fn owner(mut self, name: impl Into<String>) -> Self {
            self.target.access.set_owner(name);
            self
        }

        /// Sets the group of the file, by name or number.
        #[must_use]
        pub fn group(mut self, name: impl Into<String>) -> Self {
            self.target.access.set_group(name);
            self
        }

        /// Creates the directories above that are missing.
        #[must_use]
        pub fn leading_directories(mut self) -> Self {
            self.target.place.with_leading();
            self
        }

        /// Never shows what differs; a file that it creates is private.
        #[must_use]
        pub fn sensitive(mut self) -> Self {
            self.target.sensitive = true;
            self
        }

        /// The path of the file on the host.
        ///
        /// # Panics
        /// The component was not added yet.
        #[track_caller]
        pub fn path(&self) -> &HostPath {
            self.target.place.path()
        }
    };
}
pub(crate) use target_methods;

impl Target {
    pub(crate) fn new(path: impl Into<Location>) -> Self {
        Self {
            place: Place::new(path.into()),
            access: Access::default(),
            create: false,
            sensitive: false,
        }
    }

    pub(crate) fn resolve(&mut self, kind: &str, scope: &mut Scope<'_>) -> Result {
        self.place.resolve(kind, scope)?;
        self.access.checked()?;
        Ok(())
    }

    /// The file and its text; `None` if it is missing.
    fn read(&self, probe: &Probe<'_>) -> Result<Option<(Entry, String)>> {
        let path = self.place.path();
        let Some(entry) = probe.entry(path)? else { return Ok(None) };
        let local = probe.local(path);
        let local = local.display();
        if entry.is_symlink() {
            let leads_to = probe.read_link(path)?;
            return Err(fault!(
                code::EDIT_NO_FILE,
                "`{local}` is a link to `{}`",
                leads_to.display()
            ))
            .hint("give the path of the file itself: a link is not followed here");
        }
        demand!(entry.is_file(), code::EDIT_NO_FILE, "`{local}` is no file");
        let bytes = probe.read(path)?;
        let text = String::from_utf8(bytes).map_err(|_| {
            fault!(
                code::EDIT_NOT_TEXT,
                "`{local}` is not text in UTF-8, so that it cannot be edited"
            )
        })?;
        Ok(Some((entry, text)))
    }

    fn missing(&self, probe: &Probe<'_>) -> Result<Verdict> {
        Err(fault!(
            code::EDIT_NO_FILE,
            "there is no file `{}` to edit",
            probe.local(self.place.path()).display()
        ))
        .hint("let an earlier component make it, or ask for `.create()`")
    }

    /// Whether the text must not be seen: it was said, or a secret stands in it.
    fn is_sensitive(&self, text: &str, probe: &Probe<'_>) -> bool {
        self.sensitive || probe.is_sensitive(text.as_bytes())
    }

    /// What an edit would change.
    pub(crate) fn verify(
        &self,
        probe: &Probe<'_>,
        edit: impl Fn(&str) -> Result<Edit>,
    ) -> Result<Verdict> {
        let present = self.read(probe)?;
        let old = present.as_ref().map_or("", |(_, text)| text);
        let Edit { text, changes } = self.within(probe, edit(old))?;
        let mut ownership = self.access.ownership().clone();
        let mut verdict = Vec::new();
        match &present {
            Some((entry, _)) => {
                verdict = Wanted::new(&ownership, probe)?.changes(probe, entry, "");
            }
            None if text.is_empty() => return Ok(Verdict::current()),
            None if !self.create => return self.missing(probe),
            None => {
                if self.is_sensitive(&text, probe) {
                    ownership.mode.get_or_insert(0o600);
                }
                verdict.push(access::created("file", &ownership));
            }
        }
        if text != old {
            let hidden = self.is_sensitive(&text, probe) || probe.is_sensitive(old.as_bytes());
            verdict.extend(match changes {
                Some(changes) => changes,
                None if hidden => vec![Change::Sensitive],
                None => vec![Change::text(old, &text)],
            });
        }
        Ok(verdict.into())
    }

    /// Makes the change. Two roots may edit one file: none of them writes what the other did not see.
    pub(crate) fn update(
        &self,
        machine: &Machine<'_>,
        edit: impl Fn(&str) -> Result<Edit>,
    ) -> Result {
        let path = self.place.path();
        self.place.prepare(machine)?;
        let _alone = machine.exclusive(&format!("edit {}", machine.local(path).display()));
        let present = self.read(machine)?;
        let old = present.as_ref().map_or("", |(_, text)| text);
        let Edit { text, .. } = self.within(machine, edit(old))?;
        let mut ownership = self.access.ownership().clone();
        match &present {
            None if text.is_empty() => return Ok(()),
            None if !self.create => return self.missing(machine).map(|_| ()),
            None if self.is_sensitive(&text, machine) => {
                ownership.mode.get_or_insert(0o600);
            }
            None => {}
            Some((entry, _)) if text == old => {
                return access::mend(machine, path, entry, &ownership);
            }
            Some((entry, _)) => self.check_owner(machine, entry)?,
        }
        machine.write(path, &text, &ownership)
    }

    /// Refuses to take a file over from its owner, where it cannot be given back.
    fn check_owner(&self, machine: &Machine<'_>, entry: &Entry) -> Result {
        let Some(own) = system::user_name() else { return Ok(()) };
        let owner = machine.user_name(entry.uid);
        if own == "root" || own == owner || self.access.ownership().owner.is_some() {
            return Ok(());
        }
        let local = machine.local(self.place.path());
        Err(fault!(
            code::EDIT_OWNER,
            "`{}` belongs to `{owner}`, and `{own}` cannot keep it so",
            local.display()
        ))
        .hint("converge as root (`sudo = true`) or as the owner")
    }

    fn within<T>(&self, probe: &Probe<'_>, result: Result<T>) -> Result<T> {
        result
            .with_context(|| format!("cannot edit `{}`", probe.local(self.place.path()).display()))
    }
}
