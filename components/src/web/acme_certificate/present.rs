//! What is on the disk of a certificate.

use togusa_core::fault;
use togusa_core::host::Entry;
use togusa_core::prelude::*;
use togusa_core::problem::code;

use super::super::certificate::facts::{self, Facts};

/// How many links may follow each other.
const LINKS: usize = 8;

/// Where a path leads to, through links; `None` if there is nothing in the end.
pub(super) fn behind(probe: &Probe<'_>, path: &HostPath) -> Result<Option<(HostPath, Entry)>> {
    let mut path = path.clone();
    for _ in 0..LINKS {
        let Some(entry) = probe.entry(&path)? else { return Ok(None) };
        if !entry.is_symlink() {
            return Ok(Some((path, entry)));
        }
        demand_own(probe, &path)?;
        let target = probe.read_link(&path)?.display().to_string();
        let directory = path.parent().context("a link has no directory")?;
        path = match target.starts_with('/') {
            true => HostPath::new(path.host(), target),
            false => directory.join(target),
        };
    }
    Ok(None)
}

/// Refuses a path where somebody else could put another thing: it would be read or changed as root.
pub(super) fn demand_own(probe: &Probe<'_>, path: &HostPath) -> Result {
    if probe.is_own_place(path)? {
        return Ok(());
    }
    let local = probe.local(path);
    Err(fault!(
        code::LED_ASTRAY,
        "other users may put something else in the place of `{}`",
        local.display()
    ))
    .hint("let its directories belong to root or to the converging user, writable by nobody else")
}

/// A certificate and its key that lie there, as far as they can be read.
#[derive(Debug)]
pub(super) struct Present {
    pub(super) has_certificate: bool,
    pub(super) has_key: bool,
    /// `None`: it is no certificate.
    pub(super) facts: Option<Facts>,
    /// The public half of the key.
    pub(super) public_key: Option<String>,
}

impl Present {
    pub(super) fn read(probe: &Probe<'_>, certificate: &HostPath, key: &HostPath) -> Result<Self> {
        let read = |path: &HostPath| -> Result<Option<Vec<u8>>> {
            let found = behind(probe, path)?.filter(|(_, entry)| entry.is_file());
            found.map(|(path, _)| probe.read(&path)).transpose()
        };
        let (certificate, key) = (read(certificate)?, read(key)?);
        let facts = match &certificate {
            Some(pem) => facts::of_certificate(probe, pem)?,
            None => None,
        };
        let public_key = match &key {
            Some(pem) => facts::public_key(probe, pem)?,
            None => None,
        };
        let (has_certificate, has_key) = (certificate.is_some(), key.is_some());
        Ok(Self { has_certificate, has_key, facts, public_key })
    }

    /// Whether there is a certificate that a server could use.
    pub(super) fn is_whole(&self) -> bool {
        let of_certificate = self.facts.as_ref().map(|facts| &facts.public_key);
        of_certificate.is_some() && of_certificate == self.public_key.as_ref()
    }
}
