//! What each root manages on its host, so that what left the model can be found.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{StateError, durable};
use crate::names::{Breadcrumb, RootName};

/// What a root manages, or managed once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Managed {
    pub(crate) root: Option<RootName>,
    /// By kind and path or name.
    pub(crate) items: BTreeMap<String, Item>,
}

/// One thing that a root manages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Item {
    /// What it is: `file`, `directory`, `user`.
    pub(crate) kind: String,
    /// Its path, `~` unexpanded, or its name.
    pub(crate) name: String,
    /// The component that manages it.
    pub(crate) breadcrumb: Breadcrumb,
    /// The component is no longer in the model.
    pub(crate) left: bool,
}

impl Managed {
    /// Whether a root has ever begun to converge here.
    pub(crate) fn exists(state: &Path, root: &RootName) -> bool {
        state.join("managed").join(durable::file_name(&[root.as_str()])).exists()
    }

    /// Records what a root manages now, before it touches any of it.
    ///
    /// What it managed before and no longer does stays in the record, as having left.
    pub(crate) fn record(
        state: &Path,
        root: &RootName,
        now: impl IntoIterator<Item = (String, String, Breadcrumb)>,
    ) -> Result<(), StateError> {
        let directory = state.join("managed");
        let path = directory.join(durable::file_name(&[root.as_str()]));
        let before = durable::read::<Self>(&path)?.unwrap_or_default();
        let mut record = Self { root: Some(root.clone()), items: before.items.clone() };
        for item in record.items.values_mut() {
            item.left = true;
        }
        for (kind, name, breadcrumb) in now {
            let key = format!("{kind} {name}");
            record.items.insert(key, Item { kind, name, breadcrumb, left: false });
        }
        if record.items == before.items && before.root.is_some() {
            return Ok(());
        }
        durable::create_directory(&directory)?;
        durable::write(&path, &record)
    }
}
