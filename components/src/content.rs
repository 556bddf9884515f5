//! Content that a file shall have, compared with what it has.

use std::io::{self, ErrorKind};

use togusa_core::digest::Digest;
use togusa_core::host::{self, Entry};
use togusa_core::prelude::*;
use togusa_core::template::Rendered;
use togusa_core::verdict;

/// Up to this size a difference is shown as text, in bytes.
const SHOWN: u64 = 1024 * 1024;

/// Content that a file shall have.
#[derive(Debug)]
pub(crate) enum Content<'a> {
    Asset(&'a Asset),
    Bytes(&'a [u8]),
    Rendered(Rendered),
}

/// How a difference is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// As a diff if both sides are texts, else by size and digest.
    Text,
    /// By size and digest.
    Binary,
    /// Not at all.
    Hidden,
}

impl Content<'_> {
    fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Asset(_) => None,
            Self::Bytes(bytes) => Some(bytes),
            Self::Rendered(rendered) => Some(rendered.text.as_bytes()),
        }
    }

    /// Whether a secret stands in it, or shaped it.
    pub(crate) fn is_sensitive(&self, probe: &Probe<'_>) -> bool {
        match self {
            Self::Asset(asset) => asset.sensitive,
            Self::Bytes(bytes) => probe.is_sensitive(bytes),
            Self::Rendered(rendered) => rendered.sensitive,
        }
    }

    fn summary(&self) -> verdict::Content {
        match self {
            Self::Asset(asset) => verdict::Content { size: asset.size, digest: asset.digest },
            _ => summary(self.bytes().unwrap_or_default()),
        }
    }

    fn size(&self) -> u64 {
        match self {
            Self::Asset(asset) => asset.size,
            _ => self.bytes().unwrap_or_default().len() as u64,
        }
    }

    /// What to write.
    pub(crate) fn to_write(&self) -> host::Content<'_> {
        match self {
            Self::Asset(asset) => (*asset).into(),
            Self::Bytes(bytes) => (*bytes).into(),
            Self::Rendered(rendered) => (&rendered.text).into(),
        }
    }

    /// All of it, for a program that is to judge it.
    #[cfg(feature = "containers")]
    pub(crate) fn read(&self, probe: &Probe<'_>) -> Result<std::borrow::Cow<'_, [u8]>> {
        match self {
            Self::Asset(asset) => Ok(probe.asset(asset)?.into()),
            _ => Ok(self.bytes().unwrap_or_default().into()),
        }
    }

    /// Whether a file has the content.
    pub(crate) fn is_in(&self, probe: &Probe<'_>, path: &HostPath, entry: &Entry) -> Result<bool> {
        if entry.size != self.size() {
            return Ok(false);
        }
        match self {
            Self::Asset(asset) => probe.matches(path, asset),
            _ => Ok(probe.read(path)? == self.bytes().unwrap_or_default()),
        }
    }

    /// The difference between a file that has other content and what it shall have; `None` for a
    /// new file that shall be empty.
    pub(crate) fn change(
        &self,
        probe: &Probe<'_>,
        path: &HostPath,
        entry: Option<&Entry>,
        shown: Shown,
    ) -> Result<Option<Change>> {
        if entry.is_none() && self.size() == 0 {
            return Ok(None);
        }
        if shown == Shown::Hidden {
            return Ok(Some(Change::Sensitive));
        }
        let present_size = entry.map_or(0, |entry| entry.size);
        if shown == Shown::Text && self.size().max(present_size) <= SHOWN {
            let read;
            let wanted = match self {
                Self::Asset(asset) => {
                    read = probe.asset(asset)?;
                    read.as_slice()
                }
                _ => self.bytes().unwrap_or_default(),
            };
            let present = entry.map(|_| probe.read(path)).transpose()?;
            if present.as_deref().is_some_and(|present| probe.is_sensitive(present)) {
                return Ok(Some(Change::Sensitive));
            }
            if let Some(to) = as_text(wanted)
                && let Some(from) = as_text(present.as_deref().unwrap_or_default())
            {
                return Ok(Some(Change::text(from, to)));
            }
        }
        let from = entry.map(|_| probe.digest(path)).transpose()?;
        let from = from.map(|(digest, size)| verdict::Content { size, digest });
        Ok(Some(Change::Binary { from, to: self.summary() }))
    }
}

fn summary(bytes: &[u8]) -> verdict::Content {
    verdict::Content { size: bytes.len() as u64, digest: Digest::of(bytes) }
}

/// Bytes that can be shown as lines.
fn as_text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))
}

/// Whether an error means that the converging user may not do it.
pub(crate) fn is_denied(error: &anyhow::Error) -> bool {
    let system = error.downcast_ref::<io::Error>();
    system.is_some_and(|error| error.kind() == ErrorKind::PermissionDenied)
}
