//! The assets that an agent knows: those that were handed over, with their content in its store.

mod references;
mod secret;
mod store;

use std::collections::BTreeMap;

use crate::assets::{self, Asset, AssetCatalogue, AssetError, TreeEntry};
use crate::attributes::SourceLocation;
use crate::protocol::HandOver;

pub(super) use references::References;
pub(super) use secret::SecretStore;
pub(super) use store::{DiskStore, store_directory};

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
}

fn not_handed_over(name: String) -> AssetError {
    AssetError::Missing { looked_at: "what was handed over to this host".to_owned(), name }
}

impl AssetCatalogue for HandedAssets {
    fn find(&self, source: &SourceLocation, name: &str) -> Result<Asset, AssetError> {
        let name = assets::full_name(source, name)?;
        self.assets.get(&name).cloned().ok_or_else(|| not_handed_over(name))
    }

    fn tree(&self, source: &SourceLocation, name: &str) -> Result<Vec<TreeEntry>, AssetError> {
        let name = assets::full_name(source, name)?;
        self.trees.get(&name).cloned().ok_or_else(|| not_handed_over(name))
    }

    fn secret_file(&self, name: &str) -> Result<Asset, AssetError> {
        let name = assets::secret_file_name(name);
        self.assets.get(&name).cloned().ok_or_else(|| not_handed_over(name))
    }
}
