//! Files from a URL.

mod fetch;
mod url;

use std::borrow::Cow;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use togusa_core::digest::Digest;
use togusa_core::fault;
use togusa_core::fault::CodeExt as _;
use togusa_core::host::{Content, Entry, Ownership};
use togusa_core::prelude::*;
use togusa_core::problem::code;

use crate::access::{self, Access, Wanted};
use crate::file::Text;
use crate::location::{Location, Place};
use crate::mode::IntoMode;

use super::memory::Memory;
use fetch::Request;
use url::shown;

/// A file from a URL.
///
/// A checksum is needed, or has to be waived: [`sha256`](Self::sha256) or
/// [`without_checksum`](Self::without_checksum).
///
/// | attribute | default |
/// |---|---|
/// | `sha256` | none: it has to be given or waived |
/// | `header` | none |
/// | `basic_auth` | none |
/// | `timeout` | an hour for the whole; 30 s to connect, and 60 s without a byte, end it sooner |
/// | `retries` | 3 after an error that may pass |
/// | `mode`, `owner`, `group` | as for `File`: left as they are; of a new file what the umask gives |
/// | `leading_directories` | no; yes for what a sandbox maps |
///
/// With a checksum `verify` reads the file and needs no network. Without one it asks the server for
/// `ETag` and `Last-Modified`, and compares these and the file with what they were at the last
/// download; a server that gives neither is not asked again as long as the file is as it was.
/// [`absent`](Self::absent) removes the file, and asks nobody.
///
/// `update` fetches beside the file and puts it in its place in one moment, once its checksum is
/// right. A download that broke is resumed by the next try and by the next run, if there is a checksum
/// to tell that it became the right file.
///
/// It needs `curl`, or else `wget` of GNU, on the host, and the right to write into the directory;
/// another owner needs root. URL, headers and password reach them by standard input and private
/// files, never on a command line. Redirects are followed, and headers sent along; a header
/// `Authorization` stays with the host that it is for.
///
/// **Needs**: `curl`, else `wget`.
///
/// ```
/// use togusa_components::prelude::*;
/// use togusa_core::prelude::*;
///
/// fn configure(scope: &mut Scope<'_>) -> Result {
///     let sum = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
///     let tool = Download::new("https://example.org/tool", "/usr/local/bin/tool");
///     scope.add(tool.sha256(sum).mode(0o755));
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct Download {
    place: Place,
    access: Access,
    request: Request,
    checksum: Option<Checksum>,
    sum: Option<Digest>,
    absent: bool,
    memory: Option<Memory>,
}

#[derive(Clone, Debug, PartialEq)]
enum Checksum {
    Given(String),
    Waived,
}

/// What is remembered of a download without a checksum.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Fetched {
    /// Of what was asked for.
    request: Digest,
    digest: Digest,
    tag: fetch::Tag,
}

impl Download {
    /// A file from a URL at a path; a relative one lies in the root's work directory.
    pub fn new(url: impl Into<Text>, path: impl Into<Location>) -> Self {
        Self {
            place: Place::new(path.into()),
            access: Access::default(),
            request: Request::new(url.into()),
            checksum: None,
            sum: None,
            absent: false,
            memory: None,
        }
    }

    /// Sets the SHA-256 checksum that the file has: 64 hexadecimal digits, also after `sha256:`.
    #[must_use]
    pub fn sha256(mut self, sum: impl Into<String>) -> Self {
        self.checksum = Some(Checksum::Given(sum.into()));
        self
    }

    /// Takes what the server gives.
    #[must_use]
    pub fn without_checksum(mut self) -> Self {
        self.checksum = Some(Checksum::Waived);
        self
    }

