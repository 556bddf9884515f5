//! One file that is fetched: its place, its checksum, and what is remembered without one.

use togusa_core::digest::Digest;
use togusa_core::fault;
use togusa_core::fault::CodeExt as _;
use togusa_core::host::{Content, Entry};
use togusa_core::prelude::*;
use togusa_core::problem::code;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::access::{self, Access, Wanted};
use crate::location::{Location, Place};

use super::fetch::{self, Request, Tag};
use super::memory::Memory;

/// Where a file is fetched from.
pub(super) trait Origin {
    /// It, as it may be shown.
    fn shown(&self) -> String;

    /// What tells it from another one, without secrets.
    fn digest(&self) -> Digest;

    /// What is asked of the server, now.
    fn request(&self, probe: &Probe<'_>, method: Method) -> Result<Cow<'_, Request>>;

    /// Whether it never has another content.
    fn is_fixed(&self) -> bool {
        false
    }

    /// Says better what a server refused.
    fn explained(&self, _probe: &Probe<'_>, error: anyhow::Error) -> anyhow::Error {
        error
    }
}

/// How a server is asked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Method {
    Get,
    Head,
}

impl Method {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
        }
    }
}

/// A file that is fetched, wherever it comes from.
#[derive(Debug)]
pub(super) struct FetchedFile {
    pub(super) place: Place,
    pub(super) access: Access,
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

/// What is remembered of a file without a checksum.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Fetched {
    /// Of what was asked for.
    request: Digest,
    digest: Digest,
    tag: Tag,
}

impl FetchedFile {
    pub(super) fn new(path: Location) -> Self {
        Self {
            place: Place::new(path),
            access: Access::default(),
            checksum: None,
            sum: None,
            absent: false,
            memory: None,
        }
    }

    pub(super) fn set_sum(&mut self, sum: impl Into<String>) {
        self.checksum = Some(Checksum::Given(sum.into()));
    }

    pub(super) fn waive_sum(&mut self) {
        self.checksum = Some(Checksum::Waived);
    }

    pub(super) fn set_absent(&mut self) {
        self.absent = true;
    }

    pub(super) fn configure(&mut self, kind: &str, scope: &mut Scope<'_>) -> Result {
        self.place.resolve(kind, scope)?;
        self.access.checked()?;
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

    pub(super) fn verify(&self, probe: &Probe<'_>, origin: &dyn Origin) -> Result<Verdict> {
        if self.absent {
            return access::to_remove(probe, self.path(), "file", |entry| !entry.is_directory());
        }
        let ownership = self.access.ownership();
        let wanted = Wanted::new(ownership, probe)?;
        let entry = probe.entry(self.path())?;
        let Some(entry) = entry.clone().filter(Entry::is_file) else {
            let removed = entry.map(|entry| access::removed(&entry, ""));
            let from = format!("file from {}", origin.shown());
            return Ok(removed.into_iter().chain([access::created(&from, ownership)]).collect());
        };
        let mut verdict = wanted.changes(probe, &entry, "");
        verdict.extend(self.differences(probe, origin)?);
        Ok(verdict.into())
    }

    pub(super) fn update(&self, machine: &Machine<'_>, origin: &dyn Origin) -> Result {
        if self.absent {
            machine.remove(&self.partial()?)?;
            self.memory()?.forget(machine)?;
            return machine.remove(self.path());
        }
        self.place.prepare(machine)?;
        let (path, ownership) = (self.path(), self.access.ownership());
        if let Some(entry) = machine.entry(path)?.filter(Entry::is_file)
            && self.differences(machine, origin)?.is_empty()
            && machine.is_own_place(path)?
        {
            return access::mend(machine, path, &entry, ownership);
        }
        let memory = self.memory()?;
        memory.prepare(machine)?;
        let partial = self.partial()?;
        let fetched =
            self.fetch(machine, origin, &partial).map_err(|error| origin.explained(machine, error));
        let (digest, tag) =
            fetched.with_context(|| format!("cannot download {}", origin.shown()))?;
        if self.sum.is_none() {
            // Written first: after a crash the file is not what is remembered, and fetched again.
            memory.write(machine, &Fetched { request: origin.digest(), digest, tag })?;
        }
        let content = Content::Reader(Box::new(machine.open(&partial)?));
        machine.replace(path, content, ownership)?;
        machine.remove(&partial)
    }

    #[track_caller]
    pub(super) fn path(&self) -> &HostPath {
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
    fn differences(&self, probe: &Probe<'_>, origin: &dyn Origin) -> Result<Vec<Change>> {
        let present = probe.digest(self.path())?.0;
        let Some(sum) = self.sum else { return self.differences_by_tag(probe, origin, present) };
        if present == sum {
            return Ok(Vec::new());
        }
        Ok(vec![Change::property("sha256", present.short(), sum.short())])
    }

    fn differences_by_tag(
        &self,
        probe: &Probe<'_>,
        origin: &dyn Origin,
        present: Digest,
    ) -> Result<Vec<Change>> {
        let known: Option<Fetched> = self.memory()?.read(probe)?;
        let Some(known) = known.filter(|known| known.request == origin.digest()) else {
            return Ok(vec!["it was not fetched from this URL yet".into()]);
        };
        if known.digest != present {
            return Ok(vec!["content was changed by hand".into()]);
        }
        if known.tag.is_empty() || origin.is_fixed() {
            return Ok(Vec::new());
        }
        let tag = origin.request(probe, Method::Head)?.ask(probe);
        let tag = tag.map_err(|error| origin.explained(probe, error));
        Ok(known.tag.changes(&tag.context("cannot ask the server for the version of the file")?))
    }

    /// Fetches into the private file beside, until it has the right content.
    fn fetch(
        &self,
        machine: &Machine<'_>,
        origin: &dyn Origin,
        partial: &HostPath,
    ) -> Result<(Digest, Tag)> {
        let Some(sum) = self.sum else {
            machine.remove(partial)?;
            let request = origin.request(machine, Method::Get)?;
            let tag = request.fetch(machine, self.memory()?, partial, false)?;
            return Ok((machine.digest(partial)?.0, tag));
        };
        let request = || origin.request(machine, Method::Get);
        let tag = fetch::fetch_exactly(machine, request, self.memory()?, partial, sum)?;
        Ok((sum, tag))
    }
}
