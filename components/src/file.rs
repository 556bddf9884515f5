//! Files.

mod source;

use std::borrow::Cow;
use std::fmt;

use togusa_core::fault::CodeExt as _;
use togusa_core::host::{Entry, Ownership};
use togusa_core::prelude::*;
use togusa_core::preview::Preview;
use togusa_core::problem::code;
use togusa_core::template;

use crate::access::{self, Access, Wanted};
use crate::content::{Content, Shown, is_denied};
use crate::location::{Location, Place};
use crate::mode::IntoMode;

pub use source::Text;
pub(crate) use source::{Body, Given, Rendering};

/// One file: it is there, with its mode, owner, group and content.
///
/// The content comes from one of [`content`](Self::content),
/// [`inline_template`](Self::inline_template), [`source`](Self::source) and
/// [`template`](Self::template). With none of them it is the asset with the same file name beside
/// the source of the component that adds the file.
///
/// | attribute | default |
/// |---|---|
/// | `mode` | `0600` if it is sensitive; else of a new file what the umask gives, or left as it is |
/// | `owner`, `group` | of a new file the converging user; else left as they are |
/// | `leading_directories` | no; yes for what a sandbox maps |
/// | `sensitive` | no; yes for a content that is a secret, holds one, or was rendered from one |
///
/// `verify` looks at the entry and reads the content, once. `update` changes mode and owner in
/// place if the content is right and no other user may write into a directory on the way, and else
/// puts a new file in the place of what was there, a link or a directory too: at every moment there
/// is the old file or the whole new one, which nobody can read who shall not. A link at the path is
/// never followed, one on the way only if nobody but root and the converging user can have put it
/// there.
///
/// Giving a file to another owner needs root; a group needs root or membership.
///
/// [`absent`](Self::absent) removes it, and a link that lies in its place; a directory there is an error.
///
/// **Needs**: nothing; root to give a file to another owner.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// #[derive(Debug)]
/// struct Nginx {
///     port: u16,
/// }
///
/// impl Component for Nginx {
///     fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
///         let port = self.port;
///         let page = scope.add(File::new("index.html").content("<h1>it works</h1>\n"));
///         let context = context! { port, page => page.path() };
///         scope.add(File::new("nginx.conf").template("nginx.conf.j2", context).mode(0o640));
///         Ok(())
///     }
/// }
/// ```
pub struct File {
    place: Place,
    access: Access,
    given: Vec<Given>,
    rendering: Rendering,
    body: Option<Body>,
    binary: bool,
    sensitive: bool,
    absent: bool,
}

impl File {
    /// A file at a path; a relative one lies in the root's work directory.
    pub fn new(path: impl Into<Location>) -> Self {
        Self {
            place: Place::new(path.into()),
            access: Access::default(),
            given: Vec::new(),
            rendering: Rendering::default(),
            body: None,
            binary: false,
            sensitive: false,
            absent: false,
        }
    }

    /// Sets the content, taken as it is: a text, or a secret. An empty one empties the file.
    #[must_use]
    pub fn content(mut self, text: impl Into<Text>) -> Self {
        self.given.push(Given::Content(text.into()));
        self
    }

    /// Sets the content to a template that stands in the code.
    #[must_use]
    pub fn inline_template(mut self, text: impl Into<String>, context: template::Context) -> Self {
        self.given.push(Given::InlineTemplate(text.into(), context));
        self
    }

    /// Sets the content to an asset. Text with template syntax is rendered, with the variables of
    /// [`context`](Self::context), unless this is switched off by [`verbatim`](Self::verbatim).
    #[must_use]
    pub fn source(mut self, name: impl Into<String>) -> Self {
        self.given.push(Given::Source(name.into()));
        self
    }

    /// Sets the content to an asset that is rendered with the given variables.
    #[must_use]
    pub fn template(mut self, name: impl Into<String>, context: template::Context) -> Self {
        self.given.push(Given::Template(name.into(), context));
        self
    }

    /// Sets the content to a secret file of the environment, taken as it is.
    #[must_use]
    pub fn secret_file(mut self, name: impl Into<String>) -> Self {
        self.given.push(Given::SecretFile(name.into()));
        self
    }

    /// Sets the variables for a source that is rendered.
    #[must_use]
    pub fn context(mut self, context: template::Context) -> Self {
        self.rendering.context = Some(context);
        self
    }

    /// Takes the source as it is, also if it holds template syntax.
    #[must_use]
    pub fn verbatim(mut self) -> Self {
        self.rendering.off = Some("verbatim");
        self
    }

    /// Takes the source as it is, and shows differences by size and digest alone.
    #[must_use]
    pub fn binary(mut self) -> Self {
        self.rendering.off = Some("binary");
        self.binary = true;
        self
    }

