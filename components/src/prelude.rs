//! All components: `use togusa_components::prelude::*;`.

#[cfg(feature = "services")]
pub use crate::services::Program;
pub use crate::{Command, Directory, File, IntoMode, Location, Purge, Symlink};
