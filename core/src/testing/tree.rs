//! All that lies on a host, to be compared and put back.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, lchown, symlink};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// One entry of a tree.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) kind: Kind,
    pub(super) mode: u32,
    owner: (u32, u32),
    modified: SystemTime,
}

/// What an entry is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    File(Vec<u8>),
    Directory,
    Link(PathBuf),
    /// A socket or a pipe: left alone.
    Other,
}

impl Entry {
    fn read(path: &Path) -> io::Result<Self> {
        let metadata = path.symlink_metadata()?;
        let kind = match metadata.file_type() {
            kind if kind.is_file() => Kind::File(fs::read(path)?),
            kind if kind.is_dir() => Kind::Directory,
            kind if kind.is_symlink() => Kind::Link(fs::read_link(path)?),
            _ => Kind::Other,
        };
        let mode = if metadata.is_symlink() { 0 } else { metadata.mode() & 0o7777 };
        let owner = (metadata.uid(), metadata.gid());
        Ok(Self { kind, mode, owner, modified: metadata.modified()? })
    }

    /// What differs, in words; the time at which it was written does not count.
    fn difference(&self, now: &Self) -> Option<&'static str> {
        match (&self.kind, &now.kind) {
            (Kind::File(before), Kind::File(now)) if before != now => Some("has another content"),
            (Kind::Link(before), Kind::Link(now)) if before != now => Some("has another target"),
            (Kind::File(_), Kind::File(_))
            | (Kind::Link(_), Kind::Link(_))
            | (Kind::Directory, Kind::Directory)
            | (Kind::Other, Kind::Other) => {
                match self.mode == now.mode && self.owner == now.owner {
                    true => None,
                    false if self.mode != now.mode => Some("has another mode"),
                    false => Some("has another owner"),
                }
            }
            (_, Kind::File(_)) => Some("is a file now"),
            (_, Kind::Directory) => Some("is a directory now"),
            (_, Kind::Link(_)) => Some("is a link now"),
            (_, Kind::Other) => Some("is something else now"),
        }
    }
}

/// All entries below a directory, by their path in it.
#[derive(Clone, Debug, Default)]
pub(super) struct Tree {
    top: PathBuf,
    pub(super) entries: BTreeMap<PathBuf, Entry>,
}

impl Tree {
    /// Reads a tree; what lies below `hidden` is not part of it.
    pub(super) fn read(top: &Path, hidden: &Path) -> io::Result<Self> {
        let mut tree = Self { top: top.to_owned(), entries: BTreeMap::new() };
        let mut open = vec![top.to_owned()];
        while let Some(directory) = open.pop() {
            for entry in fs::read_dir(&directory)? {
                let path = entry?.path();
                if path == hidden {
                    continue;
                }
                let entry = Entry::read(&path)?;
                if entry.kind == Kind::Directory {
                    open.push(path.clone());
                }
                let below = path.strip_prefix(top).unwrap_or(&path).to_owned();
                tree.entries.insert(below, entry);
            }
        }
        Ok(tree)
    }

    /// What differs, by path, in words.
    pub(super) fn differences(&self, now: &Self) -> BTreeMap<PathBuf, &'static str> {
        let mut found = BTreeMap::new();
        for (path, entry) in &self.entries {
            let difference = match now.entries.get(path) {
                None => Some("is missing"),
                Some(now) => entry.difference(now),
            };
            found.extend(difference.map(|words| (path.clone(), words)));
        }
        let new = now.entries.keys().filter(|path| !self.entries.contains_key(*path));
        found.extend(new.map(|path| (path.clone(), "is new")));
        found
    }

    /// Makes everything on the disk as it is in this tree.
    pub(super) fn restore(&self, now: &Self) -> io::Result<()> {
        let different = self.differences(now);
        let is_lost = |path: &Path| path.ancestors().any(|above| different.contains_key(above));
        // What lies below another one goes with it.
        let tops = different.keys().filter(|path| !path.parent().is_some_and(is_lost));
        for path in tops {
            let path = self.top.join(path);
            match path.symlink_metadata() {
                Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(&path)?,
                Ok(_) => fs::remove_file(&path)?,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        for (path, _) in self.entries.iter().filter(|(path, _)| is_lost(path)) {
            self.put(path)?;
        }
        Ok(())
    }

    /// Puts one entry back, where nothing is.
    pub(super) fn put(&self, path: &Path) -> io::Result<()> {
        let Some(entry) = self.entries.get(path) else { return Ok(()) };
        let path = self.top.join(path);
        match &entry.kind {
            Kind::File(content) => fs::write(&path, content)?,
            Kind::Directory => fs::create_dir(&path)?,
            Kind::Link(target) => symlink(target, &path)?,
            Kind::Other => return Ok(()),
        }
        let metadata = path.symlink_metadata()?;
        if (metadata.uid(), metadata.gid()) != entry.owner {
            lchown(&path, Some(entry.owner.0), Some(entry.owner.1))?;
        }
        if !metadata.is_symlink() {
            fs::set_permissions(&path, fs::Permissions::from_mode(entry.mode))?;
            fs::File::open(&path)?.set_modified(entry.modified)?;
        }
        Ok(())
    }
}
