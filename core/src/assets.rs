//! Assets: files beside the source of a component, known by the digest of their content.

mod kind;
mod project;
mod secret;

use std::fmt;
use std::io::Read;
use std::path::{Component as PathPart, Path};

use serde::{Deserialize, Serialize};

use crate::attributes::SourceLocation;
use crate::digest::Digest;
use crate::problem::{Code, code};
use crate::secret::digest_for_debug;

pub use kind::AssetKind;
pub use project::ProjectAssets;
pub use secret::LARGEST_SECRET_FILE;
pub(crate) use secret::{WithSecrets, full_name as secret_file_name};

/// A file beside a component's source, made by `scope.asset(…)`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Asset {
    /// The path as messages show it: crate, directory below it, name.
    pub name: String,
    /// The digest of the content.
    pub digest: Digest,
    /// The size in bytes.
    pub size: u64,
    /// Whether the file may be executed.
    pub executable: bool,
    /// What the content is.
    pub kind: AssetKind,
    /// Whether it is one of the environment's secret files: it is never shown, and an agent keeps it
    /// in memory alone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sensitive: bool,
}

impl fmt::Debug for Asset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.sensitive {
            let digest = digest_for_debug(&self.digest);
            return write!(f, "Asset({}, {digest}, {:?})", self.name, self.kind);
        }
        let executable = if self.executable { ", executable" } else { "" };
        write!(f, "Asset({}, {}, {:?}{executable})", self.name, self.digest, self.kind)
    }
}

/// One entry of a directory beside a component's source.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TreeEntry {
    /// The path below the directory, with `/`.
    pub path: String,
    /// What is there.
    pub kind: TreeEntryKind,
}

/// What an entry of a directory is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum TreeEntryKind {
    /// A file.
    File(Asset),
    /// A directory.
    Directory,
    /// A link with its target.
    Symlink(String),
}

/// Why an asset cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum AssetError {
    /// There is no such file.
    #[error("no asset `{name}`: looked for `{looked_at}`")]
    Missing {
        /// The name as the component gave it.
        name: String,
        /// Where it was looked for.
        looked_at: String,
    },
    /// The name leads out of the component's crate.
    #[error("asset `{name}` is not a relative path without `..`")]
    Outside {
        /// The name as the component gave it.
        name: String,
    },
    /// The file cannot be read.
    #[error("cannot read asset `{path}`")]
    Unreadable {
        /// The file.
        path: String,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// The environment has no such secret file.
    #[error("the environment has no secret file `{name}`")]
    NoSecretFile {
        /// The name as the component gave it.
        name: String,
    },
    /// A secret file is larger than what is held in memory.
    #[error("secret file `{name}` is larger than {} MiB", LARGEST_SECRET_FILE / 1024 / 1024)]
    TooLarge {
        /// The name as the component gave it.
        name: String,
    },
    /// No component above has a source location.
    #[error("asset `{name}`: no component here records where its source lies")]
    NoSource {
        /// The name as the component gave it.
        name: String,
    },
    /// The content is no longer what its digest says, or is not there.
    #[error("content of asset `{name}` ({digest}) is gone")]
    Gone {
        /// The asset's name.
        name: String,
        /// The digest that was looked for.
        digest: Digest,
    },
}

impl AssetError {
    /// What kind of problem it is.
    pub fn code(&self) -> Code {
        match self {
            Self::Missing { .. } => code::NO_ASSET,
            Self::Outside { .. } => code::ASSET_OUTSIDE,
            Self::Unreadable { .. } | Self::Gone { .. } => code::ASSET_UNREADABLE,
            Self::NoSecretFile { .. } => code::NO_SECRET_FILE,
            Self::TooLarge { .. } => code::SECRET_TOO_LARGE,
            Self::NoSource { .. } => code::NO_SOURCE,
        }
    }
}

/// Finds assets by name when the model is configured.
pub trait AssetCatalogue: Send + Sync {
    /// The asset with the given name beside a source.
    ///
    /// # Errors
    /// The asset is missing or cannot be read.
    fn find(&self, source: &SourceLocation, name: &str) -> Result<Asset, AssetError>;

