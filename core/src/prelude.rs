//! What the author of components needs: `use togusa_core::prelude::*;`.

pub use anyhow::{Context as _, anyhow, bail, ensure};

pub use crate::address::{Address, ListenAddress};
pub use crate::assets::Asset;
pub use crate::attributes::Attributes;
pub use crate::component::{Component, Result};
pub use crate::context;
pub use crate::fault::HintExt as _;
pub use crate::host::{Exec, Machine, Probe};
pub use crate::names::{HostName, RootName};
pub use crate::path::HostPath;
pub use crate::registry::Registry;
pub use crate::resource::{Provider, Required, Resource};
pub use crate::scope::{Handle, Scope};
pub use crate::secret::Secret;
pub use crate::template::Template;
pub use crate::verdict::{Change, Verdict};