    /// Sets the mode: `0o644`, `"644"` or `"rw-r--r--"`.
    #[must_use]
    pub fn mode(mut self, mode: impl IntoMode) -> Self {
        self.access.set_mode(mode);
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

    /// Never shows the content, and keeps it from others: the mode is `0600` unless another is set.
    #[must_use]
    pub fn sensitive(mut self) -> Self {
        self.sensitive = true;
        self
    }

    /// Removes the file; all else that is set means nothing then.
    #[must_use]
    pub fn absent(mut self) -> Self {
        self.absent = true;
        self
    }

    /// The path on the host.
    ///
    /// # Panics
    /// The file was not added yet.
    #[track_caller]
    pub fn path(&self) -> &HostPath {
        self.place.path()
    }

    /// Whether the content must not be seen: it was said, or a secret stands in it.
    pub(crate) fn is_sensitive(&self, content: &Content<'_>, probe: &Probe<'_>) -> bool {
        let made_of_secret = matches!(&self.body, Some(Body::Text(text)) if text.is_secret());
        self.sensitive || made_of_secret || content.is_sensitive(probe)
    }

    fn shown(&self, sensitive: bool) -> Shown {
        match (sensitive, self.binary) {
            (true, _) => Shown::Hidden,
            (false, true) => Shown::Binary,
            (false, false) => Shown::Text,
        }
    }

    pub(crate) fn wanted(&self, probe: &Probe<'_>) -> Result<Content<'_>> {
        self.body
            .as_ref()
            .context("the file was not configured")
            .code(code::NOT_CONFIGURED)?
            .on(probe)
    }

    /// How the file differs from a content in the place of its own.
    pub(crate) fn verify_with(&self, probe: &Probe<'_>, content: &Content<'_>) -> Result<Verdict> {
        let path = self.path();
        let sensitive = self.is_sensitive(content, probe);
        let (ownership, shown) = (self.ownership(sensitive), self.shown(sensitive));
        let access = Wanted::new(&ownership, probe)?;
        let mut changes = Vec::new();
        match probe.entry(path)? {
            Some(entry) if entry.is_file() => {
                changes.extend(access.changes(probe, &entry, ""));
                let same = match content.is_in(probe, path, &entry) {
                    // With the mode that it shall have it can be read.
                    Err(error) if is_denied(&error) && !changes.is_empty() => {
                        changes.push("content cannot be read".into());
                        return Ok(changes.into());
                    }
                    same => same?,
                };
                if !same {
                    changes.extend(content.change(probe, path, Some(&entry), shown)?);
                }
            }
            other => {
                changes.extend(other.map(|entry| access::removed(&entry, "")));
                changes.push(access::created("file", &ownership));
                changes.extend(content.change(probe, path, None, shown)?);
            }
        }
        Ok(changes.into())
    }

    /// Gives the file a content in the place of its own.
    pub(crate) fn update_with(&self, machine: &Machine<'_>, content: &Content<'_>) -> Result {
        self.place.prepare(machine)?;
        let path = self.path();
        let ownership = self.ownership(self.is_sensitive(content, machine));
        if let Some(entry) = machine.entry(path)?.filter(Entry::is_file)
            && content
                .is_in(machine, path, &entry)
                .or_else(|error| if is_denied(&error) { Ok(false) } else { Err(error) })?
            && machine.is_own_place(path)?
        {
            return access::mend(machine, path, &entry, &ownership);
        }
        machine.replace(path, content.to_write(), &ownership)
    }

    /// What is sensitive is kept from others, unless another mode was asked for.
    pub(crate) fn ownership(&self, sensitive: bool) -> Ownership {
        let mut ownership = self.access.ownership().clone();
        if sensitive {
            ownership.mode.get_or_insert(0o600);
        }
        ownership
    }
}

impl Component for File {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some(self.place.key())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        self.place.resolve("file", scope)?;
        if self.absent {
            self.given.clear();
            return Ok(());
        }
        self.access.checked()?;
        let name = self.place.path().file_name();
        self.body = Some(Body::find(&self.given, &self.rendering, name, scope)?);
        self.given.clear();
        self.rendering = Rendering::default();
        Ok(())
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        if self.absent {
            return access::to_remove(probe, self.path(), "file", |entry| !entry.is_directory());
        }
        self.verify_with(probe, &self.wanted(probe)?)
    }

    fn preview(&self) -> Option<Preview<'_>> {
        if self.sensitive {
            return Some(Preview::Hidden);
        }
        self.body.as_ref().map(Body::preview)
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        if self.absent {
            return machine.remove(self.path());
        }
        self.update_with(machine, &self.wanted(machine)?)
    }
}

impl fmt::Debug for File {
    /// Everything but what must not be shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("File");
        debug.field("place", &self.place).field("access", &self.access);
        match (self.sensitive, &self.body) {
            (true, Some(Body::Asset(asset))) => debug.field("body", asset),
            (true, _) => debug.field("body", &"[sensitive]"),
            (false, Some(body)) => debug.field("body", body),
            (false, None) => debug.field("given", &self.given).field("rendering", &self.rendering),
        };
        debug.field("binary", &self.binary).field("sensitive", &self.sensitive);
        debug.field("absent", &self.absent).finish()
    }
}
