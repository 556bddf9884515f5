//! All components: `use togusa_components::prelude::*;`.

#[cfg(feature = "accounts")]
pub use crate::Group;
#[cfg(feature = "sources")]
pub use crate::{Archive, Build, Download, GitCheckout};
#[cfg(feature = "edits")]
pub use crate::{Block, Line, Permissions, Values};
pub use crate::{Command, Directory, File, IntoMode, Location, Purge, Script, Symlink};
