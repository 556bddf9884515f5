//! Assets of the project, read from its tree; of other crates, from what was embedded in them.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::kind::Sniffer;
use super::{
    Asset, AssetCatalogue, AssetError, AssetKind, AssetStore, TreeEntry, TreeEntryKind, full_name,
};
use crate::attributes::SourceLocation;
use crate::digest::Digest;

/// The assets that the coordinator sees: each file is read and hashed once per run.
#[derive(Debug, Default)]
pub struct ProjectAssets {
    root: PathBuf,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    directories: HashMap<SourceLocation, Option<PathBuf>>,
    assets: HashMap<String, Asset>,
    contents: HashMap<Digest, Arc<Content>>,
}

#[derive(Debug)]
enum Content {
    File(PathBuf),
    Embedded(&'static [u8]),
}

impl ProjectAssets {
    /// The assets of a project whose `environments` folder lies in the given directory.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), known: Mutex::default() }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The directory that a source's assets are read from; `None`: they are embedded.
    fn directory(&self, source: &SourceLocation) -> Option<PathBuf> {
        let find = || Some(crate_directory(&self.root, source)?.join(source.directory()));
        self.known().directories.entry(*source).or_insert_with(find).clone()
    }

    fn read(&self, name: String, path: PathBuf) -> Result<Asset, AssetError> {
        let unreadable = |source| AssetError::Unreadable { path: self.relative(&path), source };
        let file = File::open(&path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        let mut sniffer = Sniffer::new(file);
        let (digest, size) = Digest::of_reader(&mut sniffer).map_err(unreadable)?;
        let kind = sniffer.kind();
        let executable = metadata.permissions().mode() & 0o111 != 0;
        self.known().contents.insert(digest, Arc::new(Content::File(path)));
        Ok(Asset { name, digest, size, executable, kind, sensitive: false })
    }

    fn embedded(
        &self,
        source: &SourceLocation,
        name: &str,
        full_name: String,
    ) -> Result<Asset, AssetError> {
        let Some((_, bytes)) = source.embedded.iter().find(|(known, _)| *known == name) else {
            return Err(AssetError::Missing {
                name: name.to_owned(),
                looked_at: format!("{full_name} (embedded in crate {})", source.crate_name),
            });
        };
        let digest = Digest::of(bytes);
        self.known().contents.insert(digest, Arc::new(Content::Embedded(bytes)));
        let kind = AssetKind::of(bytes);
        let size = bytes.len() as u64;
        Ok(Asset { name: full_name, digest, size, executable: false, kind, sensitive: false })
    }

    fn walk(
        &self,
        prefix: &str,
        directory: &Path,
        below: &str,
        entries: &mut Vec<TreeEntry>,
    ) -> Result<(), AssetError> {
        let unreadable = |source| AssetError::Unreadable { path: self.relative(directory), source };
        for entry in std::fs::read_dir(directory).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = if below.is_empty() { name } else { format!("{below}/{name}") };
            let kind = entry.file_type().map_err(unreadable)?;
            let kind = if kind.is_symlink() {
                let target = std::fs::read_link(entry.path()).map_err(unreadable)?;
                TreeEntryKind::Symlink(target.to_string_lossy().into_owned())
            } else if kind.is_dir() {
                self.walk(prefix, &entry.path(), &path, entries)?;
                TreeEntryKind::Directory
            } else {
                TreeEntryKind::File(self.read(format!("{prefix}/{path}"), entry.path())?)
            };
            entries.push(TreeEntry { path, kind });
        }
        Ok(())
    }

    fn missing(&self, name: &str, path: &Path) -> AssetError {
        AssetError::Missing { name: name.to_owned(), looked_at: self.relative(path) }
    }

    fn relative(&self, path: &Path) -> String {
        path.strip_prefix(&self.root).unwrap_or(path).display().to_string()
    }
}

/// The crate's directory in the project, or where it was compiled if it lies elsewhere.
///
/// The directory that the derive recorded is the one of the machine that compiled; a project that
/// was moved or copied since has the crate under the same path below its own root.
fn crate_directory(root: &Path, source: &SourceLocation) -> Option<PathBuf> {
    if !source.embedded.is_empty() {
        return None;
    }
    let recorded = Path::new(source.manifest_dir);
    if recorded.starts_with(root) && recorded.is_dir() {
        return Some(recorded.to_owned());
    }
    let parts: Vec<_> = recorded.iter().skip(1).collect();
    let moved = (0..=parts.len())
        .map(|skip| parts[skip..].iter().fold(root.to_owned(), |path, part| path.join(part)))
        .find(|path| is_crate(path, source.crate_name));
    moved.or_else(|| recorded.is_dir().then(|| recorded.to_owned()))
}

fn is_crate(path: &Path, name: &str) -> bool {
    std::fs::read_to_string(path.join("Cargo.toml")).is_ok_and(|manifest| {
        manifest.lines().any(|line| {
            let (key, value) = line.split_once('=').unwrap_or_default();
            key.trim() == "name" && value.trim().trim_matches('"') == name
        })
    })
}

impl AssetCatalogue for ProjectAssets {
    fn find(&self, source: &SourceLocation, name: &str) -> Result<Asset, AssetError> {
        let full_name = full_name(source, name)?;
        if let Some(asset) = self.known().assets.get(&full_name) {
            return Ok(asset.clone());
        }
        let asset = match self.directory(source).map(|directory| directory.join(name)) {
            Some(path) if path.is_file() => self.read(full_name.clone(), path)?,
            Some(path) => return Err(self.missing(name, &path)),
            None => self.embedded(source, name, full_name.clone())?,
        };
        Ok(self.known().assets.entry(full_name).or_insert(asset).clone())
    }

    fn tree(&self, source: &SourceLocation, name: &str) -> Result<Vec<TreeEntry>, AssetError> {
        let full_name = full_name(source, name)?;
        let mut entries = Vec::new();
        match self.directory(source).map(|directory| directory.join(name)) {
            Some(path) if path.is_dir() => self.walk(&full_name, &path, "", &mut entries)?,
            Some(path) => return Err(self.missing(name, &path)),
            None => {
                for (known, _) in source.embedded {
                    let below = known.strip_prefix(name).and_then(|rest| rest.strip_prefix('/'));
                    let Some(path) = below else { continue };
                    let asset = self.embedded(source, known, format!("{full_name}/{path}"))?;
                    let kind = TreeEntryKind::File(asset);
                    entries.push(TreeEntry { path: path.to_owned(), kind });
                }
            }
        }
        entries.sort();
        Ok(entries)
    }
}

impl AssetStore for ProjectAssets {
    fn open(&self, asset: &Asset) -> Result<Box<dyn Read>, AssetError> {
        let content = self.known().contents.get(&asset.digest).cloned();
        match content.as_deref() {
            None => Err(AssetError::Gone { name: asset.name.clone(), digest: asset.digest }),
            Some(Content::Embedded(bytes)) => Ok(Box::new(*bytes)),
            Some(Content::File(path)) => match File::open(path) {
                Ok(file) => Ok(Box::new(file)),
                Err(source) => Err(AssetError::Unreadable { path: self.relative(path), source }),
            },
        }
    }
}
