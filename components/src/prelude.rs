//! All components: `use togusa_components::prelude::*;`.

pub use crate::{Command, Directory, File, IntoMode, Location, Purge, Symlink};
