//! All components: `use togusa_components::prelude::*;`.

pub use crate::{Command, Directory, File, IntoMode, Location, Purge, Symlink};
#[cfg(feature = "accounts")]
pub use crate::{Group, User};
