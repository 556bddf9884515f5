//! The assets that an agent knows: those that were handed over, with their content in its store.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use crate::assets::{Asset, AssetCatalogue, AssetError, AssetStore, TreeEntry, TreeEntryKind};
use crate::attributes::SourceLocation;
use crate::digest::Digest;
use crate::protocol::HandOver;
use crate::step::step;

/// The names that were handed over.
#[derive(Debug)]
pub(super) struct HandedAssets {
    assets: BTreeMap<String, Asset>,
    trees: BTreeMap<String, Vec<TreeEntry>>,
}

impl HandedAssets {
    pub(super) fn new(hand_over: &HandOver) -> Self {
        let assets = hand_over.assets.iter();
        Self {
            assets: assets.map(|asset| (asset.name.clone(), asset.clone())).collect(),
            trees: hand_over.trees.clone(),
        }
    }

    /// Every asset whose content may be asked for.
    pub(super) fn all(&self) -> impl Iterator<Item = &Asset> {
        let in_trees = self.trees.values().flatten().filter_map(|entry| match &entry.kind {
            TreeEntryKind::File(asset) => Some(asset),
            _ => None,
        });
        self.assets.values().chain(in_trees)
    }
}

fn not_handed_over(name: String) -> AssetError {
    AssetError::Missing { looked_at: "what was handed over to this host".to_owned(), name }
}

impl AssetCatalogue for HandedAssets {
    fn find(&self, source: &SourceLocation, name: &str) -> Result<Asset, AssetError> {
        let name = crate::assets::full_name(source, name)?;
        self.assets.get(&name).cloned().ok_or_else(|| not_handed_over(name))
    }

    fn tree(&self, source: &SourceLocation, name: &str) -> Result<Vec<TreeEntry>, AssetError> {
        let name = crate::assets::full_name(source, name)?;
        self.trees.get(&name).cloned().ok_or_else(|| not_handed_over(name))
    }
}

/// Contents of assets on the agent's disk, by digest.
#[derive(Debug)]
pub(super) struct DiskStore {
    directory: PathBuf,
}

impl DiskStore {
    pub(super) fn open(directory: PathBuf) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&directory)?;
        Ok(Self { directory })
    }

    fn path(&self, digest: Digest) -> PathBuf {
        self.directory.join(digest.to_string())
    }

    /// Those whose content is not there.
    pub(super) fn missing<'a>(&self, assets: impl Iterator<Item = &'a Asset>) -> Vec<Asset> {
        let by_digest: BTreeMap<_, _> = assets.map(|asset| (asset.digest, asset)).collect();
        let missing = by_digest.into_iter().filter(|(digest, asset)| {
            let there = self.path(*digest).metadata();
            !there.is_ok_and(|metadata| metadata.len() == asset.size)
        });
        missing.map(|(_, asset)| asset.clone()).collect()
    }

    /// Takes in the content of an asset piece by piece; it is there only when its digest is right.
    pub(super) fn receive(
        &self,
        asset: &Asset,
        mut next: impl FnMut() -> io::Result<Vec<u8>>,
    ) -> io::Result<()> {
        let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(&self.directory)?;
        let mut left = asset.size;
        while left > 0 {
            let piece = next()?;
            left = left.checked_sub(piece.len() as u64).ok_or(io::ErrorKind::InvalidData)?;
            file.write_all(&piece)?;
        }
        file.as_file().sync_all()?;
        let (digest, _) = Digest::of_reader(File::open(file.path())?)?;
        if digest != asset.digest {
            let message = format!("what came for asset `{}` has another digest", asset.name);
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        file.persist(self.path(asset.digest))?;
        step("asset-stored");
        Ok(())
    }
}

impl AssetStore for DiskStore {
    fn open(&self, asset: &Asset) -> Result<Box<dyn Read>, AssetError> {
        match File::open(self.path(asset.digest)) {
            Ok(file) => Ok(Box::new(file)),
            Err(_) => Err(AssetError::Gone { name: asset.name.clone(), digest: asset.digest }),
        }
    }
}

/// Where the agent keeps what it was sent.
pub(super) fn store_directory(store: Option<&str>, home: &Path) -> PathBuf {
    let store = store.unwrap_or("~/.cache/togusa");
    match store.strip_prefix("~/") {
        Some(below) => home.join(below).join("assets"),
        None => Path::new(store).join("assets"),
    }
}
