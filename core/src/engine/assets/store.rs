//! Contents of assets on the agent's disk.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Read, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::assets::{Asset, AssetError, AssetStore};
use crate::digest::Digest;
use crate::step::step;

/// Contents of assets on the agent's disk, by digest.
#[derive(Debug)]
pub(in crate::engine) struct DiskStore {
    directory: PathBuf,
}

impl DiskStore {
    pub(in crate::engine) fn open(directory: PathBuf) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&directory)?;
        Ok(Self { directory })
    }

    /// Removes contents that nobody wants, and what transfers that broke have left. What is younger
    /// than `young` stays: another deployment may be receiving it.
    pub(in crate::engine) fn prune(
        &self,
        wanted: &BTreeSet<Digest>,
        young: Duration,
    ) -> io::Result<()> {
        for entry in fs::read_dir(&self.directory)? {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let is_wanted = name.parse().is_ok_and(|digest| wanted.contains(&digest));
            let age = entry.metadata()?.modified()?.elapsed().unwrap_or_default();
            if !is_wanted && age > young {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    fn path(&self, digest: Digest) -> PathBuf {
        self.directory.join(digest.to_string())
    }

    /// Those whose content is not there.
    pub(in crate::engine) fn missing<'a>(
        &self,
        assets: impl Iterator<Item = &'a Asset>,
    ) -> Vec<Asset> {
        let by_digest: BTreeMap<_, _> = assets.map(|asset| (asset.digest, asset)).collect();
        let missing = by_digest.into_iter().filter(|(digest, asset)| {
            let there = self.path(*digest).metadata();
            !there.is_ok_and(|metadata| metadata.len() == asset.size)
        });
        missing.map(|(_, asset)| asset.clone()).collect()
    }

    /// Takes in the content of an asset piece by piece; it is there only when its digest is right.
    pub(in crate::engine) fn receive(
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
pub(in crate::engine) fn store_directory(store: Option<&str>, home: &Path) -> PathBuf {
    let store = store.unwrap_or("~/.cache/togusa");
    match store.strip_prefix("~/") {
        Some(below) => home.join(below).join("assets"),
        None => Path::new(store).join("assets"),
    }
}
