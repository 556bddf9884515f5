//! The secret files of an environment, beside the assets of the project.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{Cursor, Read};
use std::ops::Deref;

use super::{Asset, AssetCatalogue, AssetError, AssetKind, AssetStore, TreeEntry};
use crate::attributes::SourceLocation;
use crate::digest::Digest;
use crate::secret::Secret;

/// The size that a secret file may have, in bytes: agents hold it in memory.
pub const LARGEST_SECRET_FILE: usize = 10 * 1024 * 1024;

/// The assets of a project with the secret files of an environment.
pub(crate) struct WithSecrets<A> {
    assets: A,
    files: BTreeMap<String, (Asset, Secret<Vec<u8>>)>,
}

impl<A> WithSecrets<A> {
    pub(crate) fn new(assets: A, files: &BTreeMap<String, Secret<Vec<u8>>>) -> Self {
        let files = files.iter().map(|(name, content)| {
            let asset = Asset {
                name: full_name(name),
                digest: Digest::of(content.expose()),
                size: content.expose().len() as u64,
                executable: false,
                kind: AssetKind::of(content.expose()),
                sensitive: true,
            };
            (name.clone(), (asset, content.clone()))
        });
        Self { assets, files: files.collect() }
    }
}

/// What messages call it; no crate has such a name.
pub(crate) fn full_name(name: &str) -> String {
    format!("secret file {name}")
}

impl<A> AssetCatalogue for WithSecrets<A>
where
    A: Deref<Target: AssetCatalogue> + Send + Sync,
{
    fn find(&self, source: &SourceLocation, name: &str) -> Result<Asset, AssetError> {
        self.assets.find(source, name)
    }

    fn tree(&self, source: &SourceLocation, name: &str) -> Result<Vec<TreeEntry>, AssetError> {
        self.assets.tree(source, name)
    }

    fn secret_file(&self, name: &str) -> Result<Asset, AssetError> {
        match self.files.get(name) {
            None => Err(AssetError::NoSecretFile { name: name.to_owned() }),
            Some((asset, _)) if asset.size > LARGEST_SECRET_FILE as u64 => {
                Err(AssetError::TooLarge { name: name.to_owned() })
            }
            Some((asset, _)) => Ok(asset.clone()),
        }
    }
}

impl<A> AssetStore for WithSecrets<A>
where
    A: Deref<Target: AssetStore> + Send + Sync,
{
    fn open(&self, asset: &Asset) -> Result<Box<dyn Read>, AssetError> {
        if !asset.sensitive {
            return self.assets.open(asset);
        }
        let mut files = self.files.values();
        match files.find(|(known, _)| known == asset) {
            Some((_, content)) => Ok(Box::new(Cursor::new(content.clone()))),
            None => Err(AssetError::Gone { name: asset.name.clone(), digest: asset.digest }),
        }
    }
}

impl<A> fmt::Debug for WithSecrets<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WithSecrets({} files)", self.files.len())
    }
}
