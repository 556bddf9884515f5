//! All components: `use togusa_components::prelude::*;`.

#[cfg(feature = "accounts")]
pub use crate::Group;
pub use crate::{Command, Directory, File, IntoMode, Location, Purge, Symlink};
