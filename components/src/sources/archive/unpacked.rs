//! What was unpacked, as it is remembered.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use togusa_core::digest::Digest;
use togusa_core::prelude::*;

use crate::access::{self, Wanted};

use super::member::{Member, MemberKind};

/// What was unpacked, and from what.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Unpacked {
    pub(super) source: Source,
    /// A directory comes before what it holds.
    pub(super) items: Vec<Item>,
}

/// An archive as it was found.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Source {
    pub(super) digest: Digest,
    pub(super) size: u64,
    /// In nanoseconds since 1970.
    pub(super) modified: u64,
    pub(super) options: String,
}

impl Source {
    pub(super) fn of(digest: Digest) -> Self {
        Self { digest, size: 0, modified: 0, options: String::new() }
    }

    pub(super) fn of_asset(asset: &Asset, options: String) -> Self {
        Self { size: asset.size, options, ..Self::of(asset.digest) }
    }

    /// Whether it unpacks to the same.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.digest == other.digest && self.options == other.options
    }
}

/// One thing that was unpacked, as it lay there then.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Item {
    pub(super) path: String,
    kind: ItemKind,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum ItemKind {
    Directory { mode: Option<u32> },
    File { mode: u32, size: u64, modified: u64 },
    Symlink { target: String },
}

impl Item {
    pub(super) fn new(member: &Member, entry: &togusa_core::host::Entry) -> Self {
        let kind = match &member.kind {
            MemberKind::Directory { mode } => ItemKind::Directory { mode: *mode },
            MemberKind::File { .. } | MemberKind::Copy { .. } => ItemKind::File {
                mode: entry.mode,
                size: entry.size,
                modified: nanoseconds(entry.modified),
            },
            MemberKind::Symlink { target } => ItemKind::Symlink { target: target.clone() },
        };
        Self { path: member.path.clone(), kind }
    }

    pub(super) fn is_directory(&self) -> bool {
        matches!(self.kind, ItemKind::Directory { .. })
    }

    /// How what lies there now differs from what was unpacked.
    pub(super) fn changes(
        &self,
        probe: &Probe<'_>,
        top: &HostPath,
        wanted: Wanted,
    ) -> Result<Vec<Change>> {
        let path = top.join(&self.path);
        let label = format!(" `{}`", self.path);
        let of = format!(" of{label}");
        let Some(entry) = probe.entry(&path)? else {
            return Ok(vec![Change::create(format!("{}{label}", self.what()))]);
        };
        let wanted = wanted.with_mode(match self.kind {
            ItemKind::File { mode, .. } => Some(mode),
            ItemKind::Directory { mode } => mode,
            _ => None,
        });
        let mut changes = match &self.kind {
            ItemKind::Directory { .. } if entry.is_directory() => Vec::new(),
            ItemKind::File { size, modified, .. } if entry.is_file() => {
                let same = *size == entry.size && *modified == nanoseconds(entry.modified);
                if same { Vec::new() } else { vec![format!("content{of} was changed").into()] }
            }
            ItemKind::Symlink { target } if entry.is_symlink() => {
                let present = probe.read_link(&path)?;
                let present = present.to_string_lossy();
                if present == *target {
                    Vec::new()
                } else {
                    vec![Change::property(format!("target{of}"), present, target)]
                }
            }
            _ => {
                let create = Change::create(format!("{}{label}", self.what()));
                return Ok(vec![access::removed(&entry, &label), create]);
            }
        };
        changes.extend(wanted.changes(probe, &entry, &of));
        Ok(changes)
    }

    fn what(&self) -> &'static str {
        match self.kind {
            ItemKind::Directory { .. } => "directory",
            ItemKind::File { .. } => "file",
            ItemKind::Symlink { .. } => "symlink",
        }
    }
}

/// A time in nanoseconds since 1970.
pub(super) fn nanoseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