    /// All that lies below a directory beside a source, sorted by path.
    ///
    /// # Errors
    /// The directory is missing or something in it cannot be read.
    fn tree(&self, source: &SourceLocation, name: &str) -> Result<Vec<TreeEntry>, AssetError>;

    /// The secret file of the environment with the given name.
    ///
    /// # Errors
    /// There is none, or it is too large.
    fn secret_file(&self, name: &str) -> Result<Asset, AssetError> {
        Err(AssetError::NoSecretFile { name: name.to_owned() })
    }
}

/// Gives the content of assets by digest.
pub trait AssetStore: Send + Sync {
    /// Opens the content of an asset. Who reads it must compare the digest of what came.
    ///
    /// # Errors
    /// The content is not there.
    fn open(&self, asset: &Asset) -> Result<Box<dyn Read>, AssetError>;
}

/// Reads the whole content of an asset and compares its digest.
///
/// # Errors
/// The content is not there, or is another by now.
pub fn read(store: &dyn AssetStore, asset: &Asset) -> Result<Vec<u8>, AssetError> {
    let mut content = Vec::with_capacity(usize::try_from(asset.size).unwrap_or(0));
    store
        .open(asset)?
        .read_to_end(&mut content)
        .map_err(|source| AssetError::Unreadable { path: asset.name.clone(), source })?;
    if Digest::of(&content) != asset.digest {
        return Err(AssetError::Gone { name: asset.name.clone(), digest: asset.digest });
    }
    Ok(content)
}

/// The name of an asset that is the same on every machine: crate, directory below it, name.
pub(crate) fn full_name(source: &SourceLocation, name: &str) -> Result<String, AssetError> {
    let inside = Path::new(name)
        .components()
        .all(|part| matches!(part, PathPart::Normal(_) | PathPart::CurDir));
    if !inside || name.is_empty() {
        return Err(AssetError::Outside { name: name.to_owned() });
    }
    let directory = source.directory();
    let separator = if directory.is_empty() { "" } else { "/" };
    Ok(format!("{}/{directory}{separator}{name}", source.crate_name))
}

impl SourceLocation {
    /// The directory of the source file, relative to the crate's own: `src` or `src/sub`.
    ///
    /// `file!()` is relative to the workspace for its members, and absolute for other crates; what
    /// follows the crate's directory is common to both.
    pub fn directory(&self) -> &'static str {
        let file = self.file.strip_prefix(self.manifest_dir).map(|rest| rest.trim_matches('/'));
        let inside = file.unwrap_or_else(|| {
            let suffixes = self.manifest_dir.match_indices('/').map(|(at, _)| at + 1);
            let below = suffixes.filter_map(|at| {
                self.file.strip_prefix(&self.manifest_dir[at..])?.strip_prefix('/')
            });
            below.min_by_key(|rest| rest.len()).unwrap_or(self.file)
        });
        inside.rsplit_once('/').map_or("", |(directory, _)| directory)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn location(manifest_dir: &'static str, file: &'static str) -> SourceLocation {
        SourceLocation { crate_name: "web", manifest_dir, file, embedded: &[] }
    }

    #[test]
    fn the_directory_of_a_source_is_relative_to_its_crate() {
        assert_eq!(location("/x/shop/web", "web/src/lib.rs").directory(), "src");
        assert_eq!(location("/x/shop/web", "/x/shop/web/src/a/b.rs").directory(), "src/a");
        assert_eq!(location("/x/shop", "src/main.rs").directory(), "src");
        assert_eq!(location("/x/src/shop", "src/shop/src/main.rs").directory(), "src");
    }

    #[test]
    fn names_do_not_lead_out_of_the_crate() {
        let source = location("/x/shop/web", "web/src/lib.rs");
        assert_eq!(full_name(&source, "a/b.conf").unwrap(), "web/src/a/b.conf");
        assert!(full_name(&source, "../b.conf").is_err());
        assert!(full_name(&source, "/etc/passwd").is_err());
    }
}
