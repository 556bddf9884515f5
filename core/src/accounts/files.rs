//! The lines of `/etc/passwd` and `/etc/group`, as they are at the moment.

use std::collections::HashMap;
use std::fs::Metadata;
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// A line of either file; only users have a group, only groups have members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) name: String,
    pub(super) id: u32,
    pub(super) group: Option<u32>,
    pub(super) members: Vec<String>,
}

impl Line {
    /// Reads a line; `None` for a comment, and for what another name service is to fill in.
    pub(super) fn read(line: &str) -> Option<Self> {
        let fields: Vec<&str> = line.split(':').collect();
        let name = fields.first()?.trim();
        if name.is_empty() || name.starts_with(['#', '+', '-']) {
            return None;
        }
        let id = fields.get(2)?.trim().parse().ok()?;
        let is_user = fields.len() >= 6;
        let last = fields.get(3).copied().unwrap_or_default().trim();
        let members =
            last.split(',').map(str::trim).filter(|member| !is_user && !member.is_empty());
        Some(Self {
            name: name.to_owned(),
            id,
            group: is_user.then(|| last.parse().ok()).flatten(),
            members: members.map(str::to_owned).collect(),
        })
    }
}

/// A file as it was when it was read, and what was found elsewhere since.
#[derive(Default)]
pub(super) struct Table {
    stamp: Option<Stamp>,
    lines: Vec<Line>,
    by_name: HashMap<String, usize>,
    by_id: HashMap<u32, usize>,
}

/// What changes with a file's content.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl From<&Metadata> for Stamp {
    fn from(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

impl Table {
    pub(super) fn by_name(&self, name: &str) -> Option<&Line> {
        self.by_name.get(name).map(|index| &self.lines[*index])
    }

    pub(super) fn by_id(&self, id: u32) -> Option<&Line> {
        self.by_id.get(&id).map(|index| &self.lines[*index])
    }

    pub(super) fn lines(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter()
    }

    /// Reads the file again if it is another than the one that was read.
    pub(super) fn refresh(&mut self, file: &Path) -> io::Result<()> {
        let stamp = match std::fs::metadata(file) {
            Ok(metadata) => Some(Stamp::from(&metadata)),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        if stamp.is_some() && stamp == self.stamp { Ok(()) } else { self.load(file) }
    }

    /// Reads the file; one that is missing has no lines. What was found elsewhere is forgotten.
    pub(super) fn load(&mut self, file: &Path) -> io::Result<()> {
        *self = Self::default();
        // The stamp is from before: a file that changes while it is read is read again.
        let read = std::fs::metadata(file).and_then(|before| Ok((before, std::fs::read(file)?)));
        let (before, bytes) = match read {
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        self.stamp = Some(Stamp::from(&before));
        String::from_utf8_lossy(&bytes).lines().filter_map(Line::read).for_each(|l| self.keep(l));
        Ok(())
    }

    /// Adds a line; of two with the same name or number the first counts.
    pub(super) fn keep(&mut self, line: Line) {
        let index = self.lines.len();
        self.by_name.entry(line.name.clone()).or_insert(index);
        self.by_id.entry(line.id).or_insert(index);
        self.lines.push(line);
    }
}
