//! The secret files that an agent was sent.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::assets::{Asset, AssetError, AssetStore, LARGEST_SECRET_FILE};
use crate::digest::Digest;
use crate::secret::Secret;

/// Secret files, in memory alone, beside all other assets.
pub(in crate::engine) struct SecretStore {
    others: Arc<dyn AssetStore>,
    contents: BTreeMap<Digest, Secret<Vec<u8>>>,
}

impl SecretStore {
    pub(in crate::engine) fn new(others: Arc<dyn AssetStore>) -> Self {
        Self { others, contents: BTreeMap::new() }
    }

    /// Takes in the content of a secret file piece by piece.
    pub(in crate::engine) fn receive(
        &mut self,
        asset: &Asset,
        mut next: impl FnMut() -> io::Result<Vec<u8>>,
    ) -> io::Result<Secret<Vec<u8>>> {
        let size = usize::try_from(asset.size).ok().filter(|size| *size <= LARGEST_SECRET_FILE);
        let size = size.ok_or_else(|| io::Error::other("a secret file is too large"))?;
        // With all its room from the beginning no copy is left behind when it grows.
        let mut content = Zeroizing::new(Vec::with_capacity(size));
        while content.len() < size {
            let piece = Zeroizing::new(next()?);
            if piece.len() > size - content.len() {
                return Err(io::ErrorKind::InvalidData.into());
            }
            content.extend_from_slice(&piece);
        }
        if Digest::of(&content) != asset.digest {
            let message = format!("what came for {} has another digest", asset.name);
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        let secret = Secret::new(std::mem::take(&mut *content));
        self.contents.insert(asset.digest, secret.clone());
        Ok(secret)
    }
}

impl AssetStore for SecretStore {
    fn open(&self, asset: &Asset) -> Result<Box<dyn Read>, AssetError> {
        if !asset.sensitive {
            return self.others.open(asset);
        }
        match self.contents.get(&asset.digest) {
            Some(content) => Ok(Box::new(io::Cursor::new(content.clone()))),
            None => Err(AssetError::Gone { name: asset.name.clone(), digest: asset.digest }),
        }
    }
}