    /// Sends a header; its value may be a secret. May be given several times.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Text>) -> Self {
        self.request.headers.push((name.into(), value.into()));
        self
    }

    /// Sends a user's name and password.
    #[must_use]
    pub fn basic_auth(mut self, user: impl Into<String>, password: impl Into<Text>) -> Self {
        self.request.auth = Some((user.into(), password.into()));
        self
    }

    /// Sets how long the whole download may take.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.request.timeout = timeout;
        self
    }

    /// Sets how often it is tried again after an error that may pass.
    #[must_use]
    pub fn retries(mut self, count: u32) -> Self {
        self.request.retries = count;
        self
    }

    /// Sets the mode: `0o644`, `"644"` or `"rw-r--r--"`.
    #[must_use]
    pub fn mode(mut self, mode: impl IntoMode) -> Self {
        self.access.set_mode(mode);
        self
    }

    /// Sets the owner, by name or number.
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

    /// Removes the file; then no checksum is needed.
    #[must_use]
    pub fn absent(mut self) -> Self {
        self.absent = true;
        self
    }

    /// The path of the file on the host.
    ///
    /// # Panics
    /// The download was not added yet.
    #[track_caller]
    pub fn path(&self) -> &HostPath {
        self.place.path()
    }

    fn memory(&self) -> Result<&Memory> {
        self.memory.as_ref().context("the download was not configured").code(code::NOT_CONFIGURED)
    }

    /// Where it is fetched to.
    fn partial(&self) -> Result<HostPath> {
        let suffix =
            self.sum.map_or_else(|| "part".to_owned(), |sum| format!("{}.part", sum.short()));
        Ok(self.memory()?.path(&suffix))
    }

    /// Why the content of the file is not right; nothing if it is.
    fn differences(&self, probe: &Probe<'_>) -> Result<Vec<Change>> {
        let present = probe.digest(self.path())?.0;
        let Some(sum) = self.sum else { return self.differences_by_tag(probe, present) };
        if present == sum {
            return Ok(Vec::new());
        }
        Ok(vec![Change::property("sha256", present.short(), sum.short())])
    }

    fn differences_by_tag(&self, probe: &Probe<'_>, present: Digest) -> Result<Vec<Change>> {
        let known: Option<Fetched> = self.memory()?.read(probe)?;
        let Some(known) = known.filter(|known| known.request == self.request.digest()) else {
            return Ok(vec!["it was not fetched from this URL yet".into()]);
        };
        if known.digest != present {
            return Ok(vec!["content was changed by hand".into()]);
        }
        if known.tag.is_empty() {
            return Ok(Vec::new());
        }
        let tag = self.request.ask(probe)?;
        Ok(known.tag.changes(&tag))
    }

    /// Fetches into the private file beside, until it has the right content.
    fn fetch(&self, machine: &Machine<'_>, partial: &HostPath) -> Result<(Digest, fetch::Tag)> {
        let fetch = |resume: bool| -> Result<(Digest, fetch::Tag)> {
            let tag = self.request.fetch(machine, self.memory()?, partial, resume)?;
            Ok((machine.digest(partial)?.0, tag))
        };
        let Some(sum) = self.sum else {
            machine.remove(partial)?;
            return fetch(false);
        };
        let begun = machine.entry(partial)?.is_some_and(|entry| entry.size > 0);
        if begun {
            // What is complete, or cannot be resumed, is looked at like what came.
            if machine.digest(partial)?.0 == sum {
                return Ok((sum, fetch::Tag::default()));
            }
            match fetch(true) {
                Ok(fetched) if fetched.0 == sum => return Ok(fetched),
                Ok(_) => machine.remove(partial)?,
                Err(error) if fetch::cannot_resume(&error) => machine.remove(partial)?,
                Err(error) => return Err(error),
            }
        }
        let fetched = fetch(true)?;
        if fetched.0 != sum {
            machine.remove(partial)?;
            let error = fault!(
                code::CHECKSUM_DIFFERS,
                "the file has the SHA-256 checksum {}, not {sum}",
                fetched.0
            );
            return Err(error).hint(
                "compare it with the one that its authors publish: the file may have been changed",
            );
        }
        Ok(fetched)
    }
}

impl Component for Download {
    fn key(&self) -> Option<Cow<'_, str>> {
        Some(self.place.key())
    }

    fn configure(&mut self, scope: &mut Scope<'_>) -> Result {
        self.place.resolve("download", scope)?;
        self.access.checked()?;
        self.request.check()?;
        self.sum = match &self.checksum {
            None if self.absent => None,
            None => {
                return Err(fault!(code::NO_CHECKSUM, "a download needs a checksum")).hint(
                    "give it `.sha256(\"…\")`, or take what comes with `.without_checksum()`",
                );
            }
            Some(Checksum::Waived) => None,
            Some(Checksum::Given(text)) => {
                let digits = text.strip_prefix("sha256:").unwrap_or(text);
                Some(digits.to_ascii_lowercase().parse()?)
            }
        };
        self.memory = Some(Memory::of(scope));
        Ok(())
    }

    fn verify(&self, probe: &Probe<'_>) -> Result<Verdict> {
        if self.absent {
            return access::to_remove(probe, self.path(), "file", |entry| !entry.is_directory());
        }
        let ownership = self.access.ownership();
        let wanted = Wanted::new(ownership, probe)?;
        let entry = probe.entry(self.path())?;
        let Some(entry) = entry.clone().filter(Entry::is_file) else {
            let removed = entry.map(|entry| access::removed(&entry, ""));
            let from = format!("file from {}", shown(&self.request.url));
            return Ok(removed.into_iter().chain([access::created(&from, ownership)]).collect());
        };
        let mut verdict = wanted.changes(probe, &entry, "");
        verdict.extend(self.differences(probe)?);
        Ok(verdict.into())
    }

    fn update(&self, machine: &Machine<'_>) -> Result {
        if self.absent {
            machine.remove(&self.partial()?)?;
            self.memory()?.forget(machine)?;
            return machine.remove(self.path());
        }
        self.place.prepare(machine)?;
        let (path, ownership) = (self.path(), self.access.ownership());
        if let Some(entry) = machine.entry(path)?.filter(Entry::is_file)
            && self.differences(machine)?.is_empty()
            && machine.is_own_place(path)?
        {
            return access::mend(machine, path, &entry, ownership);
        }
        let memory = self.memory()?;
        memory.prepare(machine)?;
        let partial = self.partial()?;
        let fetched = self.fetch(machine, &partial);
        let (digest, tag) =
            fetched.with_context(|| format!("cannot download {}", shown(&self.request.url)))?;
        if self.sum.is_none() {
            // Written first: after a crash the file is not what is remembered, and fetched again.
            memory.write(machine, &Fetched { request: self.request.digest(), digest, tag })?;
        }
        let content = Content::Reader(Box::new(machine.open(&partial)?));
        machine.replace(path, content, ownership)?;
        machine.remove(&partial)
    }
}

/// A private file that lives as long as a program reads it.
fn with_private<T>(
    machine: &Machine<'_>,
    path: &HostPath,
    content: &str,
    run: impl FnOnce() -> Result<T>,
) -> Result<T> {
    machine.write(path, content, &Ownership::mode(0o600))?;
    let result = run();
    machine.remove(path)?;
    result
}
